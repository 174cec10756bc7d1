package imap

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	goimap "github.com/emersion/go-imap/v2"

	"github.com/offlineimap/offlineimapd/sync/imap/wire"
	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// changing runs f on a session that has the mailbox selected for writing. An
// upload under way is ended first; the SELECT that went ahead of it serves.
func (w *work) changing(ctx context.Context, what string, f func(x *session, ahead []*wire.Command) error) error {
	switch {
	case w.over:
		return errOver
	case w.f.readOnly:
		return w.refuse(what)
	}
	if err := w.finish(ctx); err != nil {
		return err
	}
	x, err := w.f.s.pool.get(ctx, w.f.name)
	if err != nil {
		return connecting{err}
	}
	defer w.f.s.pool.put(x)
	ahead, err := w.f.enter(ctx, x)
	if err == nil && x.box.readOnly {
		err = store.Fail(store.Refused, store.ScopeFolder, errors.New("the server has opened it for reading only"))
	}
	if err == nil {
		err = f(x, ahead)
	}
	return w.f.wrap(err, "%s %s", what, w.f)
}

// SetFlags changes the flags of all mails in one flight, with one command for
// all mails that have the same change.
func (w *work) SetFlags(ctx context.Context, changes []mail.FlagChange) (gone []mail.UID, err error) {
	return w.both(ctx, changes, nil)
}

// Remove marks mails \Deleted and expunges exactly those, in one flight where
// the server has UIDPLUS.
func (w *work) Remove(ctx context.Context, uids []mail.UID) error {
	_, err := w.both(ctx, nil, uids)
	return err
}

// both is SetFlags and then Remove in one flight. That a STORE is refused
// does not keep back the removals behind it, which have no part in it.
func (w *work) both(ctx context.Context, changes []mail.FlagChange, remove []mail.UID) (gone []mail.UID, err error) {
	if len(changes) == 0 && len(remove) == 0 {
		return nil, nil
	}
	what := "change flags in"
	if len(changes) == 0 {
		what = "remove mails from"
	}
	err = w.changing(ctx, what, func(x *session, cmds []*wire.Command) error {
		gone, err = w.change(ctx, x, cmds, changes, remove)
		return err
	})
	return gone, err
}

func (w *work) change(ctx context.Context, x *session, cmds []*wire.Command, changes []mail.FlagChange, remove []mail.UID) ([]mail.UID, error) {
	mask := x.box.mask(w.f.s.flags)
	for _, g := range group(changes) {
		if lost := (g.add | g.clear) &^ mask & w.f.s.flags.all; lost != 0 {
			// Whoever planned this saw the mailbox when it still kept them, and would
			// take them for removed by somebody when they do not show.
			return nil, store.Fail(store.Temporary, store.ScopeFolder,
				fmt.Errorf("the mailbox no longer keeps the flags %s", lost))
		}
		cmds = append(cmds, w.stores(g.uids, g.add, g.clear)...)
	}
	// UID STORE says nothing of mails that are gone (RFC 9051, section 6.4.9); a
	// search behind it, in the same flight, does.
	uids := make([]mail.UID, len(changes))
	for i, c := range changes {
		uids[i] = c.UID
	}
	set := mail.SetOf(uids...)
	l := newListing(x)
	first, searches := len(cmds), 0
	for _, part := range chunks(set) {
		criteria := "UID " + part.String()
		if x.has(goimap.CapESearch) {
			cmds = append(cmds, wire.UIDSearch(criteria, "ALL"))
		} else {
			cmds = append(cmds, wire.UIDSearch(criteria))
		}
		searches++
	}
	ours := mail.SetOf(remove...)
	cmds = append(cmds, w.stores(remove, mail.Trashed, 0)...)
	slowly := len(remove) > 0 && w.f.s.o.Expunge && !x.has(goimap.CapUIDPlus)
	if len(remove) > 0 && w.f.s.o.Expunge && !slowly {
		for _, part := range chunks(ours) {
			cmds = append(cmds, wire.UIDExpunge(uidSet(part)))
		}
	}
	res, err := x.run(ctx, l.handler(), cmds...)
	if err != nil {
		return nil, err
	}
	if err := firstRefusal(res[:first], "store flags"); err != nil {
		return nil, err
	}
	if err := firstRefusal(res[first+searches:], "remove"); err != nil {
		return nil, err
	}
	if slowly {
		if err := w.expungeOnly(ctx, x, ours); err != nil {
			return nil, err
		}
	}
	if len(remove) > 0 && w.f.s.o.Expunge {
		if err := w.confirm(ctx, x, ours, l.gone); err != nil {
			return nil, err
		}
	}
	for _, r := range res[first : first+searches] {
		if !r.OK() {
			return nil, nil // not known, and not needed to go on
		}
	}
	return l.absent(set), nil
}

// confirmTries is how often mails that should be gone are expunged again.
const confirmTries = 3

