package wire

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/emersion/go-imap/v2"

	"github.com/offlineimap/offlineimapd/sync/store"
)

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
// Text) and has a store class: the one that its code stands for (Auth, Temporary),
// else Protocol for a BAD and Refused for a NO. Its scope is the store's; whoever
// knows the command may narrow it.
func (r Result) Err() error {
	if r.OK() {
		return nil
	}
	return store.Fail(r.class(), store.ScopeStore, &imap.Error{
		Type: imap.StatusResponseType(r.Kind), Code: imap.ResponseCode(r.Code), Text: r.Text,
	})
}

// class reads the codes of RFC 9051, section 7.1, and RFC 5530.
func (r Result) class() store.Class {
	switch r.Code {
	case "AUTHENTICATIONFAILED", "AUTHORIZATIONFAILED", "EXPIRED", "PRIVACYREQUIRED":
		return store.Auth
	case "UNAVAILABLE", "INUSE", "SERVERBUG", "LIMIT", "TEMPFAIL", "INPROGRESS", "THROTTLED":
		return store.Temporary
	}
	if r.Kind == "BAD" {
		return store.Protocol
	}
	return store.Refused
}

// AppendUID returns what APPENDUID says (RFC 4315, section 3): the UIDs in the
// order of the mails. ok is false where there is none, or it cannot be read.
func (r Result) AppendUID() (validity uint32, uids []imap.UID, ok bool) {
	f := strings.Fields(r.Arg)
	if r.Code != "APPENDUID" || len(f) != 2 {
		return 0, nil, false
	}
	v, err := strconv.ParseUint(f[0], 10, 32)
	if err != nil || v == 0 {
		return 0, nil, false
	}
	uids, ok = parseList(f[1])
	return uint32(v), uids, ok
}

// CopyUID returns what COPYUID says (RFC 4315, section 3): src[i] became dst[i].
// The COPYUID of a MOVE comes in an untagged OK (RFC 6851, section 4.3), whose
// code ParseCopyUID reads.
func (r Result) CopyUID() (validity uint32, src, dst []imap.UID, ok bool) {
	if r.Code != "COPYUID" {
		return 0, nil, nil, false
	}
	return ParseCopyUID(r.Arg)
}

// ParseCopyUID reads the argument of a COPYUID code.
func ParseCopyUID(arg string) (validity uint32, src, dst []imap.UID, ok bool) {
	f := strings.Fields(arg)
	if len(f) != 3 {
		return 0, nil, nil, false
	}
	v, err := strconv.ParseUint(f[0], 10, 32)
	if err != nil || v == 0 {
		return 0, nil, nil, false
	}
	src, ok1 := parseList(f[1])
	dst, ok2 := parseList(f[2])
	if !ok1 || !ok2 || len(src) != len(dst) {
		return 0, nil, nil, false
	}
	return uint32(v), src, dst, true
}

// Modified returns the UIDs of MODIFIED (RFC 7162, section 3.1.3).
func (r Result) Modified() imap.UIDSet {
	if r.Code != "MODIFIED" {
		return nil
	}
	set, err := parseSet([]byte(strings.TrimSpace(r.Arg)))
	if err != nil {
		return nil
	}
	return set
}

// String is for logs.
func (r Result) String() string {
	if r.Code == "" {
		return fmt.Sprintf("%s %s", r.Kind, r.Text)
	}
	return fmt.Sprintf("%s [%s] %s", r.Kind, strings.TrimSpace(r.Code+" "+r.Arg), r.Text)
}
