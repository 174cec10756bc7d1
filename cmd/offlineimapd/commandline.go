package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/offlineimap/offlineimapd/internal/commandline"
	"github.com/offlineimap/offlineimapd/internal/config"
)

// options are what the command line says.
type options struct {
	// named: the program is called offlineimap. theirs: it runs, shows itself and
	// ends as OfflineIMAP does, because of its name or of what is asked of it.
	named, theirs bool

	once, dryRun, json       bool
	version, versions, help  bool
	check, show, path        bool // only look at the configuration
	config                   string
	accounts, approve        []string
	overrides                []config.Override
	runOnce, single, syslog  bool
	ui, log, profile         string
	debug                    []string
	chosen                   []string // mailboxes; nil: all
	info, prune, migrate     bool
	writeMap                 bool
	deleteFolder             *string
	ignoreKeyring, updateKey bool

	// step is told of every point at which the state is written, for tests that
	// kill the program there.
	step func(name string)
	// patience is engine.Request.Patience, which tests cannot afford.
	patience time.Duration
	// remoteID, where not "", is engine.Request.RemoteID, for tests that copy a
	// mailbox to another user.
	remoteID string
	localID  string // of a local server, the same
}

// asOfflineIMAP tells whether a program of this name is to be OfflineIMAP: under
// any name that begins so, but for our own.
func asOfflineIMAP(name string) bool {
	name = filepath.Base(name)
	return strings.HasPrefix(name, "offlineimap") && !strings.HasPrefix(name, "offlineimapd")
}

// errEnough ends the reading of a command line: what was met says all.
var errEnough = errors.New("enough")

func parse(program string, args []string) (options, error) {
	o := options{named: asOfflineIMAP(program)}
	flag := func(b *bool) func(string) error { return func(string) error { *b = true; return nil } }
	last := func(b *bool) func(string) error { return func(string) error { *b = true; return errEnough } }
	text := func(s *string) func(string) error { return func(v string) error { *s = v; return nil } }
	others, err := commandline.Parse(args, []commandline.Option{
		{Names: []string{"-h", "--help"}, Set: last(&o.help)},
		{Names: []string{"--version"}, Set: last(&o.version)},
		{Names: []string{"-V"}, Set: flag(&o.versions)},
		{Names: []string{"--once"}, Set: flag(&o.once)},
		{Names: []string{"--dry-run"}, Set: flag(&o.dryRun)},
		{Names: []string{"--json"}, Set: flag(&o.json)},
		{Names: []string{"--approve"}, Value: true, Set: func(s string) error { o.approve = append(o.approve, s); return nil }},
		{Names: []string{"--check-config"}, Set: flag(&o.check)},
		{Names: []string{"--show-config"}, Set: flag(&o.show)},
		{Names: []string{"--config-path"}, Set: flag(&o.path)},
		{Names: []string{"-c", "--config"}, Value: true, Set: text(&o.config)},
		{Names: []string{"-a", "--account"}, Value: true, Set: func(s string) error {
			if o.named {
				o.accounts = nil // the last one counts, as there
			}
			o.accounts = append(o.accounts, listed(s)...)
			return nil
		}},
		{Names: []string{"-k"}, Value: true, Set: func(s string) error {
			said, err := config.ParseOverride(s)
			o.overrides = append(o.overrides, said)
			return err
		}},
		{Names: []string{"-o"}, Set: flag(&o.runOnce)},
		{Names: []string{"-1"}, Set: flag(&o.single)},
		{Names: []string{"-q"}, Set: func(string) error { return nil }}, // every run is as quick as those, and misses nothing
		{Names: []string{"-u"}, Value: true, Set: text(&o.ui)},
		{Names: []string{"-l"}, Value: true, Set: text(&o.log)},
		{Names: []string{"-s"}, Set: flag(&o.syslog)},
		{Names: []string{"-d"}, Value: true, Set: func(s string) error { o.debug = strings.Split(s, ","); return nil }},
		// Names are not trimmed: a mailbox's may begin with a blank.
		{Names: []string{"-f"}, Value: true, Set: func(s string) error { o.chosen = strings.Split(s, ","); return nil }},
		{Names: []string{"-P"}, Value: true, Set: text(&o.profile)},
		{Names: []string{"--info"}, Set: flag(&o.info)},
		{Names: []string{"--delete-folder"}, Value: true, Set: func(s string) error { o.deleteFolder = &s; return nil }},
		{Names: []string{"--migrate-fmd5-using-nametrans"}, Set: flag(&o.migrate)},
		{Names: []string{"--mbnames-prune"}, Set: flag(&o.prune)},
		{Names: []string{"--write-uidmapping"}, Set: flag(&o.writeMap)},
		{Names: []string{"--ignore-keyring"}, Set: flag(&o.ignoreKeyring)},
		{Names: []string{"--update-keyring"}, Set: flag(&o.updateKey)},
	})
	switch {
	case errors.Is(err, errEnough):
		return o, nil
	case err != nil:
		return o, err
	case len(others) > 0 && !o.named:
		return o, fmt.Errorf("unexpected argument %q", others[0])
	case o.versions, o.check, o.show, o.path:
		return o, nil
	}
	// A plain --once shows itself in our own manner.
	o.theirs = o.named || o.runOnce || o.ui != "" || o.syslog || o.job() || !o.once && (o.dryRun || o.chosen != nil)
	switch {
	case o.json && (o.theirs || !o.once):
		return o, errors.New("--json goes with --once, and not with what makes the run one of OfflineIMAP's")
	case len(o.approve) > 0 && !o.theirs && !o.once:
		return o, errors.New("--approve goes with --once")
	}
	return o, nil
}

// job tells whether something else than a run is asked for.
func (o *options) job() bool {
	return o.info || o.deleteFolder != nil || o.migrate || o.prune || o.writeMap
}

// listed reads a list of accounts.
func listed(list string) (out []string) {
	for a := range strings.SplitSeq(list, ",") {
		if a = strings.TrimSpace(a); a != "" {
			out = append(out, a)
		}
	}
	return out
}

// only returns the accounts that the command line asks for, or where it does not
// those of the configuration.
func (o *options) only(configured []string) []string {
	if len(o.accounts) > 0 {
		return o.accounts
	}
	return configured
}

// name is what the program calls itself.
func (o *options) name() string {
	if o.named {
		return "offlineimap"
	}
	return "offlineimapd"
}

// idle says which flags change nothing.
func (o *options) idle() (texts []string) {
	if o.profile != "" {
		texts = append(texts, "-P: no profile is made")
	}
	if o.ignoreKeyring || o.updateKey {
		texts = append(texts, "no keyring is used yet: --ignore-keyring and --update-keyring change nothing")
	}
	return texts
}
