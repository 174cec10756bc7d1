package state

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// sample writes a state with something of everything and returns its octets.
func sample(t testing.TB) ([]byte, content) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.db")
	d := mustOpen(t, path, Options{})
	for i := range 40 {
		f := Folder{Remote: fmt.Sprintf("Remote/%d", i), Local: fmt.Sprintf("Local.%d", i),
			RemoteStamp: mail.Stamp{UIDValidity: 7, UIDNext: 5000, ModSeq: 99, Messages: 10, Sure: true}, LocalStamp: mail.Stamp{Token: "a b"}}
		commit(t, d, AddFolder{&f})
		var rows []mail.Entry
		for u := range mail.UID(50 + i*40) {
			rows = append(rows, mail.Entry{UID: 3*u + 1, Flags: mail.Flags(u)})
		}
		commit(t, d, PutRows{f.ID, rows}, AddIntents{[]Intent{{Folder: f.ID, Key: "key", Hash: [32]byte{1, 2, 3}, MessageID: "<a@b>", Size: 7}}})
	}
	commit(t, d, SetMeta{"a", "value"})
	want := read(t, d)
	mustClose(t, d)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b, want
}

// survive opens a damaged file and reads everything. That must give what was
// written, or an empty state with the old file set aside, either at once or,
// where the damage is met only while reading, with the next Open.
func survive(t *testing.T, damaged []byte, want content) (recovered string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.db")
	if err := os.WriteFile(path, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	d := mustOpen(t, path, Options{})
	got, err := tryRead(d)
	recovered = d.Recovered()
	if err == nil && recovered == "" {
		same(t, want, got)
		mustClose(t, d)
		return ""
	}
	if err != nil {
		if store.ClassOf(err) != store.Temporary || !isDamage(err) {
			t.Fatalf("met while reading: %v", err)
		}
		if cerr := d.Commit(context.Background(), true, SetMeta{"a", "b"}); !isDamage(cerr) {
			t.Fatalf("a damaged file is written to: %v", cerr)
		}
		mustClose(t, d)
		recovered = err.Error()
		d = mustOpen(t, path, Options{})
		if got, err = tryRead(d); err != nil {
			t.Fatal(err)
		}
	}
	if len(got.Folders) > 0 || len(got.Meta) > 0 {
		t.Errorf("%s: not empty: %.300s", recovered, fmt.Sprint(got))
	}
	aside, _ := filepath.Glob(path + ".corrupt-*")
	if len(aside) != 1 {
		t.Fatalf("%s: set aside: %q", recovered, aside)
	}
	if b, _ := os.ReadFile(aside[0]); !bytes.Equal(b, damaged) {
		t.Errorf("%s: what was set aside is not what was there", recovered)
	}
	commit(t, d, AddFolder{&Folder{Remote: "a", Local: "a"}})
	mustClose(t, d)
	return recovered
}

func TestTruncated(t *testing.T) {
	b, want := sample(t)
	sizes := []int{0, 1, 15, 16, 17, 50, 99, 100, 101, 511, 512, 1000}
	for s := 4096; s < len(b); s += 4096 {
		sizes = append(sizes, s-1, s, s+1)
	}
	for _, size := range sizes {
		if r := survive(t, b[:size], want); r == "" {
			t.Errorf("%d of %d octets were taken for the whole", size, len(b))
		}
	}
}

func TestOverwritten(t *testing.T) {
	b, want := sample(t)
	r := rand.New(rand.NewPCG(1, 2))
	random := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return b
	}
	for name, damaged := range map[string][]byte{
		"all zeroes":       make([]byte, len(b)),
		"all random":       random(len(b)),
		"text":             []byte("LocalStatus\n1:S\n"),
		"header only":      append(bytes.Clone(b[:100]), make([]byte, 3996)...),
		"random after 100": append(bytes.Clone(b[:100]), random(len(b)-100)...),
		"first page zero":  append(make([]byte, 4096), b[4096:]...),
	} {
		if r := survive(t, damaged, want); r == "" {
			t.Errorf("%s: not noticed", name)
		}
	}
	for page := 4096; page < len(b); page += 4096 {
		damaged := bytes.Clone(b)
		clear(damaged[page : page+4096])
		survive(t, damaged, want)
		copy(damaged[page:], random(4096))
		survive(t, damaged, want)
	}
	for range 100 {
		damaged := bytes.Clone(b)
		at := r.IntN(len(b))
		damaged[at] ^= 1 << r.IntN(8)
		survive(t, damaged, want)
		if t.Failed() {
			t.Fatalf("octet %d", at)
		}
	}
}

