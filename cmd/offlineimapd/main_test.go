package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/internal/config"
	"github.com/offlineimap/offlineimapd/internal/testenv"
	"github.com/offlineimap/offlineimapd/sync/engine"
)

// With this in its environment the test binary is the program itself.
// Its value is the step of the state's writing at which it kills itself, 0 for
// none, and behind a blank options.remoteID.
const beProgram = "OFFLINEIMAPD_TEST_PROGRAM"

func TestMain(m *testing.M) {
	v, ok := os.LookupEnv(beProgram)
	v, cloned, _ := strings.Cut(v, " ")
	if !ok {
		os.Exit(m.Run())
	}
	at, _ := strconv.Atoi(v)
	n := 0
	os.Exit(runAs(os.Args[0], os.Args[1:], os.Stdin, os.Stdout, os.Stderr, func(o *options) {
		o.patience, o.remoteID, o.localID = testPatience, cloned, cloned
		o.step = func(string) {
			if n++; n == at {
				syscall.Kill(os.Getpid(), syscall.SIGKILL)
				select {}
			}
		}
	}))
}

// testPatience is enough for a server on this machine and a few mails.
const testPatience = 700 * time.Millisecond

// person is somebody with an account: a mailbox on a server, and a directory
// with the configuration, the state and the Maildir.
type person struct {
	t          testing.TB
	srv        *testenv.Server
	addr       string // where the program finds the server
	user, pass string
	dir        string
	more       string // options of the remote repository
	moreLocal  string
	remoteID   string // "": what the program makes of the configuration
	patience   time.Duration
}

func newPerson(t testing.TB, srv *testenv.Server) *person {
	p := &person{t: t, srv: srv, addr: srv.Addr(), dir: t.TempDir(), patience: testPatience}
	p.user, p.pass = srv.NewUser()
	p.configure()
	return p
}

func (p *person) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *person) config() string { return filepath.Join(p.dir, "config") }
func (p *person) root() string   { return filepath.Join(p.dir, "Mail") }

func (p *person) configure() {
	host, port, err := net.SplitHostPort(p.addr)
	p.must(err)
	p.must(os.WriteFile(p.config(), fmt.Appendf(nil, `[general]
accounts = work
metadata = %[1]s/state

[Account work]
localrepository = here
remoterepository = there

[Repository here]
type = Maildir
localfolders = %[1]s/Mail
%[6]s

[Repository there]
type = IMAP
remotehost = %[2]s
remoteport = %[3]s
remoteuser = %[4]s
remotepass = %[5]s
ssl = no
starttls = no
%[7]s
`, p.dir, host, port, p.user, p.pass, p.moreLocal, p.more), 0o600))
}

// through sends the program to the server by way of a proxy.
func (p *person) through(addr string) {
	p.addr = addr
	p.configure()
}

func (p *person) mailer() *testenv.Mailer {
	p.t.Helper()
	return testenv.Client(p.t, p.srv.Addr(), p.user, p.pass)
}

// run runs the program in this process.
func (p *person) run(args ...string) (status int, stdout, stderr string) {
	var out, errs bytes.Buffer
	status = run(append([]string{"--once", "-c", p.config()}, args...), &out, &errs, func(o *options) { o.patience, o.remoteID = p.patience, p.remoteID })
	return status, out.String(), errs.String()
}

// sync runs the program, which must succeed, and returns what it did.
func (p *person) sync(args ...string) engine.Counts {
	p.t.Helper()
	status, out, errs := p.run(append(args, "--json")...)
	if status != exitOK {
		p.t.Fatalf("status %d: %s%s", status, errs, out)
	}
	return p.counts(out)
}

func (p *person) counts(out string) (c engine.Counts) {
	p.t.Helper()
	var d struct {
		Accounts []struct{ Counts engine.Counts }
	}
	p.must(json.Unmarshal([]byte(out), &d))
	return d.Accounts[0].Counts
}

