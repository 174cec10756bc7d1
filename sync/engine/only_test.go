package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/offlineimap/offlineimapd/sync/engine"
	"github.com/offlineimap/offlineimapd/sync/guard"
	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
	"github.com/offlineimap/offlineimapd/sync/store/storetest"
	"pgregory.net/rapid"
)

// several makes an account with some folders of n mails each, in step.
func several(t *testing.T, n int, folders ...string) *pairOf {
	p := newPair(t, storetest.Options{})
	for _, f := range folders {
		p.must(p.remote.Create(f))
		p.add(p.remote, f, n, mail.Seen)
	}
	p.add(p.remote, "INBOX", n, mail.Seen)
	p.sync()
	p.sync() // so that the stamps are those of folders at rest
	return p
}

// local is the name of a folder in the local tree.
func local(folder string) string {
	return string(bytes.ReplaceAll([]byte(folder), []byte("/"), []byte(".")))
}

// move moves the i-th mail here, as a mail reader does.
func (p *pairOf) move(from, to string, i int) {
	p.t.Helper()
	m := p.at(p.local, from, i)
	p.must(p.local.Remove(from, m))
	p.must(p.local.Add(to, m.Flags, m.Body))
}

func (p *pairOf) count(w *storetest.World, folder string) int {
	p.t.Helper()
	ms, err := w.List(folder)
	p.must(err)
	return len(ms)
}

func reported(r *engine.Report) (out []string) {
	for _, f := range r.Folders {
		out = append(out, f.Name)
	}
	return out
}

func TestOnly(t *testing.T) {
	const work = "Work/&ANw-ber"
	for _, c := range []struct {
		only []string
		want []string
	}{
		{[]string{"INBOX"}, []string{"INBOX"}},
		{[]string{"inbox"}, []string{"INBOX"}},
		{[]string{"test/Inbox"}, []string{"INBOX"}},
		{[]string{"Work/Über"}, []string{"Work/Über"}},
		{[]string{work}, []string{"Work/Über"}},
		{[]string{local(work)}, []string{"Work/Über"}},
		{[]string{"test/" + work}, []string{"Work/Über"}},
		{[]string{"List", "INBOX", "List"}, []string{"INBOX", "List"}},
		{nil, []string{"INBOX", "List", "Work", "Work/Über"}},
	} {
		t.Run(fmt.Sprint(c.only), func(t *testing.T) {
			p := several(t, 5, work, "List")
			for _, f := range []string{"INBOX", "List", work} {
				p.add(p.remote, f, 1, 0)
				p.add(p.local, local(f), 1, 0)
			}
			p.only = c.only
			r := p.sync()
			if got := reported(r); !slices.Equal(got, c.want) {
				t.Errorf("reported are %q, want %q", got, c.want)
			}
			n := len(c.want)
			if c.only == nil {
				n-- // nothing is new in Work
			}
			if r.Counts.Downloaded != n || r.Counts.Uploaded != n {
				t.Errorf("%+v, want %d down and up", r.Counts, n)
			}
			p.only = nil
			p.sync()
			p.inStep()
		})
	}
}

// Folders that are new are made where they are named, and nowhere else.
func TestOnlyOfNewFolders(t *testing.T) {
	p := several(t, 3)
	for _, f := range []string{"far", "farther"} {
		p.must(p.remote.Create(f))
		p.add(p.remote, f, 2, 0)
	}
	for _, f := range []string{"near", "nearer"} {
		p.must(p.local.Create(f))
		p.add(p.local, f, 2, 0)
	}
	p.only = []string{"far", "near"}
	r := p.sync()
	if r.Counts.Downloaded != 2 || r.Counts.Uploaded != 2 || len(r.Folders) != 2 {
		t.Fatalf("%+v", r)
	}
	if l, want := p.local.Folders(), []string{"INBOX", "far", "near", "nearer"}; !slices.Equal(l, want) {
		t.Errorf("here are %q, want %q", l, want)
	}
	if l, want := p.remote.Folders(), []string{"INBOX", "far", "farther", "near"}; !slices.Equal(l, want) {
		t.Errorf("on the server are %q, want %q", l, want)
	}
	p.only = nil
	p.sync()
	p.inStep()
}

