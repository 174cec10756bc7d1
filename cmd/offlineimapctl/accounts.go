package main

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/offlineimap/offlineimapd/cmd/offlineimapctl/term"
	"github.com/offlineimap/offlineimapd/dbus/api"
	"github.com/offlineimap/offlineimapd/dbus/client"
)

// when reads a time of a Document, which may be absent.
func when(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

// isPattern tells whether a name is to be matched instead of taken as it is.
func isPattern(name string) bool { return strings.ContainsAny(name, "*?[") }

// matches tells whether a name, or pattern, names an account.
func matches(name, account string) bool {
	ok, err := path.Match(name, account)
	return name == account || ok && err == nil
}

// choose returns the accounts of d that the names, or patterns, name: all where
// there are none. The daemon has the word on a name that is not there, because it
// knows which one is near.
func choose(ctx context.Context, c *client.Client, d *api.Document, names []string) ([]api.Account, error) {
	if len(names) == 0 {
		return d.Accounts, nil
	}
	var out []api.Account
	taken := map[string]bool{}
	for _, n := range names {
		if _, err := path.Match(n, ""); err != nil && isPattern(n) {
			return nil, misused(fmt.Errorf("pattern %q: %w", n, err))
		}
		found := false
		for _, a := range d.Accounts {
			if !matches(n, a.Name) {
				continue
			}
			found = true
			if !taken[a.Name] {
				taken[a.Name] = true
				out = append(out, a)
			}
		}
		if !found {
			return nil, missing(ctx, c, n)
		}
	}
	return out, nil
}

// missing is the error for an account that is not there.
func missing(ctx context.Context, c *client.Client, name string) error {
	if isPattern(name) {
		return &verdict{exitNoSuch, fmt.Errorf("no account matches %q", name), "offlineimapctl list shows all accounts"}
	}
	if _, err := c.Account(ctx, name); err != nil {
		return err
	}
	return &verdict{exitNoSuch, fmt.Errorf("account %q does not exist", name), ""}
}

// named returns the names of accounts that the arguments name; "" alone stands
// for all. The daemon is only asked where there are patterns.
func named(ctx context.Context, c *client.Client, args []string) ([]string, error) {
	if len(args) == 0 {
		return []string{""}, nil
	}
	var d *api.Document
	var out []string
	for _, n := range args {
		if n == "" {
			return nil, misused(errors.New("the name of an account is empty"))
		}
		if !isPattern(n) {
			out = append(out, n)
			continue
		}
		if d == nil {
			var err error
			if d, err = c.Describe(ctx); err != nil {
				return nil, err
			}
		}
		accounts, err := choose(ctx, c, d, []string{n})
		if err != nil {
			return nil, err
		}
		for _, a := range accounts {
			out = append(out, a.Name)
		}
	}
	return unique(out), nil
}

func unique(names []string) []string {
	var out []string
	taken := map[string]bool{}
	for _, n := range names {
		if !taken[n] {
			taken[n] = true
			out = append(out, n)
		}
	}
	return out
}

// colours are what a state of the daemon, of an account, the severity of a
// problem or the result of a job looks like; what is not here looks like nothing
// special.
var colours = map[string]term.Colour{
	"idle": term.Green, "watching": term.Green, "syncing": term.Green, "connecting": term.Green, "waiting": term.Green,
	"done":   term.Green,
	"paused": term.Yellow, "offline": term.Yellow, "backoff": term.Yellow, "degraded": term.Yellow, "warning": term.Yellow,
	"partial": term.Yellow, "canceled": term.Yellow, "skipped": term.Yellow,
	"auth-required": term.Red, "halted": term.Red, "error": term.Red, "failed": term.Red,
	"unconfigured": term.Red, "not-running": term.Red,
	"disabled": term.Grey,
}
