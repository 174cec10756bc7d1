package storetest

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// base is what the next scan is told, and what its difference is applied to.
type base struct {
	known mail.Known
	rows  map[mail.UID]mail.Flags
	fresh []string // flags of mails without UID, sorted
}

// scan scans a mailbox, checks that the result is well-formed, and that with
// the base it tells of the mailbox what is there as seen from outside. The base
// then agrees with it.
func (s *suite) scan(name string, b *base) *mail.Snapshot {
	s.Helper()
	var snap *mail.Snapshot
	s.open(name, func(f store.Folder) {
		var err error
		snap, err = f.Scan(s.ctx, b.known)
		s.must(err)
	})
	s.wellFormed(snap)
	b.apply(snap)

	uids, fresh := map[mail.UID]mail.Flags{}, []string{}
	for _, m := range s.list(name) {
		if m.UID == 0 {
			fresh = append(fresh, m.Flags.String())
		} else {
			uids[m.UID] = m.Flags & snap.Mask
		}
	}
	slices.Sort(fresh)
	if !maps.Equal(uids, b.rows) {
		s.Errorf("the scan (%s) leads to %v, and there are %v", describe(snap), b.rows, uids)
	}
	if !slices.Equal(fresh, b.fresh) {
		s.Errorf("the scan (%s) leads to fresh mails with the flags %q, and there are %q", describe(snap), b.fresh, fresh)
	}
	b.known = mail.Known{Stamp: snap.Stamp, Count: len(b.rows)}
	return snap
}

func (b *base) apply(snap *mail.Snapshot) {
	if snap.Unchanged {
		return
	}
	if snap.Full || b.rows == nil {
		b.rows = map[mail.UID]mail.Flags{}
	}
	for _, e := range snap.Entries {
		b.rows[e.UID] = e.Flags & snap.Mask
	}
	if !snap.Full && snap.All != nil {
		maps.DeleteFunc(b.rows, func(u mail.UID, _ mail.Flags) bool { return !snap.All.Has(u) })
	}
	b.fresh = []string{}
	for _, f := range snap.Fresh {
		b.fresh = append(b.fresh, f.Flags.String())
	}
	slices.Sort(b.fresh)
}

func describe(s *mail.Snapshot) string {
	return fmt.Sprintf("unchanged %v, full %v, %d entries, all %v, stamp %+v", s.Unchanged, s.Full, len(s.Entries), s.All, s.Stamp)
}

func (s *suite) wellFormed(snap *mail.Snapshot) {
	s.Helper()
	last := mail.UID(0)
	for _, e := range snap.Entries {
		if e.UID <= last {
			s.Errorf("UID %d comes after %d", e.UID, last)
		}
		last = e.UID
	}
	if snap.Unchanged && (snap.Full || snap.Entries != nil || snap.All != nil || snap.Fresh != nil) {
		s.Errorf("unchanged, and yet: %s", describe(snap))
	}
	if s.carries && snap.Stamp.UIDValidity != 0 {
		s.Errorf("a store that carries UIDs has the UIDVALIDITY %d", snap.Stamp.UIDValidity)
	}
	if !s.carries && (snap.Stamp.UIDValidity == 0 || len(snap.Fresh) > 0) {
		s.Errorf("a store that assigns UIDs: %s, %d fresh", describe(snap), len(snap.Fresh))
	}
	if missing := s.Mask &^ snap.Mask; missing != 0 {
		s.Errorf("the mask lacks the flags %s", missing)
	}
	keys := map[string]bool{}
	for _, f := range snap.Fresh {
		if f.Key == "" || keys[f.Key] {
			s.Errorf("fresh mails have the key %q", f.Key)
		}
		keys[f.Key] = true
	}
}

func testSurvey(s *suite) {
	s.box("Alpha")
	s.must(s.Store.Create(s.ctx, "Alpha")) // exists already
	s.must(s.Outside.Create("Beta"))
	want := []string{"Alpha", "Beta"}
	if sep := s.Store.Properties().Separator; sep != 0 {
		deep := fmt.Sprintf("Gamma%cDelta%[1]cEpsilon", sep)
		s.must(s.Store.Create(s.ctx, deep))
		want = append(want, deep)
	}
	got := s.survey()
	for _, name := range want {
		if m, ok := got[name]; !ok || !m.Selectable || m.Display == "" {
			s.Errorf("the survey says of %q: %+v (listed: %v)", name, m, ok)
		}
		if n := len(s.list(name)); n != 0 {
			s.Errorf("%q is new and has %d mails", name, n)
		}
	}
}

