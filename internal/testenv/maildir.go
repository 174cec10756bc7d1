package testenv

import "time"

// File is one mail file of a Maildir.
type File struct {
	Name   string // without directory
	Sub    string // cur or new
	UID    uint32 // after U=, else 0
	Flags  string // the letters after :2, sorted
	Time   time.Time
	Size   int64
	SHA256 string // of the octets after CRLF -> LF, in hex
}

// MaildirSnapshot reads a tree of Maildirs below root: every directory that
// holds cur, new and tmp, by its path relative to root ("." for root itself).
// Files are sorted by UID, then name. A file in tmp is reported with Sub tmp.
func MaildirSnapshot(t T, root string) map[string][]File { return nil }
