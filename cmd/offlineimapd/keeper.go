package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/offlineimap/offlineimapd/internal/config"
	"github.com/offlineimap/offlineimapd/internal/hook"
	"github.com/offlineimap/offlineimapd/sync/engine"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// keeper keeps one account in step. It belongs to one goroutine, save ask.
type keeper struct {
	*front
	account *config.Account
	screen  accountScreen
	wake    chan struct{} // has room for one
	changes *hook.Changes
	alone   bool // no other account runs

	mu       sync.Mutex
	password string // what a person typed, and no server has refused
	refusal  string // why the one before was refused
}

// keep makes one pass, and where the account has autorefresh one after the other
// until it is told to end. However often a pass fails, it does not give up.
func (k *keeper) keep(ctx context.Context) {
	full := false
	for k.take(ctx) {
		k.pass(ctx, full)
		<-k.slots
		if k.account.AutoRefresh <= 0 || k.account.Refused() {
			return
		}
		if full = k.sleep(ctx); ctx.Err() != nil {
			return
		}
	}
}

// sleep waits for the next pass, and tells whether somebody wants it now. A
// signal that came during the pass ends the sleep at once.
func (k *keeper) sleep(ctx context.Context) (woken bool) {
	select {
	case <-k.drain:
		return false
	default:
	}
	k.screen.Sleeping(k.account.AutoRefresh)
	due := time.NewTimer(k.account.AutoRefresh)
	defer due.Stop()
	select {
	case <-k.wake:
		return true
	case <-due.C:
	case <-k.drain:
	case <-ctx.Done():
	}
	return false
}

// pass is one run for the account, with everything that is to be seen of it.
func (k *keeper) pass(ctx context.Context, full bool) {
	k.screen.Begin()
	report, err := k.try(ctx, full)
	if store.ClassOf(err) == store.Auth {
		k.forget(err)
	}
	k.screen.Report(report)
	k.screen.Done()
	k.ended(outcome(report))
}

func (k *keeper) try(ctx context.Context, full bool) (*engine.Report, error) {
	started := time.Now()
	for _, p := range k.account.Problems {
		if p.Severity == config.Error {
			err := &store.Error{Class: store.Config, Scope: store.ScopeStore, Err: errors.New(p.String()), Hint: p.Hint}
			return engine.NotStarted(k.account.Name, started, err), err
		}
	}
	return work{
		cfg: k.cfg, account: k.account, names: &k.names, python: k.python, changes: k.changes,
		approve: own(k.o.approve, k.account.Name, k.alone), chosen: choose(k.o.chosen), full: full, dryRun: k.cfg.General.DryRun,
		ask: k.ask, step: k.o.step, patience: k.o.patience, remoteID: k.o.remoteID,
		observe: k.screen.Event, note: k.screen.Note,
		trace: tracer(k.o.debug, k.account.Name, func(_, text string) { k.screen.Debug("imap", text) }),
	}.run(ctx)
}

// ask gives the password that a person types, once for all passes as long as no
// server refuses it. Several sessions may ask at once.
func (k *keeper) ask(ctx context.Context, user string) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.password != "" {
		return k.password, nil
	}
	typed, err := k.screen.Password(ctx, user, k.refusal)
	if err == nil && typed == "" {
		err = errors.New("no password was given")
	}
	if err != nil {
		return "", &store.Error{Class: store.Auth, Scope: store.ScopeStore, Err: err, Hint: "write remotepassfile = FILE into the remote repository"}
	}
	k.password = typed
	return typed, nil
}

// forget drops a password that was refused. The next pass asks for another one;
// this one does not, because servers lock accounts on which somebody guesses.
func (k *keeper) forget(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.password != "" {
		k.password, k.refusal = "", err.Error()
	}
}
