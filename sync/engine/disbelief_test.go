package engine_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/offlineimap/offlineimapd/sync/engine"
	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
	"github.com/offlineimap/offlineimapd/sync/store/storetest"
)

func note(r *engine.Report, part string) bool {
	for _, f := range r.Folders {
		if strings.Contains(strings.Join(f.Notes, "\n"), part) {
			return true
		}
	}
	return false
}

// Where the inheritance cannot be about the mailbox that is there, nothing is
// removed on its word, nothing crosses twice, and the report says why.
func TestInheritanceRefused(t *testing.T) {
	for _, tc := range []struct {
		name, note string
		change     func(h *testament)
	}{
		{"another UIDVALIDITY", "is about a mailbox with UIDVALIDITY 77", func(h *testament) { h.validity["INBOX"] = 77 }},
		{"UIDs that the server has not reached", "mail with UID 900", func(h *testament) {
			h.rows["INBOX"] = append(h.rows["INBOX"], mail.Entry{UID: 900})
		}},
		{"unreadable", "the file is damaged; the mails are compared", func(h *testament) { h.err = errors.New("the file is damaged") }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newPair(t, storetest.Options{})
			p.add(p.remote, "INBOX", 12, mail.Seen)
			p.sync()
			tc.change(p.changesOver())
			p.remove(p.local, "INBOX", 1)
			ms, _ := p.remote.List("INBOX")
			p.must(p.remote.Remove("INBOX", ms[11]))
			r := p.sync()
			if !note(r, tc.note) || r.Folders[0].Adopted != nil {
				t.Errorf("%+v", r.Folders[0])
			}
			if c := r.Counts; c.Downloaded != 1 || c.Uploaded != 1 || c.RemovedLocal+c.RemovedRemote != 0 || c.Paired != 10 {
				t.Errorf("%+v", c)
			}
			p.inStep()
		})
	}
}

// Deletions that are inherited pass the guard like any other.
func TestInheritedRemovalsAreGuarded(t *testing.T) {
	for _, tc := range []struct {
		name string
		w    func(p *pairOf) *storetest.World
		n    int
	}{
		{"emptied here", func(p *pairOf) *storetest.World { return p.local }, 24},
		{"emptied there", func(p *pairOf) *storetest.World { return p.remote }, 24},
		{"most here", func(p *pairOf) *storetest.World { return p.local }, 14},
		{"most there", func(p *pairOf) *storetest.World { return p.remote }, 14},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newPair(t, storetest.Options{})
			p.add(p.remote, "INBOX", 24, 0)
			p.sync()
			p.changesOver()
			p.remove(tc.w(p), "INBOX", tc.n)
			for range 2 {
				r := p.sync()
				if r.Result != engine.Held || r.Counts.RemovedLocal+r.Counts.RemovedRemote+r.Counts.Downloaded+r.Counts.Uploaded != 0 {
					t.Fatalf("%+v", r)
				}
			}
			p.approve = []string{"INBOX"}
			if r := p.sync(); r.Counts.RemovedLocal+r.Counts.RemovedRemote != tc.n {
				t.Fatalf("%+v", r)
			}
			p.approve = nil
			p.inStep()
		})
	}
}

// Rows are the base, and what has no row is compared by header: together they
// leave nothing to transfer.
func TestInheritedInPart(t *testing.T) {
	p := newPair(t, storetest.Options{})
	p.add(p.remote, "INBOX", 12, mail.Seen)
	p.sync()
	h := p.changesOver()
	rows := h.rows["INBOX"]
	h.rows["INBOX"] = append(rows[:4:4], rows[6:]...) // stored on both sides, and not written down
	h.rows["INBOX"][0].UID = 1
	p.must(p.local.SetFlags("INBOX", p.byUID(p.local, 1), mail.Flagged))             // Seen was taken off
	p.must(p.remote.SetFlags("INBOX", p.byUID(p.remote, 2), mail.Replied|mail.Seen)) // added there
	p.must(p.local.SetFlags("INBOX", p.byUID(p.local, 5), mail.Flagged))             // without a row: united
	p.must(p.local.Remove("INBOX", p.byUID(p.local, 7)))                             // pending
	p.must(p.local.Remove("INBOX", p.byUID(p.local, 6)))                             // without a row: comes back
	for _, w := range []*storetest.World{p.local, p.remote} {
		p.must(w.Remove("INBOX", p.byUID(w, 8))) // a row without a mail
	}
	lf, rf := &storetest.Faults{}, &storetest.Faults{}
	r, err := p.run(lf, rf)
	p.must(err)
	if c := r.Counts; c.Downloaded != 1 || c.Uploaded != 0 || c.RemovedRemote != 1 || c.RemovedLocal != 0 || c.Paired != 9 || c.FlagsLocal != 2 || c.FlagsRemote != 2 {
		t.Errorf("%+v", c)
	}
	if a := r.Folders[0].Adopted; a.Mails != 9 { // eight on both sides, one removal
		t.Errorf("%+v", a)
	}
	p.inStep()
	for uid, want := range map[mail.UID]mail.Flags{1: mail.Flagged, 2: mail.Replied | mail.Seen, 5: mail.Flagged | mail.Seen} {
		if got := p.byUID(p.remote, uid).Flags; got != want {
			t.Errorf("UID %d has %s, want %s", uid, got, want)
		}
	}
}

