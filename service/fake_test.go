package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/offlineimap/offlineimapd/service/event"
	"github.com/offlineimap/offlineimapd/sync/engine"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// fakeRunner makes runs that take a second each, unless told otherwise.
type fakeRunner struct {
	mu     sync.Mutex
	orders []Order
	starts []time.Time
	do     func(ctx context.Context, n int, o Order) (*Outcome, error) // n counts from 1
}

func (r *fakeRunner) Run(ctx context.Context, o Order) (*Outcome, error) {
	r.mu.Lock()
	r.orders, r.starts = append(r.orders, o), append(r.starts, time.Now())
	n, do := len(r.orders), r.do
	r.mu.Unlock()
	if do == nil {
		return takes(ctx, time.Second)
	}
	return do(ctx, n, o)
}

func (r *fakeRunner) ran() []Order {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Order(nil), r.orders...)
}

func (r *fakeRunner) times(t0 time.Time) []time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []time.Duration
	for _, s := range r.starts {
		out = append(out, s.Sub(t0))
	}
	return out
}

func report() *Outcome {
	return &Outcome{Report: &engine.Report{Result: engine.Unchanged, Folders: []engine.Folder{{Name: "INBOX", Result: engine.Unchanged}}}}
}

// takes is a good run of some length, which ends with its context.
func takes(ctx context.Context, d time.Duration) (*Outcome, error) {
	select {
	case <-time.After(d):
		return report(), nil
	case <-ctx.Done():
		return fails(store.Cancelled, "interrupted")
	}
}

func fails(class store.Class, text string) (*Outcome, error) {
	err := store.Fail(class, store.ScopeStore, errors.New(text))
	return &Outcome{Report: engine.NotStarted("x", time.Now(), err)}, err
}

// fakeMemory keeps pauses as a file would.
type fakeMemory struct {
	mu   sync.Mutex
	kept map[string]time.Time
	err  error
}

func (m *fakeMemory) Load() (map[string]time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.kept), nil
}

func (m *fakeMemory) Save(p map[string]time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err == nil {
		m.kept = maps.Clone(p)
	}
	return m.err
}

// bench is a Service with fakes, within a bubble of synctest.
type bench struct {
	*Service
	t       *testing.T
	t0      time.Time
	setup   *Setup
	memory  *fakeMemory
	runners map[string]*fakeRunner
	loadErr error
	log     *syncBuffer
	stop    context.CancelFunc
	ended   chan error
}

type syncBuffer struct {
	mu sync.Mutex
	sb strings.Builder
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sb.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sb.String()
}

// inBubble runs f with a Service of accounts that have not started yet.
func inBubble(t *testing.T, accounts []string, f func(b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bench{t: t, t0: time.Now(), memory: &fakeMemory{}, runners: map[string]*fakeRunner{}, log: &syncBuffer{}}
		b.setup = &Setup{Path: "/rc", Memory: b.memory}
		for _, name := range accounts {
			b.setup.Accounts = append(b.setup.Accounts, b.spec(name))
		}
		f(b)
		if b.stop != nil {
			b.end()
		}
	})
}

func (b *bench) spec(name string) Spec {
	r := b.runners[name]
	if r == nil {
		r = &fakeRunner{}
		b.runners[name] = r
	}
	return Spec{Name: name, Host: "mail." + name, Interval: 5 * time.Minute, Connections: 4, Print: name, Runner: r}
}

// start starts the Service.
func (b *bench) start(change ...func(*Options)) {
	b.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	o := Options{
		Load: func(context.Context) (*Setup, error) { return b.setup, b.loadErr },
		Log:  slog.New(slog.NewTextHandler(io.Writer(b.log), &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, c := range change {
		c(&o)
	}
	s, err := New(ctx, o)
	if err != nil {
		b.t.Fatal(err)
	}
	b.Service, b.stop, b.ended = s, cancel, make(chan error, 1)
	go func() { b.ended <- s.Run(ctx) }()
	<-s.Started()
	synctest.Wait()
	if st := s.Status(); len(st.Jobs) > 0 && st.Jobs[0].State != JobWaiting {
		b.t.Error("a run began before Begin")
	}
	s.Begin()
	synctest.Wait()
}

// end stops the Service, as SIGTERM does, and checks that it takes no second.
func (b *bench) end() {
	b.t.Helper()
	began := time.Now()
	b.stop()
	if err := <-b.ended; err != nil {
		b.t.Errorf("Run: %v", err)
	}
	if d := time.Since(began); d >= time.Second {
		b.t.Errorf("it took %v to end", d)
	}
	b.stop = nil
	synctest.Wait()
}

// at moves the clock to some time after the start.
func (b *bench) at(d time.Duration) {
	b.t.Helper()
	time.Sleep(time.Until(b.t0.Add(d)))
	synctest.Wait()
}

func (b *bench) account(name string) *Account {
	b.t.Helper()
	a := b.Status().Account(name)
	if a == nil {
		b.t.Fatalf("there is no account %q in %+v", name, b.Status())
	}
	return a
}

func (b *bench) want(name string, state AccountState) {
	b.t.Helper()
	if a := b.account(name); a.State != state {
		b.t.Errorf("after %v, %s is %s (%s), want %s", time.Since(b.t0), name, a.State, a.Reason, state)
	}
}

func (b *bench) runs(name string, want ...time.Duration) {
	b.t.Helper()
	if got := b.runners[name].times(b.t0); fmt.Sprint(got) != fmt.Sprint(want) {
		b.t.Errorf("%s ran at %v, want %v", name, got, want)
	}
}

// sync asks for a run, and returns its job.
func (b *bench) sync(name string, r Request) uint32 {
	b.t.Helper()
	ids, err := b.Sync(context.Background(), name, r)
	if err != nil {
		b.t.Fatalf("sync %s: %v", name, err)
	}
	if len(ids) != 1 {
		b.t.Fatalf("sync %s: jobs %v", name, ids)
	}
	return ids[0]
}

func (b *bench) result(id uint32, want Result) {
	b.t.Helper()
	j := b.Status().Job(id)
	if j == nil || j.Result != want {
		b.t.Errorf("job %d is %+v, want %s", id, j, want)
	}
}

func (b *bench) code(err error, want Code) {
	b.t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Code != want {
		b.t.Errorf("%v, want the code %s", err, want)
	}
}

// drain takes what events there are.
func drain(s *event.Subscription) []event.Event {
	var out []event.Event
	for {
		select {
		case e, ok := <-s.C():
			if !ok {
				return out
			}
			out = append(out, e)
		default:
			return out
		}
	}
}
