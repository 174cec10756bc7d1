package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/offlineimap/offlineimapd/cmd/offlineimapctl/term"
	"github.com/offlineimap/offlineimapd/dbus/client"
	"github.com/offlineimap/offlineimapd/dbus/server"
	"github.com/offlineimap/offlineimapd/internal/testenv"
	"github.com/offlineimap/offlineimapd/service"
	"github.com/offlineimap/offlineimapd/service/event"
	"github.com/offlineimap/offlineimapd/service/health"
	"github.com/offlineimap/offlineimapd/sync/engine"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestMain(m *testing.M) {
	time.Local = time.UTC
	flag.Parse()
	code := m.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// golden compares what was written with a file in testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (go test -update writes it)", err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", path, got, want)
	}
}

// noon is when the tests happen.
var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

func before(d time.Duration) time.Time { return noon.Add(-d) }

// daemon is a service that does what a test says, shown by the real server.
type daemon struct {
	t      *testing.T
	status atomic.Pointer[service.Status]
	events event.Broadcaster
	agents atomic.Int32
	asks   func(ctx context.Context, q service.Question) (string, error) // the server's, to ask agents

	mu       sync.Mutex
	asked    []string
	fail     map[string]error // by the first word of what was asked
	sync     func(account string, r service.Request) ([]uint32, error)
	canceled func(id uint32)
}

func (d *daemon) Status() *service.Status             { return d.status.Load() }
func (d *daemon) Subscribe(n int) *event.Subscription { return d.events.Subscribe(n) }
func (d *daemon) AgentArrived([]string)               { d.agents.Add(1) }

func (d *daemon) note(format string, args ...any) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := fmt.Sprintf(format, args...)
	d.asked = append(d.asked, s)
	verb, _, _ := strings.Cut(s, " ")
	return d.fail[verb]
}

func (d *daemon) Sync(_ context.Context, a string, r service.Request) ([]uint32, error) {
	err := d.note("sync %q %v full=%v dry=%v even=%v", a, r.Folders, r.Full, r.DryRun, r.EvenIfPaused)
	if err == nil && a != "" && d.Status().Account(a) == nil {
		err = noSuch(a)
	}
	d.mu.Lock()
	f := d.sync
	d.mu.Unlock()
	if err != nil || f == nil {
		return nil, err
	}
	return f(a, r)
}

func noSuch(a string) error {
	return &service.Error{Code: service.NoSuchAccount, Err: fmt.Errorf("account %q does not exist", a), Hint: `did you mean "work"?`}
}

func (d *daemon) Approve(_ context.Context, a, token string) (uint32, error) {
	if err := d.note("approve %q %q", a, token); err != nil {
		return 0, err
	}
	d.mu.Lock()
	f := d.sync
	d.mu.Unlock()
	ids, err := f(a, service.Request{})
	if err != nil {
		return 0, err
	}
	return ids[0], nil
}
func (d *daemon) Pause(_ context.Context, a string, l time.Duration) error {
	return d.note("pause %q %v", a, l)
}
func (d *daemon) Resume(_ context.Context, a string) error { return d.note("resume %q", a) }
func (d *daemon) Cancel(_ context.Context, id uint32) error {
	err := d.note("cancel %d", id)
	d.mu.Lock()
	f := d.canceled
	d.mu.Unlock()
	if err == nil && f != nil {
		f(id)
	}
	return err
}
func (d *daemon) Reload(context.Context) error { return d.note("reload") }

// took returns what was asked until now.
func (d *daemon) took() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.asked)
}

func (d *daemon) fails(verb string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fail[verb] = err
}

// syncs says what becomes of Sync and Approve.
func (d *daemon) syncs(f func(account string, r service.Request) ([]uint32, error)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sync = f
}

func (d *daemon) onCancel(f func(id uint32)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.canceled = f
}

// change puts a changed copy of the Status in force, then tells of it.
func (d *daemon) change(edit func(*service.Status), events ...event.Event) {
	st := *d.Status()
	st.Accounts, st.Jobs, st.Problems = slices.Clone(st.Accounts), slices.Clone(st.Jobs), slices.Clone(st.Problems)
	edit(&st)
	st.Serial++
	d.status.Store(&st)
	d.events.Send(event.Event{Kind: event.Changed})
	for _, e := range events {
		d.events.Send(e)
	}
}

// job adds a job that runs.
func (d *daemon) job(j service.Job) uint32 {
	if j.State == "" {
		j.State = service.JobRunning
	}
	if j.Kind == "" {
		j.Kind = service.KindSync
	}
	j.Trigger, j.Created, j.Started = service.TriggerUser, noon, noon
	d.change(func(st *service.Status) {
		st.Jobs = slices.DeleteFunc(st.Jobs, func(o service.Job) bool { return o.ID == j.ID })
		st.Jobs = append(st.Jobs, j)
		if a := st.Account(j.Account); a != nil {
			a.Job = j.ID
		}
	}, event.Event{Kind: event.JobNew, Job: j.ID, Account: j.Account})
	return j.ID
}