// A mailbox that is not there must never look like one that is empty.
func testMissing(s *suite) {
	s.open("Nowhere", func(f store.Folder) {
		if snap, err := f.Scan(s.ctx, mail.Known{}); err == nil {
			s.Errorf("the scan of a mailbox that does not exist: %s", describe(snap))
		} else if store.ScopeOf(err) != store.ScopeFolder {
			s.Errorf("%v: stops more than this mailbox", err)
		}
	})
	if _, there := s.survey()["Nowhere"]; there {
		s.Error("the scan of a mailbox made it")
	}
	s.scan(s.box("Somewhere"), &base{}) // the store is still good
}

func testScanFull(s *suite) {
	name := s.box("Box")
	if snap := s.scan(name, &base{}); !snap.Full {
		s.Errorf("nothing is known, and the scan says: %s", describe(snap))
	}
	s.put(name, mail.Seen, texts(5)...)
	s.must(s.Outside.Add(name, mail.Flagged|mail.Draft, text("another")))
	b := &base{}
	s.scan(name, b)
	b.known.Full, b.rows = true, nil
	if snap := s.scan(name, b); !snap.Full || snap.Unchanged {
		s.Errorf("everything was asked for, and the scan says: %s", describe(snap))
	}
}

func testScanOutside(s *suite) {
	name, bodies := s.box("Box"), texts(8)
	s.put(name, 0, bodies...)
	b := &base{}
	s.scan(name, b)
	for _, change := range []func(){
		func() { s.must(s.Outside.Add(name, 0, text("added"))) },
		func() { s.must(s.Outside.SetFlags(name, s.find(name, bodies[1]), mail.Seen|mail.Replied)) },
		func() { s.must(s.Outside.SetFlags(name, s.find(name, bodies[1]), 0)) },
		func() { s.must(s.Outside.Remove(name, s.find(name, bodies[2]))) },
		func() {},
		func() { // as many come as go
			s.must(s.Outside.Remove(name, s.find(name, bodies[3])))
			s.must(s.Outside.Add(name, mail.Flagged, text("in its place")))
		},
		func() { // comes and goes again
			s.must(s.Outside.Add(name, 0, text("brief")))
			s.must(s.Outside.Remove(name, s.find(name, text("brief"))))
		},
		func() {
			s.must(s.Outside.SetFlags(name, s.find(name, bodies[4]), mail.Trashed))
			s.must(s.Outside.Remove(name, s.find(name, bodies[5])))
			s.must(s.Outside.Remove(name, s.find(name, bodies[0])))
			s.must(s.Outside.Remove(name, s.find(name, bodies[7])))
			s.must(s.Outside.Add(name, 0, text("last")))
		},
		func() {
			for _, m := range s.list(name) {
				s.must(s.Outside.Remove(name, m))
			}
		},
		func() { s.must(s.Outside.Add(name, 0, text("first again"))) },
	} {
		change()
		s.scan(name, b)
	}
}

// What the store itself did since the stamp was taken is in the base already.
func testScanOwn(s *suite) {
	name := s.box("Box", text("outside"))
	b := &base{}
	s.scan(name, b)
	uids := s.put(name, mail.Seen, texts(3)...)
	for _, u := range uids {
		b.rows[u] = mail.Seen
	}
	b.known.Count = len(b.rows)
	s.scan(name, b)

	s.open(name, func(f store.Folder) {
		w := f.Begin()
		defer w.Discard()
		_, err := w.SetFlags(s.ctx, []mail.FlagChange{{UID: uids[0], Add: mail.Flagged}})
		s.must(err)
		s.must(w.Remove(s.ctx, uids[1:2]))
		s.commit(w)
	})
	b.rows[uids[0]] |= mail.Flagged
	delete(b.rows, uids[1])
	b.known.Count = len(b.rows)
	s.scan(name, b)
}