func TestOnlyNobodyHasIt(t *testing.T) {
	check := func(p *pairOf, names ...string) *engine.Report {
		t.Helper()
		r, err := p.run(nil, nil)
		if !errors.Is(err, engine.ErrNoFolder) || store.ClassOf(err) != store.Config || r.Result != engine.Failed {
			t.Fatalf("%s: %v", r.Result, err)
		}
		if len(r.Problems) != len(names) {
			t.Fatalf("%+v", r.Problems)
		}
		for i, n := range names {
			pr := r.Problems[i]
			if want := fmt.Sprintf("there is no folder %q", n); pr.Text != want || pr.Class != "config" || !errors.Is(pr.Err, engine.ErrNoFolder) {
				t.Errorf("%+v, want %s", pr, want)
			}
		}
		return r
	}
	p := several(t, 3, "Work", "Old")
	p.add(p.remote, "INBOX", 1, 0)
	p.add(p.remote, "Work", 1, 0)
	p.only = []string{"Wrok", "INBOX", "other/Work", ""}
	if r := check(p, "Wrok", "other/Work", ""); r.Counts.Downloaded != 1 {
		t.Errorf("the folder that is there was not synced: %+v", r)
	}
	if got := p.count(p.local, "Work"); got != 3 {
		t.Errorf("a folder that was not named has %d mails", got)
	}
	p.only = []string{"Wrok"}
	if _, err := p.run(nil, nil); err == nil || err.Error() != `there is no folder "Wrok"` {
		t.Errorf("the error is %v", err)
	}
	// What only the base knows is not there either.
	p.must(p.local.Drop("Old"))
	p.must(p.remote.Drop("Old"))
	p.only = []string{"Old"}
	check(p, "Old")
	// What keeps an account from being synced is graver.
	p.only = []string{"Wrok"}
	if _, err := p.run(nil, &storetest.Faults{Step: 1, Dead: true, Class: store.Offline}); store.ClassOf(err) != store.Offline {
		t.Errorf("with no server the error is %v", err)
	}
	p.only = nil
	p.sync()
	p.inStep()
}

// A folder that is skipped is there: it is told why, and where it is not named
// not a word of it.
func TestOnlyOfSkippedFolders(t *testing.T) {
	p := several(t, 3)
	p.must(p.local.Create("a/b")) // no name for a mailbox
	p.only = []string{"a/b"}
	if r := p.sync(); len(r.Folders) != 1 || r.Folders[0].Result != engine.Skipped {
		t.Errorf("%+v", r)
	}
	p.only = []string{"INBOX"}
	if r := p.sync(); len(r.Folders) != 1 || r.Folders[0].Result != engine.Unchanged {
		t.Errorf("%+v", r)
	}
}

// What becomes of the base is decided for the folders that are named only.
func TestOnlyLeavesTheBaseAlone(t *testing.T) {
	p := several(t, 12, "Gone", "Moved", "Unlisted", "Replaced", "Emptied")
	p.must(p.local.Drop("Moved"))
	p.must(p.remote.Hide("Unlisted", true))
	p.must(p.remote.Renumber("Replaced"))
	p.remove(p.local, "Emptied", 12)
	body := map[string][]storetest.Mail{}
	body["Gone"], _ = p.local.List("Gone")
	p.must(p.local.Hide("Gone", true))
	p.must(p.remote.Hide("Gone", true))
	before := contents(p.local, ".") + contents(p.remote, "/")
	p.only = []string{"INBOX"}
	if r := p.sync(); len(r.Folders) != 1 || r.Result != engine.Unchanged {
		t.Fatalf("%+v", r)
	}
	if before != contents(p.local, ".")+contents(p.remote, "/") {
		t.Fatal("a folder that was not named was changed")
	}
	// All is known as it was: nothing is paired as if for the first time.
	p.must(p.local.Hide("Gone", false))
	p.must(p.remote.Hide("Gone", false))
	p.only = []string{"Gone"}
	if r := p.sync(); r.Counts.Any() {
		t.Errorf("what was known of it was forgotten: %+v", r.Counts)
	}
	p.only = nil
	want := map[string]engine.Result{"INBOX": engine.Unchanged, "Gone": engine.Unchanged, "Moved": engine.Synced,
		"Unlisted": engine.Held, "Replaced": engine.Held, "Emptied": engine.Held}
	for _, f := range p.sync().Folders {
		if f.Result != want[f.Name] {
			t.Errorf("%s ends %s, want %s", f.Name, f.Result, want[f.Name])
		}
	}
}

