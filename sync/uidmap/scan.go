package uidmap

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/names"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// Scan lists the mailbox in full where anything changed: which mails have no
// partner yet follows only from all of them.
//
// Where what the map knows is void while the caller knows something, that is
// store.ErrReplaced; a caller that knows nothing begins anew.
func (f *folder) Scan(ctx context.Context, known mail.Known) (*mail.Snapshot, error) {
	if f.bad != nil {
		return nil, f.bad
	}
	quick := inward(known.Stamp)
	b, err := f.box(ctx)
	if err != nil {
		return nil, err
	}
	var open []intent
	if b != nil {
		if open, err = f.s.m.intents(ctx, b); err != nil {
			return nil, err
		}
		open = slices.DeleteFunc(open, func(i intent) bool { return i.unseen })
	}
	if b != nil && !known.Full && !known.Keys && quick.Sure && quick.UIDValidity == b.validity && len(open) == 0 {
		snap, err := f.inner.Scan(ctx, mail.Known{Stamp: quick, Count: int(quick.Messages)})
		if err != nil {
			return nil, err
		}
		if snap.Unchanged && snap.Stamp.UIDValidity == b.validity {
			if err := f.s.meet(f.raw, snap.Stamp); err != nil {
				return nil, err
			}
			snap.Stamp = outward(snap.Stamp)
			return snap, nil
		}
	}
	snap, err := f.inner.Scan(ctx, mail.Known{Full: true})
	if err != nil {
		return nil, err
	}
	if err := f.s.meet(f.raw, snap.Stamp); err != nil {
		return nil, err
	}
	if b, err = f.believe(ctx, b, snap, known); err != nil {
		return nil, err
	}
	if known.Keys && b != nil && !f.readOnly {
		// UIDs of the other side may mean other mails from now on: what the server once
		// took and does not show says nothing of those.
		if err := f.s.m.change(ctx, func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, "DELETE FROM intent WHERE box = ? AND unseen", b.id)
			return err
		}); err != nil {
			return nil, err
		}
	}
	if len(open) > 0 && b != nil {
		if snap, err = f.await(ctx, b, open, snap); err != nil {
			return nil, err
		}
	}
	return f.translate(ctx, b, snap, known.Keys)
}

// believe returns what the map knows of the mailbox, if it is still the one that
// it knew, or begins anew. Reading only, it returns nil then.
func (f *folder) believe(ctx context.Context, b *box, snap *mail.Snapshot, known mail.Known) (*box, error) {
	now := snap.Stamp
	var why string
	switch {
	case now.UIDValidity == 0:
		return nil, store.Fail(store.Safety, store.ScopeFolder, errNoValidity)
	case b == nil:
		why = "which of its mails is which on the server is not known any more"
	case b.validity != now.UIDValidity:
		why = fmt.Sprintf("it is another one than it was: its UIDVALIDITY was %d and is %d", b.validity, now.UIDValidity)
	case now.UIDNext != 0 && b.last >= now.UIDNext:
		why = fmt.Sprintf("it is another one than it was: it had a mail with the UID %d, and now has not come so far", b.last)
	default:
		return b, nil
	}
	if !known.Keys && (known.Count > 0 || known.Stamp != mail.Stamp{}) {
		return nil, store.Fail(store.Temporary, store.ScopeFolder, fmt.Errorf("the local mailbox %q: %s: %w", names.Display(f.raw), why, store.ErrReplaced))
	}
	if f.readOnly {
		return f.imagine(ctx, now, b == nil)
	}
	return f.begin(ctx, now, b == nil)
}

// imagine is what begin would start, for one who only looks.
func (f *folder) imagine(ctx context.Context, now mail.Stamp, unknown bool) (*box, error) {
	pairs, err := f.heritage(ctx, now, unknown)
	if err != nil || len(pairs) == 0 {
		return nil, err
	}
	slices.SortFunc(pairs, func(a, b Pair) int { return cmp.Compare(a.Local, b.Local) })
	f.s.imagined.Store(f.raw, &box{validity: now.UIDValidity, imagined: pairs})
	return f.box(ctx)
}

// begin starts a map of the mailbox, with what another program knew if ours knows
// nothing.
func (f *folder) begin(ctx context.Context, now mail.Stamp, unknown bool) (*box, error) {
	pairs, err := f.heritage(ctx, now, unknown)
	if err != nil {
		return nil, err
	}
	return f.s.m.begin(ctx, f.s.o.ID, f.raw, now.UIDValidity, pairs)
}

// heritage is what another program knew.
func (f *folder) heritage(ctx context.Context, now mail.Stamp, unknown bool) (pairs []Pair, err error) {
	if unknown && f.s.o.Heir != nil {
		if pairs, err = f.s.o.Heir(ctx, f.name, now.UIDValidity); err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			f.s.o.Note(fmt.Sprintf("%v; the mails of %q are compared by their headers instead", err, f.name))
			pairs = nil
		}
		// One of a mail that is yet to come would be taken for that mail.
		pairs = slices.DeleteFunc(pairs, func(p Pair) bool { return now.UIDNext != 0 && p.Local >= now.UIDNext })
	}
	return pairs, nil
}

