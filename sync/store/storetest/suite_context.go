package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// With a context that has ended every call comes back, and harms nothing.
func testEnded(s *suite) {
	name := s.box("Box")
	uids := s.put(name, 0, texts(3)...)
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	s.open(name, func(f store.Folder) {
		n := 0
		w := f.Begin()
		for what, call := range map[string]func() error{
			"survey":  func() error { _, err := s.Store.Survey(ctx); return err },
			"create":  func() error { return s.Store.Create(ctx, "Other") },
			"scan":    func() error { _, err := f.Scan(ctx, mail.Known{}); return err },
			"fetch":   func() error { return f.Fetch(ctx, refs(uids), drain(&n)) },
			"headers": func() error { return f.Headers(ctx, refs(uids), func(mail.Header) {}) },
			"put":     func() error { return w.Put(ctx, s.new(text("new"), 0), bytes.NewReader(text("new"))) },
			"flags": func() error {
				_, err := w.SetFlags(ctx, []mail.FlagChange{{UID: uids[0], Add: mail.Seen}})
				return err
			},
			"commit": func() error { return s.Store.Commit(ctx, f.Begin()) },
		} {
			s.soon(what, call)
		}
		w.Discard()
	})
	if n := len(s.fetch(name, refs(uids)...)); n != 3 {
		s.Errorf("afterwards %d of 3 mails can be fetched", n)
	}
	s.put(name, 0, text("later"))
}

func testEndWhileFetching(s *suite) {
	name := s.box("Box")
	uids := s.put(name, 0, texts(60)...)
	uids = append(uids, s.put(name, 0, lines(s.Large))...)
	for _, after := range []int{1, 30} {
		ctx, cancel := context.WithCancel(s.ctx)
		n := 0
		s.open(name, func(f store.Folder) {
			var ended time.Time
			err := f.Fetch(ctx, refs(uids), func(m mail.Mail, r io.Reader) error {
				if n++; n == after {
					cancel()
					ended = time.Now()
				}
				_, err := io.Copy(io.Discard, r)
				return err
			})
			s.soon("fetch", func() error { return err })
			if d := time.Since(ended); d > time.Second {
				s.Errorf("fetch came back %v after the end of its context", d)
			}
			if err == nil && n < len(uids) {
				s.Errorf("fetch delivered %d of %d mails, and gives no error", n, len(uids))
			}
		})
		cancel()
	}
	if n := len(s.fetch(name, refs(uids)...)); n != len(uids) {
		s.Errorf("afterwards %d of %d mails can be fetched", n, len(uids))
	}
}

// slowBody ends the context after its first octets, and goes on dribbling.
type slowBody struct {
	body  []byte
	end   context.CancelFunc
	ended time.Time
}

func (r *slowBody) Read(p []byte) (int, error) {
	if r.ended.IsZero() {
		r.ended = time.Now()
		r.end()
	} else {
		time.Sleep(20 * time.Millisecond)
	}
	if time.Since(r.ended) > 5*time.Second {
		return 0, errors.New("read for five seconds after the end of the context")
	}
	n := copy(p[:min(100, len(p))], r.body)
	r.body = r.body[n:]
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func testEndWhilePutting(s *suite) {
	name, body := s.box("Box"), lines(1<<20)
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	s.open(name, func(f store.Folder) {
		w := f.Begin()
		r := &slowBody{body: body, end: cancel}
		err := w.Put(ctx, s.new(body, 0), r)
		if err == nil {
			s.Error("the context ended within the body, and the mail was taken")
		}
		if d := time.Since(r.ended); d > time.Second {
			s.Errorf("put came back %v after the end of its context", d)
		}
		w.Discard()
	})
	if ms := s.list(name); len(ms) != 0 {
		s.Errorf("of a mail whose context ended %d octets are there", len(ms[0].Body))
	}
	s.put(name, 0, text("later"))
}

// As many workers as the store asks for, each with its own handles, half of
// them in one mailbox.
func testParallel(s *suite) {
	var wg sync.WaitGroup
	shared := s.box("Shared")
	uids := s.put(shared, 0, texts(20)...)
	for i := range s.Store.Properties().Parallel {
		own := s.box(fmt.Sprintf("Own %d", i))
		bodies := texts(10)
		ms := make([]mail.Mail, len(bodies))
		for j, b := range bodies {
			ms[j] = s.new(b, 0)
		}
		wg.Go(func() {
			if err := s.work(own, ms, bodies, shared, uids[i%20]); err != nil {
				s.Errorf("worker %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	for i := range s.Store.Properties().Parallel {
		if n := len(s.list(fmt.Sprintf("Own %d", i))); n != 10 {
			s.Errorf("worker %d stored %d of 10 mails", i, n)
		}
	}
	if n := len(s.list(shared)); n != 20 {
		s.Errorf("%d of 20 shared mails are left", n)
	}
}

func (s *suite) work(own string, ms []mail.Mail, bodies [][]byte, shared string, u mail.UID) error {
	f := s.Store.Open(own, false)
	w := f.Begin()
	for i, b := range bodies {
		if err := w.Put(s.ctx, ms[i], bytes.NewReader(b)); err != nil {
			return err
		}
	}
	if err := errors.Join(s.Store.Commit(s.ctx, w), w.Err()); err != nil {
		return err
	}
	f.Close()

	f = s.Store.Open(shared, false)
	defer f.Close()
	snap, err := f.Scan(s.ctx, mail.Known{})
	if err != nil {
		return err
	}
	if len(snap.Entries) != 20 {
		return fmt.Errorf("sees %d of 20 mails", len(snap.Entries))
	}
	n := 0
	if err := f.Fetch(s.ctx, []mail.Ref{{UID: u}}, drain(&n)); err != nil {
		return err
	}
	if n != 1 {
		return fmt.Errorf("fetched UID %d %d times", u, n)
	}
	w = f.Begin()
	if _, err := w.SetFlags(s.ctx, []mail.FlagChange{{UID: u, Add: mail.Seen}}); err != nil {
		return err
	}
	return errors.Join(s.Store.Commit(s.ctx, w), w.Err())
}
