package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/offlineimap/offlineimapd/cmd/offlineimapctl/term"
)

func (a *app) pauseVerb() *cobra.Command {
	var length, until string
	c := a.verb("pause [ACCOUNT...]", "Keep accounts, or all, from syncing", nil,
		func(ctx context.Context, args []string) error { return a.pause(ctx, args, length, until) })
	c.Flags().StringVar(&length, "for", "", "resume after this `TIME`: 90s, 20min, 2h, 1d")
	c.Flags().StringVar(&until, "until", "", "resume at this `TIME`: 18:00, tomorrow, 2030-12-24 18:00")
	c.ValidArgsFunction = a.completeAccounts
	return c
}

func (a *app) pause(ctx context.Context, args []string, length, until string) error {
	now := a.now()
	var d time.Duration
	var err error
	switch {
	case length != "" && until != "":
		return misused(errors.New("--for and --until exclude each other"))
	case length != "":
		if d, err = parseSpan(length); err != nil {
			return misused(err)
		}
	case until != "":
		at, err := parseWhen(until, now)
		if err != nil {
			return misused(err)
		}
		if d = at.Sub(now); d <= 0 {
			return misused(errors.New("--until is in the past"))
		}
	}
	c, err := a.bus(ctx)
	if err != nil {
		return err
	}
	names, err := named(ctx, c, args)
	if err != nil {
		return err
	}
	for _, n := range names {
		if err := c.Pause(ctx, n, d); err != nil {
			return err
		}
		if a.wantsJSON() {
			continue
		}
		text := "paused until offlineimapctl resume"
		if d > 0 {
			text = "paused until " + term.Clock(now.Add(d), now)
		}
		a.say("%s: %s\n", everybody(n), text)
	}
	return nil
}

// everybody names an account, or all.
func everybody(name string) string {
	if name == "" {
		return "all accounts"
	}
	return name
}

func (a *app) resumeVerb() *cobra.Command {
	c := a.verb("resume [ACCOUNT...]", "End a pause", nil, a.resume)
	c.ValidArgsFunction = a.completeAccounts
	return c
}

func (a *app) resume(ctx context.Context, args []string) error {
	c, err := a.bus(ctx)
	if err != nil {
		return err
	}
	names, err := named(ctx, c, args)
	if err != nil {
		return err
	}
	for _, n := range names {
		if err := c.Resume(ctx, n); err != nil {
			return err
		}
		if !a.wantsJSON() {
			a.say("%s: resumed\n", everybody(n))
		}
	}
	return nil
}
