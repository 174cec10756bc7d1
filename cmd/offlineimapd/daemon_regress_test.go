package main

import (
	"bytes"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/dbus/client"
	"github.com/offlineimap/offlineimapd/internal/testenv"
)

// rewrite changes the configuration.
func (r *running) rewrite(from, to string) {
	r.t.Helper()
	b, err := os.ReadFile(r.p.config())
	r.p.must(err)
	if !bytes.Contains(b, []byte(from)) {
		r.t.Fatalf("there is no %q in the configuration", from)
	}
	r.p.must(os.WriteFile(r.p.config(), bytes.ReplaceAll(b, []byte(from), []byte(to)), 0o600))
}

// TestCountsAreTrue: also after a run that was canceled, and after another
// program's run.
func TestCountsAreTrue(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	r := newRunning(t, srv)
	m := r.p.mailer()
	m.Create("Lists")
	m.Append("INBOX", body(1), time.Time{})
	m.Append("Lists", body(2), time.Time{})
	proxy := testenv.Proxy(t, srv.Addr(), testenv.ProxyOptions{})
	r.p.more = "maxconnections = 1"
	r.p.through(proxy.Addr())
	r.start()
	c := r.client()
	sync := func() {
		t.Helper()
		_, err := c.SyncAndWait(t.Context(), "work", client.SyncOptions{}, nil)
		r.p.must(err)
	}
	sync()
	for i := range 5 {
		m.Append("INBOX", body(20+i), time.Time{})
	}
	m.Append("Lists", body(50), time.Time{})
	proxy.OnExchange(func(_ int, line string) {
		if strings.Contains(line, "Lists") && strings.Contains(line, "SELECT") {
			proxy.Stall(true)
		}
	})
	jobs, err := c.Sync(t.Context(), "work", client.SyncOptions{})
	r.p.must(err)
	r.until("INBOX is done", func() bool { return r.local() == 6 })
	time.Sleep(200 * time.Millisecond) // for the base to have it
	r.p.must(c.Cancel(t.Context(), jobs[0].ID))
	proxy.OnExchange(nil)
	r.until("it has ended", func() bool { return r.describe(c).Accounts[0].State == "idle" })
	if a := r.describe(c).Accounts[0]; a.Messages != 7 || a.Fresh != 5 {
		t.Errorf("after a canceled run %d mails, %d of them new", a.Messages, a.Fresh)
	}
	proxy.Stall(false)
	sync()
	if a := r.describe(c).Accounts[0]; a.Messages != 8 || a.Fresh != 6 {
		t.Errorf("after the next %d mails, %d of them new", a.Messages, a.Fresh)
	}
	m.Append("INBOX", body(60), time.Time{})
	r.p.sync()
	sync()
	if a := r.describe(c).Accounts[0]; a.Messages != 9 {
		t.Errorf("after another program's run %d mails", a.Messages)
	}
}

// TestPauseMovesAlong: a pause survives a restart wherever the state is by then.
func TestPauseMovesAlong(t *testing.T) {
	r := newRunning(t, testenv.Dovecot(t, testenv.DovecotOptions{}))
	r.start()
	c := r.client()
	again := func() string {
		t.Helper()
		r.p.must(c.Reload(t.Context()))
		r.signal(syscall.SIGTERM)
		r.ends(5 * time.Second)
		r.out = safeBuffer{}
		r.start()
		return r.describe(c).State
	}
	r.p.must(c.Pause(t.Context(), "", 0))
	here := "metadata = " + r.p.dir + "/state"
	r.rewrite(here, here+"2")
	if s := again(); s != "paused" {
		t.Errorf("with the state in another place it is %s", s)
	}
	r.p.must(c.Resume(t.Context(), ""))
	r.rewrite(here+"2", here)
	if s := again(); s == "paused" {
		t.Error("a pause that was ended has come back")
	}
}