// killed runs the program as a process of its own, which kills itself when
// the state is written for the step-th time, or is killed by what it is given.
// It tells whether that happened.
func (p *person) killed(step int, started func(kill func())) bool {
	p.t.Helper()
	cmd := exec.Command(os.Args[0], "--once", "-c", p.config())
	cmd.Env = append(os.Environ(), beProgram+"="+strconv.Itoa(step)+" "+p.remoteID)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	p.must(cmd.Start())
	if started != nil {
		started(func() { cmd.Process.Kill() })
	}
	err := cmd.Wait()
	if ws, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return true
	}
	if err != nil {
		p.t.Fatalf("it ended by itself: %v %s", err, errs.String())
	}
	return false
}

// local and remote tell what both sides hold, each mail as a line: folder,
// hash, flags.
func (p *person) local() string {
	p.t.Helper()
	var out []string
	for f, files := range testenv.MaildirSnapshot(p.t, p.root()) {
		for _, m := range files {
			if m.Sub != "tmp" {
				out = append(out, fmt.Sprintf("%s %s %s", f, m.SHA256[:16], m.Flags))
			}
		}
	}
	sort.Strings(out)
	return strings.Join(out, "\n")
}

func (p *person) remote() string {
	p.t.Helper()
	m := p.mailer()
	defer m.Close()
	var out []string
	for f, mails := range m.Snapshot() {
		for _, m := range mails {
			out = append(out, fmt.Sprintf("%s %s %s", strings.ReplaceAll(f, "/", "."), m.SHA256[:16], letters(m.Flags)))
		}
	}
	sort.Strings(out)
	return strings.Join(out, "\n")
}

func letters(flags []string) string {
	known := map[string]string{`\Draft`: "D", `\Flagged`: "F", `\Answered`: "R", `\Seen`: "S", `\Deleted`: "T"}
	var out []string
	for _, f := range flags {
		out = append(out, known[f])
	}
	slices.Sort(out)
	return strings.Join(out, "")
}

// inStep checks that both sides hold the same, and that there is nothing left
// to do.
func (p *person) inStep() {
	p.t.Helper()
	l, r := p.local(), p.remote()
	if l != r {
		p.t.Fatalf("not in step: %s", difference(l, r))
	}
	if c := p.sync(); c.Any() {
		p.t.Fatalf("a run with nothing to do did something: %+v", c)
	}
	if again := p.remote(); again != r {
		p.t.Fatalf("a run with nothing to do changed the server: %s", difference(again, r))
	}
}

// difference shows the lines that only one side has.
func difference(local, remote string) string {
	count := map[string]int{}
	for l := range strings.SplitSeq(local, "\n") {
		count[l]++
	}
	for l := range strings.SplitSeq(remote, "\n") {
		count[l]--
	}
	var out []string
	for l, n := range count {
		if n > 0 {
			out = append(out, fmt.Sprintf("first only %d×: %s", n, l))
		} else if n < 0 {
			out = append(out, fmt.Sprintf("second only %d×: %s", -n, l))
		}
	}
	sort.Strings(out)
	return strings.Join(out, "; ")
}

// clone makes another person with the same mail on both sides, whose state
// and UIDs are those of p.
func (p *person) clone(t testing.TB) *person {
	t.Helper()
	if p.remoteID == "" {
		p.remoteID = remoteID(&config.IMAP{User: p.user, Host: "127.0.0.1"})
	}
	q := *p
	q.t, q.dir = t, t.TempDir()
	q.user, q.pass = p.srv.NewUser()
	copyTree(t, p.srv.MailHome(p.user), p.srv.MailHome(q.user))
	for _, d := range []string{"Mail", "state"} {
		if _, err := os.Stat(filepath.Join(p.dir, d)); err == nil {
			copyTree(t, filepath.Join(p.dir, d), filepath.Join(q.dir, d))
		}
	}
	q.configure()
	return &q
}

func copyTree(t testing.TB, from, to string) {
	t.Helper()
	if out, err := exec.Command("cp", "-a", from, to).CombinedOutput(); err != nil {
		t.Fatalf("copy %s: %v %s", from, err, out)
	}
}