// confirm makes sure that mails are gone, of which the server said so by name in
// vanished, or did not. An OK to UID EXPUNGE is no proof: Dovecot 2.3 gives it and
// removes nothing, where another client has changed the mailbox and commands
// follow one another in a flight. What was taken for removed and was not would
// come back as new.
func (w *work) confirm(ctx context.Context, x *session, ours mail.Set, vanished []mail.Range) error {
	there := except(ours, mail.SetOfRanges(vanished...))
	for try := 0; len(there) > 0; try++ {
		if try > 0 {
			var again []*wire.Command
			if x.has(goimap.CapUIDPlus) {
				for _, part := range chunks(mail.SetOf(there...)) {
					again = append(again, wire.UIDExpunge(uidSet(part)))
				}
			}
			// Each in a flight of its own: in one, the server may put off to see what
			// others did.
			for _, k := range append(again, wire.Noop()) {
				if _, err := x.run(ctx, nil, k); err != nil {
					return err
				}
			}
		}
		l := newListing(x)
		var search []*wire.Command
		for _, part := range chunks(mail.SetOf(there...)) {
			criteria := "UID " + part.String()
			if x.has(goimap.CapESearch) {
				search = append(search, wire.UIDSearch(criteria, "ALL"))
			} else {
				search = append(search, wire.UIDSearch(criteria))
			}
		}
		res, err := x.run(ctx, l.handler(), search...)
		if err != nil {
			return err
		}
		if !l.hasAll || firstRefusal(res, "look for removed mails") != nil {
			return nil // a server that does not say: its OK has to do
		}
		found := mail.SetOfRanges(l.all...)
		there = slices.DeleteFunc(there, func(u mail.UID) bool { return !found.Has(u) })
		if len(there) > 0 && try == confirmTries {
			return store.Fail(store.Temporary, store.ScopeFolder,
				fmt.Errorf("the server says that it has removed mails, and has %d of them still", len(there)))
		}
	}
	return nil
}

// absent returns the UIDs of a set that no search has found.
func (l *listing) absent(set mail.Set) []mail.UID {
	there := mail.SetOfRanges(l.all...)
	var gone []mail.UID
	for u := range set.All {
		if !there.Has(u) {
			gone = append(gone, u)
		}
	}
	return gone
}

const expungeIssued = "EXPUNGEISSUED"

// firstRefusal returns the first answer that is not OK. That mails of the set
// are gone is none (RFC 5530, EXPUNGEISSUED).
func firstRefusal(res []wire.Result, what string) error {
	for _, r := range res {
		if !r.OK() && r.Code != expungeIssued {
			return answered(store.ScopeFolder, r, "%s", what)
		}
	}
	return nil
}

// change is what several mails have in common.
type change struct {
	add, clear mail.Flags
	uids       []mail.UID
}

// group puts equal changes together, in a stable order.
func group(changes []mail.FlagChange) []*change {
	type key struct{ add, clear mail.Flags }
	at := map[key]*change{}
	var groups []*change
	for _, c := range changes {
		k := key{c.Add, c.Clear &^ c.Add}
		if k == (key{}) {
			continue
		}
		g := at[k]
		if g == nil {
			g = &change{add: k.add, clear: k.clear}
			at[k] = g
			groups = append(groups, g)
		}
		g.uids = append(g.uids, c.UID)
	}
	slices.SortFunc(groups, func(a, b *change) int {
		return cmp.Or(cmp.Compare(a.add, b.add), cmp.Compare(a.clear, b.clear))
	})
	return groups
}

// stores returns the commands of one change.
func (w *work) stores(uids []mail.UID, add, clear mail.Flags) []*wire.Command {
	var cmds []*wire.Command
	t := w.f.s.flags
	for _, part := range chunks(mail.SetOf(uids...)) {
		if names := t.list(add); len(names) > 0 {
			cmds = append(cmds, wire.UIDStore(uidSet(part), "+FLAGS.SILENT", names, 0))
		}
		if names := t.list(clear); len(names) > 0 {
			cmds = append(cmds, wire.UIDStore(uidSet(part), "-FLAGS.SILENT", names, 0))
		}
	}
	return cmds
}

// expungeOnly removes mails by EXPUNGE, which takes every mail that is marked
// \Deleted: those that somebody else marked are unmarked before, which must be
// certain before EXPUNGE is sent, and marked again in the same flight. Ours are
// marked already.
func (w *work) expungeOnly(ctx context.Context, x *session, ours mail.Set) error {
	others, err := w.marked(ctx, x, nil, ours)
	if err != nil {
		return err
	}
	last := []*wire.Command{wire.Expunge()}
	if len(others) > 0 {
		left, err := w.marked(ctx, x, w.stores(others, 0, mail.Trashed), ours)
		if err != nil {
			return err
		}
		last = append(last, w.stores(others, mail.Trashed, 0)...)
		if len(left) > 0 {
			// Give back what was taken, and leave it at that.
			if _, err := x.run(ctx, nil, last[1:]...); err != nil {
				return err
			}
			return store.Fail(store.Temporary, store.ScopeFolder,
				fmt.Errorf("%d mails that others have marked as deleted would be removed too", len(left)))
		}
	}
	res, err := x.run(ctx, nil, last...)
	if err != nil {
		return err
	}
	return firstRefusal(res, "expunge")
}

// marked runs commands that change marks, and then looks for the mails marked
// \Deleted that are not ours. The NOOP has the search see what others have
// marked meanwhile; servers look at their view of the mailbox only.
func (w *work) marked(ctx context.Context, x *session, cmds []*wire.Command, ours mail.Set) ([]mail.UID, error) {
	l, skipped := newListing(x), x.c.Stats().Skipped
	res, err := x.run(ctx, l.handler(), append(cmds, wire.Noop(), wire.UIDSearch("DELETED"))...)
	if err != nil {
		return nil, err
	}
	if err := firstRefusal(res[:len(cmds)], "mark"); err != nil {
		return nil, err
	}
	if err := answered(store.ScopeFolder, res[len(res)-1], "look for marked mails"); err != nil {
		return nil, err
	}
	if !l.hasAll && x.c.Stats().Skipped > skipped {
		return nil, protocol("what the server says of the mails marked as deleted cannot be read")
	}
	return except(mail.SetOfRanges(l.all...), ours), nil
}

// except returns the UIDs of a set that are not in another.
func except(s, other mail.Set) []mail.UID {
	var uids []mail.UID
	for u := range s.All {
		if !other.Has(u) {
			uids = append(uids, u)
		}
	}
	return uids
}
