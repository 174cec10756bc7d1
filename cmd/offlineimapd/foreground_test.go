package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/offlineimap/offlineimapd/internal/testenv"
)

// said is what a program says; it may be read while the program runs.
type said struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (s *said) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(b)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

// called is a program that is called offlineimap: ours, or Debian's.
type called struct {
	*exec.Cmd
	t        testing.TB
	out, err said
}

// call prepares ours.
func (p *person) call(args ...string) *called {
	p.t.Helper()
	link := filepath.Join(p.dir, "offlineimap")
	self, err := os.Executable()
	p.must(err)
	if err := os.Symlink(self, link); !errors.Is(err, os.ErrExist) {
		p.must(err)
	}
	c := p.calling(link, args)
	c.Env = append(c.Env, beProgram+"=0")
	return c
}

// callTheirs prepares Debian's.
func (p *person) callTheirs(args ...string) *called { return p.calling("/usr/bin/offlineimap", args) }

func (p *person) calling(program string, args []string) *called {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	p.t.Cleanup(cancel)
	c := &called{Cmd: exec.CommandContext(ctx, program, args...), t: p.t}
	c.Env = append(os.Environ(), "HOME="+p.dir, "XDG_CONFIG_HOME=", "PYTHONWARNINGS=ignore")
	c.Stdout, c.Stderr = &c.out, &c.err
	return c
}

func (c *called) started() *called {
	c.t.Helper()
	if err := c.Start(); err != nil {
		c.t.Fatalf("%v (offlineimap is in the Debian package offlineimap3)", err)
	}
	return c
}

// until waits until words were said n times.
func (c *called) until(n int, words string) {
	c.t.Helper()
	for deadline := time.Now().Add(40 * time.Second); strings.Count(c.all(), words) < n; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			c.t.Fatalf("%q was not said %d times: %s", words, n, c.all())
		}
	}
}

func (c *called) all() string { return c.out.String() + c.err.String() }

func (c *called) signal(s syscall.Signal) {
	c.t.Helper()
	if err := c.Process.Signal(s); err != nil {
		c.t.Fatal(err)
	}
}

// status waits for the end; -1 stands for an end by a signal.
func (c *called) status() int {
	c.t.Helper()
	err := c.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		c.t.Fatalf("%v: %s", err, c.all())
	}
	return c.ProcessState.ExitCode()
}

// settings puts lines behind the headings of sections in the configuration.
func (p *person) settings(behind map[string]string) {
	p.t.Helper()
	b, err := os.ReadFile(p.config())
	p.must(err)
	s := string(b)
	for heading, lines := range behind {
		s = strings.Replace(s, heading, heading+"\n"+lines, 1)
	}
	p.must(os.WriteFile(p.config(), []byte(s), 0o600))
}

