package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/offlineimap/offlineimapd/cmd/offlineimapctl/term"
	"github.com/offlineimap/offlineimapd/dbus/api"
	"github.com/offlineimap/offlineimapd/dbus/client"
)

type statusOptions struct{ lines int }

func (a *app) statusVerb() *cobra.Command {
	o := statusOptions{}
	c := a.verb("status [ACCOUNT...]", "Show how everything is, or an account with its latest log lines", nil,
		func(ctx context.Context, args []string) error { return a.status(ctx, args, o) })
	c.Flags().IntVarP(&o.lines, "lines", "n", 10, "how many log lines to show of an account")
	c.ValidArgsFunction = a.completeAccounts
	return c
}

// stateNotRunning stands in a Document where no daemon made it.
const stateNotRunning = "not-running"

func (a *app) status(ctx context.Context, names []string, o statusOptions) error {
	c, err := a.bus(ctx)
	if err != nil {
		return err
	}
	d, err := c.Describe(ctx)
	if errors.Is(err, client.ErrNotRunning) {
		return a.statusNotRunning(err)
	}
	if err != nil {
		return err
	}
	accounts, err := choose(ctx, c, d, names)
	if err != nil {
		return err
	}
	if a.wantsJSON() {
		return a.document(only(d, accounts, len(names) > 0))
	}
	if len(names) == 0 {
		a.overview(d)
		return nil
	}
	for i, acc := range accounts {
		if i > 0 {
			a.say("\n")
		}
		a.statusOf(ctx, d, acc, o)
	}
	return nil
}

func (a *app) statusNotRunning(err error) error {
	if a.wantsJSON() {
		if err := a.document(api.Document{Version: 1, State: stateNotRunning, Text: err.Error(),
			Accounts: []api.Account{}, Jobs: []api.Job{}, Problems: []api.Problem{}}); err != nil {
			return err
		}
		return said(exitNotRunning)
	}
	a.say("%s%s\n", a.Style.Mark(term.Grey), "offlineimapd: not running")
	_, hint := statusOf(err)
	a.note("hint: %s\n", hint)
	return said(exitNotRunning)
}

// only returns a Document with those accounts alone, and what belongs to them.
func only(d *api.Document, accounts []api.Account, some bool) *api.Document {
	if !some {
		return d
	}
	out := *d
	out.Accounts, out.Jobs, out.Problems = accounts, []api.Job{}, []api.Problem{}
	for _, acc := range accounts {
		for _, j := range d.Jobs {
			if j.Account == acc.Name {
				out.Jobs = append(out.Jobs, j)
			}
		}
		for _, p := range d.Problems {
			if p.Account == acc.Name {
				out.Problems = append(out.Problems, p)
			}
		}
	}
	return &out
}

// overview is status without a name.
func (a *app) overview(d *api.Document) {
	now := a.now()
	a.say("%s%s: %s", a.Style.Mark(colours[d.State]), a.Style.Paint(term.Bold, "offlineimapd"), a.Style.Paint(colours[d.State], d.State))
	if text := strings.TrimSpace(d.Text); text != "" && text != d.State {
		a.say(" (%s)", text)
	}
	a.say("\n")
	a.fields([]field{
		{"Configuration", configText(d, now)},
		{"Paused", pauseText(d.Paused, d.PausedUntil, now)},
		{"Last sync", ago(d.LastSync, now)},
	})
	if len(d.Accounts) > 0 {
		a.say("\n")
		a.table(a.accountTable(d, d.Accounts), "")
	}
	a.problems(d.Problems)
}

func configText(d *api.Document, now time.Time) string {
	switch {
	case d.ConfigPath == "":
		return "none"
	case d.ConfigLoaded == nil:
		return d.ConfigPath
	}
	return d.ConfigPath + ", read " + ago(d.ConfigLoaded, now)
}

func pauseText(paused bool, until *time.Time, now time.Time) string {
	switch {
	case !paused:
		return ""
	case until == nil:
		return "until offlineimapctl resume"
	}
	return "until " + term.Clock(*until, now) + " (" + term.Ago(*until, now) + ")"
}

func ago(t *time.Time, now time.Time) string { return term.Ago(when(t), now) }

// never is ago, for tables in which an empty cell would look forgotten.
func never(t *time.Time, now time.Time) string {
	if t == nil {
		return "-"
	}
	return ago(t, now)
}

// field is a line of a block; without a text it is left out.
type field struct{ name, text string }

func (a *app) fields(fs []field) {
	for _, f := range fs {
		if f.text != "" {
			a.say("%14s: %s\n", f.name, f.text)
		}
	}
}

