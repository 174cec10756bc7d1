package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/offlineimap/offlineimapd/internal/config"
	"github.com/offlineimap/offlineimapd/internal/python"
	"github.com/offlineimap/offlineimapd/service"
)

// everyFive is how often the daemon runs an account whose configuration does not
// say, or says 0, which without a daemon means once.
const everyFive = 5 * time.Minute

// loader reads the configuration for the service.
type loader struct {
	o     options
	log   *slog.Logger
	names *atomic.Uint64
	told  map[string]bool // what was logged already

	python *python.Evaluator // of the configuration that was read last
	file   string            // its helpers
	list   *mailboxList      // the same
}

// load is a service.Loader. It is called by one goroutine at a time.
func (l *loader) load(context.Context) (*service.Setup, error) {
	path, err := config.Find(l.o.config, os.Getenv)
	switch {
	case errors.Is(err, fs.ErrNotExist) && l.o.config == "":
		l.once(slog.LevelWarn, strings.TrimSuffix(err.Error(), ": "+fs.ErrNotExist.Error())+"; then: offlineimapctl reload")
		return &service.Setup{}, nil // there may be one later
	case err != nil:
		return nil, &service.Error{Code: service.ConfigInvalid, Err: err}
	}
	cfg, problems, err := l.o.read(path)
	if err != nil {
		l.warn(problems)
		return nil, invalid(err, problems)
	}
	l.evaluate(cfg)
	l.list = newMailboxList(cfg, l.python, true, func(text string) { l.log.Warn("mbnames: " + text) })
	wanted := l.o.only(cfg.General.Accounts)
	l.warn(cfg.Relevant(wanted))
	setup := &service.Setup{Path: path, Memory: memory{filepath.Join(cfg.General.Metadata, "offlineimapd.paused")}}
	if cfg.General.MaxSyncAsked {
		setup.MaxAccounts = cfg.General.MaxSyncAccounts
	}
	seen := map[string]bool{}
	for _, name := range wanted {
		a := cfg.Account(name)
		if a == nil {
			p := cfg.Unknown(name)
			return nil, &service.Error{Code: service.ConfigInvalid, Err: errors.New(p.String()), Hint: p.Hint}
		}
		if !seen[name] {
			seen[name] = true
			setup.Accounts = append(setup.Accounts, l.spec(cfg, a))
		}
	}
	return setup, nil
}

// evaluate sees to it that expressions are evaluated with the file of helpers as
// it is now. Accounts go on with what they have as long as it is the same; else
// they are others, whose runs begin anew.
func (l *loader) evaluate(cfg *config.Config) {
	file := helpers(cfg)
	if l.python != nil {
		if file == l.file {
			return
		}
		go l.python.Rest() // not closed: this reload may yet be refused
	}
	l.python, l.file = evaluator(cfg, func(line string) { l.log.Warn("python3: " + line) }), file
}

func (l *loader) warn(problems []config.Problem) {
	for _, p := range problems {
		if p.Severity == config.Warning {
			l.once(slog.LevelWarn, p.String()+hinted(p.Hint), "account", p.Account)
		}
	}
}

// once logs something, and not again at each reload.
func (l *loader) once(level slog.Level, text string, args ...any) {
	if !l.told[text] {
		l.told[text] = true
		l.log.Log(context.Background(), level, text, args...)
	}
}

func hinted(hint string) string {
	if hint == "" {
		return ""
	}
	return " (" + hint + ")"
}

// invalid is the error for a file that cannot be used: the first line to blame.
func invalid(err error, problems []config.Problem) error {
	e := &service.Error{Code: service.ConfigInvalid, Err: err}
	for _, p := range problems {
		if p.Severity == config.Error {
			e.Err, e.Hint = errors.New(p.String()), p.Hint
			break
		}
	}
	return e
}

// interval is the time between two runs of the daemon.
func interval(a *config.Account) time.Duration {
	if a.AutoRefresh > 0 {
		return a.AutoRefresh
	}
	return everyFive
}

func (l *loader) spec(cfg *config.Config, a *config.Account) service.Spec {
	s := service.Spec{Name: a.Name, Interval: interval(a), Print: fingerprint(cfg, a, l.file)}
	for _, p := range a.Problems {
		if p.Severity == config.Error {
			s.Refused, s.Hint = p.String(), p.Hint
			break
		}
	}
	if a.AutoRefresh <= 0 && s.Refused == "" {
		l.once(slog.LevelInfo, fmt.Sprintf("%s: autorefresh is not set, or 0: synced every 5 minutes", a.Name), "account", a.Name)
	}
	s.Root = localPlace(a.Local)
	if a.Remote != nil && a.Remote.IMAP != nil {
		m := a.Remote.IMAP
		s.Host, s.User, s.Connections = m.Host, m.User, m.MaxConnections
	}
	if s.Refused == "" {
		s.Runner = &runner{cfg: cfg, account: a, names: l.names, python: l.python, list: l.list, changes: changed(a), patience: l.o.patience, trace: l.trace(a)}
	}
	return s
}

// trace returns what logs the protocol where the command line asks for it.
func (l *loader) trace(a *config.Account) func(byte, string) {
	return tracer(l.o.debug, func(line string) { l.log.Debug("imap: "+line, "account", a.Name) })
}

// fingerprint is equal where nothing that a run depends on differs. A password in
// the configuration counts, and does not stand in it.
func fingerprint(cfg *config.Config, a *config.Account, helpers string) string {
	h := sha256.New()
	e := json.NewEncoder(h)
	general := cfg.General
	general.Accounts, general.MaxSyncAccounts, general.MaxSyncAsked = nil, 0, false
	_ = e.Encode(general)
	_ = e.Encode(helpers)
	b := *a
	b.Problems = slices.DeleteFunc(slices.Clone(a.Problems), func(p config.Problem) bool { return p.Severity == config.Warning })
	_ = e.Encode(b)
	if a.Remote != nil && a.Remote.IMAP != nil {
		_ = e.Encode(sha256.Sum256([]byte(a.Remote.IMAP.Password.Literal)))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// memory keeps pauses in a file: an object of account and time, "" for all
// accounts; null stands for a pause without end.
type memory struct{ path string }

func (m memory) Load() (map[string]time.Time, error) {
	b, err := os.ReadFile(m.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var kept map[string]*time.Time
	if err := json.Unmarshal(b, &kept); err != nil {
		return nil, fmt.Errorf("read %s: %w", m.path, err)
	}
	out := map[string]time.Time{}
	for name, until := range kept {
		if until == nil {
			until = &time.Time{}
		}
		out[name] = *until
	}
	return out, nil
}

// Save replaces the file; without pauses there is none.
func (m memory) Save(pauses map[string]time.Time) error {
	if len(pauses) == 0 {
		if err := os.Remove(m.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	kept := map[string]*time.Time{}
	for name, until := range pauses {
		kept[name] = nil
		if !until.IsZero() {
			kept[name] = &until
		}
	}
	b, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(m.path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(m.path), ".offlineimapd.paused-*")
	if err != nil {
		return err
	}
	_, err = f.Write(append(b, '\n'))
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), m.path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