// TestNotOurs has files that SQLite can read and that are not this account's.
func TestNotOurs(t *testing.T) {
	b, _ := sample(t)
	other := func(sql string) []byte {
		path := filepath.Join(t.TempDir(), "other.db")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := dial(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.c.Exec(sql, nil); err != nil {
			t.Fatal(err)
		}
		if err := c.close(); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for sql, reason := range map[string]string{
		"PRAGMA application_id = 0":                                        "another program",
		"UPDATE account SET name = CAST('home' AS BLOB)":                   `belongs to the account "home"`,
		"DELETE FROM account":                                              "names no account",
		"DROP TABLE account":                                               "no such table",
		"PRAGMA user_version = 0":                                          "already exists",
		"UPDATE account SET clean = 0; DELETE FROM chunk WHERE folder = 3": "should have",
		"UPDATE account SET clean = 0; PRAGMA foreign_keys = 0; DELETE FROM folder WHERE id = 3": "not there",
		"UPDATE account SET clean = 0; DROP TABLE intent":                                        "no such table",
	} {
		if r := survive(t, other(sql), content{}); !strings.Contains(r, reason) {
			t.Errorf("%s: %q does not say %q", sql, r, reason)
		}
	}
}

func TestNewerSchema(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	b, _ := sample(t)
	binary.BigEndian.PutUint32(b[60:], uint32(len(migrations)+1)) // user_version
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(context.Background(), path, Options{Account: "work"})
	if store.ClassOf(err) != store.Config || !strings.Contains(err.Error(), "newer version") {
		t.Error(err)
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(after, b) {
		t.Error("the file was changed")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(context.Background(), path, Options{Account: "work"}); store.ClassOf(err) != store.Config {
		t.Errorf("a directory: %v", err)
	}
}

// TestLogAlone has the log of a database that somebody removed: it must not end
// up in the new one.
func TestLogAlone(t *testing.T) {
	path, crashed := filepath.Join(t.TempDir(), "x.db"), filepath.Join(t.TempDir(), "y.db")
	crash(t, path, crashed)
	if err := os.Remove(crashed); err != nil {
		t.Fatal(err)
	}
	for range 2 { // twice within a second: both are kept
		d := mustOpen(t, crashed, Options{})
		if d.Recovered() == "" {
			t.Error("not noticed")
		}
		same(t, content{Rows: map[int64][]mail.Entry{}, Intents: map[int64][]Intent{}, Meta: map[string]string{}, Apart: map[int64]Apart{}}, read(t, d))
		mustClose(t, d)
		if err := os.Rename(crashed, crashed+"-wal"); err != nil {
			t.Fatal(err)
		}
	}
	if aside, _ := filepath.Glob(crashed + ".corrupt-*-wal"); len(aside) != 2 {
		t.Errorf("set aside: %q", aside)
	}
}

// crash makes a state at path, and at crashed what a crash would leave of it:
// the database without its last commits, and a log with them.
func crash(t *testing.T, path, crashed string) content {
	t.Helper()
	d := mustOpen(t, path, Options{})
	defer mustClose(t, d)
	f := Folder{Remote: "a", Local: "a"}
	commit(t, d, AddFolder{&f})
	commit(t, d, PutRows{f.ID, []mail.Entry{{UID: 3}}}, SetMeta{"a", "1"})
	for _, suffix := range []string{"", "-wal"} {
		if err := copyFile(path+suffix, crashed+suffix); err != nil {
			t.Fatal(err)
		}
	}
	return read(t, d)
}

func TestCrashedLog(t *testing.T) {
	path, crashed := filepath.Join(t.TempDir(), "x.db"), filepath.Join(t.TempDir(), "y.db")
	want := crash(t, path, crashed)
	log, err := os.ReadFile(crashed + "-wal")
	if err != nil || len(log) == 0 {
		t.Fatal(err)
	}
	db, _ := os.ReadFile(crashed)
	at := map[int]bool{}
	for size := len(log); size >= 0; size -= 311 {
		if err := os.WriteFile(crashed, db, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(crashed+"-wal", log[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		d := mustOpen(t, crashed, Options{})
		if d.Recovered() != "" {
			t.Fatal(d.Recovered())
		}
		got := read(t, d)
		// Commits are taken back whole, the latest first.
		switch n := len(got.Folders) + len(got.Meta); n {
		case 2:
			same(t, want, got)
			at[n] = true
		case 1:
			if len(got.Meta) > 0 || len(got.Rows) > 0 {
				t.Errorf("half a commit: %+v", got)
			}
			at[n] = true
		case 0:
			at[n] = true
		}
		mustClose(t, d)
	}
	if len(at) != 3 {
		t.Errorf("of the three states only %v were seen", at)
	}
}
