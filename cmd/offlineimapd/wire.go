package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/offlineimap/offlineimapd/internal/config"
	"github.com/offlineimap/offlineimapd/internal/hook"
	"github.com/offlineimap/offlineimapd/internal/python"
	"github.com/offlineimap/offlineimapd/sync/engine"
	"github.com/offlineimap/offlineimapd/sync/imap"
	"github.com/offlineimap/offlineimapd/sync/imap/dial"
	"github.com/offlineimap/offlineimapd/sync/maildir"
	"github.com/offlineimap/offlineimapd/sync/names"
	"github.com/offlineimap/offlineimapd/sync/state"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// runAccounts runs every account, as many at once as the configuration says.
// One that fails holds up no other.
func runAccounts(ctx context.Context, cfg *config.Config, accounts []*config.Account, o options, s *show) []*engine.Report {
	ev := evaluator(cfg, func(line string) { s.note("python3", line) })
	defer ev.Close()
	list := newMailboxList(cfg, ev, false, func(text string) { s.note("mbnames", text) })
	reports := make([]*engine.Report, len(accounts))
	names := new(atomic.Uint64)
	slots := make(chan struct{}, max(1, cfg.General.MaxSyncAccounts))
	done := make(chan struct{})
	for i, a := range accounts {
		go func() {
			slots <- struct{}{}
			defer func() { <-slots; done <- struct{}{} }()
			reports[i], _ = work{
				cfg: cfg, account: a, names: names, python: ev, list: list, changes: changed(a),
				approve: own(o.approve, a.Name, len(accounts) == 1), dryRun: o.dryRun,
				chosen: choose(o.chosen), trace: tracer(o.debug, func(line string) { s.note(a.Name, line) }),
				step: o.step, patience: o.patience, remoteID: o.remoteID, localID: o.localID,
				observe: func(e engine.Event) { s.event(a.Name, e) },
				note:    func(text string) { s.note(a.Name, text) },
			}.run(ctx)
			s.report(reports[i])
		}()
	}
	for range accounts {
		<-done
	}
	list.finish(ctx)
	return reports
}

// work is one run to make for one account.
type work struct {
	cfg             *config.Config
	account         *config.Account
	python          *python.Evaluator
	list            *mailboxList    // what the account's folders are recorded in; nil: nothing
	remarked        map[string]bool // what remark has told in earlier runs; nil: there are none
	changes         *hook.Changes   // what the next postsynchook is told; nil: nothing
	names           *atomic.Uint64  // maildir.Options.Names of all accounts
	approve, tokens []string        // engine.Request.Approve and ApproveTokens
	only            []string
	chosen          *chosen // the mailboxes that take part, whatever folderfilter says; nil: it decides
	full, dryRun    bool
	connections     int                                       // at most; 0: as configured
	secret          func(ctx context.Context) (string, error) // nil: the configured one
	// ask gives the password where none is configured; nil: that is an error.
	ask      func(ctx context.Context, user string) (string, error)
	bearer   *bearer // nil: one for this run
	step     func(name string)
	patience time.Duration
	remoteID string // "": as configured
	localID  string // of a local server, the same
	observe  engine.Observer
	note     func(text string)
	trace    func(dir byte, line string) // imap.Options.Log; may be nil
	hooked   func(text string)           // hears what hooks say; nil: note does
	dialing  func(m *config.IMAP)        // is told before each connection; may be nil
	// settled is called after a run, while the state is open; it may be nil.
	settled func(ctx context.Context, db *state.DB, r *engine.Report)
}

// run returns a report always, and an error where the account as a whole could
// not be brought in step.
func (w work) run(ctx context.Context) (*engine.Report, error) {
	started := time.Now()
	report, err := w.try(ctx)
	if report == nil {
		report = engine.NotStarted(w.account.Name, started, err)
	}
	return report, err
}

