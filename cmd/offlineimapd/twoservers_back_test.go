package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/internal/testenv"
)

// job does what is asked for instead of a run.
func (b *both) job(status int, words string, args ...string) string {
	b.t.Helper()
	var out, errs bytes.Buffer
	is := run(append([]string{"-c", b.config()}, args...), &out, &errs, func(o *options) {
		o.remoteID, o.localID = b.unchangedName, b.unchangedName
	})
	if all := out.String() + errs.String(); is != status || !strings.Contains(all, words) {
		b.t.Fatalf("%q: status %d, not %d, and %q: %s", args, is, status, words, all)
	}
	return out.String() + errs.String()
}

func (b *both) file(kind, repository, name string) string {
	return filepath.Join(b.dir, "state", "Repository-"+repository, kind, name)
}

func (b *both) read(path string) string {
	b.t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		b.t.Fatal(err)
	}
	return string(text)
}

// quietly runs OfflineIMAP, which finds nothing to copy, remove or make.
func (b *both) quietly() {
	b.t.Helper()
	want := b.holds(false)
	log := b.offlineIMAP()
	// Flags are another matter: it tells of those that both have and its status not.
	if did := regexp.MustCompile(`Copy message|Deleting \d|Creating folder|ERROR|WARNING|skipping`).FindString(log); did != "" {
		b.t.Errorf("OfflineIMAP: %s: %s", did, log)
	}
	for _, here := range []bool{true, false} {
		if got := b.holds(here); got != want {
			b.t.Errorf("OfflineIMAP changed something (here: %v): %s\n%s", here, difference(want, got), log)
		}
	}
}

