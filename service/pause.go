package service

import (
	"context"
	"fmt"
	"maps"
	"time"
)

// longestPause is more than anybody means (100 years).
const longestPause = 100 * 365 * 24 * time.Hour

// pausesOf returns what holds an account.
func (c *changer) pausesOf(account string) []pause {
	var ps []pause
	for _, name := range []string{"", account} {
		if until, ok := c.pauses[name]; ok {
			ps = append(ps, pause{until})
		}
	}
	return ps
}

// Pause is described at Daemon.
func (s *Service) Pause(ctx context.Context, account string, d time.Duration) error {
	now := time.Now()
	until := time.Time{}
	if d != 0 {
		until = now.Add(min(d, longestPause)).Round(0)
	}
	err := s.changePauses(ctx, account, now, func(pauses map[string]time.Time, _ []string) {
		if account == "" {
			clear(pauses) // one word for all
		}
		pauses[account] = until
	})
	if err == nil {
		text, args := "paused", []any{"event", "paused"}
		if d != 0 {
			text += " until " + until.Local().Format(time.RFC3339)
		}
		s.tellPause(account, text, args)
	}
	return err
}

// Resume is described at Daemon.
func (s *Service) Resume(ctx context.Context, account string) error {
	err := s.changePauses(ctx, account, time.Now(), func(pauses map[string]time.Time, all []string) {
		if account == "" {
			clear(pauses)
			return
		}
		// What holds all goes on to hold all others.
		if until, ok := pauses[""]; ok {
			delete(pauses, "")
			for _, name := range all {
				pauses[name] = until
			}
		}
		delete(pauses, account)
	})
	if err == nil {
		s.tellPause(account, "resumed", []any{"event", "resumed"})
	}
	return err
}

func (s *Service) tellPause(account, text string, args []any) {
	if account == "" {
		s.o.Log.Log(context.Background(), levelNotice, "all accounts: "+text, args...)
		return
	}
	s.o.Log.Log(context.Background(), levelNotice, account+": "+text, append(args, "account", account)...)
}

// changePauses has change applied to what is paused, kept over a restart, and
// done by the loops.
func (s *Service) changePauses(ctx context.Context, account string, now time.Time, change func(pauses map[string]time.Time, all []string)) error {
	c, err := s.change(ctx)
	if err != nil {
		return err
	}
	defer func() { s.turn <- c }()
	if _, err := s.find(account); err != nil {
		return err
	}
	var all []string
	for _, spec := range c.setup.Accounts {
		all = append(all, spec.Name)
	}
	pauses := maps.Clone(c.pauses)
	change(pauses, all)
	maps.DeleteFunc(pauses, func(_ string, until time.Time) bool { return !(pause{until}).holds(now) })
	if c.setup.Memory != nil {
		if err := c.setup.Memory.Save(pauses); err != nil {
			return &Error{Code: Disk, Err: fmt.Errorf("keep the pause over a restart: %w", err)}
		}
	}
	c.pauses = pauses
	for _, l := range *s.loops.Load() {
		ps := c.pausesOf(l.spec.Name)
		if err := l.call(ctx, func() { l.hold(ps) }); err != nil && err != error(errEnding) {
			return err
		}
	}
	return s.book.do(ctx, nil)
}

// hold sets what holds the account. A run that is under way ends, unless it was
// asked for even so; where the last pause is taken away, a run is due.
func (l *loop) hold(ps []pause) {
	_, before := l.paused()
	l.pauses = ps
	_, after := l.paused()
	switch {
	case after:
		if l.stage == running && !l.tasks[0].anyway {
			l.tasks[0].cancel()
		}
		l.dismiss(Failure{Code: Paused, Text: "the account was paused"}, func(t *task) bool { return !t.anyway })
	case before && l.spec.Refused == "":
		l.want(wish{trigger: TriggerResume})
	}
}
