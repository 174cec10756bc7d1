package wire

import (
	"fmt"
	"strings"

	"github.com/emersion/go-imap/v2"

	"github.com/offlineimap/offlineimapd/sync/store"
)

// Command is one command, made by a constructor. Constructors report what
// cannot be written (an empty set, a flag that is no atom, a line break in
// a text) through Run, which then sends nothing. A command may be run again.
type Command struct {
	// Handler, where not nil, receives what comes while this command is the
	// oldest unanswered one of its flight; fields that are nil there fall
	// to the handler of the call. ESEARCH data goes to the command it names.
	Handler *Handler
	parts   []part
	err     error
}

// newCommand makes a command of texts, each as it stands, and strings.
func newCommand(parts ...part) *Command {
	k := &Command{parts: parts}
	for _, p := range parts {
		if p.str {
			if strings.IndexByte(p.text, 0) >= 0 { // RFC 9051, section 9: CHAR8
				k.err = unwritable("a string with a NUL octet")
			}
		} else if strings.ContainsAny(p.text, "\r\n\x00") {
			k.err = unwritable("a command with a line break or NUL: %q", p.text)
		}
	}
	return k
}

func unwritable(format string, args ...any) error {
	return store.Fail(store.Local, store.ScopeFolder, fmt.Errorf("cannot be said in IMAP: "+format, args...))
}

func text(s string) part { return part{text: s} }
func str(s string) part  { return part{text: s, str: true} }

// onSet makes a command about mails; IMAP cannot write the empty set.
func onSet(set imap.UIDSet, parts ...part) *Command {
	k := newCommand(parts...)
	if len(set) == 0 {
		k.err = unwritable("%s of no mail", strings.TrimSpace(parts[0].text))
	}
	return k
}

// flagList writes flags as a list; each must be an atom, or one with a backslash
// before it (RFC 9051, section 9: flag).
func flagList(flags []imap.Flag) (string, error) {
	var sb strings.Builder
	for i, f := range flags {
		name := strings.TrimPrefix(string(f), `\`)
		bad := strings.IndexFunc(name, func(r rune) bool {
			return r <= ' ' || r >= 0x7f || strings.ContainsRune(`(){%*"\`, r)
		})
		if name == "" || bad >= 0 {
			return "", unwritable("the flag %q", f)
		}
		if i > 0 {
			sb.WriteByte(' ')
		}
		sb.WriteString(string(f))
	}
	return "(" + sb.String() + ")", nil
}