// No body is read where the rows and the headers agree, not even of mails
// without a Message-ID.
func TestInheritedReadsNoBody(t *testing.T) {
	p := newPair(t, storetest.Options{})
	for i := range 12 {
		date := "Date: Mon, 23 Nov 2026 10:00:00 +0000\r\n"
		if i%2 == 0 {
			date = ""
		}
		p.must(p.remote.Add("INBOX", 0, fmt.Appendf(nil, "%sSubject: %d\r\n\r\nHello\r\n", date, i%3)))
	}
	p.sync()
	p.changesOver()
	lf, rf := &storetest.Faults{}, &storetest.Faults{}
	r, err := p.run(lf, rf)
	p.must(err)
	if n := lf.Octets() + rf.Octets(); n != 0 || r.Counts.Paired != 12 {
		t.Errorf("%d octets of bodies were read: %+v", n, r.Counts)
	}
	p.inStep()
}

// Files whose names lie: each goes up as new, the mails whose UIDs they had
// come here, and no removal is believed. Wherever the run is cut off, nothing
// of either side is lost.
func TestInheritedLies(t *testing.T) {
	begin := func() *pairOf {
		p := newPair(t, storetest.Options{})
		p.add(p.remote, "INBOX", 12, 0)
		p.sync()
		p.changesOver()
		for uid := mail.UID(1); uid <= 3; uid++ {
			p.must(p.local.Remove("INBOX", p.byUID(p.local, uid)))
		}
		p.must(p.put("INBOX", 2, storetest.Mail{Body: p.mail()})) // as a tree of another time has it
		p.must(p.put("INBOX", 3, storetest.Mail{Body: []byte("Subject: nothing to tell it by\r\n\r\nx\r\n")}))
		p.must(p.remote.Remove("INBOX", p.byUID(p.remote, 9)))
		return p
	}
	check := func(p *pairOf, what string) {
		t.Helper()
		p.inStep()
		ms, err := p.remote.List("INBOX")
		p.must(err)
		var all bytes.Buffer
		for _, m := range ms {
			all.WriteString(subject(m.Body) + ";")
		}
		for _, want := range []string{"2", "3", "13", "nothing to tell it by"} {
			if !strings.Contains(";"+all.String(), ";"+want+";") {
				t.Fatalf("%s: mail %q is lost: %s", what, want, all.String())
			}
		}
	}
	whole := begin()
	lf, rf := &storetest.Faults{}, &storetest.Faults{}
	r, err := whole.run(lf, rf)
	whole.must(err)
	if c := r.Counts; c.RemovedLocal+c.RemovedRemote != 0 || c.Downloaded != 3 || c.Uploaded != 3 {
		t.Errorf("%+v", c)
	}
	if !note(r, "the names of 2 files") || !note(r, "1 removals here and 1 on the server") {
		t.Errorf("%q", r.Folders[0].Notes)
	}
	check(whole, "undisturbed")
	for _, after := range []bool{false, true} {
		for side, steps := range map[string]int{"local": len(lf.Steps()), "remote": len(rf.Steps())} {
			for i := range steps {
				p := begin()
				f := &storetest.Faults{Step: i + 1, After: after, Dead: true}
				if side == "local" {
					p.run(f, nil)
				} else {
					p.run(nil, f)
				}
				p.sync()
				check(p, fmt.Sprintf("cut at step %d of the %s side (after %v)", i+1, side, after))
			}
		}
	}
}

// A mail that was changed here, and so has lost its UID, is not removed on the
// server in its old version.
func TestInheritedEdited(t *testing.T) {
	p := newPair(t, storetest.Options{})
	p.add(p.remote, "INBOX", 12, 0)
	p.sync()
	p.changesOver()
	m := p.byUID(p.local, 4)
	p.must(p.local.Remove("INBOX", m))
	p.must(p.local.Add("INBOX", 0, append(m.Body, "and more\r\n"...)))
	if r := p.sync(); r.Counts.RemovedRemote != 0 || r.Counts.Downloaded != 1 || r.Counts.Uploaded != 1 {
		t.Errorf("%+v", r.Counts)
	}
	p.inStep()
}

// A folder whose directory is gone was never synced; one that the base knew and
// forgot is not inherited a second time.
func TestNotInherited(t *testing.T) {
	p := newPair(t, storetest.Options{})
	p.add(p.remote, "INBOX", 12, 0)
	p.must(p.remote.Create("Work"))
	p.add(p.remote, "Work", 3, 0)
	p.sync()
	h := p.changesOver()
	p.must(p.local.Drop("Work"))
	r := p.sync()
	if r.Counts.Downloaded != 3 || r.Counts.RemovedRemote != 0 || h.asked.Load() != 1 {
		t.Errorf("%+v, asked %d times", r.Counts, h.asked.Load())
	}
	p.inStep()

	p.must(p.local.Drop("Work"))
	p.must(p.local.Drop("INBOX"))
	if r := p.sync(); r.Counts.Downloaded != 15 || r.Counts.RemovedRemote != 0 || h.asked.Load() != 1 {
		t.Errorf("%+v, asked %d times", r.Counts, h.asked.Load())
	}
	p.inStep()
}

