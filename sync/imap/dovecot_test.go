package imap

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/internal/testenv"
	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%v (%v)", err, store.ClassOf(err))
	}
}

func closing(t testing.TB, s *Store) *Store {
	t.Cleanup(func() { must(t, s.Close(context.Background())) })
	return s
}

func letter(i int) []byte {
	return fmt.Appendf(nil, "From: a@example.org\r\nMessage-ID: <%d@example.org>\r\nSubject: %[1]d\r\n\r\nThis is %[1]d.\r\n", i)
}

// Looking at an account in which nothing changed is the commonest thing there
// is: fifty folders and INBOX in five round trips, greeting, login and logout
// included.
func TestQuietSurvey(t *testing.T) {
	d := testenv.Dovecot(t, testenv.DovecotOptions{})
	user, pass := d.NewUser()
	m := testenv.Client(t, d.Addr(), user, pass)
	for i := range 50 {
		m.Create(fmt.Sprintf("Archive of the year %d", 1970+i))
	}
	p := testenv.Proxy(t, d.Addr(), testenv.ProxyOptions{})
	s := New(options(p.Addr(), user, pass))
	boxes, err := s.Survey(t.Context())
	must(t, err)
	must(t, s.Close(t.Context()))
	sure := 0
	for _, b := range boxes {
		if b.Selectable && b.Stamp.Sure {
			sure++
		}
	}
	if len(boxes) != 51 || sure != 51 {
		t.Errorf("%d mailboxes, %d with a stamp to rely on, want 51", len(boxes), sure)
	}
	st := p.Stats()
	t.Logf("%d octets, %d round trips, %d connections", st.Up+st.Down, st.RoundTrips, st.Connections)
	if n := st.Up + st.Down; n > 15_000 {
		t.Errorf("it took %d octets, want 15 kB at most", n)
	}
	if st.RoundTrips > 5 || st.Connections != 1 {
		t.Errorf("it took %d round trips and %d connections, want 5 and 1 at most", st.RoundTrips, st.Connections)
	}
}

// Each of these takes one round trip behind the login.
func TestRoundTrips(t *testing.T) {
	d := testenv.Dovecot(t, testenv.DovecotOptions{})
	user, pass := d.NewUser()
	m := testenv.Client(t, d.Addr(), user, pass)
	var uids []mail.UID
	for i := range 20 {
		uids = append(uids, mail.UID(m.Append("INBOX", letter(i), time.Time{})))
	}
	p := testenv.Proxy(t, d.Addr(), testenv.ProxyOptions{})
	o := options(p.Addr(), user, pass)
	o.MaxConnections = 1
	s := closing(t, New(o))
	_, err := s.Survey(t.Context())
	must(t, err)
	f := s.Open("INBOX", false)
	var known mail.Known
	scan := func() *mail.Snapshot {
		snap, err := f.Scan(t.Context(), known)
		must(t, err)
		return snap
	}
	step := func(what string, want int64, f func()) {
		t.Helper()
		before := p.Stats().RoundTrips
		f()
		if n := p.Stats().RoundTrips - before; n != want {
			t.Errorf("%s took %d round trips, want %d", what, n, want)
		}
	}
	step("a full scan", 1, func() {
		snap := scan()
		if !snap.Full || len(snap.Entries) != 20 {
			t.Errorf("full scan: %+v", snap)
		}
		known = mail.Known{Stamp: snap.Stamp, Count: 20}
	})
	step("a scan of nothing new", 1, func() {
		if snap := scan(); !snap.Unchanged {
			t.Errorf("nothing changed: %+v", snap)
		}
	})
	m.Store("INBOX", "3", "+FLAGS", `\Seen`)
	m.Append("INBOX", letter(20), time.Time{}, `\Flagged`)
	step("a scan of changes", 1, func() {
		snap := scan()
		want := []mail.Entry{{UID: 3, Flags: mail.Seen}, {UID: 21, Flags: mail.Flagged}}
		if snap.Full || snap.All != nil || !slices.Equal(snap.Entries, want) {
			t.Errorf("a flag and a mail: %+v, want %v", snap, want)
		}
	})
	m.Store("INBOX", "5,7", "+FLAGS", `\Deleted`)
	m.Expunge("INBOX", "5,7")
	step("a survey", 1, func() { _, err = s.Survey(t.Context()) })
	must(t, err)
	step("a scan of removals that the survey told of", 1, func() {
		snap := scan()
		if snap.Full || snap.All.String() != "1:4,6,8:21" {
			t.Errorf("two are gone: %+v", snap)
		}
	})
	step("fetching", 1, func() {
		n := 0
		must(t, f.Fetch(t.Context(), refs(uids), func(_ mail.Mail, r io.Reader) error {
			n++
			_, err := io.Copy(io.Discard, r)
			return err
		}))
		if n != 18 {
			t.Errorf("%d mails fetched, want 18", n)
		}
	})
	step("flags, different for many", 1, func() {
		var changes []mail.FlagChange
		for i, u := range uids {
			changes = append(changes, mail.FlagChange{UID: u, Add: mail.Flags(1<<(i%6)) &^ mail.Trashed, Clear: mail.Seen})
		}
		gone, err := f.Begin().SetFlags(t.Context(), changes)
		must(t, err)
		if !slices.Equal(gone, []mail.UID{5, 7}) {
			t.Errorf("gone are %v, want 5 and 7", gone)
		}
	})
	step("removing", 1, func() { must(t, f.Begin().Remove(t.Context(), []mail.UID{1, 2, 5, 9})) })
	step("uploads, flags and removals", 2, func() {
		w := f.Begin()
		for i := range 10 {
			b := letter(100 + i)
			must(t, w.Put(t.Context(), mail.Mail{Size: int64(len(b))}, bytes.NewReader(b)))
		}
		_, err := w.SetFlags(t.Context(), []mail.FlagChange{{UID: 3, Add: mail.Flagged}})
		must(t, err)
		must(t, s.Commit(t.Context(), w))
		must(t, w.Err())
		if a := w.Added(); len(a) != 10 || a[0] != 22 || a[9] != 31 {
			t.Errorf("added %v, want 22 to 31", a)
		}
	})
	m.Create("Other")
	step("uploads and flags in a mailbox not selected yet", 2, func() {
		w := s.Open("Other", false).Begin()
		b := letter(0)
		must(t, w.Put(t.Context(), mail.Mail{Size: int64(len(b))}, bytes.NewReader(b)))
		_, err := w.SetFlags(t.Context(), []mail.FlagChange{{UID: 1, Add: mail.Flagged}})
		must(t, err)
		must(t, s.Commit(t.Context(), w))
	})
	if ms := m.Messages("Other"); len(ms) != 1 || !slices.Equal(ms[0].Flags, []string{`\Flagged`}) {
		t.Errorf("in the other mailbox there are %v", ms)
	}
}

func refs(uids []mail.UID) []mail.Ref {
	rs := make([]mail.Ref, len(uids))
	for i, u := range uids {
		rs[i] = mail.Ref{UID: u}
	}
	return rs
}
