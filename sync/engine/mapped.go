package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/merge"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// What follows is for local stores where the UID of a mail is not in the mail
// (store.Properties.Mapped), so that it can be lost, or never have been written.

// anew makes a new base of a pair whose local mailbox is not the one that the base
// describes. Nothing is removed on either side.
func (f *folderRun) anew(ctx context.Context, why error) (*merge.Plan, error) {
	f.report.Notes = append(f.report.Notes, why.Error()+"; nothing is removed on either side, and what was removed on one since the last run comes back from the other")
	if err := f.void(ctx); err != nil {
		return nil, err
	}
	if err := f.adopt(ctx); err != nil {
		return nil, err
	}
	return f.plan(ctx)
}

// acquaint compares the mails that are new here with those that came to the server,
// and with those that seem to be gone here, whatever would come of that: an earlier
// run may have stored them and not have come so far as to write down which they are,
// or what it wrote is lost. What is the same mail is copied in neither direction.
func (f *folderRun) acquaint(ctx context.Context, plan *merge.Plan) (*merge.Plan, error) {
	if !f.run.Local.Properties().Mapped || len(plan.Upload) == 0 {
		return plan, nil
	}
	base, err := f.run.State.Rows(ctx, f.known.ID)
	if err != nil {
		return nil, fmt.Errorf("read the state: %w", err)
	}
	var there []mail.Entry
	for _, e := range f.remoteSnap.Entries {
		if !has(base, e.UID) && !has(f.localSnap.Entries, e.UID) && !f.apart.Remote.Has(e.UID) {
			there = append(there, e)
		}
	}
	var lost mail.Set
	for _, e := range base {
		if !has(f.localSnap.Entries, e.UID) {
			lost.Append(e.UID, e.UID)
		}
	}
	lost = existing(lost, f.remoteSnap)
	for _, e := range base {
		if lost.Has(e.UID) {
			there = append(there, e)
		}
	}
	slices.SortFunc(there, func(a, b mail.Entry) int { return cmp.Compare(a.UID, b.UID) })
	if len(there) == 0 {
		return plan, nil
	}
	found, err := f.pair(ctx, plan.Upload, there, nil)
	if err != nil || len(found.pairs) == 0 {
		return plan, err
	}
	var given []store.Assignment
	var rows []mail.Entry
	both := map[mail.UID]bool{}
	here := map[string]bool{}
	for _, p := range found.pairs {
		both[p.uid], here[p.local.Key] = true, true
		given = append(given, store.Assignment{Key: p.local.Key, UID: p.uid})
		l, r := p.local.Flags, p.flags
		row := mail.Entry{UID: p.uid, Flags: (l&r)&^mail.Trashed | (l|r)&mail.Trashed}
		if i, ok := slices.BinarySearchFunc(base, p.uid, byUID); ok {
			row = base[i]
		} else {
			f.known.Count++
		}
		rows = append(rows, row)
	}
	f.report.Counts.Paired += len(rows)
	if f.run.DryRun {
		plan.Download = slices.DeleteFunc(plan.Download, func(e mail.Entry) bool { return both[e.UID] })
		plan.RemoveRemote = slices.DeleteFunc(plan.RemoveRemote, func(u mail.UID) bool { return both[u] })
		plan.Upload = slices.DeleteFunc(plan.Upload, func(m mail.Fresh) bool { return here[m.Key] })
		return plan, nil
	}
	if err := f.assign(ctx, given, rows, false); err != nil {
		return nil, err
	}
	f.localSnap = nil
	return f.plan(ctx)
}

// missed asks a work for what it could not store.
func missed(w store.Work) map[mail.UID]error {
	if m, ok := w.(store.Missing); ok {
		return m.Missed()
	}
	return nil
}

// stored leaves out the rows of mails that a work could not store.
func stored(rows []mail.Entry, w store.Work) []mail.Entry {
	not := missed(w)
	if len(not) == 0 {
		return rows
	}
	return slices.DeleteFunc(slices.Clone(rows), func(e mail.Entry) bool { return not[e.UID] != nil })
}

// refused notes the mails of a chunk that the local side did not take, and returns
// the others of those unseen.
func (f *folderRun) refused(h handed) []mail.UID {
	not := missed(h.work)
	for u, err := range not {
		f.remoteDirty = true
		f.report.Counts.Downloaded--
		f.note(u, fmt.Errorf("the local server does not take a mail of %q: %w", f.report.Name, err))
	}
	return slices.DeleteFunc(h.unseen, func(u mail.UID) bool { return not[u] != nil })
}
