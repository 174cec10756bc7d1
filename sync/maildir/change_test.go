package maildir

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
)

func TestSetFlags(t *testing.T) {
	for _, c := range []struct {
		name, after string
		add, clear  mail.Flags
	}{
		{"new/a,U=1" + inboxMD5 + ":2,", "cur/a,U=1" + inboxMD5 + ":2,S", mail.Seen, 0},
		{"new/a,U=1" + inboxMD5, "cur/a,U=1" + inboxMD5 + ":2,FS", mail.Seen | mail.Flagged, 0},
		{"cur/a,U=1" + inboxMD5 + ":2,RS", "new/a,U=1" + inboxMD5 + ":2,R", 0, mail.Seen},
		// A mail reader moved it to cur, unread: it stays until its flags change.
		{"cur/a,U=1" + inboxMD5 + ":2,", "cur/a,U=1" + inboxMD5 + ":2,", 0, mail.Seen},
		{"cur/a,U=1" + inboxMD5 + ":2,", "new/a,U=1" + inboxMD5 + ":2,F", mail.Flagged, 0},
		{"cur/a,U=1,S=5" + inboxMD5 + ":2,SXx,W=6", "cur/a,U=1,S=5" + inboxMD5 + ":2,STXx,W=6", mail.Trashed, mail.Draft},
		{"cur/a,U=1" + inboxMD5 + ":2,S", "cur/a,U=1" + inboxMD5 + ":2,Sb", mail.Letter('b'), 0},
	} {
		s := newStore(t, Options{Durable: true})
		f := newFolder(t, s, "INBOX")
		write(t, s, "INBOX", c.name, "x\n")
		w := f.Begin()
		gone, err := w.SetFlags(t.Context(), []mail.FlagChange{{UID: 1, Add: c.add, Clear: c.clear}, {UID: 2, Add: mail.Seen}})
		if err != nil || !slices.Equal(gone, []mail.UID{2}) {
			t.Errorf("%s: gone %v, %v", c.name, gone, err)
		}
		commitAll(t, s, w)
		wantFiles(t, s, "INBOX", c.after)
	}
}

// Flags that the store is not to synchronise stay as they are.
func TestMask(t *testing.T) {
	s := newStore(t, Options{Mask: mail.SystemFlags})
	f := newFolder(t, s, "INBOX")
	write(t, s, "INBOX", "cur/a,U=1"+inboxMD5+":2,PSa", "x\n")
	w := f.Begin()
	if _, err := w.SetFlags(t.Context(), []mail.FlagChange{{UID: 1, Add: mail.Flagged | mail.Letter('b'), Clear: mail.AllFlags}}); err != nil {
		t.Fatal(err)
	}
	commitAll(t, s, w)
	wantFiles(t, s, "INBOX", "new/a,U=1"+inboxMD5+":2,FPa")
	if snap := scanAll(t, f, mail.Known{}); snap.Mask != mail.SystemFlags {
		t.Errorf("mask %v", snap.Mask)
	}
}

func TestAssign(t *testing.T) {
	s := newStore(t, golden(Options{Durable: true}))
	f := newFolder(t, s, "INBOX")
	const fresh = "1795393443_"
	for _, name := range []string{"new/a", "cur/b:2,FX", "cur/c,U=4,FMD5=7f8c0283f16925caed8e632086b81b9c:2,S", "cur/d,U=8" + inboxMD5 + ":2,S", "new/e,U=9" + inboxMD5 + ":2,"} {
		write(t, s, "INBOX", name, "x\n")
	}
	w := f.Begin()
	gone, err := w.Assign(t.Context(), []store.Assignment{
		{Key: "a", UID: 21}, {Key: "b", UID: 22}, {Key: "nobody", UID: 99},
		{Key: "c,U=4,FMD5=7f8c0283f16925caed8e632086b81b9c", UID: 23},
		{Key: "d,U=8" + inboxMD5, UID: 8}, // has it already
		{Key: "e,U=9" + inboxMD5},         // loses it
	})
	if err != nil || !slices.Equal(gone, []string{"nobody"}) {
		t.Errorf("gone %q, %v", gone, err)
	}
	commitAll(t, s, w)
	wantFiles(t, s, "INBOX",
		"new/"+fresh+"0.17914.vm,U=21"+inboxMD5+":2,",
		"cur/"+fresh+"1.17914.vm,U=22"+inboxMD5+":2,FX",
		"cur/"+fresh+"2.17914.vm,U=23"+inboxMD5+":2,S",
		"cur/d,U=8"+inboxMD5+":2,S",
		"new/"+fresh+"3.17914.vm,U=0"+inboxMD5+":2,",
	)
	wantScan(t, scanAll(t, f, mail.Known{}), map[mail.UID]string{8: "S", 21: "", 22: "F", 23: "S"}, fresh+"3.17914.vm,U=0"+inboxMD5+":")
}

