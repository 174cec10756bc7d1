package engine_test

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/offlineimap/offlineimapd/sync/engine"
	"github.com/offlineimap/offlineimapd/sync/guard"
	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
	"github.com/offlineimap/offlineimapd/sync/store/storetest"
)

// held checks that a folder is parked for a reason, and that neither side
// changed.
func (p *pairOf) held(folder string, code guard.Code) {
	p.t.Helper()
	l, r := contents(p.local, "."), contents(p.remote, "/")
	rep := p.sync()
	if rep.Result != engine.Held {
		p.t.Fatalf("the run ended %s, not held: %+v", rep.Result, rep)
	}
	for _, f := range rep.Folders {
		if f.Name != folder {
			continue
		}
		if f.Hold == nil || f.Hold.Reasons[0].Code != code {
			p.t.Fatalf("%s is not held for %s: %+v", folder, code, f)
		}
	}
	if l != contents(p.local, ".") || r != contents(p.remote, "/") {
		p.t.Fatalf("a held folder was changed")
	}
}

func TestHeldUntilApproved(t *testing.T) {
	for _, c := range []struct {
		name   string
		code   guard.Code
		change func(p *pairOf)
		left   int // mails in the folder once it was approved
	}{
		{"emptied locally", guard.Emptied, func(p *pairOf) { p.remove(p.local, "Work", 30) }, 0},
		{"emptied remotely", guard.Emptied, func(p *pairOf) { p.remove(p.remote, "Work", 30) }, 0},
		{"half gone locally", guard.ManyRemoved, func(p *pairOf) { p.remove(p.local, "Work", 16) }, 14},
		{"half gone remotely", guard.ManyRemoved, func(p *pairOf) { p.remove(p.remote, "Work", 16) }, 14},
		{"renumbered", guard.Validity, func(p *pairOf) { p.must(p.remote.Renumber("Work")) }, 30},
		{"renumbered and changed", guard.Validity, func(p *pairOf) {
			p.must(p.remote.Renumber("Work"))
			p.add(p.remote, "Work", 1, 0)
			p.remove(p.local, "Work", 1) // comes back: nothing is removed while pairing
			p.add(p.local, "Work", 1, 0)
		}, 32},
		{"made again", guard.Validity, func(p *pairOf) {
			p.must(p.remote.Drop("Work"))
			p.must(p.remote.Create("Work"))
			p.add(p.remote, "Work", 2, 0)
		}, 32},
		{"not listed", guard.Unlisted, func(p *pairOf) { p.must(p.remote.Drop("Work")) }, 30},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPair(t, storetest.Options{})
			p.must(p.remote.Create("Work"))
			p.add(p.remote, "Work", 30, mail.Seen)
			p.add(p.remote, "INBOX", 3, 0)
			p.sync()
			c.change(p)
			p.held("Work", c.code)

			// Others go on.
			p.add(p.remote, "INBOX", 1, 0)
			if r := p.sync(); r.Result != engine.Held || r.Counts.Downloaded != 1 {
				t.Fatalf("INBOX did not go on: %+v", r)
			}
			p.approve = []string{"Work"}
			p.sync()
			p.approve = nil
			p.inStep()
			if ms, _ := p.remote.List("Work"); len(ms) != c.left {
				t.Fatalf("%d mails are left of it, want %d", len(ms), c.left)
			}
		})
	}
}

// A folder that was moved away locally was never synced, as the FAQ of
// OfflineIMAP promises.
func TestFolderMovedAwayComesBack(t *testing.T) {
	p := newPair(t, storetest.Options{})
	p.add(p.remote, "INBOX", 20, mail.Flagged)
	p.sync()
	p.must(p.local.Drop("INBOX"))
	if r := p.sync(); r.Counts.Downloaded != 20 || r.Result != engine.Synced {
		t.Fatalf("%+v", r)
	}
	p.inStep()
}

