package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/offlineimap/offlineimapd/internal/config"
	"github.com/offlineimap/offlineimapd/sync/engine"
)

// Exit statuses: 0 to 2 as OfflineIMAP's, the others as in sysexits.h.
const (
	exitOK    = 0
	exitError = 1 // something failed, if only one mail, or a signal came before the end
	exitHeld  = 2 // nothing failed, but a folder waits for a person
	exitUsage = 64

	exitSecond    = 69 // the daemon: another one is there
	exitTransient = 75 // the daemon: the bus is not there, or was lost
	exitConfig    = 78
)

// memoryLimit keeps the garbage collector from trading memory for time; what
// the program needs does not grow with mails or mailboxes (octets).
const memoryLimit = 40 << 20

// version is set at link time by packagers; otherwise it is what the module
// system knows.
var version = ""

func main() {
	debug.SetMemoryLimit(memoryLimit)
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr, nil))
}

// options are what the command line says.
type options struct {
	once, dryRun, json, version bool
	check, show, path           bool // only look at the configuration
	config                      string
	accounts, approve           []string

	// step is told of every point at which the state is written, for tests that
	// kill the program there.
	step func(name string)
	// patience is engine.Request.Patience, which tests cannot afford.
	patience time.Duration
	// remoteID, where not "", is engine.Request.RemoteID, for tests that copy a
	// mailbox to another user.
	remoteID string
}

// patience is how long a server may take over an upload whose connection is
// dead, before the mail is sent again. One second was enough for Dovecot.
const patience = 5 * time.Second

func usage(w io.Writer) {
	fmt.Fprint(w, `usage: offlineimapd [-c FILE] [-a ACCOUNT[,ACCOUNT...]]
       offlineimapd --once [-c FILE] [-a ACCOUNT[,ACCOUNT...]] [--dry-run] [--json]
                    [--approve FOLDER]...
       offlineimapd --check-config | --show-config | --config-path [-c FILE]
       offlineimapd demo
       offlineimapd --version

Without --once, it is the daemon: it keeps all accounts in step until it is
ended, and is asked and told by offlineimapctl. systemd starts it:
systemctl --user enable --now offlineimapd

  --once            bring all accounts in step, once, and end
  -c, --config FILE the configuration (default: as OfflineIMAP finds it)
  -a, --account A,B only these accounts
  --dry-run         show what would be done, change nothing at all
  --json            the report as one JSON document on standard output
  --approve FOLDER  let a held plan of this folder through (repeatable), with
                    several accounts ACCOUNT/FOLDER; / accepts a changed
                    directory of the local folders, or another server or user
  --check-config    tell what is wrong with the configuration
  --show-config     print what it says, with all defaults and without secrets
  --config-path     print where it is
  demo              sync an IMAP server in memory with a temporary Maildir
  --version         print the version
`)
}

func parse(args []string) (options, error) {
	var o options
	fs := flag.NewFlagSet("offlineimapd", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.BoolVar(&o.once, "once", false, "")
	fs.BoolVar(&o.dryRun, "dry-run", false, "")
	fs.BoolVar(&o.json, "json", false, "")
	fs.BoolVar(&o.version, "version", false, "")
	fs.BoolVar(&o.check, "check-config", false, "")
	fs.BoolVar(&o.show, "show-config", false, "")
	fs.BoolVar(&o.path, "config-path", false, "")
	for _, n := range []string{"c", "config"} {
		fs.StringVar(&o.config, n, "", "")
	}
	accounts := func(s string) error {
		for a := range strings.SplitSeq(s, ",") {
			if a = strings.TrimSpace(a); a != "" {
				o.accounts = append(o.accounts, a)
			}
		}
		return nil
	}
	fs.Func("a", "", accounts)
	fs.Func("account", "", accounts)
	fs.Func("approve", "", func(s string) error { o.approve = append(o.approve, s); return nil })
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	switch {
	case fs.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	case o.version, o.check, o.show, o.path, o.once:
	case o.dryRun, o.json, len(o.approve) > 0:
		return o, errors.New("--dry-run, --json and --approve go with --once")
	}
	return o, nil
}

func run(args []string, stdout, stderr io.Writer, change func(*options)) int {
	if len(args) == 1 && args[0] == "demo" {
		return demo(stdout, stderr)
	}
	o, err := parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		usage(stdout)
		return exitOK
	case err != nil:
		fmt.Fprintf(stderr, "offlineimapd: %v\nhint: offlineimapd --help lists what can be said\n", err)
		return exitUsage
	case o.version:
		fmt.Fprintln(stdout, versionText())
		return exitOK
	}
	o.patience = patience
	if change != nil {
		change(&o)
	}
	switch {
	case o.check, o.show, o.path:
		return look(o, stdout, stderr)
	case !o.once:
		f, ok := stderr.(*os.File)
		if !ok {
			f = os.Stderr
		}
		return daemon(o, f)
	}
	ctx, stop := untilSignal(stderr)
	defer stop()
	return once(ctx, o, stdout, stderr)
}

