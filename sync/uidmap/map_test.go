package uidmap

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/internal/testenv"
	"github.com/offlineimap/offlineimapd/sync/imap"
	"github.com/offlineimap/offlineimapd/sync/mail"
)

func pairsOf(t *testing.T, m *Map, name string) (out []Pair) {
	t.Helper()
	b, err := m.find(context.Background(), "s", name)
	if err != nil {
		t.Fatal(err)
	}
	if b == nil {
		return nil
	}
	if err := m.each(context.Background(), b, func(p Pair) { out = append(out, p) }); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestMap(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "map.sqlite")
	open := func(readOnly bool) *Map {
		t.Helper()
		m, err := Open(ctx, path, readOnly)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	shut := func(m *Map) {
		t.Helper()
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
	}
	dry := open(true)
	if _, err := dry.begin(ctx, "s", "Box", 1, nil); err == nil {
		t.Error("a map that is open for reading was written")
	}
	shut(dry)
	if _, err := os.Stat(path); err == nil {
		t.Error("a map that was opened for reading was made")
	}

	m := open(false)
	b, err := m.begin(ctx, "s", "Box", 7, []Pair{{1, 11}, {2, 12}, {3, 13}})
	if err != nil {
		t.Fatal(err)
	}
	// Neither mail keeps another partner.
	if err := m.change(ctx, func(tx *sql.Tx) error { return put(ctx, tx, b.id, Pair{3, 12}) }); err != nil {
		t.Fatal(err)
	}
	want := []Pair{{1, 11}, {3, 12}}
	if got := pairsOf(t, m, "Box"); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	dry = open(true) // while it is open for writing
	if got := pairsOf(t, dry, "Box"); !slices.Equal(got, want) {
		t.Errorf("for reading: %v, want %v", got, want)
	}
	shut(dry)
	shut(m)
	m = open(false)
	if got := pairsOf(t, m, "Box"); !slices.Equal(got, want) {
		t.Errorf("opened again: %v, want %v", got, want)
	}
	if got := pairsOf(t, m, "Other"); got != nil {
		t.Errorf("of another mailbox: %v", got)
	}
	shut(m)

	for what, text := range map[string][]byte{"no database": []byte("hello, this is no database, and long enough"), "torn": nil} {
		if text == nil {
			whole, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for i := 4096; i < 3*4096; i++ {
				whole[i] = 0xff
			}
			text = whole
		}
		damagedPath := path + " " + what
		if err := os.WriteFile(damagedPath, text, 0o600); err != nil {
			t.Fatal(err)
		}
		m, err := Open(ctx, damagedPath, false)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if m.Lost() == "" || pairsOf(t, m, "Box") != nil {
			t.Errorf("%s: %q, %v", what, m.Lost(), pairsOf(t, m, "Box"))
		}
		shut(m)
		if _, err := os.Stat(damagedPath + ".damaged"); err != nil {
			t.Errorf("%s: it was not put aside: %v", what, err)
		}
	}
}

// A server may be at work still on what a run sent it that is dead: the next one
// waits for it, but not for ever.
func TestAwait(t *testing.T) {
	ctx := context.Background()
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	for _, comes := range []bool{true, false} {
		user, pass := srv.NewUser()
		m := newMap(t)
		c := testenv.Client(t, srv.Addr(), user, pass)
		c.Create("Box")
		s := New(imap.New(options(srv.Addr(), user, pass)), m, Options{ID: "s", Patience: time.Second})
		if comes {
			s.o.Patience = time.Minute
		}
		f := s.Open("Box", false)
		if _, err := f.Scan(ctx, mail.Known{}); err != nil {
			t.Fatal(err)
		}
		b, err := m.find(ctx, "s", "Box")
		if err != nil {
			t.Fatal(err)
		}
		body := []byte("Message-ID: <late@example.org>\r\n\r\nx\r\n")
		if err := m.change(ctx, func(tx *sql.Tx) error {
			_, err := tx.Exec("INSERT INTO intent (box, remote, next, size, message) VALUES (?, 5, 1, ?, '<late@example.org>')", b.id, len(body))
			return err
		}); err != nil {
			t.Fatal(err)
		}
		arrived := make(chan bool)
		if !comes {
			close(arrived)
		} else {
			go func() {
				defer close(arrived)
				time.Sleep(300 * time.Millisecond)
				c.Append("Box", body, time.Time{})
			}()
		}
		snap, err := f.Scan(ctx, mail.Known{})
		<-arrived
		if err != nil {
			t.Fatal(err)
		}
		if n := len(snap.Fresh); comes != (n == 1) {
			t.Errorf("comes %v: %d mails are fresh", comes, n)
		}
		if open, err := m.intents(ctx, b); err != nil || len(open) > 0 {
			t.Errorf("comes %v: the intents %v are left (%v)", comes, open, err)
		}
		if err := s.Close(ctx); err != nil {
			t.Error(err)
		}
	}
}
