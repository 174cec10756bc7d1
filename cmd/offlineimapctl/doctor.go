package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/offlineimap/offlineimapd/cmd/offlineimapctl/doctor"
	"github.com/offlineimap/offlineimapd/cmd/offlineimapctl/term"
)

func (a *app) doctorVerb() *cobra.Command {
	c := a.verb("doctor [ACCOUNT...]", "Look for what may be wrong, with a hint for each; status 1 if anything fails", nil, a.doctor)
	c.ValidArgsFunction = a.completeAccounts
	return c
}

// patient is what doctor looks at; tests replace what asks the machine.
func (a *app) patient(accounts []string) *doctor.Patient {
	p := &doctor.Patient{
		Connect: a.bus, Version: versionText(), Accounts: accounts, Binary: a.daemonBinary, LookPath: a.lookPath,
		Output: a.output, ExitStatus: exitStatus, Getenv: a.getenv, Now: a.now, Self: a.self,
	}
	p.System()
	if a.examine != nil {
		a.examine(p)
	}
	return p
}

var checkColours = map[doctor.Result]term.Colour{doctor.OK: term.Green, doctor.Warn: term.Yellow, doctor.Fail: term.Red}

func (a *app) doctor(ctx context.Context, accounts []string) error {
	checks, err := a.patient(accounts).Examine(ctx)
	if err != nil {
		return err
	}
	count := map[doctor.Result]int{}
	for _, c := range checks {
		count[c.Result]++
	}
	status := exitOK
	if count[doctor.Fail] > 0 {
		status = exitFailure
	}
	if a.wantsJSON() {
		if err := a.document(struct {
			Version int            `json:"version"`
			OK      int            `json:"ok"`
			Warn    int            `json:"warn"`
			Fail    int            `json:"fail"`
			Checks  []doctor.Check `json:"checks"`
		}{1, count[doctor.OK], count[doctor.Warn], count[doctor.Fail], checks}); err != nil {
			return err
		}
		return said(status)
	}
	last := ""
	for _, c := range checks {
		if c.Account != last {
			a.say("%s:\n", a.Style.Paint(term.Bold, c.Account))
			last = c.Account
		}
		lines := term.Lines(c.Text)
		a.say("%s%-4s  %-13s  %s\n", a.Style.Mark(checkColours[c.Result]), string(c.Result), c.Name, lines[0])
		for _, l := range lines[1:] {
			a.say("                     %s\n", l)
		}
		if c.Hint != "" && c.Result != doctor.OK {
			for _, l := range term.Lines(c.Hint) {
				a.say("                     hint: %s\n", l)
			}
		}
	}
	if !a.noLegend {
		a.say("\n%d ok, %d to look at, %d failed\n", count[doctor.OK], count[doctor.Warn], count[doctor.Fail])
	}
	return said(status)
}
