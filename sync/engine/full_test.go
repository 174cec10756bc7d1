package engine_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/offlineimap/offlineimapd/sync/engine"
	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
	"github.com/offlineimap/offlineimapd/sync/store/storetest"
)

// In a full run stamps count for nothing: what does not show in them is found.
func TestFull(t *testing.T) {
	for _, sc := range scenarios {
		t.Run(sc.name, func(t *testing.T) {
			p := newPair(t, storetest.Options{})
			p.add(p.remote, "INBOX", 12, mail.Seen)
			p.sync()
			p.sync()
			p.must(p.local.Freeze("INBOX"))
			p.must(p.remote.Freeze("INBOX"))
			sc.change(p)
			if r := p.sync(); slices.ContainsFunc(r.Folders, func(f engine.Folder) bool { return f.Name == "INBOX" && f.Result != engine.Unchanged }) {
				t.Fatalf("the change shows in the stamps: %+v", r)
			}
			p.full = true
			p.sync()
			p.inStep()
		})
	}
}

// A full run for one folder trusts no stamp of the others either.
func TestFullOnly(t *testing.T) {
	p := several(t, 20, "Archive")
	p.must(p.local.Freeze("Archive"))
	p.move("INBOX", "Archive", 0)
	p.only, p.full = []string{"INBOX"}, true
	if p.sync(); p.count(p.remote, "INBOX") != 20 {
		t.Fatal("a mail that was moved is gone from the server")
	}
	p.only = nil
	p.sync()
	p.inStep()
	if a, i := p.count(p.remote, "Archive"), p.count(p.remote, "INBOX"); a != 21 || i != 19 {
		t.Errorf("%d and %d mails are on the server", a, i)
	}
}

// news returns the UIDs that a run tells as new.
func news(r *engine.Report, folder string) []mail.UID {
	for _, f := range r.Folders {
		if f.Name == folder {
			return f.New
		}
	}
	return nil
}

func TestNew(t *testing.T) {
	p := newPair(t, storetest.Options{})
	p.add(p.remote, "INBOX", 5, 0)
	expect := func(r *engine.Report, why string, want ...mail.UID) {
		t.Helper()
		if got := news(r, "INBOX"); !slices.Equal(got, want) {
			t.Errorf("%s: new are %v, want %v", why, got, want)
		}
	}
	expect(p.sync(), "the first run")
	expect(p.sync(), "nothing happened")
	p.add(p.remote, "INBOX", 2, 0)
	p.add(p.remote, "INBOX", 1, mail.Seen)
	p.add(p.remote, "INBOX", 1, mail.Flagged)
	p.add(p.remote, "INBOX", 1, mail.Trashed)
	p.add(p.local, "INBOX", 1, 0)
	expect(p.sync(), "mails came", 6, 7, 9)
	expect(p.sync(), "they are told once")
	p.must(p.remote.SetFlags("INBOX", p.at(p.remote, "INBOX", 7), 0))
	expect(p.sync(), "one is unread again")

	p.dryRun = true
	p.add(p.remote, "INBOX", 1, 0)
	expect(p.sync(), "a dry run")
	p.dryRun = false
	expect(p.sync(), "the run after it", 12)

	p.must(p.local.Drop("INBOX"))
	expect(p.sync(), "all is downloaded anew")
	p.must(p.remote.Renumber("INBOX"))
	p.add(p.remote, "INBOX", 1, 0)
	p.approve = []string{"INBOX"}
	expect(p.sync(), "compared anew")
	p.add(p.remote, "INBOX", 1, 0)
	expect(p.sync(), "and then one came", p.at(p.remote, "INBOX", p.count(p.remote, "INBOX")-1).UID)
}

// Many are told in order, whatever chunk they came in, where they are in the
// base; and the rest of a first download that was cut off is not new.
func TestNewWhereARunIsCutOff(t *testing.T) {
	p := newPair(t, storetest.Options{})
	p.sync()
	p.add(p.remote, "INBOX", 1000, 0)
	told := map[mail.UID]bool{}
	for step := 8; len(told) < 1000; step += 400 {
		// The error is that of the store.
		r, _ := p.run(&storetest.Faults{Step: step, Dead: true}, nil)
		if got := news(r, "INBOX"); !slices.IsSorted(got) {
			t.Errorf("out of order: %v", got)
		}
		for _, u := range news(r, "INBOX") {
			if told[u] {
				t.Fatalf("mail %d is told twice", u)
			}
			told[u] = true
		}
		if step > 40000 {
			t.Fatalf("%d mails are told", len(told))
		}
	}
	p.inStep()

	p = newPair(t, storetest.Options{})
	p.add(p.remote, "INBOX", 1000, 0)
	if r, _ := p.run(nil, &storetest.Faults{Step: 600, Dead: true}); r.Result != engine.Failed {
		t.Fatalf("%+v", r)
	}
	if n := p.count(p.local, "INBOX"); n == 0 || n == 1000 {
		t.Fatalf("%d mails were brought", n)
	}
	for range 2 {
		if got := news(p.sync(), "INBOX"); len(got) > 0 {
			t.Errorf("new are %v", got)
		}
	}
	p.add(p.remote, "INBOX", 1, 0)
	if got := news(p.sync(), "INBOX"); !slices.Equal(got, []mail.UID{1001}) {
		t.Errorf("new are %v", got)
	}
}

// A mail that never comes does not keep others from being new.
func TestNewBesideABadMail(t *testing.T) {
	p := newPair(t, storetest.Options{Withhold: func(b []byte) bool { return len(b) < 20 }})
	p.must(p.remote.Add("INBOX", 0, []byte("A: BAD\r\n\r\n")))
	p.add(p.remote, "INBOX", 2, 0)
	p.sync()
	p.add(p.remote, "INBOX", 1, 0)
	if got := news(p.sync(), "INBOX"); !slices.Equal(got, []mail.UID{4}) {
		t.Errorf("new are %v", got)
	}
}

// A problem carries what it is the text of.
func TestProblemErr(t *testing.T) {
	p := several(t, 3)
	p.add(p.remote, "INBOX", 1, 0)
	r, err := p.run(nil, &storetest.Faults{Step: 1, Class: store.Offline})
	if !errors.Is(err, storetest.ErrFault) || len(r.Problems) != 1 || !errors.Is(r.Problems[0].Err, storetest.ErrFault) {
		t.Errorf("%v: %+v", err, r.Problems)
	}
	n := engine.NotStarted("test", r.Started, err)
	if !errors.Is(n.Problems[0].Err, storetest.ErrFault) {
		t.Errorf("%+v", n.Problems)
	}
}
