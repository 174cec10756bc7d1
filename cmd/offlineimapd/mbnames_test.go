package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/internal/testenv"
	"github.com/offlineimap/offlineimapd/service"
	"github.com/offlineimap/offlineimapd/sync/engine"
	"github.com/offlineimap/offlineimapd/sync/guard"
)

// reader is somebody with two accounts and a mail reader that wants to know the
// mailboxes.
type reader struct {
	t    *testing.T
	srv  *testenv.Server
	home string
	user map[string]string // by account
	more map[string]string // lines of [Account …], of [Repository …-there] with "/there"
	list string            // lines of [mbnames]
}

func newReader(t *testing.T) *reader {
	r := &reader{t: t, srv: testenv.Dovecot(t, testenv.DovecotOptions{}), home: t.TempDir(), user: map[string]string{}, more: map[string]string{}}
	for account, boxes := range map[string][]string{
		"Work": {"Lists/foo", "G&AOQ-ste", "two words", "say 'hi'", "100%", "Trash", "b"},
		"home": {"G&AOQ-ste", "a_b", "Trash", "B"},
	} {
		user, pass := r.srv.NewUser()
		r.user[account] = user
		m := testenv.Client(t, r.srv.Addr(), user, pass)
		m.Append("INBOX", body(1), time.Time{})
		for _, b := range boxes {
			m.Create(b)
		}
		m.Close()
	}
	return r
}

func (r *reader) path(name string) string { return filepath.Join(r.home, name) }

func (r *reader) read(name string) string {
	r.t.Helper()
	b, err := os.ReadFile(r.path(name))
	if err != nil && !os.IsNotExist(err) {
		r.t.Fatal(err)
	}
	return string(b)
}

const muttList = `header = "mailboxes "
peritem = "+%(accountname)s/%(foldername)s"
sep = " "
footer = "\n"
`

