package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/offlineimap/offlineimapd/internal/config"
	"github.com/offlineimap/offlineimapd/sync/engine"
	"github.com/offlineimap/offlineimapd/sync/localstatus"
	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
	"github.com/offlineimap/offlineimapd/sync/uidmap"
)

// localSide is what an account has as its local side during a run.
type localSide struct {
	store.Store
	id      string // engine.Request.LocalID
	inherit engine.Heritage
	done    func() // gives back what the store holds
}

// openLocal makes the local side of a run. The account is locked already; dir is
// where its state is kept.
func (w work) openLocal(ctx context.Context, p engine.Policy, dir string) (localSide, error) {
	a := w.account
	old := localstatus.Options{
		Metadata: w.cfg.General.Metadata, Account: a.Name, LocalRepository: a.Local.Name, RemoteRepository: a.Remote.Name,
		UTF8: a.UTF8FolderNames,
	}
	if a.Local.IMAP != nil {
		return w.openLocalServer(ctx, old, dir)
	}
	old.Separator = a.Local.Maildir.Sep
	s := newLocal(w.cfg, a, w.names, w.changes, p.Names.Back)
	l := localSide{Store: s, inherit: localstatus.New(old), done: func() {}}
	if w.dryRun {
		return l, nil
	}
	var err error
	l.done, err = s.Lock()
	return l, err
}

func (w work) openLocalServer(ctx context.Context, old localstatus.Options, dir string) (localSide, error) {
	m, err := resolve(ctx, w.python, w.account.Local.IMAP)
	if err != nil {
		return localSide{}, ofLocal(err)
	}
	// What somebody is asked for, or the daemon keeps, is the password of the other
	// server.
	v := w
	v.secret, v.ask, v.bearer, v.connections = nil, nil, nil, 0
	server, err := v.server(ctx, m)
	if err != nil {
		return localSide{}, ofLocal(err)
	}
	pairs, err := uidmap.Open(ctx, filepath.Join(dir, "offlineimapd.uidmap.sqlite"), w.dryRun)
	if err != nil {
		return localSide{}, err
	}
	if text := pairs.Lost(); text != "" {
		w.note(text)
	}
	id := remoteID(m)
	if w.localID != "" {
		id = w.localID
	}
	old.Server = true
	h := heirs{o: old}
	s := uidmap.New(server, pairs, uidmap.Options{
		ID: id, UTF8: w.account.UTF8FolderNames, Patience: w.patience, Heir: h.pairs, Note: w.note, Step: w.step,
	})
	h.properties = s.Properties
	return localSide{Store: localServer{s}, id: id, inherit: &h, done: func() {
		_ = s.Close(context.WithoutCancel(ctx)) // leaving in order has limits of its own
		if err := pairs.Close(); err != nil {
			w.note(fmt.Sprintf("close the map of UIDs: %v", err))
		}
	}}, nil
}

// localServer is the store of a local server. A password that it refuses is one that
// only the configuration can mend: nobody is asked for it.
type localServer struct{ *uidmap.Store }

func (s localServer) Survey(ctx context.Context) ([]store.Mailbox, error) {
	boxes, err := s.Store.Survey(ctx)
	if store.ClassOf(err) == store.Auth {
		// Without what it wraps, whose hint would be the one that is shown.
		err = &store.Error{Class: store.Config, Scope: store.ScopeStore, Err: errors.New("the server of the local repository: " + err.Error()), Hint: "correct remoteuser and the password of the local repository"}
	}
	return boxes, err
}

// ofLocal says of which of the two servers an error is.
func ofLocal(err error) error {
	class, scope, hint := store.ClassOf(err), store.ScopeOf(err), ""
	var e *store.Error
	if errors.As(err, &e) {
		hint = strings.Replace(e.Hint, "into the remote repository, or remotepass", "into the local repository, or remotepass: nobody is asked for this one", 1)
		err = e.Err // its hint would be the one that is shown
	}
	return &store.Error{Class: class, Scope: scope, Hint: hint, Err: fmt.Errorf("the server of the local repository: %w", err)}
}

// heirs read what OfflineIMAP left of an account with two servers. The separator of
// the local one is known once it was asked for its mailboxes.
type heirs struct {
	o          localstatus.Options
	properties func() store.Properties
}

func (h *heirs) reader() localstatus.Reader {
	o := h.o
	o.Separator = h.properties().Separator
	return localstatus.New(o)
}

func (h *heirs) Inherit(ctx context.Context, p engine.FolderPair, all []engine.FolderPair) (*engine.Inherited, error) {
	return h.reader().Inherit(ctx, p, all)
}

func (h *heirs) String() string { return localstatus.New(h.o).String() }

func (h *heirs) pairs(ctx context.Context, mailbox string, validity uint32) ([]uidmap.Pair, error) {
	found, err := h.reader().Pairs(ctx, mailbox, validity)
	out := make([]uidmap.Pair, 0, len(found))
	for l, r := range found {
		out = append(out, uidmap.Pair{Local: mail.UID(l), Remote: mail.UID(r)})
	}
	return out, err
}

// localPlace names the local side for people.
func localPlace(r *config.Repository) string {
	switch {
	case r == nil:
		return ""
	case r.Maildir != nil:
		return r.Maildir.LocalFolders
	case r.IMAP != nil:
		return remoteID(r.IMAP)
	}
	return ""
}

// localBoxes lists what the local side has, and changes nothing.
func (k *keeper) localBoxes(ctx context.Context, p engine.Policy) ([]store.Mailbox, error) {
	w := k.work(false)
	w.dryRun = true
	_, dir, _ := places(k.cfg, k.account)
	l, err := w.openLocal(ctx, p, dir)
	if err != nil {
		return nil, err
	}
	defer l.done()
	return l.Survey(ctx)
}

// keywordsOf are the keywords that stand for letters; a server has none for us.
func keywordsOf(r *config.Repository) map[byte]string {
	if r.Maildir == nil {
		return nil
	}
	return r.Maildir.CustomFlags
}
