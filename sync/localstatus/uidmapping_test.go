package localstatus

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/offlineimap/offlineimapd/sync/mail"
)

func TestPairs(t *testing.T) {
	for _, c := range []struct {
		what, text, validity string
		want                 map[mail.UID]mail.UID
		err                  string
	}{
		{what: "as OfflineIMAP writes it", text: "1:2\n2:3\n8:9\n", validity: "77\n", want: map[mail.UID]mail.UID{1: 2, 2: 3, 8: 9}},
		{what: "empty", text: "", validity: "77\n", want: map[mail.UID]mail.UID{}},
		{what: "no line end", text: "1:2", validity: "77", want: map[mail.UID]mail.UID{1: 2}},
		{what: "twice the same", text: "1:2\n1:2\n", validity: "77\n", want: map[mail.UID]mail.UID{1: 2}},
		{what: "another mailbox", text: "1:2\n", validity: "78\n", err: "UIDVALIDITY 78"},
		{what: "no validity", text: "1:2\n", err: "is not known"},
		{what: "one local mail with two partners", text: "1:2\n1:3\n", validity: "77\n", err: "line 2 contradicts"},
		{what: "one remote mail with two partners", text: "1:2\n3:2\n", validity: "77\n", err: "line 2 contradicts"},
		{what: "negative", text: "-1:2\n", validity: "77\n", err: "line 1 is no pair"},
		{what: "zero", text: "1:0\n", validity: "77\n", err: "line 1 is no pair"},
		{what: "cut off", text: "1:2\n34", validity: "77\n", err: "line 2 is no pair"},
		{what: "too large", text: "4294967296:1\n", validity: "77\n", err: "line 1 is no pair"},
		{what: "binary", text: "\x00\xff", validity: "77\n", err: "line 1 is no pair"},
	} {
		t.Run(c.what, func(t *testing.T) {
			dir := t.TempDir()
			for kind, text := range map[string]string{"UIDMapping": c.text, "FolderValidity": c.validity} {
				d := filepath.Join(dir, "Repository-here", kind)
				if err := os.MkdirAll(d, 0o700); err != nil {
					t.Fatal(err)
				}
				if kind == "FolderValidity" && text == "" {
					continue
				}
				if err := os.WriteFile(filepath.Join(d, "Lists.go"), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			r := New(Options{Metadata: dir, LocalRepository: "here", Server: true})
			got, err := r.Pairs(context.Background(), "Lists/go", 77)
			if (err != nil) != (c.err != "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Fatalf("the error %v, want %q", err, c.err)
			}
			if !maps.Equal(got, c.want) {
				t.Errorf("%v, want %v", got, c.want)
			}
			if got, err := r.Pairs(context.Background(), "Other", 77); got != nil || err != nil {
				t.Errorf("a folder without a record: %v, %v", got, err)
			}
		})
	}
}
