package service

import (
	"context"
	"reflect"
	"slices"
	"time"

	"github.com/offlineimap/offlineimapd/service/schedule"
)

// loop decides for one account. All its fields belong to the goroutine of run;
// others send it what to do.
type loop struct {
	s       *Service
	spec    Spec
	calls   chan func() // applied by run
	quit    chan struct{}
	ended   chan struct{} // closed when run has returned
	stopped bool          // quit is closed; belongs to whoever changes the set of loops

	view     Account // as the book is told
	pauses   []pause
	tasks    []*task // the first is the current one, if that is anything but waiting for its time
	stage    stage
	seen     schedule.Verdict
	at       time.Time // when the last run ended
	secret   string
	unhang   chan struct{} // never closed but in tests: see Options.Hang
	declined bool          // nobody answered the last question: the clock alone asks no more
	draining bool          // no run begins any more
	quitting bool          // and the one under way is cut short
	spread   float64       // of schedule.Input, drawn anew by each run
	told     Account       // the view as the book has it

	grant    chan grant
	serial   uint64 // of the last wish for a turn
	finished chan finished
	answered chan answer
	progress chan tally
	known    chan []Folder
	tick     *time.Timer // when to decide anew
	shown    time.Time   // when progress was last told
}

// stage is what the loop is at.
type stage int

const (
	resting  stage = iota // nothing is under way
	inLine                // waits for its turn
	running               // a run is under way
	askingMe              // a person is asked for a secret
)

// pause keeps from running until some time, or, where that is zero, for good.
type pause struct{ until time.Time }

func (p pause) holds(now time.Time) bool {
	return p.until.IsZero() || now.Round(0).Before(p.until.Round(0))
}

type finished struct {
	outcome *Outcome
	err     error
}

type answer struct {
	secret string
	err    error
}

// progressEach is how often the progress of a run is told, at most.
const progressEach = 250 * time.Millisecond

func newLoop(s *Service, spec Spec, pauses []pause) *loop {
	l := &loop{
		s: s, spec: spec, pauses: pauses,
		calls: make(chan func()), unhang: make(chan struct{}), quit: make(chan struct{}), ended: make(chan struct{}),
		grant: make(chan grant, 1), finished: make(chan finished, 1), answered: make(chan answer, 1), progress: make(chan tally, 1), known: make(chan []Folder, 1),
	}
	l.view = Account{Name: spec.Name, Host: spec.Host, User: spec.User, Root: spec.Root, Enabled: spec.Refused == ""}
	return l
}

