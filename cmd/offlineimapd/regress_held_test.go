package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/internal/testenv"
)

// held runs the program, which must hold and change neither side.
func (p *person) held() {
	p.t.Helper()
	here, there := p.local(), p.remote()
	status, out, errs := p.run()
	if status != exitHeld || !strings.Contains(errs, "held") {
		p.t.Fatalf("status %d, and it should be held: %s%s", status, out, errs)
	}
	if l := p.local(); l != here {
		p.t.Fatalf("held, but the Maildir changed: %s", difference(l, here))
	}
	if r := p.remote(); r != there {
		p.t.Fatalf("held, but the server changed: %s", difference(r, there))
	}
}

// tree lists all files below a directory, with their times and contents.
func (p *person) tree(dir string) string {
	p.t.Helper()
	var all strings.Builder
	p.must(filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		fmt.Fprintf(&all, "%s %v %v", path, info.Mode(), info.ModTime())
		if info.Mode().IsRegular() {
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			all.WriteString(" " + testenv.SHA256(b))
		}
		all.WriteByte('\n')
		return nil
	}))
	return all.String()
}

// unchanged checks that f changes nothing on either side.
func (p *person) unchanged(f func()) {
	p.t.Helper()
	here, there := p.tree(p.dir), p.remote()
	f()
	if l := p.tree(p.dir); l != here {
		p.t.Fatalf("files changed: %s", difference(l, here))
	}
	if r := p.remote(); r != there {
		p.t.Fatalf("the server changed: %s", difference(r, there))
	}
}

// together writes one configuration for two persons, with the accounts work
// and home, which runs of the first use from then on.
func together(a, b *person) {
	a.t.Helper()
	mine, err := os.ReadFile(a.config())
	a.must(err)
	others, err := os.ReadFile(b.config())
	a.must(err)
	_, sections, _ := strings.Cut(string(others), "\n\n")
	sections = strings.NewReplacer("[Account work]", "[Account home]", "Repository here]", "Repository here2]", "Repository there]", "Repository there2]",
		"= here\n", "= here2\n", "= there\n", "= there2\n").Replace(sections)
	all := strings.Replace(string(mine), "accounts = work", "accounts = work, home", 1) + "\n" + sections
	a.must(os.WriteFile(a.config(), []byte(all), 0o600))
}

// Another user is configured, whose mailbox happens to have the same
// UIDVALIDITY: that is not the mailbox that lost some mails and got others.
func TestAnotherUserWithTheSameUIDValidity(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	p := newPerson(t, srv)
	m := p.mailer()
	validity := m.UIDValidity("INBOX")
	m.Close()
	q := *p
	q.user, q.pass = srv.NewUser()
	copyTree(t, srv.MailHome(p.user), srv.MailHome(q.user))
	p.arrive(0, 9)
	q.arrive(100, 111)
	m = q.mailer()
	if v := m.UIDValidity("INBOX"); v != validity {
		t.Fatalf("UIDVALIDITY %d and %d", validity, v)
	}
	m.Close()
	p.sync()

	q.configure()
	q.held()
	q.held()
	if c := q.sync("--approve", "/"); c.RemovedLocal != 0 || c.RemovedRemote != 0 {
		t.Fatalf("mails were removed: %+v", c)
	}
	q.holds(numbers(0, 9, numbers(100, 111)...)...)
	q.inStep()
}

// The server's mailbox comes out of a backup, so that its next mails get UIDs
// that others had. It is held, also when it has grown beyond where it was, until
// somebody approves; then no mail is missing anywhere.
func TestMailboxFromBackup(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	p := newPerson(t, srv)
	p.arrive(0, 9)
	p.sync()
	home, backup := srv.MailHome(p.user), filepath.Join(t.TempDir(), "home")
	copyTree(t, home, backup)
	p.arrive(10, 14)
	p.sync()
	p.must(os.RemoveAll(home))
	copyTree(t, backup, home)
	m := p.mailer()
	if answer := strings.Join(m.Command("STATUS INBOX (MESSAGES UIDNEXT)"), " "); !strings.Contains(answer, "MESSAGES 10 UIDNEXT 11") {
		t.Fatalf("the backup did not come back: %s", answer)
	}
	m.Close()
	p.held()
	p.arrive(200, 206)
	p.held()
	p.held()
	if c := p.sync("--approve", "INBOX"); c.RemovedLocal != 0 || c.RemovedRemote != 0 {
		t.Fatalf("mails were removed: %+v", c)
	}
	p.holds(numbers(0, 14, numbers(200, 206)...)...)
	p.inStep()
}

// A Maildir that came out of a backup without the mark lacks the mails that came
// since. A person is asked; then, since nobody removed them, they are
// downloaded again.
func TestMaildirFromBackup(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	p := newPerson(t, srv)
	p.arrive(0, 9)
	p.sync()
	backup := filepath.Join(t.TempDir(), "backup")
	copyTree(t, p.root(), backup)
	p.must(os.Remove(filepath.Join(backup, ".offlineimapd")))
	p.arrive(10, 14)
	p.sync()
	there := p.remote()
	p.must(os.RemoveAll(p.root()))
	copyTree(t, backup, p.root())
	p.held()
	if c := p.sync("--approve", "/"); c.RemovedRemote != 0 || c.RemovedLocal != 0 {
		t.Errorf("mails were removed: %+v", c)
	}
	if r := p.remote(); r != there {
		t.Fatalf("the server changed: %s", difference(r, there))
	}
	p.holds(numbers(0, 14)...)
	p.inStep()
}

