package engine_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/offlineimap/offlineimapd/sync/engine"
	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store/storetest"
)

func day(year int) time.Time { return time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC) }

// since opens a window, in a configuration of its own.
func (p *pairOf) since(year int) {
	p.policy.Limits = engine.Limits{Since: day(year), Text: fmt.Sprint("since ", year)}
}

func (p *pairOf) addIn(w *storetest.World, year, n int) {
	p.t.Helper()
	for range n {
		p.must(w.AddDated("INBOX", 0, p.mail(), day(year).AddDate(0, 3, 0)))
	}
}

// settled checks what both sides hold, and that another run has nothing to do.
func (p *pairOf) settled(what string, local, remote int) {
	p.t.Helper()
	for range 2 {
		if l, r := p.count(p.local, "INBOX"), p.count(p.remote, "INBOX"); l != local || r != remote {
			p.t.Fatalf("%s: %d mails here and %d there, want %d and %d", what, l, r, local, remote)
		}
		if rep := p.sync(); rep.Counts.Any() {
			p.t.Fatalf("%s: a run with nothing to do did %+v", what, rep.Counts)
		}
	}
}

func TestWindow(t *testing.T) {
	for name, o := range servers {
		t.Run(name, func(t *testing.T) {
			p := newPair(t, o)
			p.addIn(p.remote, 2015, 20)
			p.addIn(p.remote, 2020, 10)
			p.since(2020)
			p.sync()
			p.settled("the first run", 10, 30)

			p.remove(p.local, "INBOX", 1)
			p.sync()
			p.settled("removed here, within", 9, 29)
			p.must(p.remote.Remove("INBOX", p.at(p.remote, "INBOX", 28)))
			p.addIn(p.remote, 2015, 1) // put there today, whatever its date
			p.sync()
			p.settled("removed and added there", 9, 29)
			p.must(p.remote.Remove("INBOX", p.at(p.remote, "INBOX", 3)))
			p.must(p.remote.SetFlags("INBOX", p.at(p.remote, "INBOX", 4), mail.Flagged))
			p.sync()
			p.settled("changed there, outside", 9, 28)

			// The window moves on, and somebody makes room here.
			p.since(2025)
			p.addIn(p.remote, 2025, 2)
			p.sync()
			p.settled("moved on", 11, 30)
			p.remove(p.local, "INBOX", 4)
			p.sync()
			p.settled("removed here, outside", 7, 30)
			// The server throws away what is old; this is the archive.
			for _, i := range []int{26, 0} {
				p.must(p.remote.Remove("INBOX", p.at(p.remote, "INBOX", i)))
			}
			p.sync()
			p.settled("removed there, outside", 7, 28)
			// Flags of what both have go on crossing.
			p.must(p.local.SetFlags("INBOX", p.at(p.local, "INBOX", 0), mail.Flagged))
			if r := p.sync(); r.Counts.FlagsRemote != 1 {
				t.Errorf("a flag outside of the window: %+v", r.Counts)
			}

			p.policy.Limits = engine.Limits{}
			r := p.sync()
			if r.Counts.RemovedLocal+r.Counts.RemovedRemote+r.Counts.Uploaded > 0 {
				t.Errorf("without limits: %+v", r.Counts)
			}
			p.settled("without limits", 29, 28)
		})
	}
}

// A tree that was synced by another program holds mails that the server has
// thrown away long ago.
func TestWindowOverAnArchive(t *testing.T) {
	p := newPair(t, storetest.Options{})
	p.addIn(p.remote, 2010, 10)
	p.addIn(p.remote, 2026, 5)
	p.sync()
	for range 6 {
		p.remove(p.remote, "INBOX", 1)
	}
	p.state += "-lost"
	p.since(2026)
	r := p.sync()
	if r.Counts.Uploaded+r.Counts.RemovedLocal+r.Counts.Downloaded > 0 {
		t.Errorf("%+v", r.Counts)
	}
	p.settled("adopted", 15, 9)
}