// A change right after a scan is seen by the next one, however coarse the
// clock behind the stamps is.
func testScanAtOnce(s *suite) {
	name := s.box("Box")
	b := &base{}
	s.scan(name, b)
	for i := range 20 {
		s.must(s.Outside.Add(name, 0, text(fmt.Sprintf("added %d", i))))
		s.scan(name, b)
	}
	for i := range 10 {
		s.must(s.Outside.SetFlags(name, s.find(name, text(fmt.Sprintf("added %d", i))), mail.Seen))
		s.scan(name, b)
	}
}

func testScanUnchanged(s *suite) {
	name := s.box("Box")
	s.put(name, mail.Seen, texts(3)...)
	b := &base{}
	snap := s.scan(name, b)
	for end := time.Now().Add(5 * time.Second); !snap.Unchanged && time.Now().Before(end); {
		time.Sleep(100 * time.Millisecond)
		snap = s.scan(name, b)
		if (!s.carries || s.Store.Properties().Mapped) && !snap.Stamp.Sure {
			return // a server that cannot say so
		}
	}
	if !snap.Unchanged {
		s.Errorf("nothing changes for five seconds, and the scan says: %s", describe(snap))
	}
	// Stamps hold across processes.
	if s.Reopen != nil {
		again := s.Reopen(s)
		defer func() { s.must(again.Close(s.ctx)) }()
		_, err := again.Survey(s.ctx)
		s.must(err)
		f := again.Open(name, false)
		defer f.Close()
		if snap, err = f.Scan(s.ctx, b.known); err != nil || !snap.Unchanged {
			s.Errorf("the next process scans an unchanged mailbox: %v, %v", snap, err)
		}
	}
}

// The stamp of a survey says of a mailbox no more than a scan would.
func testSurveyStamps(s *suite) {
	name, b := s.box("Box"), &base{}
	s.put(name, 0, texts(2)...)
	for i, change := range []func(){
		func() {},
		func() { s.must(s.Outside.Add(name, 0, text("added"))) },
		func() { s.must(s.Outside.SetFlags(name, s.find(name, text("added")), mail.Seen)) },
		func() { s.must(s.Outside.Remove(name, s.find(name, text("added")))) },
	} {
		b.known, b.rows = mail.Known{Full: true}, nil
		before := s.scan(name, b).Stamp
		change()
		stamp := s.survey()[name].Stamp
		if i > 0 && stamp.Same(before) {
			s.Errorf("change %d: the survey says that nothing changed: %+v", i, stamp)
		}
		if i == 0 && !s.carries && before.Sure && !stamp.Same(before) {
			s.Errorf("nothing changed: scanned %+v, surveyed %+v", before, stamp)
		}
	}
}

// With Known.Keys, what a file name says of a UID is a claim.
func testScanKeys(s *suite) {
	name := s.box("Box", text("outside"))
	uids := s.put(name, mail.Seen, texts(3)...)
	b := &base{}
	s.scan(name, b)
	var snap *mail.Snapshot
	s.open(name, func(f store.Folder) {
		var err error
		snap, err = f.Scan(s.ctx, mail.Known{Stamp: b.known.Stamp, Count: 4, Keys: true})
		s.must(err)
	})
	if !s.carries {
		return
	}
	s.wellFormed(snap)
	claims := map[mail.UID]mail.Flags{}
	for _, f := range snap.Fresh {
		claims[f.Claim] = f.Flags
	}
	want := map[mail.UID]mail.Flags{0: 0, uids[0]: mail.Seen, uids[1]: mail.Seen, uids[2]: mail.Seen}
	if !snap.Full || len(snap.Entries) != 0 || !maps.Equal(claims, want) {
		s.Errorf("the scan for keys has %d entries and the claims %v, want %v (%s)", len(snap.Entries), claims, want, describe(snap))
	}
	for _, f := range snap.Fresh {
		if got := s.fetch(name, mail.Ref{Key: f.Key}); len(got) != 1 {
			s.Errorf("the key %q, with the claim %d, fetches %d mails", f.Key, f.Claim, len(got))
		}
	}
}
