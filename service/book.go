package service

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/offlineimap/offlineimapd/service/event"
)

const (
	// lateReaders is how long a job can be looked at after its end.
	lateReaders = 30 * time.Second
	// mostEnded bounds the jobs that are kept after their end.
	mostEnded = 256
)

// book is what is known. It is changed by the goroutine of keep alone; everybody
// else reads the Status that it leaves.
type book struct {
	in     chan func(*book)
	ended  chan struct{} // closed when keep has returned
	status atomic.Pointer[Status]
	events event.Broadcaster

	setup    *Setup
	loaded   time.Time
	rejected *Error // why the last reload changed nothing
	accounts map[string]*Account
	jobs     []Job // by ID
	turns    turns
	news     []event.Event   // to send once the Status shows them
	waiters  []chan struct{} // to close then
}

func newBook() *book {
	b := &book{in: make(chan func(*book), 64), ended: make(chan struct{}), accounts: map[string]*Account{}}
	b.setup = &Setup{}
	b.status.Store(&Status{State: StateUnconfigured})
	return b
}

// keep applies what comes until ctx ends.
func (b *book) keep(ctx context.Context) {
	defer close(b.ended)
	defer b.events.Close()
	var clean <-chan time.Time // while there are jobs to forget
	for {
		if clean == nil && slices.ContainsFunc(b.jobs, func(j Job) bool { return j.State == JobFinished }) {
			clean = time.After(lateReaders / 3)
		}
		select {
		case f := <-b.in:
			f(b)
			for more := true; more; { // what has gathered becomes one Status
				select {
				case f := <-b.in:
					f(b)
				default:
					more = false
				}
			}
		case <-clean:
			clean = nil
			if !b.forget(time.Now()) {
				continue
			}
		case <-ctx.Done():
			return
		}
		b.publish()
	}
}

// tell has f applied, soon.
func (b *book) tell(f func(*book)) {
	select {
	case b.in <- f:
	case <-b.ended:
	}
}

// do has f applied, and returns when the Status shows it. f may be nil: then it
// returns when all that was told before shows.
func (b *book) do(ctx context.Context, f func(*book)) error {
	done := make(chan struct{})
	select {
	case b.in <- func(b *book) {
		if f != nil {
			f(b)
		}
		b.waiters = append(b.waiters, done)
	}:
	case <-b.ended:
		return errEnding
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-done:
		return nil
	case <-b.ended:
		return errEnding
	case <-ctx.Done():
		return ctx.Err()
	}
}

// forget drops jobs that ended long ago, or are too many.
func (b *book) forget(now time.Time) bool {
	n, ended := len(b.jobs), 0
	for _, j := range b.jobs {
		if j.State == JobFinished {
			ended++
		}
	}
	b.jobs = slices.DeleteFunc(b.jobs, func(j Job) bool {
		if j.State != JobFinished || now.Sub(j.Ended) < lateReaders && ended <= mostEnded {
			return false
		}
		ended--
		return true
	})
	return len(b.jobs) != n
}

// job notes how a job is now.
func (b *book) job(j Job) {
	i, found := slices.BinarySearchFunc(b.jobs, j.ID, func(o Job, id uint32) int { return int(int64(o.ID) - int64(id)) })
	if !found {
		b.jobs = slices.Insert(b.jobs, i, j)
		b.news = append(b.news, event.Event{Kind: event.JobNew, Job: j.ID, Account: j.Account})
	}
	ending := j.State == JobFinished && (!found || b.jobs[i].State != JobFinished)
	b.jobs[i] = j
	if ending {
		b.news = append(b.news, event.Event{Kind: event.JobRemoved, Job: j.ID, Account: j.Account, Result: string(j.Result)})
		b.forget(j.Ended)
	}
}

// account notes how an account is now. One that left the configuration stays
// away.
func (b *book) account(a Account) {
	if _, ok := b.accounts[a.Name]; ok {
		b.accounts[a.Name] = &a
	}
}

// publish leaves a new Status, and tells of it: first that there is one, then
// what is new in it.
func (b *book) publish() {
	old := b.status.Load()
	st := b.compose(old.Serial + 1)
	problems := troubles(st, b.setup, b.rejected)
	for i := range problems {
		p := &problems[i]
		if was := findProblem(old.Problems, p); was != nil {
			p.Since = was.Since
			continue
		}
		p.Since = time.Now()
		b.news = append(b.news, event.Event{Kind: event.ProblemRaised, Code: string(p.Code), Account: p.Account, Severity: string(p.Severity), Text: p.Text})
	}
	for i := range old.Problems {
		if p := &old.Problems[i]; findProblem(problems, p) == nil {
			b.news = append(b.news, event.Event{Kind: event.ProblemCleared, Code: string(p.Code), Account: p.Account})
		}
	}
	st.Problems = problems
	st.State, st.Text = summarise(st)
	b.status.Store(st)
	b.events.Send(event.Event{Kind: event.Changed})
	for _, e := range b.news {
		b.events.Send(e)
	}
	b.news = nil
	for _, w := range b.waiters {
		close(w)
	}
	b.waiters = nil
}

// compose copies everything into a Status.
func (b *book) compose(serial uint64) *Status {
	st := &Status{Serial: serial, ConfigPath: b.setup.Path, ConfigLoaded: b.loaded, Jobs: slices.Clone(b.jobs), Paused: true, Online: true}
	asked, answered := false, false
	for _, spec := range b.setup.Accounts {
		a := b.accounts[spec.Name]
		if a == nil {
			continue
		}
		st.Accounts = append(st.Accounts, *a)
		if a.LastSync.After(st.LastSync) {
			st.LastSync = a.LastSync
		}
		if !a.Enabled {
			continue
		}
		asked = asked || a.State == AccountOffline
		answered = answered || a.State != AccountOffline && !a.LastStart.IsZero()
		switch {
		case !a.Paused:
			st.Paused = false
		case st.PausedUntil.IsZero() || a.PausedUntil.Before(st.PausedUntil) && !a.PausedUntil.IsZero():
			st.PausedUntil = a.PausedUntil
		}
	}
	st.Online = answered || !asked
	enabled := slices.ContainsFunc(st.Accounts, func(a Account) bool { return a.Enabled })
	if st.Paused = st.Paused && enabled; !st.Paused {
		st.PausedUntil = time.Time{}
	}
	return st
}
