package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/internal/testenv"
)

// TestMain lets the test program take the part of the benchmark's processes.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case launchVerb:
			os.Exit(launch(os.Args[2:]))
		case rawLoopVerb:
			os.Exit(rawLoopMain(os.Args[2:]))
		}
	}
	os.Exit(m.Run())
}

func TestParse(t *testing.T) {
	o, err := parse([]string{"-rtt", "0,2.5", "-steps", "upload,first", "-programs", "mbsync"})
	if err != nil || !slices.Equal(o.rtts, []time.Duration{0, 2500 * time.Microsecond}) ||
		!slices.Equal(o.steps, []string{stepFirst, stepUpload}) || !slices.Equal(o.programs, []string{mbsync}) {
		t.Errorf("%+v, %v", o, err)
	}
	for _, bad := range [][]string{{"-rtt", "x"}, {"-rtt", "-1"}, {"-steps", "nothing"}, {"-programs", ""}, {"-rounds", "0"}, {"more"}} {
		if _, err := parse(bad); err == nil {
			t.Errorf("%q is no error", bad)
		}
	}
}

func TestMailsAreTheSameEachTimeAndOfARealSize(t *testing.T) {
	a, b, other := newGenerator(1), newGenerator(1), newGenerator(2)
	sum, ids := 0, map[string]bool{}
	const n = 3000
	for range n {
		x, y, z := a.next(), b.next(), other.next()
		if !reflect.DeepEqual(x, y) {
			t.Fatal("the same seed makes other mails")
		}
		for _, m := range []message{x, z} {
			_, id, _ := strings.Cut(string(m.body), "Message-ID: ")
			id, _, _ = strings.Cut(id, "\r\n")
			if ids[id] {
				t.Fatalf("Message-ID %s is there twice", id)
			}
			ids[id] = true
		}
		if bytes.Count(x.body, []byte("\n")) != bytes.Count(x.body, []byte("\r\n")) {
			t.Fatal("a line end that is not CRLF")
		}
		sum += len(x.body)
	}
	if mean := sum / n; mean < 3600 || mean > 4600 {
		t.Errorf("%d octets on average", mean)
	}
}

func TestReflagged(t *testing.T) {
	tests := []struct {
		name   string
		unseen bool
		want   string
	}{
		{"a:2,S", true, "a:2,"}, {"a:2,S", false, "a:2,FS"}, {"a", true, "a:2,F"}, {"a:2,DRS", false, "a:2,DFRS"},
		{"a:2,F", false, "a:2,F"}, {"a,U=5:2,RS", true, "a,U=5:2,R"},
	}
	for _, tt := range tests {
		if got := reflagged(tt.name, tt.unseen); got != tt.want {
			t.Errorf("%s became %s, not %s", tt.name, got, tt.want)
		}
	}
}

func TestWithoutTUID(t *testing.T) {
	for in, want := range map[string]string{
		"A: b\nX-TUID: 0123456789ab\n\nc\n":         "A: b\n\nc\n",
		"A: b\r\nX-TUID: 0123456789ab\r\n\r\nc\r\n": "A: b\r\n\r\nc\r\n",
		"X-TUID: 0123456789ab\nA: b\n":              "A: b\n",
		"A: b\n\nX-TUID: of mine\n":                 "A: b\n\nX-TUID: of mine\n",
		"A: X-TUID: 0123456789ab\n":                 "A: X-TUID: 0123456789ab\n",
		"X-TUID: 0123456789ab":                      "X-TUID: 0123456789ab",
		"":                                          "",
	} {
		if got := string(withoutTUID([]byte(in))); got != want {
			t.Errorf("%q became %q", in, got)
		}
	}
}

func TestDifferences(t *testing.T) {
	want := view{"INBOX": {"a S", "a S", "b "}, "x": {}}
	if d := differences(want, view{"INBOX": {"a S", "a S", "b "}, "x": {}}); len(d) != 0 {
		t.Errorf("the same: %q", d)
	}
	for name, got := range map[string]view{
		"one lost":      {"INBOX": {"a S", "b "}, "x": {}},
		"one doubled":   {"INBOX": {"a S", "a S", "a S", "b "}, "x": {}},
		"another flag":  {"INBOX": {"a S", "a S", "b F"}, "x": {}},
		"a box missing": {"INBOX": {"a S", "a S", "b "}},
		"a box more":    {"INBOX": {"a S", "a S", "b "}, "x": {}, "y": {}},
		"in tmp":        {"INBOX": {"a S", "a S", "b ", "c  in tmp"}, "x": {}},
	} {
		if d := differences(want, got); len(d) != 1 {
			t.Errorf("%s: %q", name, d)
		}
	}
}

