package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/offlineimap/offlineimapd/sync/guard"
	"github.com/offlineimap/offlineimapd/sync/names"
	"github.com/offlineimap/offlineimapd/sync/state"
	"github.com/offlineimap/offlineimapd/sync/store"
	"github.com/offlineimap/offlineimapd/sync/strip"
)

// Rooted is a local store that lives in a place which can be absent or
// exchanged, such as a disk that is not mounted.
type Rooted interface {
	// Identity returns the mark left in the place; "" where there is a place
	// without a mark, and exists = false where there is no place at all.
	Identity() (id string, exists bool, err error)
	// SetIdentity makes the place where needed and leaves a mark in it.
	SetIdentity(id string) error
	// Root names the place for people.
	Root() string
}

// Policy is what an account allows.
type Policy struct {
	CreateLocal, CreateRemote     bool // may mailboxes be made there
	LocalReadOnly, RemoteReadOnly bool // nothing is changed there
	LocalDeletes, RemoteDeletes   bool // removals that happened there are carried over
	KeepDeleted                   bool // removing on the server only marks \Deleted
	IgnoreReadOnly                bool // not a word about mailboxes that the server opens read-only
	Names                         names.Options
	Choice                        Choice
	Limits                        Limits
	OneSession                    bool // a folder's mails come by one session, however many there are
	// Order gives the place of each mailbox in the order in which they are begun;
	// the names are as names.Read gives them. Nil, or where it gives nil: the
	// engine's own order.
	Order func(mailboxes []string) map[string]int
	Strip []string // header fields that no upload has
}

// Request is one run to make.
type Request struct {
	Account       string
	Local, Remote store.Store
	State         *state.DB
	Policy        Policy
	// Approve names folders whose held plan is let through this time; ApproveRoot
	// stands for the place of the local store.
	Approve []string
	// ApproveTokens let the same things through by the Token of their Hold: what
	// would be done now must be what was shown then, or it is held again.
	ApproveTokens []string
	// Only names the folders that take part, as Approve does; none: all. The others
	// are neither touched nor reported. A name that no folder has is an error of
	// class Config, ErrNoFolder, once the others are done.
	Only   []string
	Full   bool // list every folder on both sides, whatever the stamps say
	DryRun bool // plan everything, change nothing
	// RemoteID names the server and the user, so that another mailbox is not taken
	// for the one that the base describes.
	RemoteID string
	// LocalID does the same for a local side that is a server; "" for a directory,
	// which is known by its mark.
	LocalID string
	// Patience is how long a server may be at work on an upload whose connection
	// is dead. Nothing is uploaded again before a run has lasted so long.
	Patience time.Duration
	// Inherit is asked about pairs that the base never knew; nil: nobody is.
	Inherit Heritage
	NewID   func() string
	Now     func() time.Time
}

// ApproveRoot in Request.Approve accepts a changed place of the local store.
// No folder can have this name.
const ApproveRoot = "/"

// ErrNoFolder says that Request.Only names a folder that exists on neither side.
var ErrNoFolder = errors.New("there is no such folder")

// What the state keeps besides folders.
const (
	metaRoot   = "root"   // the mark of the local store's place
	metaRemote = "remote" // Request.RemoteID
	metaLocal  = "local"  // Request.LocalID
)

// run is the state of one Run. Its fields do not change once the workers have
// started; what folders do is in their folderRun.
type run struct {
	Request
	committer *committer
	strip     *strip.Fields // of Policy.Strip; nil: none
	tokens    chan struct{} // one for each worker that may be busy at once
	events    chan Event
	began     time.Time
	left      []*folderRun // folders that are not among Request.Only
	// apart are the local names of folders that Policy.Choice leaves out. What is
	// moved into one of them is not going to be uploaded.
	apart   map[string]bool
	limits  map[int64]string  // state.Apart.Limits of folders
	former  map[string]bool   // local folders some of whose files may bear another name
	touched map[string]string // what Witness said of local folders
	unfound map[string]error  // what Policy.Choice includes and the server does not have
	absent  []error           // what Request.Only names and nobody has
	pairs   []FolderPair      // of the account, whether they take part or not
	noPlace bool              // dry run: the place of the local store is yet to be made
}

