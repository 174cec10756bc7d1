package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// drain reads bodies and counts them.
func drain(n *int) store.Deliver {
	return func(_ mail.Mail, r io.Reader) error {
		*n++
		_, err := io.Copy(io.Discard, r)
		return err
	}
}

func testFetchMany(s *suite) {
	name, bs := s.box("Box"), texts(150)
	uids := s.put(name, mail.Flagged, bs...)
	slices.Reverse(uids)
	slices.Reverse(bs)
	got := s.fetch(name, refs(uids)...)
	for i, u := range uids {
		if !bytes.Equal(got[mail.Ref{UID: u}], bs[i]) {
			s.Errorf("UID %d fetches %.60q, want %.60q", u, got[mail.Ref{UID: u}], bs[i])
		}
	}
	for _, m := range s.list(name) {
		if m.Flags != mail.Flagged {
			s.Errorf("fetching UID %d changed its flags to %q", m.UID, m.Flags)
		}
	}
	s.open(name, func(f store.Folder) {
		s.must(f.Fetch(s.ctx, nil, func(m mail.Mail, _ io.Reader) error {
			s.Errorf("nothing was asked for, and %v delivered", m.Ref)
			return nil
		}))
	})
}

func testFetchGone(s *suite) {
	name, bs := s.box("Box"), texts(3)
	uids := s.put(name, 0, bs...)
	s.must(s.Outside.Remove(name, s.find(name, bs[1])))
	got := s.fetch(name, refs(append(uids, uids[2]+1000))...)
	if len(got) != 2 || got[mail.Ref{UID: uids[1]}] != nil {
		s.Errorf("%d mails were delivered, want the 2 that are there", len(got))
	}
	if got := s.fetch(name, mail.Ref{UID: uids[1]}); len(got) != 0 {
		s.Error("a mail that is gone was delivered")
	}
	s.open(name, func(f store.Folder) {
		s.must(f.Headers(s.ctx, refs(uids[1:2]), func(h mail.Header) { s.Errorf("a mail that is gone has the header %+v", h) }))
	})
}

func testFetchFresh(s *suite) {
	if !s.carries {
		return
	}
	bs := texts(3)
	name := s.box("Box", bs...)
	snap := s.scan(name, &base{})
	s.must(s.Outside.Remove(name, s.find(name, bs[1])))
	var rs []mail.Ref
	for _, f := range snap.Fresh {
		rs = append(rs, mail.Ref{Key: f.Key})
	}
	// A mail reader that marks a mail between the scan and the upload renames
	// its file, and the mail is still the same.
	s.must(s.Outside.SetFlags(name, s.find(name, bs[2]), mail.Seen))
	got := map[string]bool{}
	for _, body := range s.fetch(name, rs...) {
		got[string(body)] = true
	}
	if len(got) != 2 || !got[string(bs[0])] || !got[string(bs[2])] {
		s.Errorf("by their keys %d mails were delivered, want the 2 that are there", len(got))
	}
}

func testDeliverErrors(s *suite) {
	name := s.box("Box")
	uids := s.put(name, 0, texts(5)...)
	s.open(name, func(f store.Folder) {
		n := 0
		err := f.Fetch(s.ctx, refs(uids), func(_ mail.Mail, r io.Reader) error {
			n++
			if n%2 == 0 {
				io.CopyN(io.Discard, r, 7)
				return store.Fail(store.Refused, store.ScopeMail, errOdd)
			}
			_, err := io.Copy(io.Discard, r)
			return err
		})
		s.must(err)
		if n != 5 {
			s.Errorf("after an error about one mail %d of 5 were delivered", n)
		}
		for _, stop := range []error{errOdd, store.Fail(store.Local, store.ScopeFolder, errOdd)} {
			n = 0
			err := f.Fetch(s.ctx, refs(uids), func(mail.Mail, io.Reader) error {
				n++
				return fmt.Errorf("deliver: %w", stop)
			})
			if !errors.Is(err, errOdd) || store.ClassOf(err) != store.ClassOf(stop) {
				s.Errorf("deliver failed with %v, and Fetch with %v", stop, err)
			}
			if n != 1 {
				s.Errorf("deliver was called %d times, though the first call ended the Fetch", n)
			}
		}
	})
	if got := s.fetch(name, refs(uids)...); len(got) != 5 {
		s.Errorf("after all that %d of 5 mails can be fetched", len(got))
	}
}

// A body need not be read.
func testUnread(s *suite) {
	name, large := s.box("Box"), lines(1<<20)
	uids := s.put(name, 0, large, text("small"), lines(1<<20-1))
	s.open(name, func(f store.Folder) {
		for _, octets := range []int64{0, 1, 1 << 19} {
			n := 0
			s.must(f.Fetch(s.ctx, refs(uids), func(_ mail.Mail, r io.Reader) error {
				n++
				io.CopyN(io.Discard, r, octets)
				return nil
			}))
			if n != 3 {
				s.Errorf("%d octets read of each: %d of 3 mails delivered", octets, n)
			}
		}
	})
	if got := s.fetch(name, refs(uids)...); len(got) != 3 || !bytes.Equal(got[mail.Ref{UID: uids[0]}], large) {
		s.Errorf("afterwards %d of 3 mails are delivered whole", len(got))
	}
}

func testHeaders(s *suite) {
	mails := map[string]mail.Header{ // body: header, less Ref and Size
		string(text("usual")): {MessageID: "<usual@example.org>", Date: "Mon, 5 Jan 2026 10:00:00 +0100"},
		"Subject: none\r\n\r\nMessage-ID: <in.the.body@x>\r\n":                         {},
		"message-id:   <odd.case@x>  \r\nDATE: whenever\r\n\r\n":                       {MessageID: "<odd.case@x>", Date: "whenever"},
		"Message-ID: <one@x>\r\nMessage-ID: <two@x>\r\nDate: today\r\n\r\ntwo IDs\r\n": {Date: "today"},
		"Message-ID: <no.body@x>\r\n":                                                  {MessageID: "<no.body@x>"},
	}
	name := s.box("Box")
	want := map[mail.Ref]mail.Header{}
	var all []mail.Ref
	for body, h := range mails {
		h.Ref = mail.Ref{UID: s.put(name, 0, []byte(body))[0]}
		h.Size = int64(len(body))
		want[h.Ref] = h
		all = append(all, h.Ref)
	}
	got := map[mail.Ref]bool{}
	s.open(name, func(f store.Folder) {
		s.must(f.Headers(s.ctx, all, func(h mail.Header) {
			if got[h.Ref] || h != want[h.Ref] {
				s.Errorf("headers: %+v, want %+v", h, want[h.Ref])
			}
			got[h.Ref] = true
		}))
	})
	if len(got) != len(want) {
		s.Errorf("headers of %d mails, want %d", len(got), len(want))
	}
	for _, m := range s.list(name) {
		if m.Flags != 0 {
			s.Errorf("reading headers set the flags %q", m.Flags)
		}
	}
}
