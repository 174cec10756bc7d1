package main

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

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

func shownOptions(o options) string {
	text := fmt.Sprintf("%+v", o)
	if o.deleteFolder != nil {
		text += " delete " + *o.deleteFolder
	}
	return text
}
