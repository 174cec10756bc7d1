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

// verify makes sure that what carries the UID of a mail is that mail, where
// only the name of a file says so: the base knows nothing of it (an interrupted
// run, or a file from elsewhere), or two files say it. A file that lies loses
// the UID in its name, is new from then on, and the plan is made again.
func (f *folderRun) verify(ctx context.Context, plan *merge.Plan) (*merge.Plan, error) {
	plan, err := f.ambiguous(ctx, plan)
	if err != nil {
		return nil, err
	}
	doubtful := slices.Clone(plan.Unproven)
	twins := map[mail.UID]bool{}
	for _, m := range f.localSnap.Fresh {
		if m.Claim != 0 {
			doubtful = append(doubtful, m.Claim)
			twins[m.Claim] = true
		}
	}
	if len(doubtful) == 0 || f.run.DryRun {
		return plan, nil
	}
	suspects, err := f.unlike(ctx, mail.SetOf(doubtful...), twins)
	if err != nil || len(suspects) == 0 {
		return plan, err
	}
	given, err := f.impostors(ctx, suspects, twins)
	if err != nil || len(given) == 0 {
		return plan, err
	}
	if err := f.strip(ctx, given); err != nil {
		return nil, err
	}
	return f.plan(ctx)
}

// ambiguous makes new mails of files that share a UID whose mail is gone on the
// server: nothing is left there to tell which of them that mail was, and one of them
// may have been moved here from another account. A removed mail may come back by
// that; none is lost.
func (f *folderRun) ambiguous(ctx context.Context, plan *merge.Plan) (*merge.Plan, error) {
	gone := mail.SetOf(slices.Concat(plan.RemoveLocal, plan.ApartLocal)...).Or(f.apart.Local)
	var shared []mail.UID
	for _, m := range f.localSnap.Fresh {
		if m.Claim != 0 && gone.Has(m.Claim) {
			shared = append(shared, m.Claim)
		}
	}
	if len(shared) == 0 || f.run.DryRun {
		return plan, nil
	}
	s, err := f.local.Scan(ctx, mail.Known{Keys: true})
	if err != nil {
		return nil, fmt.Errorf("read the local folder %q: %w", f.localName, err)
	}
	set := mail.SetOf(shared...)
	var given []store.Assignment
	for _, m := range s.Fresh {
		if set.Has(m.Claim) {
			given = append(given, store.Assignment{Key: m.Key})
		}
	}
	if err := f.strip(ctx, given); err != nil {
		return nil, err
	}
	f.apart.Local = f.apart.Local.Without(set)
	if err := f.run.committer.write(ctx, true, state.DropRows{Folder: f.known.ID, UIDs: shared}); err != nil {
		return nil, fmt.Errorf("write the state: %w", err)
	}
	return f.plan(ctx)
}

// unlike returns the UIDs of a set whose local mails have another header than
// those of the server, or none to tell them by, and those that have twins: an
// edited mail has the header of the one it was.
func (f *folderRun) unlike(ctx context.Context, uids mail.Set, twins map[mail.UID]bool) (map[mail.UID]mail.Header, error) {
	var refs []mail.Ref
	for u := range uids.All {
		refs = append(refs, mail.Ref{UID: u})
	}
	there := make(map[mail.UID]mail.Header, len(refs))
	if err := f.remote.Headers(ctx, refs, func(h mail.Header) { there[h.Ref.UID] = h }); err != nil {
		return nil, fmt.Errorf("read the headers of %q on the server: %w", f.report.Name, err)
	}
	if err := f.tolerate(f.local.Headers(ctx, refs, func(h mail.Header) {
		if r, ok := there[h.Ref.UID]; ok && f.run.alike(h, r) && !twins[h.Ref.UID] {
			delete(there, h.Ref.UID)
		}
	})); err != nil {
		return nil, fmt.Errorf("read the mails of %q: %w", f.localName, err)
	}
	return there, nil
}

