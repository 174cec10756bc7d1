package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/dbus/api"
	"github.com/offlineimap/offlineimapd/dbus/client"
	"github.com/offlineimap/offlineimapd/internal/testenv"
)

// running is the daemon as a process of its own, on a bus of its own.
type running struct {
	t    *testing.T
	p    *person
	bus  *testenv.BusServer
	cmd  *exec.Cmd
	out  safeBuffer
	done chan error
	env  []string
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func newRunning(t *testing.T, srv *testenv.Server) *running {
	t.Helper()
	return &running{t: t, p: newPerson(t, srv), bus: testenv.NewBus(t, "")}
}

// command is the daemon, not started yet.
func (r *running) command(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], append([]string{"-c", r.p.config()}, args...)...)
	// Built for finding races, a program sleeps for a second when it ends.
	cmd.Env = append(append(os.Environ(), beProgram+"=0", "GORACE=atexit_sleep_ms=0", "DBUS_SESSION_BUS_ADDRESS="+r.bus.Addr()), r.env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

// start starts the daemon, and waits until it has its name.
func (r *running) start() {
	r.t.Helper()
	r.cmd, r.done = r.command(), make(chan error, 1)
	r.cmd.Stdout, r.cmd.Stderr = &r.out, &r.out
	r.p.must(r.cmd.Start())
	go func() { r.done <- r.cmd.Wait() }()
	r.t.Cleanup(func() {
		_ = r.cmd.Process.Kill()
		if r.t.Failed() {
			r.t.Logf("the daemon said:\n%s", r.out.String())
		}
	})
	r.until("it is on the bus", func() bool { return strings.Contains(r.out.String(), "is ready") })
}

// until waits for something that must come soon.
func (r *running) until(what string, f func() bool) {
	r.t.Helper()
	limit := time.Now().Add(20 * time.Second)
	for !f() {
		if time.Now().After(limit) {
			r.t.Fatalf("it never came to pass: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// ends waits for the end of the daemon.
func (r *running) ends(limit time.Duration) (status int, took time.Duration) {
	r.t.Helper()
	began := time.Now()
	select {
	case err := <-r.done:
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return exit.ExitCode(), time.Since(began)
		}
		r.p.must(err)
		return 0, time.Since(began)
	case <-time.After(limit):
		r.t.Fatalf("it does not end")
		return 0, 0
	}
}

func (r *running) signal(s os.Signal) {
	r.t.Helper()
	r.p.must(r.cmd.Process.Signal(s))
}

func (r *running) client() *client.Client {
	r.t.Helper()
	c, err := client.ConnectTo(r.t.Context(), r.bus.Addr())
	r.p.must(err)
	r.t.Cleanup(func() { c.Close() })
	return c
}

func (r *running) describe(c *client.Client) *api.Document {
	r.t.Helper()
	d, err := c.Describe(r.t.Context())
	r.p.must(err)
	return d
}

// local counts the mails of INBOX in the Maildir.
func (r *running) local() int { // the daemon works there at the same time
	n := 0
	for _, sub := range []string{"cur", "new"} {
		files, err := os.ReadDir(filepath.Join(r.p.root(), "INBOX", sub))
		if err == nil {
			n += len(files)
		}
	}
	return n
}

func TestDaemon(t *testing.T) {
	r := newRunning(t, testenv.Dovecot(t, testenv.DovecotOptions{}))
	m := r.p.mailer()
	m.Append("INBOX", body(1), time.Time{})
	r.start()
	r.until("the mail is here", func() bool { return r.local() == 1 })
	c := r.client()
	r.until("it is idle", func() bool { return r.describe(c).State == "idle" })
	d := r.describe(c)
	if a := d.Accounts[0]; a.Name != "work" || a.Messages != 1 || a.Unseen != 1 || a.Fresh != 0 || a.NextSync == nil {
		t.Errorf("%+v", a)
	}

	// A person's word is carried out when the job has ended, and new mail is told.
	m.Append("INBOX", body(2), time.Time{})
	_, err := c.SyncAndWait(t.Context(), "work", client.SyncOptions{}, nil)
	r.p.must(err)
	if n := r.local(); n != 2 {
		t.Errorf("%d mails here", n)
	}
	if a := r.describe(c).Accounts[0]; a.Fresh != 1 || a.Unseen != 2 {
		t.Errorf("%+v", a)
	}

	// SIGUSR1 syncs now.
	m.Append("INBOX", body(3), time.Time{})
	r.signal(syscall.SIGUSR1)
	r.until("SIGUSR1 brings the mail", func() bool { return r.local() == 3 })

	// A second one goes away, and does no harm.
	out, err := r.command().CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitSecond || !strings.Contains(string(out), "another offlineimapd") {
		t.Errorf("a second daemon: %v, %s", err, out)
	}

	// SIGHUP with a configuration that is no good changes nothing.
	good, err := os.ReadFile(r.p.config())
	r.p.must(err)
	r.p.must(os.WriteFile(r.p.config(), append(good, "nonsense\n"...), 0o600))
	r.signal(syscall.SIGHUP)
	r.until("it says which line", func() bool {
		return strings.Contains(r.out.String(), "config:21: ") || strings.Contains(r.out.String(), "not accepted")
	})
	if d := r.describe(c); d.State != "degraded" || len(d.Problems) != 1 || len(d.Accounts) != 1 {
		t.Errorf("%+v", d)
	}
	r.p.must(os.WriteFile(r.p.config(), good, 0o600))
	r.p.must(c.Reload(t.Context()))
	if d := r.describe(c); len(d.Problems) != 0 {
		t.Errorf("%+v", d)
	}

	// SIGQUIT tells what it is at, and does not end it.
	r.signal(syscall.SIGQUIT)
	r.until("it dumps its goroutines", func() bool { return strings.Contains(r.out.String(), "goroutine 1 ") })
	r.describe(c)

	r.signal(syscall.SIGTERM)
	if status, took := r.ends(5 * time.Second); status != exitOK || took > time.Second {
		t.Errorf("status %d after %v", status, took)
	}
}

// TestDaemonEndsInOrder: in the middle of a run that hangs, too.
func TestDaemonEndsInOrder(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	r := newRunning(t, srv)
	proxy := testenv.Proxy(t, srv.Addr(), testenv.ProxyOptions{})
	r.p.through(proxy.Addr())
	proxy.Stall(true)
	r.start()
	r.until("it has connected", func() bool { return proxy.Stats().Connections > 0 })
	r.signal(syscall.SIGTERM)
	if status, took := r.ends(5 * time.Second); status != exitOK || took > time.Second {
		t.Errorf("status %d after %v", status, took)
	}

	// SIGUSR2 waits for the run.
	r.out = safeBuffer{}
	r.start()
	n := proxy.Stats().Connections
	r.until("it has connected", func() bool { return proxy.Stats().Connections >= n })
	r.p.mailer().Append("INBOX", body(1), time.Time{})
	r.signal(syscall.SIGUSR2)
	r.until("it knows", func() bool { return strings.Contains(r.out.String(), "no run begins any more") })
	proxy.Stall(false)
	if status, _ := r.ends(20 * time.Second); status != exitOK {
		t.Errorf("status %d", status)
	}
	if r.local() != 1 {
		t.Error("the run was cut off")
	}
}

// TestDaemonLosesItsBus: it ends, for systemd to start it again.
func TestDaemonLosesItsBus(t *testing.T) {
	r := newRunning(t, testenv.Dovecot(t, testenv.DovecotOptions{}))
	r.start()
	r.bus.Stop()
	if status, _ := r.ends(5 * time.Second); status != exitTransient {
		t.Errorf("status %d", status)
	}
	out, err := r.command().CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitTransient || !strings.Contains(string(out), "--once") {
		t.Errorf("without a bus: %v, %s", err, out)
	}
}

// TestDaemonSpeaksSystemd: readiness, status, watchdog and the socket, as systemd
// hands them over.
func TestDaemonSpeaksSystemd(t *testing.T) {
	r := newRunning(t, testenv.Dovecot(t, testenv.DovecotOptions{}))
	r.p.mailer().Append("INBOX", body(1), time.Time{})
	path := filepath.Join(t.TempDir(), "notify")
	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	r.p.must(err)
	defer notify.Close()
	said := make(chan string, 1000)
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := notify.Read(buf)
			if err != nil {
				return
			}
			said <- string(buf[:n])
		}
	}()
	r.env = []string{"NOTIFY_SOCKET=" + path, "WATCHDOG_USEC=400000"}
	r.start()
	var all strings.Builder
	want := func(words ...string) {
		t.Helper()
		limit := time.After(20 * time.Second)
		for _, w := range words {
			for !strings.Contains(all.String(), w) {
				select {
				case s := <-said:
					fmt.Fprintf(&all, "%s|", s)
				case <-limit:
					t.Fatalf("systemd was not told %s: %s", w, all.String())
				}
			}
		}
	}
	want("READY=1", "WATCHDOG=1", "1 account, last sync")
	r.signal(syscall.SIGHUP)
	want("RELOADING=1\nMONOTONIC_USEC=")
	all.Reset()
	want("READY=1")
	r.signal(syscall.SIGTERM)
	want("STOPPING=1")
	r.ends(5 * time.Second)
}

// TestDaemonHangs: a loop that does not answer has no sign of life given.
func TestDaemonHangs(t *testing.T) {
	r := newRunning(t, testenv.Dovecot(t, testenv.DovecotOptions{}))
	path := filepath.Join(t.TempDir(), "notify")
	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	r.p.must(err)
	defer notify.Close()
	r.env = []string{"NOTIFY_SOCKET=" + path, "WATCHDOG_USEC=500000", "OFFLINEIMAPD_HANG=work"}
	r.start()
	r.p.must(notify.SetReadDeadline(time.Now().Add(20 * time.Second)))
	buf := make([]byte, 4096)
	for {
		n, err := notify.Read(buf)
		if err != nil {
			t.Fatalf("systemd is not asked to act: %v", err)
		}
		if strings.Contains(string(buf[:n]), "WATCHDOG=trigger") {
			break
		}
	}
	if !strings.Contains(r.out.String(), "account work does not answer") {
		t.Errorf("it does not say who hangs: %s", r.out.String())
	}
}

// TestLook: the configuration can be looked at without touching anything.
func TestLook(t *testing.T) {
	p := newPerson(t, testenv.Dovecot(t, testenv.DovecotOptions{}))
	look := func(want int, args ...string) (string, string) {
		t.Helper()
		var out, errs bytes.Buffer
		if s := run(append(args, "-c", p.config()), &out, &errs, nil); s != want {
			t.Errorf("%v: status %d, want %d: %s%s", args, s, want, out.String(), errs.String())
		}
		return out.String(), errs.String()
	}
	if out, errs := look(exitOK, "--check-config"); out != p.config()+": no problem\n" || errs != "" {
		t.Errorf("about a good configuration: %s%s", out, errs)
	}
	if out, _ := look(exitOK, "--config-path"); out != p.config()+"\n" {
		t.Errorf("path %q", out)
	}
	out, _ := look(exitOK, "--show-config")
	if !json.Valid([]byte(out)) || strings.Contains(out, `"`+p.pass+`"`) || !strings.Contains(out, p.root()) {
		t.Errorf("shown: %s", out)
	}
	p.more = "decodefoldernames = yes"
	p.configure()
	if _, errs := look(exitConfig, "--check-config"); !strings.Contains(errs, p.config()+":") {
		t.Errorf("about a bad one: %s", errs)
	}
}