// places returns the file of an account's state, its directory, and the lock that
// OfflineIMAP takes. Names become file names as OfflineIMAP makes them, save that
// a slash cannot lead elsewhere.
func places(cfg *config.Config, a *config.Account) (path, dir, lock string) {
	name := strings.ReplaceAll(a.Name, "/", ".")
	dir = filepath.Join(cfg.General.Metadata, "Account-"+name)
	return filepath.Join(dir, "offlineimapd.sqlite"), dir, filepath.Join(cfg.General.Metadata, name+".lock")
}

// try builds what an account needs, and runs it. Without a report it did not
// come so far.
func (w work) try(ctx context.Context) (*engine.Report, error) {
	a, metadata := w.account, w.cfg.General.Metadata
	m, err := resolve(ctx, w.python, a.Remote.IMAP)
	if err != nil {
		return nil, err
	}
	policy := policy(w.cfg, a)
	if err := w.folders(ctx, &policy); err != nil {
		return nil, err
	}
	sorted, err := w.choices(ctx, &policy)
	if err != nil {
		return nil, err
	}
	path, dir, theirs := places(w.cfg, a)
	if !w.dryRun {
		for _, d := range []string{metadata, dir} {
			if err := os.MkdirAll(d, 0o700); err != nil {
				return nil, store.Fail(store.Local, store.ScopeStore, fmt.Errorf("create the directory of the state: %w", err))
			}
		}
		lock, err := state.Lock(ctx, theirs, path)
		if err != nil {
			return nil, err
		}
		defer lock.Unlock()
	}
	local, err := w.openLocal(ctx, policy, dir)
	if err != nil {
		return nil, err
	}
	defer local.done()
	w.hook(ctx, "presynchook", a.PreSyncHook, nil)
	db, err := state.Open(ctx, path, state.Options{Account: a.Name, ReadOnly: w.dryRun, Step: w.step})
	if err != nil {
		return nil, err
	}
	remote, err := w.server(ctx, m)
	if err != nil {
		if cerr := db.Close(); cerr != nil {
			w.note(fmt.Sprintf("close the state: %v", cerr))
		}
		return nil, err
	}
	report, err := engine.Run(ctx, engine.Request{
		Account: a.Name, Local: local.Store, LocalID: local.id, Remote: remote, State: db,
		Policy: policy, Approve: w.approve, ApproveTokens: w.tokens, Only: w.only, Full: w.full, DryRun: w.dryRun,
		RemoteID: cmp.Or(w.remoteID, remoteID(m)), Patience: w.patience,
		Inherit: local.inherit,
		NewID:   rand.Text, Now: time.Now,
	}, w.observe)
	// The context may have ended; leaving in order has limits of its own.
	remote.Close(context.WithoutCancel(ctx))
	if w.settled != nil {
		w.settled(ctx, db, report)
	}
	if cerr := db.Close(); cerr != nil && err == nil {
		w.note(fmt.Sprintf("close the state: %v", cerr))
	}
	if ctx.Err() == nil {
		w.newMail(ctx, report)
	}
	if err == nil && !w.dryRun && len(w.only) == 0 && w.chosen == nil {
		w.list.record(ctx, a, report, sorted.seen())
	}
	if err == nil && w.chosen.missed() {
		return nil, errNoneChosen(w.chosen)
	}
	if err == nil && ctx.Err() == nil && w.hook(ctx, "postsynchook", a.PostSyncHook, w.changes) && w.changes != nil && !w.dryRun {
		w.changes.Reset() // what a hook that failed was told, the next one is told again
	}
	return report, err
}

// hook runs a person's command, and says whether it did well. What it has to say
// is told, and stops nothing.
func (w work) hook(ctx context.Context, name, command string, changes *hook.Changes) bool {
	say := w.hooked
	if say == nil {
		say = w.note
	}
	return hook.Command{
		Name: name, Account: w.account.Name, Mode: "full", Shell: command, Changes: changes,
		Limit: w.account.HookTimeout, DryRun: w.dryRun,
		Log: func(_ slog.Level, text string) { say(text) },
	}.Run(ctx) == nil
}

// changed returns what to tell a postsynchook by; nil where it wants to hear
// nothing.
func changed(a *config.Account) *hook.Changes {
	if !a.HookChanges || a.PostSyncHook == "" {
		return nil
	}
	return &hook.Changes{}
}

