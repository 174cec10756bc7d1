package main

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/internal/testenv"
	"github.com/offlineimap/offlineimapd/service"
	"github.com/offlineimap/offlineimapd/sync/engine"
)

// A person's function is called for mail in INBOX that nobody has read, and for
// nothing else. What it does wrong, it does to itself.
func TestNewMailHook(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	p := newPerson(t, srv)
	m := p.mailer()
	m.Create("Lists/go")
	m.Append("INBOX", body(1), time.Time{})
	m.Append("INBOX", body(2), time.Time{})
	called := filepath.Join(t.TempDir(), "called")
	hook := func(value string) {
		p.more = "newmail_hook = " + value
		p.configure()
	}
	ring := "open('" + called + "', 'a').write('x')"
	calls := func(want int, when string) {
		t.Helper()
		b, err := os.ReadFile(called)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if len(b) != want {
			t.Errorf("%s: it was called %d times, want %d", when, len(b), want)
		}
		_ = os.Remove(called)
	}
	hook("lambda: " + ring)
	p.sync()
	calls(1, "the first run")
	p.sync()
	calls(0, "nothing came")
	m.Append("INBOX", body(3), time.Time{}, `\Seen`)
	m.Append("Lists/go", body(4), time.Time{})
	p.sync()
	calls(0, "a mail that was read, and one elsewhere")
	m.Append("INBOX", body(5), time.Time{})
	p.sync("--dry-run")
	calls(0, "a dry run")
	p.sync("-f", "Lists/go")
	calls(0, "a run of another folder")
	p.sync()
	calls(1, "a mail came")

	for value, want := range map[string]string{
		"lambda: " + ring + " and {}['nothing']": "KeyError", "lambda: os.system('printf xx >>" + called + "')": "", "'ring'": "must be a function", "nowhere": "NameError", "lambda a: a": "TypeError",
	} {
		hook(value)
		m.Append("INBOX", body(6+len(value)), time.Time{})
		status, out, errs := p.run()
		if status != exitOK || !strings.Contains(out, "1 downloaded") || !strings.Contains(errs, want) || want != "" && !strings.Contains(errs, "newmail_hook") {
			t.Errorf("%s: status %d: %s%s", value, status, errs, out)
		}
		calls(map[string]int{"KeyError": 1, "": 2}[want], value)
	}
	p.inStep()
}

// selected tells in which order mailboxes are opened.
type selected struct {
	mu    sync.Mutex
	boxes []string
}

func watch(p *person) *selected {
	s := &selected{}
	proxy := testenv.Proxy(p.t, p.srv.Addr(), testenv.ProxyOptions{})
	opens := regexp.MustCompile(`(?:SELECT|EXAMINE) "?([^"]*?)"?(?: \(.*)?\r?\n?$`)
	proxy.OnExchange(func(_ int, line string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if m := opens.FindStringSubmatch(line); m != nil && !slices.Contains(s.boxes, m[1]) {
			s.boxes = append(s.boxes, m[1])
		}
	})
	p.through(proxy.Addr())
	return s
}

func (s *selected) take() (boxes []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	boxes, s.boxes = s.boxes, nil
	return boxes
}

