package maildir

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// New mails go to new or cur by their flags, and show only after Commit.
func TestDeliver(t *testing.T) {
	s := newStore(t, golden(Options{Durable: true, VisibleName: func(name string) string { return strings.ToUpper(name) }}))
	f := newFolder(t, s, "inbox")
	w := f.Begin()
	for i, flags := range []mail.Flags{0, mail.Seen | mail.Flagged, mail.Draft} {
		if err := w.Put(t.Context(), mail.Mail{Ref: mail.Ref{UID: mail.UID(i + 1)}, Flags: flags, Size: 3}, strings.NewReader("x\r\n")); err != nil {
			t.Fatal(err)
		}
	}
	wantFiles(t, s, "inbox", "tmp/1795393443_0.17914.vm,U=1"+inboxMD5, "tmp/1795393443_1.17914.vm,U=2"+inboxMD5, "tmp/1795393443_2.17914.vm,U=3"+inboxMD5)
	if snap := scanAll(t, f, mail.Known{}); len(snap.Entries) != 0 {
		t.Errorf("visible before Commit: %v", snap.Entries)
	}
	commitAll(t, s, w)
	wantFiles(t, s, "inbox", "new/1795393443_0.17914.vm,U=1"+inboxMD5+":2,", "cur/1795393443_1.17914.vm,U=2"+inboxMD5+":2,FS", "new/1795393443_2.17914.vm,U=3"+inboxMD5+":2,D")
	if added := w.Added(); len(added) != 3 || added[0] != 0 {
		t.Errorf("added %v", added)
	}
	w.Discard()
	if err := w.Put(t.Context(), mail.Mail{Ref: mail.Ref{UID: 4}}, strings.NewReader("")); err == nil {
		t.Error("a Work was used after its end")
	}
	mask := unix.Umask(0)
	unix.Umask(mask)
	st, err := os.Stat(filepath.Join(s.path("inbox"), "new/1795393443_0.17914.vm,U=1"+inboxMD5+":2,"))
	if err != nil || st.Mode().Perm() != os.FileMode(0o666&^mask) {
		t.Errorf("the file has the mode %v, %v", st.Mode(), err)
	}
}

// Many folders and mails in one Commit, with one sync of the file system.
func TestCommitMany(t *testing.T) {
	s := newStore(t, Options{Durable: true})
	var works []store.Work
	for i := range 10 {
		f := newFolder(t, s, fmt.Sprint("f", i))
		w := f.Begin()
		for j := range i {
			if err := w.Put(t.Context(), mail.Mail{Ref: mail.Ref{UID: mail.UID(j + 1)}, Size: -1}, strings.NewReader("text")); err != nil {
				t.Fatal(err)
			}
		}
		works = append(works, w)
	}
	commitAll(t, s, works...)
	for i := range 10 {
		if n := len(files(t, s, fmt.Sprint("f", i))); n != i {
			t.Errorf("folder %d has %d mails", i, n)
		}
	}
}

