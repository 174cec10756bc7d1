package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// suite is one test of the conformance suite.
type suite struct {
	*testing.T
	Env
	ctx     context.Context
	carries bool
	next    mail.UID // to carry
}

func newSuite(t *testing.T, e Env) *suite {
	if e.Mask == 0 {
		e.Mask = mail.SystemFlags
	}
	if e.Large == 0 {
		e.Large = 4 << 20
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	s := &suite{T: t, Env: e, ctx: ctx, next: 1}
	t.Cleanup(func() {
		defer cancel()
		s.must(e.Store.Close(ctx))
	})
	s.survey() // makes the properties valid
	p := e.Store.Properties()
	if p.Parallel < 1 {
		t.Fatalf("the store says that %d calls may run at once", p.Parallel)
	}
	s.carries = !p.AssignsUIDs
	return s
}

func (s *suite) must(err error) {
	if err != nil {
		s.Helper()
		s.Fatalf("%v (%v)", err, store.ClassOf(err))
	}
}

func (s *suite) survey() map[string]store.Mailbox {
	s.Helper()
	ms, err := s.Store.Survey(s.ctx)
	s.must(err)
	byName := map[string]store.Mailbox{}
	for _, m := range ms {
		if _, twice := byName[m.Name]; twice {
			s.Errorf("the survey lists %q twice", m.Name)
		}
		byName[m.Name] = m
	}
	return byName
}

// box makes a mailbox, with the given mails in it as from outside.
func (s *suite) box(name string, bodies ...[]byte) string {
	s.Helper()
	s.must(s.Store.Create(s.ctx, name))
	for _, b := range bodies {
		s.must(s.Outside.Add(name, 0, b))
	}
	return name
}

// open calls f with a handle to a mailbox.
func (s *suite) open(name string, f func(store.Folder)) {
	s.Helper()
	h := s.Store.Open(name, false)
	defer h.Close()
	f(h)
}

// text returns a mail with a subject, whose body no other name gives.
func text(name string) []byte {
	return fmt.Appendf(nil, "From: a@example.org\r\nMessage-ID: <%s@example.org>\r\nDate: Mon, 5 Jan 2026 10:00:00 +0100\r\nSubject: %s\r\n\r\nThis is %[1]s.\r\n", strings.ReplaceAll(name, " ", "."), name)
}

func texts(n int) [][]byte {
	bs := make([][]byte, n)
	for i := range bs {
		bs[i] = text(fmt.Sprintf("mail %d", i))
	}
	return bs
}

// new returns a mail to Put, with the next UID where the store carries them.
func (s *suite) new(body []byte, flags mail.Flags) mail.Mail {
	m := mail.Mail{Flags: flags, Size: int64(len(body)), Date: time.Unix(1_700_000_000, 0)}
	if s.carries {
		m.Ref.UID = s.next
		s.next++
	}
	return m
}

// put stores mails and returns their UIDs.
func (s *suite) put(name string, flags mail.Flags, bodies ...[]byte) []mail.UID {
	s.Helper()
	var uids []mail.UID
	s.open(name, func(f store.Folder) {
		w := f.Begin()
		defer w.Discard()
		for _, b := range bodies {
			m := s.new(b, flags)
			s.must(w.Put(s.ctx, m, bytes.NewReader(b)))
			uids = append(uids, m.Ref.UID)
		}
		s.commit(w)
		if s.carries {
			return
		}
		uids = w.Added()
		if len(uids) != len(bodies) {
			s.Fatalf("%d mails were put, and Added tells of %d", len(bodies), len(uids))
		}
	})
	for i, u := range uids {
		m := s.find(name, bodies[i])
		if u == 0 {
			uids[i] = m.UID
		} else if u != m.UID {
			s.Errorf("a mail was added as UID %d, and is there as %d", u, m.UID)
		}
	}
	return uids
}

func (s *suite) commit(ws ...store.Work) {
	s.Helper()
	s.must(s.Store.Commit(s.ctx, ws...))
	for _, w := range ws {
		s.must(w.Err())
	}
}

func (s *suite) list(name string) []Mail {
	s.Helper()
	ms, err := s.Outside.List(name)
	s.must(err)
	return ms
}

// find returns the only mail with that body, as from outside.
func (s *suite) find(name string, body []byte) Mail {
	s.Helper()
	var found []Mail
	for _, m := range s.list(name) {
		if bytes.Equal(m.Body, body) {
			found = append(found, m)
		}
	}
	if len(found) != 1 {
		s.Fatalf("%d mails in %q have the body %.60q, want 1", len(found), name, body)
	}
	return found[0]
}

// fetch reads mails, each of which must come once.
func (s *suite) fetch(name string, refs ...mail.Ref) map[mail.Ref][]byte {
	s.Helper()
	got := map[mail.Ref][]byte{}
	s.open(name, func(f store.Folder) {
		s.must(f.Fetch(s.ctx, refs, func(m mail.Mail, r io.Reader) error {
			b, err := io.ReadAll(r)
			if err != nil {
				return err
			}
			if m.Size >= 0 && m.Size != int64(len(b)) {
				s.Errorf("%v: %d octets announced, %d delivered", m.Ref, m.Size, len(b))
			}
			if _, twice := got[m.Ref]; twice {
				s.Errorf("%v was delivered twice", m.Ref)
			}
			if !slices.Contains(refs, m.Ref) {
				s.Errorf("%v was delivered, and nobody asked for it", m.Ref)
			}
			got[m.Ref] = b
			return nil
		}))
	})
	return got
}

func refs(uids []mail.UID) []mail.Ref {
	rs := make([]mail.Ref, len(uids))
	for i, u := range uids {
		rs[i] = mail.Ref{UID: u}
	}
	return rs
}

// soon calls f, which must come back within a second of its context's end, and
// must not blame anything else for it.
func (s *suite) soon(what string, f func() error) {
	s.Helper()
	start := time.Now()
	err := f()
	if d := time.Since(start); d > time.Second {
		s.Errorf("%s: came back %v after the end of its context", what, d)
	}
	if err != nil && store.ClassOf(err) != store.Cancelled {
		s.Errorf("%s: %v (%v), want the end of the context", what, err, store.ClassOf(err))
	}
}

var errOdd = errors.New("an odd error")
