package maildir

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
)

var (
	arrived = time.Date(2020, 5, 5, 5, 5, 5, 0, time.UTC)
	written = time.Date(2019, 4, 3, 8, 0, 0, 0, time.UTC)
	moment  = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
)

const (
	withDate     = "From: a@example.org\r\nDate: Wed, 3 Apr 2019 10:00:00 +0200\r\n\r\nText.\r\n"
	withDelivery = "From: a@example.org\r\nDate: soon\r\nDelivery-Date: 3 Apr 2019 08:00 GMT\r\n\r\nText.\r\n"
	withNone     = "From: a@example.org\r\n\r\nDate: Wed, 3 Apr 2019 10:00:00 +0200\r\n"
)

// stored puts one mail and returns its file.
func stored(t *testing.T, s *Store, m mail.Mail, body string) string {
	t.Helper()
	ctx := context.Background()
	if err := s.Create(ctx, "INBOX"); err != nil {
		t.Fatal(err)
	}
	f := s.Open("INBOX", false)
	defer f.Close()
	w := f.Begin()
	defer w.Discard()
	m.Size = int64(len(body))
	if err := w.Put(ctx, m, strings.NewReader(body)); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(ctx, w); err != nil {
		t.Fatal(err)
	}
	all, err := filepath.Glob(filepath.Join(s.root, "INBOX", "new", "*,U="+strconv.Itoa(int(m.Ref.UID))+",*"))
	if err != nil || len(all) != 1 {
		t.Fatalf("UID %d has the files %v, %v", m.Ref.UID, all, err)
	}
	return all[0]
}

// times are the access and modification times of a file.
func times(t *testing.T, path string) (atime, mtime time.Time) {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		t.Fatal(err)
	}
	return time.Unix(st.Atim.Unix()), time.Unix(st.Mtim.Unix())
}

func firstNumber(t *testing.T, path string) time.Time {
	t.Helper()
	digits, _, _ := strings.Cut(filepath.Base(path), "_")
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return time.Unix(n, 0)
}

func TestFileTimes(t *testing.T) {
	var now time.Time // the file was written just now
	for _, c := range []struct {
		name         string
		o            Options
		date         time.Time
		body         string
		mtime, named time.Time
	}{
		{"neither", Options{}, arrived, withDate, now, moment},
		{"as it arrived", Options{KeepDate: true}, arrived, withDate, arrived, moment},
		{"in another zone, with parts of a second", Options{KeepDate: true}, arrived.Add(123456789).In(time.FixedZone("", 3600)), withDate, arrived.Add(123456789), moment},
		{"nobody knows when", Options{KeepDate: true}, time.Time{}, withDate, now, moment},
		{"long before mail", Options{KeepDate: true}, time.Unix(0, 0), withDate, time.Unix(0, 0), moment},
		{"no file has such a time", Options{KeepDate: true}, time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), withDate, time.Time{}, moment},
		{"by the header", Options{KeepDate: true, HeaderDate: true}, arrived, withDate, written, moment},
		{"by a header without", Options{KeepDate: true, HeaderDate: true}, arrived, withNone, arrived, moment},
		{"by a header that makes no sense", Options{HeaderDate: true}, arrived, withDelivery, now, moment},
		{"the name", Options{KeepDate: true, NameDate: true}, arrived, withDate, arrived, written},
		{"the name by Delivery-date", Options{KeepDate: true, NameDate: true}, arrived, withDelivery, arrived, written},
		{"the name without", Options{KeepDate: true, NameDate: true}, arrived, withNone, arrived, moment},
		{"all, a large mail", Options{KeepDate: true, HeaderDate: true, NameDate: true, Durable: true}, arrived,
			withDate + strings.Repeat("Date: never\r\n", bufferSize/4), written, written},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.o.Now = func() time.Time { return moment }
			start := time.Now()
			path := stored(t, newStore(t, c.o), mail.Mail{Ref: mail.Ref{UID: 7}, Date: c.date}, c.body)
			atime, mtime := times(t, path)
			switch {
			case c.date.Year() == 9999: // the file system decides
			case c.mtime.IsZero():
				if d := mtime.Sub(start); d < -time.Second || d > time.Minute {
					t.Errorf("the file's time is %v, want now", mtime)
				}
			case !mtime.Equal(c.mtime):
				t.Errorf("the file's time is %v, want %v", mtime, c.mtime)
			}
			if c.o.HeaderDate && c.mtime == written && !atime.Equal(written) {
				t.Errorf("it was read at %v, want %v", atime, written)
			}
			if got := firstNumber(t, path); !got.Equal(c.named) {
				t.Errorf("%s is named by %v, want %v", path, got, c.named)
			}
			b, err := os.ReadFile(path)
			if want := strings.ReplaceAll(c.body, "\r\n", "\n"); err != nil || string(b) != want {
				t.Errorf("the mail is not what it was: %v %.100q", err, b)
			}
		})
	}
}

// A mail that is uploaded keeps its time, and its new name follows the options;
// no name is that of another file, even where two runs have the same process
// number.
func TestNameAfterUpload(t *testing.T) {
	ctx := context.Background()
	for _, dated := range []bool{false, true} {
		s := newStore(t, Options{KeepDate: true, NameDate: dated, Now: func() time.Time { return moment }})
		if err := s.Create(ctx, "INBOX"); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(s.root, "INBOX", "cur", "1.2.here:2,S")
		if err := os.WriteFile(path, bytes.ReplaceAll([]byte(withDate), []byte("\r\n"), []byte("\n")), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, arrived, arrived); err != nil {
			t.Fatal(err)
		}
		f := s.Open("INBOX", false)
		rename := func(key string, uid mail.UID) string {
			t.Helper()
			w := f.Begin()
			defer w.Discard()
			if gone, err := w.Assign(ctx, []store.Assignment{{Key: key, UID: uid}}); err != nil || len(gone) > 0 {
				t.Fatal(gone, err)
			}
			if err := s.Commit(ctx, w); err != nil {
				t.Fatal(err)
			}
			all, _ := filepath.Glob(filepath.Join(s.root, "INBOX", "cur", "*"))
			if len(all) != 1 {
				t.Fatalf("there are %v", all)
			}
			return all[0]
		}
		path = rename("1.2.here", 9)
		if _, mtime := times(t, path); !mtime.Equal(arrived) {
			t.Errorf("the file's time became %v", mtime)
		}
		want := moment
		if dated {
			want = written
		}
		if got := firstNumber(t, path); !got.Equal(want) {
			t.Errorf("%s is named by %v, want %v", path, got, want)
		}
		key, _, _ := strings.Cut(filepath.Base(path), ":2,")
		if got := firstNumber(t, rename(key, 0)); !got.Equal(moment) {
			t.Errorf("a mail that lost its UID is named by %v, want %v", got, moment)
		}
		f.Close()
	}

	a := New(t.TempDir(), Options{NameDate: true, Pid: 1, Now: func() time.Time { return moment }})
	b := New(t.TempDir(), Options{NameDate: true, Pid: 1, Now: func() time.Time { return moment.Add(time.Second) }, Names: new(atomic.Uint64)})
	c := newScheme(':', "INBOX")
	seen := map[string]bool{}
	for range 100 {
		for _, s := range []*Store{a, b} {
			n := s.datedName(c, 7, written)
			if seen[n] {
				t.Fatalf("%s was made twice", n)
			}
			seen[n] = true
		}
	}
}
