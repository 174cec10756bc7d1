package maildir

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
)

const inboxMD5 = ",FMD5=7e33429f656f1e6e9d79b29c3f82c57e"

func TestScan(t *testing.T) {
	s := newStore(t, Options{})
	f := newFolder(t, s, "INBOX")
	for _, name := range []string{
		"cur/1,U=3" + inboxMD5 + ":2,FS",
		"new/2,U=1" + inboxMD5 + ":2,",
		"cur/3:2,R",
		"new/0",
		"cur/4,U=9,FMD5=7f8c0283f16925caed8e632086b81b9c:2,S", // of another folder
		"cur/.hidden,U=8" + inboxMD5 + ":2,S",
		"new/.nfs0001",
		"tmp/5,U=7" + inboxMD5,
	} {
		write(t, s, "INBOX", name, "x\n")
	}
	if err := os.MkdirAll(filepath.Join(s.root, "INBOX/cur/directory,U=6"+inboxMD5+":2,"), 0o700); err != nil {
		t.Fatal(err)
	}
	snap := scanAll(t, f, mail.Known{})
	wantScan(t, snap, map[mail.UID]string{1: "", 3: "FS"}, "0:", "3:R", "4,U=9,FMD5=7f8c0283f16925caed8e632086b81b9c:S")
	for _, n := range snap.Fresh {
		if n.Claim != 0 {
			t.Errorf("%s claims UID %d, of another folder", n.Key, n.Claim)
		}
	}
	snap = scanAll(t, f, mail.Known{Keys: true})
	wantScan(t, snap, map[mail.UID]string{}, "0:", "1,U=3"+inboxMD5+":FS", "2,U=1"+inboxMD5+":", "3:R", "4,U=9,FMD5=7f8c0283f16925caed8e632086b81b9c:S")
	if snap.Fresh[1].Claim != 3 || snap.Fresh[2].Claim != 1 || snap.Fresh[4].Claim != 0 {
		t.Errorf("claims: %+v", snap.Fresh)
	}
}

// Copies of a file within a folder are mails of their own, and which of them
// has the UID does not depend on the order in which they are read.
func TestScanCopies(t *testing.T) {
	s := newStore(t, Options{})
	f := newFolder(t, s, "INBOX")
	for i := range 20 {
		write(t, s, "INBOX", fmt.Sprintf("cur/%02d,U=7%s:2,S", i, inboxMD5), fmt.Sprintf("copy %d\n", i))
	}
	write(t, s, "INBOX", "new/0x,U=7"+inboxMD5+":2,", "in new\n")
	write(t, s, "INBOX", "new/05,U=7"+inboxMD5+":2,", "on its way from new to cur\n")
	snap := scanAll(t, f, mail.Known{})
	if len(snap.Entries) != 1 || snap.Entries[0] != (mail.Entry{UID: 7, Flags: mail.Seen}) {
		t.Errorf("entries %v", snap.Entries)
	}
	if len(snap.Fresh) != 20 || snap.Fresh[0].Key != "01,U=7"+inboxMD5 {
		t.Errorf("%d copies: %v", len(snap.Fresh), snap.Fresh)
	}
	for _, n := range snap.Fresh {
		if n.Claim != 7 {
			t.Errorf("%s claims UID %d, and not the one that another file has", n.Key, n.Claim)
		}
	}
	if got := fetchAll(t, f, mail.Ref{UID: 7}, mail.Ref{Key: "13,U=7" + inboxMD5}); got["\a"] != "copy 0\r\n" || got["13,U=7"+inboxMD5] != "copy 13\r\n" {
		t.Errorf("fetched %q", got)
	}
	// The copy that remains when the first is removed was reported as new: a
	// removal of that UID does not mean it.
	for i := range 19 {
		if err := os.Remove(filepath.Join(s.root, "INBOX", fmt.Sprintf("cur/%02d,U=7%s:2,S", i, inboxMD5))); err != nil {
			t.Fatal(err)
		}
	}
	w := f.Begin()
	if err := w.Remove(t.Context(), []mail.UID{7}); err != nil {
		t.Fatal(err)
	}
	commitAll(t, s, w)
	if got := fetchAll(t, f, mail.Ref{Key: "19,U=7" + inboxMD5}); len(got) != 1 {
		t.Error("a copy was removed with its original")
	}
}