// Whoever goes back to OfflineIMAP with two servers finds nothing doubled and
// nothing removed, whatever we did meanwhile.
func TestTwoServersBack(t *testing.T) {
	there, here := servers(t)
	b := newBoth(t, there, here)
	b.change(true, func(m *testenv.Mailer) { // so that UIDs differ
		m.Append("INBOX", body(900), time.Time{})
		m.Append("INBOX", body(901), time.Time{})
		m.Expunge("INBOX", "1,2")
	})
	b.change(false, func(m *testenv.Mailer) {
		for i, box := range []string{"INBOX", "Lists", "Lists/go", "Sent"} {
			if box != "INBOX" {
				m.Create(box)
			}
			for n := range 18 {
				m.Append(box, body(100*i+n), time.Time{}, `\Seen`)
			}
		}
	})
	b.job(exitOK, "0 of 0 folders", "--write-uidmapping") // before there was anything
	b.offlineIMAP()
	b.change(false, func(m *testenv.Mailer) {
		m.Append("Lists/go", body(1000), time.Time{}, `\Flagged`)
		m.Append("INBOX", body(1001), time.Time{})
		m.Expunge("Sent", "3")
		m.Store("INBOX", "5", "+FLAGS", `\Flagged`)
		m.Create("New")
		m.Append("New", body(1002), time.Time{}, `\Seen`)
	})
	b.change(true, func(m *testenv.Mailer) {
		m.Append("INBOX", body(1100), time.Time{}, `\Answered`)
		m.Append("Lists.go", body(1101), time.Time{})
		m.Expunge("Sent", "7")
		m.Store("INBOX", "8", "-FLAGS", `\Seen`)
		m.Create("Private")
		m.Append("Private", body(1102), time.Time{})
	})
	early := b.clone(t)
	b.sync()
	b.inStep("after OfflineIMAP")
	lasting := mailsOf(b.holds(false))
	b.change(true, func(m *testenv.Mailer) { // what was copied is removed again
		m.Append("Sent", body(1200), time.Time{})
		m.Expunge("Lists.go", "20")
	})
	b.sync()
	b.inStep("once more")

	t.Run("without", func(t *testing.T) { // or else the test shows nothing
		c := b.clone(t)
		c.offlineIMAP()
		if c.holds(false) == b.holds(false) {
			t.Error("OfflineIMAP knows the mails without being told")
		}
	})
	t.Run("dry", func(t *testing.T) {
		c := b.clone(t)
		files := c.theirFiles()
		c.job(exitOK, "[DRYRUN] INBOX: the UIDs of 20 mails", "--write-uidmapping", "--dry-run")
		if c.theirFiles() != files {
			t.Error("a dry run has written something")
		}
	})
	t.Run("written", func(t *testing.T) {
		c := b.clone(t)
		was := c.read(c.file("UIDMapping", "here", "Lists.go"))
		want := c.holds(false)
		c.job(exitOK, "for 5 of 6 folders", "--write-uidmapping") // nothing is new in Lists
		if got := c.read(c.file("UIDMapping", "here", "Lists.go.before-offlineimapd")); got != was {
			t.Errorf("what was there: %q, not %q", got, was)
		}
		if text := c.read(c.file("UIDMapping", "here", "Private")); text != "1:1\n" {
			t.Errorf("a new folder: %q", text)
		}
		if info, err := os.Stat(c.file("UIDMapping", "here", "Private")); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("a new file: %v, %v", info, err)
		}
		if left, _ := filepath.Glob(c.file("*", "*", "*.tmp")); len(left) > 0 {
			t.Errorf("left: %q", left)
		}
		c.job(exitOK, "for 0 of 6 folders", "--write-uidmapping")
		validities := c.read(c.file("FolderValidity", "here", "New")) + c.read(c.file("FolderValidity", "there", "New"))
		c.quietly()
		if got := c.read(c.file("FolderValidity", "here", "New")) + c.read(c.file("FolderValidity", "there", "New")); got != validities {
			t.Errorf("OfflineIMAP takes %q for %q", got, validities)
		}
		c.quietly()
		if n := c.sync(); n.Any() {
			t.Errorf("after OfflineIMAP again: %+v", n)
		}
		if got := c.holds(false); got != want {
			t.Errorf("in the end: %s", difference(want, got))
		}

		// And on it goes, with OfflineIMAP's changes taken for what they are.
		c.change(true, func(m *testenv.Mailer) {
			m.Append("Private", body(1300), time.Time{})
			m.Expunge("Sent", "10")
		})
		c.offlineIMAP()
		if n := c.sync(); n.Downloaded+n.Uploaded+n.RemovedLocal+n.RemovedRemote != 0 {
			t.Errorf("after changes that OfflineIMAP carried over: %+v", n)
		}
		c.inStep("after changes that OfflineIMAP carried over")
	})
	// What the mailbox lost since the last run is a removal, as OfflineIMAP sees it.
	t.Run("removed since", func(t *testing.T) {
		c := b.clone(t)
		c.change(true, func(m *testenv.Mailer) { m.Expunge("Sent", "9") })
		c.job(exitOK, "for 5 of 6 folders", "--write-uidmapping")
		want := c.holds(true)
		if log := c.offlineIMAP(); c.holds(true) != want || c.holds(false) != want {
			t.Errorf("a mail that was removed here: %s%s\n%s", difference(want, c.holds(true)), difference(want, c.holds(false)), log)
		}
	})
	t.Run("refused", func(t *testing.T) {
		c := b.clone(t)
		was := c.read(c.file("UIDMapping", "here", "INBOX"))
		for _, side := range []string{"here", "there"} {
			file := c.file("FolderValidity", side, "INBOX")
			right := c.read(file)
			for text, words := range map[string]string{"7\n": "UIDVALIDITY 7, and it has", "x\n": "holds no UIDVALIDITY"} {
				if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				c.job(exitError, words, "--write-uidmapping")
			}
			if err := os.WriteFile(file, []byte(right), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if c.read(c.file("UIDMapping", "here", "INBOX")) != was {
			t.Error("the map of another mailbox was written")
		}
		text := c.read(c.config())
		for more, words := range map[string]string{
			"[Account other]\nlocalrepository = here\nremoterepository = there\n":                                                             "the account other has the same local repository",
			"[Account other]\nlocalrepository = tree\nremoterepository = there\n[Repository tree]\ntype = Maildir\nlocalfolders = /nowhere\n": "Account other: nothing to write",
		} {
			status := exitOK
			if strings.Contains(words, "same") {
				status = exitError
			}
			changed := strings.Replace(text, "accounts = work\n", "accounts = work, other\n", 1) + more
			if err := os.WriteFile(c.config(), []byte(changed), 0o600); err != nil {
				t.Fatal(err)
			}
			c.job(status, words, "--write-uidmapping")
		}
		if err := os.WriteFile(c.config(), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		lock, err := os.Create(filepath.Join(c.dir, "state", "work.lock"))
		if err != nil {
			t.Fatal(err)
		}
		defer lock.Close()
		if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
			t.Fatal(err)
		}
		c.job(exitError, "in use by another program", "--write-uidmapping")
	})
	// Whoever does not listen finds mails doubled, but none lost.
	t.Run("cut off early", func(t *testing.T) {
		for step := 4; ; step += 20 { // of more than 80
			c := early.clone(t)
			if !c.killed(step, nil) {
				break
			}
			out := c.tryJob("--write-uidmapping")
			log := c.offlineIMAP()
			h, r := c.holds(true), c.holds(false)
			if doubled := len(strings.Split(h, "\n")) != len(strings.Split(lasting, "\n")); doubled && !strings.Contains(out, "not written") {
				t.Errorf("cut off at step %d: nobody has said why mails are doubled: %s%s", step, out, h)
			}
			if mailsOf(h) != lasting || mailsOf(r) != lasting {
				t.Errorf("cut off at step %d: %s%s\n%s%s", step, difference(lasting, mailsOf(h)), difference(lasting, mailsOf(r)), out, log)
			}
		}
	})
	t.Run("cut off", func(t *testing.T) {
		c := b.clone(t)
		c.change(false, func(m *testenv.Mailer) {
			m.Append("INBOX", body(1400), time.Time{})
			m.Append("INBOX", body(1401), time.Time{})
		})
		c.change(true, func(m *testenv.Mailer) { m.Append("INBOX", body(1402), time.Time{}) })
		refused, told := 0, 0
		for step := 1; ; step++ {
			d := c.clone(t)
			if !d.killed(step, nil) {
				break
			}
			out := d.tryJob("--write-uidmapping")
			if strings.Contains(out, "run offlineimapd --once") {
				refused++ // INBOX was not written
				continue
			}
			told++
			d.offlineIMAP()
			if h, r := d.holds(true), d.holds(false); h != r || strings.Count(h, "\n") != strings.Count(b.holds(false), "\n")+3 {
				t.Fatalf("cut off at step %d: here and there: %s", step, fmt.Sprint(difference(h, r), difference(b.holds(false), h)))
			}
		}
		if refused == 0 || told == 0 {
			t.Errorf("%d times refused, and %d times not", refused, told)
		}
	})
}

// mailsOf are the mails of a listing, each once and whatever its flags are.
func mailsOf(listing string) string {
	seen := map[string]bool{}
	for line := range strings.Lines(listing) {
		words := strings.Fields(line)
		seen[words[0]+" "+words[1]] = true
	}
	return strings.Join(slices.Sorted(maps.Keys(seen)), "\n")
}

func (b *both) tryJob(args ...string) string {
	var out, errs bytes.Buffer
	run(append([]string{"-c", b.config()}, args...), &out, &errs, func(o *options) {
		o.remoteID, o.localID = b.unchangedName, b.unchangedName
	})
	return out.String() + errs.String()
}
