package storetest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
	"github.com/offlineimap/offlineimapd/sync/store/storetest"
)

const first, second = "Subject: first\r\n\r\n", "Subject: second\r\n\r\n"

// session does one thing of every kind, and stops at the first error.
func session(ctx context.Context, s store.Store) (read int, err error) {
	if _, err := s.Survey(ctx); err != nil {
		return 0, err
	}
	if err := s.Create(ctx, "Box"); err != nil {
		return 0, err
	}
	f := s.Open("Box", false)
	defer f.Close()
	w := f.Begin()
	defer w.Discard()
	for _, b := range []string{first, second} {
		if err := w.Put(ctx, mail.Mail{Size: int64(len(b))}, bytes.NewReader([]byte(b))); err != nil {
			return 0, err
		}
	}
	if err := s.Commit(ctx, w); err != nil {
		return 0, err
	}
	if _, err := f.Scan(ctx, mail.Known{}); err != nil {
		return 0, err
	}
	err = f.Fetch(ctx, []mail.Ref{{UID: 1}, {UID: 2}}, func(_ mail.Mail, r io.Reader) error {
		n, err := io.Copy(io.Discard, r)
		read += int(n)
		return err
	})
	if err != nil {
		return read, err
	}
	if err := f.Headers(ctx, []mail.Ref{{UID: 1}}, func(mail.Header) {}); err != nil {
		return read, err
	}
	w = f.Begin()
	defer w.Discard()
	if _, err := w.SetFlags(ctx, []mail.FlagChange{{UID: 1, Add: mail.Seen}}); err != nil {
		return read, err
	}
	if err := w.Remove(ctx, []mail.UID{2}); err != nil {
		return read, err
	}
	return read, s.Commit(ctx, w)
}

func TestEveryStepFails(t *testing.T) {
	ctx := t.Context()
	count := &storetest.Faults{}
	if _, err := session(ctx, storetest.WithFaults(storetest.NewWorld(storetest.Options{}).Store(), count)); err != nil {
		t.Fatal(err)
	}
	want := []string{"survey", "create", "put", "put", "commit", "scan", "fetch", "deliver", "deliver", "headers", "flags", "remove", "commit"}
	if !slices.Equal(count.Steps(), want) || count.Octets() != 2*int64(len(first+second)) || count.Struck() {
		t.Fatalf("steps %q, %d octets", count.Steps(), count.Octets())
	}
	for i, name := range want {
		for _, after := range []bool{false, true} {
			w := storetest.NewWorld(storetest.Options{})
			f := &storetest.Faults{Step: i + 1, After: after, Dead: true, Class: store.Offline}
			s := storetest.WithFaults(w.Store(), f)
			_, err := session(ctx, s)
			if !errors.Is(err, storetest.ErrFault) || store.ClassOf(err) != store.Offline || !f.Struck() {
				t.Errorf("step %d, %s: %v", i+1, name, err)
			}
			if _, err := s.Survey(ctx); !errors.Is(err, storetest.ErrFault) {
				t.Errorf("step %d, %s: the dead answer: %v", i+1, name, err)
			}
			if name == "commit" && i == 4 {
				ms, err := w.List("Box")
				if err != nil || (len(ms) == 2) != after {
					t.Errorf("the commit failed, its answer alone was lost: %v; %d mails are there (%v)", after, len(ms), err)
				}
			}
		}
	}
}

func TestEveryOctetCuts(t *testing.T) {
	all := int64(2 * len(first+second))
	for o := int64(1); o <= all+1; o++ {
		w := storetest.NewWorld(storetest.Options{})
		f := &storetest.Faults{Octet: o}
		read, err := session(t.Context(), storetest.WithFaults(w.Store(), f))
		if cut := o <= all; errors.Is(err, storetest.ErrFault) != cut || f.Octets() != min(o-1, all) {
			t.Errorf("cut at octet %d: %v after %d octets", o, err, f.Octets())
		}
		ms, err := w.List("Box")
		if fmt.Sprint(err, len(ms)) != map[bool]string{true: "<nil> 0", false: "<nil> 2"}[o <= all/2] && o <= all {
			t.Errorf("cut at octet %d: %d mails are there (%v)", o, len(ms), err)
		}
		if o > all/2 && o <= all && int64(read) != o-1-all/2 {
			t.Errorf("cut at octet %d: %d were read", o, read)
		}
	}
}

func TestLatency(t *testing.T) {
	w := storetest.NewWorld(storetest.Options{})
	start := time.Now()
	if _, err := session(t.Context(), storetest.WithLatency(w.Store(), storetest.Latency{Call: 5 * time.Millisecond, Mail: 5 * time.Millisecond})); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(start); d < 13*5*time.Millisecond {
		t.Errorf("13 waits of 5 ms took %v", d)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	start = time.Now()
	_, err := session(ctx, storetest.WithLatency(w.Store(), storetest.Latency{Call: time.Hour}))
	if store.ClassOf(err) != store.Cancelled || time.Since(start) > time.Second {
		t.Errorf("%v after %v", err, time.Since(start))
	}
}

func TestWorld(t *testing.T) {
	w := storetest.NewWorld(storetest.Options{
		Refuse:   func(b []byte) bool { return string(b) == second },
		Withhold: func(b []byte) bool { return string(b) == first },
	})
	s := w.Store()
	if err := errors.Join(w.Create("Box"), w.Add("Box", 0, []byte(first)), w.Add("Box", 0, []byte("other"))); err != nil {
		t.Fatal(err)
	}
	f := s.Open("Box", false)
	var got []mail.UID
	err := f.Fetch(t.Context(), []mail.Ref{{UID: 1}, {UID: 2}}, func(m mail.Mail, _ io.Reader) error {
		got = append(got, m.Ref.UID)
		return nil
	})
	if err != nil || !slices.Equal(got, []mail.UID{2}) {
		t.Errorf("fetched %v, want 2 alone (%v)", got, err)
	}
	err = f.Begin().Put(t.Context(), mail.Mail{Size: -1}, bytes.NewReader([]byte(second)))
	if store.ClassOf(err) != store.Refused || store.ScopeOf(err) != store.ScopeMail {
		t.Errorf("a mail to refuse: %v", err)
	}
	before, _ := f.Scan(t.Context(), mail.Known{})
	if err := w.Renumber("Box"); err != nil {
		t.Fatal(err)
	}
	after, _ := f.Scan(t.Context(), mail.Known{Stamp: before.Stamp, Count: 2})
	if after.Stamp.UIDValidity == before.Stamp.UIDValidity || !after.Full {
		t.Errorf("renumbered: %+v, then %+v", before, after)
	}
	w.ReadOnly("Box", true)
	if snap, err := f.Scan(t.Context(), mail.Known{}); err != nil || !snap.ReadOnly {
		t.Errorf("read-only: %+v, %v", snap, err)
	}
	if err := f.Begin().Remove(t.Context(), []mail.UID{1}); store.ClassOf(err) != store.Refused {
		t.Errorf("a removal where nothing may change: %v", err)
	}
	w.Hide("Box", true)
	if ms, err := s.Survey(t.Context()); err != nil || len(ms) != 0 || !slices.Equal(w.Folders(), []string{"Box"}) {
		t.Errorf("hidden, and surveyed: %v, %v", ms, err)
	}
	w.Drop("Box")
	if _, err := f.Scan(t.Context(), mail.Known{}); err == nil || len(w.Folders()) != 0 {
		t.Errorf("dropped, and scanned")
	}
}