// Where a handle saw a mail is not where it is after another program renamed it.
func TestRenamedMeanwhile(t *testing.T) {
	s := newStore(t, Options{})
	f := newFolder(t, s, "INBOX")
	putAll(t, s, f, 1, "one", "two", "three", "four")
	write(t, s, "INBOX", "new/fresh", "x")
	scanAll(t, f, mail.Known{})
	all := []mail.Ref{{UID: 1}, {UID: 2}, {UID: 3}, {UID: 4}, {Key: "fresh"}}
	move := func(flags string) {
		for _, name := range files(t, s, "INBOX") {
			base, _, _ := f.scheme.parse([]byte(filepath.Base(name)))
			old := filepath.Join(s.path("INBOX"), name)
			if err := os.Rename(old, filepath.Join(s.path("INBOX"), "cur", filepath.Base(name)[:base]+":2,"+flags)); err != nil {
				t.Fatal(err)
			}
		}
	}
	fetchAll(t, f, all...) // the handle knows all places
	move("S")
	if got := fetchAll(t, f, all...); len(got) != 5 {
		t.Errorf("fetched %q", got)
	}
	move("RS")
	w := f.Begin()
	if gone, err := w.SetFlags(t.Context(), []mail.FlagChange{{UID: 1, Add: mail.Flagged}}); err != nil || len(gone) > 0 {
		t.Errorf("flags: gone %v, %v", gone, err)
	}
	move("FS")
	if gone, err := w.Assign(t.Context(), []store.Assignment{{Key: "fresh", UID: 5}}); err != nil || len(gone) > 0 {
		t.Errorf("assign: gone %v, %v", gone, err)
	}
	move("S")
	if err := w.Remove(t.Context(), []mail.UID{2, 3, 5, 77}); err != nil {
		t.Error(err)
	}
	commitAll(t, s, w)
	wantScan(t, scanAll(t, f, mail.Known{}), map[mail.UID]string{1: "S", 4: "S"})
}

// Nothing is ever overwritten, even where a name was taken by a stroke of luck.
func TestNameTaken(t *testing.T) {
	s := newStore(t, golden(Options{}))
	f := newFolder(t, s, "INBOX")
	taken := "1795393443_0.17914.vm,U=1" + inboxMD5
	write(t, s, "INBOX", "new/"+taken+":2,", "other\n")
	write(t, s, "INBOX", "tmp/1795393443_2.17914.vm,U=1"+inboxMD5+":2,", "of nobody\n") // not as we name files there
	putAll(t, s, f, 1, "mine\r\n")
	write(t, s, "INBOX", "cur/a:2,S", "third\n")
	write(t, s, "INBOX", "cur/1795393443_2.17914.vm,U=9"+inboxMD5+":2,S", "fourth\n")
	w := f.Begin()
	if _, err := w.Assign(t.Context(), []store.Assignment{{Key: "a", UID: 9}}); err != nil {
		t.Fatal(err)
	}
	commitAll(t, s, w)
	texts := map[string]int{}
	for _, name := range files(t, s, "INBOX") {
		b, err := os.ReadFile(filepath.Join(s.path("INBOX"), name))
		if err != nil {
			t.Fatal(err)
		}
		texts[string(b)]++
	}
	for _, text := range []string{"other\n", "mine\n", "third\n", "fourth\n", "of nobody\n"} {
		if texts[text] != 1 {
			t.Errorf("%q is there %d times", text, texts[text])
		}
	}
}

// The ways to rename where the kernel cannot refuse to overwrite.
func TestRenameByLink(t *testing.T) {
	dir := t.TempDir()
	d, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	fd := int(d.Fd())
	for _, rename := range []func(int, string, int, string) error{renameOver, renameByLink} {
		for name, text := range map[string]string{"a": "a", "b": "b"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := rename(fd, "a", fd, "b"); !os.IsExist(err) {
			t.Errorf("onto another file: %v", err)
		}
		if err := rename(fd, "none", fd, "c"); !os.IsNotExist(err) {
			t.Errorf("of no file: %v", err)
		}
		if err := rename(fd, "a", fd, "c"); err != nil {
			t.Error(err)
		}
		// A second link that was left over.
		if err := os.Link(filepath.Join(dir, "c"), filepath.Join(dir, "d")); err != nil {
			t.Fatal(err)
		}
		if err := rename(fd, "c", fd, "d"); err != nil {
			t.Error(err)
		}
		es, _ := os.ReadDir(dir)
		if len(es) != 2 || es[0].Name() != "b" || es[1].Name() != "d" {
			t.Errorf("left are %v", es)
		}
		for _, e := range es {
			os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}
