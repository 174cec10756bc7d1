package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/offlineimap/offlineimapd/dbus/client"
	"github.com/offlineimap/offlineimapd/dbus/server"
	"github.com/offlineimap/offlineimapd/internal/testenv"
	"github.com/offlineimap/offlineimapd/service"
	"github.com/offlineimap/offlineimapd/service/event"
	"github.com/offlineimap/offlineimapd/service/health"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

// daemon is a service that can be looked at.
type daemon struct {
	service.Daemon
	status atomic.Pointer[service.Status]
	events event.Broadcaster
}

func (d *daemon) Status() *service.Status             { return d.status.Load() }
func (d *daemon) Subscribe(n int) *event.Subscription { return d.events.Subscribe(n) }

// serve puts a daemon on a bus of its own, and gives a client.
func serve(t *testing.T, st *service.Status) *client.Client {
	t.Helper()
	address := testenv.Bus(t)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	t.Cleanup(func() { cancel(); <-done })
	if st == nil {
		close(done)
	} else {
		d := &daemon{}
		d.status.Store(st)
		ready := make(chan struct{})
		go func() {
			defer close(done)
			_ = server.New(server.Options{Daemon: d, Version: "1.2.3", Ready: func() { close(ready) }}).Serve(ctx, address)
		}()
		select {
		case <-ready:
		case <-time.After(20 * time.Second):
			t.Fatal("the daemon is not ready")
		}
	}
	c, err := client.ConnectTo(ctx, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// machine is what a patient lives on; each test changes one thing of a healthy
// one.
type machine struct {
	status   *service.Status // nil: no daemon
	bus      error           // no bus
	programs map[string]string
	statuses map[string]int // of programs, other than 0
	env      map[string]string
	files    map[string]string // for ReadFile
	root     string            // of the folders
	writable error
	free     uint64
	lookup   error
	port     int // 0: nothing listens
	now      time.Time
	binary   error
	version  string // of offlineimapctl
}

func healthy(t *testing.T) *machine {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	m := &machine{
		version: "1.2.3", root: t.TempDir(), free: 5e9, port: l.Addr().(*net.TCPAddr).Port, now: noon,
		env:   map[string]string{"HOME": "/home/evamaria", "USER": "evamaria", "XDG_RUNTIME_DIR": "/run/user/1"},
		files: map[string]string{"max_user_watches": "65536\n", "max_user_instances": "128\n"},
		programs: map[string]string{
			"systemctl --user show":            "LoadState=loaded\nActiveState=active\nSubState=running\nUnitFileState=enabled\nResult=success\nExecMainStatus=0\n",
			"systemctl --user list-unit-files": "offlineimapd.service enabled enabled\nofflineimap-applet.service enabled enabled\nofflineimap.timer disabled enabled\n",
			"loginctl show-user":               "Linger=yes\n",
			"timedatectl show":                 "NTPSynchronized=yes\n",
			"crontab -l":                       "# offlineimap\n5 * * * * /usr/bin/offlineimapctl sync\n",
			"offlineimapd --check-config":      "",
		},
		statuses: map[string]int{},
	}
	m.status = &service.Status{State: service.StateIdle, LastSync: noon.Add(-time.Minute), Accounts: []service.Account{{
		Name: "work", State: service.AccountIdle, Enabled: true, Host: "localhost", User: "eva.m@example.org", Root: m.root,
		LastSync: noon.Add(-time.Minute), LastResult: service.ResultDone, Folders: make([]service.Folder, 10)}}}
	return m
}

// config is what --show-config says.
func (m *machine) config() string {
	type o = map[string]any
	b, _ := json.Marshal(o{"version": 1, "accounts": []o{
		{"name": "work", "enabled": true, "local": o{"localfolders": m.root},
			"remote": o{"remotehost": "localhost", "remoteport": m.port, "remoteuser": "eva.m@example.org"}},
		{"name": "old", "enabled": false}}})
	return string(b)
}

// examine examines a patient on the machine.
func (m *machine) examine(t *testing.T, accounts ...string) ([]Check, error) {
	t.Helper()
	p := &Patient{Version: m.version, Accounts: accounts, Now: func() time.Time { return m.now },
		Getenv:   func(k string) string { return m.env[k] },
		Binary:   func() (string, error) { return "offlineimapd", m.binary },
		Self:     func() (string, error) { return os.DevNull, nil },
		LookPath: func(name string) (string, error) { return m.look(name) },
		Output: func(_ context.Context, name string, args ...string) (string, string, error) {
			return m.output(name, args...)
		},
		ExitStatus: func(err error) (int, bool) {
			var e *exec.ExitError
			if errors.As(err, &e) {
				return e.ExitCode(), true
			}
			return 0, err == nil
		},
	}
	p.System()
	p.Stat = func(path string) (fs.FileInfo, error) {
		if path == os.DevNull {
			return info{m.env["BUILT"]}, nil
		}
		return os.Stat(path)
	}
	p.ReadFile = func(path string) ([]byte, error) {
		if s, ok := m.files[filepath.Base(path)]; ok {
			return []byte(s), nil
		}
		return nil, fs.ErrNotExist
	}
	if m.writable != nil {
		p.Writable = func(string) error { return m.writable }
	}
	p.Free = func(string) (uint64, uint64, error) { return m.free, 100e9, nil }
	p.LookupHost = func(context.Context, string) ([]string, error) { return []string{"127.0.0.1"}, m.lookup }
	p.Connect = func(context.Context) (*client.Client, error) { return nil, m.bus }
	if m.bus == nil {
		c := serve(t, m.status)
		p.Connect = func(context.Context) (*client.Client, error) { return c, nil }
	}
	return p.Examine(t.Context())
}

func (m *machine) look(name string) (string, error) {
	for said := range m.programs {
		if strings.HasPrefix(said, name+" ") {
			return name, nil
		}
	}
	return "", exec.ErrNotFound
}

// output finds what the longest beginning of a command says.
func (m *machine) output(name string, args ...string) (string, string, error) {
	line := strings.Join(append([]string{name}, args...), " ")
	if strings.HasSuffix(line, "--show-config") {
		return m.config(), "", nil
	}
	for said, out := range m.programs {
		if !strings.HasPrefix(line, said) {
			continue
		}
		if n := m.statuses[said]; n != 0 {
			return "", out, exec.Command("sh", "-c", fmt.Sprintf("exit %d", n)).Run()
		}
		return out, "", nil
	}
	return "", "", exec.ErrNotFound
}

// info is a file built at a date.
type info struct{ date string }

func (i info) ModTime() time.Time { t, _ := time.Parse("2006-01-02", i.date); return t }
func (info) Name() string         { return "" }
func (info) Size() int64          { return 0 }
func (info) Mode() fs.FileMode    { return 0 }
func (info) IsDir() bool          { return false }
func (info) Sys() any             { return nil }

func lines(checks []Check) []string {
	var out []string
	for _, c := range checks {
		out = append(out, strings.TrimPrefix(fmt.Sprintf("%s/%s %s: %s", c.Account, c.Name, c.Result, c.Text), "/"))
	}
	return out
}

func TestHealthy(t *testing.T) {
	m := healthy(t)
	checks, err := m.examine(t)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"session bus ok: reachable", "unit ok: installed, enabled", "service ok: active (running)", "linger ok: yes: the daemon runs while nobody is logged in too",
		"daemon ok: running, idle", "version ok: 1.2.3", "configuration ok: can be used", "clock ok: synchronised",
		"inotify ok: fs.inotify.max_user_watches is 65536", "inotify ok: fs.inotify.max_user_instances is 128",
		"offlineimap ok: is not started by anything else",
		"work/folders ok: " + m.root, "work/disk ok: 5.0 of 100.0 GB free", "work/name ok: localhost has an address",
		fmt.Sprintf("work/connection ok: port %d answers in ", m.port), "work/state ok: idle", "work/last run ok: done",
	}
	got := lines(checks)
	if len(got) != len(want) {
		t.Fatalf("got\n%s", strings.Join(got, "\n"))
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("got %q, want %q", got[i], want[i])
		}
	}
	for _, c := range checks {
		if c.Result == OK && c.Hint != "" {
			t.Errorf("a hint where all is well: %+v", c)
		}
	}
}