// A folder that is named is held for what it is, and judged beside all others.
func TestOnlyIsHeld(t *testing.T) {
	p := several(t, 4, "a", "b", "c", "d", "e")
	for _, f := range []string{"a", "b", "c", "d"} {
		p.must(p.remote.Hide(f, true))
	}
	p.only = []string{"a"}
	p.held("a", guard.ManyMissing)
	if r := p.sync(); len(r.Folders) != 1 {
		t.Errorf("%+v", r)
	}
	p.approve = []string{"a"}
	p.sync()
	if got := p.remote.Folders(); !slices.Contains(got, "a") || p.count(p.remote, "b") != 4 {
		t.Errorf("approved of one folder of the four that are not listed: %q", got)
	}
}

// hooked calls look with the number of each survey of a store, once it is made.
type hooked struct {
	store.Store
	look func(n int)
	n    *int
}

func (h hooked) Survey(ctx context.Context) ([]store.Mailbox, error) {
	ms, err := h.Store.Survey(ctx)
	*h.n++
	h.look(*h.n)
	return ms, err
}

// whileRunning has f done once the run knows what folders there are.
func (p *pairOf) whileRunning(f func()) {
	n := 0
	p.wrap = func(s store.Store) store.Store {
		return hooked{s, func(n int) {
			if n == 1 {
				f()
			}
		}, &n}
	}
}

// A mail that was moved to a folder of which the run knows nothing stays on the
// server where it was, until a run has brought it up from there. What is really
// deleted goes at once.
func TestMovedOutOfOnly(t *testing.T) {
	for _, c := range []struct {
		name string
		only bool // a run for INBOX; else for all, with the other folder at rest
		to   func(p *pairOf)
	}{
		{"to a folder at rest", true, func(p *pairOf) { p.move("INBOX", "Archive", 1) }},
		{"to an empty one", true, func(p *pairOf) { p.move("INBOX", "Empty", 1) }},
		{"to a new one", true, func(p *pairOf) { p.must(p.local.Create("New")); p.move("INBOX", "New", 1) }},
		{"to one that is changed", true, func(p *pairOf) {
			p.add(p.remote, "Archive", 2, 0)
			p.add(p.local, "Archive", 2, 0)
			p.move("INBOX", "Archive", 1)
		}},
		{"to one that the server has lost", true, func(p *pairOf) {
			p.must(p.remote.Drop("Archive"))
			p.move("INBOX", "Archive", 1)
			p.approve = []string{"Archive"}
		}},
		{"to one that is held", true, func(p *pairOf) {
			p.remove(p.local, "Archive", 5)
			p.move("INBOX", "Archive", 1)
			p.approve = []string{"Archive"}
		}},
		{"under a name with a UID", true, func(p *pairOf) {
			m := p.at(p.local, "INBOX", 1)
			p.must(p.local.Remove("INBOX", m))
			p.must(p.put("Archive", 77, m))
		}},
		{"under a name with a UID, to a new one", true, func(p *pairOf) {
			m := p.at(p.local, "INBOX", 1)
			p.must(p.local.Remove("INBOX", m))
			p.must(p.local.Create("New"))
			p.must(p.put("New", 1, m))
		}},
		{"while the run goes on", true, func(p *pairOf) { p.whileRunning(func() { p.move("INBOX", "Archive", 1) }) }},
		{"while the run goes on, to a new one", true, func(p *pairOf) {
			p.whileRunning(func() { p.must(p.local.Create("New")); p.move("INBOX", "New", 1) })
		}},
		{"while a run for all goes on", false, func(p *pairOf) { p.whileRunning(func() { p.move("INBOX", "Archive", 1) }) }},
		{"while a run for all goes on, to a new one", false, func(p *pairOf) {
			p.whileRunning(func() { p.must(p.local.Create("New")); p.move("INBOX", "New", 1) })
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := several(t, 5, "Archive", "Empty")
			p.must(p.remote.Remove("Empty", p.at(p.remote, "Empty", 0)))
			p.remove(p.remote, "Empty", 4)
			p.approve = []string{"Empty"}
			p.add(p.remote, "INBOX", 15, mail.Seen)
			p.sync()
			p.sync()
			p.approve = nil
			moved := subject(p.at(p.local, "INBOX", 1).Body)
			p.must(p.local.Remove("INBOX", p.at(p.local, "INBOX", 10)))
			c.to(p)
			if c.only {
				p.only = []string{"INBOX"}
			}
			for range 2 {
				r := p.sync()
				p.wrap = nil
				ms, _ := p.remote.List("INBOX")
				if len(ms) != 19 || !slices.ContainsFunc(ms, func(m storetest.Mail) bool { return subject(m.Body) == moved }) {
					t.Fatalf("%d mails are left in INBOX on the server, want 19, and among them %s: %+v", len(ms), moved, r)
				}
				if !c.only {
					break // the next run brings it up
				}
				if len(r.Folders) != 1 || len(r.Folders[0].Notes) != 1 {
					t.Errorf("nothing is said of it: %+v", r)
				}
			}
			p.only = nil
			p.sync()
			p.sync()
			p.inStep()
			if ms, _ := p.remote.List("INBOX"); len(ms) != 18 {
				t.Errorf("%d mails are left in INBOX once it went up, want 18", len(ms))
			}
		})
	}
}

