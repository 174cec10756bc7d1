package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"go.uber.org/goleak"

	"github.com/offlineimap/offlineimapd/dbus/api"
	"github.com/offlineimap/offlineimapd/internal/testenv"
	"github.com/offlineimap/offlineimapd/service"
	"github.com/offlineimap/offlineimapd/service/event"
	"github.com/offlineimap/offlineimapd/service/health"
	"github.com/offlineimap/offlineimapd/sync/engine"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a daemon that does what a test says, and notes what it was asked.
type fake struct {
	status atomic.Pointer[service.Status]
	events event.Broadcaster

	mu      sync.Mutex
	asked   []string
	arrived int
	next    error         // what the next call fails with
	block   chan struct{} // calls wait for its end; nil: they do not
	slow    time.Duration // what a call takes
	fault   bool          // calls panic

	busy, busiest int // calls at once
}

func newFake(st *service.Status) *fake {
	f := &fake{}
	f.status.Store(st)
	return f
}

func (f *fake) Status() *service.Status             { return f.status.Load() }
func (f *fake) Subscribe(n int) *event.Subscription { return f.events.Subscribe(n) }
func (f *fake) Pause(ctx context.Context, a string, d time.Duration) error {
	return f.note(ctx, "pause %q %v", a, d)
}
func (f *fake) Resume(ctx context.Context, a string) error  { return f.note(ctx, "resume %q", a) }
func (f *fake) Cancel(ctx context.Context, id uint32) error { return f.note(ctx, "cancel %d", id) }
func (f *fake) Reload(ctx context.Context) error            { return f.note(ctx, "reload") }

func (f *fake) Sync(ctx context.Context, a string, r service.Request) ([]uint32, error) {
	if err := f.note(ctx, "sync %q %+v", a, r); err != nil {
		return nil, err
	}
	if a == "" {
		return []uint32{7, 8}, nil
	}
	return []uint32{7}, nil
}

func (f *fake) Approve(ctx context.Context, a, token string) (uint32, error) {
	return 9, f.note(ctx, "approve %q %q", a, token)
}

func (f *fake) AgentArrived([]string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.arrived++
}

func (f *fake) note(ctx context.Context, format string, args ...any) error {
	f.mu.Lock()
	f.asked = append(f.asked, fmt.Sprintf(format, args...))
	err, block, slow, fault := f.next, f.block, f.slow, f.fault
	f.next = nil
	f.busy++
	f.busiest = max(f.busiest, f.busy)
	f.mu.Unlock()
	defer f.set(func(f *fake) { f.busy-- })
	if slow > 0 {
		time.Sleep(slow)
	}
	if fault {
		panic("the daemon is broken")
	}
	if block != nil {
		select {
		case <-block:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return err
}

// set changes how the daemon behaves.
func (f *fake) set(how func(*fake)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	how(f)
}

// most returns how many calls were worked on at once.
func (f *fake) most() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.busiest
}

// took returns what was asked since the last call.
func (f *fake) took() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := f.asked
	f.asked = nil
	return out
}

// change puts a changed copy of the Status in force, then tells of it.
func (f *fake) change(edit func(*service.Status), events ...event.Event) {
	st := *f.Status()
	st.Accounts, st.Jobs, st.Problems = slices.Clone(st.Accounts), slices.Clone(st.Jobs), slices.Clone(st.Problems)
	edit(&st)
	st.Serial++
	f.status.Store(&st)
	f.events.Send(event.Event{Kind: event.Changed})
	for _, e := range events {
		f.events.Send(e)
	}
}

// at is a time in the tests' Status, n seconds after the first.
func at(n int) time.Time { return time.Unix(1700000000+int64(n), 0).UTC() }

// example is a Status that has everything once.
func example() *service.Status {
	return &service.Status{
		Serial: 1, State: service.StateSyncing, Text: "work: 3 of 10 mails", Online: true,
		ConfigPath: "/home/anna/.offlineimaprc", ConfigLoaded: at(0), LastSync: at(100),
		Accounts: []service.Account{
			{Name: "home", State: service.AccountIdle, Enabled: true, Host: "imap.example.org", User: "anna", Root: "/home/anna/Mail/home",
				LastStart: at(90), LastSync: at(100), LastResult: service.ResultDone, NextSync: at(400), Messages: 12, Unseen: 2, Fresh: 1,
				Folders: []service.Folder{{Local: "INBOX", Remote: "INBOX", Messages: 12, Unseen: 2, LastSync: at(100)},
					{Local: "Sp\xffm", Remote: "Sp\x00m", Messages: 0}}},
			{Name: "work-2", State: service.AccountSyncing, Reason: "a run is under way", Enabled: true, Host: "mail.example.com", User: "a.b",
				Root: "/home/anna/Mail/work", Job: 7, LastStart: at(110), LastError: service.Failure{Code: service.Offline, Text: "no route", Hint: "wait"},
				Failures: 2, HaltToken: "tok",
				Holds: []service.Hold{{Token: "tok", Folder: "INBOX", Code: "mass-deletion", Text: "900 of 1000 mails would go", Since: at(50)}}},
		},
		Jobs: []service.Job{
			{ID: 5, Account: "home", Kind: service.KindSync, Trigger: service.TriggerTimer, State: service.JobFinished, Created: at(90), Started: at(90),
				Ended: at(100), Result: service.ResultDone, Done: 4, Total: 4, Bytes: 4096, Report: &engine.Report{Account: "home", Result: engine.Synced,
					Started: at(90), Seconds: 10, Counts: engine.Counts{Downloaded: 4, Bytes: 4096},
					Folders: []engine.Folder{{Name: "INBOX", Local: "INBOX", Result: engine.Synced, Counts: engine.Counts{Downloaded: 4, Bytes: 4096}},
						{Name: "Old", Local: "Old", Result: engine.Unchanged}}}},
			{ID: 7, Account: "work-2", Kind: service.KindFull, Trigger: service.TriggerUser, Reason: "because", Folders: []string{"INBOX"},
				State: service.JobRunning, Phase: service.PhaseApplying, Folder: "INBOX", Done: 3, Total: 10, Bytes: 300, Created: at(110), Started: at(110)},
		},
		Problems: []health.Problem{{Code: health.Held, Account: "work-2", Severity: health.Error, Text: "a plan waits", Fix: "offlineimapctl approve work-2", Token: "tok", Since: at(50)}},
	}
}