func TestIll(t *testing.T) {
	set := func(name, value string) func(*machine) { return func(m *machine) { m.programs[name] = value } }
	account := func(change func(*service.Account)) func(*machine) {
		return func(m *machine) { change(&m.status.Accounts[0]) }
	}
	tests := []struct {
		name   string
		change func(*machine)
		want   string // a line
		hint   string // part of one
	}{
		{"no bus", func(m *machine) { m.bus = client.ErrNoBus }, "session bus fail: there is no session bus", "dbus.socket"},
		{"no session", func(m *machine) { m.bus = client.ErrNoBus; m.env["XDG_RUNTIME_DIR"] = "" }, "session bus fail: there is no session bus", "PAM"},
		{"no user manager", func(m *machine) {
			m.programs["systemctl --user show"], m.statuses["systemctl --user show"] = "Failed to connect to bus\nmore", 1
		}, "user manager warn: systemctl --user does not answer: Failed to connect to bus", "other means"},
		{"not installed", set("systemctl --user show", "LoadState=not-found\nActiveState=inactive\n"), "unit fail: offlineimapd.service is not-found", "daemon-reload"},
		{"not enabled", set("systemctl --user show", "LoadState=loaded\nUnitFileState=disabled\nActiveState=active\nSubState=running\n"),
			"unit warn: installed, but disabled: it does not start by itself", "enable --now"},
		{"failed", set("systemctl --user show", "LoadState=loaded\nUnitFileState=enabled\nActiveState=failed\nResult=exit-code\nExecMainStatus=78\n"),
			"service fail: failed: exit-code, exit status 78", "offlineimapctl log"},
		{"starting", set("systemctl --user show", "LoadState=loaded\nUnitFileState=enabled\nActiveState=activating\n"),
			"service warn: starting, or waiting to be started again", "log"},
		{"stopped", set("systemctl --user show", "LoadState=loaded\nUnitFileState=enabled\nActiveState=inactive\n"), "service fail: inactive", "start offlineimapd"},
		{"no linger", set("loginctl show-user", "Linger=no\n"), "linger warn: no: the daemon ends with your last session", "enable-linger"},
		{"no linger on a desktop", func(m *machine) { m.programs["loginctl show-user"] = "Linger=no\n"; m.env["DISPLAY"] = ":0" }, "linger ok: no: the daemon runs while you are logged in", ""},
		{"no daemon", func(m *machine) { m.status = nil }, "daemon fail: not running", "start offlineimapd"},
		{"other version", func(m *machine) { m.version = "1.2.4" }, "version warn: the daemon is 1.2.3, offlineimapctl is 1.2.4", "restart"},
		{"no binary", func(m *machine) { m.binary = errors.New("offlineimapd is not there") }, "configuration warn: not checked: offlineimapd is not there", "install"},
		{"bad configuration", func(m *machine) {
			m.programs["offlineimapd --check-config"] = "offlineimapd: error: /home/evamaria/x:3: secret\nhint: x\nofflineimapd: warning: y\n"
			m.statuses["offlineimapd --check-config"] = 78
		}, "configuration fail: cannot be used as it is: 1 wrong, 1 doubtful", "config check"},
		{"clock not synchronised", set("timedatectl show", "NTPSynchronized=no\n"), "clock warn: not synchronised", "set-ntp"},
		{"clock far back", func(m *machine) { m.env["BUILT"] = "2026-05-01" }, "clock fail: it is earlier than this program was built: 2026-03-14", "set the clock"},
		{"clock set back", func(m *machine) { m.now = noon.Add(-time.Hour) }, "clock warn: the last sync is in the future: the clock was set back", "timedatectl"},
		{"few watches", func(m *machine) { m.files["max_user_watches"] = "100\n" }, "inotify warn: fs.inotify.max_user_watches is 100, 4126 would be better", "sysctl fs.inotify.max_user_watches=8252"},
		{"old timer", set("systemctl --user list-unit-files", "offlineimap.timer enabled enabled\nofflineimapd.service enabled enabled\noffline-x static -\n"),
			"offlineimap warn: the unit offlineimap.timer is enabled", "systemctl --user disable --now offlineimap.timer"},
		{"cron", set("crontab -l", "*/5 * * * * offlineimap -o -u quiet\n@reboot /usr/local/bin/offlineimap\n0 0 * * * /usr/bin/offlineimapd --once\n"),
			"offlineimap warn: 2 of your cron lines run it", "crontab -e"},
		{"folders gone", account(func(a *service.Account) { a.Root = "/home/evamaria/nowhere" }), "work/folders fail: ~/nowhere is not there, and was", "mount"},
		{"folders to come", account(func(a *service.Account) { a.Root, a.LastSync = "/nowhere/x", time.Time{} }), "work/folders ok: /nowhere/x is made by the first sync", ""},
		{"no directory", account(func(a *service.Account) { a.Root = "/etc/passwd" }), "work/folders fail: /etc/passwd is no directory", "localfolders"},
		{"read-only", func(m *machine) { m.writable = fs.ErrPermission; m.status.Accounts[0].Root = "/tmp" }, "work/folders fail: /tmp cannot be written", "chmod"},
		{"no room", func(m *machine) { m.free = 5e7 }, "work/disk fail: 0.1 of 100.0 GB free", "make room"},
		{"little room", func(m *machine) { m.free = 5e8 }, "work/disk warn: 0.5 of 100.0 GB free", "make room soon"},
		{"no name", func(m *machine) {
			m.lookup = &net.DNSError{Err: "no such host", Name: "localhost", Server: "192.0.2.1"}
		}, "work/name fail: no address for localhost: no such host", "remotehost"},
		{"nothing listens", func(m *machine) { m.port = closedPort() }, "work/connection fail: port ", "firewall"},
		{"halted", account(func(a *service.Account) {
			a.State, a.Reason = service.AccountHalted, "all mails of eva.m@example.org are gone"
		}), "work/state fail: halted: all mails of USER are gone", ""},
		{"paused", account(func(a *service.Account) { a.State = service.AccountPaused }), "work/state warn: paused", "offlineimapctl resume work"},
		{"last error", account(func(a *service.Account) {
			a.LastError = service.Failure{Code: service.AuthenticationFailed, Text: "login of eva.m refused", Hint: "ask evamaria"}
		}), "work/last run warn: AuthenticationFailed: login of USER refused", "ask USER"},
		{"problem", func(m *machine) {
			m.status.Problems = []health.Problem{{Code: health.Held, Account: "work", Severity: health.Error, Text: "a plan waits", Fix: "offlineimapctl approve work"}}
		}, "work/problem fail: held: a plan waits", "approve"},
		{"problem of the daemon", func(m *machine) {
			m.status.Problems = []health.Problem{{Code: health.ConfigRejected, Severity: health.Warning, Text: "line 3"}}
		}, "problem warn: config-rejected: line 3", ""},
		{"not loaded", func(m *machine) { m.status.Accounts = nil }, "work/state warn: the daemon does not know the account", "reload"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := healthy(t)
			tt.change(m)
			checks, err := m.examine(t)
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(lines(checks), func(l string) bool { return strings.HasPrefix(l, tt.want) })
			if i < 0 {
				t.Fatalf("no line %q in\n%s", tt.want, strings.Join(lines(checks), "\n"))
			}
			if !strings.Contains(checks[i].Hint, tt.hint) {
				t.Errorf("the hint is %q", checks[i].Hint)
			}
			for _, c := range checks {
				if all := c.Text + c.Hint; strings.Contains(all, "evamaria") || strings.Contains(all, "eva.m") || strings.Contains(all, "secret") {
					t.Errorf("it tells who somebody is: %+v", c)
				}
			}
		})
	}
}

