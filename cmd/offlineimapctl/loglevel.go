package main

import (
	"context"
	"errors"
	"slices"

	"github.com/spf13/cobra"
)

// levels are those of LogControl1, as syslog(3) has them.
var levels = []string{"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"}

func (a *app) logLevelVerb() *cobra.Command {
	c := a.verb("log-level [LEVEL]", "Show from which level on the daemon logs, or change it until it ends", cobra.MaximumNArgs(1), a.logLevel)
	c.ValidArgsFunction = cobra.FixedCompletions(levels, cobra.ShellCompDirectiveNoFileComp)
	return c
}

func (a *app) logLevel(ctx context.Context, args []string) error {
	if len(args) > 0 && !slices.Contains(levels, args[0]) {
		return &verdict{exitUsage, errors.New("there is no such level"), "levels are emerg, alert, crit, err, warning, notice, info and debug"}
	}
	c, err := a.bus(ctx)
	if err != nil {
		return err
	}
	if len(args) > 0 {
		return c.SetLogLevel(ctx, args[0])
	}
	level, err := c.LogLevel(ctx)
	if err != nil {
		return err
	}
	if a.wantsJSON() {
		return a.document(struct {
			Version int    `json:"version"`
			Level   string `json:"level"`
		}{1, level})
	}
	a.say("%s\n", level)
	return nil
}
