package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/offlineimap/offlineimapd/dbus/api"
	"github.com/offlineimap/offlineimapd/dbus/client"
)

type syncFlags struct {
	full, dryRun, noBlock, evenIfPaused bool
	timeout                             string
}

func (a *app) syncVerb() *cobra.Command {
	o := syncFlags{}
	c := a.patientVerb("sync [ACCOUNT[/FOLDER]...]", "Sync now, and wait for the end", nil,
		func(ctx context.Context, args []string) error { return a.sync(ctx, args, o) })
	f := c.Flags()
	f.BoolVar(&o.full, "full", false, "look at every mail, whatever seems unchanged")
	f.BoolVar(&o.dryRun, "dry-run", false, "change nothing, show what would be done")
	f.BoolVar(&o.noBlock, "no-block", false, "do not wait; show the jobs")
	f.BoolVar(&o.evenIfPaused, "even-if-paused", false, "sync accounts too that are paused")
	f.StringVar(&o.timeout, "timeout", "", "wait for no more than this `TIME`; the job goes on")
	c.ValidArgsFunction = a.completeFolders
	return c
}

// target is what to sync of one account; "" is all accounts.
type target struct {
	account string
	folders []string // none: all
}

// targets reads arguments. An account's name has no slash, a folder's may have.
func targets(args []string) ([]target, error) {
	if len(args) == 0 {
		return []target{{}}, nil
	}
	var out []target
	whole := map[string]bool{}
	for _, arg := range args {
		name, folder, some := strings.Cut(arg, "/")
		if name == "" || some && folder == "" {
			return nil, misused(fmt.Errorf("%q is not ACCOUNT or ACCOUNT/FOLDER", arg))
		}
		i := slices.IndexFunc(out, func(t target) bool { return t.account == name })
		if i < 0 {
			i = len(out)
			out = append(out, target{account: name})
		}
		switch {
		case !some:
			whole[name] = true
			out[i].folders = nil
		case !whole[name] && !slices.Contains(out[i].folders, folder):
			out[i].folders = append(out[i].folders, folder)
		}
	}
	return out, nil
}

func (a *app) sync(ctx context.Context, args []string, o syncFlags) error {
	ts, err := targets(args)
	if err != nil {
		return err
	}
	limit, err := timeout(o.timeout)
	if err != nil {
		return err
	}
	c, err := a.bus(ctx)
	if err != nil {
		return err
	}
	f := a.follower(c)
	defer f.close()
	f.accounts = plainNames(ts)
	start := func(ctx context.Context) ([]client.Ref, error) {
		return a.startSync(ctx, c.Starting(), ts, o)
	}
	if o.noBlock {
		return a.startOnly(ctx, c, start)
	}
	jobs, err := f.run(ctx, limit, start)
	return a.results(ctx, c, jobs, err)
}

// plainNames returns the accounts that ts name, none where it takes the daemon to
// know which are meant. Whoever syncs one account is not asked for the password
// of another.
func plainNames(ts []target) []string {
	var names []string
	for _, t := range ts {
		if t.account == "" || isPattern(t.account) {
			return nil
		}
		names = append(names, t.account)
	}
	return names
}

// timeout reads the value of --timeout; 0 is none.
func timeout(s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	d, err := parseSpan(s)
	if err != nil {
		return 0, misused(fmt.Errorf("--timeout: %w", err))
	}
	return d, nil
}

// startSync asks for the runs. c starts the daemon where it must.
func (a *app) startSync(ctx context.Context, c *client.Client, ts []target, o syncFlags) ([]client.Ref, error) {
	var refs []client.Ref
	for _, t := range ts {
		names := []string{t.account}
		if t.account != "" {
			var err error
			if names, err = named(ctx, c, names); err != nil {
				return nil, err
			}
		}
		for _, n := range names {
			some, err := c.Sync(ctx, n, client.SyncOptions{Folders: t.folders, Full: o.full, DryRun: o.dryRun,
				EvenIfPaused: o.evenIfPaused, Reason: "offlineimapctl sync"})
			if err != nil {
				return nil, err
			}
			for _, r := range some {
				if !slices.ContainsFunc(refs, func(x client.Ref) bool { return x.ID == r.ID }) {
					refs = append(refs, r)
				}
			}
		}
	}
	return refs, nil
}

// startOnly shows the jobs and does not wait for them.
func (a *app) startOnly(ctx context.Context, c *client.Client, start func(context.Context) ([]client.Ref, error)) error {
	ctx, stop := a.interruptible(ctx)
	defer stop()
	refs, err := start(ctx)
	if err != nil {
		return err
	}
	d, err := c.Describe(ctx)
	if err != nil {
		return err
	}
	jobs := []api.Job{}
	for _, r := range refs {
		if i := slices.IndexFunc(d.Jobs, func(j api.Job) bool { return j.ID == r.ID }); i >= 0 {
			jobs = append(jobs, d.Jobs[i])
		} else {
			jobs = append(jobs, api.Job{ID: r.ID, State: "finished"})
		}
	}
	if a.wantsJSON() {
		return a.document(jobsDocument{1, jobs})
	}
	for _, j := range jobs {
		a.say("%s: job %d\n", j.Account, j.ID)
	}
	if len(jobs) == 0 {
		return errNothing
	}
	return nil
}

// errNothing is for a daemon that has no account to sync now. A single account
// that cannot be synced has a job that says why.
var errNothing error = &verdict{exitJobFailed, errors.New("there is no account to sync: none is configured, or all are paused"), "offlineimapctl status shows which"}

// results shows how jobs ended; err is why some of them, nil, are not known to
// have ended.
func (a *app) results(ctx context.Context, c *client.Client, jobs []*client.Job, err error) error {
	var ended []*client.Job
	var all []int
	for _, j := range jobs {
		if j != nil {
			ended = append(ended, j)
			all = append(all, jobStatus(j))
		}
	}
	if a.wantsJSON() {
		if len(ended) > 0 || err == nil {
			if werr := a.document(a.resultDocument(ctx, c, ended)); werr != nil {
				return werr
			}
		}
	} else {
		for _, j := range ended {
			a.result(ctx, c, j)
		}
	}
	switch {
	case err == nil && len(jobs) == 0:
		return errNothing
	case errors.Is(err, errInterrupted):
		return said(exitInterrupted)
	case errors.Is(err, errTimeout):
		return &verdict{exitTimeout, errors.New("timed out; the daemon goes on"), "offlineimapctl jobs shows how far it is"}
	case err != nil:
		return err
	}
	return said(worst(all))
}
