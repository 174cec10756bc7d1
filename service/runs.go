package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/offlineimap/offlineimapd/service/event"
	"github.com/offlineimap/offlineimapd/service/schedule"
	"github.com/offlineimap/offlineimapd/sync/engine"
	"github.com/offlineimap/offlineimapd/sync/guard"
)

// begin starts the run of the first task.
func (l *loop) begin(ctx context.Context, g grant) {
	if l.stage != inLine || g.serial != l.serial {
		return // the wish was taken back in the moment it was granted
	}
	t, now := l.tasks[0], time.Now()
	l.stage = running
	t.job.State, t.job.Phase, t.job.Started = JobRunning, PhaseConnecting, now
	t.progress = tally{Phase: PhaseConnecting}
	l.view.LastStart = now
	ctx, t.cancel = context.WithCancel(ctx)
	sum := t.progress
	order := Order{
		Job: t.job.ID, Kind: t.job.Kind, Trigger: t.job.Trigger, Folders: t.job.Folders,
		Approve: t.approve, Connections: g.connections, Secret: l.secret,
		Observe: func(e engine.Event) {
			sum.add(e)
			// Only the newest counts: it takes the place of one that was not looked at.
			select {
			case <-l.progress:
			default:
			}
			select {
			case l.progress <- sum:
			default:
			}
		},
		Note: func(text string) {
			l.s.o.Log.Log(ctx, levelNotice, l.spec.Name+": "+text, "account", l.spec.Name, "job", t.job.ID)
		},
	}
	l.s.tellJob(t.job)
	l.show(now)
	runner := l.spec.Runner
	go func() {
		out, err := runner.Run(ctx, order)
		l.finished <- finished{out, err}
	}()
}

// advance tells how far the run is.
func (l *loop) advance(p tally) {
	if l.stage != running {
		return
	}
	t := l.tasks[0]
	t.progress = p
	j := &t.job
	j.Phase, j.Folder, j.Done, j.Total, j.Bytes = p.Phase, p.Folder, p.Done, p.Total, p.Bytes
	l.s.tellJob(*j)
	l.show(time.Now())
}

// end takes the outcome of the run.
func (l *loop) end(f finished) {
	t, now := l.tasks[0], time.Now()
	t.cancel()
	t.cancel = nil
	select {
	case p := <-l.progress:
		l.advance(p)
	default:
	}
	l.s.book.tell(func(b *book) { b.turns.leave(l.spec.Name) })
	l.stage = resting
	t.job.Report, t.recovered = f.outcome.Report, f.outcome.Recovered
	result, failure := judge(f.outcome, f.err)
	if result == ResultCanceled {
		failure.Text, failure.Hint = "it was canceled", ""
		if _, paused := l.paused(); paused && !t.canceled {
			failure.Text = "the account was paused"
		} else if l.quitting {
			failure.Text = "the daemon ends, or the account was changed"
		}
	}
	l.keepVerdict(result, failure, f.outcome, t, now)
	if result == ResultFailed && l.mayAsk(t, failure) {
		l.ask(t, failure)
		return
	}
	l.finish(t, result, failure)
}

// mostAsked is how often a job asks: a program that answers the same again and
// again must not lock the account.
const mostAsked = 3

// mayAsk tells whether a person may help, and is not asked over and over.
func (l *loop) mayAsk(t *task, f Failure) bool {
	if f.Code != CredentialsUnavailable && f.Code != AuthenticationFailed {
		return false
	}
	return l.s.o.Ask != nil && !t.canceled && !l.draining && t.asked < mostAsked && (!l.declined || t.job.Trigger != TriggerTimer)
}

// finish ends the first task.
func (l *loop) finish(t *task, result Result, failure Failure) {
	l.tasks = l.tasks[1:]
	l.log(t, result, failure)
	l.close(t, result, failure)
	l.show(time.Now())
}

// close ends a task that is in the list of tasks no more.
func (l *loop) close(t *task, result Result, failure Failure) {
	t.job.State, t.job.Phase, t.job.Ended = JobFinished, PhaseNone, time.Now()
	t.job.Result, t.job.Failure = result, failure
	l.s.tellJob(t.job)
}

// ask has a person asked for the secret. The task waits for the answer, as does
// nobody else: its turn was given back.
func (l *loop) ask(t *task, failure Failure) {
	l.stage = askingMe
	t.asked++
	t.job.State, t.job.Phase = JobWaiting, PhaseNone
	l.s.tellJob(t.job)
	ctx, cancel := context.WithCancel(context.Background())
	t.cancel = cancel
	q := Question{Account: l.spec.Name, Kind: "password", Host: l.spec.Host, User: l.spec.User, Retry: failure.Code == AuthenticationFailed}
	go func() {
		secret, err := l.s.o.Ask(ctx, q)
		l.answered <- answer{secret, err}
	}()
	l.show(time.Now())
}

