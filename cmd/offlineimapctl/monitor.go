package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/offlineimap/offlineimapd/cmd/offlineimapctl/term"
	"github.com/offlineimap/offlineimapd/dbus/api"
	"github.com/offlineimap/offlineimapd/dbus/client"
)

func (a *app) monitorVerb() *cobra.Command {
	c := a.verb("monitor [ACCOUNT...]", "Show what happens, until interrupted", nil, a.monitor)
	c.ValidArgsFunction = a.completeAccounts
	return c
}

// watcher tells what happens. It keeps what it last knew of accounts and jobs,
// so as to tell changes only.
type watcher struct {
	a        *app
	c        *client.Client
	names    []string // none: all
	states   map[string]string
	jobs     map[uint32]*client.Job
	progress *term.Progress // nil where standard output is no terminal
}

func (a *app) monitor(ctx context.Context, names []string) error {
	c, err := a.bus(ctx)
	if err != nil {
		return err
	}
	s, err := c.Subscribe(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	w := &watcher{a: a, c: c, names: names, states: map[string]string{}, jobs: map[uint32]*client.Job{}}
	if a.OutTerminal && !a.wantsJSON() {
		w.progress = &term.Progress{W: a.Out, Columns: a.Columns, Style: a.Style, Now: a.now}
		defer w.progress.Clear()
	}
	if err := w.look(ctx); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case e, ok := <-s.C():
			if !ok {
				return fmt.Errorf("%w any more", client.ErrNoBus)
			}
			if err := w.event(ctx, e); err != nil {
				return err
			}
		}
	}
}

// wants tells whether an account is to be watched.
func (w *watcher) wants(account string) bool {
	return len(w.names) == 0 || account != "" && slices.ContainsFunc(w.names, func(n string) bool { return matches(n, account) })
}

// look tells how everything is: at the start, and when the daemon has come. An
// account that is not there may come with another configuration.
func (w *watcher) look(ctx context.Context) error {
	d, err := w.c.Describe(ctx)
	switch {
	case errors.Is(err, client.ErrNotRunning), errors.Is(err, client.ErrGone):
		return w.line(streamLine{Type: "daemon", State: stateNotRunning}, term.Grey, "offlineimapd", "not running; waiting for it")
	case err != nil:
		return err
	}
	clear(w.jobs)
	for _, j := range d.Jobs {
		if j.State != "finished" && w.wants(j.Account) {
			w.jobs[j.ID] = &client.Job{Job: j}
		}
	}
	var accounts []api.Account
	for _, acc := range d.Accounts {
		if w.wants(acc.Name) {
			accounts = append(accounts, acc)
			w.states[acc.Name] = acc.State
		}
	}
	if w.a.wantsJSON() {
		return w.a.line(struct {
			Type string    `json:"type"`
			Time time.Time `json:"time"`
			*api.Document
		}{"status", w.a.now(), only(d, accounts, len(w.names) > 0)})
	}
	for _, acc := range accounts {
		text := acc.State
		if r := remark(d, acc, w.a.now()); r != "" {
			text += " (" + r + ")"
		}
		if err := w.line(streamLine{}, colours[acc.State], acc.Name, text); err != nil {
			return err
		}
	}
	if len(accounts) == 0 {
		return w.line(streamLine{}, colours[d.State], "offlineimapd", d.State)
	}
	return nil
}

// streamLine is a line of the JSON stream. Fields that its type does not have are
// left out.
type streamLine struct {
	Type     string         `json:"type"`
	Time     time.Time      `json:"time"`
	Account  string         `json:"account,omitempty"`
	Job      uint32         `json:"job,omitempty"`
	State    string         `json:"state,omitempty"`
	Reason   string         `json:"reason,omitempty"`
	Result   string         `json:"result,omitempty"`
	Phase    string         `json:"phase,omitempty"`
	Folder   string         `json:"folder,omitempty"`
	Done     int            `json:"done,omitempty"`
	Total    int            `json:"total,omitempty"`
	Count    uint32         `json:"count,omitempty"`
	Code     string         `json:"code,omitempty"`
	Severity string         `json:"severity,omitempty"`
	Text     string         `json:"text,omitempty"`
	Active   *bool          `json:"active,omitempty"`
	Error    *api.Failure   `json:"error,omitempty"`
	Details  map[string]any `json:"details,omitempty"`
}

// line writes an event, in the one form or the other; without a type it is for
// people only.
func (w *watcher) line(e streamLine, c term.Colour, who, text string) error {
	if w.a.wantsJSON() {
		if e.Type == "" {
			return nil
		}
		e.Time = w.a.now()
		return w.a.line(e)
	}
	if w.progress != nil {
		w.progress.Clear()
	}
	w.a.say("%s  %s%s: %s\n", w.a.now().Local().Format("15:04:05"), w.a.Style.Mark(c), w.a.Style.Paint(term.Bold, who), text)
	return nil
}

