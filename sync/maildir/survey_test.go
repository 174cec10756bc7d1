package maildir

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
)

func mkdirs(t *testing.T, root string, folders ...string) {
	t.Helper()
	for _, f := range folders {
		for _, sub := range subs {
			if err := os.MkdirAll(filepath.Join(root, f, sub), 0o700); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func surveyed(t *testing.T, s *Store) (names []string) {
	t.Helper()
	ms, err := s.Survey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range ms {
		name := m.Name
		if !m.Selectable {
			name += " (closed)"
		}
		names = append(names, name)
	}
	return names
}

func TestSurvey(t *testing.T) {
	tree := func(t *testing.T, sep byte) *Store {
		s := newStore(t, Options{Separator: sep})
		mkdirs(t, s.root, "", "INBOX", ".Sent", "Gäste", "a/b/c", "INBOX/cur", "deep/down")
		elsewhere := t.TempDir()
		mkdirs(t, elsewhere, "", "inside")
		for link, to := range map[string]string{"linked": elsewhere, "a/up": s.root, "self": "self", "dangling": "/nowhere/at/all"} {
			if err := os.Symlink(to, filepath.Join(s.root, link)); err != nil {
				t.Fatal(err)
			}
		}
		for _, half := range []string{"half/cur", "half/new", "plain", "lost+found", "writing/tmp"} {
			if err := os.MkdirAll(filepath.Join(s.root, half), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(s.root, "notes"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		return s
	}
	want := []string{"", ".Sent", "Gäste", "INBOX", "half", "linked"}
	if got := surveyed(t, tree(t, '.')); !slices.Equal(got, want) {
		t.Errorf("flat: %q, want %q", got, want)
	}
	want = append(want, "a/b/c", "deep/down", "linked/inside")
	slices.Sort(want)
	if got := surveyed(t, tree(t, '/')); !slices.Equal(got, want) {
		t.Errorf("nested: %q, want %q", got, want)
	}
}

// A backup and version control drop empty directories. A folder that came back
// without them is the same folder: taken for moved away, it would be stored twice.
func TestSurveyHalf(t *testing.T) {
	later := func() time.Time { return time.Now().Add(time.Hour) } // everything has rested
	for _, c := range []struct {
		lost   []string
		listed bool
		sure   bool
	}{
		{[]string{"tmp"}, true, true}, {[]string{"cur"}, true, false}, {[]string{"new"}, true, false},
		{[]string{"cur", "tmp"}, true, false}, {[]string{"new", "tmp"}, true, false},
		{[]string{"cur", "new"}, false, false},
	} {
		for _, name := range []string{"", "INBOX"} {
			s := newStore(t, Options{Now: later})
			mkdirs(t, s.root, name)
			for _, sub := range c.lost {
				if err := os.Remove(filepath.Join(s.path(name), sub)); err != nil {
					t.Fatal(err)
				}
			}
			ms, err := s.Survey(t.Context())
			if err != nil || len(ms) > 1 || (len(ms) == 1) != c.listed {
				t.Fatalf("%q without %q: %+v, %v", name, c.lost, ms, err)
			}
			if c.listed && (ms[0].Name != name || !ms[0].Selectable || ms[0].Stamp.Sure != c.sure) {
				t.Errorf("%q without %q: %+v", name, c.lost, ms[0])
			}
		}
	}
}

// A link that leads nowhere may stand for a disk that is not mounted. It is
// neither an empty directory nor none.
func TestDanglingDirectory(t *testing.T) {
	for _, links := range [][]string{{"cur"}, {"new"}, {"cur", "new"}} {
		s := newStore(t, Options{})
		mkdirs(t, s.root, "INBOX")
		for _, sub := range links {
			path := filepath.Join(s.root, "INBOX", sub)
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink("/nowhere/at/all", path); err != nil {
				t.Fatal(err)
			}
		}
		if ms, err := s.Survey(t.Context()); err != nil || len(ms) != 1 || ms[0].Stamp.Sure {
			t.Errorf("%q leading nowhere: %+v, %v", links, ms, err)
		}
		for _, readOnly := range []bool{false, true} {
			if snap, err := s.Open("INBOX", readOnly).Scan(t.Context(), mail.Known{}); err == nil || store.ScopeOf(err) != store.ScopeFolder {
				t.Errorf("%q leading nowhere was scanned: %+v, %v", links, snap, err)
			}
		}
	}
}

func TestSurveyDisplay(t *testing.T) {
	for name, want := range map[string]string{"": "(root)", "Gäste": "Gäste", "a\nb": `"a\nb"`, "\xff": `"\xff"`} {
		if got := display(name); got != want {
			t.Errorf("%q is shown as %s, want %s", name, got, want)
		}
	}
}

// A disk that is not mounted must not look like a tree without mails.
func TestNoRoot(t *testing.T) {
	s := New(filepath.Join(t.TempDir(), "not", "there"), Options{})
	for what, err := range map[string]error{
		"survey": second(s.Survey(t.Context())),
		"create": s.Create(t.Context(), "INBOX"),
	} {
		if !errors.Is(err, ErrNoRoot) || store.ClassOf(err) != store.Local || store.ScopeOf(err) != store.ScopeStore {
			t.Errorf("%s: %v (%v)", what, err, store.ClassOf(err))
		}
	}
	if _, err := os.Stat(s.root); !os.IsNotExist(err) {
		t.Errorf("the root was made: %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(file, Options{}).Survey(t.Context()); store.ClassOf(err) != store.Config {
		t.Errorf("a root that is a file: %v", err)
	}
}

func TestIdentity(t *testing.T) {
	s := New(filepath.Join(t.TempDir(), "a", "Mail"), Options{})
	want := func(id string, exists bool) {
		t.Helper()
		gotID, gotExists, err := s.Identity()
		if gotID != id || gotExists != exists || err != nil {
			t.Errorf("the identity is %q, %v, %v; want %q, %v", gotID, gotExists, err, id, exists)
		}
	}
	want("", false)
	for _, id := range []string{"", "two words", "line\n", " x"} {
		if s.SetIdentity(id) == nil {
			t.Errorf("%q was taken for an identity", id)
		}
	}
	want("", false)
	for _, id := range []string{"0123abcd", "another"} {
		if err := s.SetIdentity(id); err != nil {
			t.Fatal(err)
		}
		want(id, true)
	}
	es, _ := os.ReadDir(s.root)
	if len(es) != 1 || es[0].Name() != ".offlineimapd" {
		t.Errorf("the root holds %v", es)
	}
	text, _ := os.ReadFile(filepath.Join(s.root, es[0].Name()))
	if lines := strings.Split(strings.TrimSpace(string(text)), "\n"); len(lines) != 2 || !strings.Contains(lines[0], "Leave this file here") {
		t.Errorf("the marker says %q", text)
	}
	if st, _ := os.Stat(s.root); st.Mode().Perm() != 0o700 {
		t.Errorf("the root has the mode %v", st.Mode())
	}
	if err := os.WriteFile(filepath.Join(s.root, ".offlineimapd"), []byte("garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	want("", true)
	if got := surveyed(t, s); len(got) != 0 {
		t.Errorf("the marker is listed: %q", got)
	}
}

func TestCreate(t *testing.T) {
	s := newStore(t, Options{Separator: '/'})
	for range 2 {
		if err := s.Create(t.Context(), "a/b"); err != nil {
			t.Fatal(err)
		}
	}
	if got := surveyed(t, s); !slices.Equal(got, []string{"a/b"}) {
		t.Errorf("after creating a/b: %q", got)
	}
	for _, dir := range []string{"a", "a/b", "a/b/cur", "a/b/new", "a/b/tmp"} {
		if st, err := os.Stat(filepath.Join(s.root, dir)); err != nil || st.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v, %v", dir, st, err)
		}
	}
	if err := os.WriteFile(filepath.Join(s.root, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Create(t.Context(), "file"); store.ClassOf(err) != store.Local || store.ScopeOf(err) != store.ScopeFolder {
		t.Errorf("a folder where a file is: %v", err)
	}
}
