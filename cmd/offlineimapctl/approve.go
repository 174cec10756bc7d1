package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/offlineimap/offlineimapd/cmd/offlineimapctl/term"
	"github.com/offlineimap/offlineimapd/dbus/api"
	"github.com/offlineimap/offlineimapd/dbus/client"
)

func (a *app) approveVerb() *cobra.Command {
	var token, limit string
	c := a.patientVerb("approve ACCOUNT[/FOLDER] [--yes TOKEN]", "Show what was held back for safety, ask, and let it go on", cobra.ExactArgs(1),
		func(ctx context.Context, args []string) error { return a.approve(ctx, args[0], token, limit) })
	c.Flags().StringVar(&token, "yes", "", "do not ask: let the plan with this `TOKEN` go on")
	c.Flags().StringVar(&limit, "timeout", "", "wait for no more than this `TIME`; the job goes on")
	c.ValidArgsFunction = a.completeAccounts
	return c
}

func (a *app) approve(ctx context.Context, arg, token, limit string) error {
	name, folder, some := strings.Cut(arg, "/")
	if name == "" || some && folder == "" {
		return misused(fmt.Errorf("%q is not ACCOUNT or ACCOUNT/FOLDER", arg))
	}
	patience, err := timeout(limit)
	if err != nil {
		return err
	}
	c, err := a.bus(ctx)
	if err != nil {
		return err
	}
	if token == "" {
		stoppable, stop := a.interruptible(ctx)
		token, err = a.askApproval(stoppable, c, name, folder)
		stop()
		if err != nil {
			return err
		}
	}
	f := a.follower(c)
	defer f.close()
	jobs, err := f.run(ctx, patience, func(ctx context.Context) ([]client.Ref, error) {
		ref, err := c.Approve(ctx, name, token)
		if err != nil {
			return nil, err
		}
		return []client.Ref{ref}, nil
	})
	return a.results(ctx, c, jobs, err)
}

// askApproval shows the plans that wait, those of a folder where one is named,
// and returns the token that lets go on what a person said yes to. All of it is
// of one moment, so that the token stands for what was shown.
func (a *app) askApproval(ctx context.Context, c *client.Client, name, folder string) (string, error) {
	d, err := c.Describe(ctx)
	if err != nil {
		return "", err
	}
	accounts, err := choose(ctx, c, d, []string{name})
	if err != nil {
		return "", err
	}
	if len(accounts) != 1 {
		return "", misused(errors.New("approve takes one account"))
	}
	acc := accounts[0]
	holds, token := acc.Holds, acc.HaltToken
	if folder != "" {
		i := slices.IndexFunc(holds, func(h api.Hold) bool { return h.Folder == folder || h.Folder == a.onServer(ctx, c, acc.Name, folder) })
		if i < 0 {
			return "", &verdict{exitNoSuch, fmt.Errorf("folder %q of account %q does not wait for approval", folder, acc.Name), ""}
		}
		holds, token = holds[i:i+1], holds[i].Token
	}
	if len(holds) == 0 {
		return "", &verdict{exitNoSuch, fmt.Errorf("nothing of account %q waits for approval", acc.Name), ""}
	}
	for _, h := range holds {
		a.hold(acc.Name, h)
	}
	if !a.InTerminal {
		return "", &verdict{exitUsage, errors.New("there is no terminal to ask on"),
			fmt.Sprintf("offlineimapctl approve %s --yes %s lets it go on", acc.Name, token)}
	}
	question := "Let it go on?"
	if len(holds) > 1 {
		question = fmt.Sprintf("Let all %d go on?", len(holds))
	}
	a.note("%s [y/N] ", question)
	yes, err := a.readYes(ctx)
	if err != nil {
		return "", err
	}
	if !yes {
		return "", &verdict{exitHalted, errors.New("nothing was approved"), ""}
	}
	return token, nil
}

// onServer returns what a folder of that name here is called on the server.
func (a *app) onServer(ctx context.Context, c *client.Client, account, folder string) string {
	folders, err := c.ListFolders(ctx, account)
	if err != nil {
		return folder
	}
	for _, f := range folders {
		if f.Local == folder {
			return f.Remote
		}
	}
	return folder
}

// hold shows a plan that waits, and since when.
func (a *app) hold(account string, h api.Hold) {
	where := account
	if h.Folder != "/" && h.Folder != "" {
		where += "/" + h.Folder
	}
	a.note("%s%s (%s, %s, token %s)\n", a.ErrStyle.Mark(term.Red), where, h.Code, since(h.Since, a.now()), h.Token)
	for _, l := range term.Lines(h.Text) {
		a.note("    %s\n", l)
	}
}

// readYes reads a line. The goroutine that reads ends with the program where
// nobody answers.
func (a *app) readYes(ctx context.Context) (bool, error) {
	line := make(chan string, 1)
	go func() {
		s, _ := bufio.NewReader(a.In).ReadString('\n')
		line <- s
	}()
	select {
	case s := <-line:
		if !strings.HasSuffix(s, "\n") {
			a.note("\n")
		}
		s = strings.ToLower(strings.TrimSpace(s))
		return s == "y" || s == "yes", nil
	case <-ctx.Done():
		a.note("\n")
		return false, context.Cause(ctx)
	}
}
