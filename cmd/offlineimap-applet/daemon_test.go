package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/dbus/server"
	"github.com/offlineimap/offlineimapd/service"
	"github.com/offlineimap/offlineimapd/service/event"
	"github.com/offlineimap/offlineimapd/service/health"
)

// fakeDaemon is a service whose Status is what the test says, behind the real
// server.
type fakeDaemon struct {
	t      *testing.T
	bus    string
	events event.Broadcaster

	mu     sync.Mutex
	status *service.Status
	calls  []string // "sync work", "approve work token", "agent"
	refuse map[string]*service.Error
	news   chan struct{} // closed at each call
	server *server.Server
	leave  func() // takes it off the bus
}

// newDaemon makes a daemon with these accounts in step, not on the bus yet.
func newDaemon(t *testing.T, bus string, accounts ...string) *fakeDaemon {
	d := &fakeDaemon{t: t, bus: bus, refuse: map[string]*service.Error{}, news: make(chan struct{}), leave: func() {}}
	st := &service.Status{State: service.StateIdle, Online: true}
	for _, name := range accounts {
		st.Accounts = append(st.Accounts, service.Account{Name: name, State: service.AccountIdle, Enabled: true,
			Host: "mail.example.org", User: "me", LastResult: service.ResultDone})
	}
	d.status = st
	t.Cleanup(func() { d.leave() })
	return d
}

// come puts the daemon on the bus.
func (d *fakeDaemon) come() {
	d.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ready, done := make(chan struct{}), make(chan error, 1)
	s := server.New(server.Options{Daemon: d, Version: "test", Ready: func() { close(ready) }})
	go func() { done <- s.Serve(ctx, d.bus) }()
	select {
	case <-ready:
	case err := <-done:
		cancel()
		d.t.Fatalf("put the daemon on the bus: %v", err)
	}
	d.server = s
	d.leave = func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, server.ErrBusLost) {
			d.t.Errorf("the daemon left the bus: %v", err)
		}
		d.leave = func() {}
	}
}

// set changes the Status, and tells of it and of some events.
func (d *fakeDaemon) set(change func(*service.Status), events ...event.Event) {
	d.mu.Lock()
	st := *d.status
	st.Serial++
	st.Accounts, st.Problems = slices.Clone(st.Accounts), slices.Clone(st.Problems)
	change(&st)
	d.status = &st
	d.mu.Unlock()
	d.events.Send(event.Event{Kind: event.Changed})
	for _, e := range events {
		d.events.Send(e)
	}
}

// mail has new mails come into a folder.
func (d *fakeDaemon) mail(account, folder string, n int) {
	d.set(func(st *service.Status) { st.Account(account).Fresh += n },
		event.Event{Kind: event.NewMail, Account: account, Folder: folder, Count: n})
}

// fresh says how many of them nobody has seen.
func (d *fakeDaemon) fresh(account string, n int) {
	d.set(func(st *service.Status) { st.Account(account).Fresh = n })
}

// problem raises one.
func (d *fakeDaemon) problem(p health.Problem) {
	d.set(func(st *service.Status) {
		st.Problems = append(st.Problems, p)
		if p.Code == health.PasswordNeeded {
			st.Account(p.Account).State = service.AccountAuthRequired
		}
		if p.Token != "" {
			a := st.Account(p.Account)
			a.Holds = append(slices.Clone(a.Holds), service.Hold{Token: p.Token, Text: p.Text})
			a.HaltToken = "all " + p.Token
		}
	}, event.Event{Kind: event.ProblemRaised, Code: string(p.Code), Account: p.Account, Severity: string(p.Severity), Text: p.Text})
}

// solve clears all problems of an account, as the end of a job does.
func (d *fakeDaemon) solve(account string) {
	d.set(func(st *service.Status) {
		st.Problems = slices.DeleteFunc(st.Problems, func(p health.Problem) bool { return p.Account == account })
		a := st.Account(account)
		a.State, a.Holds, a.HaltToken = service.AccountIdle, nil, ""
	})
}

// jobEnds has a job of an account end, whatever became of it.
func (d *fakeDaemon) jobEnds(account string) {
	d.set(func(*service.Status) {}, event.Event{Kind: event.JobRemoved, Job: 1, Account: account, Result: "failed"})
}

func (d *fakeDaemon) called(call string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls = append(d.calls, call)
	close(d.news)
	d.news = make(chan struct{})
	if err := d.refuse[call]; err != nil {
		return err
	}
	return nil
}

// await waits until a call has been made n times in all.
func (d *fakeDaemon) await(call string, n int) {
	d.t.Helper()
	for limit := time.After(20 * time.Second); ; {
		d.mu.Lock()
		calls, news := slices.Clone(d.calls), d.news
		d.mu.Unlock()
		got := 0
		for _, c := range calls {
			if c == call {
				got++
			}
		}
		if got == n {
			return
		}
		select {
		case <-news:
		case <-limit:
			d.t.Fatalf("%q was called %d times, not %d; all calls: %q", call, got, n, calls)
		}
	}
}

// askFor asks the agents for a password, and returns the answer or the code of
// the error.
func (d *fakeDaemon) askFor(ctx context.Context, account string) string {
	secret, err := d.server.Ask(ctx, service.Question{Account: account, Kind: "password", Host: "mail.example.org", User: "me"})
	if err != nil {
		return "error " + string(service.CodeOf(err))
	}
	return secret
}

// The rest is service.Daemon.

func (d *fakeDaemon) Status() *service.Status {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.status
}

func (d *fakeDaemon) Subscribe(n int) *event.Subscription { return d.events.Subscribe(n) }

func (d *fakeDaemon) Sync(_ context.Context, account string, _ service.Request) ([]uint32, error) {
	if err := d.called("sync " + account); err != nil {
		return nil, err
	}
	return []uint32{1}, nil
}

func (d *fakeDaemon) Approve(_ context.Context, account, token string) (uint32, error) {
	return 1, d.called(fmt.Sprintf("approve %s %s", account, token))
}

func (d *fakeDaemon) Pause(context.Context, string, time.Duration) error { return d.called("pause") }
func (d *fakeDaemon) Resume(context.Context, string) error               { return d.called("resume") }
func (d *fakeDaemon) Cancel(context.Context, uint32) error               { return d.called("cancel") }
func (d *fakeDaemon) Reload(context.Context) error                       { return d.called("reload") }
func (d *fakeDaemon) AgentArrived([]string)                              { _ = d.called("agent") }
