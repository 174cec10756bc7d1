package main

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/offlineimap/offlineimapd/cmd/offlineimapctl/term"
	"github.com/offlineimap/offlineimapd/dbus/api"
)

func (a *app) jobsVerb() *cobra.Command {
	return a.verb("jobs", "List the jobs that wait, run, or have just ended", cobra.NoArgs, a.jobs)
}

func (a *app) jobs(ctx context.Context, _ []string) error {
	c, err := a.bus(ctx)
	if err != nil {
		return err
	}
	d, err := c.Describe(ctx)
	if err != nil {
		return err
	}
	if a.wantsJSON() {
		return a.document(jobsDocument{1, append([]api.Job{}, d.Jobs...)})
	}
	if len(d.Jobs) == 0 {
		if !a.noLegend {
			a.say("no jobs\n")
		}
		return nil
	}
	now := a.now()
	t := &term.Table{Columns: []term.Column{{Title: "JOB", Right: true}, {Title: "ACCOUNT"}, {Title: "KIND"}, {Title: "TRIGGER"},
		{Title: "STATE"}, {Title: "SINCE"}, {Title: "PROGRESS", Give: true}}}
	for _, j := range d.Jobs {
		state, at := j.State, j.Created
		switch {
		case j.Ended != nil:
			state, at = j.Result, *j.Ended
		case j.Started != nil:
			at = *j.Started
		}
		t.Row(term.Cell{Text: strconv.FormatUint(uint64(j.ID), 10)}, term.Cell{Text: j.Account}, term.Cell{Text: j.Kind}, term.Cell{Text: j.Trigger},
			term.Cell{Text: state, Colour: colours[state]}, term.Cell{Text: term.Ago(at, now)}, term.Cell{Text: jobText(j)})
	}
	a.table(t, term.Count(len(d.Jobs), "job")+" listed.")
	return nil
}

// jobsDocument is a document about jobs.
type jobsDocument struct {
	Version int       `json:"version"`
	Jobs    []api.Job `json:"jobs"`
}