// configure writes the configuration; accounts are those that it names.
func (r *reader) configure(accounts ...string) {
	r.t.Helper()
	_, port, err := net.SplitHostPort(r.srv.Addr())
	if err != nil {
		r.t.Fatal(err)
	}
	text := fmt.Sprintf("[general]\naccounts = %s\nmetadata = %s/state\nmaxsyncaccounts = 2\n[mbnames]\nenabled = yes\nfilename = ~/mailboxes\n%s\n",
		strings.Join(accounts, ","), r.home, r.list)
	for account, user := range r.user {
		text += fmt.Sprintf("[Account %[1]s]\nlocalrepository = %[1]s-here\nremoterepository = %[1]s-there\n%[2]s\n"+
			"[Repository %[1]s-here]\ntype = Maildir\nlocalfolders = ~/Mail/%[1]s\n%[3]s\n"+
			"[Repository %[1]s-there]\ntype = IMAP\nremotehost = 127.0.0.1\nremoteport = %[4]s\nssl = no\nstarttls = no\nremoteuser = %[5]s\nremotepass = pass\n%[6]s\n",
			account, r.more[account], r.more[account+"/here"], port, user, r.more[account+"/there"])
	}
	if err := os.WriteFile(r.path("config"), []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// offlineIMAP runs OfflineIMAP once; with threads, the order of its folders would be
// that in which they come to run.
func (r *reader) offlineIMAP() {
	r.t.Helper()
	cmd := exec.Command("offlineimap", "-1", "-o", "-u", "basic", "-c", r.path("config"))
	cmd.Env = append(os.Environ(), "PYTHONWARNINGS=ignore", "LC_ALL=C.UTF-8")
	if out, err := cmd.CombinedOutput(); err != nil {
		r.t.Fatalf("offlineimap (Debian package offlineimap3): %v\n%s", err, out)
	}
}

// ours runs our program, which must succeed.
func (r *reader) ours(args ...string) (said string) {
	r.t.Helper()
	var out, errs bytes.Buffer
	if status := run(append([]string{"--once", "-c", r.path("config")}, args...), &out, &errs, nil); status != exitOK {
		r.t.Fatalf("status %d: %s%s", status, &errs, &out)
	}
	return out.String() + errs.String()
}

// forget removes the list, and what it is made of.
func (r *reader) forget() {
	r.t.Helper()
	for _, name := range []string{"mailboxes", "state/mbnames"} {
		if err := os.RemoveAll(r.path(name)); err != nil {
			r.t.Fatal(err)
		}
	}
}

// The list is that of OfflineIMAP for the same configuration, to the byte, and so
// is what is kept of each account.
func TestMailboxListOfOfflineIMAP(t *testing.T) {
	r := newReader(t)
	t.Setenv("HOME", r.home)
	r.more["Work"] = "utf8foldernames = yes"
	r.more["Work/here"] = `nametrans = lambda n: n if n == 'INBOX' else re.sub('^MY[.]', '', n).replace('"', "'")`
	work := `nametrans = lambda n: n if n == 'INBOX' else 'MY/' + n.replace("'", '"')` + "\n"
	r.more["home/there"] = "createfolders = no"
	for _, d := range []string{"cur", "new", "tmp"} { // a folder that the server does not get
		if err := os.MkdirAll(r.path("Mail/home/only here/"+d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct{ name, list, sort, want string }{
		{"as mutt has it", muttList, "", `mailboxes "+Work/INBOX" "+Work/MY.100%" `},
		{"lines, sorted and filtered", `header = "# generated\n" + "mailboxes "
peritem = "+%(accountname)-6s|%(foldername)12.11s|%(localfolders)s|%(foldername)a" 100%%
sep = " \\\n  "
footer = ''
incremental = yes
folderfilter = lambda accountname, foldername: foldername != 'Trash' and not re.match('MY.Tr', foldername)
sort_keyfunc = lambda d: (d['foldername'] != 'INBOX', -len(d['foldername']), d['accountname'].lower())
`, "", "# generated\nmailboxes \"+"},
		{"in the order of foldersort", muttList + "sort_keyfunc = lambda d: d['accountname'] == 'home'\n",
			"foldersort = lambda a, b: (a < b) - (a > b)\n", `mailboxes "+Work/MY.two words"`},
		{"none", muttList + "folderfilter = lambda a, f: False", "", "mailboxes \n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r.t, r.list, r.more["Work/there"] = t, tc.list, work+tc.sort
			r.configure("Work", "home")
			files := []string{"mailboxes", "state/mbnames/Work.json", "state/mbnames/home.json"}
			r.forget()
			r.offlineIMAP()
			theirs := map[string]string{}
			for _, f := range files {
				theirs[f] = r.read(f)
			}
			r.forget()
			r.ours()
			for _, f := range files {
				if got := r.read(f); got != theirs[f] || got == "" {
					t.Errorf("%s: ours is\n%s\ntheirs\n%s", f, got, theirs[f])
				}
			}
			if !strings.HasPrefix(theirs["mailboxes"], tc.want) {
				t.Errorf("the list is not what the test is for:\n%s", theirs["mailboxes"])
			}
		})
	}
}

func TestMailboxList(t *testing.T) {
	r := newReader(t)
	t.Setenv("HOME", r.home)
	r.list = muttList
	// What a reader would see after each account.
	r.more["Work"] = "postsynchook = cat ~/mailboxes >~/seen 2>&1"
	r.configure("Work", "home")
	r.ours()
	whole := r.read("mailboxes")
	if !strings.Contains(whole, `"+Work/Lists.foo"`) || !strings.Contains(whole, `"+home/a_b"`) {
		t.Fatalf("the list is %s", whole)
	}
	if seen := r.read("seen"); !strings.Contains(seen, "No such file") {
		t.Errorf("before the end of the run there is a list: %s", seen)
	}
	is := func(want, when string) {
		t.Helper()
		if got := r.read("mailboxes"); got != want {
			t.Errorf("%s the list is %s", when, got)
		}
	}

	t.Run("what leaves it alone", func(t *testing.T) {
		r.t = t
		r.ours("-f", "INBOX")
		is(whole, "after a run of one folder")
		if err := os.Remove(r.path("mailboxes")); err != nil {
			t.Fatal(err)
		}
		r.ours("--dry-run")
		is("", "after a dry run")
		r.ours("-a", "home")
		is(whole, "after a run of one account")

		for _, bad := range []string{
			"header = 1\n", "sep = 1 / 0\n", "footer = nowhere\n", "folderfilter = lambda a, f: f.nothing\n", "folderfilter = 'Trash'\n",
			"sort_keyfunc = lambda d: d['nothing']\n", "sort_keyfunc = lambda d: None\n",
		} {
			option, _, _ := strings.Cut(bad, " ")
			r.list = bad
			for line := range strings.Lines(muttList) {
				if !strings.HasPrefix(line, option) {
					r.list += line
				}
			}
			r.configure("Work", "home")
			if said := r.ours(); !strings.Contains(said, option) || !strings.Contains(said, "stays as it is") {
				t.Errorf("%s: said %s", bad, said)
			}
			is(whole, "after "+bad)
		}
		r.list = muttList + "incremental = yes\n"
		if err := os.WriteFile(r.path("mailboxes"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		r.configure("Work", "home")
		r.ours("-a", "Work")
		if seen := r.read("seen"); seen != whole {
			t.Errorf("after the account the list is %s", seen)
		}
	})

	t.Run("an account that is gone", func(t *testing.T) {
		r.t = t
		var said []string
		prune := func(dryRun bool) {
			t.Helper()
			said = nil
			cfg, _, err := (&options{}).read(r.path("config"))
			if err == nil {
				err = pruneMailboxNames(t.Context(), cfg, dryRun, func(text string) { said = append(said, text) })
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		cut := whole[:strings.Index(whole, ` "+home/`)] + "\n"
		// "Work" is a part of "Workshop", and stays for its own sake only.
		r.configure("Work")
		r.ours()
		is(whole, "without being pruned")
		prune(true)
		is(whole, "after a dry run of pruning")
		if len(said) != 1 || !strings.Contains(said[0], `would remove the mailbox names of account "home"`) {
			t.Errorf("said %q", said)
		}
		prune(false)
		is(cut, "pruned")
		if r.read("state/mbnames/home.json") != "" || r.read("state/mbnames/Work.json") == "" {
			t.Error("what is kept is not that of the account that is left")
		}
		prune(false)
		if len(said) > 0 {
			t.Errorf("said %q", said)
		}
		r.user["Workshop"] = r.user["home"]
		r.configure("Workshop")
		prune(false)
		is("mailboxes \n", "with another account of which the name begins alike")
	})
}

// In the daemon accounts end at the same time, and a configuration that is read
// anew makes for another list.
func TestMailboxListOfTheDaemon(t *testing.T) {
	r := newReader(t)
	t.Setenv("HOME", r.home)
	r.list = muttList
	r.configure("Work", "home")
	var log strings.Builder
	l := &loader{o: options{config: r.path("config"), patience: testPatience}, log: slog.New(slog.NewTextHandler(&log, nil)), names: new(atomic.Uint64), told: map[string]bool{}}
	sync := func() {
		t.Helper()
		var all sync.WaitGroup
		for _, spec := range load(t, l).Accounts {
			all.Go(func() {
				if _, err := spec.Runner.Run(t.Context(), service.Order{Observe: func(engine.Event) {}, Note: func(text string) { t.Log(text) }}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	sync()
	defer l.python.Close()
	whole := r.read("mailboxes")
	if strings.Count(whole, "+Work/") != 8 || strings.Count(whole, "+home/") != 5 {
		t.Fatalf("the list is %s", whole)
	}
	r.list = strings.Replace(muttList, `" "`, `"|"`, 1)
	r.configure("Work", "home")
	sync()
	if got := r.read("mailboxes"); got != strings.ReplaceAll(whole, `" "`, `"|"`) {
		t.Errorf("the list is %s", got)
	}
	r.list = strings.Replace(muttList, "sep", "sep = 1\n#", 1)
	r.configure("Work", "home")
	before := r.read("mailboxes")
	sync()
	sync()
	if got := r.read("mailboxes"); got != before {
		t.Errorf("the list is %s", got)
	}
	// Once for each account and time that the configuration was read.
	if n := strings.Count(log.String(), "stays as it is"); n != 4 {
		t.Errorf("it was told %d times:\n%s", n, log.String())
	}
}

func TestRecorded(t *testing.T) {
	root := t.TempDir()
	for _, f := range []string{"odd", "forbidden"} {
		if err := os.MkdirAll(filepath.Join(root, f, "cur"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	report := func(fs ...engine.Folder) *engine.Report { return &engine.Report{Folders: fs} }
	held := func(codes ...guard.Code) *guard.Hold {
		h := &guard.Hold{}
		for _, c := range codes {
			h.Reasons = append(h.Reasons, guard.Reason{Code: c})
		}
		return h
	}
	forbidden := []engine.Problem{{Err: fmt.Errorf("it %w", engine.ErrForbidden)}}
	for _, tc := range []struct {
		name   string
		report *engine.Report
		places map[string]int
		want   string // "-": it is not known
	}{
		{"as OfflineIMAP goes through them", report(engine.Folder{Local: "b"}, engine.Folder{Local: "_"}, engine.Folder{Local: "A"}, engine.Folder{Local: "a"}), nil, "_ A a b"},
		{"in an order of their own", report(engine.Folder{Name: "x", Local: "b"}, engine.Folder{Name: "y", Local: "a"}), map[string]int{"y": 1}, "b a"},
		{"what went wrong", report(
			engine.Folder{Local: "failed", Result: engine.Failed}, engine.Folder{Local: "held", Result: engine.Held, Hold: held(guard.Emptied)},
			engine.Folder{Local: "odd", Result: engine.Skipped}, engine.Folder{Local: "not there", Result: engine.Skipped},
			engine.Folder{Local: "forbidden", Result: engine.Skipped, Problems: forbidden}, engine.Folder{Name: "no name here", Result: engine.Skipped},
			engine.Folder{Local: "failed", Result: engine.Skipped},
		), nil, "failed held odd"},
		{"none", report(), nil, ""},
		{"another directory", report(engine.Folder{Local: "a", Result: engine.Held, Hold: held(guard.OtherRemote, guard.RootForeign)}), nil, "-"},
		{"no directory", report(engine.Folder{Name: engine.ApproveRoot, Result: engine.Held, Hold: held(guard.RootMissing)}), nil, "-"},
	} {
		folders, known := recorded(tc.report, root, tc.places)
		got := strings.Join(folders, " ")
		if !known {
			got = "-"
		}
		if got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.name, got, tc.want)
		}
	}
	// A server has no directories to look for.
	if folders, _ := recorded(report(engine.Folder{Local: ".", Result: engine.Skipped}), "", nil); len(folders) > 0 {
		t.Errorf("got %q", folders)
	}
}