// end ends a job.
func (d *daemon) end(id uint32, r service.Result, f service.Failure, report *engine.Report) {
	account := d.Status().Job(id).Account
	d.change(func(st *service.Status) {
		j := st.Job(id)
		j.State, j.Result, j.Failure, j.Report, j.Ended = service.JobFinished, r, f, report, noon.Add(3*time.Second)
		if a := st.Account(account); a != nil {
			a.Job = 0
		}
	}, event.Event{Kind: event.JobRemoved, Job: id, Account: account, Result: string(r)})
}

// hostile has what a server might send to harm a terminal.
const hostile = "x\x1b[31m\x07\u009b2J\u202ey\r\nz"

// plain is a Status in which all is well.
func plain() *service.Status {
	return &service.Status{
		Serial: 1, State: service.StateIdle, Text: "Watching 2 accounts, last sync 11:58", Online: true, ConfigPath: "/home/eva/.offlineimaprc",
		ConfigLoaded: before(26 * time.Hour), LastSync: before(2 * time.Minute),
		Accounts: []service.Account{
			{Name: "work", State: service.AccountIdle, Enabled: true, Host: "imap.example.org", User: "eva@example.org", Root: "/home/eva/Mail/work",
				LastStart: before(125 * time.Second), LastSync: before(2 * time.Minute), LastResult: service.ResultDone, NextSync: noon.Add(3 * time.Minute),
				Messages: 1204, Unseen: 3, Folders: []service.Folder{
					{Local: "INBOX", Remote: "INBOX", Messages: 1200, Unseen: 3, LastSync: before(2 * time.Minute)},
					{Local: "Lists.go", Remote: "Lists/go", Messages: 4, LastSync: before(3 * time.Hour)}}},
			{Name: "home", State: service.AccountIdle, Enabled: true, Host: "mail.example.net", User: "eva", Root: "/home/eva/Mail/home",
				LastSync: before(40 * time.Second), LastResult: service.ResultDone, NextSync: noon.Add(4 * time.Minute)},
		},
	}
}

// troubled is a Status in which little is well.
func troubled() *service.Status {
	st := plain()
	st.State, st.Text = service.StateDegraded, "home: password needed"
	st.Accounts[0].State, st.Accounts[0].Reason = service.AccountSyncing, ""
	st.Accounts[0].Job = 7
	st.Accounts[0].Holds = []service.Hold{
		{Token: "aaaaaaaaaaaa", Folder: "Lists/go", Code: "folder-emptied", Text: "All 4 mails are gone on the server.\nTo remove them here too, approve.", Since: before(2 * time.Hour)},
		{Token: "bbbbbbbbbbbb", Folder: hostile, Code: "many-removals", Text: "12 of 20 mails are gone here.", Since: before(time.Hour)}}
	st.Accounts[0].HaltToken = "cccccccccccc"
	st.Accounts[1].State, st.Accounts[1].Reason = service.AccountAuthRequired, "the server refused the password"
	st.Accounts[1].LastResult = service.ResultFailed
	st.Accounts[1].LastError = service.Failure{Code: service.AuthenticationFailed, Text: "login refused: " + hostile, Hint: "offlineimapctl sync home asks for the password"}
	st.Accounts[1].Failures = 2
	st.Accounts[1].NextSync = time.Time{}
	st.Accounts = append(st.Accounts, service.Account{Name: "日本", State: service.AccountPaused, Enabled: true, Paused: true, PausedUntil: noon.Add(2 * time.Hour),
		Host: "imap.example.jp", LastSync: before(49 * time.Hour), LastResult: service.ResultPartial})
	st.Jobs = []service.Job{{ID: 7, Account: "work", Kind: service.KindFull, Trigger: service.TriggerTimer, State: service.JobRunning,
		Phase: service.PhaseApplying, Folder: "Lists/go", Done: 3, Total: 12, Bytes: 120000, Created: before(9 * time.Second), Started: before(8 * time.Second)}}
	st.Problems = []health.Problem{
		{Code: health.Held, Account: "work", Severity: health.Error, Text: "All 4 mails of Lists/go are gone on the server.\n" + hostile, Fix: "offlineimapctl approve work", Token: "aaaaaaaaaaaa", Since: before(2 * time.Hour)},
		{Code: health.PasswordNeeded, Account: "home", Severity: health.Error, Text: "the server refused the password", Fix: "offlineimapctl sync home", Since: before(90 * time.Second)},
		{Code: health.ConfigRejected, Severity: health.Warning, Text: "the configuration has an error in line 3", Fix: "offlineimapctl config check", Since: before(20 * time.Second)},
	}
	return st
}

