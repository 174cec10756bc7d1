package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/offlineimap/offlineimapd/sync/guard"
	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/merge"
	"github.com/offlineimap/offlineimapd/sync/state"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// Removals on the server are the end of a run, for all folders: a mail that was
// moved to another folder here is new there, and until it has gone up from
// there, what the server has may be what is left if the disk fails.

// removal is what a folder has yet to remove on the server.
type removal struct {
	uids []mail.UID
	plan *merge.Plan
}

// removals carries out what the folders have put off. What may be the same mail
// as one that a folder could not bring up stays for another run. The error is
// one that stops everything.
func (r *run) removals(ctx context.Context, folders []*folderRun, observe Observer) error {
	if !slices.ContainsFunc(folders, func(f *folderRun) bool { return f.later != nil }) {
		return nil
	}
	here := lone{ids: map[string]string{}}
	if err := r.unsure(ctx, folders, &here); err != nil {
		return err
	}
	done := make(chan error)
	left := 0
	for _, f := range folders {
		if f.later == nil {
			continue
		}
		left++
		go func() {
			r.tokens <- struct{}{}
			err := f.removeLast(ctx, here)
			if err != nil {
				f.fail(err)
			} else {
				f.conclude()
			}
			<-r.tokens
			done <- err
		}()
	}
	var stopped error
	for left > 0 {
		select {
		case e := <-r.events:
			observe(e)
		case err := <-done:
			left--
			if stopped == nil && stops(err) {
				stopped = err
			}
		}
	}
	r.hear(observe)
	return stopped
}

// stops tells whether an error is of the whole side, and no other folder would
// fare better.
func stops(err error) bool {
	c := store.ClassOf(err)
	return err != nil && store.ScopeOf(err) == store.ScopeStore && c != store.Cancelled && c != store.Temporary
}

// removeLast removes on the server what is gone here, unless it may be among
// the mails that are only here now, or is back.
func (f *folderRun) removeLast(ctx context.Context, here lone) error {
	uids, err := f.stillGone(ctx, f.later.uids)
	if err != nil {
		return err
	}
	if here.all || len(here.ids) > 0 {
		if uids, err = f.notMoved(ctx, uids, here); err != nil {
			return err
		}
	}
	if len(uids) > 0 {
		if err := f.remove(ctx, uids); err != nil {
			return fmt.Errorf("remove from %q on the server: %w", f.report.Name, err)
		}
	}
	return f.settle(ctx, f.later.plan)
}

// stillGone leaves out what is here again since the folder was read: the run
// may have taken long.
func (f *folderRun) stillGone(ctx context.Context, uids []mail.UID) ([]mail.UID, error) {
	s, err := f.local.Scan(ctx, mail.Known{Full: true, Count: 1})
	if err != nil {
		return nil, fmt.Errorf("read the local folder %q: %w", f.localName, err)
	}
	gone := slices.DeleteFunc(slices.Clone(uids), func(u mail.UID) bool { return has(s.Entries, u) })
	f.localDirty = f.localDirty || len(gone) < len(uids)
	return gone, nil
}

// notMoved leaves out what may be a mail that is only here now.
func (f *folderRun) notMoved(ctx context.Context, uids []mail.UID, here lone) ([]mail.UID, error) {
	refs := make([]mail.Ref, len(uids))
	for i, u := range uids {
		refs[i].UID = u
	}
	waits := map[mail.UID]bool{}
	where := here.where
	if err := f.remote.Headers(ctx, refs, func(h mail.Header) {
		if name, moved := here.ids[likely(h)]; moved || here.all {
			waits[h.Ref.UID] = true
			where = cmp.Or(name, where)
		}
	}); err != nil {
		return nil, fmt.Errorf("read the headers of %q on the server: %w", f.report.Name, err)
	}
	if len(waits) == 0 {
		return uids, nil
	}
	f.localDirty = true
	f.report.Notes = append(f.report.Notes, fmt.Sprintf(
		"mails that are gone here stay on the server for now, %d of them: they may have been moved to %q, from where not all could go up yet", len(waits), where))
	return slices.DeleteFunc(slices.Clone(uids), func(u mail.UID) bool { return waits[u] }), nil
}

// remove removes mails on the server. They stand in the journal before: should
// the answer be lost, and one of them be here again, it is a new mail then and
// not one that somebody removed there.
func (f *folderRun) remove(ctx context.Context, uids []mail.UID) error {
	intents := make([]state.Intent, len(uids))
	for i, u := range uids {
		intents[i] = state.Intent{Folder: f.known.ID, UIDValidity: f.remoteSnap.Stamp.UIDValidity, UIDNext: u}
	}
	if err := f.run.committer.write(ctx, true, state.AddIntents{Intents: intents}); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	w := f.remote.Begin()
	defer w.Discard()
	if err := w.Remove(ctx, uids); err != nil {
		return err
	}
	if err := f.run.Remote.Commit(ctx, w); err != nil {
		return err
	}
	if err := w.Err(); err != nil {
		return err
	}
	ids := make([]int64, len(intents))
	for i, in := range intents {
		ids[i] = in.ID
	}
	f.report.Counts.RemovedRemote += len(uids)
	f.tellRemoved(guard.Remote, uids)
	return f.run.committer.write(ctx, false, state.DropRows{Folder: f.known.ID, UIDs: uids}, state.CloseIntents{IDs: ids})
}

// isRemoval tells an intent to remove from one to upload: it has no key, and
// the UID in place of UIDNEXT.
func isRemoval(in state.Intent) bool { return in.Key == "" }

// removed settles the removals that an earlier run began. A mail that is gone
// on the server because of them, and is here again, is new.
func (f *folderRun) removed(ctx context.Context, plan *merge.Plan) (*merge.Plan, error) {
	var uids []mail.UID
	var ids []int64
	for _, in := range f.intents {
		if isRemoval(in) {
			ids = append(ids, in.ID)
			if in.UIDValidity == f.remoteSnap.Stamp.UIDValidity {
				uids = append(uids, in.UIDNext)
			}
		}
	}
	f.intents = slices.DeleteFunc(f.intents, isRemoval)
	if len(ids) == 0 {
		return plan, nil
	}
	slices.Sort(uids)
	// A server may still be at work on what it was sent before the line died.
	undecided := func(u mail.UID) bool {
		return has(f.localSnap.Entries, u) && !slices.Contains(plan.RemoveLocal, u)
	}
	for slices.ContainsFunc(uids, undecided) && f.patience() > 0 {
		if err := f.pause(ctx); err != nil {
			return nil, err
		}
		if err := f.scanRemote(ctx, false); err != nil {
			return nil, err
		}
		var err error
		if plan, err = f.merge(ctx); err != nil {
			return nil, err
		}
	}
	back := slices.DeleteFunc(uids, func(u mail.UID) bool { return !slices.Contains(plan.RemoveLocal, u) })
	if err := f.run.committer.write(ctx, true, state.DropRows{Folder: f.known.ID, UIDs: back}, state.CloseIntents{IDs: ids}); err != nil {
		return nil, fmt.Errorf("write the journal: %w", err)
	}
	if len(back) == 0 {
		return plan, nil
	}
	f.known.Count -= len(back)
	return f.merge(ctx)
}
