package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// unit is what the daemon is to systemd.
const unit = "offlineimapd.service"

type logFlags struct {
	follow, explain bool
	lines           int
}

func (a *app) logVerb() *cobra.Command {
	o := logFlags{}
	c := a.verb("log [ACCOUNT]", "Show the daemon's log, or what it says of an account", cobra.MaximumNArgs(1),
		func(ctx context.Context, args []string) error { return a.log(ctx, args, o) })
	f := c.Flags()
	f.BoolVarP(&o.follow, "follow", "f", false, "go on with what comes")
	f.IntVarP(&o.lines, "lines", "n", 0, "only the last `N` lines")
	f.BoolVarP(&o.explain, "explain", "x", false, "with explanations from the catalog")
	c.ValidArgsFunction = a.completeAccounts
	return c
}

// journal are the arguments of journalctl that choose the daemon's messages.
func journal(account string) []string {
	args := []string{"--user", "-u", unit}
	if account != "" {
		args = append(args, "OFFLINEIMAP_ACCOUNT="+account)
	}
	return args
}

func (a *app) log(ctx context.Context, args []string, o logFlags) error {
	path, err := a.lookPath("journalctl")
	if err != nil {
		return &verdict{exitFailure, errors.New("there is no journalctl here"), "without systemd the daemon writes to its standard error"}
	}
	account := ""
	if len(args) > 0 {
		account = args[0]
	}
	words := journal(account)
	if o.follow {
		words = append(words, "-f")
	}
	if o.lines > 0 {
		words = append(words, "-n", strconv.Itoa(o.lines))
	}
	if o.explain {
		words = append(words, "-x")
	}
	if a.wantsJSON() {
		words = append(words, "-o", "json")
	}
	err = a.command(ctx, a.In, a.Out, a.Err, path, words...)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if status, ok := exitStatus(err); ok {
		return said(status)
	}
	return fmt.Errorf("run journalctl: %w", err)
}

// tailPatience is how long status waits for the journal.
const tailPatience = 3 * time.Second

// logTail returns the last lines about an account; nothing where there is no
// journal, or it does not answer.
func (a *app) logTail(ctx context.Context, account string, lines int) string {
	path, err := a.lookPath("journalctl")
	if err != nil || lines <= 0 {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, tailPatience)
	defer cancel()
	out, _, err := a.output(ctx, path, append(journal(account), "-n", strconv.Itoa(lines), "--no-pager", "--quiet", "--no-hostname")...)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(out)
}
