package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/internal/testenv"
	"github.com/offlineimap/offlineimapd/sync/engine"
)

// both is somebody with an account whose local side is a server too.
type both struct {
	t             testing.TB
	there, here   *testenv.Server
	toThere       string // where the program finds them
	toHere        string
	userT, userH  string
	pass          string
	dir           string
	more          string // options of the local repository
	patience      time.Duration
	unchangedName string // options.remoteID and localID
}

func newBoth(t testing.TB, there, here *testenv.Server) *both {
	b := &both{t: t, there: there, here: here, toThere: there.Addr(), toHere: here.Addr(), dir: t.TempDir(), patience: testPatience, unchangedName: "clone"}
	b.userT, b.pass = there.NewUser()
	b.userH, _ = here.NewUser()
	b.configure()
	return b
}

func (b *both) config() string { return filepath.Join(b.dir, "config") }

func (b *both) configure() {
	b.t.Helper()
	repository := func(name, addr, user, more string) string {
		host, port, _ := strings.Cut(addr, ":")
		return fmt.Sprintf("[Repository %s]\ntype = IMAP\nremotehost = %s\nremoteport = %s\nremoteuser = %s\nremotepass = %s\nssl = no\nstarttls = no\n%s\n", name, host, port, user, b.pass, more)
	}
	text := fmt.Sprintf("[general]\naccounts = work\nmetadata = %s/state\n[Account work]\nlocalrepository = here\nremoterepository = there\n", b.dir) +
		repository("here", b.toHere, b.userH, b.more) + repository("there", b.toThere, b.userT, "")
	if err := os.WriteFile(b.config(), []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

func (b *both) at(here bool) *testenv.Mailer {
	b.t.Helper()
	if here {
		return testenv.Client(b.t, b.here.Addr(), b.userH, b.pass)
	}
	return testenv.Client(b.t, b.there.Addr(), b.userT, b.pass)
}

// change does something on one side.
func (b *both) change(here bool, f func(m *testenv.Mailer)) {
	b.t.Helper()
	m := b.at(here)
	defer m.Close()
	f(m)
}

func (b *both) holds(here bool) string {
	b.t.Helper()
	m := b.at(here)
	defer m.Close()
	var out []string
	for f, mails := range m.Snapshot() {
		for _, m := range mails {
			out = append(out, fmt.Sprintf("%s %s %s", strings.ReplaceAll(f, "/", "."), m.SHA256[:16], letters(m.Flags)))
		}
	}
	sort.Strings(out)
	return strings.Join(out, "\n")
}

func (b *both) run(args ...string) (status int, stdout, stderr string) {
	var out, errs bytes.Buffer
	status = run(append([]string{"--once", "-c", b.config()}, args...), &out, &errs, func(o *options) {
		o.patience, o.remoteID, o.localID = b.patience, b.unchangedName, b.unchangedName
	})
	return status, out.String(), errs.String()
}

func (b *both) sync(args ...string) engine.Counts {
	b.t.Helper()
	status, out, errs := b.run(append(args, "--json")...)
	if status != exitOK {
		b.t.Fatalf("status %d: %s%s", status, errs, out)
	}
	var d struct {
		Accounts []struct{ Counts engine.Counts }
	}
	if err := json.Unmarshal([]byte(out), &d); err != nil {
		b.t.Fatal(err)
	}
	return d.Accounts[0].Counts
}

// inStep checks that both sides hold the same, and that nothing is left to do.
func (b *both) inStep(what string) {
	b.t.Helper()
	h, r := b.holds(true), b.holds(false)
	if h != r {
		b.t.Fatalf("%s: here and there: %s", what, difference(h, r))
	}
	if c := b.sync(); c.Any() {
		b.t.Fatalf("%s: a run with nothing to do did something: %+v", what, c)
	}
	if again := b.holds(false); again != r {
		b.t.Fatalf("%s: a run with nothing to do changed the server: %s", what, difference(again, r))
	}
}

func (b *both) clone(t testing.TB) *both {
	t.Helper()
	c := *b
	c.t, c.dir = t, t.TempDir()
	c.userT, _ = b.there.NewUser()
	c.userH, _ = b.here.NewUser()
	copyTree(t, b.there.MailHome(b.userT), b.there.MailHome(c.userT))
	copyTree(t, b.here.MailHome(b.userH), b.here.MailHome(c.userH))
	if _, err := os.Stat(filepath.Join(b.dir, "state")); err == nil {
		copyTree(t, filepath.Join(b.dir, "state"), filepath.Join(c.dir, "state"))
	}
	c.configure()
	return &c
}

// killed runs the program as a process of its own that kills itself at a step, or
// is killed, and tells whether that happened.
func (b *both) killed(step int, started func(kill func())) bool {
	b.t.Helper()
	cmd := exec.Command(os.Args[0], "--once", "-c", b.config())
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d %s", beProgram, step, b.unchangedName))
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	if started != nil {
		started(func() { cmd.Process.Kill() })
	}
	_ = cmd.Wait() // the state says how
	ws, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
	return ok && ws.Signaled()
}

// startedBoth is somebody whose servers were in step with ten mails.
func startedBoth(t testing.TB, there, here *testenv.Server) *both {
	t.Helper()
	b := newBoth(t, there, here)
	b.change(true, func(m *testenv.Mailer) { // so that UIDs differ
		m.Append("INBOX", body(900), time.Time{})
		m.Append("INBOX", body(901), time.Time{})
		m.Expunge("INBOX", "1,2")
	})
	b.change(false, func(m *testenv.Mailer) {
		for i := range 10 {
			m.Append("INBOX", body(i), time.Unix(1_600_000_000+int64(i)*86400, 0), `\Flagged`)
		}
		m.Create("Lists")
		m.Create("Lists/go")
		m.Append("Lists/go", body(50), time.Time{}, `\Seen`)
	})
	if c := b.sync(); c.Downloaded != 11 || c.Uploaded != 0 {
		t.Fatalf("the first run: %+v", c)
	}
	b.inStep("first run")
	return b
}

// bothWays changes either side.
func bothWays(b *both) {
	b.change(false, func(m *testenv.Mailer) {
		m.Append("INBOX", body(100), time.Time{}, `\Flagged`)
		m.Append("INBOX", body(101), time.Time{})
		m.Store("INBOX", "2,3", "+FLAGS", `\Seen`)
		m.Expunge("INBOX", "4")
	})
	b.change(true, func(m *testenv.Mailer) {
		m.Append("INBOX", body(200), time.Time{}, `\Answered`)
		m.Append("Lists.go", body(201), time.Time{})
		m.Store("INBOX", "7", "+FLAGS", `\Answered`)
		m.Expunge("INBOX", "12")
		m.Create("Private")
		m.Append("Private", body(202), time.Time{})
	})
}

func servers(t testing.TB) (there, here *testenv.Server) {
	return testenv.Dovecot(t, testenv.DovecotOptions{}), testenv.Dovecot(t, testenv.DovecotOptions{Separator: "."})
}

func TestTwoServers(t *testing.T) {
	t.Parallel()
	there, here := servers(t)
	b := startedBoth(t, there, here)
	bothWays(b)
	if c := b.sync(); c.Downloaded != 2 || c.Uploaded != 3 || c.RemovedLocal != 1 || c.RemovedRemote != 1 {
		t.Errorf("changes both ways: %+v", c)
	}
	b.inStep("changes both ways")

	// All that is known apart from the mails is lost, in turn and together.
	for _, lost := range []string{"offlineimapd.uidmap.sqlite", "offlineimapd.sqlite", "*"} {
		c := b.clone(t)
		all, _ := filepath.Glob(filepath.Join(c.dir, "state", "Account-work", lost+"*"))
		if len(all) == 0 {
			t.Fatalf("no %s", lost)
		}
		for _, f := range all {
			os.Remove(f)
		}
		want := c.holds(false)
		if n := c.sync(); n.Downloaded+n.Uploaded+n.RemovedLocal+n.RemovedRemote != 0 {
			t.Errorf("after the loss of %s: %+v", lost, n)
		}
		c.inStep("loss of " + lost)
		if got := c.holds(false); got != want {
			t.Errorf("after the loss of %s: %s", lost, difference(got, want))
		}
	}

	t.Run("replaced", func(t *testing.T) {
		c := b.clone(t)
		want := c.holds(false)
		c.change(true, func(m *testenv.Mailer) {
			m.Delete("Lists.go")
			m.Create("Lists.go")
			m.Append("Lists.go", body(300), time.Time{})
		})
		c.sync()
		c.inStep("a local mailbox that was made anew")
		for line := range strings.SplitSeq(want, "\n") {
			if !strings.Contains(c.holds(false), line) {
				t.Errorf("the server has lost %s", line)
			}
		}
	})
	t.Run("emptied", func(t *testing.T) {
		c := b.clone(t)
		want := c.holds(false)
		c.change(true, func(m *testenv.Mailer) { m.Expunge("INBOX", "1:*") })
		if status, out, errs := c.run(); status != exitHeld || !strings.Contains(out+errs, "emptied locally") {
			t.Errorf("status %d: %s%s", status, out, errs)
		}
		if got := c.holds(false); got != want {
			t.Errorf("an emptied local mailbox: %s", difference(got, want))
		}
	})
	t.Run("another server", func(t *testing.T) {
		c := b.clone(t)
		want := c.holds(false)
		c.userH, _ = here.NewUser()
		c.configure()
		var out, errs bytes.Buffer
		status := run([]string{"--once", "-c", c.config()}, &out, &errs, func(o *options) { o.remoteID = c.unchangedName })
		if status != exitHeld || !strings.Contains(out.String()+errs.String(), "local side") {
			t.Errorf("status %d: %s%s", status, out.String(), errs.String())
		}
		if got := c.holds(false); got != want {
			t.Errorf("another local server: %s", difference(got, want))
		}
	})
	t.Run("no UIDs told", func(t *testing.T) {
		c := b.clone(t)
		c.toHere = testenv.Proxy(t, here.Addr(), testenv.ProxyOptions{Without: []string{"UIDPLUS", "MULTIAPPEND", "CONDSTORE", "QRESYNC"}}).Addr()
		c.configure()
		bothWays2(c)
		c.change(false, func(m *testenv.Mailer) {
			for range 3 { // nothing tells them apart
				m.Append("Lists", []byte("Subject: the same\r\n\r\nx\r\n"), time.Time{})
			}
		})
		if n := c.sync(); n.Downloaded != 4 || n.Uploaded != 1 {
			t.Errorf("a local server that does not tell UIDs: %+v", n)
		}
		c.inStep("a local server that does not tell UIDs")
	})
	// Another program removes what was just stored, before it is looked for, and puts a
	// mail of its own there: that is not the one that was stored.
	t.Run("taken for another", func(t *testing.T) {
		c := b.clone(t)
		proxy := testenv.Proxy(t, here.Addr(), testenv.ProxyOptions{Without: []string{"UIDPLUS", "MULTIAPPEND", "CONDSTORE", "QRESYNC"}})
		c.toHere = proxy.Addr()
		c.configure()
		c.change(false, func(m *testenv.Mailer) { m.Append("INBOX", body(410), time.Time{}) })
		var mu sync.Mutex
		sent, done := false, false
		proxy.OnExchange(func(_ int, line string) {
			mu.Lock()
			defer mu.Unlock()
			if sent && !done {
				done = true
				c.change(true, func(m *testenv.Mailer) {
					all := m.Messages("INBOX")
					m.Expunge("INBOX", fmt.Sprint(all[len(all)-1].UID))
					m.Append("INBOX", body(411), time.Time{})
				})
			}
			sent = sent || strings.Contains(line, " APPEND ")
		})
		if status, out, errs := c.run(); status != exitError || !strings.Contains(out+errs, "does not show it") {
			t.Errorf("status %d: %s%s", status, out, errs)
		}
		mu.Lock()
		defer mu.Unlock()
		if !done {
			t.Fatal("nothing was sent")
		}
		c.toHere = here.Addr()
		c.configure()
		c.run()
		if there := c.holds(false); strings.Count(there, "\n")+1 != 2+strings.Count(b.holds(false), "\n")+1 {
			t.Errorf("the foreign mail did not go up, or something was doubled: %s", there)
		}
	})
	t.Run("dry run", func(t *testing.T) {
		c := b.clone(t)
		c.change(false, func(m *testenv.Mailer) {
			m.Append("INBOX", body(430), time.Time{})
			m.Store("INBOX", "4", "+FLAGS", `\Answered`)
			m.Expunge("INBOX", "5")
		})
		bothWays2(c)
		planned := c.sync("--dry-run")
		done := c.sync()
		planned.Bytes, done.Bytes = 0, 0
		if planned != done || done.Downloaded != 2 || done.Uploaded != 1 {
			t.Errorf("planned %+v, done %+v", planned, done)
		}
	})
	t.Run("unlisted", func(t *testing.T) { // SUBSCRIBE hides it, not DELETE
		c := b.clone(t)
		c.more = "subscribedonly = yes"
		c.configure()
		want := c.holds(false)
		if n := c.sync(); n.Any() {
			t.Errorf("local mailboxes that are not listed: %+v", n)
		}
		if got := c.holds(false); got != want || c.holds(true) != want {
			t.Errorf("local mailboxes that are not listed: %s", difference(got, want))
		}
	})
	for _, more := range []string{"", "startdate = " + time.Now().AddDate(0, 0, -1).Format(time.DateOnly), "sync_deletes = no"} {
		t.Run("old map, "+more, func(t *testing.T) {
			c := b.clone(t)
			c.change(false, func(m *testenv.Mailer) { m.Create("Old") })
			c.sync()
			file := filepath.Join(c.dir, "state", "Account-work", "offlineimapd.uidmap.sqlite")
			old, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			c.change(false, func(m *testenv.Mailer) {
				for i := range 3 {
					m.Append("Old", body(420+i), time.Now().AddDate(-1, 0, i))
				}
			})
			c.sync()
			want := c.holds(false)
			if err := os.WriteFile(file, old, 0o600); err != nil {
				t.Fatal(err)
			}
			c.configure()
			b, err := os.ReadFile(c.config())
			if err != nil {
				t.Fatal(err)
			}
			section := "[Repository there]\n"
			if strings.HasPrefix(more, "sync_deletes") {
				section = "[Repository here]\n"
			}
			if err := os.WriteFile(c.config(), bytes.Replace(b, []byte(section), []byte(section+more+"\n"), 1), 0o600); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if n := c.sync(); n.Downloaded+n.Uploaded+n.RemovedLocal+n.RemovedRemote > 0 {
					t.Errorf("%+v", n)
				}
				if got := c.holds(false); got != want {
					t.Errorf("there: %s", difference(got, want))
				}
			}
		})
	}
	t.Run("old map", func(t *testing.T) {
		c := b.clone(t)
		file := filepath.Join(c.dir, "state", "Account-work", "offlineimapd.uidmap.sqlite")
		old, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		bothWays2(c)
		c.sync()
		want := c.holds(false)
		if err := os.WriteFile(file, old, 0o600); err != nil {
			t.Fatal(err)
		}
		c.sync()
		c.inStep("a map of another day")
		if got := c.holds(false); got != want {
			t.Errorf("a map of another day: %s", difference(got, want))
		}
	})
}

// bothWays2 adds mails on both sides.
func bothWays2(b *both) {
	b.change(false, func(m *testenv.Mailer) { m.Append("INBOX", body(400), time.Time{}) })
	b.change(true, func(m *testenv.Mailer) { m.Append("INBOX", body(401), time.Time{}) })
}

// Whatever cuts a run off, wherever, the next one reaches the end that an
// undisturbed run reaches: nothing lost, nothing doubled on either server.
func TestTwoServersCutOff(t *testing.T) {
	t.Parallel()
	there, here := servers(t)
	toHere := testenv.Proxy(t, here.Addr(), testenv.ProxyOptions{})
	toThere := testenv.Proxy(t, there.Addr(), testenv.ProxyOptions{})
	before := startedBoth(t, there, here)
	bothWays(before)

	whole := before.clone(t)
	whole.toHere, whole.toThere = toHere.Addr(), toThere.Addr()
	whole.configure()
	whole.sync()
	exchanges := map[*testenv.ProxyT]int{toHere: int(toHere.Stats().Exchanges), toThere: int(toThere.Stats().Exchanges)}
	want := whole.holds(false)
	whole.inStep("undisturbed")

	after := func(t *testing.T, b *both, what string) {
		t.Helper()
		b.toHere, b.toThere = here.Addr(), there.Addr()
		b.configure()
		if status, out, errs := b.run(); status != exitOK {
			t.Fatalf("%s: the next run ended with %d: %s%s", what, status, out, errs)
		}
		if r := b.holds(false); r != want {
			t.Fatalf("%s: there: %s", what, difference(r, want))
		}
		if h := b.holds(true); h != want {
			t.Fatalf("%s: here: %s", what, difference(h, want))
		}
		b.inStep(what)
	}
	t.Run("state and map", func(t *testing.T) {
		t.Parallel()
		for step, on := 1, true; on; step++ {
			b := before.clone(t)
			on = b.killed(step, nil)
			after(t, b, fmt.Sprintf("killed at step %d of state and map", step))
		}
	})
	for proxy, most := range exchanges {
		side := map[*testenv.ProxyT]string{toHere: "local", toThere: "remote"}[proxy]
		t.Run("exchanges with the "+side+" server", func(t *testing.T) {
			t.Parallel()
			toHere := testenv.Proxy(t, here.Addr(), testenv.ProxyOptions{})
			toThere := testenv.Proxy(t, there.Addr(), testenv.ProxyOptions{})
			proxy := map[string]*testenv.ProxyT{"local": toHere, "remote": toThere}[side]
			for n := 1; n <= most; n++ {
				for _, w := range []testenv.Where{testenv.Before, testenv.Inside, testenv.After} {
					kill := (n+int(w))%2 == 0 // each by turns, for the time that it takes
					b := before.clone(t)
					b.toHere, b.toThere = toHere.Addr(), toThere.Addr()
					b.configure()
					toHere.Reset()
					toThere.Reset()
					if kill {
						b.killed(0, func(k func()) { proxy.DoAt(n, w, k) })
					} else {
						proxy.CutAt(n, w)
						b.run()
					}
					after(t, b, fmt.Sprintf("the %s server, cut %s exchange %d, killed %v", side, w, n, kill))
				}
			}
		})
	}
}