// remoteID names a mailbox's owner as far as the configuration knows. The port
// is not in it: it changes with the way in.
func remoteID(m *config.IMAP) string {
	host := m.Host
	if host == "" {
		host = m.PreauthTunnel + m.TransportTunnel
	}
	if m.Identity != "" {
		return m.Identity + " at " + host
	}
	return m.User + " at " + host
}

func policy(cfg *config.Config, a *config.Account) engine.Policy {
	return engine.Policy{
		CreateLocal: a.Local.CreateFolders, CreateRemote: a.Remote.CreateFolders,
		LocalReadOnly: a.Local.ReadOnly, RemoteReadOnly: a.Remote.ReadOnly,
		LocalDeletes: a.Local.SyncDeletes, RemoteDeletes: a.Remote.SyncDeletes,
		KeepDeleted: !a.Remote.IMAP.Expunge, IgnoreReadOnly: cfg.General.IgnoreReadonly, Strip: a.FilterHeaders,
		Names: names.Options{UTF8: a.UTF8FolderNames, Reference: a.Remote.IMAP.Reference}, Limits: limits(a, time.Now()),
	}
}

// server builds the store for a server. Nothing is connected yet.
func (w work) server(ctx context.Context, m *config.IMAP) (*imap.Store, error) {
	cfg, a := w.cfg, w.account
	secret := w.secret
	if secret == nil {
		secret = password(w.python, m)
		if passwordless(m) {
			secret = func(context.Context) (string, error) { return "", nil }
		} else if w.ask != nil && m.PassEval.Source == "" && m.Password == (config.Secret{}) {
			secret = func(ctx context.Context) (string, error) { return w.ask(ctx, m.User) }
		}
	}
	if err := login(ctx, m, secret); err != nil {
		return nil, err
	}
	o := imap.Options{
		Host: m.Host, MaxConnections: cmp.Or(w.connections, m.MaxConnections), Compress: m.UseCompression, Expunge: m.Expunge,
		Keywords: keywordsOf(a.Local), Reference: m.Reference, SubscribedOnly: m.SubscribedOnly,
		Timeout: cfg.General.SockTimeout,
		Auth:    imap.Auth{User: m.User, Identity: m.Identity, Password: secret, Mechanisms: mechanisms(m.AuthMechanisms)},
		OnText:  w.note, Log: w.trace,
	}
	bear := w.bearer
	if bear == nil {
		bear = &bearer{}
	}
	if err := bear.authorise(ctx, w.python, m, a.AuthProxy, &o.Auth); err != nil {
		return nil, err
	}
	tunnel := m.PreauthTunnel + m.TransportTunnel // config lets only one of them be
	switch {
	case tunnel != "":
		o.Dial = func(ctx context.Context) (net.Conn, error) {
			w.tellDialing(m)
			return dial.Tunnel(ctx, tunnel)
		}
		return imap.New(o), nil
	case m.SSL:
		o.Security = imap.ImplicitTLS
	case startTLS(m):
		o.Security = imap.StartTLS
	}
	family := dial.Any
	if m.IPv6 != nil {
		if family = dial.IPv4; *m.IPv6 {
			family = dial.IPv6
		}
	}
	o.Dial = func(ctx context.Context) (net.Conn, error) {
		w.tellDialing(m)
		if a.Proxy.Addr != "" {
			return dial.Through(ctx, dial.Proxy(a.Proxy), m.Host, m.Port, cfg.General.SockTimeout)
		}
		return dial.Server(ctx, dial.Options{Host: m.Host, Port: m.Port, Family: family, Timeout: cfg.General.SockTimeout})
	}
	if o.Security != imap.Plain {
		trust, err := trust(m)
		if err == nil {
			o.TLS, err = trust.Config()
		}
		if err != nil {
			return nil, err
		}
	}
	return imap.New(o), nil
}

func (w work) tellDialing(m *config.IMAP) {
	if w.dialing != nil {
		w.dialing(m)
	}
}

