package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/offlineimap/offlineimapd/internal/config"
	"github.com/offlineimap/offlineimapd/internal/python"
	"github.com/offlineimap/offlineimapd/internal/ui"
	"github.com/offlineimap/offlineimapd/sync/engine"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// front is a run as OfflineIMAP makes it: in the foreground, each account once,
// or again and again. It starts a goroutine for each account, and one for signals.
type front struct {
	o      options
	cfg    *config.Config
	screen *ui.UI
	python *python.Evaluator
	list   *mailboxList
	names  atomic.Uint64 // maildir.Options.Names of all accounts
	slots  chan struct{} // room for each account that may be at work at once
	drain  chan struct{} // closed: no pass begins any more

	mu     sync.Mutex
	status int
}

// foreground runs the program as OfflineIMAP, and returns the exit status.
func foreground(o options, stdin io.Reader, stdout, stderr io.Writer) int {
	path, err := config.Find(o.config, os.Getenv)
	if err != nil {
		return o.complain(stderr, err)
	}
	cfg, problems, err := o.read(path)
	if err != nil {
		if !errors.Is(err, config.ErrInvalid) {
			return o.complain(stderr, err)
		}
		showConfig(stderr, problems)
		return exitError
	}
	f := &front{o: o, cfg: cfg, drain: make(chan struct{}), slots: make(chan struct{}, max(1, cfg.General.MaxSyncAccounts))}
	show := ui.Options{
		Name: cfg.General.UI, Stdout: stdout, Stderr: stderr, LogFile: o.log, Syslog: o.syslog, Debug: o.debug,
		Version: versionNumber(), Config: o.config, Args: os.Args,
	}
	if o.info {
		show.Name = "ttyui"
	}
	show.Stdin, _ = stdin.(*os.File)
	if f.screen, err = ui.Open(show); err != nil {
		return o.complain(stderr, err)
	}
	f.python = evaluator(cfg, func(line string) { f.screen.Warn("python3: " + line) })
	defer f.python.Close()
	f.work(stderr)
	f.screen.Finish(f.status)
	return f.status
}

// complain says what kept the program from beginning.
func (o *options) complain(stderr io.Writer, err error) int {
	fmt.Fprintf(stderr, "%s: %v\n", o.name(), err)
	var e *store.Error
	if errors.As(err, &e) && e.Hint != "" {
		fmt.Fprintf(stderr, "hint: %s\n", e.Hint)
	}
	return exitError
}

// work does what the command line asks for.
func (f *front) work(stderr io.Writer) {
	wanted := f.o.only(f.cfg.General.Accounts)
	f.remarks(wanted)
	accounts := f.selected(wanted)
	if f.status == exitOK {
		f.failed("", whose(f.o.approve, accounts))
	}
	if f.status != exitOK {
		return // as there: one account that does not exist keeps all from running
	}
	ctx, c := f.listen(len(accounts), stderr)
	defer c.stop()
	if f.o.job() {
		f.jobs(ctx, accounts)
		return
	}
	// With autorefresh there is no end at which it could be written.
	again := slices.ContainsFunc(accounts, func(a *config.Account) bool { return a.AutoRefresh > 0 })
	f.list = newMailboxList(f.cfg, f.python, again, f.screen.Warn)
	var all sync.WaitGroup
	for i, a := range accounts {
		k := f.keeper(a, len(accounts) == 1)
		k.wake = c.wake[i]
		all.Go(func() { k.keep(ctx) })
	}
	all.Wait()
	f.list.finish(ctx)
}

func (f *front) keeper(a *config.Account, alone bool) *keeper {
	return &keeper{
		front: f, account: a, changes: changed(a), alone: alone,
		screen: f.screen.Account(a.Name, repo(a.Local), repo(a.Remote)),
	}
}

func repo(r *config.Repository) ui.Repo {
	if r == nil {
		return ui.Repo{} // the account cannot be run, which is told
	}
	return ui.Repo{Name: r.Name, Type: r.Type}
}

// selected finds the accounts; what is not there is an error.
func (f *front) selected(wanted []string) (accounts []*config.Account) {
	for _, name := range wanted {
		a := f.cfg.Account(name)
		if a == nil {
			p := f.cfg.Unknown(name)
			f.failed("", &store.Error{Class: store.Config, Err: errors.New(p.String()), Hint: p.Hint})
		} else if !slices.Contains(accounts, a) {
			accounts = append(accounts, a)
		}
	}
	if len(wanted) == 0 {
		f.failed("", &store.Error{Class: store.Config, Err: errors.New(f.cfg.Path + " names no account"), Hint: "write accounts = NAME into its section [general]"})
	}
	return accounts
}

// remarks says what is not as somebody may expect who wrote the command line or
// the configuration. quiet is for cron, which sends on every word.
func (f *front) remarks(wanted []string) {
	if !strings.HasSuffix(strings.ToLower(f.cfg.General.UI), "quiet") {
		for _, p := range f.cfg.Relevant(wanted) {
			if p.Severity == config.Warning { // errors are told where an account meets them
				f.screen.Warn(p.String() + hinted(p.Hint))
			}
		}
	}
	for _, text := range f.o.idle() {
		f.screen.Info(text)
	}
}

// ended adds one more ending to the exit status: an error before a hold before
// success.
func (f *front) ended(status int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if status == exitError || f.status == exitOK {
		f.status = status
	}
}

// outcome is the exit status that a pass is worth. What a person cut off is no
// error.
func outcome(r *engine.Report) int {
	failed := func(p engine.Problem) bool { return p.Class != store.Cancelled.String() }
	if slices.ContainsFunc(r.Problems, failed) {
		return exitError
	}
	for _, f := range r.Folders {
		if slices.ContainsFunc(f.Problems, failed) {
			return exitError
		}
	}
	if r.Result == engine.Held {
		return exitHeld
	}
	return exitOK
}

// take waits for leave to work; false where nobody is to begin any more.
func (f *front) take(ctx context.Context) bool {
	select {
	case <-f.drain:
	case <-ctx.Done():
	case f.slots <- struct{}{}:
		if !f.ending(ctx) {
			return true
		}
		<-f.slots
	}
	return false
}

// ending tells whether no pass is to begin any more.
func (f *front) ending(ctx context.Context) bool {
	select {
	case <-f.drain:
		return true
	default:
		return ctx.Err() != nil
	}
}
