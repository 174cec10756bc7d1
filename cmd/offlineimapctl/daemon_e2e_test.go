package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/offlineimap/offlineimapd/dbus/api"
	"github.com/offlineimap/offlineimapd/internal/testenv"
)

// install builds both programs into a directory.
func install(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	out, err := exec.Command("go", "build", "-o", dir, "github.com/offlineimap/offlineimapd/cmd/offlineimapd", "github.com/offlineimap/offlineimapd/cmd/offlineimapctl").CombinedOutput()
	if err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return dir
}

// person uses the programs as they are.
type person struct {
	t    *testing.T
	home string
	bin  string
	env  []string
}

func (p *person) ctl(args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	p.t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, filepath.Join(p.bin, "offlineimapctl"), args...)
	cmd.Env = p.env
	return cmd
}

// says runs offlineimapctl, and wants a status.
func (p *person) says(status int, args ...string) string {
	p.t.Helper()
	out, err := p.ctl(args...).CombinedOutput()
	if got, ok := exitStatus(err); !ok || got != status {
		p.t.Errorf("offlineimapctl %s: status %d, want %d\n%s", strings.Join(args, " "), got, status, out)
	}
	return string(out)
}

// types runs offlineimapctl on a terminal, and types a line once that shows a
// prompt.
func (p *person) types(prompt, line string, args ...string) (string, error) {
	p.t.Helper()
	master, tty := terminal(p.t)
	cmd := p.ctl(args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	tty.Close()
	var mu sync.Mutex
	var seen bytes.Buffer
	done := make(chan struct{})
	go func() {
		defer close(done)
		typed := false
		buf := make([]byte, 4096)
		for {
			n, err := master.Read(buf)
			mu.Lock()
			seen.Write(buf[:n])
			if !typed && strings.Contains(seen.String(), prompt) {
				typed = true
				_, _ = master.WriteString(line + "\n")
			}
			mu.Unlock()
			if err != nil {
				return // nobody has the other end any more
			}
		}
	}()
	err := cmd.Wait()
	<-done
	return seen.String(), err
}

// terminal opens a pseudo terminal.
func terminal(t *testing.T) (master, tty *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close() })
	n := 0
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	if n, err = unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN); err != nil {
		t.Fatal(err)
	}
	if tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	return master, tty
}