func trust(m *config.IMAP) (dial.Trust, error) {
	if m.SSLVersion == "tls1" || m.SSLVersion == "tls1_1" {
		return dial.Trust{}, store.Fail(store.Config, store.ScopeStore,
			fmt.Errorf("ssl_version = %s is not spoken, because it protects nothing any more; remove the line for TLS 1.2 or later", m.SSLVersion))
	}
	t := dial.Trust{
		ServerName: m.Host, Pins: m.CertFingerprints, ClientCert: m.ClientCert, ClientKey: m.ClientKey,
		// Whoever configures both wants both.
		Chain: m.CACertFile != "",
	}
	if m.CACertFile != config.SystemRoots {
		t.CAFile = m.CACertFile
	}
	if t.ClientCert != "" && t.ClientKey == "" {
		t.ClientKey = t.ClientCert
	}
	return t, nil
}

// login makes sure that there is something to log in with, before anything is
// sent to anybody.
func login(ctx context.Context, m *config.IMAP, secret func(context.Context) (string, error)) error {
	if m.PreauthTunnel != "" {
		return nil
	}
	if m.User == "" {
		return &store.Error{Class: store.Config, Err: errors.New("no user is configured"), Hint: "write remoteuser = NAME"}
	}
	_, err := secret(ctx)
	return err
}

// password reads the configured one. An expression goes before what is written,
// and is asked once a run.
func password(ev *python.Evaluator, m *config.IMAP) func(context.Context) (string, error) {
	if m.PassEval.Source != "" {
		var mu sync.Mutex
		known := ""
		return func(ctx context.Context) (string, error) {
			mu.Lock()
			defer mu.Unlock()
			if known != "" {
				return known, nil
			}
			p, err := text(ctx, ev, m.PassEval)
			if err == nil && p == "" {
				err = wrong(m.PassEval, errors.New("it gives no password"))
			}
			if err == nil {
				known = p
			}
			return p, err
		}
	}
	return func(context.Context) (string, error) {
		p, err := m.Password.Read()
		hint := ""
		switch {
		case err == nil && p == "" && m.Password.File != "":
			err = fmt.Errorf("the first line of %s, where the password should be, is empty", m.Password.File)
		case err == nil && p == "":
			err, hint = errors.New("no password is configured"), "write remotepassfile = FILE into the remote repository, or remotepass"
		}
		if err != nil {
			return "", &store.Error{Class: store.Config, Scope: store.ScopeStore, Err: err, Hint: hint}
		}
		return p, nil
	}
}

// mechanisms keeps those that are spoken, in the configured order.
func mechanisms(names []string) []imap.Mechanism {
	var out []imap.Mechanism
	for _, n := range names {
		switch m := imap.Mechanism(n); m {
		case imap.AuthPlain, imap.AuthLogin, imap.AuthCramMD5, imap.AuthXOAuth2:
			out = append(out, m)
		}
	}
	return out
}

// startTLS tells whether STARTTLS is demanded. On this machine there is nobody to
// hide from, so that the default does not demand a certificate there.
func startTLS(m *config.IMAP) bool {
	return !m.SSL && m.StartTLS && (m.StartTLSAsked || !loopback(m.Host))
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func newLocal(cfg *config.Config, a *config.Account, names *atomic.Uint64, changes *hook.Changes, back func(string) (string, error)) *maildir.Store {
	m := a.Local.Maildir
	info := byte(':')
	if m.WindowsCompatible {
		info = '!'
	}
	o := maildir.Options{
		Separator: m.Sep, InfoSeparator: info, Durable: cfg.General.Fsync, Names: names,
		KeepDate: true, HeaderDate: m.UTimeFromHeader, NameDate: m.FilenameTimestamp,
	}
	if back != nil {
		o.VisibleName = func(folder string) string {
			if name, err := back(folder); err == nil {
				return name
			}
			return folder // it is not synced then: the engine asks for the name too
		}
	}
	if changes != nil {
		o.Changed = changes.Add
	}
	return maildir.New(m.LocalFolders, o)
}

var _ engine.Rooted = (*maildir.Store)(nil)