// alike tells whether a local mail and one of the server have the same header. It
// may have been sent from here, or from there.
func (r *run) alike(local, remote mail.Header) bool {
	same := func(a, b mail.Header) bool {
		return a.MessageID != "" && a.MessageID == b.MessageID && a.Date == b.Date
	}
	return same(local, remote) || same(r.sent(local), remote)
}

// impostors returns, for all files that claim one of some UIDs, those that are
// not that mail by header or by content, each with no UID to give to it.
func (f *folderRun) impostors(ctx context.Context, there map[mail.UID]mail.Header, twins map[mail.UID]bool) ([]store.Assignment, error) {
	s, err := f.local.Scan(ctx, mail.Known{Keys: true})
	if err != nil {
		return nil, fmt.Errorf("read the local folder %q: %w", f.localName, err)
	}
	claims := map[string]mail.UID{}
	var here, remote []mail.Ref
	for _, m := range s.Fresh {
		if _, ok := there[m.Claim]; ok {
			claims[m.Key] = m.Claim
			here = append(here, mail.Ref{Key: m.Key})
		}
	}
	for u := range there {
		remote = append(remote, mail.Ref{UID: u})
	}
	sums := map[mail.UID]sum{}
	if err := f.digest(ctx, f.remote, remote, func(r mail.Ref, s sum) { sums[r.UID] = s }); err != nil {
		return nil, fmt.Errorf("compare the mails of %q on the server: %w", f.report.Name, err)
	}
	certain := map[mail.UID]bool{} // some file is that mail, octet by octet
	unread := map[string]bool{}
	for k := range claims {
		unread[k] = true
	}
	if err := f.digestLocal(ctx, here, func(r mail.Ref, s, sent sum) {
		delete(unread, r.Key)
		if want, ok := sums[claims[r.Key]]; !ok || s == want || sent == want {
			certain[claims[r.Key]] = ok
			delete(claims, r.Key)
		}
	}); err != nil {
		return nil, fmt.Errorf("compare the mails of %q: %w", f.localName, err)
	}
	if err := f.tolerate(f.local.Headers(ctx, here, func(h mail.Header) {
		if u := claims[h.Ref.Key]; f.run.alike(h, there[u]) && !certain[u] {
			delete(claims, h.Ref.Key)
		}
	})); err != nil {
		return nil, fmt.Errorf("read the mails of %q: %w", f.localName, err)
	}
	var given []store.Assignment
	for _, m := range s.Fresh {
		if _, ok := claims[m.Key]; ok && !unread[m.Key] {
			given = append(given, store.Assignment{Key: m.Key})
		}
	}
	return given, nil
}

// reupload makes new mails of those whose UID neither the base nor the server
// knows: they go up like any other, and are found again like any other when
// that is interrupted.
func (f *folderRun) reupload(ctx context.Context, plan *merge.Plan) (*merge.Plan, error) {
	s, err := f.local.Scan(ctx, mail.Known{Keys: true})
	if err != nil {
		return nil, fmt.Errorf("read the local folder %q: %w", f.localName, err)
	}
	var given []store.Assignment
	for _, m := range s.Fresh {
		if has(plan.Reupload, m.Claim) {
			given = append(given, store.Assignment{Key: m.Key})
		}
	}
	if err := f.strip(ctx, given); err != nil {
		return nil, err
	}
	return f.plan(ctx)
}

// strip takes the UIDs out of the names of files, durably.
func (f *folderRun) strip(ctx context.Context, given []store.Assignment) error {
	w := f.local.Begin()
	defer w.Discard()
	if _, err := w.Assign(ctx, given); err != nil {
		return fmt.Errorf("rename mails of %q: %w", f.localName, err)
	}
	if err := f.run.committer.do(ctx, false, []store.Work{w}, noChanges); err != nil {
		return fmt.Errorf("rename mails of %q: %w", f.localName, err)
	}
	f.localSnap = nil
	return nil
}
