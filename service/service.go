package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/offlineimap/offlineimapd/service/event"
)

// levelNotice is for what a user may care about, between Info and Warn.
const levelNotice = slog.Level(2)

var errEnding = &Error{Code: ShuttingDown, Err: errors.New("the daemon is ending")}

// Service is the daemon. Its methods may be called from any goroutine once Run
// has begun.
type Service struct {
	o     Options
	book  *book
	ids   atomic.Uint32
	loops atomic.Pointer[[]*loop] // in the order of the configuration; never changed, but exchanged
	begun chan struct{}           // closed by Run
	turn  chan *changer           // whoever has it may change pauses and the set of loops
	drain chan struct{}           // closed by Drain
	drawn atomic.Bool             // Drain was called
	open  atomic.Bool             // Begin was called
}

var _ Daemon = (*Service)(nil)

// changer is what only one at a time may change.
type changer struct {
	setup  *Setup
	pauses map[string]time.Time // see Memory
	start  func(l *loop, why Trigger)
}

// New returns a Service with the configuration that is on disk now.
func New(ctx context.Context, o Options) (*Service, error) {
	setup, err := o.Load(ctx)
	if err != nil {
		return nil, err
	}
	s := &Service{o: o, book: newBook(), turn: make(chan *changer, 1), drain: make(chan struct{}), begun: make(chan struct{})}
	s.loops.Store(&[]*loop{})
	c := &changer{setup: &Setup{}, pauses: map[string]time.Time{}}
	c.setup = setup
	if setup.Memory != nil {
		pauses, err := setup.Memory.Load()
		if err != nil {
			o.Log.Warn("what was paused is not known any more: " + err.Error())
		}
		for name, until := range pauses {
			c.pauses[name] = until
		}
	}
	s.book.setup, s.book.loaded = setup, time.Now()
	s.book.turns.most = setup.MaxAccounts
	for _, spec := range setup.Accounts {
		s.book.accounts[spec.Name] = first(spec)
	}
	s.book.publish()
	s.turn <- c
	return s, nil
}

// first is how an account looks before its loop has said anything.
func first(spec Spec) *Account {
	a := &Account{Name: spec.Name, Host: spec.Host, User: spec.User, Root: spec.Root, State: AccountIdle, Enabled: true}
	if spec.Refused != "" {
		a.Enabled, a.State, a.Reason = false, AccountDisabled, spec.Refused
	}
	return a
}