// closedPort is one that nothing listens on.
func closedPort() int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 1
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// Without systemd, cron and a daemon there is less to look at, and nothing is
// made up.
func TestBare(t *testing.T) {
	m := healthy(t)
	m.programs, m.status, m.files = map[string]string{}, nil, nil
	m.binary = errors.New("offlineimapd is not there")
	checks, err := m.examine(t)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"session bus ok: reachable", "daemon fail: not running", "configuration warn: not checked: offlineimapd is not there", "clock ok: plausible"}
	if got := lines(checks); !slices.Equal(got, want) {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}

func TestOneAccount(t *testing.T) {
	m := healthy(t)
	m.status.Accounts = append(m.status.Accounts, service.Account{Name: "home", State: service.AccountIdle})
	checks, err := m.examine(t, "home")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range checks {
		if c.Account == "work" {
			t.Errorf("about another account: %+v", c)
		}
	}
	if _, err := healthy(t).examine(t, "wrok"); client.Code(err) != "NoSuchAccount" {
		t.Errorf("got %v", err)
	}
}

func TestRedactor(t *testing.T) {
	r := newRedactor(func(k string) string { return map[string]string{"HOME": "/home/eva", "USER": "eva"}[k] })
	r.add("x.y@example.org")
	r.add("ab")
	for in, want := range map[string]string{
		"/home/eva/Mail":               "~/Mail",
		"/home/evangeline":             "/home/evangeline",
		"/srv/eva/mail":                "/srv/USER/mail",
		"evaluate eva":                 "evaluate USER",
		"user x.y@example.org and x.y": "user USER and USER",
		"ab":                           "ab",
	} {
		if got := r.text(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}
