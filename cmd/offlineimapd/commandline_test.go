package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/internal/testenv"
)

func TestCommandLine(t *testing.T) {
	for _, c := range []struct {
		args   string
		status int
		out    string // in standard output
		errs   string // in standard error
	}{
		{"--version", exitOK, "offlineimapd ", ""},
		{"--help", exitOK, "usage: offlineimapd [-c", ""},
		{"--json", exitUsage, "", "--once"},
		{"--once -o --json", exitUsage, "", "--once"},
		{"--approve INBOX", exitUsage, "", "--once"},
		{"--config-path -c /nowhere/config", exitConfig, "", "/nowhere/config"},
		{"--onec", exitUsage, "", "-onec"},
		{"--once surplus", exitUsage, "", `"surplus"`},
		{"--once -c /nowhere/config", exitConfig, "", "/nowhere/config"},
	} {
		var out, errs bytes.Buffer
		if s := run(strings.Fields(c.args), &out, &errs, nil); s != c.status || !strings.Contains(out.String(), c.out) || !strings.Contains(errs.String(), c.errs) {
			t.Errorf("offlineimapd %s: status %d, want %d: %s%s", c.args, s, c.status, out.String(), errs.String())
		}
	}
}

func TestStatuses(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	p := newPerson(t, srv)
	m := p.mailer()
	for i := range 4 {
		m.Append("INBOX", body(i), time.Time{})
	}
	said := func(status int, args []string, words ...string) string {
		t.Helper()
		got, out, errs := p.run(args...)
		if got != status {
			t.Fatalf("status %d, want %d: %s%s", got, status, out, errs)
		}
		for _, w := range words {
			if !strings.Contains(out+errs, w) {
				t.Fatalf("%q is not said: %s%s", w, out, errs)
			}
		}
		return out
	}
	// A slip that is put right before anything was synced is no other account.
	user := p.user
	p.user = "somebody"
	p.pass = "wrong"
	p.configure()
	said(exitError, nil)
	p.user, p.pass = user, "pass"
	p.configure()
	said(exitOK, nil, "4 downloaded")
	said(exitOK, nil, "nothing to do")
	said(exitConfig, []string{"-a", "wrok"}, `"wrok"`, "hint", `"work"`)
	var doc struct {
		Version, Status int
		Accounts        []struct{ Account, Result string }
	}
	p.must(json.Unmarshal([]byte(said(exitOK, []string{"--json"})), &doc))
	if doc.Version != 1 || doc.Status != 0 || doc.Accounts[0].Account != "work" || doc.Accounts[0].Result != "unchanged" {
		t.Errorf("%+v", doc)
	}

	for uid := 1; uid <= 4; uid++ {
		p.unlink("INBOX", uid)
	}
	said(exitHeld, nil, "held", "--approve INBOX")
	if len(m.Messages("INBOX")) != 4 {
		t.Fatal("a held plan was carried out")
	}
	said(exitOK, []string{"--approve", "INBOX"}, "4 removed on the server")

	// The root is not there, then another one is.
	p.must(os.Rename(p.root(), p.root()+".away"))
	said(exitHeld, nil, "does not exist", "--approve /")
	p.must(os.Mkdir(p.root(), 0o700))
	said(exitHeld, nil, "not the directory", "--approve /")
	p.must(os.Remove(p.root()))
	p.must(os.Rename(p.root()+".away", p.root()))
	said(exitOK, nil)

	p.pass = "wrong"
	p.configure()
	said(exitError, nil, "password")
	p.pass = "pass"
	p.more = "decodefoldernames = yes\n"
	p.configure()
	said(exitConfig, nil, "decodefoldernames", "config:")
	p.more = "maxconections = 2\n"
	p.configure()
	said(exitOK, nil, "warning", "maxconnections")
	srv.Stop()
	p.more = ""
	p.configure()
	said(exitError, nil, "connect")
}

