package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/cmd/offlineimapctl/doctor"
	"github.com/offlineimap/offlineimapd/service"
)

func TestControls(t *testing.T) {
	tests := []struct {
		name string
		args []string
		exit int
		want []string // what the daemon was asked
		out  string
		err  string
	}{
		{"pause", []string{"pause"}, 0, []string{`pause "" 0s`}, "all accounts: paused until offlineimapctl resume\n", ""},
		{"pause for", []string{"pause", "work", "home", "--for", "2h 30min"}, 0, []string{`pause "work" 2h30m0s`, `pause "home" 2h30m0s`},
			"work: paused until 14:30\nhome: paused until 14:30\n", ""},
		{"pause until", []string{"pause", "w*", "--until=tomorrow 08:00"}, 0, []string{`pause "work" 20h0m0s`}, "work: paused until 2026-03-15 08:00\n", ""},
		{"pause both", []string{"pause", "--for=1h", "--until=18:00"}, exitUsage, nil, "", "offlineimapctl: --for and --until exclude each other\n"},
		{"pause past", []string{"pause", "--until=2026-03-14 11:00"}, exitUsage, nil, "", "offlineimapctl: --until is in the past\n"},
		{"pause nonsense", []string{"pause", "--for=-2h"}, exitUsage, nil, "", "offlineimapctl: \"-2h\" is no length of time like 90s, 20min or 2h\n"},
		{"pause nobody", []string{"pause", ""}, exitUsage, nil, "", "offlineimapctl: the name of an account is empty\n"},
		{"resume", []string{"resume", "work"}, 0, []string{`resume "work"`}, "work: resumed\n", ""},
		{"cancel by number", []string{"cancel", "3", "4"}, exitNoSuch, nil, "", "offlineimapctl: there is no job 3\nhint: jobs can be looked at until 30 seconds after their end\n"},
		{"cancel", []string{"cancel", "7"}, 0, []string{"cancel 7"}, "", ""},
		{"cancel by account", []string{"cancel", "work"}, 0, []string{"cancel 7"}, "", ""},
		{"cancel nothing", []string{"cancel", "home"}, exitNoSuch, nil, "", "offlineimapctl: account \"home\" has no job\nhint: offlineimapctl jobs lists them\n"},
		{"cancel nobody", []string{"cancel"}, exitUsage, nil, "", "offlineimapctl: requires at least 1 arg(s), only received 0\nhint: offlineimapctl --help lists what can be said\n"},
		{"reload", []string{"reload"}, 0, []string{"reload"}, "configuration in force: /home/eva/.offlineimaprc, 3 accounts\n", ""},
		{"log level", []string{"log-level", "debug"}, 0, nil, "", ""},
		{"no such level", []string{"log-level", "loud"}, exitUsage, nil, "", "offlineimapctl: there is no such level\nhint: levels are emerg, alert, crit, err, warning, notice, info and debug\n"},
		{"no such property", []string{"show", "work", "-p", "Colour"}, exitFailure, nil, "", "offlineimapctl: there is no property \"Colour\"\nhint: offlineimapctl show lists them\n"},
		{"no such account", []string{"show", "x"}, exitNoSuch, nil, "", ""},
		{"no such verb", []string{"statu"}, exitUsage, nil, "", "offlineimapctl: there is no verb \"statu\"\nhint: did you mean status?\n"},
		{"no such option", []string{"list", "--colour"}, exitUsage, nil, "", "offlineimapctl: unknown flag: --colour\nhint: offlineimapctl --help lists what can be said\n"},
		{"config alone", []string{"config"}, exitUsage, nil, "", "offlineimapctl: say offlineimapctl config check, show or path\nhint: offlineimapctl --help lists what can be said\n"},
		{"wait for what", []string{"wait", "--for=godot"}, exitUsage, nil, "", "offlineimapctl: --for is idle, online or new-mail, not \"godot\"\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, troubled())
			if got := s.run(tt.args...); got != tt.exit {
				t.Errorf("status %d, want %d", got, tt.exit)
			}
			if got := s.daemon.took(); !slices.Equal(got, tt.want) {
				t.Errorf("asked %q, want %q", got, tt.want)
			}
			if s.out.String() != tt.out || tt.err != "" && s.err.String() != tt.err || tt.exit == 0 && s.err.String() != "" {
				t.Errorf("it wrote\n%s", s.both())
			}
		})
	}
}

