package main

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/offlineimap/offlineimapd/cmd/offlineimapctl/term"
	"github.com/offlineimap/offlineimapd/dbus/api"
)

func (a *app) problemsVerb() *cobra.Command {
	c := a.verb("problems [ACCOUNT...]", "Show what needs a person, and what to do; status 6 if there is any", nil, a.problemsCommand)
	c.ValidArgsFunction = a.completeAccounts
	return c
}

func (a *app) problemsCommand(ctx context.Context, names []string) error {
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
	problems := only(d, accounts, len(names) > 0).Problems
	if a.wantsJSON() {
		if problems == nil {
			problems = []api.Problem{}
		}
		if err := a.document(struct {
			Version  int           `json:"version"`
			Problems []api.Problem `json:"problems"`
		}{1, problems}); err != nil {
			return err
		}
	} else {
		a.problemList(problems)
		if len(problems) == 0 && !a.noLegend {
			a.say("no problems\n")
		}
	}
	if len(problems) > 0 {
		return said(exitIncomplete)
	}
	return nil
}

// problems is what status says of them, after an empty line.
func (a *app) problems(ps []api.Problem) {
	if len(ps) == 0 {
		return
	}
	a.say("\n")
	a.problemList(ps)
}

func (a *app) problemList(ps []api.Problem) {
	for _, p := range ps {
		who := p.Account
		if who == "" {
			who = "offlineimapd"
		}
		what := p.Code + ", " + since(p.Since, a.now())
		if p.Token != "" {
			what += ", token " + p.Token
		}
		a.say("%s%s: %s (%s)\n", a.Style.Mark(colours[p.Severity]), a.Style.Paint(term.Bold, who),
			a.Style.Paint(colours[p.Severity], p.Severity), what)
		for _, l := range term.Lines(p.Text) {
			a.say("    %s\n", l)
		}
		if fix := strings.TrimSpace(p.Fix); fix != "" {
			for _, l := range term.Lines(fix) {
				a.say("    %s %s\n", a.Style.Paint(term.Bold, "fix:"), l)
			}
		}
	}
}

// since tells how long something has been so.
func since(t, now time.Time) string { return "for " + term.Span(max(0, now.Sub(t))) }
