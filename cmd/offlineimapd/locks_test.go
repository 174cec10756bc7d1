package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/internal/testenv"
)

// await waits for a file.
func (p *person) await(path string) {
	p.t.Helper()
	for deadline := time.Now().Add(40 * time.Second); !exists(path); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Fatalf("%s was not made", path)
		}
	}
}

// While one of the programs works on an account, the other leaves it alone, and
// says why. Ours takes the lock file of nobody away, its own neither.
func TestOneLockForBoth(t *testing.T) {
	t.Parallel()
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	p := newPerson(t, srv)
	p.arrive(1, 2)
	inside, leave := filepath.Join(p.dir, "inside"), filepath.Join(p.dir, "leave")
	p.settings(map[string]string{"[Account work]": fmt.Sprintf(
		"presynchook = test -e %[1]s.off || { touch %[1]s; while ! test -e %[2]s; do sleep 0.02; done; }", inside, leave)})
	lock := filepath.Join(p.dir, "state", "work.lock")
	theirs := func() *called { return p.callTheirs("-o", "-u", "basic", "-c", p.config()).started() }

	holder := theirs()
	p.await(inside)
	before := p.tree(filepath.Join(p.dir, "state"))
	if status, out, errs := p.run(); status != exitError || !strings.Contains(errs, "in use by another program") || !strings.Contains(errs, "OfflineIMAP") {
		t.Errorf("status %d: %s%s", status, errs, out)
	}
	if !exists(lock) {
		t.Error("OfflineIMAP's lock file is gone")
	}
	if after := p.tree(filepath.Join(p.dir, "state", "Repository-there")); !strings.Contains(before, after) {
		t.Error("OfflineIMAP's files were changed")
	}
	p.must(os.WriteFile(leave, nil, 0o600))
	if holder.status() != exitOK {
		t.Fatal(holder.all())
	}

	p.must(os.Remove(inside))
	p.must(os.Remove(leave))
	ours := p.command()
	p.must(ours.Start())
	p.await(inside)
	c := theirs()
	if status := c.status(); status != exitError || !strings.Contains(c.all(), "Could not lock account work") {
		t.Errorf("status %d: %s", status, c.all())
	}
	// OfflineIMAP has unlinked the file that it did not hold. Nobody of ours is
	// misled by that.
	if status, out, errs := p.run(); status != exitError || !strings.Contains(errs, "in use by another program") {
		t.Errorf("status %d: %s%s", status, errs, out)
	}
	p.must(os.WriteFile(leave, nil, 0o600))
	p.must(ours.Wait())
	p.must(os.WriteFile(inside+".off", nil, 0o600))
	p.sync()
	if !exists(lock) {
		t.Error("the lock file was taken away")
	}
	if c := theirs(); c.status() != exitOK || len(transfers(c.all())) > 0 {
		t.Error(c.all())
	}
	p.inStep()
}

// The server has another mailbox under a name than the one that OfflineIMAP knew:
// its records are about mails that are no more. Nothing is removed on either side
// for their sake, where OfflineIMAP itself would remove mails here.
func TestMailboxMadeAnewBeforeTheChange(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	c := changer{newPerson(t, srv), map[string]string{"INBOX": "INBOX", "Sent": "Sent"}}
	m := c.mailer()
	m.Create("Sent")
	for n := 1; n <= 5; n++ {
		m.Append("Sent", body(n), time.Time{})
		m.Append("INBOX", body(10+n), time.Time{})
	}
	c.offlineIMAP()
	saved := filepath.Join(c.dir, "state", "Repository-there", "FolderValidity", "Sent")
	known, err := os.ReadFile(saved)
	c.must(err)
	if got, want := string(known), fmt.Sprintf("%d\n", m.UIDValidity("Sent")); got != want {
		t.Fatalf("FolderValidity is %q, want %q", got, want)
	}
	m.Rename("Sent", "Older")
	m.Delete("Older")
	m.Create("Sent")
	m.Append("Sent", body(5), time.Time{}, `\Seen`) // UID 1 is this one now
	m.Append("Sent", body(6), time.Time{})
	c.unlink("INBOX", 1)
	if fmt.Sprintf("%d\n", m.UIDValidity("Sent")) == string(known) {
		t.Fatal("the server gives the new mailbox the UIDVALIDITY of the old one")
	}
	before := c.theirs()
	r := c.report()
	if r.Counts.RemovedLocal != 0 || r.Counts.RemovedRemote != 1 || r.Counts.Downloaded != 1 || r.Counts.Uploaded != 4 {
		t.Errorf("%+v", r.Counts)
	}
	if !strings.Contains(r.text, "adopted 5 mails in 1 folder") {
		t.Errorf("it is not said what was adopted: %s", r.text)
	}
	c.agree()
	for n := 1; n <= 6; n++ {
		if !strings.Contains(c.person.local(), testenv.SHA256(body(n))[:16]) {
			t.Errorf("mail %d is gone", n)
		}
	}
	if after := c.theirs(); after != before {
		t.Errorf("OfflineIMAP's files were changed: %s", difference(after, before))
	}
	if again := c.report(); again.Counts.Any() {
		t.Errorf("the next run did something: %+v", again.Counts)
	}
}
