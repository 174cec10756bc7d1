package engine

import (
	"context"
	"fmt"
	"slices"

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
func (r *run) removals(ctx context.Context, folders []*folderRun) error {
	kept := map[string]bool{} // Message-IDs of mails that are only here
	var where *folderRun
	for _, f := range folders {
		if f.report.Result != Failed && f.report.Result != Held {
			continue
		}
		for id := range f.unsent(ctx) {
			kept[id] = true
			where = f
		}
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
			err := f.removeLast(ctx, kept, where)
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
	for range left {
		if err := <-done; stopped == nil && stops(err) {
			stopped = err
		}
	}
	return stopped
}

// stops tells whether an error is of the whole side, and no other folder would
// fare better.
func stops(err error) bool {
	c := store.ClassOf(err)
	return err != nil && store.ScopeOf(err) == store.ScopeStore && c != store.Cancelled && c != store.Temporary
}

// unsent returns the Message-IDs, "" among them, of local mails that are not on
// the server.
func (f *folderRun) unsent(ctx context.Context) map[string]bool {
	ids := map[string]bool{}
	if f.localBox == nil || f.run.noPlace {
		return ids
	}
	local := f.run.Local.Open(f.localName, true)
	defer local.Close()
	s, err := local.Scan(ctx, mail.Known{Full: true})
	if err != nil {
		return ids // it says so itself, and nothing can be told of its mails
	}
	refs := make([]mail.Ref, len(s.Fresh))
	for i, m := range s.Fresh {
		refs[i].Key = m.Key
	}
	_ = local.Headers(ctx, refs, func(h mail.Header) { ids[h.MessageID] = true })
	return ids
}

// removeLast removes on the server what is gone here, unless it may be among
// the mails that are only here now.
func (f *folderRun) removeLast(ctx context.Context, kept map[string]bool, where *folderRun) error {
	uids := f.later.uids
	if len(kept) > 0 {
		refs := make([]mail.Ref, len(uids))
		for i, u := range uids {
			refs[i].UID = u
		}
		var waits []mail.UID
		if err := f.remote.Headers(ctx, refs, func(h mail.Header) {
			if kept[h.MessageID] {
				waits = append(waits, h.Ref.UID)
			}
		}); err != nil {
			return fmt.Errorf("read the headers of %q on the server: %w", f.report.Name, err)
		}
		if len(waits) > 0 {
			slices.Sort(waits)
			uids = slices.DeleteFunc(slices.Clone(uids), func(u mail.UID) bool {
				_, found := slices.BinarySearch(waits, u)
				return found
			})
			f.localDirty = true
			f.report.Notes = append(f.report.Notes, fmt.Sprintf(
				"%d mails that are gone here stay on the server for now: they seem to have been moved to %q, from where they could not go up yet", len(waits), where.report.Name))
		}
	}
	if len(uids) > 0 {
		w := f.remote.Begin()
		defer w.Discard()
		err := w.Remove(ctx, uids)
		if err == nil {
			if err = f.run.Remote.Commit(ctx, w); err == nil {
				err = w.Err()
			}
		}
		if err != nil {
			return fmt.Errorf("remove from %q on the server: %w", f.report.Name, err)
		}
		if err := f.run.committer.write(ctx, false, state.DropRows{Folder: f.known.ID, UIDs: uids}); err != nil {
			return fmt.Errorf("write the state: %w", err)
		}
		f.report.Counts.RemovedRemote += len(uids)
	}
	return f.settle(ctx, f.later.plan)
}
