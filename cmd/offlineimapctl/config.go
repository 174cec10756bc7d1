package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"
)

func (a *app) configVerb() *cobra.Command {
	c := &cobra.Command{Use: "config", Short: "Check or show the configuration; needs no daemon", DisableFlagsInUseLine: true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("there is no offlineimapctl config %s", args[0])
			}
			return errors.New("say offlineimapctl config check, show or path")
		},
		RunE: func(*cobra.Command, []string) error { return nil }}
	var file string
	c.PersistentFlags().StringVarP(&file, "config", "c", "", "read this `FILE` instead of the usual one")
	for _, v := range []struct{ use, option, short string }{
		{"check", "--check-config", "Show what is wrong with it; status 78 if it cannot be used"},
		{"show", "--show-config", "Show what is in force, without secrets"},
		{"path", "--config-path", "Show where it is"},
	} {
		c.AddCommand(a.verb(v.use, v.short, cobra.NoArgs, func(ctx context.Context, _ []string) error {
			return a.askDaemonBinary(ctx, v.option, file)
		}))
	}
	return c
}

// daemonBinary finds offlineimapd: next to this program, else where the shell
// would find it.
func (a *app) daemonBinary() (string, error) {
	if self, err := a.self(); err == nil {
		if real, err := filepath.EvalSymlinks(self); err == nil {
			self = real
		}
		if path, err := a.lookPath(filepath.Join(filepath.Dir(self), "offlineimapd")); err == nil {
			return path, nil
		}
	}
	path, err := a.lookPath("offlineimapd")
	if err != nil {
		return "", &verdict{exitFailure, errors.New("offlineimapd is neither next to offlineimapctl nor on PATH"),
			"it has the only reader of the configuration; install it, or add its directory to PATH"}
	}
	return path, nil
}

// askDaemonBinary has offlineimapd say what is asked, and ends with its status.
func (a *app) askDaemonBinary(ctx context.Context, option, file string) error {
	path, err := a.daemonBinary()
	if err != nil {
		return err
	}
	args := []string{option}
	if file != "" {
		args = append(args, "-c", file)
	}
	err = a.command(ctx, a.In, a.Out, a.Err, path, args...)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if status, ok := exitStatus(err); ok {
		return said(status)
	}
	return fmt.Errorf("run %s: %w", path, err)
}