// A flag that was written down as agreed, and that the server never got, is not
// taken off here.
func TestInheritedFlagsThatNeverArrived(t *testing.T) {
	p := newPair(t, storetest.Options{})
	p.add(p.remote, "INBOX", 12, 0)
	p.sync()
	h := p.changesOver()
	custom := mail.Letter('a')
	h.rows["INBOX"][0].Flags |= mail.Passed | custom | mail.Seen
	p.must(p.local.SetFlags("INBOX", p.byUID(p.local, 1), mail.Passed|custom|mail.Seen))
	p.sync()
	p.inStep()
	if got := p.byUID(p.local, 1).Flags; got != mail.Passed|custom {
		t.Errorf("flags %s, want Pa: Seen was taken off on the server", got)
	}
}

// From one program to the other and back: what the base has is older than what
// both sides agree on by now, and a merge with it still loses and doubles nothing.
func TestThereAndBack(t *testing.T) {
	p := newPair(t, storetest.Options{})
	p.add(p.remote, "INBOX", 12, mail.Seen)
	p.sync()
	ours := p.state
	for round := range 3 {
		// The other program, with a base of its own.
		p.state = ours + "theirs"
		p.add(p.local, "INBOX", 2, 0)
		p.add(p.remote, "INBOX", 2, mail.Flagged)
		p.remove(p.local, "INBOX", 1)
		p.must(p.remote.SetFlags("INBOX", p.at(p.remote, "INBOX", 6), mail.Replied))
		p.sync()
		agreed := subjects(p.remote)
		// And back, after changes that nobody carried over.
		p.state = ours
		p.must(p.local.SetFlags("INBOX", p.at(p.local, "INBOX", 3), mail.Flagged))
		lf, rf := &storetest.Faults{}, &storetest.Faults{}
		r, err := p.run(lf, rf)
		p.must(err)
		if c := r.Counts; c.Downloaded+c.Uploaded+c.RemovedLocal+c.RemovedRemote != 0 || lf.Octets()+rf.Octets() != 0 {
			t.Fatalf("round %d: %+v, %d octets", round, c, lf.Octets()+rf.Octets())
		}
		if a, b := strings.Count(subjects(p.remote), "\n"), strings.Count(agreed, "\n"); a != b {
			t.Fatalf("round %d: %d mails, agreed on %d", round, a+1, b+1)
		}
		p.inStep()
	}
}

// What another program knew is of before our time: where the place was in use
// by us already, and where another was approved of, it is not asked.
func TestNotInheritedInAPlaceOfOurs(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(p *pairOf, id *string)
		asked  int64
	}{
		{"a place without a mark", func(p *pairOf, id *string) { *id = "" }, 1},
		{"our state was lost", func(p *pairOf, id *string) {}, 0},
		{"another place, as approved", func(p *pairOf, id *string) {
			p.state = strings.TrimSuffix(p.state, "new")
			*id = "another"
			p.approve = []string{engine.ApproveRoot}
		}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newPair(t, storetest.Options{})
			id, gone := "", false
			p.wrap = func(s store.Store) store.Store { return place{s, &id, &gone} }
			p.add(p.remote, "INBOX", 12, mail.Seen)
			p.sync()
			h := p.changesOver()
			p.remove(p.local, "INBOX", 1)
			tc.change(p, &id)
			r := p.sync()
			if n := h.asked.Load(); n != tc.asked || r.Counts.RemovedRemote != int(tc.asked) || r.Counts.Downloaded != 1-int(tc.asked) {
				t.Errorf("asked %d times, %+v", n, r.Counts)
			}
			p.approve = nil
			p.inStep()
		})
	}
}

// A tree that another program has made since has no file with a UID of the rows.
// What it lacks was not removed by anybody.
func TestInheritedByAnotherTree(t *testing.T) {
	p := newPair(t, storetest.Options{})
	p.add(p.remote, "INBOX", 12, mail.Seen)
	p.sync()
	p.changesOver()
	ms, err := p.local.List("INBOX")
	p.must(err)
	for i, m := range ms {
		p.must(p.local.Remove("INBOX", m))
		if i >= 3 { // the other program was told to keep the newest
			p.must(p.local.Add("INBOX", m.Flags, m.Body))
		}
	}
	r := p.sync()
	if c := r.Counts; c.Downloaded != 3 || c.Paired != 9 || c.Uploaded+c.RemovedRemote+c.RemovedLocal != 0 || !note(r, "no file in") {
		t.Errorf("%+v %+v", c, r.Folders)
	}
	p.inStep()
}