// heard takes the answer: with a secret the task starts anew, without one it
// has failed.
func (l *loop) heard(a answer) {
	t := l.tasks[0]
	t.cancel()
	t.cancel = nil
	l.stage = resting
	switch {
	case t.canceled:
		l.finish(t, ResultCanceled, Failure{Code: Cancelled, Text: "canceled"})
	case a.err != nil:
		l.declined = true
		f := t.failure
		if CodeOf(a.err) == Cancelled {
			f.Hint = "offlineimapctl sync " + l.spec.Name + " asks again"
		}
		l.finish(t, ResultFailed, f)
	case a.secret == l.secret:
		l.declined = true // it was refused just now
		l.finish(t, ResultFailed, t.failure)
	default:
		l.secret, l.declined = a.secret, t.asked >= mostAsked
		if t.job.Trigger == TriggerTimer {
			t.job.Trigger = TriggerAgent
		}
		l.show(time.Now())
	}
}

// keepVerdict notes what the run says about the account.
func (l *loop) keepVerdict(result Result, failure Failure, out *Outcome, t *task, now time.Time) {
	t.failure = failure
	if t.job.Kind == KindDryRun {
		return // it says what would be, not what is
	}
	l.news(out, t)
	switch {
	case result == ResultCanceled:
		// It says nothing about the account; the next one comes after the interval.
		if len(t.job.Folders) == 0 {
			l.at, l.spread = now, rand.Float64()
		}
		l.view.LastResult = result
		if l.seen == schedule.None {
			l.seen = schedule.Good
		}
	case failure.Code == NoSuchFolder && t.job.Trigger == TriggerUser:
		// A slip of the person's, not a state of the account.
	case len(t.job.Folders) > 0 && result != ResultFailed && !whole(out.Report):
		l.keepPart(failure, out, t, now)
	default:
		l.keepWhole(result, failure, out, t, now)
	}
}

// news tells what the run brought, however it ended.
func (l *loop) news(out *Outcome, t *task) {
	if out.Folders != nil {
		l.count(out.Folders)
		l.view.Fresh = out.Unseen
	}
	for _, f := range out.Fresh {
		e := event.Event{Kind: event.NewMail, Account: l.spec.Name, Folder: f.Folder, Count: f.Count}
		l.s.book.tell(func(b *book) { b.news = append(b.news, e) })
	}
	if out.Recovered != "" {
		l.s.o.Log.Warn(l.spec.Name+": "+out.Recovered, "account", l.spec.Name, "job", t.job.ID, "event", "state-rebuilt")
	}
}

// keepPart notes a run of some folders only. It puts off no run of all, and says
// nothing about the folders that it left out; but that the server let it in, it
// does say.
func (l *loop) keepPart(failure Failure, out *Outcome, t *task, now time.Time) {
	v := &l.view
	switch l.seen {
	case schedule.Offline, schedule.Auth, schedule.Failed, schedule.Halted:
		if l.seen == schedule.Offline {
			l.back()
		}
		l.seen, v.Failures = schedule.Good, 0
		v.LastResult, v.LastError = ResultDone, Failure{}
	}
	if failure.Code != "" && failure.Code != SafetyHalt {
		v.LastResult, v.LastError = ResultPartial, failure
	}
	// It came as far as the folders, so that the account as a whole is not held.
	v.Holds, v.HaltToken = holds(out.Report, l.spec.Name, v.Holds, now, func(h Hold) bool { return h.Folder != engine.ApproveRoot })
}

// keepWhole notes a run of all folders, or one that could not be made.
func (l *loop) keepWhole(result Result, failure Failure, out *Outcome, t *task, now time.Time) {
	v := &l.view
	l.at, l.spread = now, rand.Float64()
	before := l.seen
	v.LastResult, v.LastError = result, failure
	l.seen = verdict(result, failure, out)
	if l.seen == schedule.Good || l.seen == schedule.Halted {
		v.Failures = 0
	} else {
		v.Failures++
	}
	if result == ResultDone || result == ResultHalted && l.seen != schedule.Halted || result == ResultPartial {
		v.LastSync = now
	}
	// A run that did not come so far says nothing about what waited before.
	v.Holds, v.HaltToken = holds(out.Report, l.spec.Name, v.Holds, now, func(Hold) bool { return result == ResultFailed })
	if before == schedule.Offline && l.seen != schedule.Offline {
		l.back()
	}
}

// back tells that a server is there again.
func (l *loop) back() {
	l.s.o.Log.Log(context.Background(), levelNotice, l.spec.Name+": the server can be reached again", "account", l.spec.Name, "event", "server-back")
}

// count notes the folders, and what is in all of them.
func (l *loop) count(fs []Folder) {
	v := &l.view
	v.Folders, v.Messages, v.Unseen = fs, 0, 0
	for _, f := range fs {
		v.Messages += f.Messages
		v.Unseen += f.Unseen
	}
}