func TestReloadRefused(t *testing.T) {
	s := start(t, plain())
	s.daemon.fails("reload", &service.Error{Code: service.ConfigInvalid, Err: errors.New("/home/eva/.offlineimaprc:3: [general] " + hostile), Hint: "write accounts = NAME"})
	if got := s.run("reload"); got != exitFailure {
		t.Errorf("status %d", got)
	}
	if e := s.err.String(); !strings.HasPrefix(e, "offlineimapctl: /home/eva/.offlineimaprc:3: [general] x") || !strings.HasSuffix(e, "hint: write accounts = NAME\n") {
		t.Errorf("it says %s", e)
	}
	clean(t, s.err.String())
}

func TestApprove(t *testing.T) {
	const all = "cccccccccccc"
	tests := []struct {
		golden   string
		args     []string
		in       string
		terminal bool
		exit     int
		want     []string
	}{
		{"approve-yes", []string{"approve", "work"}, "y\n", true, 0, []string{`approve "work" "` + all + `"`}},
		{"approve-folder", []string{"approve", "work/Lists/go"}, "yes\n", true, 0, []string{`approve "work" "aaaaaaaaaaaa"`}},
		{"approve-no", []string{"approve", "work"}, "\n", true, exitHalted, nil},
		{"approve-eof", []string{"approve", "work"}, "", true, exitHalted, nil},
		{"approve-no-terminal", []string{"approve", "work"}, "y\n", false, exitUsage, nil},
		{"approve-token", []string{"approve", "work", "--yes", "aaaaaaaaaaaa"}, "", false, 0, []string{`approve "work" "aaaaaaaaaaaa"`}},
		{"approve-nothing", []string{"approve", "home"}, "y\n", true, exitNoSuch, nil},
		{"approve-other-folder", []string{"approve", "work/INBOX"}, "y\n", true, exitNoSuch, nil},
		{"approve-who", []string{"approve", "/x"}, "", true, exitUsage, nil},
	}
	for _, tt := range tests {
		t.Run(tt.golden, func(t *testing.T) {
			s := start(t, troubled())
			s.app.InTerminal, s.app.In = tt.terminal, strings.NewReader(tt.in)
			s.daemon.syncs(func(string, service.Request) ([]uint32, error) {
				id := s.daemon.job(service.Job{ID: 9, Account: "work"})
				s.daemon.end(id, service.ResultDone, service.Failure{}, did(nil))
				return []uint32{id}, nil
			})
			if got := s.run(tt.args...); got != tt.exit {
				t.Errorf("status %d, want %d", got, tt.exit)
			}
			if got := s.daemon.took(); !slices.Equal(got, tt.want) {
				t.Errorf("asked %q, want %q", got, tt.want)
			}
			golden(t, tt.golden, s.both())
			clean(t, s.both())
		})
	}
}

func TestApproveTooLate(t *testing.T) {
	s := start(t, troubled())
	s.daemon.fails("approve", &service.Error{Code: service.NoSuchHold, Err: errors.New("no plan of this token waits")})
	if got := s.run("approve", "work", "--yes=dddddddddddd"); got != exitNoSuch {
		t.Errorf("status %d\n%s", got, s.err)
	}
}

// Ctrl-C at the question ends the program, and nothing was approved.
func TestCtrlCAtApprove(t *testing.T) {
	s := start(t, troubled())
	r, w := io.Pipe()
	defer w.Close()
	s.app.InTerminal, s.app.In = true, r
	c := s.begin("approve", "work")
	s.shows(s.err, "[y/N]")
	s.signals <- os.Interrupt
	s.ends(c, exitInterrupted)
	if len(s.daemon.took()) > 0 {
		t.Errorf("asked %q", s.daemon.took())
	}
}