// A dry run shows what would follow if the missing place of the mails were
// made anew, and does not make it.
func TestDryRunOfANewPlace(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	p := newPerson(t, srv)
	p.arrive(0, 5)
	p.sync()
	p.must(os.RemoveAll(p.root()))
	p.unchanged(func() {
		if c := p.sync("--dry-run", "--approve", "/"); c.Downloaded != 6 || c.Uploaded != 0 || c.RemovedRemote != 0 {
			t.Fatalf("six mails are to be downloaded: %+v", c)
		}
	})
	p.sync("--approve", "/")
	p.holds(numbers(0, 5)...)
	p.inStep()
}

// Two configurations with different metadata directories keep the same
// Maildir: while one works there, the other says so and leaves it alone.
func TestTwoConfigurationsOfOneMaildir(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	proxy := testenv.Proxy(t, srv.Addr(), testenv.ProxyOptions{})
	p := newPerson(t, srv)
	p.arrive(0, 4)
	p.sync()
	other := filepath.Join(p.dir, "other-config")
	text, err := os.ReadFile(p.config())
	p.must(err)
	p.must(os.WriteFile(other, bytes.Replace(text, []byte(p.dir+"/state"), []byte(t.TempDir()+"/state"), 1), 0o600))
	p.arrive(5, 6)
	p.write("INBOX", 100, "S", body(100))
	p.unlink("INBOX", 2)

	p.through(proxy.Addr())
	proxy.Stall(true)
	cmd := p.command()
	p.must(cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill() })
	deadline := time.Now().Add(20 * time.Second)
	for proxy.Stats().Connections == 0 {
		if time.Now().After(deadline) {
			t.Fatal("it never connected")
		}
		time.Sleep(5 * time.Millisecond)
	}
	p.unchanged(func() {
		var out, errs bytes.Buffer
		if status := run([]string{"--once", "-c", other}, &out, &errs, nil); status != exitError || !strings.Contains(errs.String(), "another program") {
			t.Fatalf("status %d: %s%s", status, out.String(), errs.String())
		}
	})
	proxy.Stall(false)
	p.must(cmd.Wait())
	p.through(srv.Addr())
	p.holds(0, 2, 3, 4, 5, 6, 100)
	p.inStep()
}

// Two accounts have a folder that waits for approval. A name that could mean
// either lets nothing through; the account before it lets through that one.
func TestApproveOneOfTwoAccounts(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	a, b := newPerson(t, srv), newPerson(t, srv)
	a.arrive(0, 4)
	b.arrive(10, 14)
	together(a, b)
	a.sync()
	for uid := 1; uid <= 5; uid++ {
		a.unlink("INBOX", uid)
		b.unlink("INBOX", uid)
	}
	here, there := a.remote(), b.remote()
	status, out, errs := a.run("--approve", "INBOX")
	if status != exitUsage || !strings.Contains(errs, "hint") || !strings.Contains(errs, "--approve work/") && !strings.Contains(errs, "--approve ACCOUNT/") {
		t.Fatalf("the account should be asked for: status %d: %s%s", status, out, errs)
	}
	if a.remote() != here || b.remote() != there {
		t.Fatal("a name that says too little let a plan through")
	}
	status, out, errs = a.run("--approve", "work/INBOX")
	if status != exitHeld || !strings.Contains(errs, "home/INBOX") {
		t.Fatalf("the other account should still be held, and its folder be named with it: status %d: %s%s", status, out, errs)
	}
	if r := a.remote(); r != "" {
		t.Fatalf("the approved plan was not carried out: %s", r)
	}
	if r := b.remote(); r != there {
		t.Fatalf("the plan of the other account was let through: %s", difference(r, there))
	}
}

// Who misspells the name of a folder hears of it.
func TestApproveOfAnUnknownFolder(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	p := newPerson(t, srv)
	p.arrive(0, 4)
	p.sync()
	for uid := 1; uid <= 5; uid++ {
		p.unlink("INBOX", uid)
	}
	there := p.remote()
	for _, name := range []string{"Inbxo", "work/Inbxo"} {
		status, out, errs := p.run("--approve", name)
		if status == exitOK || !strings.Contains(out+errs, "Inbxo") {
			t.Errorf("status %d: %s%s", status, out, errs)
		}
		if r := p.remote(); r != there {
			t.Fatalf("the server changed: %s", difference(r, there))
		}
	}
}

// A folder was deleted on both sides. Another one of the same name that is made
// here later is a new folder, and is uploaded.
func TestFolderMadeAgain(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	p := newPerson(t, srv)
	p.arrive(0, 4)
	m := p.mailer()
	m.Create("Lists")
	for n := range 3 {
		m.Append("Lists", body(50+n), time.Time{}, `\Seen`)
	}
	p.sync()
	m.Delete("Lists")
	m.Close()
	p.must(os.RemoveAll(filepath.Join(p.root(), "Lists")))
	p.sync()
	p.sync()
	p.write("Lists", 60, "S", body(60))
	if c := p.sync(); c.Uploaded != 1 || c.Downloaded != 0 {
		t.Fatalf("one mail was to go up: %+v", c)
	}
	if r := p.remote(); strings.Count(r, "Lists") != 1 {
		t.Fatalf("on the server: %s", r)
	}
	p.inStep()
}
