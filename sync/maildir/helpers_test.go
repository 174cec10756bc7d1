package maildir

import (
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
)

func newFolder(t testing.TB, s *Store, name string) *folder {
	t.Helper()
	if err := s.Create(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	return s.Open(name, false).(*folder)
}

// putAll stores mails with ascending UIDs.
func putAll(t testing.TB, s *Store, f store.Folder, first mail.UID, bodies ...string) {
	t.Helper()
	w := f.Begin()
	defer w.Discard()
	for i, b := range bodies {
		m := mail.Mail{Ref: mail.Ref{UID: first + mail.UID(i)}, Size: int64(len(b))}
		if err := w.Put(t.Context(), m, strings.NewReader(b)); err != nil {
			t.Fatal(err)
		}
	}
	commitAll(t, s, w)
}

func commitAll(t testing.TB, s *Store, ws ...store.Work) {
	t.Helper()
	err := s.Commit(t.Context(), ws...)
	for _, w := range ws {
		err = errors.Join(err, w.Err())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// fetchAll returns bodies by key, or by the UID as a rune where there is none.
func fetchAll(t testing.TB, f store.Folder, refs ...mail.Ref) map[string]string {
	t.Helper()
	got := map[string]string{}
	err := f.Fetch(t.Context(), refs, func(m mail.Mail, r io.Reader) error {
		b, err := io.ReadAll(r)
		if int64(len(b)) != m.Size {
			t.Errorf("%v: %d octets announced, %d came", m.Ref, m.Size, len(b))
		}
		key := m.Ref.Key
		if m.Ref.UID != 0 {
			key = string(rune(m.Ref.UID))
		}
		got[key] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func scanAll(t testing.TB, f store.Folder, known mail.Known) *mail.Snapshot {
	t.Helper()
	snap, err := f.Scan(t.Context(), known)
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

// write makes a file as another program would, in a directory of the folder.
func write(t testing.TB, s *Store, folder, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.path(folder), name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// files lists a folder as "new/name", "cur/name", "tmp/name".
func files(t testing.TB, s *Store, folder string) []string {
	t.Helper()
	var all []string
	for _, sub := range subs {
		es, err := os.ReadDir(filepath.Join(s.path(folder), sub))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range es {
			all = append(all, sub+"/"+e.Name())
		}
	}
	return all
}

func wantFiles(t testing.TB, s *Store, folder string, want ...string) {
	t.Helper()
	got := files(t, s, folder)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%q holds\n%s\nwant\n%s", folder, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func entryMap(snap *mail.Snapshot) map[mail.UID]string {
	m := map[mail.UID]string{}
	for _, e := range snap.Entries {
		m[e.UID] = e.Flags.String()
	}
	return m
}

func wantScan(t testing.TB, snap *mail.Snapshot, entries map[mail.UID]string, fresh ...string) {
	t.Helper()
	var keys []string
	for _, f := range snap.Fresh {
		keys = append(keys, f.Key+":"+f.Flags.String())
	}
	if !maps.Equal(entryMap(snap), entries) || !slices.Equal(keys, fresh) {
		t.Errorf("the scan has %v and fresh %q, want %v and %q", entryMap(snap), keys, entries, fresh)
	}
}
