package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/merge"
	"github.com/offlineimap/offlineimapd/sync/names"
	"github.com/offlineimap/offlineimapd/sync/state"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// Limits say which mails are copied. They say nothing of mails that both sides
// have: those stay where they are, and their flags go on crossing. A mail that is
// outside of the limits, and that one side loses, stays on the other.
type Limits struct {
	// Since is a day, in its own location. Outside are the mails of the server whose
	// UIDs are lower than that of every mail that arrived on it or later: mails that
	// were put there since count, whatever date they have.
	Since time.Time
	// Smaller is a number of octets, as store.Criteria has it.
	Smaller int64
	// LocalSince is a day: files that are older are not uploaded.
	LocalSince time.Time
	// Ignore returns the UIDs of a mailbox that are never downloaded; it may be nil.
	// The name is one as names.Read gives it. An error concerns that mailbox, which
	// is not touched then.
	Ignore func(mailbox string) (mail.Set, error)
	// Text is another one where the limits are others. A day that moves on with the
	// calendar is no other limit.
	Text string
}

// limit settles which limits the folder has, and whether they are those that it
// was last synced with.
func (f *folderRun) limit(o names.Options) error {
	l := f.run.Policy.Limits
	f.limits = l.Text
	if !l.Since.IsZero() {
		f.limits += sinceMark + l.Since.Format(time.DateOnly)
	}
	if l.Ignore != nil {
		set, err := l.Ignore(names.Read(f.remoteName, o))
		if err != nil {
			return unanswered("copy_ignore_eval for %q: %w", f.report.Name, err)
		}
		if f.ignored = set; len(set) > 0 {
			f.limits = "without " + set.String() + " " + f.limits
		}
	}
	f.relook = f.known != nil && !narrower(f.limits, f.run.limits[f.known.ID])
	return nil
}

// sinceMark stands in Apart.Limits before the day of Limits.Since.
const sinceMark = "\nsince "

// narrower tells whether what was outside of limits that were is outside of those
// that are: they are the same, save that their day may have moved on.
func narrower(are, were string) bool {
	text, day, _ := strings.Cut(are, sinceMark)
	old, then, _ := strings.Cut(were, sinceMark)
	return text == old && (day == "") == (then == "") && day >= then
}

// takeApart reads what the folder has apart. With other limits each mail that
// stayed on the server is asked about anew; what stayed here had a partner there
// that was removed, which is no matter of limits any more.
func (f *folderRun) takeApart(ctx context.Context) (err error) {
	if f.apart, err = f.run.State.Apart(ctx, f.known.ID); err != nil {
		return fmt.Errorf("read the state: %w", err)
	}
	if f.kept = f.apart; f.relook {
		f.apart.Remote = nil
	}
	return nil
}

// inSight returns the snapshots without what is apart. A mail that both sides
// show is not apart any more, and one that is gone neither.
func (f *folderRun) inSight() (local, remote *mail.Snapshot) {
	if len(f.apart.Remote)+len(f.apart.Local) == 0 {
		return f.localSnap, f.remoteSnap
	}
	f.apart.Remote, f.apart.Local = f.apart.Remote.Without(uidsOf(f.localSnap)), f.apart.Local.Without(uidsOf(f.remoteSnap))
	f.apart.Remote, f.apart.Local = existing(f.apart.Remote, f.remoteSnap), existing(f.apart.Local, f.localSnap)
	return without(f.localSnap, f.apart.Local), without(f.remoteSnap, f.apart.Remote)
}

func uidsOf(s *mail.Snapshot) mail.Set {
	var set mail.Set
	for _, e := range s.Entries {
		set.Append(e.UID, e.UID)
	}
	return set
}

// existing returns those of a set that a snapshot does not prove to be gone.
func existing(set mail.Set, s *mail.Snapshot) mail.Set {
	switch {
	case len(set) == 0 || s.Unchanged:
		return set
	case s.Full:
		return set.And(uidsOf(s))
	case s.All != nil:
		return set.And(s.All)
	}
	return set
}