// put stores a mail here under a UID of its own choice.
func (p *pairOf) put(folder string, uid mail.UID, m storetest.Mail) error {
	s := p.local.Store()
	w := s.Open(folder, false).Begin()
	if err := w.Put(context.Background(), mail.Mail{Ref: mail.Ref{UID: uid}, Flags: m.Flags, Size: int64(len(m.Body))}, bytes.NewReader(m.Body)); err != nil {
		return err
	}
	return s.Commit(context.Background(), w)
}

// A run for one folder is cut off at every step, before it and after it: what
// was moved out of it is still there, and the next run makes good.
func TestOnlyCutOffEverywhere(t *testing.T) {
	for _, name := range []string{"modern", "plain"} {
		t.Run(name, func(t *testing.T) {
			begin := func() *pairOf {
				p := newPair(t, servers[name])
				p.must(p.remote.Create("Archive"))
				p.add(p.remote, "Archive", 2, mail.Seen)
				p.add(p.remote, "INBOX", 8, mail.Seen)
				p.sync()
				p.move("INBOX", "Archive", 1)
				p.must(p.local.Remove("INBOX", p.at(p.local, "INBOX", 4)))
				p.add(p.local, "INBOX", 1, 0)
				p.add(p.remote, "INBOX", 1, 0)
				p.only = []string{"INBOX"}
				return p
			}
			whole := begin()
			lf, rf := &storetest.Faults{}, &storetest.Faults{}
			if _, err := whole.run(lf, rf); err != nil {
				t.Fatal(err)
			}
			whole.only = nil
			whole.sync()
			want := subjects(whole.remote)
			cut := func(f *storetest.Faults, local bool) {
				p := begin()
				// What the run makes of the fault is not the question.
				if local {
					p.run(f, nil)
				} else {
					p.run(nil, f)
				}
				if n := p.count(p.remote, "INBOX"); n < 8 {
					t.Fatalf("cut at step %d (local %v, after %v): %d mails are left on the server", f.Step, local, f.After, n)
				}
				p.sync()
				p.only = nil
				p.sync()
				p.sync()
				if got := subjects(p.remote); got != want {
					t.Fatalf("cut at step %d (local %v, after %v): the server has\n%s\nwant\n%s", f.Step, local, f.After, got, want)
				}
				p.inStep()
			}
			for _, after := range []bool{false, true} {
				for i := range lf.Steps() {
					cut(&storetest.Faults{Step: i + 1, After: after, Dead: true}, true)
				}
				for i := range rf.Steps() {
					cut(&storetest.Faults{Step: i + 1, After: after, Dead: true}, false)
				}
			}
		})
	}
}