// script stands in for offlineimapd.
func script(t *testing.T, dir, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "offlineimapd"), []byte("#!/bin/sh\n"+text), 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestConfig(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	script(t, dir, `echo "$@"; echo "offlineimapd: error: x" >&2; [ "$1" = --check-config ] && exit 78; exit 0`)
	script(t, other, `echo other`)
	s := &setting{t: t}
	tests := []struct {
		args   []string
		self   string
		onPath string
		exit   int
		out    string
	}{
		{[]string{"config", "check"}, dir, other, 78, "--check-config\n"},
		{[]string{"config", "show", "-c", "my file"}, dir, "", 0, "--show-config -c my file\n"},
		{[]string{"config", "path"}, "/nonexistent", other, 0, "other\n"},
		{[]string{"config", "path"}, "/nonexistent", "", exitFailure, ""},
	}
	for _, tt := range tests {
		s.newApp()
		s.app.self = func() (string, error) { return filepath.Join(tt.self, "offlineimapctl"), nil }
		s.app.lookPath = func(name string) (string, error) {
			if !filepath.IsAbs(name) {
				if tt.onPath == "" {
					return "", exec.ErrNotFound
				}
				name = filepath.Join(tt.onPath, name)
			}
			return exec.LookPath(name)
		}
		s.app.command = systemApp().command
		if got := s.run(tt.args...); got != tt.exit || s.out.String() != tt.out {
			t.Errorf("%v: status %d, want %d\n%s", tt.args, got, tt.exit, s.both())
		}
	}
	if want := "offlineimapctl: offlineimapd is neither next to offlineimapctl nor on PATH\n"; !strings.HasPrefix(s.err.String(), want) {
		t.Errorf("it says %s", s.err)
	}
}

func TestLog(t *testing.T) {
	tests := []struct {
		args []string
		want string
	}{
		{[]string{"log"}, "--user -u offlineimapd.service"},
		{[]string{"log", "work"}, "--user -u offlineimapd.service OFFLINEIMAP_ACCOUNT=work"},
		{[]string{"log", "work", "-f", "-n", "5", "-x"}, "--user -u offlineimapd.service OFFLINEIMAP_ACCOUNT=work -f -n 5 -x"},
		{[]string{"log", "-j"}, "--user -u offlineimapd.service -o json"},
	}
	s := &setting{t: t}
	for _, tt := range tests {
		s.newApp()
		var called []string
		s.app.lookPath = func(name string) (string, error) { return name, nil }
		s.app.command = func(_ context.Context, _ io.Reader, _, _ io.Writer, name string, args ...string) error {
			called = append([]string{name}, args...)
			return exec.Command("sh", "-c", "exit 3").Run()
		}
		if got := s.run(tt.args...); got != 3 {
			t.Errorf("%v: status %d", tt.args, got)
		}
		if got := strings.Join(called, " "); got != "journalctl "+tt.want {
			t.Errorf("%v: called %s", tt.args, got)
		}
	}
	s.newApp()
	if got := s.run("log"); got != exitFailure || !strings.Contains(s.err.String(), "there is no journalctl here") {
		t.Errorf("%d, %s", got, s.err)
	}
}

// Ctrl-C ends what log follows.
func TestLogInterrupted(t *testing.T) {
	s := &setting{t: t}
	s.newApp()
	s.app.lookPath = func(name string) (string, error) { return name, nil }
	s.app.command = func(ctx context.Context, _ io.Reader, _, _ io.Writer, _ string, _ ...string) error {
		<-ctx.Done()
		return ctx.Err()
	}
	c := s.begin("log", "-f")
	s.signals <- os.Interrupt
	s.ends(c, exitInterrupted)
}