// A dry run tells what a run does, and changes nothing at all.
func TestDryRun(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	files := func(p *person) string {
		var all strings.Builder
		filepath.Walk(p.dir, func(path string, info os.FileInfo, err error) error {
			p.must(err)
			all.WriteString(path + " " + info.Mode().String() + " " + info.ModTime().String())
			if info.Mode().IsRegular() {
				b, err := os.ReadFile(path)
				p.must(err)
				all.WriteString(testenv.SHA256(b))
			}
			all.WriteByte('\n')
			return nil
		})
		return all.String()
	}
	for _, sc := range scenarios {
		t.Run(sc.name, func(t *testing.T) {
			p := started(t, srv, sc)
			before, there := files(p), p.remote()
			status, out, errs := p.run("--dry-run")
			if status != exitOK || errs != "" {
				t.Fatalf("status %d: %s%s", status, out, errs)
			}
			if after := files(p); before != after {
				t.Fatalf("a dry run changed files: %s", difference(before, after))
			}
			if p.remote() != there {
				t.Fatal("a dry run changed the server")
			}
			if planned, done := p.sync("--dry-run"), p.sync(); planned.Downloaded != done.Downloaded || planned.Uploaded != done.Uploaded ||
				planned.RemovedLocal != done.RemovedLocal || planned.RemovedRemote != done.RemovedRemote || planned.FlagsLocal != done.FlagsLocal || planned.FlagsRemote != done.FlagsRemote {
				t.Fatalf("planned %+v, done %+v", planned, done)
			}
		})
	}
	t.Run("before anything", func(t *testing.T) {
		p := newPerson(t, srv)
		m := p.mailer()
		m.Append("INBOX", body(1), time.Time{})
		before := files(p)
		if c := p.sync("--dry-run"); c.Downloaded != 1 {
			t.Fatalf("%+v", c)
		}
		if after := files(p); before != after {
			t.Fatalf("a dry run made files: %s", difference(before, after))
		}
	})
}

// Two runs at once: one works, the other says so and leaves all alone.
func TestTwoAtOnce(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	p := newPerson(t, srv)
	m := p.mailer()
	m.Append("INBOX", body(1), time.Time{})
	proxy := testenv.Proxy(t, srv.Addr(), testenv.ProxyOptions{})
	p.through(proxy.Addr())
	proxy.Stall(true)
	cmd := p.command()
	p.must(cmd.Start())
	deadline := time.Now().Add(20 * time.Second)
	for proxy.Stats().Connections == 0 {
		if time.Now().After(deadline) {
			t.Fatal("it never connected")
		}
		time.Sleep(5 * time.Millisecond)
	}
	if status, out, errs := p.run(); status != exitError || !strings.Contains(errs, "another program") {
		t.Fatalf("status %d: %s%s", status, out, errs)
	}
	proxy.Stall(false)
	p.must(cmd.Wait())
	p.inStep()
}

func (p *person) command() *exec.Cmd {
	cmd := exec.Command(os.Args[0], "--once", "-c", p.config())
	cmd.Env = append(os.Environ(), beProgram+"=0")
	return cmd
}

// SIGTERM ends a run in order and soon, whatever it waits for.
func TestSignals(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		for _, stalled := range []bool{true, false} {
			p := newPerson(t, srv)
			m := p.mailer()
			for i := range 30 {
				m.Append("INBOX", large(i), time.Time{})
			}
			proxy := testenv.Proxy(t, srv.Addr(), testenv.ProxyOptions{})
			p.through(proxy.Addr())
			begun := make(chan struct{}, 100)
			proxy.OnExchange(func(n int, line string) {
				if strings.Contains(line, "BODY.PEEK") {
					if stalled {
						go proxy.Stall(true)
					}
					begun <- struct{}{}
				}
			})
			cmd := p.command()
			var errs bytes.Buffer
			cmd.Stderr = &errs
			p.must(cmd.Start())
			<-begun
			p.must(cmd.Process.Signal(sig))
			told := time.Now()
			err := cmd.Wait()
			took := time.Since(told)
			// The race detector alone adds a second to the end of a process.
			if took > 3*time.Second {
				t.Errorf("%v, stalled %v: it took %v", sig, stalled, took)
			}
			var exit *exec.ExitError
			if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != exitError) {
				t.Errorf("%v, stalled %v: %v %s", sig, stalled, err, errs.String())
			}
			p.through(srv.Addr())
			p.sync()
			p.inStep()
		}
	}
}
