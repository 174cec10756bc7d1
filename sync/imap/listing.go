package imap

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	goimap "github.com/emersion/go-imap/v2"

	"github.com/offlineimap/offlineimapd/sync/imap/wire"
	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// listing gathers what a server says of the mails of one mailbox, and keeps
// count of those that come and go meanwhile.
type listing struct {
	x       *session
	b       *box
	entries []mail.Entry
	exists  int  // as of the last word of the server
	stirred bool // a mail went while we listed
	gone    []mail.Range
	all     []mail.Range
	hasAll  bool
}

// wantEntries is how many entries are worth preparing for, whatever the server
// announces.
const wantEntries = 1 << 20

func newListing(x *session) *listing { return &listing{x: x} }

// selecting returns SELECT for a listing. With reserve room is made for every
// mail that the mailbox has.
func (l *listing) selecting(name string, o wire.SelectOptions, reserve bool) *wire.Command {
	k, b := selecting(name, o)
	l.b = b
	code := k.Handler.Code
	k.Handler.Code = func(c, arg string) {
		code(c, arg)
		if c == "CLOSED" { // RFC 7162, section 3.2.11: so far it was about the mailbox before
			l.entries, l.gone, l.stirred = l.entries[:0], nil, false
		}
	}
	k.Handler.Exists = func(n uint32) {
		b.exists, l.exists = n, int(n)
		if reserve && cap(l.entries) < int(n) {
			l.entries = make([]mail.Entry, 0, min(int(n)+16, wantEntries))
		}
	}
	return k
}

func (l *listing) handler() *wire.Handler {
	return &wire.Handler{
		Fetch:    l.fetched,
		Exists:   func(n uint32) { l.exists = int(n) },
		Expunge:  func(uint32) { l.exists, l.stirred = l.exists-1, true },
		Vanished: l.vanished,
		Search:   l.found,
	}
}

func (l *listing) fetched(f *wire.Fetch) error {
	if f.UID != 0 && f.HasFlags {
		l.entries = append(l.entries, mail.Entry{UID: mail.UID(f.UID), Flags: l.x.flags.read(f.Flags)})
	}
	return nil
}

func (l *listing) vanished(set goimap.UIDSet, earlier bool) {
	rs := ranges(set)
	l.gone = append(l.gone, rs...)
	if !earlier {
		l.exists -= mail.SetOfRanges(rs...).Len()
		l.stirred = true
	}
}

func (l *listing) found(s *wire.Search) {
	if s.UID {
		l.all, l.hasAll = append(l.all, ranges(s.Set)...), true
	}
}

// searchAll returns the command that lists every UID, shortly where the server
// can (RFC 4731).
func (l *listing) searchAll() *wire.Command {
	l.all, l.hasAll = nil, false
	if l.x.has(goimap.CapESearch) {
		return wire.UIDSearch("ALL", "ALL")
	}
	return wire.UIDSearch("ALL")
}

// takeAll returns what searchAll found, never nil; ok is false where the answer
// is no proof.
func (l *listing) takeAll(r wire.Result) (all mail.Set, ok bool) {
	if !r.OK() || !l.hasAll && l.exists > 0 {
		return nil, false
	}
	if all = mail.SetOfRanges(l.all...); all == nil {
		all = mail.Set{}
	}
	return all, true
}

// tidy sorts the entries and keeps the last word on each mail.
func (l *listing) tidy() {
	byUID := func(a, b mail.Entry) int { return cmp.Compare(a.UID, b.UID) }
	if !slices.IsSortedFunc(l.entries, byUID) {
		slices.SortStableFunc(l.entries, byUID)
	}
	n := 0
	for i, e := range l.entries {
		if i+1 == len(l.entries) || l.entries[i+1].UID != e.UID {
			l.entries[n] = e
			n++
		}
	}
	l.entries = l.entries[:n]
}

// keep drops the entries that are not in a listing of all.
func (l *listing) keep(all mail.Set) {
	l.entries = slices.DeleteFunc(l.entries, func(e mail.Entry) bool { return !all.Has(e.UID) })
}

// without returns the UIDs of all that have no entry.
func (l *listing) without(all mail.Set) mail.Set {
	var missing mail.Set
	i := 0
	for u := range all.All {
		for i < len(l.entries) && l.entries[i].UID < u {
			i++
		}
		if i == len(l.entries) || l.entries[i].UID != u {
			missing.Append(u, u)
		}
	}
	return missing
}

// attempts is how often a mailbox that changes while it is listed is looked at.
const attempts = 4

// settle makes the entries of a full listing complete. A mail that the listing
// left out would be taken for removed, and then be removed on the other side:
// so the number of entries must be that of the mailbox, or two listings of
// different kinds must agree, mail by mail.
func (l *listing) settle(ctx context.Context) error {
	l.tidy()
	if !l.stirred && len(l.entries) == l.exists {
		return nil
	}
	for range attempts {
		l.stirred = false
		res, err := l.x.run(ctx, l.handler(), l.searchAll())
		if err != nil {
			return err
		}
		all, ok := l.takeAll(res[0])
		if !ok {
			return fmt.Errorf("list the UIDs: %w", protocol("the answer to UID SEARCH ALL (%s) lists none of %d mails", res[0], l.exists))
		}
		l.tidy()
		l.keep(all)
		missing := l.without(all)
		if len(missing) == 0 {
			if all.Len() != l.exists {
				l.b.next, l.b.modseq = 0, 0 // no stamp to rely on: list it in full next time too
			}
			return nil
		}
		if err := l.fetch(ctx, missing); err != nil {
			return err
		}
	}
	return store.Fail(store.Temporary, store.ScopeFolder,
		fmt.Errorf("the server lists %d mails with their flags and says that there are %d", len(l.entries), l.exists))
}

// fetch asks for the flags of some mails.
func (l *listing) fetch(ctx context.Context, set mail.Set) error {
	var cmds []*wire.Command
	for _, part := range chunks(set) {
		cmds = append(cmds, wire.UIDFetch(uidSet(part), listItems, wire.FetchOptions{}))
	}
	_, err := l.x.run(ctx, l.handler(), cmds...) // what is refused is missing at the next look
	l.tidy()
	return err
}

func protocol(format string, args ...any) error {
	return store.Fail(store.Protocol, store.ScopeFolder, fmt.Errorf(format, args...))
}
