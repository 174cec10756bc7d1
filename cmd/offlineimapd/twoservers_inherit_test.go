package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/internal/testenv"
)

// offlineIMAP runs OfflineIMAP once and returns its log.
func (b *both) offlineIMAP() string {
	b.t.Helper()
	cmd := exec.Command("offlineimap", "-o", "-u", "basic", "-c", b.config())
	cmd.Env = append(os.Environ(), "HOME="+b.dir, "PYTHONWARNINGS=ignore")
	out, err := cmd.CombinedOutput()
	if err != nil {
		b.t.Fatalf("offlineimap (Debian package offlineimap3): %v\n%s", err, out)
	}
	return string(out)
}

// theirFiles are the files of OfflineIMAP, with their contents.
func (b *both) theirFiles() string {
	b.t.Helper()
	var out strings.Builder
	all, _ := filepath.Glob(filepath.Join(b.dir, "state", "Repository-*", "*", "*"))
	more, _ := filepath.Glob(filepath.Join(b.dir, "state", "Account-*", "LocalStatus*", "*"))
	for _, f := range append(all, more...) {
		text, err := os.ReadFile(f)
		if err != nil {
			b.t.Fatal(err)
		}
		fmt.Fprintf(&out, "%s %x\n", f, text)
	}
	return out.String()
}

// Whoever kept two servers in step with OfflineIMAP goes on: nothing is copied
// that was not changed since, removals are carried over, and its files are left as
// they were.
func TestTwoServersInherit(t *testing.T) {
	t.Parallel()
	there, here := servers(t)
	b := newBoth(t, there, here)
	b.change(true, func(m *testenv.Mailer) { // so that UIDs differ
		m.Append("INBOX", body(900), time.Time{})
		m.Expunge("INBOX", "1")
	})
	boxes := []string{"INBOX", "Lists", "Lists/go", "Sent", "Work", "Work/2026"}
	b.change(false, func(m *testenv.Mailer) {
		for i, box := range boxes {
			if box != "INBOX" {
				m.Create(box)
			}
			for n := range 18 {
				m.Append(box, body(100*i+n), time.Time{}, `\Seen`)
			}
		}
	})
	b.offlineIMAP()
	if h, r := b.holds(true), b.holds(false); h != r {
		t.Fatalf("OfflineIMAP: %s", difference(h, r))
	}
	quiet := b.clone(t)

	b.change(false, func(m *testenv.Mailer) {
		m.Append("Lists", body(1000), time.Time{})
		m.Expunge("Sent", "3")
		m.Store("Work", "5", "+FLAGS", `\Flagged`)
	})
	b.change(true, func(m *testenv.Mailer) {
		m.Append("INBOX", body(1001), time.Time{})
		m.Expunge("Sent", "7")
		m.Store("Work", "6", "-FLAGS", `\Seen`)
	})
	files := b.theirFiles()
	planned := b.sync("--dry-run")
	c := b.sync()
	if planned.Bytes = c.Bytes; planned != c {
		t.Errorf("planned %+v, done %+v", planned, c)
	}
	if c.Downloaded != 1 || c.Uploaded != 1 || c.RemovedLocal != 1 || c.RemovedRemote != 1 || c.FlagsLocal != 1 || c.FlagsRemote != 1 {
		t.Errorf("the first run after OfflineIMAP: %+v", c)
	}
	b.inStep("after OfflineIMAP")
	if b.theirFiles() != files {
		t.Error("the files of OfflineIMAP were changed")
	}

	t.Run("and back", func(t *testing.T) {
		c := quiet.clone(t)
		if n := c.sync(); n.Downloaded+n.Uploaded+n.FlagsLocal+n.FlagsRemote+n.RemovedLocal+n.RemovedRemote != 0 {
			t.Errorf("nothing was changed, and the first run: %+v", n)
		}
		want := c.holds(false)
		log := c.offlineIMAP()
		if got := c.holds(false); got != want || c.holds(true) != want {
			t.Errorf("OfflineIMAP has changed something: %s\n%s", difference(got, want), log)
		}
	})
	t.Run("of another mailbox", func(t *testing.T) {
		c := quiet.clone(t)
		want := c.holds(false)
		validity := filepath.Join(c.dir, "state", "Repository-here", "FolderValidity", "Sent")
		if err := os.WriteFile(validity, []byte("7\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if n := c.sync(); n.Downloaded+n.Uploaded+n.RemovedLocal+n.RemovedRemote != 0 {
			t.Errorf("a map that is void: %+v", n)
		}
		c.inStep("a map that is void")
		if got := c.holds(false); got != want {
			t.Errorf("a map that is void: %s", difference(got, want))
		}
	})
}