func TestFolderSort(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	p := newPerson(t, srv)
	m := p.mailer()
	all := []string{"INBOX", "aa", "b", "c"}
	for _, f := range all[1:] {
		m.Create(f)
	}
	w := watch(p)
	for i, tc := range []struct {
		sort string
		want []string // nil: in any order
		said string
	}{
		// OfflineIMAP's own example.
		{"lambda x, y: -cmp(x, y)", []string{"c", "b", "aa", "INBOX"}, ""},
		{"lambda x, y: len(x) - len(y)", []string{"b", "c", "aa", "INBOX"}, ""},
		// It takes the names that folders have here.
		{"lambda x, y: (x != 'L.b') - (y != 'L.b')", []string{"b", "INBOX", "aa", "c"}, ""},
		{"lambda x, y: float(len(y) - len(x))", []string{"INBOX", "aa", "b", "c"}, ""},
		{"lambda x, y: 1", nil, ""},
		{"lambda x, y: -1", nil, ""},
		{"lambda x, y: x != y", nil, ""},
		{"lambda x, y: x.nothing", []string{"INBOX", "aa", "b", "c"}, "AttributeError"},
		{"lambda x, y: x", []string{"INBOX", "aa", "b", "c"}, "a string instead of a number"},
		{"lambda x: x", []string{"INBOX", "aa", "b", "c"}, "TypeError"},
		{"'INBOX'", []string{"INBOX", "aa", "b", "c"}, "must be a function"},
		{"nowhere", []string{"INBOX", "aa", "b", "c"}, "NameError"},
	} {
		p.more = "maxconnections = 1\nnametrans = lambda f: {'b': 'L.b'}.get(f, f)\nfoldersort = " + tc.sort
		p.moreLocal = "nametrans = lambda f: {'L.b': 'b'}.get(f, f)"
		if !strings.Contains(tc.sort, "L.b") {
			p.more, p.moreLocal = "maxconnections = 1\nfoldersort = "+tc.sort, ""
		}
		p.configure()
		for _, f := range all {
			m.Append(f, body(100*i+int(f[0])), time.Time{})
		}
		w.take()
		status, out, errs := p.run()
		if status != exitOK || !strings.Contains(out, "4 downloaded") {
			t.Fatalf("%s: status %d: %s%s", tc.sort, status, errs, out)
		}
		if tc.said == "" && strings.Contains(errs, "order") || tc.said != "" && (!strings.Contains(errs, tc.said) || strings.Count(errs, "an order of our own") != 1 || !strings.Contains(errs, "foldersort")) {
			t.Errorf("%s: said %s", tc.sort, errs)
		}
		if boxes := w.take(); tc.want != nil && !slices.Equal(boxes, tc.want) {
			t.Errorf("%s: the order is %q, want %q", tc.sort, boxes, tc.want)
		}
	}
}

func TestSingleThreadPerFolder(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	p := newPerson(t, srv)
	m := p.mailer()
	for n := range 500 {
		m.Append("INBOX", body(n), time.Time{})
	}
	p.more = "singlethreadperfolder = yes\nidlefolders = ['INBOX', 1]"
	proxy := testenv.Proxy(t, srv.Addr(), testenv.ProxyOptions{})
	p.through(proxy.Addr())
	status, out, errs := p.run()
	if n := proxy.Stats().Connections; status != exitOK || !strings.Contains(out, "500 downloaded") || n != 1 {
		t.Errorf("status %d, by %d connections: %s%s", status, n, errs, out)
	}
	if !strings.Contains(errs, "a number is among the names") {
		t.Errorf("nothing is said of idlefolders: %s", errs)
	}
}

// What is the same in every run of the daemon, it tells once.
func TestRemarks(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	p := newPerson(t, srv)
	p.more = "idlefolders = 'INBOX'\nfoldersort = lambda a: a"
	p.configure()
	m := p.mailer()
	m.Create("b")
	l := &loader{log: slog.New(slog.DiscardHandler), told: map[string]bool{}, names: new(atomic.Uint64), o: options{config: p.config(), patience: testPatience}}
	r := load(t, l).Accounts[0].Runner
	defer l.python.Close()
	var said []string
	for range 3 {
		if _, err := r.Run(t.Context(), service.Order{Observe: func(engine.Event) {}, Note: func(text string) { said = append(said, text) }}); err != nil {
			t.Fatal(err)
		}
	}
	if len(said) != 2 || !strings.Contains(said[0], "idlefolders: it is a string") || !strings.Contains(said[1], "foldersort") {
		t.Errorf("said %q", said)
	}
}

