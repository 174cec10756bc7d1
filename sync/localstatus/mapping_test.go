package localstatus

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/offlineimap/offlineimapd/sync/engine"
	"github.com/offlineimap/offlineimapd/sync/mail"
)

func TestWriteMapping(t *testing.T) {
	const mapping, here, there = "Repository-here/UIDMapping/Lists.go", "Repository-here/FolderValidity/Lists.go", "Repository-there/FolderValidity/Lists.go"
	pair := engine.FolderPair{Remote: "Lists/go", Local: "Lists.go"}
	both := map[string]string{here: "77\n", there: "88\n"}
	written := map[string]string{here: "77\n", there: "88\n", mapping: "2:9\n10:3\n"}
	with := func(m map[string]string, more ...string) map[string]string {
		m = maps.Clone(m)
		for i := 0; i < len(more); i += 2 {
			m[more[i]] = more[i+1]
		}
		return m
	}
	for _, c := range []struct {
		what      string
		was, want map[string]string // files
		others    []engine.FolderPair
		dry, same bool
		err       string
	}{
		{what: "OfflineIMAP never was there", want: written},
		{what: "it has no mapping", was: both, want: written},
		{what: "it has another", was: with(both, mapping, "2:9\n"), want: with(written, mapping+before, "2:9\n")},
		{what: "it has nonsense", was: with(both, mapping, "x"), want: with(written, mapping+before, "x")},
		{what: "the first copy is kept", was: with(both, mapping, "2:9\n", mapping+before, "1:1\n"), want: with(written, mapping+before, "1:1\n")},
		{what: "it has this one", was: written, want: written, same: true},
		{what: "work was cut off", was: with(both, mapping+".tmp", "2:"), want: written},
		{what: "dry", was: with(both, mapping, "2:9\n"), want: with(both, mapping, "2:9\n"), dry: true},
		{what: "dry, and it never was there", dry: true},
		{what: "another local mailbox", was: with(both, here, "7\n", mapping, "2:9\n"), want: with(both, here, "7\n", mapping, "2:9\n"), err: "UIDVALIDITY 7, and it has 77"},
		{what: "another remote mailbox", was: with(both, there, "8\n"), want: with(both, there, "8\n"), err: "UIDVALIDITY 8, and it has 88"},
		{what: "no number", was: with(both, there, "\n"), want: with(both, there, "\n"), err: "holds no UIDVALIDITY"},
		{what: "other folders", others: []engine.FolderPair{{Remote: "Lists", Local: "Lists"}, {Remote: "Lists/g", Local: "Lists.g"}}, want: written},
		{what: "two local folders", others: []engine.FolderPair{{Remote: "x", Local: "Lists/go"}}, err: "two local folders"},
		{what: "a folder called as the file that is written first", others: []engine.FolderPair{{Remote: "x", Local: "Lists.go.tmp"}}, err: "two local folders"},
		{what: "two mailboxes", others: []engine.FolderPair{{Remote: "Lists.go", Local: "x"}}, err: "two mailboxes"},
	} {
		t.Run(c.what, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range c.was {
				if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o640); err != nil {
					t.Fatal(err)
				}
			}
			r := New(Options{Metadata: dir, Account: "work", LocalRepository: "here", RemoteRepository: "there", Server: true})
			m := Mapping{FolderPair: pair, LocalValidity: 77, RemoteValidity: 88, Pairs: map[mail.UID]mail.UID{10: 3, 2: 9}}
			changed, err := r.WriteMapping(context.Background(), m, append(c.others, pair), c.dry)
			if (err != nil) != (c.err != "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Fatalf("the error %v, want %q", err, c.err)
			}
			if want := c.err == "" && !c.same; changed != want {
				t.Errorf("changed %v, want %v", changed, want)
			}
			got := map[string]string{}
			_ = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error { // an error is a file that is missing
				if err != nil || d.IsDir() {
					return err
				}
				name, _ := filepath.Rel(dir, path)
				text, err := os.ReadFile(path)
				got[name] = string(text)
				return err
			})
			if !maps.Equal(got, c.want) {
				t.Errorf("there is %q, want %q", got, c.want)
			}
			mode := os.FileMode(0o600)
			if _, ok := c.was[mapping]; ok {
				mode = 0o640
			}
			if info, err := os.Stat(filepath.Join(dir, mapping)); err == nil && info.Mode().Perm() != mode {
				t.Errorf("the mode is %v, want %v", info.Mode(), mode)
			}
			if err != nil || c.dry {
				return
			}
			if pairs, err := r.Pairs(context.Background(), pair.Local, 77); err != nil || !maps.Equal(pairs, m.Pairs) {
				t.Errorf("read again: %v, %v", pairs, err)
			}
		})
	}
}
