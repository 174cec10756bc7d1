package imap

import (
	"context"

	goimap "github.com/emersion/go-imap/v2"

	"github.com/offlineimap/offlineimapd/sync/imap/wire"
	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
)

const listItems = "(UID FLAGS)"

func everything() goimap.UIDSet { return goimap.UIDSet{{Start: 1, Stop: 0}} } // 1:*

// Scan reports the mailbox in one flight where nothing contradicts what is
// known of it: the changes since the stamp, or all mails with their flags.
func (f *folder) Scan(ctx context.Context, known mail.Known) (*mail.Snapshot, error) {
	var snap *mail.Snapshot
	err := f.s.reading(ctx, f.name, func(x *session) (bool, error) {
		var err error
		snap, err = f.scan(ctx, x, known)
		return false, err
	})
	if err != nil {
		return nil, f.wrap(err, "scan %s", f)
	}
	return snap, nil
}

// wrap gives an error the scope of the mailbox, unless there is no server at
// all.
func (f *folder) wrap(err error, format string, args ...any) error {
	if noSession(err) {
		return err
	}
	return wrap(store.ScopeFolder, err, format, args...)
}

func (f *folder) scan(ctx context.Context, x *session, known mail.Known) (*mail.Snapshot, error) {
	l := newListing(x)
	was := known.Stamp
	if !known.Full && !known.Keys && was.UIDValidity != 0 && was.ModSeq != 0 && was.UIDNext != 0 && x.condstore() {
		snap, err := f.delta(ctx, l, known)
		if snap != nil || err != nil {
			return snap, err
		}
		*l = listing{x: x, b: l.b, exists: l.exists} // it does not add up: list all
	}
	var cmds []*wire.Command
	if l.b == nil {
		cmds = append(cmds, l.selecting(f.name, wire.SelectOptions{ReadOnly: f.readOnly, CondStore: x.condstore()}, true))
	}
	cmds = append(cmds, wire.UIDFetch(everything(), listItems, wire.FetchOptions{}))
	res, err := x.run(ctx, l.handler(), cmds...)
	if err != nil {
		return nil, err
	}
	if len(cmds) > 1 {
		if err := f.scanned(l, res[0]); err != nil {
			return nil, err
		}
	}
	// An empty mailbox has no mail 1:*, which some servers refuse to look for.
	if r := res[len(res)-1]; !r.OK() && l.exists > 0 {
		return nil, answered(store.ScopeFolder, r, "list the mails")
	}
	if err := l.settle(ctx); err != nil {
		return nil, err
	}
	guessed := l.b.next == 0
	if n := len(l.entries); n > 0 && guessed { // a server that does not say
		l.b.next = l.entries[n-1].UID + 1
	}
	snap := f.snapshot(l)
	snap.Full, snap.Entries = true, l.entries
	snap.Stamp.Sure = snap.Stamp.Sure && !guessed
	return snap, nil
}

// scanned takes the answer to SELECT and remembers what the mailbox is now.
func (f *folder) scanned(l *listing, r wire.Result) error {
	if !l.x.selected(l.b, r) {
		return answered(store.ScopeFolder, r, "select")
	}
	if l.b.validity == 0 {
		return f.same(l.b)
	}
	return nil
}

// snapshot begins a snapshot and notes under which UIDVALIDITY its UIDs hold.
func (f *folder) snapshot(l *listing) *mail.Snapshot {
	st := l.b.stamp()
	f.s.seen.note(f.name, st)
	mask := l.b.mask(f.s.flags)
	f.keywords(l.b, mask)
	return &mail.Snapshot{Stamp: st, Mask: mask, ReadOnly: f.readOnly || l.b.readOnly}
}