// log collects what the server logs.
type log struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// levels is a LogControl.
type levels struct {
	mu    sync.Mutex
	level string
}

func (l *levels) Level() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.level
}

func (l *levels) SetLevel(s string) error {
	if !slices.Contains([]string{"err", "warning", "info", "debug"}, s) {
		return errors.New("there is no such level")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.level = s
	return nil
}

func (l *levels) Target() string     { return "journal" }
func (l *levels) Identifier() string { return "offlineimapd" }

// setting is a server on a bus of its own.
type setting struct {
	t      *testing.T
	bus    *testenv.BusServer
	daemon *fake
	server *Server
	log    *log
	end    context.CancelFunc
	result chan error // of Serve
}

func start(t *testing.T, st *service.Status) *setting {
	t.Helper()
	s := &setting{t: t, bus: testenv.NewBus(t, ""), daemon: newFake(st), log: &log{}, result: make(chan error, 1)}
	s.serve()
	return s
}

// serve starts the server, and returns when the name is taken.
func (s *setting) serve() {
	s.t.Helper()
	ready := make(chan struct{})
	s.server = New(Options{Daemon: s.daemon, Version: "1.2.3", Features: []string{"agent"}, LogControl: &levels{level: "info"},
		Log: slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})), Ready: func() { close(ready) }})
	ctx, cancel := context.WithCancel(context.Background())
	s.end = cancel
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.result <- s.server.Serve(ctx, s.bus.Addr())
	}()
	s.t.Cleanup(func() {
		cancel()
		<-done
	})
	select {
	case <-ready:
	case err := <-s.result:
		s.t.Fatalf("Serve: %v", err)
	case <-time.After(20 * time.Second):
		s.t.Fatal("the server is not ready")
	}
}

// client connects somebody to the bus.
func (s *setting) client() *client {
	s.t.Helper()
	conn, err := dbus.Connect(s.bus.Addr(), dbus.WithSignalHandler(dbus.NewSequentialSignalHandler()))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	return &client{t: s.t, Conn: conn}
}

type client struct {
	t *testing.T
	*dbus.Conn
}

// call calls a method of the daemon, by interface and member.
func (c *client) call(path, method string, args ...any) ([]any, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	call := c.Object(api.BusName, dbus.ObjectPath(path)).CallWithContext(ctx, method, 0, args...)
	return call.Body, call.Err
}

// must is call where an error fails the test.
func (c *client) must(path, method string, args ...any) []any {
	c.t.Helper()
	body, err := c.call(path, method, args...)
	if err != nil {
		c.t.Fatalf("%s at %s: %v", method, path, err)
	}
	return body
}

// fails wants an error of that name, and returns its texts.
func (c *client) fails(name, path, method string, args ...any) []string {
	c.t.Helper()
	body, err := c.call(path, method, args...)
	var de dbus.Error
	if !errors.As(err, &de) {
		c.t.Errorf("%s at %s with %v: %v, %v instead of %s", method, path, args, body, err, name)
		return []string{"", ""}
	}
	if de.Name != name {
		c.t.Errorf("%s at %s with %v: %s (%v) instead of %s", method, path, args, de.Name, de.Body, name)
	}
	out := []string{"", ""}
	for i, v := range de.Body {
		if s, ok := v.(string); ok && i < len(out) {
			out[i] = s
		}
	}
	return out
}

// signals subscribes to all of the daemon's signals.
func (c *client) signals() chan *dbus.Signal {
	c.t.Helper()
	ch := make(chan *dbus.Signal, 1000)
	c.Signal(ch)
	if err := c.AddMatchSignal(dbus.WithMatchSender(api.BusName)); err != nil {
		c.t.Fatal(err)
	}
	return ch
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for limit := time.Now().Add(20 * time.Second); time.Now().Before(limit); time.Sleep(2 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatalf("not within 20 seconds: %s", what)
}
