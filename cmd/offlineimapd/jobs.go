package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/offlineimap/offlineimapd/internal/config"
	"github.com/offlineimap/offlineimapd/sync/imap"
	"github.com/offlineimap/offlineimapd/sync/maildir"
	"github.com/offlineimap/offlineimapd/sync/names"
	"github.com/offlineimap/offlineimapd/sync/state"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// jobs does what is asked for instead of a run.
func (f *front) jobs(ctx context.Context, accounts []*config.Account) {
	job := (*keeper).inform
	switch {
	case f.o.info:
	case f.o.prune:
		f.failed("prune the file of mailbox names", pruneMailboxNames(ctx, f.cfg, f.cfg.General.DryRun, f.screen.Info))
		return
	case f.o.migrate:
		job = (*keeper).rehash
	case f.o.writeMap:
		job = (*keeper).writeMapping
	case len(accounts) != 1:
		f.failed("", &store.Error{Class: store.Config, Err: errors.New("--delete-folder is for one account, and several would do it"),
			Hint: "name the account with -a"})
		return
	default:
		job = (*keeper).deleteMailbox
	}
	for _, a := range accounts {
		k := f.keeper(a, len(accounts) == 1)
		err := k.refused()
		if err == nil {
			err = job(k, ctx)
		}
		f.failed("account "+a.Name, err)
	}
}

// failed says what failed, if anything did.
func (f *front) failed(what string, err error) {
	if err != nil {
		f.screen.Error(what, err)
		f.ended(exitError)
	}
}

// locked keeps others from the account meanwhile.
func (k *keeper) locked(ctx context.Context, do func() error) error {
	if k.cfg.General.DryRun {
		return do()
	}
	path, dir, theirs := places(k.cfg, k.account)
	for _, d := range []string{k.cfg.General.Metadata, dir} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return store.Fail(store.Local, store.ScopeStore, fmt.Errorf("create the directory of the state: %w", err))
		}
	}
	lock, err := state.Lock(ctx, theirs, path)
	if err != nil {
		return err
	}
	return errors.Join(do(), lock.Unlock())
}

// tree is the store of the local folders, with what the configuration says of
// names.
func (k *keeper) tree(ctx context.Context) (*maildir.Store, error) {
	if k.account.Local.Maildir == nil {
		return nil, &store.Error{Class: store.Config, Err: errors.New("the local repository is a server, where nothing is named after UIDs or flags")}
	}
	p := policy(k.cfg, k.account)
	if err := k.work(false).folders(ctx, &p); err != nil {
		return nil, err
	}
	return newLocal(k.cfg, k.account, &k.names, nil, p.Names.Back), nil
}

// rehash renames local files that were named before their folders had a
// nametrans.
func (k *keeper) rehash(ctx context.Context) error {
	return k.locked(ctx, func() error {
		local, err := k.tree(ctx)
		if err != nil {
			return err
		}
		unlock, err := local.Lock()
		if err != nil {
			return err
		}
		defer unlock()
		boxes, err := local.Survey(ctx)
		if err != nil {
			return err
		}
		var all []error
		total := 0
		for _, b := range boxes {
			n, err := local.Rehash(ctx, b.Name, b.Name, k.cfg.General.DryRun)
			if n > 0 {
				k.front.screen.Info(fmt.Sprintf("%s%s: %s renamed", dryly(k.cfg), plain(b.Display), files(n)))
			}
			total += n
			all = append(all, err)
		}
		k.front.screen.Info(fmt.Sprintf("%sAccount %s: %s renamed", dryly(k.cfg), plain(k.account.Name), files(total)))
		return errors.Join(all...)
	})
}

func files(n int) string {
	if n == 1 {
		return "1 file"
	}
	return fmt.Sprintf("%d files", n)
}

func dryly(cfg *config.Config) string {
	if cfg.General.DryRun {
		return "[DRYRUN] "
	}
	return ""
}

// deleteMailbox removes a mailbox on the server. The local folder stays.
func (k *keeper) deleteMailbox(ctx context.Context) error {
	name := *k.o.deleteFolder
	return k.locked(ctx, func() error {
		remote, _, err := k.server(ctx)
		if err != nil {
			return err
		}
		defer remote.Close(context.WithoutCancel(ctx))
		raw, err := k.find(ctx, remote, name)
		if err != nil {
			return err
		}
		if !k.cfg.General.DryRun {
			if err := remote.Delete(ctx, raw); err != nil {
				return err
			}
		}
		k.front.screen.Info(fmt.Sprintf("%sFolder '%s' deleted.", dryly(k.cfg), plain(name)))
		k.front.screen.Warn("It is deleted on the server only. The folder here stays as it is; where there is one, the next run holds it and asks what is to become of it.")
		return nil
	})
}

// find returns the name of a mailbox as the server has it.
func (k *keeper) find(ctx context.Context, remote *imap.Store, name string) (string, error) {
	boxes, err := remote.Survey(ctx)
	if err != nil {
		return "", err
	}
	o := policy(k.cfg, k.account).Names
	for _, b := range boxes {
		if names.Read(b.Name, o) == name {
			return b.Name, nil
		}
	}
	return "", &store.Error{Class: store.Config, Scope: store.ScopeFolder,
		Err: fmt.Errorf("the server has no mailbox %q", names.Display(name)), Hint: "--info lists them"}
}

// server builds the store for the account's server.
func (k *keeper) server(ctx context.Context) (*imap.Store, *config.IMAP, error) {
	m, err := resolve(ctx, k.python, k.account.Remote.IMAP)
	if err != nil {
		return nil, nil, err
	}
	remote, err := k.work(false).server(ctx, m)
	return remote, m, err
}