func without(s *mail.Snapshot, apart mail.Set) *mail.Snapshot {
	if len(apart) == 0 || s.Unchanged {
		return s
	}
	t := *s
	t.Entries = slices.DeleteFunc(slices.Clone(s.Entries), func(e mail.Entry) bool { return apart.Has(e.UID) })
	if s.All != nil {
		if t.All = s.All.Without(apart); t.All == nil {
			t.All = mail.Set{}
		}
	}
	return &t
}

// archived finds, among local mails that have no partner, those whose names say
// that they once were on the server, and that are outside of the window: that they
// are gone there is no reason to send them up again.
func (f *folderRun) archived(ctx context.Context, rest []mail.Fresh) (map[string]bool, error) {
	claims := slices.ContainsFunc(rest, func(m mail.Fresh) bool { return m.Claim != 0 })
	keep := map[string]bool{}
	if f.run.Policy.Limits.Since.IsZero() || !claims || f.remoteBox == nil {
		return keep, nil
	}
	first, err := f.window(ctx)
	if err != nil {
		return nil, err
	}
	var uids []mail.UID
	for _, m := range rest {
		if m.Claim != 0 && m.Claim < first {
			keep[m.Key] = true
			uids = append(uids, m.Claim)
		}
	}
	f.apart.Local = f.apart.Local.Or(mail.SetOf(uids...))
	return keep, nil
}

// within adds to the options of a merge what is outside of the limits, of that
// which a first plan would copy or remove. It tells whether there is anything.
func (f *folderRun) within(ctx context.Context, p *merge.Plan, o *merge.Options) (bool, error) {
	l := f.run.Policy.Limits
	if len(f.ignored) == 0 && l.Since.IsZero() && l.Smaller == 0 && l.LocalSince.IsZero() {
		return false, nil
	}
	var down, again []mail.UID
	for _, e := range p.Download {
		down = append(down, e.UID)
	}
	for _, e := range p.Reupload {
		again = append(again, e.UID)
	}
	goneHere, goneThere := slices.Concat(p.RemoveRemote, p.Mark), p.RemoveLocal
	outside := f.ignored.And(mail.SetOf(down...))
	if !l.Since.IsZero() && len(down)+len(goneHere)+len(goneThere) > 0 {
		first, err := f.window(ctx)
		if err != nil {
			return false, err
		}
		old, err := f.old(ctx, goneThere, first)
		if err != nil {
			return false, err
		}
		outside = outside.Or(below(mail.SetOf(slices.Concat(down, goneHere)...), first)).Or(old)
	}
	if l.Smaller > 0 {
		c := store.Criteria{Smaller: l.Smaller}
		large, err := f.others(ctx, f.remote, slices.Concat(down, goneHere), outside, c)
		if err != nil {
			return false, fmt.Errorf("ask for sizes in %q: %w", f.report.Name, err)
		}
		outside = outside.Or(large)
		if large, err = f.others(ctx, f.local, slices.Concat(goneThere, again), outside, c); err != nil {
			return false, fmt.Errorf("look at sizes in %q: %w", f.localName, err)
		}
		outside = outside.Or(large)
	}
	o.Outside = outside
	err := f.staying(ctx, p, o)
	return len(outside) > 0 || len(o.Stay) > 0, err
}

func below(s mail.Set, first mail.UID) mail.Set {
	if first <= 1 {
		return nil
	}
	return s.And(mail.Set{{First: 1, Last: first - 1}})
}

// old returns those of some mails that the server removed which were outside of the
// window. What the server has left says where the window begins; where it removed
// the first mails of the window, that is behind them. So those that were within when
// it was last asked count as they are dated here.
func (f *folderRun) old(ctx context.Context, gone []mail.UID, first mail.UID) (mail.Set, error) {
	out := below(mail.SetOf(gone...), first)
	if f.kept.First == 0 || f.relook {
		return out, nil
	}
	edge := out.Without(below(out, f.kept.First))
	var uids []mail.UID
	for u := range edge.All {
		uids = append(uids, u)
	}
	aged, err := f.others(ctx, f.local, uids, nil, store.Criteria{Since: f.run.Policy.Limits.Since})
	if err != nil {
		return nil, fmt.Errorf("look at dates in %q: %w", f.localName, err)
	}
	return below(out, f.kept.First).Or(aged), nil
}

