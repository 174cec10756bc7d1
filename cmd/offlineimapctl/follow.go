package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/offlineimap/offlineimapd/cmd/offlineimapctl/term"
	"github.com/offlineimap/offlineimapd/dbus/client"
)

// follower starts jobs, waits for them, shows how far they are, asks for
// passwords where there is a terminal, and knows what Ctrl-C means. One
// goroutine, that of run, writes to the terminal.
type follower struct {
	a        *app
	c        *client.Client
	progress *term.Progress // nil where standard error is no terminal
	agent    *prompter      // nil where nobody can be asked
	accounts []string       // whose passwords are asked for; none: all
	jobs     map[uint32]*client.Job
	order    []uint32
	asking   context.CancelCauseFunc // takes back the question on the terminal; nil: there is none
}

func (a *app) follower(c *client.Client) *follower {
	f := &follower{a: a, c: c, jobs: map[uint32]*client.Job{}}
	if a.ErrTerminal {
		f.progress = &term.Progress{W: a.Err, Columns: a.Columns, Style: a.ErrStyle, Now: a.now}
	}
	return f
}

func (f *follower) close() {
	if f.agent != nil {
		f.agent.close()
	}
}

// cancelPatience is how long jobs may take to end after they were canceled.
const cancelPatience = 10 * time.Second

// run starts jobs and returns them when they have ended; see client.Wait. The
// first Ctrl-C says that the jobs go on without this program, which then ends
// soon; a second one until then cancels them.
func (f *follower) run(ctx context.Context, limit time.Duration, start func(context.Context) ([]client.Ref, error)) ([]*client.Job, error) {
	interrupts, stop := f.a.interrupts()
	defer stop()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	bounded, end := within(ctx, limit)
	defer end()

	s, err := f.c.Subscribe(bounded)
	if err != nil {
		return nil, err
	}
	defer s.Close()

	type outcome struct {
		jobs []*client.Job
		err  error
	}
	events, started, result := make(chan client.Event), make(chan []client.Ref, 1), make(chan outcome, 1)
	agent := make(chan *prompter, 1)
	go func() {
		agent <- f.register(bounded)
		refs, err := start(bounded)
		if err != nil {
			result <- outcome{nil, err}
			return
		}
		started <- refs
		jobs, err := f.c.Wait(bounded, s, refs, func(e client.Event) {
			select {
			case events <- e:
			case <-bounded.Done():
			}
		})
		result <- outcome{jobs, err}
	}()

	var refs []client.Ref
	var leave <-chan time.Time
	interrupted := 0
	for {
		select {
		case f.agent = <-agent:
		case refs = <-started:
			f.watch(bounded, refs)
		case e := <-events:
			f.event(e)
		case q := <-f.questions():
			f.ask(q)
		case <-f.answered():
			f.asking = nil
		case o := <-result:
			select {
			case f.agent = <-agent:
			default:
			}
			f.hush()
			f.clear()
			if interrupted > 0 && o.err == nil {
				o.err = errInterrupted
			}
			return o.jobs, o.err
		case <-leave:
			cancel(errInterrupted)
			leave = nil
		case sig := <-interrupts:
			switch {
			case f.asking != nil && sig == os.Interrupt:
				f.asking(errInterrupted)
				continue
			case sig == syscall.SIGTERM || len(refs) == 0:
				cancel(errInterrupted)
				continue
			}
			interrupted++
			if interrupted > 1 {
				f.cancelJobs(ctx, refs)
				leave = time.After(cancelPatience)
				continue
			}
			f.clear()
			f.a.note("offlineimapctl: the daemon goes on with %s; press Ctrl-C again now to cancel\n", jobNames(refs))
			leave = time.After(f.a.grace)
		}
	}
}

// hush ends a question that is still asked, and waits until the terminal is as it
// was before.
func (f *follower) hush() {
	if f.asking == nil {
		return
	}
	f.asking(errInterrupted)
	select {
	case <-f.agent.answered:
	case <-time.After(time.Second):
	}
	f.asking = nil
}

func jobNames(refs []client.Ref) string {
	var ids []string
	for _, r := range refs {
		ids = append(ids, fmt.Sprint(r.ID))
	}
	if len(ids) == 1 {
		return "job " + ids[0]
	}
	return "jobs " + strings.Join(ids, ", ")
}

// cancelJobs cancels those that have not ended; those that have say so.
func (f *follower) cancelJobs(ctx context.Context, refs []client.Ref) {
	f.clear()
	f.a.note("offlineimapctl: canceling\n")
	for _, r := range refs {
		if err := f.c.Cancel(ctx, r.ID); err != nil && client.Code(err) != "NotCancelable" && client.Code(err) != "NoSuchJob" {
			f.a.note("offlineimapctl: cancel job %d: %s\n", r.ID, err)
		}
	}
}

// watch begins to show the progress of jobs.
func (f *follower) watch(ctx context.Context, refs []client.Ref) {
	if f.progress == nil {
		return
	}
	for _, r := range refs {
		j, err := f.c.Job(ctx, r.ID)
		if err != nil {
			continue // Wait tells
		}
		f.jobs[r.ID] = j
		f.order = append(f.order, r.ID)
	}
	f.show()
}

func (f *follower) event(e client.Event) {
	switch e := e.(type) {
	case client.JobChanged:
		if j := f.jobs[e.ID]; j != nil {
			j.Update(e.Changed)
			f.show()
		}
	case client.JobRemoved:
		if j := f.jobs[e.ID]; j != nil {
			j.State = "finished"
			f.show()
		}
	}
}

// show writes the line of progress: a single job in full, several in sum.
func (f *follower) show() {
	if f.progress == nil || f.asking != nil {
		return
	}
	var running []*client.Job
	for _, id := range f.order {
		if j := f.jobs[id]; !j.Finished() {
			running = append(running, j)
		}
	}
	if len(running) == 0 {
		f.clear()
		return
	}
	f.progress.Show(bar(running, len(f.order)))
}

// bar sums up jobs that run, of n.
func bar(running []*client.Job, n int) term.Bar {
	j := running[0]
	if n == 1 {
		b := term.Bar{Label: j.Account, Done: j.Done, Total: j.Total}
		switch {
		case j.State == "waiting":
			b.Label += ": waiting"
		case j.Folder != "":
			b.Label += "/" + j.Folder
		case j.Phase != "":
			b.Label += ": " + j.Phase
		}
		if j.Bytes > 0 {
			b.Note = term.Size(j.Bytes)
		}
		return b
	}
	b := term.Bar{}
	var names []string
	var bytes int64
	for _, j := range running {
		names = append(names, j.Account)
		b.Done += j.Done
		b.Total += j.Total
		bytes += j.Bytes
	}
	b.Label = fmt.Sprintf("%d of %d accounts: %s", len(running), n, strings.Join(names, ", "))
	if bytes > 0 {
		b.Note = term.Size(bytes)
	}
	return b
}

func (f *follower) clear() {
	if f.progress != nil {
		f.progress.Clear()
	}
}