func TestCompletion(t *testing.T) {
	s := start(t, troubled())
	tests := []struct {
		args []string
		want []string
	}{
		{[]string{"status", ""}, []string{"work\tsyncing", "home\tauth-required", "日本\tpaused", ":4"}},
		{[]string{"status", "work", "h"}, []string{"home\tauth-required", "日本\tpaused", ":4"}},
		{[]string{"sync", "work/"}, []string{"work/INBOX", "work/Lists.go", ":4"}},
		{[]string{"sync", "wo"}, []string{"work\tsyncing", "home\tauth-required", "日本\tpaused", ":6"}},
		{[]string{"cancel", ""}, []string{"7\twork, running", "work", ":4"}},
		{[]string{"log-level", "d"}, []string{"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug", ":4"}},
		{[]string{"wait", "--for", ""}, []string{"idle", "online", "new-mail", ":4"}},
		{[]string{"completion", ""}, []string{"bash", "zsh", "fish", ":4"}},
		{[]string{"jobs", ""}, []string{":4"}},
	}
	for _, tt := range tests {
		s.newApp()
		if got := s.run(append([]string{"__complete"}, tt.args...)...); got != 0 {
			t.Errorf("%v: status %d, %s", tt.args, got, s.err)
		}
		if got := strings.Split(strings.TrimSpace(s.out.String()), "\n"); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%v: got %q, want %q", tt.args, got, tt.want)
		}
	}
	if len(s.daemon.took()) > 0 {
		t.Errorf("completion asked %q", s.daemon.took())
	}
}

// Without a daemon, accounts are those of the configuration, and none is started.
func TestCompletionFromTheConfiguration(t *testing.T) {
	s := start(t, nil)
	dir := t.TempDir()
	script(t, dir, `[ "$1" = --show-config ] && echo '{"version":1,"accounts":[{"name":"work"},{"name":"home"}]}'`)
	s.app.self = func() (string, error) { return filepath.Join(dir, "offlineimapctl"), nil }
	s.app.lookPath, s.app.command = exec.LookPath, systemApp().command
	if got := s.run("__complete", "status", ""); got != 0 || s.out.String() != "work\nhome\n:4\n" {
		t.Errorf("%d, %q", got, s.out)
	}
}

// The scripts are read by the shells they are for, where these are there.
func TestCompletionScripts(t *testing.T) {
	s := &setting{t: t}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		s.newApp()
		if got := s.run("completion", shell); got != 0 || !strings.Contains(s.out.String(), "offlineimapctl") {
			t.Errorf("%s: %d, %s", shell, got, s.err)
		}
		path, err := exec.LookPath(shell)
		if err != nil {
			continue
		}
		cmd := exec.Command(path, "-n")
		cmd.Stdin = strings.NewReader(s.out.String())
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s does not read it: %v\n%s", shell, err, out)
		}
	}
	s.newApp()
	if got := s.run("completion", "csh"); got != exitUsage {
		t.Errorf("csh: status %d", got)
	}
}

func TestPager(t *testing.T) {
	s := start(t, plain())
	s.terminal(80)
	s.app.Rows = func() int { return 3 }
	s.app.command = systemApp().command
	s.app.getenv = func(name string) string {
		return map[string]string{"PAGER": "false", "SYSTEMD_PAGER": "sed 's/^/> /'"}[name]
	}
	if got := s.run("folders"); got != 0 || !strings.HasPrefix(s.out.String(), "> ACCOUNT") {
		t.Errorf("%d, %s", got, s.both())
	}
	for _, env := range []string{"cat", "false"} { // none, and one that fails
		s.newApp()
		s.terminal(80)
		s.app.Rows, s.app.command = func() int { return 3 }, systemApp().command
		s.app.getenv = func(name string) string { return map[string]string{"PAGER": env}[name] }
		if got := s.run("folders"); got != 0 || !strings.HasPrefix(s.out.String(), "ACCOUNT") {
			t.Errorf("%s: %d, %s", env, got, s.both())
		}
	}
}

