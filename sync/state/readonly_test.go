package state

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/offlineimap/offlineimapd/sync/mail"
)

// tree describes everything below dir, times included.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var sb strings.Builder
	err := filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		if err == nil {
			fmt.Fprintln(&sb, p, look(p))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sb.String()
}

func TestReadOnly(t *testing.T) {
	whole, sampled := sample(t)
	none := content{Rows: map[int64][]mail.Entry{}, Intents: map[int64][]Intent{}, Meta: map[string]string{}, Apart: map[int64]Apart{}}
	for name, arrange := range map[string]func(t *testing.T, path string) content{
		"missing": func(t *testing.T, path string) content { return none },
		"closed": func(t *testing.T, path string) content {
			if err := os.WriteFile(path, whole, 0o644); err != nil {
				t.Fatal(err)
			}
			return sampled
		},
		"crashed": func(t *testing.T, path string) content { return crash(t, filepath.Join(t.TempDir(), "z"), path) },
		"damaged": func(t *testing.T, path string) content {
			if err := os.WriteFile(path, whole[:5000], 0o600); err != nil {
				t.Fatal(err)
			}
			return none
		},
	} {
		t.Run(name, func(t *testing.T) {
			tmp := t.TempDir()
			t.Setenv("TMPDIR", tmp)
			dir := t.TempDir()
			path := filepath.Join(dir, "x.db")
			want := arrange(t, path)
			before := tree(t, dir)
			d := mustOpen(t, path, Options{ReadOnly: true})
			if (d.Recovered() != "") != (name == "damaged") || strings.Contains(d.Recovered(), tmp) {
				t.Errorf("recovered: %q", d.Recovered())
			}
			same(t, want, read(t, d))
			commit(t, d, SetMeta{"a", "2"})
			if v, _, err := d.Meta(context.Background(), "a"); v != "2" || err != nil {
				t.Errorf("a commit to the copy: %q, %v", v, err)
			}
			mustClose(t, d)
			if after := tree(t, dir); after != before {
				t.Errorf("changed:\n%safter\n%s", before, after)
			}
			if left, _ := os.ReadDir(tmp); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}
