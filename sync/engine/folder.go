package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/offlineimap/offlineimapd/sync/guard"
	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/merge"
	"github.com/offlineimap/offlineimapd/sync/state"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// folderRun is one run of one pair of mailboxes. It belongs to one goroutine
// at a time; helpers that copy for it send their results and touch nothing.
type folderRun struct {
	run                   *run
	remoteName, localName string
	shownAs               string        // Event.Visible
	known                 *state.Folder // nil: not in the base
	localBox, remoteBox   *store.Mailbox

	alike    string // another local folder, of the same name where case does not matter
	blank    string // a mailbox for which OfflineIMAP makes this local folder, to leave it empty
	alone    bool   // OfflineIMAP never kept this mailbox
	noSelect bool   // the server lists the name as one that holds no mails
	forget   bool   // what the base knows is void
	quiet    bool   // both stamps say that nothing changed
	done     bool   // decided without a worker
	drop     bool   // not even worth reporting
	approved bool   // what the guard holds is let through

	local, remote         store.Folder
	localSnap, remoteSnap *mail.Snapshot
	intents               []state.Intent

	// What could not be finished keeps the stamp of that side out of the base,
	// so that the next run looks again.
	localDirty, remoteDirty bool

	// What limits leave on one side: apart as this run has it, kept as the state has.
	apart, kept state.Apart
	limits      string   // Apart.Limits of this run
	relook      bool     // the limits are others than they were, or another reason to list the server's mails in full
	theirs      string   // what Witness says
	stripped    bool     // flags may have been taken off that nobody took off
	ignored     mail.Set // UIDs that are not downloaded
	from        mail.UID // see window; 0: not asked for yet

	first  bool     // no run before this one brought the whole folder here
	behind bool     // local changes cannot go up
	later  *removal // what is put off to the end of the run
	report Folder
	err    error
}

// fail ends the folder. What stops the whole run, or what the end of the run
// has stopped, is told once, of the account.
func (f *folderRun) fail(err error) {
	f.err = err
	f.report.Result, f.done = Failed, true
	if store.ScopeOf(err) != store.ScopeStore || store.ClassOf(err) == store.Temporary {
		f.report.Problems = append(f.report.Problems, problem(err))
	}
}

// note records a problem that stops only one mail.
func (f *folderRun) note(uid mail.UID, err error) {
	p := problem(err)
	p.UID = uid
	f.report.Problems = append(f.report.Problems, p)
}

// tolerate notes an error that concerns one local mail, and passes on any other.
func (f *folderRun) tolerate(err error) error {
	if err == nil || store.ScopeOf(err) != store.ScopeMail {
		return err
	}
	f.localDirty = true
	for _, p := range f.report.Problems {
		if p.Text == err.Error() {
			return nil // it was met before, in another reading of the same mail
		}
	}
	f.note(0, err)
	return nil
}

func (f *folderRun) sync(ctx context.Context) {
	if err := f.steps(ctx); err != nil {
		f.fail(err)
		return
	}
	f.conclude()
}

// conclude gives the folder its result, which is preliminary while there is
// something left to do.
func (f *folderRun) conclude() {
	switch {
	case f.report.Result == Held || f.report.Result == Skipped || f.report.Result == Failed:
	case len(f.report.Problems) > 0:
		f.report.Result = Failed
	case f.report.Counts.Any() || f.report.CreatedLocal || f.report.CreatedRemote:
		f.report.Result = Synced
		if f.run.DryRun {
			f.report.Result = Planned
		}
	default:
		f.report.Result = Unchanged
	}
}

