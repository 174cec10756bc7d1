package mbnames

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestGolden is the example that every user of mutt has, byte for byte.
func TestGolden(t *testing.T) {
	w := newWriter(t, mutt(t))
	record(t, w, "A", "INBOX", "Lists.foo")
	if got, want := written(t, w), "mailboxes \"+A/INBOX\" \"+A/Lists.foo\"\n"; got != want {
		t.Errorf("the list is %q, want %q", got, want)
	}
	want := `[{"accountname": "A", "foldername": "INBOX", "localfolders": "/mail/A"}, {"accountname": "A", "foldername": "Lists.foo", "localfolders": "/mail/A"}]`
	if got := read(t, filepath.Join(w.o.Dir, "A.json")); got != want {
		t.Errorf("the cache is %s, want %s", got, want)
	}
}

func TestList(t *testing.T) {
	o := mutt(t)
	o.Sep = " \\\n  "
	var asked []string
	o.Filter = func(_ context.Context, account, folder string) (bool, error) {
		asked = append(asked, account+":"+folder)
		return folder != "Trash", nil
	}
	w := newWriter(t, o)
	if got, want := written(t, w), "mailboxes \n"; got != want {
		t.Errorf("without accounts: %q, want %q", got, want)
	}
	record(t, w, "work", "b", "Trash", "a")
	record(t, w, "home", "INBOX")
	put(t, filepath.Join(o.Dir, "other.json"), `[{"localfolders": "/x", "accountname": "else\/where", "foldername": "\u00e4\ud83d\ude00\b\\", "more": [1]}]`)
	if got, want := written(t, w), `mailboxes "+else/where/ä😀`+"\b\\\" \\\n  \"+home/INBOX\" \\\n  \"+work/a\" \\\n  \"+work/b\"\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if want := []string{"work:b", "work:Trash", "work:a", "home:INBOX"}; !slices.Equal(asked, want) {
		t.Errorf("the filter was asked %q, want %q", asked, want)
	}
	if cache := read(t, filepath.Join(o.Dir, "work.json")); strings.Index(cache, `"b"`) > strings.Index(cache, `"a"`) || strings.Contains(cache, "Trash") {
		t.Errorf("the cache is not in the order of the run, or not filtered: %s", cache)
	}
	record(t, w, "work")
	if got, want := read(t, filepath.Join(o.Dir, "work.json")), "[]"; got != want {
		t.Errorf("without folders the cache is %q, want %q", got, want)
	}
}

// TestUnchanged: what would be written as it is, is left alone, and no function of
// the configuration is asked for it.
func TestUnchanged(t *testing.T) {
	o := mutt(t)
	keys := 0
	o.SortKey = func(_ context.Context, it Item) (any, error) { keys++; return it.Folder, nil }
	w := newWriter(t, o)
	record(t, w, "A", "INBOX", "x")
	before := written(t, w)
	past := time.Now().Add(-time.Hour)
	for _, path := range []string{o.File, filepath.Join(o.Dir, "A.json")} {
		if err := os.Chtimes(path, past, past); err != nil {
			t.Fatal(err)
		}
	}
	record(t, w, "A", "INBOX", "x")
	if got := written(t, w); got != before {
		t.Errorf("%q became %q", before, got)
	}
	for _, path := range []string{o.File, filepath.Join(o.Dir, "A.json")} {
		if st, err := os.Stat(path); err != nil || !st.ModTime().Equal(past) {
			t.Errorf("%s was written again: %v, %v", path, st, err)
		}
	}
	if keys != 2 {
		t.Errorf("%d keys were asked for, want 2", keys)
	}
	put(t, o.File, "something else")
	if got := written(t, w); got != before {
		t.Errorf("what another program changed stayed: %q", got)
	}
	record(t, w, "A", "x")
	if got := written(t, w); got == before {
		t.Error("a change was not written")
	}
}

