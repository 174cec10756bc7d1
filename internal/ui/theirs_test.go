package ui

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/internal/testenv"
	"github.com/offlineimap/offlineimapd/sync/engine"
	"github.com/offlineimap/offlineimapd/sync/imap"
	"github.com/offlineimap/offlineimapd/sync/maildir"
	"github.com/offlineimap/offlineimapd/sync/state"
)

// twin is one of two people with the same mails, of whom one has OfflineIMAP.
type twin struct {
	t          *testing.T
	srv        *testenv.Server
	user, pass string
	dir        string
}

func newTwin(t *testing.T, srv *testenv.Server) *twin {
	w := &twin{t: t, srv: srv, dir: t.TempDir()}
	w.user, w.pass = srv.NewUser()
	return w
}

func (w *twin) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func letter(n int) []byte {
	return fmt.Appendf(nil, "From: a@example.org\r\nMessage-ID: <%d@example.org>\r\nSubject: %d\r\n\r\nHello\r\n", n, n)
}

func (w *twin) fill() {
	m := testenv.Client(w.t, w.srv.Addr(), w.user, w.pass)
	defer m.Close()
	m.Append("INBOX", letter(1), time.Time{}, `\Seen`)
	for n := 2; n <= 5; n++ {
		m.Append("INBOX", letter(n), time.Time{})
	}
	m.Create("Lists/foo")
	m.Append("Lists/foo", letter(6), time.Time{})
}

func (w *twin) inbox(sub string) string { return filepath.Join(w.dir, "Mail", "INBOX", sub) }

// file finds the file of a UID.
func (w *twin) file(uid int) string {
	w.t.Helper()
	for _, sub := range []string{"new", "cur"} {
		found, err := filepath.Glob(fmt.Sprintf("%s/*,U=%d,*", w.inbox(sub), uid))
		w.must(err)
		if len(found) == 1 {
			return found[0]
		}
	}
	w.t.Fatalf("there is no file of UID %d", uid)
	return ""
}

// change does something on both sides.
func (w *twin) change() {
	m := testenv.Client(w.t, w.srv.Addr(), w.user, w.pass)
	defer m.Close()
	m.Expunge("INBOX", "4")
	m.Store("INBOX", "2:3", "+FLAGS", `\Flagged`)
	m.Store("INBOX", "1", "-FLAGS", `\Seen`)
	w.must(os.Remove(w.file(5)))
	name, _, _ := strings.Cut(filepath.Base(w.file(2)), ":2,")
	w.must(os.Rename(w.file(2), w.inbox("cur/"+name+":2,S")))
	for n := 7; n <= 8; n++ {
		w.must(os.WriteFile(w.inbox(fmt.Sprintf("new/%d.new", n)), bytes.ReplaceAll(letter(n), []byte("\r\n"), []byte("\n")), 0o600))
	}
}

// theirs runs OfflineIMAP once, and returns what it writes.
func (w *twin) theirs(name string, args ...string) string {
	w.t.Helper()
	host, port, err := net.SplitHostPort(w.srv.Addr())
	w.must(err)
	config := filepath.Join(w.dir, "config")
	w.must(os.WriteFile(config, fmt.Appendf(nil, `[general]
accounts = A
metadata = %[1]s/state
[Account A]
localrepository = L
remoterepository = R
[Repository L]
type = Maildir
localfolders = %[1]s/Mail
[Repository R]
type = IMAP
remotehost = %[2]s
remoteport = %[3]s
remoteuser = %[4]s
remotepass = %[5]s
ssl = no
starttls = no
`, w.dir, host, port, w.user, w.pass), 0o600))
	cmd := exec.Command("offlineimap", append([]string{"-o", "-u", name, "-c", config}, args...)...)
	cmd.Env = append(os.Environ(), "HOME="+w.dir, "PYTHONWARNINGS=ignore")
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.t.Fatalf("offlineimap (Debian package offlineimap3): %v\n%s", err, out)
	}
	return string(out)
}

// ours makes the same run with our engine.
func (w *twin) ours(name string, dryRun bool) string {
	w.t.Helper()
	ctx := context.Background()
	var out bytes.Buffer
	u, err := Open(Options{Name: name, Stdout: &out, Stderr: &out, Version: "1.2"})
	w.must(err)
	a := u.Account("A", Repo{"L", "Maildir"}, Repo{"R", "IMAP"})
	a.Begin()
	host, p, err := net.SplitHostPort(w.srv.Addr())
	w.must(err)
	port, err := strconv.Atoi(p)
	w.must(err)
	a.Connecting(host, port)
	remote := imap.New(imap.Options{
		Host: host, Expunge: true, MaxConnections: 2, Timeout: 20 * time.Second,
		Dial: func(ctx context.Context) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", w.srv.Addr())
		},
		Security: imap.Plain,
		Auth: imap.Auth{User: w.user, Mechanisms: []imap.Mechanism{imap.AuthPlain}, Password: func(context.Context) (string, error) {
			return w.pass, nil
		}},
	})
	defer remote.Close(ctx)
	db, err := state.Open(ctx, filepath.Join(w.dir, "state.sqlite"), state.Options{Account: "A", ReadOnly: dryRun})
	w.must(err)
	defer func() { w.must(db.Close()) }()
	r, err := engine.Run(ctx, engine.Request{
		Account: "A", Local: maildir.New(filepath.Join(w.dir, "Mail"), maildir.Options{}), Remote: remote, State: db,
		Policy:   engine.Policy{CreateLocal: true, CreateRemote: true, LocalDeletes: true, RemoteDeletes: true},
		RemoteID: "me", NewID: func() string { return "id" }, Now: time.Now, DryRun: dryRun,
	}, a.Event)
	w.must(err)
	a.Report(r)
	a.Done(0)
	a.Close()
	u.Finish(0)
	return out.String()
}