func versionText() string { return "offlineimapd " + versionNumber() }

func versionNumber() string {
	v := version
	if info, ok := debug.ReadBuildInfo(); ok && v == "" {
		v = info.Main.Version
	}
	if v == "" || v == "(devel)" {
		v = "development"
	}
	return v
}

// inOrder is how long a run may take to end after it was told to. What is cut
// off then is what a crash would cut off: the next run settles it.
const inOrder = 900 * time.Millisecond

// untilSignal returns a context that ends with SIGTERM, SIGINT or SIGHUP. The
// second signal, or the end of patience, ends the program at once.
func untilSignal(stderr io.Writer) (context.Context, func()) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	done := make(chan struct{})
	go func() {
		select {
		case <-signals:
			cancel()
		case <-done:
			return
		}
		select {
		case <-signals:
		case <-time.After(inOrder):
		case <-done:
			return
		}
		fmt.Fprintln(stderr, "offlineimapd: ended at once; the next run settles what was left")
		os.Exit(exitError)
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel()
	}
}

// once loads the configuration and runs the accounts that it, or the command
// line, names.
func once(ctx context.Context, o options, stdout, stderr io.Writer) int {
	path, err := config.Find(o.config, os.Getenv)
	if err != nil {
		fmt.Fprintf(stderr, "offlineimapd: %v\n", err)
		return exitConfig
	}
	cfg, problems, err := config.Load(path)
	if err != nil {
		if !errors.Is(err, config.ErrInvalid) {
			fmt.Fprintf(stderr, "offlineimapd: %v\n", err)
		}
		showConfig(stderr, problems)
		return exitConfig
	}
	wanted := o.accounts
	if len(wanted) == 0 {
		wanted = cfg.General.Accounts
	}
	o.dryRun = o.dryRun || cfg.General.DryRun
	var accounts []*config.Account
	refused := false
	for _, name := range wanted {
		a := cfg.Account(name)
		if a == nil {
			showConfig(stderr, []config.Problem{cfg.Unknown(name)})
			refused = true
			continue
		}
		if !slices.Contains(accounts, a) {
			accounts = append(accounts, a)
		}
	}
	showConfig(stderr, cfg.Relevant(wanted))
	accounts = slices.DeleteFunc(accounts, func(a *config.Account) bool {
		refused = refused || a.Refused()
		return a.Refused()
	})
	if len(accounts) == 0 {
		if !refused {
			fmt.Fprintf(stderr, "offlineimapd: %s names no account\nhint: write accounts = NAME into its section [general]\n", path)
		}
		return exitConfig
	}
	if err := whose(o.approve, accounts); err != nil {
		fmt.Fprintf(stderr, "offlineimapd: %v\nhint: say --approve %s/FOLDER\n", err, accounts[0].Name)
		return exitUsage
	}
	s := newShow(o, stdout, stderr)
	s.several = len(accounts) > 1
	reports := runAccounts(ctx, cfg, accounts, o, s)
	status := s.finish(reports)
	if refused && status != exitError {
		status = exitError
	}
	return status
}

// whose makes sure that every --approve is meant for one account: the folders
// of others may have the same name.
func whose(approve []string, accounts []*config.Account) error {
	if len(accounts) == 1 {
		return nil
	}
	for _, a := range approve {
		if !slices.ContainsFunc(accounts, func(c *config.Account) bool { return strings.HasPrefix(a, c.Name+"/") }) {
			return fmt.Errorf("--approve %s does not say which account it is for", a)
		}
	}
	return nil
}

// own returns those approvals that are meant for an account, without its name.
func own(approve []string, account string, alone bool) []string {
	var out []string
	for _, a := range approve {
		folder, ok := strings.CutPrefix(a, account+"/")
		switch {
		case ok && folder == "":
			out = append(out, engine.ApproveRoot)
		case ok && alone:
			out = append(out, a) // the folder may be called so
		case ok:
			out = append(out, folder)
		case alone:
			out = append(out, a)
		}
	}
	return out
}
