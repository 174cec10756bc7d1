package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/offlineimap/offlineimapd/cmd/offlineimapctl/term"
)

func (a *app) reloadVerb() *cobra.Command {
	return a.verb("reload", "Have the configuration read again, and show the verdict", cobra.NoArgs, a.reload)
}

func (a *app) reload(ctx context.Context, _ []string) error {
	c, err := a.bus(ctx)
	if err != nil {
		return err
	}
	if err := c.Reload(ctx); err != nil {
		return err
	}
	d, err := c.Describe(ctx)
	if err != nil {
		return err
	}
	if a.wantsJSON() {
		return a.document(d)
	}
	where := d.ConfigPath
	if where == "" {
		where = "there is none"
	}
	a.say("configuration in force: %s, %s\n", where, term.Count(len(d.Accounts), "account"))
	return nil
}
