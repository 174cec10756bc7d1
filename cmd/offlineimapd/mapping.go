package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/offlineimap/offlineimapd/internal/config"
	"github.com/offlineimap/offlineimapd/sync/engine"
	"github.com/offlineimap/offlineimapd/sync/localstatus"
	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/names"
	"github.com/offlineimap/offlineimapd/sync/state"
	"github.com/offlineimap/offlineimapd/sync/store"
	"github.com/offlineimap/offlineimapd/sync/uidmap"
)

// writeMapping tells OfflineIMAP which mails of two servers are the same, so that
// it can go on: those that were copied since are in none of its files. No server
// is asked.
func (k *keeper) writeMapping(ctx context.Context) error {
	a := k.account
	if a.Local.IMAP == nil {
		k.front.screen.Info(fmt.Sprintf("Account %s: nothing to write; the local repository is no server, and OfflineIMAP goes on without", plain(a.Name)))
		return nil
	}
	for _, name := range k.cfg.General.Accounts {
		if b := k.cfg.Account(name); b != nil && b.Name != a.Name && b.Local != nil && b.Local.Name == a.Local.Name {
			return &store.Error{Class: store.Config, Err: fmt.Errorf("the account %s has the same local repository, and OfflineIMAP one map of UIDs for both", plain(b.Name)),
				Hint: "give each account a [Repository] of its own"}
		}
	}
	m, err := resolve(ctx, k.python, a.Local.IMAP)
	if err != nil {
		return err
	}
	return k.locked(ctx, func() error { return k.writeMappings(ctx, m) })
}

func (k *keeper) writeMappings(ctx context.Context, m *config.IMAP) (err error) {
	a := k.account
	path, dir, _ := places(k.cfg, a)
	db, err := state.Open(ctx, path, state.Options{Account: a.Name, ReadOnly: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if text := db.Recovered(); text != "" {
		k.front.screen.Warn(text)
	}
	file := filepath.Join(dir, "offlineimapd.uidmap.sqlite")
	_, none := os.Stat(file)
	pairs, err := uidmap.Open(ctx, file, k.cfg.General.DryRun || errors.Is(none, fs.ErrNotExist))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pairs.Close()) }()
	if text := pairs.Lost(); text != "" {
		k.front.screen.Warn(text)
	}
	folders, err := db.Folders(ctx)
	if err != nil {
		return err
	}
	w := mapper{
		db: db, pairs: pairs, id: cmp.Or(k.o.localID, remoteID(m)), names: names.Options{UTF8: a.UTF8FolderNames}, dry: k.cfg.General.DryRun,
		theirs: localstatus.New(localstatus.Options{
			Metadata: k.cfg.General.Metadata, Account: a.Name, LocalRepository: a.Local.Name, RemoteRepository: a.Remote.Name,
			UTF8: a.UTF8FolderNames, Server: true,
		}),
	}
	for _, f := range folders {
		w.all = append(w.all, engine.FolderPair{Local: f.Local, Remote: f.Remote})
	}
	var all []error
	written := 0
	for i, f := range folders {
		n, changed, err := w.write(ctx, f, w.all[i])
		if err != nil {
			all = append(all, fmt.Errorf("%q: not written: %w", names.Display(f.Local), err))
		} else if changed {
			written++
			k.front.screen.Info(fmt.Sprintf("%s%s: the UIDs of %s", dryly(k.cfg), plain(names.Display(f.Local)), mails(n)))
		}
	}
	k.front.screen.Info(fmt.Sprintf("%sAccount %s: OfflineIMAP's map of UIDs written for %d of %d folders; the others had nothing new", dryly(k.cfg), plain(a.Name), written, len(folders)-len(all)))
	return errors.Join(all...)
}

// mapper writes the maps of one account.
type mapper struct {
	db     *state.DB
	pairs  *uidmap.Map
	theirs localstatus.Reader
	all    []engine.FolderPair
	id     string // uidmap.Options.ID
	names  names.Options
	dry    bool
}

// errUnsettled says that mails may be on both servers of which no file knows that
// they are the same, or on one of which OfflineIMAP's status says that both have
// it: it would take that for a removal.
var errUnsettled = &store.Error{Class: store.Temporary, Scope: store.ScopeFolder, Err: errors.New("the last run has not come to an end in it"),
	Hint: "run offlineimapd --once until nothing fails there and nothing is held, and then this again"}

// settled tells whether the engine has finished with a folder. Its own marks
// in the stamp, where a server leaves nothing, say that it has not.
func settled(f state.Folder, begun []state.Intent) bool {
	return f.RemoteStamp.UIDValidity != 0 && f.RemoteStamp.Token == "" &&
		!slices.ContainsFunc(begun, func(i state.Intent) bool { return !i.Unknown })
}

func (w *mapper) write(ctx context.Context, f state.Folder, p engine.FolderPair) (n int, changed bool, err error) {
	raw, ok := names.Write(f.Local, w.names)
	if !ok {
		return 0, false, errors.New("its name is not UTF-8")
	}
	known, err := w.pairs.Known(ctx, w.id, raw)
	if err != nil {
		return 0, false, err
	}
	begun, err := w.db.Intents(ctx, f.ID)
	if err != nil {
		return 0, false, err
	}
	if known == nil || known.Open || !settled(f, begun) {
		return 0, false, errUnsettled
	}
	m := localstatus.Mapping{FolderPair: p, LocalValidity: known.UIDValidity, RemoteValidity: f.RemoteStamp.UIDValidity, Pairs: make(map[mail.UID]mail.UID, len(known.Pairs))}
	for _, q := range known.Pairs {
		m.Pairs[q.Local] = q.Remote
	}
	changed, err = w.theirs.WriteMapping(ctx, m, w.all, w.dry)
	return len(m.Pairs), changed, err
}