// delta asks for what changed since the stamp. It returns neither snapshot nor
// error where the answer is not to be trusted, or there can be none.
func (f *folder) delta(ctx context.Context, l *listing, known mail.Known) (*mail.Snapshot, error) {
	x, was := l.x, known.Stamp
	o := wire.SelectOptions{ReadOnly: f.readOnly, CondStore: true}
	var cmds []*wire.Command
	if x.canQResync() {
		o.QResync = &wire.QResync{Validity: was.UIDValidity, ModSeq: uint64(was.ModSeq)}
		cmds = append(cmds, l.selecting(f.name, o, false))
	} else {
		cmds = append(cmds, l.selecting(f.name, o, false),
			wire.UIDFetch(everything(), listItems, wire.FetchOptions{ChangedSince: uint64(was.ModSeq)}))
	}
	searched := f.shrunk(known)
	if searched {
		cmds = append(cmds, l.searchAll())
	}
	skipped := x.c.Stats().Skipped
	res, err := x.run(ctx, l.handler(), cmds...)
	if err != nil {
		return nil, err
	}
	if o.QResync != nil && res[0].Kind == "BAD" {
		x.s.learn(func(l *layout) { l.noQResync = true }) // announced, and not understood
		x.qresync, x.box, l.b = false, box{}, nil
		return nil, nil
	}
	if err := f.scanned(l, res[0]); err != nil {
		return nil, err
	}
	for _, r := range res[1:] {
		if !r.OK() {
			return nil, nil
		}
	}
	// Another mailbox under this name; numbers that went back, which no
	// server may do and some did; or no modification sequences any more.
	if b := l.b; b.validity != was.UIDValidity || b.modseq < was.ModSeq || b.next < was.UIDNext {
		return nil, nil
	}
	// A response that could not be read may have been a change, of which nobody
	// would speak again.
	if x.c.Stats().Skipped > skipped {
		return nil, nil
	}
	l.tidy()
	var all mail.Set
	if searched || l.doubtful(known) {
		if !searched {
			if res, err = x.run(ctx, l.handler(), l.searchAll()); err != nil {
				return nil, err
			}
		}
		if all, err = l.prove(ctx, known, res[len(res)-1]); all == nil || err != nil {
			return nil, err
		}
	}
	snap := f.snapshot(l)
	snap.Entries, snap.All = l.entries, all
	if len(l.entries) == 0 {
		snap.Entries = nil
	}
	snap.Unchanged = len(l.entries) == 0 && all == nil
	return snap, nil
}

// shrunk tells whether the last survey shows that mails went: then the listing
// of all UIDs, which alone proves it, may come in the same flight.
func (f *folder) shrunk(known mail.Known) bool {
	now, was := f.s.seen.of(f.name), known.Stamp
	return now.UIDValidity == was.UIDValidity && now.UIDNext >= was.UIDNext &&
		int(now.Messages) != known.Count+int(now.UIDNext-was.UIDNext)
}

// doubtful tells whether what came as the difference cannot be all: mails went,
// or the count of those known and those new is not that of the mailbox.
func (l *listing) doubtful(known mail.Known) bool {
	for _, r := range l.gone {
		if r.First < known.Stamp.UIDNext {
			return true
		}
	}
	return l.stirred || known.Count+l.fresh(known) != l.exists
}

// fresh counts the entries that came since the stamp.
func (l *listing) fresh(known mail.Known) int {
	n := 0
	for _, e := range l.entries {
		if e.UID >= known.Stamp.UIDNext {
			n++
		}
	}
	return n
}

// prove checks a listing of all UIDs against the difference: it has as many mails
// as the mailbox, of the old ones no more than are known, and each new one has
// its flags. The listing is returned, nil where it proves nothing.
func (l *listing) prove(ctx context.Context, known mail.Known, r wire.Result) (mail.Set, error) {
	all, ok := l.takeAll(r)
	if !ok {
		return nil, nil
	}
	old, fresh := split(all, known.Stamp.UIDNext)
	if missing := l.without(fresh); len(missing) > 0 {
		if missing[0].First < l.b.next {
			return nil, nil // it was there when the difference was made
		}
		if err := l.fetch(ctx, missing); err != nil {
			return nil, err
		}
	}
	l.tidy()
	if all.Len() != l.exists || old.Len() > known.Count || len(l.without(fresh)) > 0 {
		return nil, nil
	}
	l.keep(all)
	return all, nil
}

// split cuts a set in two: what is less than u, and the rest.
func split(s mail.Set, u mail.UID) (below, rest mail.Set) {
	for _, r := range s {
		switch {
		case r.Last < u:
			below = append(below, r)
		case r.First >= u:
			rest = append(rest, r)
		default:
			below = append(below, mail.Range{First: r.First, Last: u - 1})
			rest = append(rest, mail.Range{First: u, Last: r.Last})
		}
	}
	return below, rest
}