// A server that lists nothing for a minute loses nobody a mail.
func TestNothingListed(t *testing.T) {
	p := newPair(t, storetest.Options{})
	for _, f := range []string{"a", "b", "c", "d", "e"} {
		p.must(p.remote.Create(f))
		p.add(p.remote, f, 2, 0)
	}
	p.sync()
	for _, f := range p.remote.Folders() {
		p.must(p.remote.Hide(f, true))
	}
	p.held("INBOX", guard.ManyMissing)
	for _, f := range p.remote.Folders() {
		p.must(p.remote.Hide(f, false))
	}
	p.inStep()
}

// Without a state nothing crosses again: what is on both sides is paired.
func TestStateLost(t *testing.T) {
	for name, o := range servers {
		t.Run(name, func(t *testing.T) {
			p := newPair(t, o)
			p.add(p.remote, "INBOX", 20, mail.Seen)
			same := p.mail()
			p.must(p.remote.Add("INBOX", 0, same))
			p.must(p.remote.Add("INBOX", 0, same))
			nameless := []byte("Subject: nameless\r\n\r\nA\r\n")
			p.must(p.remote.Add("INBOX", 0, nameless))
			p.must(p.remote.Add("INBOX", 0, []byte("Subject: nameless\r\n\r\nB\r\n")))
			p.sync()
			p.add(p.remote, "INBOX", 1, 0)
			p.add(p.local, "INBOX", 1, mail.Draft)
			p.must(p.local.SetFlags("INBOX", p.at(p.local, "INBOX", 4), mail.Seen|mail.Flagged))
			p.must(os.Remove(p.state))
			r := p.sync()
			if r.Counts.Downloaded != 1 || r.Counts.Uploaded != 1 || r.Counts.Paired != 24 {
				t.Fatalf("mails crossed again: %+v", r.Counts)
			}
			p.inStep()
		})
	}
}

func TestDryRunChangesNothing(t *testing.T) {
	for _, sc := range scenarios {
		t.Run(sc.name, func(t *testing.T) {
			p := started(t, storetest.Options{}, sc)
			files := func() (all []byte) {
				for _, end := range []string{"", "-wal"} {
					b, _ := os.ReadFile(p.state + end)
					all = append(all, b...)
				}
				return all
			}
			l, r, s := contents(p.local, "."), contents(p.remote, "/"), files()
			p.dryRun = true
			planned := p.sync()
			if l != contents(p.local, ".") || r != contents(p.remote, "/") || !bytes.Equal(s, files()) {
				t.Fatal("a dry run changed something")
			}
			p.dryRun = false
			done := p.sync()
			planned.Counts.Bytes, done.Counts.Bytes = 0, 0
			if planned.Counts != done.Counts {
				t.Fatalf("planned %+v, done %+v", planned.Counts, done.Counts)
			}
		})
	}
}

func TestDryRunBeforeTheFirstRun(t *testing.T) {
	p := newPair(t, storetest.Options{})
	p.add(p.remote, "INBOX", 3, 0)
	p.must(p.local.Create("Work"))
	p.add(p.local, "Work", 2, 0)
	p.dryRun = true
	r := p.sync()
	if r.Counts.Downloaded != 3 || r.Counts.Uploaded != 2 || r.Result != engine.Planned {
		t.Fatalf("%+v", r)
	}
	if _, err := os.Stat(p.state); err == nil {
		t.Fatal("a dry run made a state file")
	}
	if len(p.local.Folders()) != 1 || len(p.remote.Folders()) != 1 {
		t.Fatalf("a dry run made folders: %v %v", p.local.Folders(), p.remote.Folders())
	}
}