// TestTheDaemonItself goes once through what a person does with the two programs
// as they are built: the bus starts the daemon, a password is asked for at a
// terminal, mail comes.
func TestTheDaemonItself(t *testing.T) {
	p := &person{t: t, home: t.TempDir(), bin: install(t)}
	server := testenv.Memory(t)
	user, pass := server.NewUser()
	host, port, _ := net.SplitHostPort(server.Addr())
	rc := filepath.Join(p.home, ".offlineimaprc")
	config := fmt.Sprintf(`[general]
accounts = work
metadata = %[1]s/state
[Account work]
localrepository = here
remoterepository = there
[Repository here]
type = Maildir
localfolders = %[1]s/Mail
[Repository there]
type = IMAP
remotehost = %[2]s
remoteport = %[3]s
remoteuser = %[4]s
ssl = no
starttls = no
`, p.home, host, port, user)
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(rc, config)
	services := t.TempDir()
	log := filepath.Join(services, "log")
	write(filepath.Join(services, api.BusName+".service"), fmt.Sprintf("[D-BUS Service]\nName=%s\nExec=/bin/sh -c 'HOME=%s exec %s/offlineimapd 2>%s'\n", api.BusName, p.home, p.bin, log))
	bus := testenv.NewBus(t, services)
	t.Cleanup(func() {
		if b, err := os.ReadFile(log); err == nil && t.Failed() {
			t.Logf("offlineimapd said:\n%s", b)
		}
	})
	p.env = []string{"HOME=" + p.home, "DBUS_SESSION_BUS_ADDRESS=" + bus.Addr(), "LANG=C.UTF-8", "TERM=xterm", "PATH=" + os.Getenv("PATH"), "SYSTEMD_PAGER=cat"}

	mailer := testenv.Client(t, server.Addr(), user, pass)
	mailer.Append("INBOX", []byte("From: a@example.org\r\nSubject: one\r\n\r\nbody\r\n"), time.Now())

	p.says(exitNotRunning, "status")
	if out := p.says(0, "__complete", "sync", ""); !strings.Contains(out, "work\n") {
		t.Errorf("completion without a daemon: %s", out)
	}
	p.says(exitNotRunning, "list")

	out, err := p.types("Password of "+user, pass, "sync", "work")
	// The daemon's own first run may have brought the mail a moment before.
	if err != nil || !strings.Contains(out, "1 downloaded") && !strings.Contains(out, "in step") || strings.Contains(out, pass+"\r") {
		t.Errorf("sync: %v\n%s", err, out)
	}
	if n := len(testenv.MaildirSnapshot(t, filepath.Join(p.home, "Mail"))["INBOX"]); n != 1 {
		t.Errorf("%d mails are there", n)
	}
	for _, look := range []struct {
		args   []string
		status int
		want   string
	}{
		{nil, 0, "work"},
		{[]string{"status", "work"}, 0, "Last sync"},
		{[]string{"list"}, 0, "1 account listed."},
		{[]string{"folders"}, 0, "INBOX"},
		{[]string{"show", "work", "-p", "Messages", "--value"}, 0, "1\n"},
		{[]string{"jobs"}, 0, "done"},
		{[]string{"problems"}, 0, "no problems"},
		{[]string{"version"}, 0, api.BusName},
		{[]string{"config", "check"}, 0, ""},
		{[]string{"config", "show"}, 0, `"remotehost"`},
		{[]string{"config", "path"}, 0, rc},
		{[]string{"log-level"}, 0, "info"},
		{[]string{"wait", "--for=idle", "--timeout=20s"}, 0, ""},
		{[]string{"pause", "work", "--for=1h"}, 0, "paused until"},
		{[]string{"status"}, 0, "paused"},
		{[]string{"resume", "work"}, 0, "resumed"},
		{[]string{"wait", "--for=idle", "--timeout=20s"}, 0, ""},
		{[]string{"reload"}, 0, "configuration in force: " + rc + ", 1 account"},
		{[]string{"sync", "wrok"}, exitNoSuch, "hint: "},
		{[]string{"sync", "work/nowhere"}, exitNoSuch, "nowhere"},
		{[]string{"cancel", "99"}, exitNoSuch, "99"},
		{[]string{"approve", "work"}, exitNoSuch, "nothing of account"},
		{[]string{"doctor"}, 0, "work:\nok    folders        ~/Mail\n"},
	} {
		if out := p.says(look.status, look.args...); !strings.Contains(out, look.want) {
			t.Errorf("%v: no %q in\n%s", look.args, look.want, out)
		}
	}

	mailer.Append("INBOX", []byte("From: a@example.org\r\nSubject: two\r\n\r\nbody\r\n"), time.Now())
	if out := p.says(0, "sync", "work/INBOX", "--dry-run"); !strings.Contains(out, "download 1 mail") || !strings.Contains(out, "dry run: nothing was changed") {
		t.Errorf("dry run:\n%s", out)
	}
	if out := p.says(0, "sync", "--json=short"); !strings.Contains(out, `"result":"done"`) || !strings.Contains(out, `"downloaded":1`) {
		t.Errorf("sync as JSON:\n%s", out)
	}
	write(rc, config+"ssl = perhaps\n")
	if out := p.says(exitFailure, "reload"); !strings.Contains(out, rc+":") || !strings.Contains(out, "hint: ") {
		t.Errorf("reload of a bad configuration:\n%s", out)
	}
	p.says(78, "config", "check")
	if out := p.says(0, "sync"); !strings.Contains(out, "in step") {
		t.Errorf("sync with the configuration before:\n%s", out)
	}
}
