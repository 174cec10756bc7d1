package storetest

import (
	"bytes"
	"errors"
	"io"
	"time"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
)

func testFlagsAndDate(s *suite) {
	name, date := s.box("Box"), time.Date(2021, 3, 4, 5, 6, 7, 0, time.UTC)
	for i := range 32 {
		flag := mail.Flags(1) << i & s.Mask
		body := text("flag " + flag.String())
		if flag == 0 {
			continue
		}
		s.open(name, func(f store.Folder) {
			w := f.Begin()
			defer w.Discard()
			m := s.new(body, flag)
			m.Date = date
			s.must(w.Put(s.ctx, m, bytes.NewReader(body)))
			s.commit(w)
		})
		m := s.find(name, body)
		if m.Flags != flag {
			s.Errorf("put with the flag %s, there with %q", flag, m.Flags)
		}
		s.open(name, func(f store.Folder) {
			s.must(f.Fetch(s.ctx, refs([]mail.UID{m.UID}), func(got mail.Mail, _ io.Reader) error {
				if !got.Date.Equal(date) {
					s.Errorf("put with the date %v, delivered with %v", date, got.Date)
				}
				if got.Flags != flag {
					s.Errorf("put with the flag %s, delivered with %q", flag, got.Flags)
				}
				return nil
			}))
		})
	}
}

func testPutTwice(s *suite) {
	name, body := s.box("Box"), text("twice")
	s.open(name, func(f store.Folder) {
		w := f.Begin()
		defer w.Discard()
		for range 2 {
			s.must(w.Put(s.ctx, s.new(body, 0), bytes.NewReader(body)))
		}
		s.commit(w)
	})
	if ms := s.list(name); len(ms) != 2 || ms[0].UID == ms[1].UID {
		s.Errorf("the same mail, put twice, is there as %d mails: %.200v", len(ms), ms)
	}
}

// A body that ends before its announced size is never stored, not in part.
func testShortBody(s *suite) {
	for _, size := range []int{200, 100_000} {
		body := lines(size)
		s.unstored(body, io.MultiReader(bytes.NewReader(body[:size/2])))
		s.unstored(body, bytes.NewReader(body[:size-1]))
		s.unstored(body, bytes.NewReader(nil))
	}
}

func testBrokenBody(s *suite) {
	for _, size := range []int{200, 100_000} {
		body := lines(size)
		s.unstored(body, io.MultiReader(bytes.NewReader(body[:size/2]), broken{}))
		s.unstored(body, broken{})
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errOdd }

// unstored puts a mail that comes to nothing. What was put before it may be
// stored, and the store goes on.
func (s *suite) unstored(body []byte, r io.Reader) {
	s.Helper()
	name, before, after := s.box("Box"), text("before"), text("after")
	s.open(name, func(f store.Folder) {
		w := f.Begin()
		s.must(w.Put(s.ctx, s.new(before, 0), bytes.NewReader(before)))
		err := w.Put(s.ctx, s.new(body, 0), r)
		if err == nil {
			s.Errorf("a body that broke off was taken")
		} else if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			s.Errorf("the error %q looks like a regular end", err)
		}
		w.Discard()
	})
	s.put(name, 0, after)
	for _, m := range s.list(name) {
		if !bytes.Equal(m.Body, before) && !bytes.Equal(m.Body, after) {
			s.Errorf("of a mail whose body broke off %d octets are there: %.80q", len(m.Body), m.Body)
		}
		s.must(s.Outside.Remove(name, m))
	}
}

// visible tells that nothing of an uncommitted Work is there that must not be.
func (s *suite) visible(name string, bs [][]byte) {
	s.Helper()
	ms := s.list(name)
	if s.carries && len(ms) > 0 {
		s.Errorf("%d mails of a Work that was not committed are there", len(ms))
	}
	for _, m := range ms {
		whole := false
		for _, b := range bs {
			whole = whole || bytes.Equal(b, m.Body)
		}
		if !whole {
			s.Errorf("part of a mail is there: %.80q", m.Body)
		}
	}
}

func testDiscard(s *suite) {
	name, bs := s.box("Box"), texts(3)
	s.open(name, func(f store.Folder) {
		f.Begin().Discard()
		w := f.Begin()
		for _, b := range bs {
			s.must(w.Put(s.ctx, s.new(b, 0), bytes.NewReader(b)))
		}
		w.Discard()
		w.Discard()
	})
	s.visible(name, bs)
	s.open(name, func(f store.Folder) {
		w := f.Begin()
		s.commit(w) // nothing in it
		if n := len(w.Added()); n != 0 {
			s.Errorf("a Work without mails added %d", n)
		}
		w.Discard()
	})
	uids := s.put(name, 0, text("after"))
	s.find(name, text("after")) // Discard after Commit took nothing back
	if len(s.fetch(name, refs(uids)...)) != 1 {
		s.Error("a mail put after a Discard is not there")
	}
}

// What was committed is there for the next process, and what was not is there
// wholly or not at all.
func testKilled(s *suite) {
	if s.Reopen == nil {
		return
	}
	name, bs := s.box("Box"), texts(3)
	s.open(name, func(f store.Folder) {
		w := f.Begin()
		for _, b := range bs {
			s.must(w.Put(s.ctx, s.new(b, 0), bytes.NewReader(b)))
		}
		s.visible(name, bs)
		again := s.Reopen(s)
		_, err := again.Survey(s.ctx)
		s.must(err)
		other := again.Open(name, false)
		_, err = other.Scan(s.ctx, mail.Known{})
		s.must(err)
		other.Close()
		s.must(again.Close(s.ctx))
		s.visible(name, bs)
		w.Discard()
	})
}

// Works of several mailboxes, and several of one, become durable together.
func testTogether(s *suite) {
	if s.Store.Properties().Parallel < 3 {
		return
	}
	var ws []store.Work
	names := []string{s.box("One"), s.box("Two"), "One"}
	for i, name := range names {
		f := s.Store.Open(name, false)
		defer f.Close()
		w := f.Begin()
		defer w.Discard()
		b := texts(3)[i]
		s.must(w.Put(s.ctx, s.new(b, 0), bytes.NewReader(b)))
		ws = append(ws, w)
	}
	s.commit(ws...)
	for i, name := range names {
		m := s.find(name, texts(3)[i])
		if added := ws[i].Added(); !s.carries && (len(added) != 1 || added[0] != 0 && added[0] != m.UID) {
			s.Errorf("%s: added %v, want %d", name, added, m.UID)
		}
	}
}