// Folders that were not looked into and did not change hold nothing back: no
// mail of them is read.
func TestOnlyRemovesAtOnce(t *testing.T) {
	p := several(t, 20, "a", "b", "c")
	p.remove(p.local, "INBOX", 2)
	p.only = []string{"INBOX"}
	lf := &storetest.Faults{}
	r, err := p.run(lf, nil)
	if err != nil || r.Counts.RemovedRemote != 2 {
		t.Fatalf("%v: %+v", err, r)
	}
	scans := 0
	for _, s := range lf.Steps() {
		if s == "scan" {
			scans++
		}
	}
	if scans > 2 {
		t.Errorf("%d scans for one folder: %q", scans, lf.Steps())
	}
	p.only = nil
	p.inStep()
}

// Whatever is moved about here, and whatever folders a run is for: a mail that
// was on the server once, and that nobody deleted, is on the server.
func TestNothingMovedIsLost(t *testing.T) {
	folders := []string{"INBOX", "A", "B", "C"}
	rapid.Check(t, func(rt *rapid.T) {
		p := several(t, 6, folders[1:]...)
		p.approve = []string{"INBOX", "A", "B", "C", "D"}
		deleted := map[string]bool{}
		pick := func(w *storetest.World, what string) (string, int, bool) {
			f := rapid.SampledFrom(w.Folders()).Draw(rt, what)
			n := p.count(w, f)
			if n == 0 {
				return "", 0, false
			}
			return f, rapid.IntRange(0, n-1).Draw(rt, "mail"), true
		}
		all := func(w *storetest.World) map[string]bool {
			out := map[string]bool{}
			for _, f := range w.Folders() {
				ms, _ := w.List(f)
				for _, m := range ms {
					out[subject(m.Body)] = true
				}
			}
			return out
		}
		act := func() {
			switch rapid.SampledFrom([]string{"move", "move", "move", "move far", "delete", "delete far", "add", "add far", "make"}).Draw(rt, "act") {
			case "move":
				if f, i, ok := pick(p.local, "from"); ok {
					p.move(f, rapid.SampledFrom(p.local.Folders()).Draw(rt, "to"), i)
				}
			case "move far":
				if f, i, ok := pick(p.remote, "from"); ok {
					m := p.at(p.remote, f, i)
					p.must(p.remote.Add(rapid.SampledFrom(p.remote.Folders()).Draw(rt, "to"), m.Flags, m.Body))
					p.must(p.remote.Remove(f, m))
				}
			case "delete":
				if f, i, ok := pick(p.local, "in"); ok {
					m := p.at(p.local, f, i)
					p.must(p.local.Remove(f, m))
					deleted[subject(m.Body)] = true
				}
			case "delete far":
				if f, i, ok := pick(p.remote, "in"); ok {
					m := p.at(p.remote, f, i)
					p.must(p.remote.Remove(f, m))
					deleted[subject(m.Body)] = true
				}
			case "add":
				p.add(p.local, rapid.SampledFrom(p.local.Folders()).Draw(rt, "in"), 1, 0)
			case "add far":
				p.add(p.remote, rapid.SampledFrom(p.remote.Folders()).Draw(rt, "in"), 1, 0)
			case "make":
				p.must(p.local.Create("D"))
			}
		}
		for range rapid.IntRange(1, 6).Draw(rt, "runs") {
			for range rapid.IntRange(0, 5).Draw(rt, "acts") {
				act()
			}
			there := all(p.remote)
			p.only = rapid.SampledFrom([][]string{nil, {"INBOX"}, {"A"}, {"A", "B"}, {"INBOX", "C"}}).Draw(rt, "only")
			p.full = rapid.Bool().Draw(rt, "full")
			if rapid.Bool().Draw(rt, "meanwhile") {
				p.whileRunning(act)
			}
			p.sync()
			p.wrap = nil
			now := all(p.remote)
			for s := range there {
				if !now[s] && !deleted[s] {
					rt.Fatalf("mail %s is gone from the server, and nobody deleted it", s)
				}
			}
		}
		p.only, p.full = nil, false
		for range 3 {
			p.sync()
		}
		p.inStep()
		both := all(p.local)
		for i := range p.serial {
			if s := fmt.Sprint(i + 1); !both[s] && !deleted[s] {
				rt.Fatalf("mail %s is gone, and nobody deleted it", s)
			}
		}
	})
}
