package maildir

import (
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// index is what a program knows that looks at the files that it is told of only.
type index struct {
	root  string
	files map[string]bool
	told  []string
	wrong []string
}

func (x *index) changed(from, to string) {
	short := func(path string) string { return strings.TrimPrefix(path, x.root+"/") }
	x.told = append(x.told, short(from)+" > "+short(to))
	if from != "" && !x.files[from] || to != "" && x.files[to] {
		x.wrong = append(x.wrong, fmt.Sprintf("%q became %q", from, to))
	}
	delete(x.files, from)
	if to != "" {
		x.files[to] = true
	}
}

// see has the index look at all files.
func (x *index) see(t *testing.T) map[string]bool {
	t.Helper()
	there := map[string]bool{}
	err := filepath.WalkDir(x.root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && d.Name() != marker {
			there[path] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return there
}

func indexed(t *testing.T, o Options) (*Store, *index) {
	x := &index{files: map[string]bool{}}
	o.Changed = func(from, to string) { x.changed(from, to) }
	s := newStore(t, o)
	x.root = s.Root()
	return s, x
}

func TestChanged(t *testing.T) {
	s, x := indexed(t, golden(Options{Durable: true}))
	f := newFolder(t, s, "a b")
	write(t, s, "a b", "new/mine", "x\n")
	x.files = x.see(t)
	w := f.Begin()
	if err := w.Put(t.Context(), mail.Mail{Ref: mail.Ref{UID: 1}, Flags: mail.Seen, Size: 1}, strings.NewReader("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Assign(t.Context(), []store.Assignment{{Key: "mine", UID: 2}}); err != nil {
		t.Fatal(err)
	}
	if len(x.told) > 0 {
		t.Errorf("told before anything is durable: %q", x.told)
	}
	commitAll(t, s, w)
	w = f.Begin()
	// UID 1 has its flags already, and 3 is not there: nothing to tell.
	if _, err := w.SetFlags(t.Context(), []mail.FlagChange{{UID: 1, Add: mail.Seen}, {UID: 2, Add: mail.Seen}, {UID: 3, Add: mail.Seen}}); err != nil {
		t.Fatal(err)
	}
	if err := w.Remove(t.Context(), []mail.UID{1, 3}); err != nil {
		t.Fatal(err)
	}
	commitAll(t, s, w)
	md5 := strings.TrimPrefix(string(f.scheme.fmd5), ",FMD5=")
	name := func(n int, uid int) string {
		return fmt.Sprintf("1795393443_%d.17914.vm,U=%d,FMD5=%s", n, uid, md5)
	}
	want := []string{
		"a b/new/mine > a b/new/" + name(1, 2) + ":2,",
		" > a b/cur/" + name(0, 1) + ":2,S",
		"a b/new/" + name(1, 2) + ":2, > a b/cur/" + name(1, 2) + ":2,S",
		"a b/cur/" + name(0, 1) + ":2,S > ",
	}
	if !slices.Equal(x.told, want) {
		t.Errorf("told\n%s\nwant\n%s", strings.Join(x.told, "\n"), strings.Join(want, "\n"))
	}
}

// A Work that is discarded, or cut off, has changed the names of files all the
// same, and has brought no mail.
func TestChangedDiscarded(t *testing.T) {
	for _, how := range []string{"discarded", "cut off"} {
		s, x := indexed(t, Options{Durable: true})
		f := newFolder(t, s, "INBOX")
		write(t, s, "INBOX", "new/a,U=1"+inboxMD5+":2,", "x\n")
		x.files = x.see(t)
		w := f.Begin()
		if err := w.Put(t.Context(), mail.Mail{Ref: mail.Ref{UID: 2}, Size: 1}, strings.NewReader("x")); err != nil {
			t.Fatal(err)
		}
		if _, err := w.SetFlags(t.Context(), []mail.FlagChange{{UID: 1, Add: mail.Seen}}); err != nil {
			t.Fatal(err)
		}
		if how == "discarded" {
			w.Discard()
		} else {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if err := s.Commit(ctx, w); err == nil {
				t.Error("no error of a context that has ended")
			}
		}
		w.Discard() // once is enough
		if want := []string{"INBOX/new/a,U=1" + inboxMD5 + ":2, > INBOX/cur/a,U=1" + inboxMD5 + ":2,S"}; !slices.Equal(x.told, want) {
			t.Errorf("%s: told %q, want %q", how, x.told, want)
		}
	}
}

// Whatever is done, who looks only at what it is told of knows all files.
func TestChangedIsComplete(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		s, x := indexed(t, Options{Separator: '/'})
		fs := []*folder{newFolder(t, s, "INBOX"), newFolder(t, s, "x/y")}
		next := mail.UID(1)
		for step := range 30 {
			f := fs[r.IntN(2)]
			key := fmt.Sprintf("%d.local", step)
			path := filepath.Join(s.path(f.name), "cur", key+":2,S")
			if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
			x.files[path] = true // as its own writer knows
			w := f.Begin()
			for range 5 {
				var err error
				some := mail.UID(r.IntN(int(next)) + 1)
				switch r.IntN(5) {
				case 0, 1:
					m := mail.Mail{Ref: mail.Ref{UID: next}, Flags: mail.Flags(r.IntN(4)), Size: 1}
					next++
					err = w.Put(t.Context(), m, strings.NewReader("x"))
				case 2:
					_, err = w.SetFlags(t.Context(), []mail.FlagChange{{UID: some, Add: mail.Seen, Clear: mail.Flagged}})
				case 3:
					_, err = w.Assign(t.Context(), []store.Assignment{{Key: key, UID: next}})
					next++
				case 4:
					err = w.Remove(t.Context(), []mail.UID{some})
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if r.IntN(4) == 0 {
				w.Discard()
			} else {
				commitAll(t, s, w)
			}
		}
		there := x.see(t)
		if len(x.wrong) > 0 || len(there) != len(x.files) || len(there) < 10 {
			t.Fatalf("seed %d: %d files, %d known, wrong: %q", seed, len(there), len(x.files), x.wrong)
		}
		for path := range there {
			if !x.files[path] {
				t.Errorf("seed %d: nobody told of %s", seed, path)
			}
		}
	}
}