// setting is a daemon on a bus of its own, and somebody who uses the program.
type setting struct {
	t       *testing.T
	bus     *testenv.BusServer
	daemon  *daemon
	leave   func() // takes the daemon off the bus
	mayFail atomic.Bool
	later   atomic.Int64 // than noon, that the user's clock shows
	app     *app
	out     *buffer
	err     *buffer
	signals chan os.Signal
}

// buffer is a bytes.Buffer for several goroutines.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// start starts a bus, and a daemon there unless st is nil.
func start(t *testing.T, st *service.Status) *setting {
	t.Helper()
	s := &setting{t: t, bus: testenv.NewBus(t, "")}
	s.newApp()
	if st != nil {
		s.serve(st)
	}
	return s
}

// newApp gives the user a new terminal, as it were.
func (s *setting) newApp() {
	streams, _, _ := term.Test("")
	s.out, s.err, s.signals = &buffer{}, &buffer{}, make(chan os.Signal, 4)
	streams.Out, streams.Err = s.out, s.err
	s.app = &app{
		Streams: streams,
		getenv:  func(string) string { return "" },
		now:     func() time.Time { return noon.Add(time.Duration(s.later.Load())) },
		connect: func(ctx context.Context) (*client.Client, error) { return client.ConnectTo(ctx, s.bus.Addr()) },
		interrupts: func() (<-chan os.Signal, func()) {
			return s.signals, func() {}
		},
		command: func(context.Context, io.Reader, io.Writer, io.Writer, string, ...string) error {
			return exec.ErrNotFound
		},
		lookPath: func(string) (string, error) { return "", exec.ErrNotFound },
		self:     func() (string, error) { return "", errors.New("nowhere") },
		grace:    time.Hour,
	}
}

// serve puts a daemon on the bus.
func (s *setting) serve(st *service.Status) {
	s.t.Helper()
	d := &daemon{t: s.t, fail: map[string]error{}}
	d.status.Store(st)
	ready, done := make(chan struct{}), make(chan struct{})
	srv := server.New(server.Options{Daemon: d, Version: "1.2.3", LogControl: &level{l: "info"}, Ready: func() { close(ready) }})
	d.asks = srv.Ask
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer close(done)
		if err := srv.Serve(ctx, s.bus.Addr()); err != nil && !s.mayFail.Load() {
			s.t.Errorf("Serve: %v", err)
		}
	}()
	s.daemon, s.leave = d, func() { cancel(); <-done }
	s.t.Cleanup(s.leave)
	select {
	case <-ready:
	case <-time.After(patience):
		s.t.Fatal("the daemon is not ready")
	}
}

// serverMayFail says that a test takes the bus away.
func (s *setting) serverMayFail() { s.mayFail.Store(true) }

// patience is how long anything in a test may take.
const patience = 20 * time.Second

// run runs the program to its end.
func (s *setting) run(args ...string) int {
	s.t.Helper()
	select {
	case status := <-s.begin(args...):
		return status
	case <-time.After(patience):
		s.t.Fatalf("%v does not end; so far\n%s%s", args, s.out, s.err)
		return -1
	}
}

// begin runs the program, and gives its status when it ends.
func (s *setting) begin(args ...string) <-chan int {
	c := make(chan int, 1)
	a := *s.app // options of one run are not those of the next
	go func() { c <- a.run(args) }()
	return c
}

// ends waits for a program that was begun.
func (s *setting) ends(c <-chan int, want int) {
	s.t.Helper()
	select {
	case status := <-c:
		if status != want {
			s.t.Errorf("status %d, want %d\n%s%s", status, want, s.out, s.err)
		}
	case <-time.After(patience):
		s.t.Fatalf("it does not end; so far\n%s%s", s.out, s.err)
	}
}

// until waits for a condition.
func (s *setting) until(what string, holds func() bool) {
	s.t.Helper()
	for limit := time.Now().Add(patience); time.Now().Before(limit); time.Sleep(2 * time.Millisecond) {
		if holds() {
			return
		}
	}
	s.t.Fatalf("not in time: %s\n%s%s", what, s.out, s.err)
}

// shows waits until a stream has a text.
func (s *setting) shows(b *buffer, text string) {
	s.t.Helper()
	s.until(fmt.Sprintf("%q", text), func() bool { return strings.Contains(b.String(), text) })
}

// both is what the program wrote.
func (s *setting) both() string { return s.out.String() + "--\n" + s.err.String() }

type level struct {
	mu sync.Mutex
	l  string
}

func (l *level) Level() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.l
}

func (l *level) SetLevel(s string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.l = s
	return nil
}
func (l *level) Target() string     { return "journal" }
func (l *level) Identifier() string { return "offlineimapd" }