// call has f applied by the loop, and returns when it was.
func (l *loop) call(ctx context.Context, f func()) error {
	done := make(chan struct{})
	select {
	case l.calls <- func() { f(); close(done) }:
	case <-l.ended:
		return errEnding
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run is the loop. first is why it starts. It ends when quit is closed, and when
// it is to end after its run and none is under way.
func (l *loop) run(ctx context.Context, first Trigger) {
	defer close(l.ended)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	l.tick = time.NewTimer(0)
	defer l.tick.Stop()
	hold := time.NewTimer(0) // holds progress back
	defer hold.Stop()
	if l.spec.Refused == "" {
		l.want(wish{trigger: first})
	}
	if k, ok := l.spec.Runner.(Knower); ok {
		go func() { l.known <- k.Known(ctx) }()
	}
	quit := l.quit
	for {
		l.step()
		if l.draining && l.stage == resting {
			return
		}
		progress := l.progress
		if wait := progressEach - time.Since(l.shown); wait > 0 {
			progress = nil
			hold.Reset(wait)
		}
		select {
		case f := <-l.calls:
			f()
		case g := <-l.grant:
			l.begin(ctx, g)
		case p := <-progress:
			l.shown = time.Now()
			l.advance(p)
		case f := <-l.finished:
			l.end(f)
			if l.s.o.Hang == l.spec.Name && l.s.o.Hang != "" {
				<-l.unhang
			}
		case a := <-l.answered:
			l.heard(a)
		case fs := <-l.known:
			if l.view.Folders == nil { // no run was quicker
				l.count(fs)
			}
		case <-l.tick.C:
		case <-hold.C:
		case <-quit:
			quit = nil
			l.draining, l.quitting = true, true
			cancel()
		}
	}
}

// dismiss drops the tasks that have not begun and that which tells.
func (l *loop) dismiss(f Failure, which func(*task) bool) {
	var keep []*task
	for i, t := range l.tasks {
		if begun := i == 0 && (l.stage == running || l.stage == askingMe); begun || !which(t) {
			keep = append(keep, t)
			continue
		}
		if i == 0 {
			l.leaveLine()
		}
		l.close(t, ResultSkipped, f)
	}
	l.tasks = keep
}

// leaveLine takes back the wish for a turn.
func (l *loop) leaveLine() {
	if l.stage == inLine {
		l.stage = resting
		l.s.book.tell(func(b *book) { b.turns.leave(l.spec.Name) })
	}
}

// step brings what is wanted under way, and sets the time of the next look.
func (l *loop) step() {
	now := time.Now()
	if len(l.pauses) > 0 {
		l.pauses = slices.DeleteFunc(l.pauses, func(p pause) bool { return !p.holds(now) })
		if len(l.pauses) == 0 && l.spec.Refused == "" {
			l.want(wish{trigger: TriggerResume})
		}
	}
	if l.draining {
		l.dismiss(Failure{Code: ShuttingDown, Text: "the daemon ends, or the account was changed"}, func(*task) bool { return true })
		if l.stage == askingMe {
			l.tasks[0].cancel()
		}
	}
	if l.stage != resting || l.draining {
		l.show(now)
		return
	}
	d := schedule.Decide(l.input(), now)
	switch {
	case d.Run:
		if len(l.tasks) == 0 {
			l.add(wish{trigger: TriggerTimer})
		}
		l.front()
		l.queue()
	case !d.At.IsZero():
		l.tick.Reset(min(d.At.Sub(now.Round(0)), longestSleep))
	}
	l.view.NextSync = time.Time{}
	if !d.Run {
		l.view.NextSync = d.At
	}
	l.show(now)
}

// longestSleep bounds how long a timer runs: it stands still while the machine
// sleeps, and the wall clock does not.
const longestSleep = time.Minute

func (l *loop) input() schedule.Input {
	in := schedule.Input{
		Interval: l.spec.Interval, Disabled: l.spec.Refused != "" || !l.s.open.Load(), Wanted: len(l.tasks) > 0,
		Last: l.seen, Ended: l.at, Failures: l.view.Failures, Spread: l.spread,
	}
	for _, t := range l.tasks {
		in.Anyway = in.Anyway || t.anyway
	}
	if p, ok := l.paused(); ok {
		in.Paused, in.Until = true, p.until
	}
	return in
}

// paused returns the pause that lasts longest.
func (l *loop) paused() (longest pause, ok bool) {
	for _, p := range l.pauses {
		if !ok || p.until.IsZero() || !longest.until.IsZero() && p.until.After(longest.until) {
			longest, ok = p, true
		}
	}
	return longest, ok
}

// front brings the task that may run to the front.
func (l *loop) front() {
	if _, paused := l.paused(); !paused {
		return
	}
	i := slices.IndexFunc(l.tasks, func(t *task) bool { return t.anyway })
	if i > 0 {
		t := l.tasks[i]
		l.tasks = slices.Insert(slices.Delete(l.tasks, i, i+1), 0, t)
	}
}

// want makes a wish a task, or adds it to one that has not begun.
func (l *loop) want(w wish) *task {
	for i, t := range l.tasks {
		begun := i == 0 && l.stage == running // one that waits for a person has yet to begin anew
		if !begun && t.join(w) {
			l.s.tellJob(t.job)
			return t
		}
	}
	return l.add(w)
}

func (l *loop) add(w wish) *task {
	t := newTask(l.s.nextJob(), l.spec.Name, w, time.Now())
	l.tasks = append(l.tasks, t)
	l.s.tellJob(t.job)
	return t
}

// queue stands in line for the first task.
func (l *loop) queue() {
	l.stage = inLine
	l.serial++
	w := turn{
		account: l.spec.Name, host: l.spec.Host, want: l.spec.Connections, grant: l.grant, serial: l.serial,
		urgent: l.tasks[0].job.Trigger == TriggerUser,
	}
	l.s.book.tell(func(b *book) { b.turns.ask(w) })
}

// show tells the book how the account is.
func (l *loop) show(now time.Time) {
	v := &l.view
	p, paused := l.paused()
	v.Paused, v.PausedUntil = paused, p.until
	v.Job = 0
	if len(l.tasks) > 0 {
		v.Job = l.tasks[0].job.ID
	}
	v.State, v.Reason = l.word(paused)
	if a := *v; !reflect.DeepEqual(a, l.told) {
		l.told = a
		l.s.book.tell(func(b *book) { b.account(a) })
	}
}

// word says in one word how the account is, and why.
func (l *loop) word(paused bool) (AccountState, string) {
	switch {
	case l.spec.Refused != "":
		return AccountDisabled, l.spec.Refused
	case l.stage == askingMe:
		return AccountAuthRequired, "a person is asked for the password"
	case l.stage == running && l.tasks[0].progress.Phase == PhaseConnecting:
		return AccountConnecting, ""
	case l.stage == running:
		return AccountSyncing, ""
	case l.stage == inLine:
		return AccountWaiting, "waits for its turn"
	case paused && l.view.PausedUntil.IsZero():
		return AccountPaused, "until somebody resumes it"
	case paused:
		return AccountPaused, "until " + clock(l.view.PausedUntil)
	}
	reason := l.view.LastError.Text
	switch l.seen {
	case schedule.Auth:
		return AccountAuthRequired, reason
	case schedule.Halted:
		return AccountHalted, "waits for approval: " + reason
	case schedule.Offline:
		return AccountOffline, reason
	case schedule.Failed:
		return AccountBackoff, reason
	case schedule.Partly:
		return AccountIdle, reason
	}
	return AccountIdle, ""
}
