package main

import (
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"unicode"

	"github.com/offlineimap/offlineimapd/cmd/offlineimapctl/term"
	"github.com/offlineimap/offlineimapd/dbus/api"
	"github.com/offlineimap/offlineimapd/service"
)

// terminal makes the user sit at one, of so many columns.
func (s *setting) terminal(columns int) {
	s.app.OutTerminal, s.app.ErrTerminal, s.app.InTerminal = true, true, true
	s.app.Columns = func() int { return columns }
	utf8 := func(name string) string { return map[string]string{"LANG": "C.UTF-8", "TERM": "xterm"}[name] }
	s.app.Style, s.app.ErrStyle = term.StyleFor(true, utf8), term.StyleFor(true, utf8)
}

func TestLooks(t *testing.T) {
	tests := []struct {
		golden  string
		status  *service.Status
		columns int // 0: no terminal
		exit    int
		args    []string
	}{
		{"status", plain(), 0, 0, []string{"status"}},
		{"status-troubled", troubled(), 0, 0, nil},
		{"status-terminal", troubled(), 100, 0, []string{"status"}},
		{"status-narrow", troubled(), 60, 0, []string{"status"}},
		{"status-account", troubled(), 0, 0, []string{"status", "w*", "home"}},
		{"status-account-terminal", troubled(), 100, 0, []string{"status", "home"}},
		{"status-json", troubled(), 0, 0, []string{"status", "work", "--json=pretty"}},
		{"status-empty", &service.Status{State: service.StateUnconfigured, Text: "there is no configuration"}, 0, 0, nil},
		{"list", troubled(), 0, 0, []string{"list"}},
		{"list-one", plain(), 0, 0, []string{"accounts", "home", "--no-legend"}},
		{"list-json", plain(), 0, 0, []string{"list", "-j"}},
		{"folders", troubled(), 0, 0, []string{"folders"}},
		{"folders-unseen", plain(), 0, 0, []string{"folders", "--unseen", "work"}},
		{"folders-json", plain(), 0, 0, []string{"folders", "--json=short", "work"}},
		{"problems", troubled(), 0, exitIncomplete, []string{"problems"}},
		{"problems-terminal", troubled(), 80, exitIncomplete, []string{"problems", "work"}},
		{"problems-json", troubled(), 0, exitIncomplete, []string{"problems", "--json=pretty", "home"}},
		{"problems-none", plain(), 0, 0, []string{"problems"}},
		{"jobs", troubled(), 0, 0, []string{"jobs"}},
		{"jobs-none", plain(), 0, 0, []string{"jobs"}},
		{"jobs-json", troubled(), 0, 0, []string{"jobs", "-j"}},
		{"show", plain(), 0, 0, []string{"show", "work"}},
		{"show-one", plain(), 0, 0, []string{"show", "work", "-p", "Unseen,State", "--value"}},
		{"show-json", plain(), 0, 0, []string{"show", "work", "-p", "Unseen", "-p", "LastError", "-j"}},
		{"show-daemon", plain(), 0, 0, []string{"show", "-p", "State,Version,Online"}},
		{"version", plain(), 0, 0, []string{"version"}},
		{"version-json", plain(), 0, 0, []string{"version", "-j"}},
		{"log-level", plain(), 0, 0, []string{"log-level"}},
	}
	for _, tt := range tests {
		t.Run(tt.golden, func(t *testing.T) {
			s := start(t, tt.status)
			if tt.columns > 0 {
				s.terminal(tt.columns)
			}
			if got := s.run(tt.args...); got != tt.exit {
				t.Errorf("status %d, want %d\n%s", got, tt.exit, s.err)
			}
			golden(t, tt.golden, s.out.String())
			if s.err.String() != "" {
				t.Errorf("standard error: %s", s.err)
			}
			if tt.columns == 0 {
				clean(t, s.out.String())
			}
			if strings.Contains(tt.golden, "json") && !json.Valid([]byte(s.out.String())) {
				t.Error("it is no JSON")
			}
		})
	}
}

// clean makes sure that nothing a terminal obeys is in a text.
func clean(t *testing.T, text string) {
	t.Helper()
	for _, r := range text {
		if r != '\n' && !unicode.IsPrint(r) {
			t.Errorf("%q is in %q", r, text)
			return
		}
	}
}

func TestHelp(t *testing.T) {
	s := &setting{t: t}
	for name, args := range map[string][]string{"help": {"--help"}, "help-sync": {"help", "sync"}, "help-config": {"config", "-h"}} {
		s.newApp()
		if got := s.run(args...); got != 0 {
			t.Errorf("%v: status %d", args, got)
		}
		golden(t, name, s.out.String())
	}
}

func TestNotRunning(t *testing.T) {
	s := start(t, nil)
	for _, args := range [][]string{nil, {"status"}, {"list"}, {"folders"}, {"show"}, {"jobs"}, {"cancel", "1"}, {"pause"}, {"resume"},
		{"problems"}, {"wait"}, {"approve", "work"}, {"reload"}, {"log-level"}, {"sync"}, {"sync", "--no-block"}} {
		s.newApp()
		if got := s.run(args...); got != exitNotRunning {
			t.Errorf("%v: status %d\n%s", args, got, s.both())
		}
		if !strings.Contains(s.err.String(), "hint: systemctl --user start offlineimapd") {
			t.Errorf("%v says %s", args, s.err)
		}
	}
	s.newApp()
	if got := s.run("status", "-j"); got != exitNotRunning {
		t.Errorf("status %d", got)
	}
	var d api.Document
	if err := json.Unmarshal([]byte(s.out.String()), &d); err != nil || d.State != stateNotRunning || d.Accounts == nil {
		t.Errorf("%v: %s", err, s.out)
	}
	s.newApp()
	if got := s.run("version"); got != 0 || !strings.Contains(s.out.String(), "not running") {
		t.Errorf("version: %d, %s", got, s.both())
	}
}

func TestNoBus(t *testing.T) {
	s := start(t, nil)
	s.bus.Stop()
	if got := s.run("list"); got != exitFailure || !strings.Contains(s.err.String(), "offlineimapctl: there is no session bus") {
		t.Errorf("%d, %s", got, s.err)
	}
}

// The log lines of an account come from journalctl, where there is one.
func TestStatusShowsTheLog(t *testing.T) {
	s := start(t, plain())
	var called []string
	s.app.lookPath = func(name string) (string, error) { return "/bin/" + name, nil }
	s.app.command = func(_ context.Context, _ io.Reader, out, _ io.Writer, name string, args ...string) error {
		called = append([]string{name}, args...)
		_, err := io.WriteString(out, "Mar 14 11:58:00 offlineimapd[1]: work: "+hostile+"\n")
		return err
	}
	if got := s.run("status", "work", "-n", "3"); got != 0 {
		t.Fatalf("%d, %s", got, s.err)
	}
	if want := "/bin/journalctl --user -u offlineimapd.service OFFLINEIMAP_ACCOUNT=work -n 3 --no-pager --quiet --no-hostname"; strings.Join(called, " ") != want {
		t.Errorf("called %v, want %s", called, want)
	}
	if !strings.Contains(s.out.String(), "Mar 14 11:58:00 offlineimapd[1]: work: x") {
		t.Errorf("the log is missing:\n%s", s.out)
	}
	clean(t, s.out.String())
}