// window returns the first UID of the window that Limits.Since opens.
func (f *folderRun) window(ctx context.Context) (mail.UID, error) {
	if f.from != 0 {
		return f.from, nil
	}
	refs, err := f.remote.Select(ctx, nil, store.Criteria{Since: f.run.Policy.Limits.Since})
	if err != nil {
		return 0, fmt.Errorf("ask for the mails of %q since %s: %w", f.report.Name, f.run.Policy.Limits.Since.Format(time.DateOnly), err)
	}
	first := f.remoteSnap.Stamp.UIDNext
	if first == 0 { // a server that does not say
		first = ^mail.UID(0)
	}
	for _, r := range refs {
		first = min(first, r.UID)
	}
	f.from = first
	return first, nil
}

// others returns those of some UIDs that do not meet c; those in known are not
// asked about.
func (f *folderRun) others(ctx context.Context, side store.Folder, uids []mail.UID, known mail.Set, c store.Criteria) (mail.Set, error) {
	asked := mail.SetOf(uids...).Without(known)
	if len(asked) == 0 {
		return nil, nil
	}
	refs := make([]mail.Ref, 0, asked.Len())
	for u := range asked.All {
		refs = append(refs, mail.Ref{UID: u})
	}
	met, err := side.Select(ctx, refs, c)
	if err != nil {
		return nil, err
	}
	uids = uids[:0]
	for _, r := range met {
		uids = append(uids, r.UID)
	}
	return asked.Without(mail.SetOf(uids...)), nil
}

// staying finds the new local mails that are not uploaded.
func (f *folderRun) staying(ctx context.Context, p *merge.Plan, o *merge.Options) error {
	l := f.run.Policy.Limits
	if len(p.Upload) == 0 || l.Smaller == 0 && l.LocalSince.IsZero() {
		return nil
	}
	refs := make([]mail.Ref, len(p.Upload))
	for i, m := range p.Upload {
		refs[i] = mail.Ref{Key: m.Key}
	}
	met, err := f.local.Select(ctx, refs, store.Criteria{Since: l.LocalSince, Smaller: l.Smaller})
	if err != nil {
		return fmt.Errorf("look at the new mails of %q: %w", f.localName, err)
	}
	o.Stay = map[string]bool{}
	for _, r := range refs {
		o.Stay[r.Key] = true
	}
	for _, r := range met {
		delete(o.Stay, r.Key)
	}
	return nil
}

// keepApart writes what is apart, and takes it out of the base. With which limits
// stands there only when the run has done what they ask for: before that, the next
// one has to look at every mail again.
func (f *folderRun) keepApart(ctx context.Context, p *merge.Plan) error {
	now := state.Apart{
		Limits: f.kept.Limits, First: f.kept.First,
		Remote: f.apart.Remote.Or(mail.SetOf(p.ApartRemote...)), Local: f.apart.Local.Or(mail.SetOf(p.ApartLocal...)),
	}
	if f.relook && f.from == 0 && !f.run.Policy.Limits.Since.IsZero() && f.remoteBox != nil {
		if _, err := f.window(ctx); err != nil { // to know later what was within
			return err
		}
	}
	if f.from != 0 {
		now.First = f.from
	}
	drop := slices.Concat(p.ApartRemote, p.ApartLocal)
	if now.First == f.kept.First && slices.Equal(now.Remote, f.kept.Remote) && slices.Equal(now.Local, f.kept.Local) && len(drop) == 0 {
		return nil
	}
	if err := f.run.committer.write(ctx, false, state.DropRows{Folder: f.known.ID, UIDs: drop}, state.SetApart{Folder: f.known.ID, Apart: now}); err != nil {
		return fmt.Errorf("write the state: %w", err)
	}
	f.apart, f.kept = now, now
	return nil
}
