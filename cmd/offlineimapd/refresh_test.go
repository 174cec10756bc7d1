package main

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/internal/testenv"
)

// With autorefresh the program goes on until it is ended. While it sleeps, no lock
// keeps others out; USR1 wakes it; what fails does not make it give up.
func TestRefresh(t *testing.T) {
	t.Parallel()
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	p := newPerson(t, srv)
	m := p.mailer()
	m.Append("INBOX", body(1), time.Time{})
	p.settings(map[string]string{"[Account work]": "autorefresh = 5"})
	c := p.call("-c", p.config(), "-u", "basic").started()
	c.until(1, "*** Finished account 'work'")
	lock := filepath.Join(p.dir, "state", "work.lock")
	if !exists(lock) {
		t.Error("the lock file was removed")
	}
	m.Append("INBOX", body(2), time.Time{})
	if again := p.callTheirs("-c", p.config(), "-o", "-u", "basic").started(); again.status() != 0 || !strings.Contains(again.all(), "Copy message") {
		t.Errorf("while it sleeps, OfflineIMAP says: %s", again.all())
	}
	m.Append("INBOX", body(3), time.Time{})
	c.signal(syscall.SIGUSR1)
	c.until(2, "*** Finished account 'work'")
	if got := p.local(); strings.Count(got, "INBOX ") != 3 {
		t.Errorf("there is %s", got)
	}
	srv.Stop()
	for n := range 5 { // OfflineIMAP gives up after three
		c.signal(syscall.SIGUSR1)
		c.until(3+n, "*** Finished account 'work'")
	}
	srv.Start()
	p.mailer().Append("INBOX", body(4), time.Time{})
	c.signal(syscall.SIGUSR1)
	c.until(8, "*** Finished account 'work'")
	if got := p.local(); strings.Count(got, "INBOX ") != 4 {
		t.Errorf("there is %s", got)
	}
	told := time.Now()
	c.signal(syscall.SIGHUP)
	if s := c.status(); s != exitError { // passes have failed
		t.Errorf("status %d: %s", s, c.all())
	}
	if took := time.Since(told); took > 5*time.Second {
		t.Errorf("it took %v to end", took)
	}
	if !exists(lock) {
		t.Error("the lock file was removed")
	}
}

// In the middle of a pass it ends soon and in order, whatever it waits for; the next
// run goes on.
func TestEndedAtWork(t *testing.T) {
	t.Parallel()
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	p := newPerson(t, srv)
	m := p.mailer()
	for i := range 30 {
		m.Append("INBOX", large(i), time.Time{})
	}
	proxy := testenv.Proxy(t, srv.Addr(), testenv.ProxyOptions{})
	p.through(proxy.Addr())
	begun := make(chan struct{}, 100)
	proxy.OnExchange(func(_ int, line string) {
		if strings.Contains(line, "BODY.PEEK") {
			go proxy.Stall(true)
			begun <- struct{}{}
		}
	})
	c := p.call("-c", p.config(), "-u", "basic").started()
	<-begun
	told := time.Now()
	c.signal(syscall.SIGTERM)
	if s := c.status(); s != exitOK || strings.Contains(c.all(), "ERROR") {
		t.Errorf("status %d: %s", s, c.all())
	}
	if took := time.Since(told); took > 5*time.Second {
		t.Errorf("it took %v to end", took)
	}
	p.through(srv.Addr())
	p.sync()
	p.inStep()
}