func TestWindowLeavesNothing(t *testing.T) {
	p := newPair(t, storetest.Options{})
	p.addIn(p.remote, 2015, 5)
	p.since(2020)
	p.sync()
	p.settled("all old", 0, 5)
	p.addIn(p.local, 2012, 2)
	p.sync()
	p.settled("old mails put here", 2, 7)
}

func TestMaxSize(t *testing.T) {
	p := newPair(t, storetest.Options{})
	large := func(w *storetest.World) {
		p.must(w.Add("INBOX", 0, append(p.mail(), bytes.Repeat([]byte("x"), 10_000)...)))
	}
	p.add(p.remote, "INBOX", 3, 0)
	large(p.remote)
	p.sync() // it is on both sides before there is a limit
	p.policy.Limits = engine.Limits{Smaller: 5000, Text: "5000"}
	p.add(p.remote, "INBOX", 1, 0)
	large(p.remote)
	p.add(p.local, "INBOX", 1, 0)
	large(p.local)
	p.sync()
	p.settled("large ones stay", 7, 7)
	p.must(p.local.Remove("INBOX", p.at(p.local, "INBOX", 4))) // sorted: the new ones have no UID
	p.sync()
	p.policy.Limits = engine.Limits{Smaller: 50_000, Text: "50000"}
	p.sync()
	p.inStep()
}

// A large mail that was moved to another folder here cannot go up there: then it
// must stay where it was on the server, in this run and in later ones.
func TestLargeMailIsMoved(t *testing.T) {
	p := several(t, 4, "Work")
	body := append(p.mail(), bytes.Repeat([]byte("x"), 10_000)...)
	p.must(p.remote.Add("INBOX", 0, body))
	p.sync()
	p.policy.Limits = engine.Limits{LocalSince: day(2020), Text: "start"}
	p.must(p.local.Remove("INBOX", p.at(p.local, "INBOX", p.count(p.local, "INBOX")-1)))
	p.must(p.local.Add("Work", 0, body)) // of 2001
	there := p.count(p.remote, "INBOX")
	for range 3 {
		p.sync()
		if got := p.count(p.remote, "INBOX"); got != there {
			t.Fatalf("%d of %d mails are left on the server", got, there)
		}
	}
	p.policy.Limits = engine.Limits{}
	p.sync()
	p.sync()
	p.inStep()
}

func TestStartOfLocal(t *testing.T) {
	p := newPair(t, storetest.Options{})
	p.must(p.local.Create("INBOX"))
	p.addIn(p.local, 2010, 3)
	p.addIn(p.local, 2026, 2)
	p.addIn(p.remote, 2010, 1)
	p.policy.Limits = engine.Limits{LocalSince: day(2020), Text: "start"}
	p.sync()
	p.settled("old files stay", 6, 3)
}

func TestIgnored(t *testing.T) {
	p := newPair(t, storetest.Options{})
	p.add(p.remote, "INBOX", 6, 0)
	p.policy.Limits.Ignore = func(name string) (mail.Set, error) {
		if name != "INBOX" {
			return nil, errors.New("no such mailbox")
		}
		return mail.SetOf(2, 3, 77), nil
	}
	p.sync()
	p.settled("two are ignored", 4, 6)
	p.remove(p.local, "INBOX", 1) // one of the others
	p.sync()
	p.settled("one is removed", 3, 5)
	p.policy.Limits.Ignore = func(string) (mail.Set, error) { return mail.SetOf(3), nil }
	p.sync()
	p.settled("one is not ignored any more", 4, 5)
	p.policy.Limits.Ignore = func(string) (mail.Set, error) { return nil, errors.New("it fails") }
	p.add(p.remote, "INBOX", 1, 0)
	r := p.sync()
	if r.Folders[0].Result != engine.Failed || !strings.Contains(r.Folders[0].Problems[0].Text, "it fails") {
		t.Errorf("%+v", r.Folders[0])
	}
}