// accountTable is what list and status show of accounts.
func (a *app) accountTable(d *api.Document, accounts []api.Account) *term.Table {
	now := a.now()
	t := &term.Table{Columns: []term.Column{{Title: "ACCOUNT"}, {Title: "STATE"}, {Title: "LAST SYNC"}, {Title: "NEXT"},
		{Title: "UNSEEN", Right: true}, {Title: "FOLDERS", Right: true}, {Title: "REMARK", Give: true}}}
	for _, acc := range accounts {
		name := acc.Name
		if a.Style.Dots {
			name = a.Style.Dot + " " + name
		}
		t.Row(term.Cell{Text: name, Colour: dotColour(a, acc.State)}, term.Cell{Text: acc.State, Colour: colours[acc.State]},
			term.Cell{Text: never(acc.LastSync, now)}, term.Cell{Text: never(acc.NextSync, now)},
			number(acc.Unseen), number(acc.Folders), term.Cell{Text: remark(d, acc, now)})
	}
	return t
}

// dotColour colours the name together with its dot; without a dot, neither.
func dotColour(a *app, state string) term.Colour {
	if !a.Style.Dots {
		return term.None
	}
	return colours[state]
}

func number(n int) term.Cell { return term.Cell{Text: strconv.Itoa(n)} }

// remark is why an account is in its state, or how far it is.
func remark(d *api.Document, acc api.Account, now time.Time) string {
	for _, j := range d.Jobs {
		if acc.Job != 0 && j.ID == acc.Job && j.State == "running" {
			return jobText(j)
		}
	}
	if acc.Paused {
		return pauseText(true, acc.PausedUntil, now)
	}
	if acc.Reason != "" {
		return acc.Reason
	}
	if acc.LastError != nil {
		return acc.LastError.Text
	}
	return ""
}

// jobText tells how far a job is.
func jobText(j api.Job) string {
	var parts []string
	if j.Phase != "" {
		parts = append(parts, j.Phase)
	}
	if j.Folder != "" {
		parts = append(parts, j.Folder)
	}
	if j.Total > 0 {
		parts = append(parts, fmt.Sprintf("%d/%d", j.Done, j.Total))
	}
	return strings.Join(parts, " ")
}

// statusOf is status of one account.
func (a *app) statusOf(ctx context.Context, d *api.Document, acc api.Account, o statusOptions) {
	now := a.now()
	a.say("%s%s: %s", a.Style.Mark(colours[acc.State]), a.Style.Paint(term.Bold, acc.Name), a.Style.Paint(colours[acc.State], acc.State))
	if acc.Reason != "" {
		a.say(" (%s)", acc.Reason)
	}
	a.say("\n")
	server := acc.Host
	if acc.User != "" && acc.Host != "" {
		server = acc.User + " at " + acc.Host
	}
	last := ""
	if acc.LastResult != "" {
		last = acc.LastResult
		if acc.LastStart != nil {
			last += ", begun " + ago(acc.LastStart, now)
		}
	}
	failed := ""
	if acc.LastError != nil {
		failed = acc.LastError.Text
	}
	retries := ""
	if acc.Failures > 0 {
		retries = term.Count(acc.Failures, "failed run") + " in a row"
	}
	running := ""
	for _, j := range d.Jobs {
		if acc.Job != 0 && j.ID == acc.Job {
			running = strings.TrimSpace(fmt.Sprintf("%d, %s, %s %s", j.ID, j.Kind, j.State, jobText(j)))
		}
	}
	folders := "none in step yet"
	if acc.Folders > 0 {
		folders = fmt.Sprintf("%d, %s, %d unseen", acc.Folders, term.Count(acc.Messages, "mail"), acc.Unseen)
	}
	a.fields([]field{
		{"Server", server},
		{"Folders", folders},
		{"Local", acc.Root},
		{"Job", running},
		{"Paused", pauseText(acc.Paused, acc.PausedUntil, now)},
		{"Last sync", ago(acc.LastSync, now)},
		{"Last run", last},
		{"Next sync", ago(acc.NextSync, now)},
		{"Error", failed},
		{"Failures", retries},
	})
	if acc.LastError != nil && acc.LastError.Hint != "" {
		a.say("%14s: %s\n", "Hint", acc.LastError.Hint)
	}
	var mine []api.Problem
	for _, p := range d.Problems {
		if p.Account == acc.Name {
			mine = append(mine, p)
		}
	}
	a.problems(mine)
	if lines := a.logTail(ctx, acc.Name, o.lines); lines != "" {
		a.say("\n")
		for _, l := range term.Lines(lines) {
			a.say("%s\n", l)
		}
	}
}