func TestFunctionsThatFail(t *testing.T) {
	broken := errors.New("division by zero")
	o := mutt(t)
	w := newWriter(t, o)
	record(t, w, "A", "INBOX", "x")
	before := written(t, w)

	o.Filter = func(context.Context, string, string) (bool, error) { return false, broken }
	err := newWriter(t, o).Record(context.Background(), "A", "/mail/A", []string{"new"})
	if wantError(t, err, "[mbnames] folderfilter", `"new"`, `"A"`); !errors.Is(err, broken) {
		t.Errorf("%v does not wrap the function's error", err)
	}
	o.Filter, o.SortKey = nil, func(context.Context, Item) (any, error) { return nil, nil }
	w = newWriter(t, o)
	record(t, w, "B", "y")
	wantError(t, w.Write(context.Background()), "[mbnames] sort_keyfunc", "TypeError", o.File)
	if got := read(t, o.File); got != before {
		t.Errorf("after errors the list is %q, was %q", got, before)
	}
}

// TestDamagedCache: a crash of OfflineIMAP leaves half a file, or none of it.
func TestDamagedCache(t *testing.T) {
	good := `[{"accountname": "B", "foldername": "INBOX", "localfolders": "/x"}]`
	for name, text := range map[string]string{
		"empty":       "",
		"half":        good[:40],
		"garbage":     "\x00\xff\x00",
		"object":      `{"accountname": "B"}`,
		"null":        "null",
		"number":      "1",
		"missing":     `[{"accountname": "B"}]`,
		"no text":     `[{"accountname": "B", "foldername": 1, "localfolders": null}]`,
		"strings":     `["INBOX"]`,
		"two":         good + good,
		"deep":        strings.Repeat("[", 100_000),
		"bad escape":  `[{"accountname": "B", "foldername": "\u12", "localfolders": ""}]`,
		"bad escape2": `[{"accountname": "B", "foldername": "\u12` + `", "localfolders": "\`,
	} {
		t.Run(name, func(t *testing.T) {
			o := mutt(t)
			var warnings []string
			o.Warn = func(text string) { warnings = append(warnings, text) }
			w := newWriter(t, o)
			record(t, w, "A", "INBOX")
			path := filepath.Join(o.Dir, "B.json")
			put(t, path, text)
			for range 2 {
				if got, want := written(t, w), "mailboxes \"+A/INBOX\"\n"; got != want {
					t.Errorf("%q, want %q", got, want)
				}
			}
			if len(warnings) != 1 || !strings.Contains(warnings[0], path) || !strings.Contains(warnings[0], `account "B"`) {
				t.Errorf("warnings %q, want one about account B", warnings)
			}
			record(t, w, "B", "INBOX")
			if got, want := written(t, w), "mailboxes \"+A/INBOX\" \"+B/INBOX\"\n"; got != want {
				t.Errorf("after its next sync: %q, want %q", got, want)
			}
			if len(warnings) != 1 {
				t.Errorf("warnings %q", warnings)
			}
		})
	}
}

func TestOddCacheFiles(t *testing.T) {
	o := mutt(t)
	var warnings []string
	o.Warn = func(text string) { warnings = append(warnings, text) }
	w := newWriter(t, o)
	record(t, w, "A", "INBOX")
	good := `[{"accountname": "B", "foldername": "x", "localfolders": "/x"}]`
	for _, name := range []string{"B.json.tmp", "B", "json", "B.json~", "sub/B.json", "D.json/B.json"} {
		put(t, filepath.Join(o.Dir, name), good)
	}
	put(t, filepath.Join(o.Dir, ".hidden.json"), good) // OfflineIMAP reads it too
	if err := syscall.Mkfifo(filepath.Join(o.Dir, "pipe.json"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", filepath.Join(o.Dir, "gone.json")); err != nil {
		t.Fatal(err)
	}
	if got, want := written(t, w), "mailboxes \"+A/INBOX\" \"+B/x\"\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if len(warnings) != 1 || !strings.Contains(warnings[0], "pipe.json") {
		t.Errorf("warnings: %q", warnings)
	}
}

func TestNamesOfAccounts(t *testing.T) {
	for _, c := range []struct{ account, file string }{
		{"a/b", "a.b.json"},
		{"../../x", "......x.json"},
		{"/etc/passwd", ".etc.passwd.json"},
		{"Gäste 1", "Gäste 1.json"},
		{"x.json", "x.json.json"},
		{"%s*[", "%s*[.json"},
		{"", ""}, {".", ""}, {"..", ""}, {"a\x00b", ""}, {strings.Repeat("x", 300), ""},
	} {
		o := mutt(t)
		w := newWriter(t, o)
		err := w.Record(context.Background(), c.account, "/mail", []string{"INBOX"})
		if c.file == "" {
			wantError(t, err, "keep the names of mailboxes")
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", c.account, err)
			continue
		}
		if got, want := read(t, filepath.Join(o.Dir, c.file)), string(encode([]Item{{c.account, "INBOX", "/mail"}})); got != want {
			t.Errorf("%q: %q, want %q", c.account, got, want)
		}
		if got, want := written(t, w), fmt.Sprintf("mailboxes \"+%s/INBOX\"\n", c.account); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestPrune(t *testing.T) {
	ctx := context.Background()
	o := mutt(t)
	w := newWriter(t, o)
	if removed, err := Prune(ctx, o.Dir, nil, false); err != nil || removed != nil {
		t.Errorf("without a directory: %q, %v", removed, err)
	}
	for _, account := range []string{"work", "work-old", "a/b", "or", ".x"} {
		record(t, w, account, "INBOX")
	}
	put(t, filepath.Join(o.Dir, "notes.txt"), "mine")
	files := func() string {
		entries, err := os.ReadDir(o.Dir)
		if err != nil {
			t.Fatal(err)
		}
		s := ""
		for _, e := range entries {
			s += e.Name() + " "
		}
		return s
	}
	all := files()
	keep, want := []string{"work", "a/b"}, []string{".x", "or", "work-old"}
	if removed, err := Prune(ctx, o.Dir, keep, true); err != nil || !slices.Equal(removed, want) {
		t.Errorf("dry run: %q, %v; want %q", removed, err, want)
	}
	if got := files(); got != all {
		t.Errorf("the dry run left %s of %s", got, all)
	}
	if removed, err := Prune(ctx, o.Dir, keep, false); err != nil || !slices.Equal(removed, want) {
		t.Errorf("%q, %v; want %q", removed, err, want)
	}
	if got, want := files(), "a.b.json notes.txt offlineimapd.lock work.json "; got != want {
		t.Errorf("left: %s, want %s", got, want)
	}
	if got, want := written(t, w), "mailboxes \"+a/b/INBOX\" \"+work/INBOX\"\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if removed, err := Prune(ctx, o.Dir, []string{""}, false); err == nil {
		t.Errorf("a name that makes no sense to keep removed %q", removed)
	}
}

// TestBytes: names that are no UTF-8 come back as they were, and are kept as
// Python keeps them.
func TestBytes(t *testing.T) {
	items := []Item{{"A", "Latin \xe4 1", "/\xff"}, {"A", "\xed\xa0\x80", ""}, {"A", "ä日😀\x00\x1f\x7f\u2028", "\"\\/\b\f\n\r\t"}}
	data := encode(items)
	if got, err := decode(data); err != nil || !slices.Equal(got, items) {
		t.Errorf("%q, %v; want %q", got, err, items)
	}
	var given [][][]byte
	for _, it := range items {
		given = append(given, [][]byte{[]byte(it.Account), []byte(it.Folder), []byte(it.LocalFolders)})
	}
	var want string
	python(t, `
import base64
text = lambda s: base64.b64decode(s).decode("utf-8", "surrogateescape")
answer = json.dumps([dict(zip(["accountname", "foldername", "localfolders"], map(text, names))) for names in given])`, given, &want)
	if !bytes.Equal(data, []byte(want)) {
		t.Errorf("%s, Python\n%s", data, want)
	}
	w := newWriter(t, mutt(t))
	record(t, w, "A", "Latin \xe4 1")
	if got, want := written(t, w), "mailboxes \"+A/Latin \xe4 1\"\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(encode([]Item{{"A", "ä\xff", "/"}}))
	f.Add([]byte(`[{"accountname": "\ud800\u0041\udc80\ud83d", "foldername": "\/", "localfolders": "\ud83d\ude00"}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		items, err := decode(data)
		if err != nil {
			return
		}
		again, err := decode(encode(items))
		if err != nil || !slices.Equal(again, items) {
			t.Errorf("%q became %q, %v", items, again, err)
		}
	})
}

func TestCancelled(t *testing.T) {
	w := newWriter(t, mutt(t))
	record(t, w, "A", "INBOX")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := w.Write(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Write: %v", err)
	}
	if err := w.Record(ctx, "A", "/mail/A", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Record: %v", err)
	}
	if got := read(t, filepath.Join(w.o.Dir, "A.json")); !strings.Contains(got, "INBOX") {
		t.Errorf("a cancelled run was kept: %s", got)
	}
}
