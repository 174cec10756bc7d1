package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/offlineimap/offlineimapd/internal/testenv"
)

// A run removes a mail on the server, and never hears the answer; meanwhile the
// file is back where it was. Nobody removed that mail on the server, so it goes
// up again.
func TestRemovalUndone(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	proxy := testenv.Proxy(t, srv.Addr(), testenv.ProxyOptions{})
	p := newPerson(t, srv)
	p.arrive(0, 5)
	p.sync()
	file := p.file("INBOX", 3)
	aside := filepath.Join(t.TempDir(), "aside")
	all := p.local()
	p.must(os.Rename(file, aside))
	p.through(proxy.Addr())
	at := 0
	probe := p.clone(t)
	proxy.OnExchange(func(n int, line string) {
		if strings.Contains(line, "UID EXPUNGE") {
			at = n
		}
	})
	probe.sync()
	proxy.OnExchange(nil)
	proxy.Reset()
	proxy.DoAt(at, testenv.After, func() { os.Rename(aside, file) })
	p.run()
	p.through(srv.Addr())
	if n := strings.Count(p.remote(), "INBOX"); n != 5 {
		t.Fatalf("%d mails on the server: the cut was not after the removal", n)
	}
	p.sync()
	if l := p.local(); l != all {
		t.Fatalf("the Maildir changed: %s", difference(l, all))
	}
	p.inStep()
}

// An approval that is interrupted has happened, or has not.
func TestApproveRootInterrupted(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	p := newPerson(t, srv)
	p.arrive(0, 9)
	p.sync()
	old := filepath.Join(t.TempDir(), "old")
	copyTree(t, p.root(), old)
	p.must(os.Remove(filepath.Join(old, ".offlineimapd")))
	p.arrive(10, 19)
	p.sync()
	p.must(os.RemoveAll(p.root()))
	copyTree(t, old, p.root())
	for step := 1; step < 30; step++ {
		q := p.clone(t)
		cmd := q.command()
		cmd.Args = append(cmd.Args, "--approve", "/")
		cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d %s", beProgram, step, q.remoteID))
		var errs bytes.Buffer
		cmd.Stderr = &errs
		err := cmd.Run()
		q.run()
		if n := strings.Count(q.remote(), "INBOX"); n != 20 {
			t.Fatalf("killed at step %d: %d mails are left on the server", step, n)
		}
		q.sync("--approve", "/")
		q.inStep()
		if err == nil {
			return
		}
	}
	t.Fatal("no end of steps")
}

// Two files claim one UID, and differ only in their text: neither is lost.
func TestEditedTwin(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	for _, first := range []string{"0", "9999999999"} {
		p := newPerson(t, srv)
		p.arrive(0, 4)
		p.sync()
		edited, err := os.ReadFile(p.file("INBOX", 3))
		p.must(err)
		edited = append(edited, "And one more thing.\n"...)
		p.must(os.WriteFile(filepath.Join(p.root(), "INBOX", "cur", first+"_1.x.h,U=3,FMD5="+inboxSum+":2,S"), edited, 0o600))
		p.sync()
		p.inStep()
		if n := strings.Count(p.remote(), "INBOX"); n != 6 {
			t.Fatalf("%d mails, want 6:\n%s", n, p.remote())
		}
		if !strings.Contains(p.remote(), testenv.SHA256(edited)[:16]) {
			t.Fatal("the edited mail is not on the server")
		}
	}
}
