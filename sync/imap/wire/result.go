package wire

import "github.com/emersion/go-imap/v2"

// Result is the tagged answer to a command.
type Result struct {
	Kind string // OK, NO or BAD
	Code string // response code in capitals, or ""
	Arg  string // what follows the code within the brackets
	Text string // for people
}

// OK tells whether the command succeeded.
func (r Result) OK() bool { return r.Kind == "OK" }

// Err returns nil for OK, else an error that wraps *imap.Error (Type, Code,
// Text) and has a store class: Auth, Refused for a NO, Temporary for a
// NO that may pass (UNAVAILABLE, INUSE, SERVERBUG …), Protocol for a BAD.
func (r Result) Err() error { return nil }

// AppendUID returns what APPENDUID says (RFC 4315, section 3): the UIDs in the
// order of the mails. ok is false where there is none, or it cannot be read.
func (r Result) AppendUID() (validity uint32, uids []imap.UID, ok bool) { return 0, nil, false }

// CopyUID returns what COPYUID says (RFC 4315, section 3): src[i] became dst[i].
// The COPYUID of a MOVE comes in an untagged OK (RFC 6851, section 4.3), whose
// code ParseCopyUID reads.
func (r Result) CopyUID() (validity uint32, src, dst []imap.UID, ok bool) { return 0, nil, nil, false }

// ParseCopyUID reads the argument of a COPYUID code.
func ParseCopyUID(arg string) (validity uint32, src, dst []imap.UID, ok bool) {
	return 0, nil, nil, false
}

// Modified returns the UIDs of MODIFIED (RFC 7162, section 3.1.3).
func (r Result) Modified() imap.UIDSet { return nil }