// The stamp is sure only of a directory that has rested.
func TestScanUnchanged(t *testing.T) {
	now := time.Now()
	s := newStore(t, Options{Now: func() time.Time { return now }})
	f := newFolder(t, s, "INBOX")
	write(t, s, "INBOX", "new/1,U=3"+inboxMD5+":2,", "x\n")
	snap := scanAll(t, f, mail.Known{})
	if snap.Stamp.Sure {
		t.Error("sure of a directory that was changed a moment ago")
	}
	if again := scanAll(t, f, mail.Known{Stamp: snap.Stamp, Count: 1}); again.Unchanged {
		t.Error("unchanged by a stamp that was not sure")
	}
	now = now.Add(10 * time.Second)
	snap = scanAll(t, f, mail.Known{Stamp: snap.Stamp, Count: 1})
	if snap.Unchanged || !snap.Stamp.Sure || len(snap.Entries) != 1 {
		t.Errorf("later: %+v", snap)
	}
	known := mail.Known{Stamp: snap.Stamp, Count: 1}
	if snap = scanAll(t, f, known); !snap.Unchanged || snap.Entries != nil || snap.Mask != mail.AllFlags {
		t.Errorf("and again: %+v", snap)
	}
	ms, err := s.Survey(t.Context())
	if err != nil || len(ms) != 1 || !ms[0].Stamp.Same(known.Stamp) {
		t.Errorf("the survey has another stamp: %+v, %v", ms, err)
	}
	for _, k := range []mail.Known{{Stamp: known.Stamp, Full: true}, {Stamp: known.Stamp, Keys: true}, {}} {
		if scanAll(t, f, k).Unchanged {
			t.Errorf("unchanged, though %+v asks for all", k)
		}
	}
	write(t, s, "INBOX", "cur/2:2,", "y\n")
	if snap = scanAll(t, f, known); snap.Unchanged || len(snap.Fresh) != 1 {
		t.Errorf("after a change: %+v", snap)
	}
}

// A clock that a file system is ahead of makes nothing sure.
func TestScanFuture(t *testing.T) {
	s := newStore(t, Options{})
	f := newFolder(t, s, "INBOX")
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(filepath.Join(s.root, "INBOX/cur"), later, later); err != nil {
		t.Fatal(err)
	}
	if snap := scanAll(t, f, mail.Known{}); snap.Stamp.Sure {
		t.Error("sure of a directory that was changed in the future")
	}
}

// A folder that is gone is an error and never an empty folder; so is one that
// half went since the Scan.
func TestScanGone(t *testing.T) {
	for _, gone := range [][]string{{""}, {"cur"}, {"new"}, {"cur", "new"}} {
		s := newStore(t, Options{})
		f := newFolder(t, s, "INBOX")
		putAll(t, s, f, 1, "a", "b")
		for _, sub := range gone {
			if err := os.RemoveAll(filepath.Join(s.root, "INBOX", sub)); err != nil {
				t.Fatal(err)
			}
		}
		w := f.Begin()
		if err := w.Remove(t.Context(), []mail.UID{1}); err == nil {
			t.Errorf("without %q: removed without an error", gone)
		}
		w.Discard()
		if err := f.Fetch(t.Context(), []mail.Ref{{UID: 1}}, nil); err == nil {
			t.Errorf("without %q: fetched without an error", gone)
		}
		if len(gone) == 1 && gone[0] != "" {
			continue
		}
		if snap, err := f.Scan(t.Context(), mail.Known{}); err == nil || store.ScopeOf(err) != store.ScopeFolder {
			t.Errorf("without %q: %+v, %v", gone, snap, err)
		}
	}
}

// What is missing of a folder is an empty part of it, made where that may be.
func TestScanHalf(t *testing.T) {
	for _, lost := range []string{"cur", "new", "tmp"} {
		for _, durable := range []bool{false, true} {
			s := newStore(t, Options{Durable: durable, Now: func() time.Time { return time.Now().Add(time.Hour) }})
			mkdirs(t, s.root, "INBOX")
			path := filepath.Join(s.root, "INBOX", lost)
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			sub := map[string]string{"cur": "new", "new": "cur", "tmp": "cur"}[lost]
			write(t, s, "INBOX", sub+"/1,U=3"+inboxMD5+":2,S", "x\n")
			write(t, s, "INBOX", sub+"/2:2,", "y\n")

			f := s.Open("INBOX", true)
			snap := scanAll(t, f, mail.Known{})
			wantScan(t, snap, map[mail.UID]string{3: "S"}, "2:")
			if snap.Stamp.Sure != (lost == "tmp") {
				t.Errorf("without %s, read only: %+v", lost, snap.Stamp)
			}
			if got := fetchAll(t, f, mail.Ref{UID: 3}, mail.Ref{UID: 4}, mail.Ref{Key: "2"}); len(got) != 2 {
				t.Errorf("without %s, read only, fetched %q", lost, got)
			}
			if _, err := os.Lstat(path); !os.IsNotExist(err) {
				t.Errorf("%s was made in a folder that is only read: %v", lost, err)
			}

			f = s.Open("INBOX", false)
			wantScan(t, scanAll(t, f, mail.Known{}), map[mail.UID]string{3: "S"}, "2:")
			putAll(t, s, f, 5, "new\r\n")
			w := f.Begin()
			if gone, err := w.SetFlags(t.Context(), []mail.FlagChange{{UID: 3, Clear: mail.Seen}, {UID: 5, Add: mail.Seen}}); err != nil || gone != nil {
				t.Errorf("without %s: %v, %v", lost, gone, err)
			}
			commitAll(t, s, w)
			wantScan(t, scanAll(t, f, mail.Known{}), map[mail.UID]string{3: "", 5: "S"}, "2:")
			if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o700 {
				t.Errorf("%s: %v, %v", lost, st, err)
			}
		}
	}
}