func (w *watcher) event(ctx context.Context, e client.Event) error {
	switch e := e.(type) {
	case client.Went:
		clear(w.jobs)
		clear(w.states)
		return w.line(streamLine{Type: "daemon", State: stateNotRunning}, term.Grey, "offlineimapd", "went away; waiting for it")
	case client.Came:
		if err := w.line(streamLine{Type: "daemon", State: "running"}, term.Green, "offlineimapd", "running"); err != nil {
			return err
		}
		return w.look(ctx)
	case client.Reloading:
		text := "configuration read"
		if e.Active {
			text = "reading the configuration"
		}
		return w.line(streamLine{Type: "reloading", Active: &e.Active}, term.None, "offlineimapd", text)
	case client.NewMail:
		if w.wants(e.Account) {
			return w.line(streamLine{Type: "new-mail", Account: e.Account, Folder: e.Folder, Count: e.Count, Details: e.Details},
				term.Bold, e.Account+"/"+e.Folder, term.Count(int(e.Count), "new mail"))
		}
	case client.ProblemRaised:
		if w.wants(e.Account) || e.Account == "" {
			return w.line(streamLine{Type: "problem-raised", Account: e.Account, Code: e.Code, Severity: e.Severity, Text: e.Text},
				colours[e.Severity], whose(e.Account), "problem: "+e.Text)
		}
	case client.ProblemCleared:
		if w.wants(e.Account) || e.Account == "" {
			return w.line(streamLine{Type: "problem-cleared", Account: e.Account, Code: e.Code}, term.Green, whose(e.Account), "problem solved: "+e.Code)
		}
	case client.AccountChanged:
		return w.account(e)
	case client.JobNew:
		return w.jobNew(ctx, e)
	case client.JobChanged:
		return w.job(e)
	case client.JobRemoved:
		return w.jobRemoved(ctx, e)
	}
	return nil
}

// whose names an account, or the daemon.
func whose(account string) string {
	if account == "" {
		return "offlineimapd"
	}
	return account
}

func (w *watcher) account(e client.AccountChanged) error {
	state, ok := e.Changed["State"].(string)
	if !ok || !w.wants(e.Account) || w.states[e.Account] == state {
		return nil
	}
	w.states[e.Account] = state
	reason := e.Changed.Text("StateReason")
	text := state
	if reason != "" {
		text += " (" + reason + ")"
	}
	return w.line(streamLine{Type: "account", Account: e.Account, State: state, Reason: reason}, colours[state], e.Account, text)
}

func (w *watcher) jobNew(ctx context.Context, e client.JobNew) error {
	if !w.wants(e.Account) {
		return nil
	}
	j, err := w.c.Job(ctx, e.ID)
	if err != nil {
		j = &client.Job{} // it ended meanwhile
	}
	j.ID, j.Account = e.ID, e.Account
	w.jobs[e.ID] = j
	if w.a.wantsJSON() {
		return w.line(streamLine{Type: "job-new", Account: e.Account, Job: e.ID}, term.None, "", "")
	}
	return nil // for people the account's state says it
}

func (w *watcher) job(e client.JobChanged) error {
	j := w.jobs[e.ID]
	if j == nil {
		return nil
	}
	j.Update(e.Changed)
	if w.a.wantsJSON() {
		return w.line(streamLine{Type: "job", Account: j.Account, Job: j.ID, State: j.State, Phase: j.Phase, Folder: j.Folder,
			Done: j.Done, Total: j.Total}, term.None, "", "")
	}
	w.show()
	return nil
}

// show keeps the jobs that run in a line at the bottom.
func (w *watcher) show() {
	if w.progress == nil {
		return
	}
	var running []*client.Job
	for _, j := range w.jobs {
		if !j.Finished() {
			running = append(running, j)
		}
	}
	slices.SortFunc(running, func(x, y *client.Job) int { return int(x.ID) - int(y.ID) })
	if len(running) == 0 {
		w.progress.Clear()
		return
	}
	w.progress.Show(bar(running, len(running)))
}

func (w *watcher) jobRemoved(ctx context.Context, e client.JobRemoved) error {
	delete(w.jobs, e.ID)
	if !w.wants(e.Account) {
		return nil
	}
	j, err := w.c.Job(ctx, e.ID)
	if err != nil || !j.Finished() {
		j = &client.Job{Report: e.Report}
	}
	j.ID, j.Account, j.Result = e.ID, e.Account, e.Result
	text := e.Result
	switch {
	case j.Error != nil && j.Error.Text != "":
		text += ": " + j.Error.Text
	case e.Result != "canceled" && e.Result != "skipped":
		text += ": " + summary(j, readReport(j))
	}
	err = w.line(streamLine{Type: "job-removed", Account: e.Account, Job: e.ID, Result: e.Result, Error: j.Error}, colours[e.Result], e.Account, text)
	w.show()
	return err
}