// One bad mail stops only itself, in either direction, and is told.
func TestBadMail(t *testing.T) {
	bad := func(b []byte) bool { return bytes.Contains(b, []byte("BAD")) }
	t.Run("refused upload", func(t *testing.T) {
		p := newPair(t, storetest.Options{Refuse: bad})
		p.sync()
		p.add(p.local, "INBOX", 3, 0)
		p.must(p.local.Add("INBOX", 0, []byte("Subject: BAD\r\n\r\n")))
		p.add(p.local, "INBOX", 3, 0)
		for range 2 {
			r := p.sync()
			if r.Result != engine.Failed || len(r.Folders[0].Problems) != 1 {
				t.Fatalf("%+v", r)
			}
			if ms, _ := p.remote.List("INBOX"); len(ms) != 6 {
				t.Fatalf("%d mails arrived, want 6", len(ms))
			}
		}
	})
	t.Run("withheld download", func(t *testing.T) {
		p := newPair(t, storetest.Options{Withhold: bad})
		p.sync()
		p.add(p.remote, "INBOX", 3, 0)
		p.must(p.remote.Add("INBOX", 0, []byte("Subject: BAD\r\n\r\n")))
		for range 2 {
			r := p.sync()
			if r.Result != engine.Failed || len(r.Folders[0].Problems) != 1 || !strings.Contains(r.Folders[0].Problems[0].Text, "does not give") {
				t.Fatalf("%+v", r)
			}
			if ms, _ := p.local.List("INBOX"); len(ms) != 3 {
				t.Fatalf("%d mails arrived, want 3", len(ms))
			}
		}
	})
}

func TestPolicies(t *testing.T) {
	everything := scenarios[slices.IndexFunc(scenarios, func(s scenario) bool { return s.name == "everything" })]
	t.Run("local read-only", func(t *testing.T) {
		p := started(t, storetest.Options{}, everything)
		before, _ := p.local.List("INBOX")
		p.policy.LocalReadOnly = true
		for range 2 {
			p.sync()
		}
		after, _ := p.local.List("INBOX")
		if len(before) != len(after) {
			t.Fatalf("%d mails, then %d", len(before), len(after))
		}
		p.policy.LocalReadOnly = false
		p.sync()
		p.inStep()
	})
	t.Run("remote read-only", func(t *testing.T) {
		p := started(t, storetest.Options{}, everything)
		before := contents(p.remote, "/")
		p.policy.RemoteReadOnly = true
		for range 2 {
			p.sync()
		}
		if before != contents(p.remote, "/") {
			t.Fatal("a read-only side was changed")
		}
		p.policy.RemoteReadOnly = false
		p.sync()
		p.inStep()
	})
	t.Run("local deletes stay local", func(t *testing.T) {
		p := started(t, storetest.Options{}, scenario{"", func(p *pairOf) { p.remove(p.local, "INBOX", 2) }})
		p.policy.LocalDeletes = false
		for range 3 {
			p.sync()
			l, _ := p.local.List("INBOX")
			r, _ := p.remote.List("INBOX")
			if len(l) != 10 || len(r) != 12 {
				t.Fatalf("%d mails here, %d there", len(l), len(r))
			}
		}
	})
	t.Run("expunge = no", func(t *testing.T) {
		p := started(t, storetest.Options{}, scenario{"", func(p *pairOf) { p.remove(p.local, "INBOX", 2) }})
		p.policy.KeepDeleted = true
		for range 3 {
			p.sync()
			l, _ := p.local.List("INBOX")
			r, _ := p.remote.List("INBOX")
			marked := 0
			for _, m := range r {
				if m.Flags&mail.Trashed != 0 {
					marked++
				}
			}
			if len(l) != 10 || len(r) != 12 || marked != 2 {
				t.Fatalf("%d mails here, %d there, %d marked", len(l), len(r), marked)
			}
		}
	})
	t.Run("no folders are made", func(t *testing.T) {
		p := newPair(t, storetest.Options{})
		p.policy.CreateLocal, p.policy.CreateRemote = false, false
		p.must(p.local.Create("Work"))
		for range 2 {
			r := p.sync()
			if len(r.Folders) != 2 || r.Folders[0].Result != engine.Skipped || r.Folders[1].Result != engine.Skipped {
				t.Fatalf("%+v", r)
			}
		}
		if len(p.local.Folders()) != 1 || len(p.remote.Folders()) != 1 {
			t.Fatal("a folder was made")
		}
	})
}

