package merge

import (
	"cmp"
	"slices"

	"github.com/offlineimap/offlineimapd/sync/mail"
)

// presence says what a snapshot tells of one mail.
type presence uint8

const (
	absent  presence = iota
	unknown          // it exists, and nothing else is known of it
	assumed          // not mentioned, so as in the base
	listed
)

// cursor walks along a snapshot; the UIDs it is asked for ascend.
type cursor struct {
	entries []mail.Entry
	all     mail.Set
	proof   bool // what is neither in entries nor in all is not there
	met     int  // UIDs of all that were asked for
	size    int  // of all
}

func newCursor(s *mail.Snapshot) cursor {
	if s.Unchanged {
		return cursor{}
	}
	c := cursor{entries: ascending(s.Entries), proof: s.Full || s.All != nil}
	if !s.Full {
		c.all = s.All
		c.size = s.All.Len()
	}
	return c
}

// at tells whether the mail u, of which the base has flags b if it has it, is
// there, and with which flags.
func (c *cursor) at(u mail.UID, inBase bool, b mail.Flags) (presence, mail.Flags) {
	for len(c.all) > 0 && c.all[0].Last < u {
		c.all = c.all[1:]
	}
	inAll := len(c.all) > 0 && c.all[0].First <= u
	if inAll {
		c.met++
	}
	// A mail that is listed with its flags but missing from All came or went
	// between the two commands: it counts as there, since nothing proves
	// otherwise.
	if len(c.entries) > 0 && c.entries[0].UID == u {
		f := c.entries[0].Flags
		c.entries = c.entries[1:]
		return listed, f
	}
	switch {
	case inAll && !inBase:
		return unknown, 0
	case inAll:
		return listed, b
	case inBase && !c.proof:
		return assumed, b
	}
	return absent, 0
}

// unexplained tells whether All has mails that nobody asked for, since neither
// the base nor any snapshot has their flags.
func (c *cursor) unexplained() bool { return c.met < c.size }

// ascending returns es in ascending order, each UID once. A mail that the walk
// passes over would look removed, so the order is not taken on trust.
func ascending(es []mail.Entry) []mail.Entry {
	last := mail.UID(0)
	for _, e := range es {
		if e.UID <= last {
			return sorted(es)
		}
		last = e.UID
	}
	return es
}

func sorted(es []mail.Entry) []mail.Entry {
	es = slices.Clone(es)
	slices.SortStableFunc(es, func(a, b mail.Entry) int { return cmp.Compare(a.UID, b.UID) })
	es = slices.CompactFunc(es, func(a, b mail.Entry) bool { return a.UID == b.UID })
	if len(es) > 0 && es[0].UID == 0 {
		es = es[1:]
	}
	return es
}
