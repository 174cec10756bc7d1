package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/offlineimap/offlineimapd/cmd/offlineimapctl/term"
	"github.com/offlineimap/offlineimapd/dbus/api"
)

func (a *app) listVerb() *cobra.Command {
	c := a.verb("list [ACCOUNT...]", "List the accounts", nil, a.list)
	c.Aliases = []string{"accounts"}
	c.ValidArgsFunction = a.completeAccounts
	return c
}

func (a *app) list(ctx context.Context, names []string) error {
	c, err := a.bus(ctx)
	if err != nil {
		return err
	}
	d, err := c.Describe(ctx)
	if err != nil {
		return err
	}
	accounts, err := choose(ctx, c, d, names)
	if err != nil {
		return err
	}
	if a.wantsJSON() {
		if accounts == nil {
			accounts = []api.Account{}
		}
		return a.document(struct {
			Version  int           `json:"version"`
			Accounts []api.Account `json:"accounts"`
		}{1, accounts})
	}
	a.table(a.accountTable(d, accounts), term.Count(len(accounts), "account")+" listed.")
	return nil
}
