package imap

import (
	"slices"
	"strconv"
	"strings"

	goimap "github.com/emersion/go-imap/v2"

	"github.com/offlineimap/offlineimapd/sync/imap/wire"
	"github.com/offlineimap/offlineimapd/sync/mail"
)

// canonical spells INBOX, which alone is the same in any case (RFC 9051,
// section 5.1).
func canonical(name string) string {
	if strings.EqualFold(name, "INBOX") {
		return "INBOX"
	}
	return name
}

// box is a mailbox as SELECT told of it.
type box struct {
	name     string // "": none is selected
	examined bool   // by EXAMINE
	readOnly bool   // the server says READ-ONLY
	validity uint32
	next     mail.UID
	modseq   mail.ModSeq // 0: none (NOMODSEQ, or no CONDSTORE)
	exists   uint32      // when it was selected
	flags    []goimap.Flag
	perm     []goimap.Flag
	hasPerm  bool
}

// stamp is what the mailbox looked like when it was selected.
func (b *box) stamp() mail.Stamp {
	return mail.Stamp{
		UIDValidity: b.validity, UIDNext: b.next, ModSeq: b.modseq, Messages: b.exists,
		Sure: b.validity != 0 && b.next != 0 && b.modseq != 0,
	}
}

// mask holds the flags that the mailbox can keep. Where nothing can be changed,
// which also empties PERMANENTFLAGS, it holds those that may occur.
func (b *box) mask(t *flagTable) mail.Flags {
	listed := t.mask(b.flags)
	switch {
	case b.readOnly || b.examined:
		return listed | mail.SystemFlags
	case !b.hasPerm:
		return listed // RFC 9051, section 7.1: all of them
	case slices.Contains(b.perm, goimap.FlagWildcard):
		// FLAGS has the system flags at least (RFC 9051, section 7.3.5). A server that
		// lists only what occurs so far says nothing against the others.
		return t.mask(b.perm) | mail.SystemFlags&^listed
	}
	return t.mask(b.perm)
}

// selecting returns the command that selects a mailbox, and the box that it
// fills. x.box becomes that box only when the server has said OK.
func selecting(name string, o wire.SelectOptions) (*wire.Command, *box) {
	b := &box{name: name, examined: o.ReadOnly}
	k := wire.Select(name, o)
	k.Handler = &wire.Handler{
		Exists: func(n uint32) { b.exists = n },
		Flags: func(flags []goimap.Flag, permanent bool) {
			if permanent {
				b.perm, b.hasPerm = slices.Clone(flags), true
			} else {
				b.flags = slices.Clone(flags)
			}
		},
		Code: b.code,
	}
	return k, b
}

// code takes the response codes of SELECT (RFC 9051, section 6.3.2, RFC 7162,
// section 3.1.2). CLOSED ends what belongs to the mailbox selected before.
func (b *box) code(code, arg string) {
	n, err := strconv.ParseUint(strings.TrimSpace(arg), 10, 64)
	switch {
	case code == "CLOSED":
		*b = box{name: b.name, examined: b.examined}
	case code == "NOMODSEQ":
		b.modseq = 0
	case code == "HIGHESTMODSEQ" && err == nil && n < 1<<63:
		b.modseq = mail.ModSeq(n)
	case code == "UIDVALIDITY" && err == nil && n < 1<<32:
		b.validity = uint32(n)
	case code == "UIDNEXT" && err == nil && n < 1<<32:
		b.next = mail.UID(n)
	}
}

// selected makes the answer to SELECT known to the session.
func (x *session) selected(b *box, r wire.Result) bool {
	if !r.OK() {
		x.box = box{} // RFC 9051, section 6.3.2: the one before is closed too
		return false
	}
	b.readOnly = r.Code == "READ-ONLY"
	if !x.condstore() {
		b.modseq = 0
	}
	x.box = *b
	return true
}

// uidSet translates a set.
func uidSet(s mail.Set) goimap.UIDSet {
	u := make(goimap.UIDSet, len(s))
	for i, r := range s {
		u[i] = goimap.UIDRange{Start: goimap.UID(r.First), Stop: goimap.UID(r.Last)}
	}
	return u
}

// ranges translates a set that a server sent. "*" has no place in one.
func ranges(u goimap.UIDSet) []mail.Range {
	rs := make([]mail.Range, 0, len(u))
	for _, r := range u {
		if r.Start != 0 && r.Stop != 0 {
			rs = append(rs, mail.Range{First: mail.UID(r.Start), Last: mail.UID(r.Stop)})
		}
	}
	return rs
}

// longestSet is how much of a command line a set may take: servers accept lines
// of 8000 octets (RFC 7162, section 4).
const longestSet = 7500

// chunks cuts a set so that each part can be written in one command.
func chunks(s mail.Set) []mail.Set {
	var parts []mail.Set
	for len(s) > 0 {
		n, octets := 0, 0
		for n < len(s) {
			octets += len(s[n:n+1].String()) + 1
			if octets > longestSet && n > 0 {
				break
			}
			n++
		}
		parts = append(parts, s[:n])
		s = s[n:]
	}
	return parts
}