// TestLimitsNeverLose makes random changes while the window moves to and fro. A
// mail vanishes from a side only where somebody removed it, from the other side
// only within the window, and nothing is ever doubled.
func TestLimitsNeverLose(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := newPair(t, servers[rapid.SampledFrom([]string{"modern", "without CONDSTORE", "without UIDPLUS"}).Draw(rt, "server")])
		removed := map[*storetest.World]map[string]bool{p.local: {}, p.remote: {}}
		sides := map[string]*storetest.World{"local": p.local, "remote": p.remote}
		had := map[*storetest.World]map[string]bool{p.local: {}, p.remote: {}}
		for range rapid.IntRange(2, 8).Draw(rt, "rounds") {
			for range rapid.IntRange(0, 5).Draw(rt, "changes") {
				w := sides[rapid.SampledFrom([]string{"local", "remote"}).Draw(rt, "side")]
				ms, _ := w.List("INBOX")
				switch kind := rapid.IntRange(0, 3).Draw(rt, "kind"); {
				case w == p.local && len(p.local.Folders()) == 0:
				case kind < 2:
					year := rapid.IntRange(2010, 2020).Draw(rt, "year")
					p.addIn(w, year, 1)
				case len(ms) == 0:
				case kind == 2:
					m := ms[rapid.IntRange(0, len(ms)-1).Draw(rt, "mail")]
					removed[w][subject(m.Body)] = true
					p.must(w.Remove("INBOX", m))
				case kind == 3:
					m := ms[rapid.IntRange(0, len(ms)-1).Draw(rt, "mail")]
					p.must(w.SetFlags("INBOX", m, mail.Flagged))
				}
			}
			if rapid.Bool().Draw(rt, "limited") {
				p.since(rapid.IntRange(2009, 2021).Draw(rt, "window"))
			} else {
				p.policy.Limits = engine.Limits{}
			}
			p.approve = []string{"INBOX"}
			p.full = rapid.Bool().Draw(rt, "full")
			p.sync()
			for name, w := range sides {
				ms, _ := w.List("INBOX")
				now := map[string]bool{}
				for _, m := range ms {
					s := subject(m.Body)
					if now[s] {
						rt.Fatalf("%s is there twice, %s", s, name)
					}
					now[s], had[w][s] = true, true
				}
				for s := range had[w] {
					if !now[s] && !removed[p.local][s] && !removed[p.remote][s] {
						rt.Fatalf("%s is lost, %s", s, name)
					}
				}
			}
		}
		// Whoever removed nothing has all there is, once there are no limits.
		p.policy.Limits = engine.Limits{}
		p.sync()
		rep := p.sync()
		if rep.Counts.Any() {
			rt.Fatalf("it does not come to rest: %+v", rep.Counts)
		}
		for s := range had[p.remote] {
			if removed[p.remote][s] || removed[p.local][s] {
				continue
			}
			ms, _ := p.local.List("INBOX")
			found := false
			for _, m := range ms {
				found = found || subject(m.Body) == s
			}
			if !found {
				rt.Fatalf("%s never came here", s)
			}
		}
	})
}

// What the server removes at the edge of the window was within it.
func TestEdgeOfTheWindow(t *testing.T) {
	for name, o := range servers {
		t.Run(name, func(t *testing.T) {
			p := newPair(t, o)
			p.addIn(p.remote, 2015, 3)
			p.addIn(p.remote, 2021, 5)
			p.since(2020)
			p.sync()
			p.settled("the first run", 5, 8)
			for range 2 {
				p.must(p.remote.Remove("INBOX", p.at(p.remote, "INBOX", 3)))
			}
			p.sync()
			p.settled("the first two are removed", 3, 6)
			p.remove(p.remote, "INBOX", 3) // old ones, which were never here
			p.sync()
			p.settled("old ones are removed", 3, 3)
		})
	}
}

// The window is known before anything is removed from it.
func TestEdgeOfAWindowThatWasQuiet(t *testing.T) {
	p := newPair(t, storetest.Options{})
	p.addIn(p.remote, 2015, 2)
	p.addIn(p.remote, 2021, 4)
	p.sync()
	p.since(2020)
	p.sync()
	for range 2 {
		p.must(p.remote.Remove("INBOX", p.at(p.remote, "INBOX", 2)))
	}
	p.sync()
	p.settled("the first two are removed", 4, 4)
}