// key names a mail without a partner, for as long as the mailbox is this one.
func key(validity uint32, u mail.UID) string { return fmt.Sprintf("%d.%d", validity, u) }

// ofKey reads what key writes.
func ofKey(k string) (validity uint32, u mail.UID) {
	if n, err := fmt.Sscanf(k, "%d.%d", &validity, &u); err != nil || n != 2 {
		return 0, 0
	}
	return validity, u
}

// translate makes a snapshot of the wrapped store one of this. The pairs are read
// after the mails were listed: one that was stored in between is in neither.
func (f *folder) translate(ctx context.Context, b *box, in *mail.Snapshot, keys bool) (*mail.Snapshot, error) {
	var pairs []Pair
	if b != nil {
		if err := f.s.m.each(ctx, b, func(p Pair) { pairs = append(pairs, p) }); err != nil {
			return nil, err
		}
	}
	out := &mail.Snapshot{Full: true, Stamp: outward(in.Stamp), Mask: in.Mask, ReadOnly: in.ReadOnly}
	var gone []Pair
	for _, e := range in.Entries {
		for len(pairs) > 0 && pairs[0].Local < e.UID {
			gone = append(gone, pairs[0])
			pairs = pairs[1:]
		}
		var remote mail.UID
		if len(pairs) > 0 && pairs[0].Local == e.UID {
			remote = pairs[0].Remote
			pairs = pairs[1:]
		}
		if remote != 0 && !keys {
			out.Entries = append(out.Entries, mail.Entry{UID: remote, Flags: e.Flags})
		} else {
			out.Fresh = append(out.Fresh, mail.Fresh{Key: key(in.Stamp.UIDValidity, e.UID), Flags: e.Flags, Claim: remote})
		}
	}
	for _, p := range pairs {
		if p.Local < in.Stamp.UIDNext { // one that was stored since has a higher UID
			gone = append(gone, p)
		}
	}
	slices.SortFunc(out.Entries, func(a, b mail.Entry) int { return cmp.Compare(a.UID, b.UID) })
	if len(gone) == 0 || f.readOnly {
		return out, nil
	}
	// UIDs are not used twice, so these are of nothing any more.
	return out, f.s.m.change(ctx, func(tx *sql.Tx) error {
		for _, p := range gone {
			if _, err := tx.ExecContext(ctx, "DELETE FROM pair WHERE box = ? AND local = ? AND remote = ?", b.id, p.Local, p.Remote); err != nil {
				return err
			}
		}
		return nil
	})
}

// glance is how long to wait before looking again.
const glance = 250 * time.Millisecond

// await waits, within Options.Patience, for mails that were sent to the server by
// a run that did not see the end of it: while the server may still be storing
// them, they must not be sent again. What has come is not paired here: whoever
// has both sides compares it before it copies anything.
func (f *folder) await(ctx context.Context, b *box, open []intent, snap *mail.Snapshot) (*mail.Snapshot, error) {
	for {
		missing, err := f.missing(ctx, b, open, snap)
		if err != nil {
			return nil, err
		}
		left := f.s.o.Patience - time.Since(f.s.began)
		if missing == 0 || left <= 0 || f.readOnly {
			break
		}
		select {
		case <-time.After(min(glance, left)):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if snap, err = f.inner.Scan(ctx, mail.Known{Full: true}); err != nil {
			return nil, err
		}
		if err := f.s.meet(f.raw, snap.Stamp); err != nil {
			return nil, err
		}
	}
	if f.readOnly {
		return snap, nil
	}
	return snap, f.s.m.change(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM intent WHERE box = ? AND NOT unseen", b.id)
		return err
	})
}

// missing counts the intents of which nothing is seen: no mail without a partner
// that came since has their Message-ID and size.
func (f *folder) missing(ctx context.Context, b *box, open []intent, snap *mail.Snapshot) (int, error) {
	paired := map[mail.UID]bool{}
	done := map[mail.UID]bool{}
	if err := f.s.m.each(ctx, b, func(p Pair) { paired[p.Local], done[p.Remote] = true, true }); err != nil {
		return 0, err
	}
	lowest := open[0].next
	for _, i := range open {
		lowest = min(lowest, i.next)
	}
	var refs []mail.Ref
	for _, e := range snap.Entries {
		if e.UID >= lowest && !paired[e.UID] {
			refs = append(refs, mail.Ref{UID: e.UID})
		}
	}
	type like struct {
		message string
		size    int64
	}
	came := map[like]int{}
	if len(refs) > 0 {
		if err := f.inner.Headers(ctx, refs, func(h mail.Header) { came[like{h.MessageID, h.Size}]++ }); err != nil {
			return 0, err
		}
	}
	n := 0
	for _, i := range open {
		l := like{i.message, i.size}
		switch {
		case done[i.remote]:
		case came[l] > 0:
			came[l]--
		case came[like{i.message, -1}] > 0: // a server that does not know sizes
			came[like{i.message, -1}]--
		default:
			n++
		}
	}
	return n, nil
}
