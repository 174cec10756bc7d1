package names

import "errors"

// Options say how a server's names become names of local folders.
type Options struct {
	RemoteSep byte // hierarchy separator of the server; 0: it has none
	LocalSep  byte // separator of the local store (Maildir: sep); 0: it has none
	UTF8      bool // utf8foldernames: local names are the decoded form
}

var errSkeleton = errors.New("names: not there yet")

// Local returns the local name of a remote mailbox.
func Local(remote string, o Options) (string, error) { return "", errSkeleton }

// Remote returns the remote name of a local folder: Local of it is that folder.
func Remote(local string, o Options) (string, error) { return "", errSkeleton }

// Display returns the form of a raw name that is shown to people.
func Display(raw string) string { return raw }

// Raw returns the octets of a name that a person typed or Display returned.
func Raw(display string) string { return display }

// IsInbox tells whether a remote name is the INBOX, in any case (RFC 3501, section 5.1).
func IsInbox(remote string) bool { return false }

// Pair is a remote mailbox and the local folder it is kept in step with.
type Pair struct{ Remote, Local string }

// Check reports every local name that several remote mailboxes map to, and the other way round.
func Check(pairs []Pair) []error { return nil }

// FileName returns the name under which OfflineIMAP keeps a folder's metadata.
func FileName(folder string) string { return "" }