// TestStatusesAsTheirs calls both programs in the same ways, and wants the same
// exit status and nothing on a stream where the other has nothing.
func TestStatusesAsTheirs(t *testing.T) {
	t.Parallel()
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	strict := testenv.Dovecot(t, testenv.DovecotOptions{}) // where passwords are guessed it lets everybody wait
	refreshing := map[string]string{"[Account work]": "autorefresh = 5"}
	type way struct {
		name    string
		args    string // C stands for the configuration
		status  int
		set     map[string]string
		before  func(p *person)
		during  func(c *called)
		nowhere bool // nothing is said on standard output
		slow    bool // OfflineIMAP takes its time
		guesses bool // a wrong password is sent
	}
	ways := []way{
		{name: "clean", args: "-c C -o"},
		{name: "quiet", args: "-c C -o -u quiet"},
		{name: "other arguments", args: "surplus -c C more"},
		{name: "bad password, by -k", args: "-c C -o -k Repository_there:remotepass=wrong", status: 1, slow: true, guesses: true},
		{name: "locked", args: "-c C -o", status: 1, before: func(p *person) {
			p.must(os.MkdirAll(filepath.Join(p.dir, "state"), 0o700))
			f, err := os.Create(filepath.Join(p.dir, "state", "work.lock"))
			p.must(err)
			p.t.Cleanup(func() { f.Close() })
			p.must(unix.FcntlFlock(f.Fd(), unix.F_SETLK, &unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart}))
		}},
		{name: "unknown account", args: "-c C -a work,wrok", status: 1, nowhere: true},
		{name: "no such configuration", args: "-c /nowhere/config", status: 1, nowhere: true},
		{name: "no configuration", args: "", status: 1, nowhere: true},
		{name: "unknown interface", args: "-c C -u nonsense", status: 1, nowhere: true},
		{name: "unknown interface in the configuration", args: "-c C", status: 1, set: map[string]string{"[general]": "ui = nonsense"}},
		{name: "no such mailbox", args: "-c C -f Nowhere", status: 1},
		{name: "no such section", args: "-c C -k nowhere:a=b", status: 1, nowhere: true},
		{name: "unknown option", args: "--nonsense", status: 2, nowhere: true},
		{name: "no value", args: "-o -a", status: 2, nowhere: true},
		{name: "two options in one", args: "--m", status: 2, nowhere: true},
		{name: "version", args: "--version"},
		{name: "full version", args: "-V"},
		{name: "help", args: "-h"},
		{name: "ended while it sleeps", args: "-c C -u basic", set: refreshing, slow: true, during: func(c *called) {
			c.until(1, "*** Finished account")
			c.signal(syscall.SIGTERM)
		}},
		{name: "told to finish while it sleeps", args: "-c C -u basic", set: refreshing, slow: true, during: func(c *called) {
			c.until(1, "*** Finished account")
			c.signal(syscall.SIGUSR2)
		}},
		{name: "another mailbox of the name", args: "-c C -o", status: 2, before: func(p *person) {
			m := p.mailer()
			m.Create("Box")
			m.Append("Box", body(1), time.Time{})
			for _, c := range []*called{p.call("-c", p.config(), "-o"), p.callTheirs("-c", p.config(), "-o")} {
				if s := c.started().status(); s != 0 {
					p.t.Fatalf("status %d: %s", s, c.all())
				}
			}
			m.Delete("Box")
			m.Create("Box")
			m.Append("Box", body(2), time.Time{})
		}},
	}
	begin := func(t testing.TB, w way, prepare func(p *person, args ...string) *called) *called {
		at := srv
		if w.guesses {
			at = strict
		}
		p := newPerson(t, at)
		p.mailer().Append("INBOX", body(1), time.Time{})
		p.settings(w.set)
		if w.before != nil {
			w.before(p)
		}
		args := strings.Fields(w.args)
		for i := range args {
			if args[i] == "C" {
				args[i] = p.config()
			}
		}
		return prepare(p, args...).started()
	}
	both := func(t testing.TB, w way) [2]*called {
		return [2]*called{begin(t, w, (*person).call), begin(t, w, (*person).callTheirs)}
	}
	early := map[string][2]*called{}
	for _, w := range ways {
		if w.slow {
			early[w.name] = both(t, w)
		}
	}
	for _, w := range ways {
		for _, c := range early[w.name] {
			if w.during != nil {
				w.during(c)
			}
		}
	}
	slices.SortStableFunc(ways, func(a, b way) int { // what began first ends first
		return map[bool]int{true: 0, false: 1}[a.slow] - map[bool]int{true: 0, false: 1}[b.slow]
	})
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			programs, waits := early[w.name]
			if !waits {
				programs = both(t, w)
			}
			for i, c := range programs {
				name := [...]string{"ours", "theirs"}[i]
				if s := c.status(); s != w.status {
					t.Errorf("%s ended with %d, not %d: %s", name, s, w.status, c.all())
				}
				if w.nowhere && c.out.String() != "" {
					t.Errorf("%s said on standard output: %s", name, c.out.String())
				}
			}
		})
	}
}
