package storetest

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"time"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
)

func bodies(carries bool) map[string][]byte {
	const head = "Subject: x\r\n\r\n"
	bs := map[string][]byte{
		"one octet":         []byte("x"),
		"a line end":        []byte("\r\n"),
		"no last line end":  []byte(head + "unended"),
		"no header":         []byte("\r\nonly a body\r\n"),
		"no body":           []byte("Subject: only a header\r\n"),
		"stray CR":          []byte(head + "a\rb\r\n"),
		"8 bit":             []byte(head + "\xff\xfe J\xfcrgen \xc3\xbc\r\n"),
		"from line":         []byte("From a@b Mon Jan  5 10:00:00 2026\r\n" + head + "From me\r\n>From you\r\n"),
		"dots":              []byte(head + ".\r\n..\r\n.\r\n"),
		"looks like IMAP":   []byte(head + "{3+}\r\n)\r\nA1 OK done\r\n* BYE\r\n"),
		"a very long line":  []byte(head + strings.Repeat("x", 100_000) + "\r\n"),
		"many line ends":    []byte(head + strings.Repeat("\r\n", 5000)),
		"odd at the border": []byte(head + strings.Repeat("y", 4096*8-len(head)-1) + "\r\n\r\nz"),
	}
	if carries {
		bs["CR CR LF"] = []byte(head + "a\r\r\nb\r\r\n")
		bs["ends in CR"] = []byte(head + "a\r\nb\r")
	}
	return bs
}

// Octets that were put are those that another program and the store itself see.
func testBodies(s *suite) {
	name := s.box("Box")
	for what, body := range bodies(s.carries) {
		var ms []Mail
		uids := []mail.UID{0}
		s.open(name, func(f store.Folder) {
			w := f.Begin()
			defer w.Discard()
			m := s.new(body, 0)
			s.must(w.Put(s.ctx, m, iotest(body)))
			s.commit(w)
			if ms = s.list(name); len(ms) == 1 {
				uids[0] = ms[0].UID
			}
		})
		if len(ms) != 1 || !bytes.Equal(ms[0].Body, body) {
			s.Errorf("%s: %d octets %.60q went in, and there are %d mails, or another: %.300v", what, len(body), body, len(ms), ms)
			continue
		}
		if got := s.fetch(name, refs(uids)...)[mail.Ref{UID: uids[0]}]; !bytes.Equal(got, body) {
			s.Errorf("%s: %d octets %.60q went in, %d came back: %.60q", what, len(body), body, len(got), got)
		}
		s.must(s.Outside.Remove(name, ms[0]))
	}
	s.emptyBody(name)
}

// A mail without a single octet is stored, or refused alone.
func (s *suite) emptyBody(name string) {
	other := text("other")
	s.open(name, func(f store.Folder) {
		w := f.Begin()
		defer w.Discard()
		first := s.new(nil, 0)
		err := w.Put(s.ctx, first, bytes.NewReader(nil))
		if err != nil && store.ScopeOf(err) != store.ScopeMail {
			s.Errorf("an empty mail stops more than itself: %v", err)
		}
		s.must(w.Put(s.ctx, s.new(other, 0), bytes.NewReader(other)))
		s.commit(w)
		want := 2
		if err != nil {
			want = 1
		}
		if n := len(s.list(name)); n != want {
			s.Errorf("an empty mail and another make %d mails, want %d (%v)", n, want, err)
		}
	})
	s.find(name, other)
}

// iotest gives the octets in pieces of odd sizes.
func iotest(body []byte) io.Reader { return &pieces{body, 1} }

type pieces struct {
	rest []byte
	n    int
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), p.n)], p.rest)
	p.rest, p.n = p.rest[n:], p.n*3+1
	return n, nil
}

// lines writes a mail of exactly n octets, always the same.
func lines(n int) []byte {
	rnd := rand.New(rand.NewPCG(1, 2))
	b := append(make([]byte, 0, n+100), "Subject: large\r\n\r\n"...)
	for len(b) < n {
		for range 60 {
			b = append(b, "abcdefghijklmnopqrstuvwxyz012345"[rnd.IntN(32)])
		}
		b = append(b, '\r', '\n')
	}
	if b = b[:n]; b[n-1] == '\r' {
		b[n-1] = '.'
	}
	return b
}

func testLarge(s *suite) {
	name, body := s.box("Box"), lines(s.Large)
	s.open(name, func(f store.Folder) {
		w := f.Begin()
		defer w.Discard()
		s.must(w.Put(s.ctx, s.new(body, mail.Seen), bytes.NewReader(body)))
		unknown := s.new(text("of unknown size"), 0)
		unknown.Size = -1
		s.must(w.Put(s.ctx, unknown, iotest(text("of unknown size"))))
		s.commit(w)
	})
	s.find(name, text("of unknown size"))
	u := s.find(name, body).UID
	if got := s.fetch(name, mail.Ref{UID: u})[mail.Ref{UID: u}]; !bytes.Equal(got, body) {
		s.Errorf("%d octets went in, %d others came back", len(body), len(got))
	}
}

// The memory that a mail takes does not depend on its size.
func testMemory(s *suite) {
	if !s.Streams {
		return
	}
	const size, limit = 64 << 20, 16 << 20
	name := s.box("Box")
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	before, peak := m.HeapAlloc, uint64(0)
	sample := func() {
		runtime.ReadMemStats(&m)
		peak = max(peak, m.HeapAlloc)
	}
	s.open(name, func(f store.Folder) {
		w := f.Begin()
		defer w.Discard()
		in := s.new(nil, 0)
		in.Size = size
		s.must(w.Put(s.ctx, in, &filler{left: size, sample: sample}))
		s.commit(w)
		uids := w.Added()
		if s.carries {
			uids = []mail.UID{in.Ref.UID}
		}
		got := int64(0)
		s.must(f.Fetch(s.ctx, refs(uids), func(_ mail.Mail, r io.Reader) error {
			buf := make([]byte, 32<<10)
			for {
				n, err := r.Read(buf)
				if got += int64(n); got>>23 != (got-int64(n))>>23 {
					sample()
				}
				if err == io.EOF {
					return nil
				} else if err != nil {
					return err
				}
			}
		}))
		if got != size {
			s.Errorf("%d octets went in, %d came back", size, got)
		}
	})
	if peak > before+limit {
		s.Errorf("a mail of %d MiB takes %d MiB of memory", size>>20, (peak-before)>>20)
	}
}

// filler gives lines without end, and looks at the memory now and then.
type filler struct {
	left, n int
	sample  func()
}

func (f *filler) Read(b []byte) (int, error) {
	if f.left == 0 {
		return 0, io.EOF
	}
	b = b[:min(len(b), f.left)]
	for i := range b {
		switch f.left - i {
		case 1:
			b[i] = '.'
		default:
			b[i] = "0123456789abcdefghijklmnopqrstuvwxyz\r\n"[(f.n+i)%38]
		}
	}
	if (f.n+len(b))>>23 != f.n>>23 {
		f.sample()
	}
	f.n, f.left = f.n+len(b), f.left-len(b)
	return len(b), nil
}

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
				if !got.Date.IsZero() && !got.Date.Equal(date) {
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
