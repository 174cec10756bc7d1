package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/offlineimap/offlineimapd/cmd/offlineimapctl/term"
	"github.com/offlineimap/offlineimapd/dbus/api"
	"github.com/offlineimap/offlineimapd/dbus/client"
)

func (a *app) waitVerb() *cobra.Command {
	var what, limit string
	c := a.verb("wait [ACCOUNT...]", "Wait until nothing runs, a server answers, or mail comes", nil,
		func(ctx context.Context, args []string) error { return a.wait(ctx, args, what, limit) })
	c.Flags().StringVar(&what, "for", "idle", "`WHAT` to wait for: idle, online or new-mail")
	c.Flags().StringVar(&limit, "timeout", "", "for no more than this `TIME`")
	c.ValidArgsFunction = a.completeAccounts
	_ = c.RegisterFlagCompletionFunc("for", cobra.FixedCompletions([]string{"idle", "online", "new-mail"}, cobra.ShellCompDirectiveNoFileComp))
	return c
}

func (a *app) wait(ctx context.Context, names []string, what, limit string) error {
	var reached func(*api.Document, []api.Account) bool
	switch what {
	case "idle":
		reached = idle
	case "online":
		reached = online
	case "new-mail":
		reached = func(*api.Document, []api.Account) bool { return false }
	default:
		return misused(fmt.Errorf("--for is idle, online or new-mail, not %q", what))
	}
	d, err := timeout(limit)
	if err != nil {
		return err
	}
	c, err := a.bus(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := within(ctx, d)
	defer cancel()
	s, err := c.Subscribe(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	for {
		doc, err := c.Describe(ctx)
		if err != nil {
			return err
		}
		accounts, err := choose(ctx, c, doc, names)
		if err != nil {
			return err
		}
		if reached(doc, accounts) {
			return nil
		}
		if mail, err := a.somethingHappens(ctx, s, names, what); err != nil {
			return err
		} else if mail {
			return nil
		}
	}
}

// idle tells whether no job of the accounts waits or runs.
func idle(d *api.Document, accounts []api.Account) bool {
	for _, acc := range accounts {
		for _, j := range d.Jobs {
			if j.Account == acc.Name && j.State != "finished" {
				return false
			}
		}
	}
	return true
}

// online tells whether the servers of the accounts answered when they were last
// asked.
func online(d *api.Document, accounts []api.Account) bool {
	for _, acc := range accounts {
		if acc.State == "offline" || acc.State == "connecting" || acc.LastError != nil && acc.LastError.Code == "Offline" {
			return false
		}
	}
	return d.Online
}

// somethingHappens waits for an event that may change what was waited for. Mail
// is shown.
func (a *app) somethingHappens(ctx context.Context, s *client.Subscription, names []string, what string) (mail bool, err error) {
	for {
		select {
		case <-ctx.Done():
			return false, context.Cause(ctx)
		case e, ok := <-s.C():
			if !ok {
				return false, errors.New("the connection to the session bus was lost")
			}
			switch e := e.(type) {
			case client.Went:
				return false, client.ErrGone
			case client.NewMail:
				w := watcher{names: names}
				if what != "new-mail" || !w.wants(e.Account) {
					continue
				}
				if a.wantsJSON() {
					return true, a.line(streamLine{Type: "new-mail", Time: a.now(), Account: e.Account, Folder: e.Folder, Count: e.Count, Details: e.Details})
				}
				a.say("%s/%s: %s\n", e.Account, e.Folder, term.Count(int(e.Count), "new mail"))
				return true, nil
			case client.AccountChanged, client.ManagerChanged, client.JobRemoved:
				return false, nil
			}
		}
	}
}
