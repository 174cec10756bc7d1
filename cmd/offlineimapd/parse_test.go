package main

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/internal/config"
)

func TestNames(t *testing.T) {
	for name, want := range map[string]bool{
		"offlineimap": true, "/usr/lib/offlineimapd/offlineimap": true, "offlineimap3": true,
		"offlineimapd": false, "/usr/bin/offlineimapd": false, "offlineimapd.test": false, "imap": false,
	} {
		if asOfflineIMAP(name) != want {
			t.Errorf("%s: OfflineIMAP %v", name, !want)
		}
	}
}

func TestParse(t *testing.T) {
	folder := "Old things"
	for _, tt := range []struct {
		line string // words; _ stands for a blank within one
		name string // of the program
		want options
	}{
		{"", "offlineimapd", options{}},
		{"", "offlineimap", options{theirs: true}},
		{"-o", "offlineimapd", options{theirs: true, runOnce: true}},
		{"-oq1s", "offlineimap", options{theirs: true, runOnce: true, single: true, syslog: true}},
		{"-q -1", "offlineimapd", options{single: true}},
		{"-aA,B -oc X", "offlineimap", options{theirs: true, runOnce: true, accounts: []string{"A", "B"}, config: "X"}},
		{"-a A -a B", "offlineimap", options{theirs: true, accounts: []string{"B"}}},
		{"-a A --acc=B", "offlineimapd", options{accounts: []string{"A", "B"}}},
		{"-a A,_B,", "offlineimap", options{theirs: true, accounts: []string{"A", "B"}}},
		{"-f INBOX,_x", "offlineimap", options{theirs: true, chosen: []string{"INBOX", " x"}}},
		{"-f INBOX", "offlineimapd", options{theirs: true, chosen: []string{"INBOX"}}},
		{"--once -f INBOX", "offlineimapd", options{once: true, chosen: []string{"INBOX"}}},
		{"-u basic", "offlineimapd", options{theirs: true, ui: "basic"}},
		{"--dry-run", "offlineimapd", options{theirs: true, dryRun: true}},
		{"--dry", "offlineimap", options{theirs: true, dryRun: true}},
		{"--once --dry-run --json", "offlineimapd", options{once: true, dryRun: true, json: true}},
		{"-d imap,thread -l log", "offlineimapd", options{debug: []string{"imap", "thread"}, log: "log"}},
		{"-k a=b -k Account_x:c=d=e", "offlineimapd", options{overrides: []config.Override{{Section: "general", Option: "a", Value: "b"}, {Section: "Account_x", Option: "c", Value: "d=e"}}}},
		{"--info", "offlineimapd", options{theirs: true, info: true}},
		{"--delete=Old_things", "offlineimap", options{theirs: true, deleteFolder: &folder}},
		{"--write -a A", "offlineimapd", options{theirs: true, writeMap: true, accounts: []string{"A"}}},
		{"--migrate --mb", "offlineimapd", options{theirs: true, migrate: true, prune: true}},
		{"-P dir --ignore-keyring --update-keyring", "offlineimapd", options{profile: "dir", ignoreKeyring: true, updateKey: true}},
		{"-o surplus", "offlineimap", options{theirs: true, runOnce: true}},
		{"--version --nonsense", "offlineimap", options{version: true}},
		{"-h -x", "offlineimap", options{help: true}},
		{"--approve INBOX", "offlineimap", options{theirs: true, approve: []string{"INBOX"}}},
		{"--once --approve A --approve B", "offlineimapd", options{once: true, approve: []string{"A", "B"}}},
	} {
		args := strings.Fields(tt.line)
		for i := range args {
			args[i] = strings.ReplaceAll(args[i], "_", " ")
			if strings.HasPrefix(args[i], "Account ") {
				args[i] = strings.Replace(args[i], " ", "_", 1)
			}
		}
		tt.want.named = tt.name == "offlineimap"
		got, err := parse(tt.name, args)
		if err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s %s: %v\n%s\nnot\n%s", tt.name, tt.line, err, shownOptions(got), shownOptions(tt.want))
		}
	}
	for _, tt := range []struct{ line, name, says string }{
		{"--nonsense", "offlineimap", "--nonsense"},
		{"--m", "offlineimap", "--mbnames-prune, --migrate-fmd5-using-nametrans"},
		{"-a", "offlineimap", "-a"},
		{"-k nothing", "offlineimap", "nothing"},
		{"--info=yes", "offlineimapd", "--info"},
		{"surplus", "offlineimapd", "surplus"},
		{"--json", "offlineimapd", "--once"},
		{"--once --json -u basic", "offlineimapd", "--json"},
		{"--json --once", "offlineimap", "--json"},
	} {
		if _, err := parse(tt.name, strings.Fields(tt.line)); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s %s: %v, not %q", tt.name, tt.line, err, tt.says)
		}
	}
}