// during runs do in the middle of a scan, when the directories are being read.
type during struct {
	context.Context
	do func()
}

func (d *during) Err() error {
	if d.do != nil {
		d.do()
		d.do = nil
	}
	return d.Context.Err()
}

// A directory that comes, goes or is replaced while the folder is read leaves
// nothing to be believed.
func TestScanReplaced(t *testing.T) {
	for _, sub := range []string{"cur", "new"} {
		for _, readOnly := range []bool{false, true} {
			for what, c := range map[string]struct {
				before bool
				do     func(path string) error
			}{
				"went":         {true, os.RemoveAll},
				"was replaced": {true, func(p string) error { return errors.Join(os.Rename(p, p+".old"), os.Mkdir(p, 0o700)) }},
				"came":         {false, func(p string) error { return os.Mkdir(p, 0o700) }},
			} {
				if !c.before && !readOnly {
					continue // the scan made it
				}
				s := newStore(t, Options{})
				f := newFolder(t, s, "INBOX")
				putAll(t, s, f, 1, "a", "b")
				path := filepath.Join(s.root, "INBOX", sub)
				if !c.before {
					if err := os.RemoveAll(path); err != nil {
						t.Fatal(err)
					}
				}
				ctx := &during{t.Context(), func() {
					if err := c.do(path); err != nil {
						t.Error(err)
					}
				}}
				snap, err := s.Open("INBOX", readOnly).Scan(ctx, mail.Known{})
				if err == nil || store.ClassOf(err) != store.Temporary || store.ScopeOf(err) != store.ScopeFolder {
					t.Errorf("%s %s, read only %v: %+v, %v", sub, what, readOnly, snap, err)
				}
			}
		}
	}
}

func TestUnion(t *testing.T) {
	cmp := func(a, b int) int { return a - b }
	for _, c := range []struct {
		a, b, both   []int
		onlyA, onlyB bool
	}{
		{nil, nil, nil, false, false},
		{[]int{1}, nil, []int{1}, true, false},
		{nil, []int{1}, []int{1}, false, true},
		{[]int{1, 3}, []int{1, 3}, []int{1, 3}, false, false},
		{[]int{1, 3}, []int{2, 3, 4}, []int{1, 2, 3, 4}, true, true},
		{[]int{3}, []int{1, 3}, []int{1, 3}, false, true},
	} {
		both, onlyA, onlyB := union(c.a, c.b, cmp)
		if !slices.Equal(both, c.both) || onlyA != c.onlyA || onlyB != c.onlyB {
			t.Errorf("%v and %v: %v, %v, %v", c.a, c.b, both, onlyA, onlyB)
		}
	}
}

// A directory of a folder that is missing together with mails is no removal of
// them, in no later reading either.
func TestScanHalfLost(t *testing.T) {
	for _, sub := range []string{"cur", "new"} {
		s := New(t.TempDir(), Options{})
		if err := s.Create(t.Context(), "INBOX"); err != nil {
			t.Fatal(err)
		}
		for i, dir := range []string{"cur", "new"} {
			name := fmt.Sprintf("1_%d.1.h,U=%d,FMD5=7e33429f656f1e6e9d79b29c3f82c57e:2,S", i, i+1)
			if err := os.WriteFile(filepath.Join(s.root, "INBOX", dir, name), []byte("x\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		path := filepath.Join(s.root, "INBOX", sub)
		if err := os.Rename(path, filepath.Join(t.TempDir(), "away")); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if snap, err := s.Open("INBOX", false).Scan(t.Context(), mail.Known{Count: 2}); err == nil || store.ClassOf(err) != store.Safety {
				t.Fatalf("without %s: %+v, %v", sub, snap, err)
			}
		}
		if snap, err := s.Open("INBOX", false).Scan(t.Context(), mail.Known{Count: 1}); err != nil || len(snap.Entries) != 1 {
			t.Fatalf("an empty %s is lost: %+v, %v", sub, snap, err)
		}
	}
}