// A clock that went forward and back leaves nothing out.
func TestClockForwardAndBack(t *testing.T) {
	p := newPair(t, storetest.Options{})
	at := func(year int) { p.policy.Limits = engine.Limits{Since: day(year), Text: "maxage 7"} }
	at(2020)
	p.addIn(p.remote, 2021, 2)
	p.sync()
	p.addIn(p.remote, 2021, 2)
	at(2025)
	p.sync()
	p.settled("the clock is wrong", 2, 4)
	at(2020)
	p.sync()
	p.settled("the clock is right again", 4, 4)
}

// Limits that were lifted while nothing might come here are lifted afterwards.
func TestLimitsLiftedWhileReadOnly(t *testing.T) {
	p := newPair(t, storetest.Options{})
	p.addIn(p.remote, 2015, 3)
	p.addIn(p.remote, 2021, 2)
	p.since(2020)
	p.sync()
	p.policy.Limits, p.policy.LocalReadOnly = engine.Limits{}, true
	p.sync()
	p.policy.LocalReadOnly = false
	p.sync()
	p.settled("nothing forbids it any more", 5, 5)
}

// Runs within limits, and those after limits changed, are cut off at every step.
func TestCutOffWithinLimits(t *testing.T) {
	for name, prepare := range map[string]func(p *pairOf){
		"within": func(p *pairOf) {
			p.sync()
			p.since(2020)
			p.remove(p.local, "INBOX", 2)                                 // outside
			p.must(p.local.Remove("INBOX", p.at(p.local, "INBOX", 9)))    // within
			p.must(p.remote.Remove("INBOX", p.at(p.remote, "INBOX", 3)))  // outside
			p.must(p.remote.Remove("INBOX", p.at(p.remote, "INBOX", 10))) // within
			p.addIn(p.remote, 2021, 2)
			p.addIn(p.local, 2014, 2)
		},
		"lifted": func(p *pairOf) {
			p.since(2020)
			p.sync()
			p.policy.Limits = engine.Limits{}
		},
		"wider": func(p *pairOf) {
			p.policy.Limits = engine.Limits{Smaller: 10, Text: "10"}
			p.sync()
			p.policy.Limits = engine.Limits{Smaller: 1000, Text: "1000"}
			p.addIn(p.local, 2014, 1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			started := func() *pairOf {
				p := newPair(t, storetest.Options{})
				p.addIn(p.remote, 2015, 6)
				p.addIn(p.remote, 2020, 6)
				prepare(p)
				return p
			}
			cutOffEverywhere(t, started)
		})
	}
}

func cutOffEverywhere(t *testing.T, started func() *pairOf) {
	t.Helper()
	whole := started()
	lf, rf := &storetest.Faults{}, &storetest.Faults{}
	if _, err := whole.run(lf, rf); err != nil {
		t.Fatal(err)
	}
	here, there := subjects(whole.local), subjects(whole.remote)
	cut := func(local bool, step int, after bool) {
		p := started()
		f := &storetest.Faults{Step: step, After: after, Dead: true}
		var err error
		if local {
			_, err = p.run(f, nil)
		} else {
			_, err = p.run(nil, f)
		}
		if f.Struck() && err != nil && !errors.Is(err, storetest.ErrFault) {
			t.Fatal(err)
		}
		p.sync()
		p.sync()
		if l, r := subjects(p.local), subjects(p.remote); l != here || r != there {
			t.Fatalf("cut at step %d (local %v, after %v): here\n%s\nthere\n%s\nwant\n%s\nand\n%s", step, local, after, l, r, here, there)
		}
		if r := p.sync(); r.Counts.Any() {
			t.Fatalf("cut at step %d (local %v, after %v): %+v", step, local, after, r.Counts)
		}
	}
	for _, after := range []bool{false, true} {
		for i := range lf.Steps() {
			cut(true, i+1, after)
		}
		for i := range rf.Steps() {
			cut(false, i+1, after)
		}
	}
}