// judge says how a run ended.
func judge(out *Outcome, err error) (Result, Failure) {
	r := out.Report
	if err != nil {
		f := Failure{Code: CodeOf(err), Text: err.Error()}
		var e *Error
		if errors.As(err, &e) {
			f.Hint = e.Hint
		}
		if len(r.Problems) > 0 && f.Hint == "" {
			f.Hint = r.Problems[len(r.Problems)-1].Hint
		}
		if f.Code == Cancelled {
			return ResultCanceled, f
		}
		return ResultFailed, f
	}
	switch r.Result {
	case engine.Failed:
		f := Failure{Code: ServerRefused, Text: "some mails are not in step"}
		for _, folder := range r.Folders {
			if folder.Result == engine.Failed && len(folder.Problems) > 0 {
				p := folder.Problems[0]
				f = Failure{Code: CodeOf(p.Err), Text: fmt.Sprintf("%s: %s", folder.Name, p.Text), Hint: p.Hint}
				break
			}
		}
		return ResultPartial, f
	case engine.Held:
		for _, folder := range r.Folders {
			if folder.Hold != nil {
				text, _, _ := holdText(folder.Hold, "")
				return ResultHalted, Failure{Code: SafetyHalt, Text: text}
			}
		}
	}
	return ResultDone, Failure{}
}

// verdict says what a result means for the schedule.
func verdict(result Result, f Failure, out *Outcome) schedule.Verdict {
	switch result {
	case ResultDone:
		return schedule.Good
	case ResultPartial:
		return schedule.Partly
	case ResultHalted:
		if whole(out.Report) {
			return schedule.Halted
		}
		return schedule.Good
	}
	switch f.Code {
	case Offline:
		return schedule.Offline
	case AuthenticationFailed, CredentialsUnavailable:
		return schedule.Auth
	}
	return schedule.Failed
}

// whole tells whether the account as a whole is held.
func whole(r *engine.Report) bool {
	for _, f := range r.Folders {
		if f.Hold != nil {
			switch f.Hold.Reasons[0].Code {
			case guard.RootMissing, guard.RootForeign, guard.OtherRemote:
				return true
			}
		}
	}
	return false
}

// log tells of a job that ended, in one line.
func (l *loop) log(t *task, result Result, f Failure) {
	name := l.spec.Name
	level, word, text := slog.LevelInfo, "", ""
	args := []any{"account", name, "job", t.job.ID, "trigger", string(t.job.Trigger)}
	r := t.job.Report
	switch result {
	case ResultDone:
		text = Summary(r)
		args = append(args, "count", r.Counts.Downloaded+r.Counts.Uploaded)
		if t.job.Trigger == TriggerTimer && !r.Counts.Any() {
			level = slog.LevelDebug
		}
	case ResultCanceled:
		text = "canceled: " + f.Text
	case ResultHalted:
		level, word = levelNotice, "halt"
		text = Summary(r)
		for i, h := range l.view.Holds {
			if i == 0 || h.Text != l.view.Holds[i-1].Text {
				more := append(slices.Clone(args), "event", holdWord(h.Code), "folder", h.Folder)
				l.s.o.Log.Log(context.Background(), levelNotice, fmt.Sprintf("%s: held: %s", name, h.Text), more...)
			}
		}
		word = ""
	case ResultPartial:
		level, word, text = slog.LevelWarn, "sync-failed", Summary(r)+"; "+f.Text
	default:
		level, word, text = slog.LevelWarn, failureWord(f.Code), f.Text
		if f.Hint != "" {
			text += " (" + f.Hint + ")"
		}
		if l.view.Failures > 1 && t.job.Trigger == TriggerTimer {
			level = slog.LevelInfo // it was told once
		}
	}
	if f.Code != "" {
		args = append(args, "error", string(f.Code))
	}
	if word != "" {
		args = append(args, "event", word)
	}
	l.s.o.Log.Log(context.Background(), level, name+": "+text, args...)
	if r == nil {
		return
	}
	for _, n := range r.Notes {
		if n == t.recovered {
			continue // told already
		}
		l.s.o.Log.Info(name+": "+n, "account", name, "job", t.job.ID)
	}
	for _, folder := range r.Folders {
		for _, p := range folder.Problems {
			if folder.Result == engine.Failed {
				l.s.o.Log.Warn(fmt.Sprintf("%s/%s: %s", name, folder.Name, cmp.Or(p.Text, p.Hint)), "account", name, "folder", folder.Name, "job", t.job.ID, "error", p.Class, "uid", uint32(p.UID))
			}
		}
	}
}

func holdWord(code string) string {
	switch guard.Code(code) {
	case guard.Validity, guard.Backwards:
		return "uidvalidity-changed"
	}
	return "halt"
}

func failureWord(c Code) string {
	switch c {
	case AuthenticationFailed:
		return "login-refused"
	case CredentialsUnavailable:
		return "password-needed"
	case TLSUntrusted:
		return "certificate-untrusted"
	case Offline:
		return "server-unreachable"
	case StateLocked:
		return "account-in-use"
	case Disk:
		return "maildir-unwritable"
	}
	return "sync-failed"
}
