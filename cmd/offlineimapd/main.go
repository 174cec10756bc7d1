package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
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
	// Of the same, where the program is called offlineimap.
	exitUsageTheirs = 2

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
	os.Exit(runAs(os.Args[0], os.Args[1:], os.Stdin, os.Stdout, os.Stderr, nil))
}

// patience is how long a server may take over an upload whose connection is
// dead, before the mail is sent again. One second was enough for Dovecot.
const patience = 5 * time.Second

func run(args []string, stdout, stderr io.Writer, change func(*options)) int {
	return runAs("offlineimapd", args, os.Stdin, stdout, stderr, change)
}

// runAs is the program under the name by which it is called.
func runAs(program string, args []string, stdin io.Reader, stdout, stderr io.Writer, change func(*options)) int {
	o, err := parse(program, args)
	switch {
	case len(args) == 1 && args[0] == "demo" && !o.named:
		return demo(stdout, stderr)
	case err != nil:
		fmt.Fprintf(stderr, "%s: %v\nhint: %[1]s --help lists what can be said\n", o.name(), err)
		if o.named {
			return exitUsageTheirs
		}
		return exitUsage
	case o.help:
		usage(stdout, o)
		return exitOK
	case o.version:
		fmt.Fprintln(stdout, map[bool]string{false: versionText(), true: versionNumber()}[o.named])
		return exitOK
	case o.versions:
		fmt.Fprintf(stdout, "%s v%s, %s\n", o.name(), versionNumber(), runtime.Version())
		return exitOK
	}
	o.patience = patience
	if change != nil {
		change(&o)
	}
	switch {
	case o.check, o.show, o.path:
		return look(o, stdout, stderr)
	case o.theirs:
		return foreground(o, stdin, stdout, stderr)
	case !o.once:
		f, ok := stderr.(*os.File)
		if !ok {
			f = os.Stderr
		}
		if o.log != "" {
			log, err := appending(o.log)
			if err != nil {
				return o.complain(stderr, err)
			}
			defer log.Close()
			f = log
		}
		return daemon(o, f)
	}
	if o.log != "" {
		log, err := appending(o.log)
		if err != nil {
			return o.complain(stderr, err)
		}
		defer log.Close()
		stdout, stderr = io.MultiWriter(stdout, log), io.MultiWriter(stderr, log)
	}
	ctx, stop := untilSignal(stderr)
	defer stop()
	return once(ctx, o, stdout, stderr)
}

// appending opens a log.
func appending(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
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
	cfg, problems, err := o.read(path)
	if err != nil {
		if !errors.Is(err, config.ErrInvalid) {
			fmt.Fprintf(stderr, "offlineimapd: %v\n", err)
		}
		showConfig(stderr, problems)
		return exitConfig
	}
	wanted := o.only(cfg.General.Accounts)
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
	for _, text := range o.idle() {
		fmt.Fprintf(stderr, "offlineimapd: %s\n", text)
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