func TestParseSpan(t *testing.T) {
	tests := []struct {
		in   string
		want time.Duration
	}{
		{"90", 90 * time.Second}, {"90s", 90 * time.Second}, {"20min", 20 * time.Minute}, {"20m", 20 * time.Minute}, {"2h", 2 * time.Hour},
		{"2h30m", 150 * time.Minute}, {"2 hours 30 minutes", 150 * time.Minute}, {"1.5h", 90 * time.Minute}, {"1d", 24 * time.Hour}, {"1week", 7 * 24 * time.Hour},
		{"100ms", 100 * time.Millisecond},
		{"", 0}, {"0", 0}, {"-2h", 0}, {"2x", 0}, {"h", 0}, {"1e9", 0}, {"999999999999999999999h", 0}, {"1000000w", 0}, {"..s", 0}, {"Inf", 0}, {"NaN", 0}, {"2 h !", 0},
	}
	for _, tt := range tests {
		got, err := parseSpan(tt.in)
		if got != tt.want || (err == nil) != (tt.want > 0) {
			t.Errorf("%q: got %v, %v; want %v", tt.in, got, err, tt.want)
		}
	}
}

func TestParseWhen(t *testing.T) {
	day := func(d, h, m, s int) time.Time { return time.Date(2026, 3, d, h, m, s, 0, time.UTC) }
	tests := []struct {
		in   string
		want time.Time
	}{
		{"18:00", day(14, 18, 0, 0)}, {"18:00:30", day(14, 18, 0, 30)}, {"08:00", day(15, 8, 0, 0)}, {"12:00", day(15, 12, 0, 0)},
		{"tomorrow", day(15, 0, 0, 0)}, {"tomorrow 07:30", day(15, 7, 30, 0)}, {"2026-03-20", day(20, 0, 0, 0)}, {"2026-03-20 08:15", day(20, 8, 15, 0)},
		{"2026-03-20T08:15:00+02:00", day(20, 6, 15, 0)}, {"", time.Time{}}, {"25:00", time.Time{}}, {"tomorrow noon", time.Time{}}, {"soon", time.Time{}},
	}
	for _, tt := range tests {
		got, err := parseWhen(tt.in, noon)
		if !got.Equal(tt.want) || (err == nil) == tt.want.IsZero() {
			t.Errorf("%q: got %v, %v; want %v", tt.in, got, err, tt.want)
		}
	}
}

func TestEscapeJSON(t *testing.T) {
	for in, want := range map[string]string{"a\u009bb": `a\u009bb`, "\u202e": `\u202e`, "日本\n": "日本\n", "\U000e0001": `\udb40\udc01`} {
		if got := escapeJSON(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// The doctor's own tests are in its package; here is how it is shown.
func TestDoctor(t *testing.T) {
	st := troubled()
	for i := range st.Accounts {
		st.Accounts[i].Root = "/nonexistent/" + st.Accounts[i].Name
	}
	for _, tt := range []struct {
		args []string
		exit int
	}{{[]string{"doctor"}, exitFailure}, {[]string{"doctor", "--json=pretty", "work"}, exitFailure}} {
		s := start(t, st)
		s.app.examine = func(p *doctor.Patient) {
			p.Version = "1.2.3"
			p.LookupHost = func(context.Context, string) ([]string, error) { return []string{"192.0.2.1"}, nil }
			p.ReadFile = func(string) ([]byte, error) { return nil, os.ErrNotExist }
			p.Free = func(string) (uint64, uint64, error) { return 5e9, 1e11, nil }
		}
		if got := s.run(tt.args...); got != tt.exit {
			t.Errorf("%v: status %d", tt.args, got)
		}
		golden(t, strings.ReplaceAll(strings.Join(tt.args, "-"), "--json=", ""), s.both())
		clean(t, s.both())
	}
	s := start(t, plain())
	if got := s.run("doctor", "wrok"); got != exitNoSuch {
		t.Errorf("status %d, %s", got, s.err)
	}
}