// A mail of which not all came leaves nothing, whatever went wrong.
func TestPutBroken(t *testing.T) {
	cut := store.Fail(store.Offline, store.ScopeStore, errors.New("connection cut"))
	for _, c := range []struct {
		what  string
		size  int64
		r     io.Reader
		class store.Class
		scope store.Scope
	}{
		{"short", 10, strings.NewReader("nine octs"), store.Protocol, store.ScopeMail},
		{"long", 8, strings.NewReader("nine octs"), store.Protocol, store.ScopeMail},
		{"large and long", bufferSize + 5, strings.NewReader(strings.Repeat("x", 3*bufferSize)), store.Protocol, store.ScopeMail},
		{"cut", 100, io.MultiReader(strings.NewReader("half"), failing{cut}), store.Offline, store.ScopeStore},
		{"cut in two", -1, io.MultiReader(strings.NewReader(strings.Repeat("half\r\n", bufferSize)), failing{cut}), store.Offline, store.ScopeStore},
		{"cut as by net", -1, io.MultiReader(strings.NewReader("half"), failing{io.ErrUnexpectedEOF}), store.Temporary, store.ScopeStore},
		{"silent", -1, idle{}, store.Temporary, store.ScopeStore},
	} {
		s := newStore(t, Options{})
		f := newFolder(t, s, "INBOX")
		w := f.Begin()
		err := w.Put(t.Context(), mail.Mail{Ref: mail.Ref{UID: 1}, Size: c.size}, c.r)
		if err == nil || store.ClassOf(err) != c.class || store.ScopeOf(err) != c.scope {
			t.Errorf("%s: %v (%v)", c.what, err, store.ClassOf(err))
		}
		wantFiles(t, s, "INBOX")
		// The others of the Work are as good as before.
		if err := w.Put(t.Context(), mail.Mail{Ref: mail.Ref{UID: 2}, Size: 4}, strings.NewReader("good")); err != nil {
			t.Fatal(err)
		}
		commitAll(t, s, w)
		wantScan(t, scanAll(t, f, mail.Known{}), map[mail.UID]string{2: ""})
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }

// A disk that is full ends the run, says where, and leaves no half mail.
func TestDiskFull(t *testing.T) {
	root := t.TempDir()
	if err := unix.Mount("tmpfs", root, "tmpfs", 0, "size=256k"); err != nil {
		t.Logf("no small disk can be had (%v): a limit on the size of files stands for it", err)
		testFileTooLarge(t)
		return
	}
	defer unix.Unmount(root, unix.MNT_DETACH)
	s := New(root, Options{Durable: true})
	f := newFolder(t, s, "INBOX")
	putAll(t, s, f, 1, "fits")
	w := f.Begin()
	defer w.Discard()
	large := bytes.Repeat([]byte("too much for it\r\n"), 40000)
	err := w.Put(t.Context(), mail.Mail{Ref: mail.Ref{UID: 2}, Size: int64(len(large))}, bytes.NewReader(large))
	if !errors.Is(err, unix.ENOSPC) || store.ClassOf(err) != store.Local || store.ScopeOf(err) != store.ScopeStore || !strings.Contains(err.Error(), root) {
		t.Errorf("%v (%v)", err, store.ClassOf(err))
	}
	if n := len(files(t, s, "INBOX")); n != 1 {
		t.Errorf("%d files are left", n)
	}
	// Small ones still go.
	if err := w.Put(t.Context(), mail.Mail{Ref: mail.Ref{UID: 3}, Size: 4}, strings.NewReader("good")); err != nil {
		t.Fatal(err)
	}
	commitAll(t, s, w)
	wantScan(t, scanAll(t, f, mail.Known{}), map[mail.UID]string{1: "", 3: ""})
}

// What was left in tmp by a process that was killed goes; what others have
// there stays.
func TestLeftOver(t *testing.T) {
	s := newStore(t, Options{})
	f := newFolder(t, s, "INBOX")
	stay := []string{"tmp/1.2.other", "tmp/1_2.3.vm,U=4,FMD5=7f8c0283f16925caed8e632086b81b9c", "tmp/.x,U=4" + inboxMD5, "tmp/1_2.3.vm,U=4" + inboxMD5 + ":2,S"}
	for _, name := range append(stay, "tmp/1795393443_0.17914.vm,U=1"+inboxMD5) {
		write(t, s, "INBOX", name, "x")
	}
	scanAll(t, s.Open("INBOX", true), mail.Known{})
	if n := len(files(t, s, "INBOX")); n != 5 {
		t.Fatalf("reading left %d files of 5", n)
	}
	w := f.Begin()
	if err := w.Put(t.Context(), mail.Mail{Ref: mail.Ref{UID: 2}, Size: 1}, strings.NewReader("x")); err != nil {
		t.Fatal(err)
	}
	// A second Work must not take the first one's mails for left over.
	w2 := s.Open("INBOX", false).Begin()
	if err := w2.Remove(t.Context(), []mail.UID{77}); err != nil {
		t.Fatal(err)
	}
	commitAll(t, s, w, w2)
	got := files(t, s, "INBOX")
	if len(got) != len(stay)+1 {
		t.Errorf("left are %q", got)
	}
}

func TestReadOnly(t *testing.T) {
	s := newStore(t, Options{})
	putAll(t, s, newFolder(t, s, "INBOX"), 1, "x")
	before := files(t, s, "INBOX")
	w := s.Open("INBOX", true).Begin()
	_, err1 := w.SetFlags(t.Context(), []mail.FlagChange{{UID: 1, Add: mail.Seen}})
	_, err2 := w.Assign(t.Context(), nil)
	for _, err := range []error{err1, err2, w.Remove(t.Context(), []mail.UID{1}), w.Put(t.Context(), mail.Mail{Ref: mail.Ref{UID: 2}}, strings.NewReader("x"))} {
		if store.ClassOf(err) != store.Refused || store.ScopeOf(err) != store.ScopeFolder {
			t.Errorf("a change through a handle for reading: %v", err)
		}
	}
	commitAll(t, s, w)
	wantFiles(t, s, "INBOX", before...)
}
