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
	step("removing", 1, func() { must(t, f.Begin().Remove(t.Context(), []mail.UID{1, 2, 9})) })
	// The server does not say by name that it is gone, so that it is looked for.
	step("removing what is gone already", 2, func() { must(t, f.Begin().Remove(t.Context(), []mail.UID{5})) })
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

// Wherever the connection is cut, each call comes back with success or a plain
// error, what it claims to have done is done, and no mail is stored in part.
func TestCutAnywhere(t *testing.T) {
	d := testenv.Dovecot(t, testenv.DovecotOptions{})
	for _, where := range []testenv.Where{testenv.Before, testenv.Inside, testenv.After} {
		struck := true
		for n := 1; struck; n++ {
			t.Run(fmt.Sprint(where, " ", n), func(t *testing.T) { struck = cutAt(t, d, n, where) })
			if n == 100 {
				t.Fatal("there is no end to it")
			}
		}
	}
}

func cutAt(t *testing.T, d *testenv.Server, n int, where testenv.Where) (struck bool) {
	user, pass := d.NewUser()
	m := testenv.Client(t, d.Addr(), user, pass)
	for i := range 5 {
		m.Append("INBOX", letter(i), time.Time{})
	}
	p := testenv.Proxy(t, d.Addr(), testenv.ProxyOptions{})
	p.CutAt(n, where)
	s := closing(t, New(options(p.Addr(), user, pass)))
	f := s.Open("INBOX", false)
	try := func(what string, call func() error) (ok bool) {
		err := call()
		if c := store.ClassOf(err); err != nil && c != store.Offline && c != store.Temporary {
			t.Errorf("%s: %v (%v)", what, err, c)
		}
		return err == nil
	}
	try("survey", func() error { _, err := s.Survey(t.Context()); return err })
	try("scan", func() error {
		snap, err := f.Scan(t.Context(), mail.Known{})
		if err == nil && len(snap.Entries) != 5 {
			t.Errorf("scan: %d mails, want 5", len(snap.Entries))
		}
		return err
	})
	came := 0
	if try("fetch", func() error {
		return f.Fetch(t.Context(), refs([]mail.UID{1, 2, 3, 4, 5}), func(_ mail.Mail, r io.Reader) error {
			came++
			_, err := io.Copy(io.Discard, r)
			return err
		})
	}) && came != 5 {
		t.Errorf("fetch: %d mails, want 5", came)
	}
	w := f.Begin()
	put := try("put", func() error {
		for i := range 3 {
			b := letter(10 + i)
			if err := w.Put(t.Context(), mail.Mail{Size: int64(len(b))}, bytes.NewReader(b)); err != nil {
				return err
			}
		}
		if err := s.Commit(t.Context(), w); err != nil {
			return err
		}
		return w.Err()
	})
	w.Discard()
	w = f.Begin()
	flagged := try("flags", func() error {
		gone, err := w.SetFlags(t.Context(), []mail.FlagChange{{UID: 1, Add: mail.Flagged}, {UID: 99, Add: mail.Flagged}})
		if err == nil && !slices.Equal(gone, []mail.UID{99}) {
			t.Errorf("flags: gone are %v, want 99", gone)
		}
		return err
	})
	removed := try("remove", func() error { return w.Remove(t.Context(), []mail.UID{2}) })
	ms := m.Messages("INBOX")
	has := func(uid uint32) int {
		return slices.IndexFunc(ms, func(m testenv.Message) bool { return m.UID == uid })
	}
	if put && has(8) < 0 {
		t.Error("the mails are not there")
	}
	for _, x := range ms {
		if i := slices.Index([]uint32{6, 7, 8}, x.UID); i >= 0 && !bytes.Equal(m.Body("INBOX", x.UID), letter(10+i)) {
			t.Errorf("UID %d is not as it was put", x.UID)
		}
	}
	if i := has(1); i < 0 || flagged && !slices.Contains(ms[i].Flags, `\Flagged`) {
		t.Error("the flag is not there")
	}
	if removed && has(2) >= 0 {
		t.Error("the mail is still there")
	}
	return p.Stats().Faults > 0
}