// Run is the daemon. It returns nil when ctx has ended and all runs with it, in
// order, or when Drain was called and the runs that were under way have ended.
func (s *Service) Run(ctx context.Context) error {
	keeping, stopKeeping := context.WithCancel(context.WithoutCancel(ctx))
	go s.book.keep(keeping)
	defer func() {
		stopKeeping()
		<-s.book.ended
	}()
	running, stop := context.WithCancel(ctx)
	defer stop()

	c, err := s.take(ctx)
	if err != nil {
		return nil
	}
	c.start = func(l *loop, why Trigger) { go l.run(running, why) }
	var loops []*loop
	for _, spec := range c.setup.Accounts {
		l := newLoop(s, spec, c.pausesOf(spec.Name))
		loops = append(loops, l)
		c.start(l, TriggerStartup)
	}
	s.loops.Store(&loops)
	s.turn <- c
	close(s.begun)

	select {
	case <-ctx.Done():
	case <-s.drain:
	}
	if c, err = s.take(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	defer func() { s.turn <- c }()
	c.start = nil
	all := *s.loops.Load()
	for _, l := range all {
		if ctx.Err() == nil {
			_ = l.call(ctx, func() { l.draining = true })
		}
	}
	for _, l := range all {
		if ctx.Err() == nil {
			select {
			case <-l.ended:
				continue
			case <-ctx.Done():
			}
		}
		l.stop()
	}
	for _, l := range all {
		<-l.ended
	}
	return s.book.do(context.WithoutCancel(ctx), nil)
}

// stop has the loop end. Only whoever has the changer may call it.
func (l *loop) stop() {
	if !l.stopped {
		l.stopped = true
		close(l.quit)
	}
}

// take waits for the changer.
func (s *Service) take(ctx context.Context) (*changer, error) {
	select {
	case c := <-s.turn:
		return c, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// change takes the changer of a daemon that runs; the caller gives it back.
func (s *Service) change(ctx context.Context) (*changer, error) {
	c, err := s.take(ctx)
	if err == nil && c.start == nil {
		s.turn <- c
		return nil, errEnding
	}
	return c, err
}

// Started is closed once Run has begun, and everything can be asked for; no run
// begins before Begin.
func (s *Service) Started() <-chan struct{} { return s.begun }

// Begin lets runs begin: it is sure now that no other daemon does the same.
func (s *Service) Begin() {
	s.open.Store(true)
	for _, l := range *s.loops.Load() {
		go func() { _ = l.call(context.Background(), func() {}) }() // it looks again
	}
}

// Drain has runs that are under way end, and no others begin; then Run returns.
func (s *Service) Drain() {
	if s.drawn.CompareAndSwap(false, true) {
		close(s.drain)
	}
}

// Status never waits.
func (s *Service) Status() *Status { return s.book.status.Load() }

// Subscribe gives the events from now on.
func (s *Service) Subscribe(n int) *event.Subscription { return s.book.events.Subscribe(n) }

// Heartbeat returns nil once the book and every account's loop have answered.
func (s *Service) Heartbeat(ctx context.Context) error {
	if err := s.book.do(ctx, nil); err != nil {
		return fmt.Errorf("the status is not kept any more: %w", err)
	}
	for _, l := range *s.loops.Load() {
		if err := l.call(ctx, func() {}); err != nil && err != error(errEnding) {
			return fmt.Errorf("account %s does not answer: %w", l.spec.Name, err)
		}
	}
	return nil
}

func (s *Service) nextJob() uint32 { return s.ids.Add(1) }

func (s *Service) tellJob(j Job) { s.book.tell(func(b *book) { b.job(j) }) }

// find returns the loops of an account, or of all that are enabled.
func (s *Service) find(account string) ([]*loop, error) {
	var out []*loop
	for _, l := range *s.loops.Load() {
		if l.spec.Name == account || account == "" && l.spec.Refused == "" {
			out = append(out, l)
		}
	}
	if len(out) == 0 && account != "" {
		return nil, &Error{Code: NoSuchAccount, Err: fmt.Errorf("account %q does not exist", account)}
	}
	return out, nil
}

// Sync is described at Daemon.
func (s *Service) Sync(ctx context.Context, account string, r Request) ([]uint32, error) {
	if len(r.Folders) > mostNamed {
		return nil, &Error{Code: Busy, Err: fmt.Errorf("%d folders are more than the %d that one call may name", len(r.Folders), mostNamed)}
	}
	return s.wish(ctx, account, wish{request: r, trigger: TriggerUser})
}

// wish hands a wish to the loops, and returns when the Status shows the jobs.
func (s *Service) wish(ctx context.Context, account string, w wish) ([]uint32, error) {
	loops, err := s.find(account)
	if err != nil {
		return nil, err
	}
	if len(loops) == 0 {
		return nil, &Error{Code: ConfigInvalid, Err: errors.New("no account is configured that could be synced"), Hint: "offlineimapctl config check"}
	}
	var ids []uint32
	ending := false
	for _, l := range loops {
		if l.spec.Refused != "" {
			return nil, &Error{Code: ConfigInvalid, Err: fmt.Errorf("account %q is not run: %s", l.spec.Name, l.spec.Refused), Hint: l.spec.Hint}
		}
		paused := false
		err := l.call(ctx, func() {
			if _, paused = l.paused(); paused && !w.request.EvenIfPaused {
				return
			}
			paused = false
			if ending = l.draining; !ending {
				ids = append(ids, l.want(w).job.ID)
			}
		})
		switch {
		case err != nil:
			return nil, err
		case ending:
			return nil, errEnding
		case paused && account != "":
			return nil, &Error{Code: Paused, Err: fmt.Errorf("account %q is paused", account),
				Hint: "offlineimapctl resume " + account + ", or sync with --even-if-paused"}
		}
	}
	if len(ids) == 0 {
		return nil, &Error{Code: Paused, Err: errors.New("all accounts are paused"), Hint: "offlineimapctl resume, or sync with --even-if-paused"}
	}
	return ids, s.book.do(ctx, nil)
}

// Approve is described at Daemon.
func (s *Service) Approve(ctx context.Context, account, token string) (uint32, error) {
	loops, err := s.find(account)
	if err != nil || account == "" {
		return 0, &Error{Code: NoSuchAccount, Err: fmt.Errorf("account %q does not exist", account)}
	}
	var tokens []string
	if err := loops[0].call(ctx, func() {
		v := &loops[0].view
		for _, h := range v.Holds {
			if h.Token == token || v.HaltToken == token {
				tokens = append(tokens, h.Token)
			}
		}
	}); err != nil {
		return 0, err
	}
	if len(tokens) == 0 || token == "" {
		return 0, &Error{Code: NoSuchHold, Err: fmt.Errorf("no plan of account %q with the token %q waits for approval: it may have changed", account, token),
			Hint: "offlineimapctl problems shows what waits now"}
	}
	ids, err := s.wish(ctx, account, wish{request: Request{Reason: "approved " + token}, trigger: TriggerUser, approve: tokens})
	if err != nil {
		return 0, err
	}
	return ids[0], nil
}

// Cancel is described at Daemon.
func (s *Service) Cancel(ctx context.Context, id uint32) error {
	j := s.Status().Job(id)
	if j == nil {
		return &Error{Code: NoSuchJob, Err: fmt.Errorf("job %d does not exist (it is kept for %s after its end)", id, lateReaders)}
	}
	ended := &Error{Code: NotCancelable, Err: fmt.Errorf("job %d has ended", id)}
	loops, err := s.find(j.Account)
	if err != nil {
		return ended
	}
	found := false
	l := loops[0]
	if err := l.call(ctx, func() {
		i := slices.IndexFunc(l.tasks, func(t *task) bool { return t.job.ID == id })
		if i < 0 {
			return
		}
		found = true
		t := l.tasks[i]
		t.canceled = true
		if t.cancel != nil {
			t.cancel() // its end comes by itself
			return
		}
		if i == 0 {
			l.leaveLine()
		}
		l.tasks = slices.Delete(l.tasks, i, i+1)
		l.close(t, ResultCanceled, Failure{Code: Cancelled, Text: "canceled"})
	}); err != nil {
		return err
	}
	if !found {
		return ended
	}
	return s.book.do(ctx, nil)
}

// AgentArrived is described at Daemon.
func (s *Service) AgentArrived(accounts []string) {
	for _, l := range *s.loops.Load() {
		if len(accounts) > 0 && !slices.Contains(accounts, l.spec.Name) {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		_ = l.call(ctx, func() {
			if l.stage == resting && l.view.State == AccountAuthRequired && len(l.tasks) == 0 {
				l.want(wish{trigger: TriggerAgent})
			}
		})
		cancel()
	}
}
