package state

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
)

func TestMain(m *testing.M) {
	if f := children[os.Getenv("STATE_TEST_CHILD")]; f != nil {
		f()
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

func mustOpen(t testing.TB, path string, o Options) *DB {
	t.Helper()
	if o.Account == "" {
		o.Account = "work"
	}
	d, err := Open(context.Background(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func mustClose(t testing.TB, d *DB) {
	t.Helper()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}

func commit(t testing.TB, d *DB, changes ...Change) {
	t.Helper()
	if err := d.Commit(context.Background(), false, changes...); err != nil {
		t.Fatal(err)
	}
}

// content is everything a DB gives back.
type content struct {
	Folders []Folder
	Rows    map[int64][]mail.Entry
	Intents map[int64][]Intent
	Meta    map[string]string
	Apart   map[int64]Apart
}

var metaKeys = []string{"", "a", "b\x00\xff"}

func read(t testing.TB, d *DB) content {
	t.Helper()
	c, err := tryRead(d)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func tryRead(d *DB) (c content, err error) {
	ctx := context.Background()
	c = content{Rows: map[int64][]mail.Entry{}, Intents: map[int64][]Intent{}, Meta: map[string]string{}, Apart: map[int64]Apart{}}
	limits, err := d.Limits(ctx)
	if err != nil {
		return c, err
	}
	if c.Folders, err = d.Folders(ctx); err != nil {
		return c, err
	}
	for _, f := range c.Folders {
		rows, err := d.Rows(ctx, f.ID)
		if err != nil {
			return c, err
		}
		if err := tallied(d, f.ID, rows); err != nil {
			return c, err
		}
		intents, err := d.Intents(ctx, f.ID)
		if err != nil {
			return c, err
		}
		apart, err := d.Apart(ctx, f.ID)
		if err != nil {
			return c, err
		}
		if apart.Limits != limits[f.ID] {
			return c, fmt.Errorf("folder %d has the limits %q and %q", f.ID, apart.Limits, limits[f.ID])
		}
		if !apart.empty() {
			c.Apart[f.ID] = apart
		}
		if len(rows) > 0 {
			c.Rows[f.ID] = rows
		}
		if len(intents) > 0 {
			c.Intents[f.ID] = intents
		}
	}
	for _, k := range metaKeys {
		v, ok, err := d.Meta(ctx, k)
		if err != nil {
			return c, err
		}
		if ok {
			c.Meta[k] = v
		}
	}
	return c, nil
}

// tallied checks that a folder is counted as its rows say.
func tallied(d *DB, folder int64, rows []mail.Entry) error {
	unread := 0
	for _, e := range rows {
		if e.Flags&mail.Seen == 0 && e.Flags&mail.Trashed == 0 {
			unread++
		}
	}
	messages, unseen, err := d.Tally(context.Background(), folder)
	if err == nil && (messages != len(rows) || unseen != unread) {
		err = fmt.Errorf("%d mails, %d of them unseen, are counted as %d and %d", len(rows), unread, messages, unseen)
	}
	return err
}

// TestModel makes random changes to a DB and to plain Go values, closing and
// opening the file in between, and compares all there is to read.
func TestModel(t *testing.T) {
	dir := t.TempDir()
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		path := filepath.Join(dir, strconv.Itoa(n), "x.db")
		d := mustOpen2(t, path)
		defer func() { d.Close() }()
		m := &model{pairs: map[[2]string]bool{}, rows: map[int64]map[mail.UID]mail.Flags{}, meta: map[string]string{}, apart: map[int64]Apart{}}
		for range rapid.IntRange(1, 12).Draw(t, "commits") {
			var changes []Change
			undo := m.clone()
			var after []func()
			for range rapid.IntRange(1, 5).Draw(t, "changes") {
				changes = append(changes, m.draw(t, &after))
			}
			bad := rapid.IntRange(0, 5).Draw(t, "bad") == 0
			if bad {
				changes = append(changes, PutRows{Folder: 1 << 40, Rows: []mail.Entry{{UID: 1}}})
			}
			err := d.Commit(context.Background(), rapid.Bool().Draw(t, "durable"), changes...)
			if (err != nil) != bad {
				t.Fatalf("commit with a bad change %v: %v", bad, err)
			}
			if bad {
				*m = *undo
			} else {
				for _, f := range after {
					f()
				}
			}
			if rapid.IntRange(0, 3).Draw(t, "reopen") == 0 {
				if err := d.Close(); err != nil {
					t.Fatal(err)
				}
				d = mustOpen2(t, path)
			}
			m.compare(t, d)
		}
	})
}

func mustOpen2(t *rapid.T, path string) *DB {
	d, err := Open(context.Background(), path, Options{Account: "work"})
	if err != nil {
		t.Fatal(err)
	}
	if d.Recovered() != "" {
		t.Fatal(d.Recovered())
	}
	return d
}

func TestCommitIsAllOrNothing(t *testing.T) {
	d := mustOpen(t, filepath.Join(t.TempDir(), "x.db"), Options{})
	defer mustClose(t, d)
	f := Folder{Remote: "INBOX", Local: "INBOX"}
	commit(t, d, AddFolder{&f})
	before := read(t, d)
	g := Folder{Remote: "a", Local: "a"}
	intents := []Intent{{Folder: f.ID, Key: "k"}}
	good := []Change{PutRows{f.ID, []mail.Entry{{UID: 4}}}, AddFolder{&g}, AddIntents{intents}, SetMeta{"a", "1"}}
	for name, bad := range map[string]Change{
		"a folder that is not there":  SetStamps{Folder: 99, Remote: &mail.Stamp{}},
		"a pair that exists":          AddFolder{&Folder{Remote: "INBOX", Local: "INBOX"}},
		"no UID":                      PutRows{f.ID, []mail.Entry{{UID: 0}}},
		"intent without folder":       AddIntents{[]Intent{{Folder: 99}}},
		"an intent that is not there": MarkUnknown{[]int64{99}},
	} {
		t.Run(name, func(t *testing.T) {
			err := d.Commit(context.Background(), true, append(slices.Clone(good), bad)...)
			if err == nil {
				t.Fatal("committed")
			}
			if g.ID != 0 || intents[0].ID != 0 {
				t.Errorf("IDs of what was not stored: %d, %d", g.ID, intents[0].ID)
			}
			same(t, before, read(t, d))
		})
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := d.Commit(ctx, true, good...); store.ClassOf(err) != store.Cancelled {
		t.Errorf("ended context: %v", err)
	}
	same(t, before, read(t, d))
}

func TestIDsAreNotGivenTwice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	d := mustOpen(t, path, Options{})
	f := Folder{Remote: "a", Local: "a"}
	commit(t, d, AddFolder{&f})
	intents := []Intent{{Folder: f.ID}, {Folder: f.ID}}
	commit(t, d, AddIntents{intents})
	commit(t, d, CloseIntents{[]int64{intents[1].ID}}, ForgetFolder{f.ID})
	mustClose(t, d)
	d = mustOpen(t, path, Options{})
	defer mustClose(t, d)
	g := Folder{Remote: "a", Local: "a"}
	commit(t, d, AddFolder{&g})
	again := []Intent{{Folder: g.ID}}
	commit(t, d, AddIntents{again})
	if g.ID <= f.ID || again[0].ID <= intents[1].ID {
		t.Errorf("folder %d after %d, intent %d after %d", g.ID, f.ID, again[0].ID, intents[1].ID)
	}
}

func TestLookup(t *testing.T) {
	d := mustOpen(t, filepath.Join(t.TempDir(), "x.db"), Options{})
	defer mustClose(t, d)
	f, g := Folder{Remote: "a", Local: "a"}, Folder{Remote: "b", Local: "b"}
	commit(t, d, AddFolder{&f}, AddFolder{&g})
	var rows []mail.Entry
	for u := mail.UID(1); u < 3000; u += 3 {
		rows = append(rows, mail.Entry{UID: u, Flags: mail.Flags(u)})
	}
	rows = append(rows, mail.Entry{UID: 1<<32 - 1, Flags: mail.AllFlags})
	commit(t, d, PutRows{f.ID, rows}, PutRows{g.ID, []mail.Entry{{UID: 2}}})
	for _, set := range []mail.Set{
		nil, mail.SetOf(1), mail.SetOf(2), mail.SetOf(255, 256, 257, 258), mail.SetOf(1, 2998, 4000), {{First: 1, Last: 1<<32 - 1}},
		{{First: 1<<32 - 1, Last: 1<<32 - 1}}, {{First: 250, Last: 260}, {First: 500, Last: 1100}, {First: 1102, Last: 1102}, {First: 2900, Last: 1<<32 - 2}},
	} {
		var want []mail.Entry
		for _, r := range rows {
			if set.Has(r.UID) {
				want = append(want, r)
			}
		}
		got, err := d.Lookup(context.Background(), f.ID, set)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%v: %v, %v; want %v", set, got, err, want)
		}
	}
}

func TestModes(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a", "b", "x.db")
	d := mustOpen(t, path, Options{})
	commit(t, d, SetMeta{"a", "1"})
	seen := 0
	err := filepath.WalkDir(filepath.Join(dir, "a"), func(p string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		fi, err := e.Info()
		if err != nil {
			return err
		}
		seen++
		want := os.FileMode(0o600)
		if e.IsDir() {
			want = 0o700
		}
		if fi.Mode().Perm() != want {
			t.Errorf("%s: %v, not %v", p, fi.Mode(), want)
		}
		return nil
	})
	if err != nil || seen != 4 { // two directories, the database, its log
		t.Errorf("%d files, %v", seen, err)
	}
	mustClose(t, d)
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	mustClose(t, mustOpen(t, path, Options{}))
	if fi, err := os.Stat(path); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("others may read it: %v, %v", fi.Mode(), err)
	}
}

// TestQuiet shows that a run without changes writes nothing.
func TestQuiet(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	d := mustOpen(t, path, Options{})
	f := Folder{Remote: "a", Local: "a"}
	commit(t, d, AddFolder{&f})
	commit(t, d, PutRows{f.ID, []mail.Entry{{UID: 1}}})
	mustClose(t, d)
	before, _ := os.ReadFile(path)
	mtime := look(path)
	time.Sleep(20 * time.Millisecond)
	d = mustOpen(t, path, Options{})
	read(t, d)
	mustClose(t, d)
	after, _ := os.ReadFile(path)
	if string(before) != string(after) || look(path) != mtime {
		t.Error("the file was written")
	}
	names, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	if len(names) != 1 {
		t.Errorf("left behind: %q", names)
	}
}

func TestSecondProcessIsKeptOut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	d := mustOpen(t, path, Options{})
	defer mustClose(t, d)
	commit(t, d, SetMeta{"a", "1"})
	out, err := child("open", path).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "locked") {
		t.Errorf("%v: %s", err, out)
	}
	if names, _ := filepath.Glob(path + ".corrupt*"); len(names) > 0 {
		t.Errorf("set aside under a run: %q", names)
	}
}

