package main

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/internal/config"
	"github.com/offlineimap/offlineimapd/service"
)

const twoAccounts = `[general]
accounts = work, home
metadata = META
[Account work]
localrepository = wl
remoterepository = wr
autorefresh = 2.5
[Account home]
localrepository = hl
remoterepository = hr
[Repository wl]
type = Maildir
localfolders = /mail/work
[Repository wr]
type = IMAP
remotehost = mail.example.org
remoteuser = me
remotepass = first
maxconnections = 3
[Repository hl]
type = Maildir
localfolders = /mail/home
[Repository hr]
type = IMAP
remotehost = home.example.org
remoteuser = me
remotepass = x
`

// written makes a loader of a configuration file.
func written(t *testing.T, text string) (*loader, func(string), *strings.Builder) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "rc")
	write := func(text string) {
		text = strings.ReplaceAll(text, "META", filepath.Join(dir, "meta"))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(text)
	var log strings.Builder
	return &loader{
		o: options{config: path}, log: slog.New(slog.NewTextHandler(&log, nil)), names: new(atomic.Uint64), told: map[string]bool{},
	}, write, &log
}

func load(t *testing.T, l *loader) *service.Setup {
	t.Helper()
	s, err := l.load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSetup(t *testing.T) {
	l, write, log := written(t, twoAccounts)
	s := load(t, l)
	if len(s.Accounts) != 2 || s.MaxAccounts != 0 {
		t.Fatalf("%+v", s)
	}
	w, h := s.Accounts[0], s.Accounts[1]
	if w.Name != "work" || w.Interval != 150*time.Second || w.Host != "mail.example.org" || w.Root != "/mail/work" || w.Connections != 3 || w.Runner == nil {
		t.Errorf("work: %+v", w)
	}
	if h.Interval != 5*time.Minute {
		t.Errorf("home is synced every %v", h.Interval)
	}
	load(t, l)
	if n := strings.Count(log.String(), "every 5 minutes"); n != 1 {
		t.Errorf("the default is told %d times:\n%s", n, log)
	}

	// What changes the print, and what does not.
	for _, tt := range []struct {
		old, new  string
		work, all bool // does it make another account of work; of home
	}{
		{"accounts = work, home", "accounts = home,work\nmaxsyncaccounts = 7", false, false},
		{"remotepass = first", "remotepass = second", true, false},
		{"/mail/work", "/mail/elsewhere", true, false},
		{"metadata = META", "metadata = META\nsocktimeout = 9", true, true},
		{"autorefresh = 2.5", "autorefresh = 3", true, false},
		{"[Account work]", "# only a remark\n[Account work]", false, false},
	} {
		write(strings.Replace(twoAccounts, tt.old, tt.new, 1))
		got := load(t, l)
		for _, a := range got.Accounts {
			was, changes := w, tt.work
			if a.Name == "home" {
				was, changes = h, tt.all
			}
			if (a.Print != was.Print) != changes {
				t.Errorf("%q for %q: is %s another account? %v", tt.new, tt.old, a.Name, !changes)
			}
		}
		if strings.Contains(tt.new, "maxsync") && got.MaxAccounts != 7 {
			t.Errorf("at a time: %d", got.MaxAccounts)
		}
	}

	write(strings.Replace(twoAccounts, "type = IMAP\nremotehost = mail", "type = IMAP\ndecodefoldernames = yes\nremotehost = mail", 1))
	if s := load(t, l); s.Accounts[0].Refused == "" || !strings.Contains(s.Accounts[0].Refused, "/rc:16: ") || s.Accounts[1].Refused != "" {
		t.Errorf("refused: %+v", s.Accounts)
	}
	write("[general]\naccounts work\n")
	_, err := l.load(t.Context())
	var e *service.Error
	if !errors.As(err, &e) || e.Code != service.ConfigInvalid || !strings.Contains(err.Error(), "/rc:2: ") {
		t.Errorf("a bad line: %v", err)
	}
	l.o.config = filepath.Join(t.TempDir(), "none")
	if _, err := l.load(t.Context()); service.CodeOf(err) != service.ConfigInvalid {
		t.Errorf("a file that was named and is not there: %v", err)
	}
	l.o.config = ""
	t.Setenv("HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", "")
	if s, err := l.load(t.Context()); err != nil || s.Path != "" {
		t.Errorf("no configuration at all: %+v, %v", s, err)
	}
}

func TestMemory(t *testing.T) {
	m := memory{filepath.Join(t.TempDir(), "meta", "paused")}
	if got, err := m.Load(); err != nil || len(got) != 0 {
		t.Errorf("%v, %v", got, err)
	}
	until := time.Now().Add(time.Hour).Round(0)
	for _, want := range []map[string]time.Time{{"": {}}, {"work": until, "home": {}}, {}} {
		if err := m.Save(want); err != nil {
			t.Fatal(err)
		}
		got, err := m.Load()
		if err != nil || len(got) != len(want) {
			t.Errorf("%v came back as %v, %v", want, got, err)
		}
		for k, v := range want {
			if w, ok := got[k]; !ok || !w.Equal(v) {
				t.Errorf("%q: %v came back as %v", k, v, w)
			}
		}
	}
	if left, _ := os.ReadDir(filepath.Dir(m.path)); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	if err := os.WriteFile(m.path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Load(); err == nil {
		t.Error("nonsense was read")
	}
}

// A reload that is refused leaves the accounts with what they have, their helpers
// included.
func TestHelpersOfARefusedReload(t *testing.T) {
	dir := t.TempDir()
	helpers, rc := filepath.Join(dir, "helpers.py"), filepath.Join(dir, "rc")
	write := func(path, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(helpers, "def who(): return 'me'\n")
	write(rc, strings.Replace(twoAccounts, "[general]\n", "[general]\npythonfile = "+helpers+"\n", 1))
	l := &loader{log: slog.New(slog.DiscardHandler), told: map[string]bool{}, o: options{config: rc}}
	was := load(t, l).Accounts[0]
	asks := func(s service.Spec) string {
		t.Helper()
		who, err := text(t.Context(), s.Runner.(*runner).python, config.Expression{Source: "who()"})
		if err != nil {
			t.Fatal(err)
		}
		return who
	}
	if got := asks(was); got != "me" {
		t.Errorf("it is %q", got)
	}
	write(helpers, "def who(): return 'somebody else'\n")
	now := load(t, l).Accounts[0]
	defer l.python.Close()
	defer was.Runner.(*runner).python.Close()
	if was.Print == now.Print {
		t.Error("the account is as before, with other helpers")
	}
	if got := asks(now); got != "somebody else" {
		t.Errorf("it is %q", got)
	}
	asks(was)
}
