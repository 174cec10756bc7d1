package storetest

import (
	"bytes"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"

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
	for what, body := range bodies(s.carries && !s.Store.Properties().Mapped) {
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
