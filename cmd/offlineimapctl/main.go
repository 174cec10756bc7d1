package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// version is set at link time by packagers; otherwise it is what the module
// system knows.
var version = ""

func main() { os.Exit(systemApp().run(os.Args[1:])) }

// run runs the program and returns its exit status.
func (a *app) run(args []string) int {
	defer a.close()
	root := a.root()
	root.SetArgs(append([]string{}, args...)) // nil would be those of the process
	root.SetIn(a.In)
	root.SetOut(a.Out)
	root.SetErr(a.Err)
	err := root.ExecuteContext(context.Background())
	var v *verdict
	if err != nil && !errors.As(err, &v) && !isDone(err) {
		// Only cobra's own errors come without having passed through verb.
		err = &verdict{exitUsage, err, "offlineimapctl --help lists what can be said"}
	}
	return complain(a.Streams, undone(err))
}

// done marks errors that a verb returned, as opposed to cobra.
type done struct{ err error }

func (d done) Error() string { return d.err.Error() }
func (d done) Unwrap() error { return d.err }

func isDone(err error) bool {
	var d done
	return errors.As(err, &d)
}

func undone(err error) error {
	var d done
	if errors.As(err, &d) {
		return d.err
	}
	return err
}

// verb makes a command of a function, whose context ends with Ctrl-C.
func (a *app) verb(use, short string, args cobra.PositionalArgs, run func(ctx context.Context, args []string) error) *cobra.Command {
	return a.patientVerb(use, short, args, func(ctx context.Context, args []string) error {
		ctx, stop := a.interruptible(ctx)
		defer stop()
		return run(ctx, args)
	})
}

// patientVerb makes a command of a function that sees to Ctrl-C itself.
func (a *app) patientVerb(use, short string, args cobra.PositionalArgs, run func(ctx context.Context, args []string) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: args, DisableFlagsInUseLine: true,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := run(cmd.Context(), args); err != nil {
				return done{err}
			}
			return nil
		},
	}
}

// Groups of verbs in --help.
const (
	look = "look"
	act  = "act"
	keep = "keep"
)

func (a *app) root() *cobra.Command {
	cobra.EnableCommandSorting = false
	root := a.verb("offlineimapctl [OPTION...] [VERB]", "Control and show offlineimapd", nil,
		func(ctx context.Context, args []string) error { return a.status(ctx, nil, statusOptions{lines: 10}) })
	root.Long = "Control and show offlineimapd, which keeps IMAP accounts and local Maildirs in step.\nWithout a verb, status is meant."
	root.SilenceErrors, root.SilenceUsage = true, true
	root.CompletionOptions.DisableDefaultCmd = true
	root.SuggestionsMinimumDistance = 2
	root.Args = func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		hint := "offlineimapctl --help lists the verbs"
		if near := root.SuggestionsFor(args[0]); len(near) > 0 {
			hint = "did you mean " + near[0] + "?"
		}
		return &verdict{exitUsage, fmt.Errorf("there is no verb %q", args[0]), hint}
	}
	root.AddGroup(&cobra.Group{ID: look, Title: "Look:"}, &cobra.Group{ID: act, Title: "Act:"}, &cobra.Group{ID: keep, Title: "Set up and mend:"})
	f := root.PersistentFlags()
	f.VarP(&a.json, "json", "j", "write results as JSON; without a word, pretty on a\nterminal and short elsewhere")
	f.Lookup("json").NoOptDefVal = "auto"
	f.BoolVar(&a.noLegend, "no-legend", false, "write tables without header and footer")
	f.BoolP("help", "h", false, "show this text")
	_ = root.RegisterFlagCompletionFunc("json", cobra.FixedCompletions([]string{"pretty", "short", "off"}, cobra.ShellCompDirectiveNoFileComp))

	add := func(group string, commands ...*cobra.Command) {
		for _, c := range commands {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	add(look, a.statusVerb(), a.listVerb(), a.foldersVerb(), a.showVerb(), a.jobsVerb(), a.problemsVerb(), a.monitorVerb(), a.waitVerb(), a.logVerb())
	add(act, a.syncVerb(), a.cancelVerb(), a.pauseVerb(), a.resumeVerb(), a.approveVerb())
	add(keep, a.reloadVerb(), a.configVerb(), a.doctorVerb(), a.logLevelVerb(), a.completionVerb(root), a.versionVerb())
	help := &cobra.Command{Use: "help [VERB]", Short: "Show the help of a verb", GroupID: keep, DisableFlagsInUseLine: true,
		Run: func(cmd *cobra.Command, args []string) {
			if c, _, err := root.Find(args); err == nil {
				_ = c.Help()
				return
			}
			_ = root.Help()
		}}
	root.SetHelpCommand(help)
	cobra.AddTemplateFunc("options", options)
	root.SetUsageTemplate(usageTemplate + "{{if not .HasParent}}\n" + exitText() + "{{end}}")
	return root
}

// exitText is the table of exit statuses for --help.
func exitText() string {
	var b strings.Builder
	b.WriteString("Exit statuses:\n")
	for _, m := range meanings {
		fmt.Fprintf(&b, "  %-4d %s\n", m.status, m.text)
	}
	return b.String()
}

// options writes --json the way in which it may be said.
func options(usages string) string {
	return strings.TrimRight(strings.ReplaceAll(usages, "--json pretty|short|off[=auto]", "--json[=pretty|short|off]     "), "\n")
}

const usageTemplate = `Usage: {{.UseLine}}{{if .HasAvailableSubCommands}}{{range $group := .Groups}}

{{.Title}}{{range $.Commands}}{{if (and (eq .GroupID $group.ID) (or .IsAvailableCommand (eq .Name "help")))}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}{{end}}{{if not .Groups}}
{{range .Commands}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}{{end}}{{end}}{{if .HasAvailableLocalFlags}}

Options:
{{options .LocalFlags.FlagUsages}}{{end}}{{if .HasAvailableInheritedFlags}}

Options of all verbs:
{{options .InheritedFlags.FlagUsages}}{{end}}
`

// versionText is version, or what the module system knows.
func versionText() string {
	v := version
	if info, ok := debug.ReadBuildInfo(); ok && v == "" {
		v = info.Main.Version
	}
	if v == "" || v == "(devel)" {
		v = "development"
	}
	return v
}