// Mails that copy_ignore_eval names are not brought here, by both programs, which
// ask it about the same names.
func TestCopyIgnore(t *testing.T) {
	t.Parallel()
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	seed := newPerson(t, srv)
	m := seed.mailer()
	boxes := []string{"INBOX", "Lists/foo", "G&AOQ-ste", "two words", "rest"}
	for i, f := range boxes {
		if f != "INBOX" {
			m.Create(f)
		}
		for n := range 6 {
			m.Append(f, body(10*i+n), time.Time{})
		}
	}
	m.Close()
	helpers := filepath.Join(t.TempDir(), "helpers.py")
	asked := filepath.Join(t.TempDir(), "asked")
	seed.must(os.WriteFile(helpers, []byte(`
def ignored(folder):
    with open("`+asked+`", "a") as f:
        f.write(folder + "\n")
    return {"INBOX": [2, 99, 2], "X.Lists/foo": range(2, 4), "X.Gäste": {1, 5, -1}, "X.two words": (6,)}.get(folder)
`), 0o600))
	configure := func(p *person, ignored string) {
		p.more = "createfolders = no\nnametrans = lambda n: n if n == 'INBOX' else 'X.' + n\ncopy_ignore_eval = " + ignored
		p.moreLocal = "nametrans = lambda n: n.replace('X.', '', 1)"
		p.configure()
		p.settings(map[string]string{"[general]": "pythonfile = " + helpers, "[Account work]": "utf8foldernames = yes"})
	}
	names := func() string {
		b, err := os.ReadFile(asked)
		seed.must(err)
		seed.must(os.Remove(asked))
		all := strings.Fields(strings.ReplaceAll(string(b), "two words", "two_words"))
		slices.Sort(all)
		return strings.Join(all, " ")
	}
	theirs, ours := seed.clone(t), seed.clone(t)
	for _, p := range []*person{theirs, ours} {
		configure(p, "ignored")
	}
	if c := theirs.callTheirs("-o", "-u", "basic", "-c", theirs.config()).started(); c.status() != exitOK {
		t.Fatal(c.all())
	}
	want := names()
	ours.sync()
	if got := names(); got != want || strings.Count(got, " ") != 4 {
		t.Errorf("ours asks about %q, OfflineIMAP about %q", got, want)
	}
	if l, r := ours.local(), theirs.local(); l != r || strings.Count(l, "\n") != 30-6-1 {
		t.Errorf("ours brings other mails than OfflineIMAP: %s", difference(l, r))
	}
	if c := ours.sync(); c.Any() {
		t.Errorf("the next run did something: %+v", c)
	}
	if n := strings.Count(ours.remote(), "\n"); n != 29 {
		t.Errorf("%d mails are on the server", n+1)
	}

	// One that fails keeps its folder from being touched, and no other.
	file := ours.file("INBOX", 1)
	ours.must(os.Remove(file))
	before := ours.tree(filepath.Join(ours.root(), "INBOX"))
	for bad, said := range map[string]string{
		`lambda f: ["2"] if f == "INBOX" else ignored(f)`:        "a string is among the UIDs",
		`lambda f: {}["no"] if f == "INBOX" else ignored(f)`:     "KeyError",
		`lambda f: 3 if f == "INBOX" else ignored(f)`:            "a number instead of a list",
		`lambda f: {2: 1} if f == "INBOX" else ignored(f)`:       "a dict instead of a list",
		`lambda f: "12" if f == "INBOX" else (ignored(f) or [])`: "a string instead of a list",
	} {
		configure(ours, bad)
		m := ours.mailer()
		m.Append("INBOX", body(90), time.Time{})
		m.Append("rest", body(91+len(bad)), time.Time{})
		m.Close()
		_, out, errs := ours.run()
		if !strings.Contains(errs, said) || !strings.Contains(errs, "copy_ignore_eval") || !strings.Contains(out, "1 downloaded") {
			t.Errorf("%s: %s%s", bad, errs, out)
		}
		if after := ours.tree(filepath.Join(ours.root(), "INBOX")); after != before {
			t.Errorf("%s: INBOX was changed: %s", bad, difference(after, before))
		}
	}
	configure(ours, "'INBOX'")
	if status, _, errs := ours.run(); status != exitConfig || !strings.Contains(errs, fmt.Sprintf("%s:", ours.config())) || !strings.Contains(errs, "must be a function") {
		t.Errorf("status %d: %s", status, errs)
	}

	// What is ignored no longer, comes.
	configure(ours, "lambda f: None")
	if c := ours.sync(); c.Downloaded != 6+5 || c.RemovedRemote != 1 || c.RemovedLocal+c.Uploaded != 0 {
		t.Errorf("%+v", c)
	}
}