// What stops the whole side is told once, not for every folder.
func TestStoreFailureIsToldOnce(t *testing.T) {
	p := newPair(t, storetest.Options{})
	for _, f := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		p.must(p.remote.Create(f))
		p.add(p.remote, f, 2, 0)
	}
	rep, err := p.run(nil, &storetest.Faults{Step: 4, Dead: true, Class: store.Offline})
	if err == nil || rep.Result != engine.Failed || len(rep.Problems) != 1 {
		t.Fatalf("%v: %+v", err, rep)
	}
	for _, f := range rep.Folders {
		if len(f.Problems) > 0 {
			t.Errorf("told again: %+v", f)
		}
	}
	p.sync()
	p.inStep()
}

// A folder may be approved by its account and name, since other accounts may
// have one of the same name.
func TestApproveNamesTheAccount(t *testing.T) {
	p := newPair(t, storetest.Options{})
	p.add(p.remote, "INBOX", 5, 0)
	p.sync()
	p.remove(p.local, "INBOX", 5)
	p.approve = []string{"other/INBOX"}
	p.held("INBOX", guard.Emptied)
	p.approve = []string{"test/INBOX"}
	if r := p.sync(); r.Counts.RemovedRemote != 5 {
		t.Fatalf("%+v", r)
	}
}

// Mails that were moved into a folder which cannot go on stay on the server
// where they were: what is here would be the only copy.
func TestMovedIntoHeldFolder(t *testing.T) {
	p := newPair(t, storetest.Options{})
	p.must(p.remote.Create("Archive"))
	p.add(p.remote, "Archive", 3, mail.Seen)
	p.add(p.remote, "INBOX", 20, mail.Seen)
	p.sync()
	p.remove(p.local, "Archive", 3)
	for range 5 {
		m := p.at(p.local, "INBOX", 0)
		p.must(p.local.Remove("INBOX", m))
		p.must(p.local.Add("Archive", m.Flags, m.Body))
	}
	gone := p.at(p.local, "INBOX", 0) // this one is really deleted
	p.must(p.local.Remove("INBOX", gone))
	for range 2 {
		r := p.sync()
		if ms, _ := p.remote.List("INBOX"); len(ms) != 19 || r.Result != engine.Held {
			t.Fatalf("%d mails are left in INBOX on the server, want 19: %+v", len(ms), r)
		}
	}
	p.approve = []string{"Archive"}
	p.sync()
	p.approve = nil
	if a, _ := p.remote.List("Archive"); len(a) != 5 {
		t.Fatalf("%d mails in the archive, want 5", len(a))
	}
	p.inStep()
}

// The name of the account before a folder's does not approve another folder,
// whose name begins like that.
func TestApproveMeansOneFolder(t *testing.T) {
	p := newPair(t, storetest.Options{})
	for _, f := range []string{"W", "test/W"} {
		p.must(p.remote.Create(f))
		p.add(p.remote, f, 5, 0)
	}
	p.sync()
	p.remove(p.local, "W", 5)
	p.remove(p.local, "test.W", 5)
	p.approve = []string{"test/W"}
	p.sync()
	w, _ := p.remote.List("W")
	tw, _ := p.remote.List("test/W")
	if len(w) != 5 || len(tw) != 0 {
		t.Fatalf("%d mails in W, %d in test/W", len(w), len(tw))
	}
}

// The same where the other folder is not synced at all: what is really deleted
// goes, what was moved there stays.
func TestMovedIntoSkippedFolder(t *testing.T) {
	p := newPair(t, storetest.Options{})
	p.add(p.remote, "INBOX", 20, mail.Seen)
	p.sync()
	p.policy.CreateRemote = false
	p.must(p.local.Create("Private"))
	m := p.at(p.local, "INBOX", 3)
	p.must(p.local.Remove("INBOX", m))
	p.must(p.local.Add("Private", m.Flags, m.Body))
	p.must(p.local.Remove("INBOX", p.at(p.local, "INBOX", 0)))
	for range 2 {
		p.sync()
		if ms, _ := p.remote.List("INBOX"); len(ms) != 19 {
			t.Fatalf("%d mails are left on the server, want 19", len(ms))
		}
	}
	p.policy.CreateRemote = true
	p.sync()
	p.inStep()
	if ms, _ := p.remote.List("INBOX"); len(ms) != 18 {
		t.Fatalf("%d mails are left on the server once the other is synced, want 18", len(ms))
	}
}