// Run brings both sides of an account in step. The error is of the account as
// a whole; the report is never nil, and tells what was done before it.
func Run(ctx context.Context, q Request, observe Observer) (*Report, error) {
	rep := &Report{Account: q.Account, DryRun: q.DryRun, Started: q.Now()}
	r := &run{Request: q, events: make(chan Event, 64), began: rep.Started, apart: map[string]bool{}, strip: strip.New(q.Policy.Strip...)}
	if observe == nil {
		observe = func(Event) {}
	}
	err := r.account(ctx, rep, observe)
	if err != nil {
		rep.Problems = append(rep.Problems, problem(err))
	}
	for _, e := range r.absent {
		rep.Problems = append(rep.Problems, problem(e))
	}
	if err == nil {
		err = errors.Join(r.absent...)
	}
	rep.finish(q.Now())
	return rep, err
}

func (r *run) account(ctx context.Context, rep *Report, observe Observer) error {
	known, err := r.State.Folders(ctx)
	if err != nil {
		return fmt.Errorf("read the state: %w", err)
	}
	if text := r.State.Recovered(); text != "" {
		rep.Notes = append(rep.Notes, text)
	}
	hold, err := r.root(ctx, &known, rep)
	if err != nil {
		return err
	}
	if hold != nil {
		for _, f := range known {
			rep.Folders = append(rep.Folders, Folder{Name: names.Display(f.Remote), Local: f.Local, Result: Held, Hold: hold})
		}
		if len(known) == 0 {
			rep.Folders = append(rep.Folders, Folder{Name: ApproveRoot, Result: Held, Hold: hold})
		}
		return nil
	}
	local, remote, err := r.survey(ctx)
	if err != nil {
		return err
	}
	if remote, r.unfound, err = r.include(ctx, remote); err != nil {
		return err
	}
	if err := r.formerly(ctx, known, rep); err != nil {
		return err
	}
	if r.limits, err = r.State.Limits(ctx); err != nil {
		return fmt.Errorf("read the state: %w", err)
	}
	if r.touched, err = r.State.Metas(ctx, metaTouched); err != nil {
		return fmt.Errorf("read the state: %w", err)
	}
	jobs, gone := r.pairUp(known, local, remote, rep)
	if err := r.State.Commit(ctx, false, gone...); err != nil {
		return fmt.Errorf("write the state: %w", err)
	}

	// As many as the remote side takes at once: with more, they would take
	// mailboxes away from each other.
	workers := max(1, r.Remote.Properties().Parallel)
	r.tokens = make(chan struct{}, workers)
	r.committer = &committer{local: r.Local, state: r.State, in: make(chan batch, groupMost)}
	committed := make(chan struct{})
	go func() {
		defer close(committed)
		// Not ctx: a group that was begun is finished, it is what makes an
		// interrupted run leave nothing half known.
		r.committer.run(context.WithoutCancel(ctx))
	}()
	results := make(chan *folderRun)
	working, stop := context.WithCancel(ctx)
	defer stop()
	go r.feed(working, jobs, results)
	var storeErr error
	for left := len(jobs); left > 0; {
		select {
		case ev := <-r.events:
			observe(ev)
		case f := <-results:
			left--
			r.hear(observe) // what was said of the folder comes before its end
			if storeErr == nil && stops(f.err) {
				storeErr = f.err
				stop() // the other folders would only meet the same
			}
			observe(f.event(Event{Kind: FolderEnded, Result: f.report.Result}))
		}
	}
	if storeErr == nil && ctx.Err() == nil {
		storeErr = r.removals(ctx, jobs, observe)
	}
	for _, f := range jobs {
		rep.Folders = append(rep.Folders, f.report)
	}
	r.adopted(jobs, rep)
	close(r.committer.in)
	<-committed
	slices.SortStableFunc(rep.Folders, func(a, b Folder) int { return compareNames(a.Name, b.Name) })
	if ctx.Err() != nil {
		return store.Fail(store.Cancelled, store.ScopeStore, errors.New("interrupted; the next run goes on from here"))
	}
	return storeErr
}

// feed starts a goroutine for each job as workers become free.
func (r *run) feed(ctx context.Context, jobs []*folderRun, results chan<- *folderRun) {
	for _, f := range jobs {
		if f.done {
			results <- f
			continue
		}
		select {
		case r.tokens <- struct{}{}:
		case <-ctx.Done():
			f.fail(ctx.Err())
			results <- f
			continue
		}
		go func() {
			f.sync(ctx)
			<-r.tokens
			results <- f
		}()
	}
}

