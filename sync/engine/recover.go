package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/merge"
	"github.com/offlineimap/offlineimapd/sync/state"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// recover settles the uploads that an earlier run began: what it finds on the
// server is not uploaded again. The plan that comes back is the one to carry
// out; mails of which the server said that it stored them, but which it does
// not show, are not in it.
func (f *folderRun) recover(ctx context.Context, plan *merge.Plan) (*merge.Plan, error) {
	plan, err := f.removed(ctx, plan)
	if err != nil || len(f.intents) == 0 {
		return plan, err
	}
	fresh := map[string]bool{}
	for _, m := range f.localSnap.Fresh {
		fresh[m.Key] = true
	}
	var open []state.Intent
	var closed []int64
	for _, in := range f.intents {
		if fresh[in.Key] && in.UIDValidity == f.remoteSnap.Stamp.UIDValidity {
			open = append(open, in)
		} else {
			// Its file carries the UID already, or is gone.
			closed = append(closed, in.ID)
		}
	}
	found, err := f.await(ctx, open)
	if err != nil {
		return nil, fmt.Errorf("look for uploads in %q: %w", f.report.Name, err)
	}
	var given []store.Assignment
	var rows []mail.Entry
	lost, here, there := map[string]bool{}, map[string]bool{}, map[mail.UID]bool{}
	for _, in := range open {
		uid, ok := found[in.ID]
		switch {
		case ok:
			here[in.Key], there[uid] = true, true
			given = append(given, store.Assignment{Key: in.Key, UID: uid})
			rows = append(rows, mail.Entry{UID: uid, Flags: in.Flags & plan.Shared})
			closed = append(closed, in.ID)
		case in.Unknown:
			lost[in.Key] = true
		default:
			closed = append(closed, in.ID) // it never arrived
		}
	}
	f.intents = nil
	f.report.Counts.Uploaded += len(given)
	switch {
	case f.run.DryRun:
		plan.Download = slices.DeleteFunc(plan.Download, func(e mail.Entry) bool { return there[e.UID] })
		plan.Upload = slices.DeleteFunc(plan.Upload, func(m mail.Fresh) bool { return here[m.Key] })
	case len(open)+len(closed) > 0:
		if err := f.assign(ctx, given, rows, false, state.CloseIntents{IDs: closed}); err != nil {
			return nil, err
		}
		f.known.Count += len(rows)
		f.localSnap = nil
		if plan, err = f.plan(ctx); err != nil {
			return nil, err
		}
	}
	plan.Upload = slices.DeleteFunc(plan.Upload, func(m mail.Fresh) bool { return lost[m.Key] })
	for key := range lost {
		f.lost(key)
	}
	return plan, nil
}

// glance is how long to wait before looking for an upload again.
const glance = 250 * time.Millisecond

// patience is what is left of Request.Patience. A dry run has none.
func (f *folderRun) patience() time.Duration {
	if f.run.DryRun {
		return 0
	}
	return f.run.Patience - f.run.Now().Sub(f.run.began)
}