// The same changes on the server and in a Maildir with the same mails lead to
// as many mails.
func TestChanges(t *testing.T) {
	e := &env{ctx: t.Context()}
	defer e.cleanup()
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	user, pass := srv.NewUser()
	p := quickPlan()
	p.boxes = []box{{"INBOX", 60}, {"a", 20}, {"b", 20}}
	root := t.TempDir()
	l, gen := newLoader(e, srv.Addr(), user, pass), newGenerator(1)
	for _, b := range p.boxes {
		l.fill(b.name, b.n, gen.next)
		for _, sub := range []string{"cur", "new", "tmp"} {
			if err := os.MkdirAll(filepath.Join(root, b.name, sub), 0o700); err != nil {
				t.Fatal(err)
			}
		}
	}
	l.close()
	gen = newGenerator(1)
	for _, b := range p.boxes {
		for i := range b.n {
			deliver(e, filepath.Join(root, b.name), gen.next(), i)
		}
	}
	m := reader(e, srv.Addr(), user, pass)
	count := func(v view) (n int) {
		for _, list := range v {
			n += len(list)
		}
		return n
	}
	before := remoteView(m.Snapshot())
	localBefore := localView(testenv.MaildirSnapshot(t, root))
	if count(before) != 100 || count(localBefore) != 100 {
		t.Fatalf("%d and %d mails loaded", count(before), count(localBefore))
	}
	changeRemote(m, p, 5)
	changeLocal(e, root, p, 5)
	after, localAfter := remoteView(m.Snapshot()), localView(testenv.MaildirSnapshot(t, root))
	for side, v := range map[string][2]view{"remote": {before, after}, "local": {localBefore, localAfter}} {
		if n := count(v[1]); n != 100+p.fresh-p.gone {
			t.Errorf("%s: %d mails afterwards", side, n)
		}
		gone := 0
		for name := range v[0] {
			gone += len(minus(v[0][name], v[1][name]))
		}
		if gone < p.gone+p.reflag/2 || gone > p.gone+p.reflag {
			t.Errorf("%s: %d mails are gone or changed", side, gone)
		}
	}
	other := filepath.Join(t.TempDir(), "raw")
	if err := os.Mkdir(other, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := readAll(srv.Addr(), user, pass, other); err != nil {
		t.Fatal(err)
	}
	checkRaw(e, other, after)
}

// openDir is a directory that a server which runs as nobody can reach.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// mbsync goes all the way, so that the benchmark does not rot.
func TestQuick(t *testing.T) {
	o, err := parse([]string{"-quick", "-rtt", "1", "-programs", "mbsync", "-dir", openDir(t), "-out", t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", "")
	stdout := os.Stdout
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	os.Stdout = w
	got := make(chan string)
	go func() { b, _ := io.ReadAll(r); got <- string(b) }()
	status := run(context.Background(), o)
	os.Stdout = stdout
	w.Close()
	table := <-got
	for _, step := range []string{stepFirst, stepQuiet, stepRemote, stepLocal, stepUpload, "large up", "huge one flag", rawLoop} {
		if !strings.Contains(table, step) {
			t.Errorf("no %s in the table", step)
		}
	}
	if _, err := os.Stat(filepath.Join(o.out, "report.json")); err != nil || status != 0 {
		t.Errorf("status %d, %v\n%s", status, err, table)
	}
}

func TestFailureCleansUpAndIsReported(t *testing.T) {
	o, err := parse([]string{"-quick", "-steps", "first", "-programs", "offlineimapd", "-binary", "/bin/false", "-dir", openDir(t), "-out", t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", "")
	if status := run(context.Background(), o); status != 1 {
		t.Errorf("status %d", status)
	}
	b, err := os.ReadFile(filepath.Join(o.out, "report.json"))
	if err != nil || !strings.Contains(string(b), "offlineimapd: exit status 1") {
		t.Errorf("%s, %v", b, err)
	}
	if left, _ := os.ReadDir(o.dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestBars(t *testing.T) {
	r := &report{}
	for _, run := range []struct {
		program string
		wall    float64
	}{{ours, 1}, {ours, 9}, {ours, 2}, {mbsync, 4}, {mbsync, 4.5}, {mbsync, 100}} {
		r.add(0, stepFirst, run.program, cost{Wall: run.wall, Peak: int64(run.wall * 10e6)})
	}
	r.add(0, stepQuiet, ours, cost{Wall: 1, Up: 10e3, Down: 6e3, RoundTrips: 6})
	var got []string
	for _, b := range r.bars() {
		got = append(got, fmt.Sprintf("%s %.2f %v", b.what, b.value, b.value <= b.limit))
	}
	want := []string{
		"first at 0 ms, time relative to mbsync 0.44 true",
		"quiet at 0 ms, octets 16000.00 false",
		"quiet at 0 ms, round trips 6.00 true",
		"peak of memory in any run, octets 90000000.00 false",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	var out strings.Builder
	r.print(&out)
	if !strings.Contains(out.String(), "MISSED") || !strings.Contains(out.String(), "0.444") {
		t.Error(out.String())
	}
}
