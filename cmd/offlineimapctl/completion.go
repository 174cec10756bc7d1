package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/offlineimap/offlineimapd/dbus/api"
)

func (a *app) completionVerb(root *cobra.Command) *cobra.Command {
	c := a.verb("completion bash|zsh|fish", "Write a script that completes this program's command line", cobra.ExactArgs(1),
		func(_ context.Context, args []string) error {
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(a.Out, true)
			case "zsh":
				return root.GenZshCompletion(a.Out)
			case "fish":
				return root.GenFishCompletion(a.Out, true)
			}
			return misused(fmt.Errorf("there is no completion for %q", args[0]))
		})
	c.ValidArgsFunction = cobra.FixedCompletions([]string{"bash", "zsh", "fish"}, cobra.ShellCompDirectiveNoFileComp)
	return c
}

// completionPatience is how long a person who pressed Tab may be kept.
const completionPatience = time.Second

// describe asks the daemon, without starting it, for as long as completion may.
func (a *app) describe(ctx context.Context) (*api.Document, error) {
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, cancel := context.WithTimeout(ctx, completionPatience)
	defer cancel()
	c, err := a.bus(ctx)
	if err != nil {
		return nil, err
	}
	return c.Describe(ctx)
}

// completeAccounts offers accounts: those of the daemon, or of the configuration
// where it does not run.
func (a *app) completeAccounts(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	var out []string
	taken := map[string]bool{}
	for _, n := range args {
		taken[n] = true
	}
	d, err := a.describe(cmd.Context())
	if err != nil {
		for _, n := range a.configured(cmd.Context()) {
			if !taken[n] {
				out = append(out, n)
			}
		}
		return out, cobra.ShellCompDirectiveNoFileComp
	}
	for _, acc := range d.Accounts {
		if !taken[acc.Name] {
			out = append(out, acc.Name+"\t"+acc.State)
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// configured returns the accounts of the configuration, as offlineimapd shows it.
func (a *app) configured(ctx context.Context) []string {
	path, err := a.daemonBinary()
	if err != nil {
		return nil
	}
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, cancel := context.WithTimeout(ctx, completionPatience)
	defer cancel()
	text, _, _ := a.output(ctx, path, "--show-config") // it shows what it can
	var d struct {
		Accounts []struct {
			Name string `json:"name"`
		} `json:"accounts"`
	}
	if json.Unmarshal([]byte(text), &d) != nil {
		return nil
	}
	var out []string
	for _, acc := range d.Accounts {
		out = append(out, acc.Name)
	}
	return out
}

// completeFolders offers accounts, and their folders after a slash.
func (a *app) completeFolders(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	account, _, some := strings.Cut(word, "/")
	if !some {
		out, d := a.completeAccounts(cmd, args, word)
		return out, d | cobra.ShellCompDirectiveNoSpace
	}
	if _, err := a.describe(cmd.Context()); err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ctx, cancel := context.WithTimeout(context.Background(), completionPatience)
	defer cancel()
	folders, err := a.client.ListFolders(ctx, account)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var out []string
	for _, f := range folders {
		out = append(out, account+"/"+f.Local)
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// completeJobs offers jobs that can be canceled, and accounts that have one.
func (a *app) completeJobs(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	d, err := a.describe(cmd.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var out []string
	for _, j := range d.Jobs {
		if j.State != "finished" {
			out = append(out, strconv.FormatUint(uint64(j.ID), 10)+"\t"+j.Account+", "+j.State, j.Account)
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}
