package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/offlineimap/offlineimapd/internal/config"
	"github.com/offlineimap/offlineimapd/internal/hook"
	"github.com/offlineimap/offlineimapd/internal/ui"
	"github.com/offlineimap/offlineimapd/sync/engine"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// keeper keeps one account in step. It belongs to one goroutine, save ask.
type keeper struct {
	*front
	account *config.Account
	screen  *ui.Account
	wake    chan struct{} // has room for one
	changes *hook.Changes
	alone   bool // no other account runs
	again   bool // it is not the first pass: what was approved for that counts no more

	mu       sync.Mutex
	password string // what a person typed, and no server has refused
	wrong    bool   // a server has refused the one before
}

// keep makes one pass, and where the account has autorefresh one after the other
// until it is told to end. However often a pass fails, it does not give up.
func (k *keeper) keep(ctx context.Context) {
	defer k.screen.Close()
	full := false
	for k.take(ctx) {
		k.pass(ctx, full)
		<-k.slots
		if k.account.AutoRefresh <= 0 || k.account.Refused() || k.ending(ctx) {
			return
		}
		full = k.sleep(ctx)
	}
}

// sleep waits for the next pass, and tells whether somebody wants it now. A
// signal that came during the pass ends the sleep at once.
func (k *keeper) sleep(ctx context.Context) (woken bool) {
	for left := k.account.AutoRefresh; left > 0; left -= sleepStep {
		step := min(left, sleepStep)
		k.screen.Sleeping(step, left)
		due := time.NewTimer(step)
		select {
		case <-k.wake:
			due.Stop()
			return true
		case <-due.C:
			continue
		case <-k.drain:
		case <-ctx.Done():
		}
		due.Stop()
		return false
	}
	return false
}

// sleepStep is how often it is told how long a sleep still is.
const sleepStep = 10 * time.Second

// pass is one run for the account, with everything that is to be seen of it.
func (k *keeper) pass(ctx context.Context, full bool) {
	k.screen.Begin()
	started := time.Now()
	report, err := k.try(ctx, full)
	if store.ClassOf(err) == store.Auth {
		k.forget()
	}
	k.screen.Report(report)
	k.screen.Done(time.Since(started))
	k.ended(outcome(report))
	k.again = true
}

func (k *keeper) try(ctx context.Context, full bool) (*engine.Report, error) {
	if err := k.refused(); err != nil {
		return engine.NotStarted(k.account.Name, time.Now(), err), err
	}
	return k.work(full).run(ctx)
}

func (k *keeper) dialing(m *config.IMAP) {
	if k.o.job() { // no account is at work, which would have its own lines
		k.front.screen.Info(fmt.Sprintf("Establishing connection to %s (%s)", cmp.Or(tunnelled(m), net.JoinHostPort(plain(m.Host), strconv.Itoa(m.Port))), plain(k.account.Remote.Name)))
		return
	}
	if tunnel := m.PreauthTunnel + m.TransportTunnel; tunnel != "" {
		k.screen.Tunnel(tunnel)
	} else {
		k.screen.Connecting(m.Host, m.Port)
	}
}

func tunnelled(m *config.IMAP) string {
	if tunnel := m.PreauthTunnel + m.TransportTunnel; tunnel != "" {
		return "tunnel:" + plain(tunnel)
	}
	return ""
}

// refused says why the account cannot be run at all; nil where it can.
func (k *keeper) refused() error {
	for _, p := range k.account.Problems {
		if p.Severity == config.Error {
			return &store.Error{Class: store.Config, Scope: store.ScopeStore, Err: errors.New(p.String()), Hint: p.Hint}
		}
	}
	return nil
}

func (k *keeper) work(full bool) work {
	var approve []string
	if !k.again {
		approve = own(k.o.approve, k.account.Name, k.alone)
	}
	return work{
		cfg: k.cfg, account: k.account, names: &k.names, python: k.python, list: k.list, changes: k.changes,
		approve: approve, chosen: choose(k.o.chosen), full: full, dryRun: k.cfg.General.DryRun,
		ask: k.ask, step: k.o.step, patience: k.o.patience, remoteID: k.o.remoteID, localID: k.o.localID,
		observe: k.screen.Event, note: k.screen.Warn, hooked: k.screen.Hook, dialing: k.dialing,
		trace: tracer(k.o.debug, func(text string) { k.front.screen.Debug("imap", text) }),
	}
}

// ask gives the password that a person types, once for all passes as long as no
// server refuses it. Several sessions may ask at once.
func (k *keeper) ask(ctx context.Context, user string) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.password != "" {
		return k.password, nil
	}
	typed, err := k.screen.Password(ctx, user, k.wrong)
	if err == nil {
		k.password = typed
	}
	return typed, err
}

// forget drops a password that was refused. The next pass asks for another one;
// this one does not, because servers lock accounts on which somebody guesses.
func (k *keeper) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.password != "" {
		k.password, k.wrong = "", true
	}
}
