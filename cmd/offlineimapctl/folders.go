package main

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/offlineimap/offlineimapd/cmd/offlineimapctl/term"
	"github.com/offlineimap/offlineimapd/dbus/client"
)

func (a *app) foldersVerb() *cobra.Command {
	unseen := false
	c := a.verb("folders [ACCOUNT...]", "List the folders that are in step", nil,
		func(ctx context.Context, args []string) error { return a.folders(ctx, args, unseen) })
	c.Flags().BoolVar(&unseen, "unseen", false, "only those with unseen mails")
	c.ValidArgsFunction = a.completeAccounts
	return c
}

// accountFolders are the folders of one account in a document.
type accountFolders struct {
	Account string          `json:"account"`
	Folders []client.Folder `json:"folders"`
}

func (a *app) folders(ctx context.Context, names []string, unseen bool) error {
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
	all := []accountFolders{}
	n := 0
	for _, acc := range accounts {
		fs, err := c.ListFolders(ctx, acc.Name)
		if err != nil {
			return err
		}
		some := []client.Folder{}
		for _, f := range fs {
			if !unseen || f.Unseen > 0 {
				some = append(some, f)
			}
		}
		n += len(some)
		all = append(all, accountFolders{acc.Name, some})
	}
	if a.wantsJSON() {
		return a.document(struct {
			Version  int              `json:"version"`
			Accounts []accountFolders `json:"accounts"`
		}{1, all})
	}
	t := &term.Table{Columns: []term.Column{{Title: "ACCOUNT"}, {Title: "FOLDER", Give: true}, {Title: "ON THE SERVER", Give: true},
		{Title: "MAILS", Right: true}, {Title: "UNSEEN", Right: true}, {Title: "LAST SYNC"}}}
	for _, acc := range all {
		for _, f := range acc.Folders {
			t.Row(term.Cell{Text: acc.Account}, term.Cell{Text: f.Local}, term.Cell{Text: f.Remote},
				term.Cell{Text: strconv.FormatUint(uint64(f.Messages), 10)}, term.Cell{Text: strconv.FormatUint(uint64(f.Unseen), 10)},
				term.Cell{Text: never(f.LastSync, a.now())})
		}
	}
	a.pagedTable(ctx, t, term.Count(n, "folder")+" listed.")
	return nil
}