// compare checks that two transcripts have the same lines, in whichever order, but
// for those that one of them may have alone.
func compare(t *testing.T, theirs, ours []string, theirsOnly, oursOnly []string) {
	t.Helper()
	rest := func(of, other, allowed []string) (out []string) {
		other = slices.Clone(other)
		for _, line := range of {
			if i := slices.Index(other, line); i >= 0 {
				other = slices.Delete(other, i, i+1)
				continue
			}
			if !slices.ContainsFunc(allowed, func(p string) bool { return regexp.MustCompile("(?s)^" + p + "$").MatchString(line) }) {
				out = append(out, line)
			}
		}
		return out
	}
	for _, l := range rest(theirs, ours, theirsOnly) {
		t.Errorf("only OfflineIMAP says: %s", l)
	}
	for _, l := range rest(ours, theirs, oursOnly) {
		t.Errorf("only we say: %s", l)
	}
}

func lines(s string) []string {
	took := regexp.MustCompile(`in 0:0\d$`)
	var out []string
	for l := range strings.SplitSeq(strings.TrimSpace(s), "\n") {
		out = append(out, took.ReplaceAllString(l, "in 0:00"))
	}
	return out
}

// What both of basic must say, and what is otherwise:
var (
	theirsInBasic = []string{
		`OfflineIMAP .*`, `  Licensed under .*`, `imaplib2 .*`, // their name, licence and parts
		`Creating new Local Status db for .*`, // there is none: one state holds all folders
	}
	oursInBasic = []string{
		`offlineimapd .*`, `  Licensed under .*`,
		`Skipping .* \(not changed\)`, // a run is always as quick as theirs with -q
	}
)

func TestBasicLikeOfflineIMAP(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	he, we := newTwin(t, srv), newTwin(t, srv)
	step := func(name string, dryRun bool, allowed []string, args ...string) {
		t.Helper()
		theirs := he.theirs("basic", args...)
		ours := we.ours("basic", dryRun)
		compare(t, lines(theirs), lines(ours), append(allowed, theirsInBasic...), append(allowed, oursInBasic...))
		if t.Failed() {
			t.Fatalf("%s:\n%s\nours:\n%s", name, theirs, ours)
		}
	}
	he.fill()
	we.fill()
	step("the first run", false, nil)
	// Whether a Maildir's times are old enough to be believed is a matter of luck.
	step("nothing new, quickly", false, []string{`Skipping .* \(not changed\)`}, "-q")
	he.change()
	we.change()
	// Theirs does not say of flags that it is a dry run.
	step("a dry run", true, []string{`(\[DRYRUN\] )?(Adding|Deleting) flag .*`}, "--dry-run")
	step("changes on both sides", false, nil)
}

// What both of machineui must say, and what is otherwise:
var (
	theirsInMachine = []string{
		`OfflineIMAP .*`, `  Licensed under .*`, `msg:initbanner:.*`, `msg::MainThread:imaplib2 .*`, // their name, licence and parts
		`msg:_display:.*Creating new Local Status db .*`,            // see basic
		`msg:(register|unregister)thread:.*`, `msg:threadExited:.*`, // a thread for each mail, see below
		`msg:(loadmessagelist|messagelistloaded):.*`, // what did not change is not listed, nor counted
		`msg:syncingmessages:.*`,                     // we say so where something is copied
		`msg:deletingmessages:Folder .*IMAP\tINBOX`,  // comes when all folders are done
		`msg::Account sync A:Creating folder .*`,     // theirs makes all folders before any
	}
	oursInMachine = []string{
		`offlineimapd .*`, `  Licensed under .*`, `msg:initbanner:.*`,
		`msg::Folder .*:Skipping .* \(not changed\)`,
		`msg:deletingmessages:Account sync A:.*IMAP\tINBOX`,
		`msg::Folder .*:Creating folder .*`,
	}
)

// events reads the machine's lines; those of threads that copy one mail are left out.
func events(t *testing.T, s string) (out []string) {
	t.Helper()
	for l := range strings.SplitSeq(strings.TrimRight(s, "\n"), "\n") {
		f := strings.Split(l, ":")
		if len(f) != 4 {
			out = append(out, l)
			continue
		}
		for i := range f {
			v, err := url.QueryUnescape(f[i])
			if err != nil {
				t.Errorf("%q: %v", l, err)
			}
			f[i] = v
		}
		if !strings.Contains(l, "Copy+message+from") {
			out = append(out, strings.Join(f, ":"))
		}
	}
	return out
}

func TestMachineLikeOfflineIMAP(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	he, we := newTwin(t, srv), newTwin(t, srv)
	he.fill()
	we.fill()
	for _, step := range []string{"the first run", "changes on both sides"} {
		theirs, ours := he.theirs("machineui"), we.ours("machineui", false)
		compare(t, events(t, theirs), events(t, ours), theirsInMachine, oursInMachine)
		// Threads begin and end alike, but that theirs may begin one for each mail.
		for _, l := range events(t, ours) {
			if strings.Contains(l, "thread:") && !slices.Contains(events(t, theirs), l) {
				t.Errorf("only we say: %s", l)
			}
		}
		if t.Failed() {
			t.Fatalf("%s:\n%s\nours:\n%s", step, theirs, ours)
		}
		if step == "the first run" {
			he.change()
			we.change()
		}
	}
}
