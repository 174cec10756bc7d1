package service

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/offlineimap/offlineimapd/service/event"
)

// Reload is described at Daemon.
func (s *Service) Reload(ctx context.Context) error {
	c, err := s.change(ctx)
	if err != nil {
		return err
	}
	defer func() { s.turn <- c }()
	s.book.tell(func(b *book) { b.news = append(b.news, event.Event{Kind: event.Reloading, Active: true}) })
	defer s.book.tell(func(b *book) { b.news = append(b.news, event.Event{Kind: event.Reloading}) })

	setup, err := s.o.Load(ctx)
	if err == nil {
		err = acceptable(setup, c.setup)
	}
	if err != nil {
		var e *Error
		if !errors.As(err, &e) {
			e = &Error{Code: ConfigInvalid, Err: err}
		}
		s.o.Log.Error("the configuration was not accepted, the one before is in force: "+e.Error(), "event", "reload-failed", "error", string(e.Code))
		s.book.tell(func(b *book) { b.rejected = e })
		return e
	}
	kept, stopped := s.exchange(c, setup)
	if setup.Memory != nil { // it may be in another place now
		if err := setup.Memory.Save(c.pauses); err != nil {
			s.o.Log.Warn("what is paused will not be known after a restart: " + err.Error())
		}
	}
	s.o.Log.Log(ctx, levelNotice, fmt.Sprintf("configuration read anew; accounts: %d, of them as before: %d", len(setup.Accounts), kept), "event", "reload", "count", len(setup.Accounts))
	// What was stopped ends in order, within a second; the accounts that take its
	// place wait for the same locks, and so for that.
	for _, l := range stopped {
		select {
		case <-l.ended:
		case <-ctx.Done():
		}
	}
	return s.book.do(context.WithoutCancel(ctx), nil)
}

// acceptable refuses a configuration that would take an account out of service
// which is in service now.
func acceptable(setup, before *Setup) error {
	if setup.Path == "" && before.Path != "" {
		return &Error{Code: ConfigInvalid, Err: fmt.Errorf("there is no configuration any more; it was %s", before.Path),
			Hint: "to stop syncing, pause the accounts or end the daemon"}
	}
	for _, spec := range setup.Accounts {
		if spec.Refused == "" {
			continue
		}
		if was := specOf(before, spec.Name); was.Name != "" && was.Refused != "" {
			continue // it was not run before either
		}
		return &Error{Code: ConfigInvalid, Err: errors.New(spec.Refused), Hint: spec.Hint}
	}
	return nil
}

// exchange puts setup in force: loops of accounts that did not change go on,
// others are stopped, and begun anew.
func (s *Service) exchange(c *changer, setup *Setup) (kept int, stopped []*loop) {
	old := *s.loops.Load()
	var loops, fresh []*loop
	for _, spec := range setup.Accounts {
		i := slices.IndexFunc(old, func(l *loop) bool { return l.spec.Name == spec.Name && l.spec.Print == spec.Print })
		if i >= 0 && spec.Refused == old[i].spec.Refused {
			loops = append(loops, old[i])
			kept++
			continue
		}
		l := newLoop(s, spec, c.pausesOf(spec.Name))
		loops, fresh = append(loops, l), append(fresh, l)
	}
	for _, l := range old {
		if !slices.Contains(loops, l) {
			l.stop()
			stopped = append(stopped, l)
		}
	}
	c.setup = setup
	s.book.tell(func(b *book) {
		b.setup, b.loaded, b.rejected = setup, time.Now(), nil
		accounts := map[string]*Account{}
		for _, spec := range setup.Accounts {
			if a := b.accounts[spec.Name]; a != nil && !slices.ContainsFunc(fresh, func(l *loop) bool { return l.spec.Name == spec.Name }) {
				accounts[spec.Name] = a
			} else {
				accounts[spec.Name] = first(spec)
			}
		}
		b.accounts = accounts
		b.turns.limit(setup.MaxAccounts)
	})
	s.loops.Store(&loops)
	for _, l := range fresh {
		start := c.start
		go func() {
			for _, was := range stopped {
				if was.spec.Name == l.spec.Name {
					<-was.ended
				}
			}
			start(l, TriggerReload)
		}()
	}
	return kept, stopped
}