func TestContextEndsTheWait(t *testing.T) {
	d := mustOpen(t, filepath.Join(t.TempDir(), "x.db"), Options{})
	defer mustClose(t, d)
	<-d.turn // somebody else is reading
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err := d.Folders(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	d.turn <- struct{}{}
	ctx, cancel = context.WithCancel(context.Background())
	cancel()
	for name, f := range map[string]func() error{
		"Folders": func() error { _, err := d.Folders(ctx); return err },
		"Rows":    func() error { _, err := d.Rows(ctx, 1); return err },
		"Open":    func() error { _, err := Open(ctx, d.path+"2", Options{Account: "work"}); return err },
	} {
		if err := f(); store.ClassOf(err) != store.Cancelled {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestUseAfterClose(t *testing.T) {
	d := mustOpen(t, filepath.Join(t.TempDir(), "x.db"), Options{})
	mustClose(t, d)
	if _, err := d.Folders(context.Background()); !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
	mustClose(t, d)
}

// TestFull has no room for a commit: nothing of it is stored, and the next one
// works.
func TestFull(t *testing.T) {
	d := mustOpen(t, filepath.Join(t.TempDir(), "x.db"), Options{})
	defer mustClose(t, d)
	f := Folder{Remote: "INBOX", Local: "INBOX"}
	commit(t, d, AddFolder{&f})
	commit(t, d, PutRows{f.ID, []mail.Entry{{UID: 7}}})
	before := read(t, d)
	limit := func(pages int) {
		if _, err := d.conn.c.Exec("PRAGMA max_page_count = "+strconv.Itoa(pages), nil); err != nil {
			t.Fatal(err)
		}
	}
	limit(20)
	err := d.Commit(context.Background(), true, SetMeta{"a", "1"}, PutRows{f.ID, large()})
	if err == nil || store.ClassOf(err) != store.Local {
		t.Errorf("full: %v", err)
	}
	same(t, before, read(t, d))
	limit(1 << 20)
	commit(t, d, PutRows{f.ID, large()})
	if rows, err := d.Rows(context.Background(), f.ID); err != nil || !slices.Contains(rows, mail.Entry{UID: 7}) {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}

func TestContextEndsTheCheck(t *testing.T) {
	d := mustOpen(t, filepath.Join(t.TempDir(), "x.db"), Options{})
	defer mustClose(t, d)
	f := Folder{Remote: "INBOX", Local: "INBOX"}
	commit(t, d, AddFolder{&f})
	commit(t, d, PutRows{f.ID, large()})
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(time.Millisecond, cancel)
	for err := error(nil); err == nil; {
		if err = verify(ctx, d.conn); err != nil && store.ClassOf(err) != store.Cancelled {
			t.Error(err)
		}
	}
	if err := verify(context.Background(), d.conn); err != nil {
		t.Error(err)
	}
}

func TestTallyOfNoFolder(t *testing.T) {
	d := mustOpen(t, filepath.Join(t.TempDir(), "x.db"), Options{})
	defer mustClose(t, d)
	if err := tallied(d, 7, nil); err != nil {
		t.Fatal(err)
	}
}
