package mbnames

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestMode(t *testing.T) {
	o := mutt(t)
	w := newWriter(t, o)
	mode := func(path string) os.FileMode {
		st, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return st.Mode().Perm()
	}
	record(t, w, "A", "a")
	written(t, w)
	for _, path := range []string{o.File, filepath.Join(o.Dir, "A.json")} {
		if got := mode(path); got != 0o600 {
			t.Errorf("%s is new and has mode %o, want 600", path, got)
		}
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	record(t, w, "A", "b")
	written(t, w)
	for _, path := range []string{o.File, filepath.Join(o.Dir, "A.json")} {
		if got := mode(path); got != 0o644 {
			t.Errorf("%s had mode 644 and has %o", path, got)
		}
	}
	if got := mode(o.Dir); got != 0o700 {
		t.Errorf("%s has mode %o, want 700", o.Dir, got)
	}
}

// TestSymbolicLink: what manages people's configuration files puts links there.
func TestSymbolicLink(t *testing.T) {
	for _, c := range []struct{ name, to string }{
		{"absolute", ""},
		{"relative", "dotfiles/mailboxes"},
		{"through a link to a directory", "elsewhere/../mailboxes"},
		{"to a link", "second"},
	} {
		for _, there := range []bool{true, false} {
			o := mutt(t)
			base := filepath.Dir(o.File)
			target := filepath.Join(base, "dotfiles", "mailboxes")
			for _, err := range []error{
				os.MkdirAll(filepath.Join(base, "dotfiles", "deep"), 0o700),
				os.Symlink("dotfiles/deep", filepath.Join(base, "elsewhere")),
				os.Symlink("dotfiles/mailboxes", filepath.Join(base, "second")),
			} {
				if err != nil {
					t.Fatal(err)
				}
			}
			to := c.to
			if to == "" {
				to = target
			}
			if err := os.Symlink(to, o.File); err != nil {
				t.Fatal(err)
			}
			if there {
				put(t, target, "old")
			}
			w := newWriter(t, o)
			record(t, w, "A", "INBOX")
			got := written(t, w)
			if want := "mailboxes \"+A/INBOX\"\n"; got != want || read(t, target) != want {
				t.Errorf("%s: %q, want %q", c.name, got, want)
			}
			if is, err := os.Readlink(o.File); err != nil || is != to {
				t.Errorf("%s: the link is %q, %v; was %q", c.name, is, err, to)
			}
		}
	}
}

func TestCannotWrite(t *testing.T) {
	link := func(to string) func(path string) error {
		return func(path string) error { return os.Symlink(to, path) }
	}
	for _, c := range []struct {
		name, file string
		make       func(path string) error
		say        []string
	}{
		{"no directory", "missing/mb", nil, []string{"does not exist: make it", "missing", "filename in [mbnames]"}},
		{"directory is a file", "f/mb", func(path string) error { return os.WriteFile(filepath.Dir(path), nil, 0o600) }, []string{"not a directory"}},
		{"directory", "mb", func(path string) error { return os.Mkdir(path, 0o700) }, []string{"not a regular file"}},
		{"pipe", "mb", func(path string) error { return syscall.Mkfifo(path, 0o600) }, []string{"not a regular file"}},
		{"device", "mb", link("/dev/null"), []string{`"/dev/null"`, "not a regular file"}},
		{"link to nowhere", "mb", link("missing/mb"), []string{"does not exist: make it"}},
		{"link to itself", "mb", link("mb"), []string{"symbolic links"}},
	} {
		o := mutt(t)
		o.File = filepath.Join(filepath.Dir(o.File), c.file)
		if c.make != nil {
			if err := c.make(o.File); err != nil {
				t.Fatal(err)
			}
		}
		w := newWriter(t, o)
		record(t, w, "A", "INBOX")
		wantError(t, w.Write(context.Background()), append(c.say, o.File)...)
	}
	if st, err := os.Stat("/dev/null"); err != nil || st.Mode().IsRegular() {
		t.Fatalf("/dev/null was replaced: %v", err)
	}
	_, err := New(Options{Dir: "x"})
	wantError(t, err, "[mbnames] filename")
}

// TestRelative: paths may be relative to the working directory.
func TestRelative(t *testing.T) {
	t.Chdir(t.TempDir())
	o := mutt(t)
	o.File, o.Dir = "mb", "state"
	w := newWriter(t, o)
	record(t, w, "A", "INBOX")
	if got := written(t, w); !strings.Contains(got, "INBOX") {
		t.Errorf("%q", got)
	}
}

func TestLeftovers(t *testing.T) {
	o := mutt(t)
	w := newWriter(t, o)
	dir := filepath.Dir(o.File)
	old, young, other := filepath.Join(dir, draft+"1"), filepath.Join(dir, draft+"2"), filepath.Join(dir, ".other")
	for _, path := range []string{old, young, other} {
		put(t, path, "half")
	}
	past := time.Now().Add(-2 * time.Hour)
	for _, path := range []string{old, other} {
		if err := os.Chtimes(path, past, past); err != nil {
			t.Fatal(err)
		}
	}
	record(t, w, "A", "INBOX")
	written(t, w)
	for path, want := range map[string]bool{old: false, young: true, other: true} {
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s: %v, want it there: %v", path, err, want)
		}
	}
}