// What only one run has, holds for that alone.
func TestFlags(t *testing.T) {
	t.Parallel()
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	p := newPerson(t, srv)
	m := p.mailer()
	for _, box := range []string{"Sent", "Spam", "Lists/go"} {
		m.Create(box)
		m.Append(box, body(1), time.Time{})
	}
	p.more = "folderfilter = lambda f: f != 'Spam'"
	p.configure()
	p.settings(map[string]string{"[Account work]": "autorefresh = 5"})
	folders := func() (all []string) {
		for f := range testenv.MaildirSnapshot(t, p.root()) {
			all = append(all, f)
		}
		slices.Sort(all)
		return all
	}
	call := func(want string, args ...string) *called {
		t.Helper()
		c := p.call(append([]string{"-c", p.config()}, args...)...).started()
		if s := c.status(); s != exitOK {
			t.Errorf("%q: status %d: %s", args, s, c.all())
		}
		if got := strings.Join(folders(), " "); got != want {
			t.Errorf("%q: folders %s, not %s", args, got, want)
		}
		return c
	}
	// -f goes before the filter of the configuration, -o before autorefresh, and -k
	// before what the file says.
	call("Spam", "-o", "-f", "Spam")
	call("Lists.go Spam", "-oq", "-fLists/go,Nowhere")
	call("Lists.go Spam", "-o", "-1", "-k", "Repository_there:folderfilter=lambda f: f == 'Spam'")
	if c := call("Lists.go Spam", "-k", "Account_work:autorefresh=0", "-f", "Spam"); !strings.Contains(c.err.String(), "Syncing Spam") {
		t.Errorf("ttyui is not on standard error: %s", c.all())
	}
	log := filepath.Join(p.dir, "log")
	p.must(os.WriteFile(log, []byte("before\n"), 0o600))
	c := call("Lists.go Spam", "-o", "-u", "quiet", "-l", log, "-f", "Spam", "-d", "imap")
	b, err := os.ReadFile(log)
	p.must(err)
	if said := string(b); !strings.HasPrefix(said, "before\n") || !strings.Contains(said, "*** Processing account work") || !strings.Contains(said, "UIDVALIDITY") {
		t.Errorf("in the log: %s", said)
	} else if strings.Contains(said, "\x00"+p.user) || strings.Contains(said, "AHVzZXI") || strings.Count(said, "AUTHENTICATE PLAIN ***") == 0 {
		t.Errorf("a secret is in the log, or nothing of the login: %s", said)
	}
	if c.all() != "" {
		t.Errorf("quiet said: %s", c.all())
	}
	call("INBOX Lists.go Sent Spam", "-o", "--ignore-keyring", "-P", "profile")
	if exists("profile") {
		t.Error("a profile was made")
	}
}

// A password that nobody configured is asked for, again in the next pass where it
// was refused, and not again where it was right.
func TestPasswordAsked(t *testing.T) {
	t.Parallel()
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	p := newPerson(t, srv)
	p.mailer().Append("INBOX", body(1), time.Time{})
	pass := p.pass
	p.pass = ""
	p.configure()
	p.settings(map[string]string{"[Account work]": "autorefresh = 5"})
	c := p.call("-c", p.config(), "-u", "machineui")
	in, err := c.StdinPipe()
	p.must(err)
	c.started()
	answer := func(n int, word string) {
		t.Helper()
		c.until(n, ":getpass:")
		_, err := io.WriteString(in, word+"\n")
		p.must(err)
	}
	answer(1, "wrong")
	c.until(1, ":acctdone:")
	c.signal(syscall.SIGUSR1)
	answer(2, pass)
	c.until(2, ":acctdone:")
	c.signal(syscall.SIGUSR1)
	c.until(3, ":acctdone:")
	if n := strings.Count(c.all(), ":getpass:"); n != 2 || !strings.Contains(c.all(), ":copyingmessage:") {
		t.Errorf("asked %d times: %s", n, c.all())
	}
	c.signal(syscall.SIGTERM)
	if s := c.status(); s != exitError {
		t.Errorf("status %d, although a pass failed", s)
	}
	// Nobody can be asked by basic.
	c = p.call("-c", p.config(), "-o", "-u", "basic").started()
	if s := c.status(); s != exitError || !strings.Contains(c.all(), "password") {
		t.Errorf("status %d: %s", s, c.all())
	}
}