func (f *folderRun) steps(ctx context.Context) error {
	if err := f.prepare(ctx); err != nil {
		return err
	}
	if f.quiet && len(f.intents) == 0 {
		f.tell(Event{Kind: FolderQuiet})
		return nil
	}
	f.tell(Event{Kind: FolderEntered})
	if err := f.create(ctx); err != nil || f.done {
		return err
	}
	f.local = f.run.Local.Open(f.localName, f.run.DryRun)
	f.remote = f.run.Remote.Open(f.remoteName, f.run.DryRun)
	defer f.local.Close()
	defer f.remote.Close()

	if f.known == nil {
		if err := f.adopt(ctx); err != nil {
			return err
		}
	}
	plan, err := f.plan(ctx)
	if errors.Is(err, store.ErrReplaced) {
		plan, err = f.anew(ctx, err)
	}
	if errors.Is(err, errReplaced) {
		if plan, err = f.replaced(ctx); plan == nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	if plan, err = f.verify(ctx, plan); err != nil {
		return err
	}
	if len(f.intents) > 0 {
		if plan, err = f.recover(ctx, plan); err != nil {
			return err
		}
	}
	if plan, err = f.acquaint(ctx, plan); err != nil {
		return err
	}
	if f.held(plan) {
		return nil
	}
	f.behind = f.behind || plan.Local.Pending > 0
	if n := plan.Local.Pending; n > 0 && f.remoteSnap.ReadOnly && !f.run.Policy.IgnoreReadOnly {
		f.report.Notes = append(f.report.Notes, fmt.Sprintf("the server lets nobody change %q: %d local changes stay local", f.report.Name, n))
	}
	if f.run.DryRun {
		f.count(plan)
		return nil
	}
	if len(plan.Reupload) > 0 {
		if plan, err = f.reupload(ctx, plan); err != nil {
			return err
		}
		if f.held(plan) { // it was made anew
			return nil
		}
	}
	if err := f.keepApart(ctx, plan); err != nil {
		return err
	}
	if err := f.apply(ctx, plan); err != nil {
		return errors.Join(err, f.distrust(ctx))
	}
	if len(plan.RemoveRemote) > 0 {
		f.later = &removal{plan.RemoveRemote, plan}
		return nil
	}
	return f.settle(ctx, plan)
}

// distrust has the next run look at the mailbox itself, where this one went by
// what was known of it: that may be what was wrong.
func (f *folderRun) distrust(ctx context.Context) error {
	if !f.remoteSnap.Unchanged || f.known.RemoteStamp.Mask == 0 {
		return nil
	}
	s := f.known.RemoteStamp
	s.Mask = 0
	return f.run.committer.write(context.WithoutCancel(ctx), false, state.SetStamps{Folder: f.known.ID, Remote: &s})
}

// prepare reads the journal, and forgets what is void: what a person moved
// away, and a record that an interrupted run left without a UIDVALIDITY.
func (f *folderRun) prepare(ctx context.Context) error {
	if f.known == nil {
		return nil
	}
	if f.forget || f.known.RemoteStamp.UIDValidity == 0 {
		return f.void(ctx)
	}
	f.first = f.known.RemoteStamp.Token == begunToken
	if err := f.takeApart(ctx); err != nil {
		return err
	}
	var err error
	if f.intents, err = f.run.State.Intents(ctx, f.known.ID); err != nil {
		return fmt.Errorf("read the journal: %w", err)
	}
	return nil
}

// void drops what the base knows of the pair, which from now on is new.
func (f *folderRun) void(ctx context.Context) error {
	changes := []state.Change{state.ForgetFolder{Folder: f.known.ID}}
	if f.known.RemoteStamp.UIDValidity != 0 {
		changes = append(changes, knew(f.remoteName))
	}
	f.known, f.intents, f.localSnap, f.remoteSnap = nil, nil, nil, nil
	f.apart, f.kept, f.from = state.Apart{}, state.Apart{}, 0
	if err := f.run.committer.write(ctx, true, changes...); err != nil {
		return fmt.Errorf("write the state: %w", err)
	}
	return nil
}

// errReplaced says that the server has another mailbox under this name than
// the one that the base describes.
var errReplaced = errors.New("the mailbox was replaced")

var errNoValidity = store.Fail(store.Safety, store.ScopeFolder,
	errors.New("the server gives no UIDVALIDITY, so that its UIDs may mean other mails tomorrow; without it nothing is safe to sync"))

// replacedToken in the remote stamp of the base says that errReplaced was met,
// and that nobody has approved of it since.
const replacedToken = "replaced"

// begunToken there says that the sides were compared, and that the mails that
// were on the server then have not all been brought here.
const begunToken = "begun"

// replaced parks the folder, or, where a person said so, pairs the mails that
// are here with those of the new mailbox.
func (f *folderRun) replaced(ctx context.Context) (*merge.Plan, error) {
	if f.held(nil) {
		f.tell(Event{Kind: FolderReplaced, Was: f.known.RemoteStamp.UIDValidity, Is: f.remoteSnap.Stamp.UIDValidity})
		s := f.known.RemoteStamp
		if s.UIDValidity != f.remoteSnap.Stamp.UIDValidity {
			return nil, nil
		}
		// UIDNEXT will catch up with the base, and then nothing would show it.
		s.Token = replacedToken
		return nil, f.run.committer.write(ctx, true, state.SetStamps{Folder: f.known.ID, Remote: &s})
	}
	if err := f.void(ctx); err != nil {
		return nil, err
	}
	if err := f.adopt(ctx); err != nil {
		return nil, err
	}
	return f.plan(ctx)
}

// create makes the mailbox on the side that lacks it.
func (f *folderRun) create(ctx context.Context) error {
	if f.localBox == nil {
		f.report.CreatedLocal = true
		if !f.run.DryRun {
			err := f.createLocal(ctx)
			if impossible(err) {
				f.report.CreatedLocal = false
				f.skip(err)
				return nil
			}
			if err != nil {
				return err
			}
		}
		f.tell(Event{Kind: FolderCreated, Side: guard.Local})
	}
	if f.remoteBox == nil {
		if left, err := f.leftover(ctx); left || err != nil {
			return err
		}
		f.report.CreatedRemote = true
		if !f.run.DryRun {
			err := f.run.Remote.Create(ctx, f.remoteName)
			if impossible(err) {
				f.report.CreatedRemote = false
				f.skip(err)
				return nil
			}
			if err != nil && f.noSelect && store.ClassOf(err) == store.Refused {
				f.report.CreatedRemote = false
				f.skip(fmt.Errorf("the server keeps no mails under this name, so what is in %q stays local: %w", f.localName, err))
				return nil
			}
			if err != nil {
				return fmt.Errorf("create %q on the server: %w", f.report.Name, err)
			}
		}
		f.tell(Event{Kind: FolderCreated, Side: guard.Remote})
	}
	return nil
}

func (f *folderRun) scanLocal(ctx context.Context, full bool) (err error) {
	if f.localBox == nil && f.run.DryRun {
		f.localSnap = &mail.Snapshot{Full: true, Mask: mail.AllFlags}
		return nil
	}
	k := mail.Known{Stamp: f.known.LocalStamp, Count: f.known.Count + f.apart.Local.Len(), Full: full || f.relook || f.run.Full}
	if f.localSnap, err = f.local.Scan(ctx, k); err != nil {
		return fmt.Errorf("read the local folder %q: %w", f.localName, err)
	}
	f.pretend(f.localSnap)
	return nil
}

func (f *folderRun) scanRemote(ctx context.Context, full bool) (err error) {
	if f.remoteBox == nil && f.run.DryRun {
		f.remoteSnap = &mail.Snapshot{Full: true, Mask: mail.AllFlags}
		return nil
	}
	k := mail.Known{Stamp: f.known.RemoteStamp, Count: f.known.Count + f.apart.Remote.Len(), Full: full || f.relook || f.run.Full}
	if f.remoteSnap, err = f.remote.Scan(ctx, k); err != nil {
		return fmt.Errorf("read %q on the server: %w", f.report.Name, err)
	}
	f.pretend(f.remoteSnap)
	was, is := f.known.RemoteStamp, f.remoteSnap.Stamp
	if is.UIDValidity == 0 {
		return errNoValidity
	}
	if was.Token == replacedToken || was.UIDValidity != is.UIDValidity || is.UIDNext != 0 && is.UIDNext < was.UIDNext {
		return errReplaced
	}
	return nil
}

// pretend makes a dry run plan what a run would do: a mailbox is read-only only
// because a dry run opens it so.
func (f *folderRun) pretend(s *mail.Snapshot) {
	if f.run.DryRun {
		s.ReadOnly = false
	}
}

// plan scans what was not scanned yet, and merges it with the base.
func (f *folderRun) plan(ctx context.Context) (*merge.Plan, error) {
	if f.localSnap == nil {
		// The journal is about mails that only a listing shows.
		if err := f.scanLocal(ctx, len(f.intents) > 0); err != nil {
			return nil, err
		}
	}
	if f.remoteSnap == nil && len(f.intents) == 0 && !f.run.Full && !f.relook && f.remoteBox != nil && f.known.RemoteStamp.Same(f.remoteBox.Stamp) {
		// The server says that nothing changed there, so there is nothing to read,
		// if it is known which flags the mailbox keeps or if that does not matter.
		mask := f.known.RemoteStamp.Mask
		f.remoteSnap = &mail.Snapshot{Unchanged: true, Stamp: f.remoteBox.Stamp, Mask: mask}
		if mask == 0 {
			f.remoteSnap.Mask = mail.AllFlags
		}
		plan, err := f.merge(ctx)
		if err != nil || (mask != 0 || plan.Empty()) && !plan.Local.Relist && !plan.Remote.Relist {
			f.remoteSnap.Mask = mask
			return plan, err
		}
		f.remoteSnap = nil
	}
	if f.remoteSnap == nil {
		if err := f.scanRemote(ctx, false); err != nil {
			return nil, err
		}
	}
	plan, err := f.merge(ctx)
	if err != nil || !plan.Local.Relist && !plan.Remote.Relist {
		return plan, err
	}
	if plan.Local.Relist {
		if err := f.scanLocal(ctx, true); err != nil {
			return nil, err
		}
	}
	if plan.Remote.Relist {
		if err := f.scanRemote(ctx, true); err != nil {
			return nil, err
		}
	}
	if plan, err = f.merge(ctx); err != nil {
		return nil, err
	}
	f.localDirty = f.localDirty || plan.Local.Relist
	f.remoteDirty = f.remoteDirty || plan.Remote.Relist
	return plan, nil
}

func (f *folderRun) merge(ctx context.Context) (*merge.Plan, error) {
	p := f.run.Policy
	o := merge.Options{
		LocalReadOnly: p.LocalReadOnly, RemoteReadOnly: p.RemoteReadOnly,
		LocalDeletes: p.LocalDeletes, RemoteDeletes: p.RemoteDeletes,
		KeepDeleted: p.KeepDeleted,
	}
	base, err := f.base(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the state: %w", err)
	}
	base = f.restored(base)
	local, remote := f.inSight()
	plan := merge.Merge(base, local, remote, o)
	if plan.Local.Relist || plan.Remote.Relist {
		return plan, nil
	}
	limited, err := f.within(ctx, plan, &o)
	if err != nil || !limited {
		return plan, err
	}
	if n := len(o.Stay); n > 0 {
		// They may be mails that were moved here, which must not go from where they were.
		f.behind, f.localDirty = true, true
	}
	return merge.Merge(base, local, remote, o), nil
}

// base reads the rows that the merge needs: all of them where a side was
// listed, otherwise only those that the differences mention.
func (f *folderRun) base(ctx context.Context) ([]mail.Entry, error) {
	for _, s := range []*mail.Snapshot{f.localSnap, f.remoteSnap} {
		if !s.Unchanged && (s.Full || s.All != nil) {
			return f.run.State.Rows(ctx, f.known.ID)
		}
	}
	var uids []mail.UID
	for _, s := range []*mail.Snapshot{f.localSnap, f.remoteSnap} {
		for _, e := range s.Entries {
			uids = append(uids, e.UID)
		}
	}
	if len(uids) == 0 {
		return nil, nil
	}
	return f.run.State.Lookup(ctx, f.known.ID, mail.SetOf(uids...))
}

// guard asks whether the plan may be carried out; nil stands for a plan that
// could not be made, because the base is about another mailbox.
func (f *folderRun) guard(plan *merge.Plan) *guard.Hold {
	return guard.Check(guard.Input{
		Folder: f.report.Name, Name: f.remoteName, Base: f.known.Count, Plan: plan,
		Known: f.known.RemoteStamp, Now: f.remoteSnap.Stamp,
		Replaced: f.known.RemoteStamp.Token == replacedToken,
	})
}

// held parks the folder where the guard has something against the plan and
// nobody approved of that.
func (f *folderRun) held(plan *merge.Plan) bool {
	h := f.guard(plan)
	if h == nil || f.lets(h) {
		return false
	}
	f.hold(h)
	return true
}

// count fills the report with what a plan would do, and says so.
func (f *folderRun) count(p *merge.Plan) {
	c := &f.report.Counts
	c.Downloaded = len(p.Download)
	c.Uploaded = len(p.Upload) + len(p.Reupload)
	c.FlagsLocal = len(p.LocalFlags)
	c.FlagsRemote = len(p.RemoteFlags)
	c.RemovedLocal = len(p.RemoveLocal)
	c.RemovedRemote = len(p.RemoveRemote)
	if !p.Quiet() {
		f.report.Plan = spell(p)
	}
	f.tellPlan(p)
}

// settle keeps the stamps of what both sides now agree on.
func (f *folderRun) settle(ctx context.Context, plan *merge.Plan) error {
	set := state.SetStamps{Folder: f.known.ID}
	if s := f.localSnap.Stamp; !f.localDirty && plan.Local.Pending == 0 && s != f.known.LocalStamp {
		set.Local = &s
	}
	s := f.remoteSnap.Stamp
	if !f.remoteSnap.ReadOnly {
		s.Mask = f.remoteSnap.Mask
	}
	if !f.remoteDirty && plan.Remote.Pending == 0 && s != f.known.RemoteStamp {
		set.Remote = &s
	}
	var changes []state.Change
	if set.Local != nil || set.Remote != nil {
		changes = append(changes, set)
	}
	if f.limits != f.kept.Limits && !f.remoteDirty && plan.Remote.Pending == 0 {
		f.kept.Limits = f.limits
		changes = append(changes, state.SetApart{Folder: f.known.ID, Apart: f.kept})
	}
	if f.theirs != f.run.touched[f.localName] {
		changes = append(changes, state.SetMeta{Key: metaTouched + f.localName, Value: f.theirs})
	}
	if len(changes) == 0 {
		return nil
	}
	if err := f.run.committer.write(ctx, false, changes...); err != nil {
		return fmt.Errorf("write the state: %w", err)
	}
	return nil
}