func (f *folderRun) pause(ctx context.Context) error {
	select {
	case <-time.After(min(glance, f.patience())):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// await looks for uploads. A server may still be at work on what it was sent
// over a connection that is dead by now; so before a mail is taken for one that
// never arrived, it is looked for again until the run has gone on for a while.
// Whoever sent it was dead before this run began, or it would have the lock.
func (f *folderRun) await(ctx context.Context, open []state.Intent) (map[int64]mail.UID, error) {
	for {
		candidates, err := f.newcomers(ctx, f.remoteSnap)
		if err != nil {
			return nil, err
		}
		found, err := f.find(ctx, open, candidates)
		if err != nil || len(found) == len(open) || f.patience() <= 0 {
			return found, err
		}
		if err := f.pause(ctx); err != nil {
			return nil, err
		}
		if err := f.scanRemote(ctx, false); err != nil {
			return nil, err
		}
	}
}

// lost reports a mail that the server took and does not show. It stays here,
// and is looked for in every run; to upload it again could double it each time.
func (f *folderRun) lost(key string) {
	f.localDirty, f.remoteDirty = true, true
	f.note(0, store.Fail(store.Protocol, store.ScopeMail, fmt.Errorf(
		"%q in %q was taken by the server, which does not show it in %q; it stays local and is not uploaded again", key, f.localName, f.report.Name)))
}

// newcomers are the mails of a remote snapshot that neither the base nor this
// side knows.
func (f *folderRun) newcomers(ctx context.Context, remote *mail.Snapshot) ([]mail.UID, error) {
	base, err := f.run.State.Rows(ctx, f.known.ID)
	if err != nil {
		return nil, fmt.Errorf("read the state: %w", err)
	}
	var uids []mail.UID
	for _, e := range remote.Entries {
		if !has(base, e.UID) && !has(f.localSnap.Entries, e.UID) {
			uids = append(uids, e.UID)
		}
	}
	return uids, nil
}

func byUID(e mail.Entry, u mail.UID) int { return cmp.Compare(e.UID, u) }

func has(es []mail.Entry, u mail.UID) bool {
	_, ok := slices.BinarySearchFunc(es, u, byUID)
	return ok
}

// locate looks for the mails of this run whose UIDs the server did not say.
func (u *uploader) locate(ctx context.Context) error {
	stamp := u.remoteSnap.Stamp
	s, err := u.remote.Scan(ctx, mail.Known{Stamp: stamp, Count: int(stamp.Messages)})
	if err != nil {
		return err
	}
	candidates, err := u.newcomers(ctx, s)
	if err != nil {
		return err
	}
	found, err := u.find(ctx, u.unknown, candidates)
	if err != nil {
		return err
	}
	var given []store.Assignment
	var rows []mail.Entry
	var closed []int64
	for _, in := range u.unknown {
		uid, ok := found[in.ID]
		if !ok {
			u.lost(in.Key)
			continue
		}
		given = append(given, store.Assignment{Key: in.Key, UID: uid})
		rows = append(rows, mail.Entry{UID: uid, Flags: in.Flags & u.shared})
		closed = append(closed, in.ID)
		u.report.Counts.Bytes += in.Size
	}
	u.report.Counts.Uploaded += len(given)
	return u.assign(ctx, given, rows, false, state.CloseIntents{IDs: closed})
}

// find matches uploads with mails of the server, by content; where a server
// changes what it stores, by Message-ID and date, if that names one mail on
// either side. UIDs below an intent's UIDNEXT are older than it.
func (f *folderRun) find(ctx context.Context, open []state.Intent, candidates []mail.UID) (map[int64]mail.UID, error) {
	if len(open) == 0 || len(candidates) == 0 {
		return nil, nil
	}
	lowest := open[0].UIDNext
	sizes, ids := map[int64]bool{}, map[string]bool{}
	for _, in := range open {
		lowest = min(lowest, in.UIDNext)
		sizes[in.Size], ids[in.MessageID] = true, true
	}
	var refs []mail.Ref
	for _, u := range candidates {
		if u >= lowest {
			refs = append(refs, mail.Ref{UID: u})
		}
	}
	heads := map[mail.UID]mail.Header{}
	if err := f.remote.Headers(ctx, refs, func(h mail.Header) {
		if h.Size < 0 || sizes[h.Size] || h.MessageID != "" && ids[h.MessageID] {
			heads[h.Ref.UID] = h
		}
	}); err != nil {
		return nil, err
	}
	refs = refs[:0]
	for u := range heads {
		refs = append(refs, mail.Ref{UID: u})
	}
	slices.SortFunc(refs, func(a, b mail.Ref) int { return cmp.Compare(a.UID, b.UID) })
	found := map[int64]mail.UID{}
	if err := f.digest(ctx, f.remote, refs, func(r mail.Ref, s sum) {
		for _, in := range open {
			if _, done := found[in.ID]; !done && in.Hash == s && r.UID >= in.UIDNext {
				found[in.ID] = r.UID
				delete(heads, r.UID)
				return
			}
		}
	}); err != nil {
		return nil, err
	}
	return found, f.findAltered(ctx, open, heads, found)
}

func (f *folderRun) findAltered(ctx context.Context, open []state.Intent, heads map[mail.UID]mail.Header, found map[int64]mail.UID) error {
	type name struct{ id, date string }
	there := map[name][]mail.UID{}
	for u, h := range heads {
		if h.MessageID != "" {
			n := name{h.MessageID, h.Date}
			there[n] = append(there[n], u)
		}
	}
	byKey := map[string]state.Intent{}
	var refs []mail.Ref
	for _, in := range open {
		if _, done := found[in.ID]; !done {
			byKey[in.Key] = in
			refs = append(refs, mail.Ref{Key: in.Key})
		}
	}
	if len(there) == 0 || len(refs) == 0 {
		return nil
	}
	here := map[name][]state.Intent{}
	if err := f.tolerate(f.local.Headers(ctx, refs, func(h mail.Header) {
		h = f.run.sent(h)
		n := name{h.MessageID, h.Date}
		here[n] = append(here[n], byKey[h.Ref.Key])
	})); err != nil {
		return err
	}
	for n, ins := range here {
		if us := there[n]; len(ins) == 1 && len(us) == 1 && us[0] >= ins[0].UIDNext {
			found[ins[0].ID] = us[0]
		}
	}
	return nil
}
