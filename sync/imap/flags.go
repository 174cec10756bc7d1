package imap

import (
	"fmt"
	"math/bits"
	"strings"

	goimap "github.com/emersion/go-imap/v2"

	"github.com/offlineimap/offlineimapd/sync/mail"
)

// flagTable translates between IMAP's flags and those of package mail. It never
// changes.
type flagTable struct {
	name [32]goimap.Flag // by bit; "": the letter stands for no keyword
	all  mail.Flags      // those with a name
}

const forwarded = goimap.Flag("$Forwarded") // RFC 9051, section 2.3.2

func newFlagTable(keywords map[byte]string) *flagTable {
	t := &flagTable{}
	put := func(f mail.Flags, name goimap.Flag) {
		t.name[bits.TrailingZeros32(uint32(f))] = name
		t.all |= f
	}
	put(mail.Draft, goimap.FlagDraft)
	put(mail.Flagged, goimap.FlagFlagged)
	put(mail.Passed, forwarded)
	put(mail.Replied, goimap.FlagAnswered)
	put(mail.Seen, goimap.FlagSeen)
	put(mail.Trashed, goimap.FlagDeleted)
	for letter, name := range keywords {
		if letter >= 'a' && letter <= 'z' && name != "" {
			put(mail.Letter(letter), goimap.Flag(name))
		}
	}
	return t
}

// parse returns the flags of one name, in any case (RFC 9051, section 2.3.2);
// several, where letters share a keyword.
func (t *flagTable) parse(name goimap.Flag) mail.Flags {
	var f mail.Flags
	for i, n := range t.name {
		if n != "" && strings.EqualFold(string(n), string(name)) {
			f |= 1 << i
		}
	}
	return f
}

// list returns the names of flags; those without one are left out.
func (t *flagTable) list(f mail.Flags) []goimap.Flag {
	var names []goimap.Flag
	for g := f & t.all; g != 0; g &= g - 1 {
		names = append(names, t.name[bits.TrailingZeros32(uint32(g))])
	}
	return names
}

// mask returns the flags that a list of names covers, as PERMANENTFLAGS does:
// "\*" stands for any keyword.
func (t *flagTable) mask(names []goimap.Flag) mail.Flags {
	var f mail.Flags
	for _, n := range names {
		if n == goimap.FlagWildcard {
			f |= t.all &^ mail.SystemFlags
			continue
		}
		f |= t.parse(n)
	}
	return f
}

// keywords says, once a store, that a mailbox does not keep keywords which a person
// has given letters to. Of $Forwarded nothing is said: nobody has asked for it.
func (f *folder) keywords(b *box, mask mail.Flags) {
	lost := f.s.flags.all &^ (mask | mail.SystemFlags | mail.Passed)
	if lost == 0 || f.readOnly || b.readOnly {
		return
	}
	f.s.lacking.Do(func() {
		var names []string
		for _, n := range f.s.flags.list(lost) {
			names = append(names, string(n))
		}
		f.s.o.OnText(fmt.Sprintf("%s lets nobody set the keywords %s in %s: the letters %s stay in the files here, and are not carried over",
			f.s.o.Host, strings.Join(names, ", "), f, lost))
	})
}

// flagReader parses the flags of many mails. Servers use a few names over and
// over again; it belongs to one session.
type flagReader struct {
	table *flagTable
	known map[goimap.Flag]mail.Flags
}

func newFlagReader(t *flagTable) flagReader {
	return flagReader{table: t, known: make(map[goimap.Flag]mail.Flags)}
}

func (r *flagReader) read(names []goimap.Flag) mail.Flags {
	var f mail.Flags
	for _, n := range names {
		g, ok := r.known[n]
		if !ok {
			g = r.table.parse(n)
			if len(r.known) < 1024 {
				r.known[goimap.Flag(strings.Clone(string(n)))] = g
			}
		}
		f |= g
	}
	return f
}
