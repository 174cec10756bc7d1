package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/offlineimap/offlineimapd/dbus/client"
)

func (a *app) cancelVerb() *cobra.Command {
	c := a.verb("cancel JOB|ACCOUNT...", "Cancel a job, by its number or its account", cobra.MinimumNArgs(1), a.cancel)
	c.ValidArgsFunction = a.completeJobs
	return c
}

func (a *app) cancel(ctx context.Context, args []string) error {
	c, err := a.bus(ctx)
	if err != nil {
		return err
	}
	for _, arg := range args {
		jobs, err := jobsOf(ctx, c, arg)
		if err != nil {
			return err
		}
		for _, id := range jobs {
			if err := c.Cancel(ctx, id); err != nil {
				return err
			}
		}
	}
	return nil
}

// jobsOf returns the job of that number, or those of accounts of that name.
func jobsOf(ctx context.Context, c *client.Client, arg string) ([]uint32, error) {
	if id, err := strconv.ParseUint(arg, 10, 32); err == nil {
		return []uint32{uint32(id)}, nil
	}
	d, err := c.Describe(ctx)
	if err != nil {
		return nil, err
	}
	accounts, err := choose(ctx, c, d, []string{arg})
	if err != nil {
		return nil, err
	}
	var ids []uint32
	for _, j := range only(d, accounts, true).Jobs {
		if j.State != "finished" {
			ids = append(ids, j.ID)
		}
	}
	if len(ids) == 0 {
		return nil, &verdict{exitNoSuch, fmt.Errorf("account %q has no job", arg), "offlineimapctl jobs lists them"}
	}
	return ids, nil
}
