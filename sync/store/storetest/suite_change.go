package storetest

import (
	"bytes"
	"slices"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
)

func testSetFlags(s *suite) {
	name, bs := s.box("Box"), texts(4)
	const first = mail.Seen | mail.Draft
	uids := s.put(name, first, bs...)
	s.must(s.Outside.Remove(name, s.find(name, bs[3])))
	s.open(name, func(f store.Folder) {
		_, err := f.Scan(s.ctx, mail.Known{})
		s.must(err)
		s.must(s.Outside.SetFlags(name, s.find(name, bs[1]), mail.Flagged)) // since the scan
		w := f.Begin()
		defer w.Discard()
		gone, err := w.SetFlags(s.ctx, []mail.FlagChange{
			{UID: uids[0], Add: mail.Flagged | mail.Seen, Clear: mail.Draft},
			{UID: uids[1], Add: mail.Replied, Clear: mail.Seen},
			{UID: uids[2], Clear: mail.AllFlags},
			{UID: uids[3], Add: mail.Seen},
			{UID: uids[3] + 1000, Clear: mail.Seen},
		})
		s.must(err)
		s.commit(w)
		slices.Sort(gone)
		if !slices.Equal(gone, []mail.UID{uids[3], uids[3] + 1000}) {
			s.Errorf("gone are %v, want %v", gone, []mail.UID{uids[3], uids[3] + 1000})
		}
	})
	for i, want := range []mail.Flags{mail.Flagged | mail.Seen, mail.Flagged | mail.Replied, 0} {
		m := s.find(name, bs[i])
		if m.Flags != want || m.UID != uids[i] {
			s.Errorf("mail %d has the flags %q and UID %d, want %q and %d", i, m.Flags, m.UID, want, uids[i])
		}
	}
	if n := len(s.list(name)); n != 3 {
		s.Errorf("%d mails are there, want 3", n)
	}
	s.everyFlag(name, bs[0], uids[0])
}

// everyFlag sets and clears all that the store must be able to keep.
func (s *suite) everyFlag(name string, body []byte, u mail.UID) {
	for _, c := range []mail.FlagChange{{UID: u, Add: s.Mask}, {UID: u, Clear: s.Mask &^ mail.Seen}, {UID: u}} {
		want := s.find(name, body).Flags&^c.Clear | c.Add
		s.open(name, func(f store.Folder) {
			w := f.Begin()
			defer w.Discard()
			_, err := w.SetFlags(s.ctx, []mail.FlagChange{c})
			s.must(err)
			s.commit(w)
		})
		if got := s.find(name, body).Flags; got != want {
			s.Errorf("adding %q and clearing %q leads to %q, want %q", c.Add, c.Clear, got, want)
		}
	}
}

func testRemove(s *suite) {
	name, bs := s.box("Box"), texts(6)
	uids := s.put(name, 0, bs...)
	// Marked by others, and not ours to remove.
	s.must(s.Outside.SetFlags(name, s.find(name, bs[0]), mail.Trashed))
	s.must(s.Outside.Remove(name, s.find(name, bs[1])))
	for range 2 { // the second time they are gone already
		s.open(name, func(f store.Folder) {
			w := f.Begin()
			defer w.Discard()
			s.must(w.Remove(s.ctx, []mail.UID{uids[1], uids[2], uids[4], uids[5] + 1000}))
			s.must(w.Remove(s.ctx, nil))
			s.commit(w)
		})
	}
	for i, there := range []bool{true, false, false, true, false, true} {
		n := 0
		for _, m := range s.list(name) {
			if bytes.Equal(m.Body, bs[i]) {
				n++
				if want := map[bool]mail.Flags{true: mail.Trashed}[i == 0]; m.Flags != want {
					s.Errorf("mail %d has the flags %q, want %q", i, m.Flags, want)
				}
			}
		}
		if (n == 1) != there {
			s.Errorf("mail %d is there %d times, should be there: %v", i, n, there)
		}
	}
}

func testAssign(s *suite) {
	if !s.carries {
		return
	}
	bs := texts(4)
	name, b := s.box("Box", bs...), &base{}
	s.must(s.Outside.SetFlags(name, s.find(name, bs[1]), mail.Seen|mail.Flagged))
	snap := s.scan(name, b)
	if len(snap.Fresh) != len(bs) {
		s.Fatalf("%d mails are fresh, want %d", len(snap.Fresh), len(bs))
	}
	// Each is given the UID that tells its body.
	var given []store.Assignment
	keys := make([]string, len(bs))
	for _, f := range snap.Fresh {
		body := s.fetch(name, mail.Ref{Key: f.Key})[mail.Ref{Key: f.Key}]
		i := slices.IndexFunc(bs, func(b []byte) bool { return bytes.Equal(b, body) })
		if i < 0 {
			s.Fatalf("the key %q fetches %.80q", f.Key, body)
		}
		keys[i] = f.Key
		given = append(given, store.Assignment{Key: f.Key, UID: mail.UID(100 + i)})
	}
	s.must(s.Outside.Remove(name, s.find(name, bs[2])))
	s.open(name, func(f store.Folder) {
		w := f.Begin()
		defer w.Discard()
		gone, err := w.Assign(s.ctx, given)
		s.must(err)
		s.commit(w)
		if !slices.Equal(gone, keys[2:3]) {
			s.Errorf("gone are %q, want %q", gone, keys[2:3])
		}
	})
	for i, want := range []mail.Flags{0, mail.Seen | mail.Flagged, 0, 0} {
		if i == 2 {
			continue
		}
		if m := s.find(name, bs[i]); m.UID != mail.UID(100+i) || m.Flags != want {
			s.Errorf("mail %d has the UID %d and the flags %q, want %d and %q", i, m.UID, m.Flags, 100+i, want)
		}
	}
	s.scan(name, b)
	if got := s.fetch(name, mail.Ref{UID: 103}); !bytes.Equal(got[mail.Ref{UID: 103}], bs[3]) {
		s.Errorf("the UID given fetches %d mails, or another", len(got))
	}
}

// Nothing that is done with a handle for reading changes the mailbox.
func testReadOnly(s *suite) {
	name, bs := s.box("Box"), texts(2)
	uids := s.put(name, 0, bs...)
	f := s.Store.Open(name, true)
	defer f.Close()
	snap, err := f.Scan(s.ctx, mail.Known{})
	s.must(err)
	if len(snap.Entries) != 2 {
		s.Errorf("a handle for reading sees %d mails, want 2", len(snap.Entries))
	}
	n := 0
	s.must(f.Fetch(s.ctx, refs(uids), drain(&n)))
	if n != 2 {
		s.Errorf("a handle for reading fetches %d mails, want 2", n)
	}
	w := f.Begin()
	w.Put(s.ctx, s.new(text("new"), 0), bytes.NewReader(text("new")))
	w.SetFlags(s.ctx, []mail.FlagChange{{UID: uids[0], Add: mail.Flagged}})
	w.Remove(s.ctx, uids[1:])
	s.Store.Commit(s.ctx, w)
	w.Discard()
	ms := s.list(name)
	for _, m := range ms {
		if m.Flags != 0 {
			s.Errorf("a handle for reading set the flags %q", m.Flags)
		}
	}
	if len(ms) != 2 {
		s.Errorf("a handle for reading left %d mails of 2", len(ms))
	}
}