// TestRead tries what the command line changes in a configuration, for the daemon
// as for a run.
func TestRead(t *testing.T) {
	p := newPersonOffline(t)
	p.settings(map[string]string{"[Account work]": "autorefresh = 5", "[general]": "maxsyncaccounts = 3", "[Repository there]": "maxconnections = 7"})
	for _, tt := range []struct {
		line        string
		refresh     time.Duration
		accounts    int
		connections int
		ui          string
		dry         bool
	}{
		{"", 5 * time.Minute, 3, 7, "ttyui", false},
		{"-1", 5 * time.Minute, 1, 1, "ttyui", false},
		{"-o", 0, 3, 7, "ttyui", false},
		{"--once", 0, 3, 7, "ttyui", false},
		{"-o -k Account_work:autorefresh=9", 0, 3, 7, "ttyui", false},
		{"-k Account_work:autorefresh=9 -k maxsyncaccounts=2", 9 * time.Minute, 2, 7, "ttyui", false},
		{"-u quiet -k ui=basic", 5 * time.Minute, 3, 7, "quiet", false},
		{"-k ui=basic -k dry-run=yes", 5 * time.Minute, 3, 7, "basic", true},
		{"--dry-run", 5 * time.Minute, 3, 7, "ttyui", true},
	} {
		o, err := parse("offlineimapd", strings.Fields(tt.line))
		p.must(err)
		cfg, _, err := o.read(p.config())
		p.must(err)
		a := cfg.Account("work")
		if g := cfg.General; a.AutoRefresh != tt.refresh || g.MaxSyncAccounts != tt.accounts || a.Remote.IMAP.MaxConnections != tt.connections ||
			g.UI != tt.ui || g.DryRun != tt.dry {
			t.Errorf("%s: every %v, %d accounts, %d connections, %s, dry run %v", tt.line, a.AutoRefresh, g.MaxSyncAccounts, a.Remote.IMAP.MaxConnections, g.UI, g.DryRun)
		}
	}
}

// newPersonOffline is a person who meets no server.
func newPersonOffline(t testing.TB) *person {
	p := &person{t: t, addr: "127.0.0.1:9", user: "me", pass: "pass", dir: t.TempDir()}
	p.configure()
	return p
}

// What --once logs to a file stands behind what is in it.
func TestOnceLog(t *testing.T) {
	p := newPersonOffline(t)
	log := filepath.Join(p.dir, "log")
	p.must(os.WriteFile(log, []byte("before\n"), 0o600))
	status, out, errs := p.run("-l", log, "-P", "profile")
	b, err := os.ReadFile(log)
	p.must(err)
	if said := string(b); status != exitError || !strings.HasPrefix(said, "before\n") || !strings.Contains(said, "connect") || !strings.Contains(said, "work: not finished") ||
		!strings.Contains(errs, "-P") || !strings.Contains(out, "work: not finished") {
		t.Errorf("status %d: %s%s; in the log: %s", status, out, errs, said)
	}
}

func shownOptions(o options) string {
	text := fmt.Sprintf("%+v", o)
	if o.deleteFolder != nil {
		text += " delete " + *o.deleteFolder
	}
	return text
}