// root makes sure that both sides are those that the base speaks of. known is
// emptied where they are not and a person approved: then both sides are
// compared anew, which removes nothing.
func (r *run) root(ctx context.Context, known *[]state.Folder, rep *Report) (*guard.Hold, error) {
	meta := map[string]string{}
	for _, k := range []string{metaRoot, metaRemote, metaLocal} {
		v, _, err := r.State.Meta(ctx, k)
		if err != nil {
			return nil, fmt.Errorf("read the state: %w", err)
		}
		meta[k] = v
	}
	want := map[string]string{metaRemote: r.RemoteID, metaLocal: r.LocalID}
	var hold *guard.Hold
	anew := ""
	if was := meta[metaRemote]; was != "" && was != r.RemoteID {
		hold = guard.Account(was, r.RemoteID)
		anew = "another server or user, as approved"
	}
	if was := meta[metaLocal]; was != r.LocalID && (was != "" || meta[metaRoot] != "") {
		hold = guard.Both(hold, guard.LocalAccount(was, r.LocalID))
		anew = "another local server or user, as approved"
	}
	place, rooted := r.Local.(Rooted)
	mark, ours := false, false
	if rooted {
		id, exists, err := place.Identity()
		if err != nil {
			return nil, fmt.Errorf("look at %s: %w", place.Root(), err)
		}
		known := meta[metaRoot]
		switch {
		case known != "" && known != id:
			hold = guard.Both(hold, guard.Root(place.Root(), known, id, !exists))
			// A new mark: with the old one in it, a run that is cut off here would
			// leave a foreign place that is taken for the one the base is about.
			anew, known = fmt.Sprintf("%s is another directory, as approved", place.Root()), r.NewID()
		case known == "" && id != "":
			known, ours = id, true // the state is new, the place is one of ours
		case known == "":
			known = r.NewID()
		}
		want[metaRoot] = known
		mark = id != known
		r.noPlace = r.DryRun && !exists
	} else if r.LocalID != "" {
		want[metaRoot] = "" // a mark of another time says nothing of a server
	}
	// Where nothing was ever synced, nothing can be mixed up.
	if hold != nil && len(*known) > 0 && !slices.Contains(r.Approve, ApproveRoot) && !r.agreed(hold) {
		return hold, nil
	}
	var changes []state.Change
	if anew != "" && len(*known) > 0 {
		for _, f := range *known {
			changes = append(changes, state.ForgetFolder{Folder: f.ID})
		}
		changes = append(changes, state.SetMeta{Key: metaInherit, Value: "no"})
		*known = nil
		rep.Notes = append(rep.Notes, anew+": both sides are compared anew, and nothing is removed on either")
	}
	if ours {
		changes = append(changes, state.SetMeta{Key: metaInherit, Value: "no"})
	}
	for k, v := range want {
		if v != meta[k] {
			changes = append(changes, state.SetMeta{Key: k, Value: v})
		}
	}
	// The record, and with it the end of the old base, before the mark: whatever
	// is marked now, no row speaks of it.
	if err := r.State.Commit(ctx, true, changes...); err != nil {
		return nil, fmt.Errorf("write the state: %w", err)
	}
	if mark && !r.DryRun {
		if err := place.SetIdentity(want[metaRoot]); err != nil {
			return nil, fmt.Errorf("mark %s as ours: %w", place.Root(), err)
		}
	}
	return nil, nil
}

// agreed tells whether a person has seen this very plan, and let it through.
func (r *run) agreed(h *guard.Hold) bool { return slices.Contains(r.ApproveTokens, h.Token) }

// survey asks both sides at once what mailboxes they have.
func (r *run) survey(ctx context.Context) (local, remote []store.Mailbox, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done := make(chan error, 1)
	go func() {
		var err error
		remote, err = r.Remote.Survey(ctx)
		done <- err
	}()
	if !r.noPlace {
		local, err = r.Local.Survey(ctx)
	}
	if err != nil {
		cancel(err)
		<-done
		return nil, nil, fmt.Errorf("list the local folders: %w", err)
	}
	if err := <-done; err != nil {
		return nil, nil, err // it says what was asked of whom
	}
	return local, remote, nil
}

func compareNames(a, b string) int {
	ia, ib := names.IsInbox(a), names.IsInbox(b)
	switch {
	case ia && !ib:
		return -1
	case ib && !ia:
		return 1
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
