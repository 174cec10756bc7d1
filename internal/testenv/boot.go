package testenv

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

//go:embed boot.sh
var bootScript string

// person is the ordinary user of a Machine.
const person = "tester"

// bootPatience is how long a machine may take to come up; it takes two seconds
// where nothing else runs.
const bootPatience = 60 * time.Second

// scriptPatience is how long one script may take.
const scriptPatience = 3 * time.Minute

// BootOptions say what is in a Machine.
type BootOptions struct {
	Deb   string            // a package to install, once the machine is up and the user's manager runs
	Bind  map[string]string // path inside: file or directory outside, to be seen there read-only
	Setup string            // a script that root runs at the end
}

// Machine is a booted systemd: process 1, journald, logind, the system bus, and
// for an ordinary user a manager and a session bus. It sees this machine's root
// file system as it was when it booted, and keeps its changes in memory; its
// network is a loopback of its own.
type Machine struct {
	t        T
	pid      int // of process 1, as this process sees it
	uid, gid int
	home     string
	keeper   *exec.Cmd
	alive    io.Closer // the machine lives until it is closed
	said     *bytes.Buffer
	down     bool
}

var booted atomic.Int64

// Boot boots a machine for t. It needs root, and overlayfs; without, the test
// fails.
func Boot(t T, o BootOptions) *Machine {
	t.Helper()
	checkBoot(t)
	var binds strings.Builder
	for inside, outside := range o.Bind {
		fmt.Fprintln(&binds, inside, outside)
	}
	name := fmt.Sprintf("offlineimapd-test-%d-%d", os.Getpid(), booted.Add(1))
	cmd := exec.Command("bash", "-c", `eval "$BOOT"`, "boot", "keeper")
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), "BOOT="+bootScript, "NAME="+name, "PERSON="+person, "BINDS="+binds.String())
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Unshareflags: syscall.CLONE_NEWNS}
	m := &Machine{t: t, keeper: cmd, said: &bytes.Buffer{}}
	cmd.Stderr = m.said
	alive, err := cmd.StdinPipe()
	if err != nil {
		t.Fatalf("boot a machine: %v", err)
	}
	m.alive = alive
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatalf("boot a machine: %v", err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("boot a machine: %v\n%s", err, needed)
	}
	t.Cleanup(func() {
		if t.Failed() && !m.down {
			t.Logf("the end of the machine's journal:\n%s", m.journal())
		}
		m.Shut()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err == nil {
		m.pid, err = strconv.Atoi(strings.TrimSpace(line))
	}
	if err != nil {
		m.give("it did not start: %v", err)
	}
	m.awaitUser()
	if o.Deb != "" {
		m.install(o.Deb)
	}
	if o.Setup != "" {
		if out, exit := m.Root(o.Setup); exit != 0 {
			t.Fatalf("set the machine up: exit status %d\n%s", exit, out)
		}
	}
	return m
}

const needed = "it takes root with the right to mount, and overlayfs: in a container, docker run --privileged"

// checkBoot fails where a part is missing that apt-get can bring.
func checkBoot(t T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Fatalf("a systemd for tests can only be booted by root; run the tests as root")
	}
	for path, pkg := range map[string]string{
		"/lib/systemd/systemd":                   "systemd",
		"/lib/systemd/system/dbus.socket":        "dbus",
		"/usr/lib/systemd/user/dbus.socket":      "dbus-user-session",
		"/lib/*-linux-*/security/pam_systemd.so": "libpam-systemd",
		"/usr/sbin/useradd":                      "passwd",
		"/usr/bin/setpriv":                       "util-linux",
		"/usr/bin/find":                          "findutils",
	} {
		if found, _ := filepath.Glob(path); len(found) == 0 {
			t.Fatalf("%s is missing; install it with: apt-get install %s", path, pkg)
		}
	}
}

// give ends the test over a machine that does not come up.
func (m *Machine) give(format string, args ...any) {
	m.t.Helper()
	m.Shut()
	m.t.Fatalf("boot a machine: %s\n%s\n%s", fmt.Sprintf(format, args...), m.said, needed)
}

// awaitUser waits until the user's manager has started what it starts.
func (m *Machine) awaitUser() {
	m.t.Helper()
	limit := time.Now().Add(bootPatience)
	for m.uid == 0 || !exists(m.Path(fmt.Sprintf("/run/user/%d/bus", m.uid))) {
		switch {
		case !exists(fmt.Sprintf("/proc/%d", m.pid)):
			m.give("it ended while it started")
		case time.Now().After(limit):
			m.t.Fatalf("boot a machine: its user has no bus after %s", bootPatience)
		}
		time.Sleep(10 * time.Millisecond)
		m.findUser()
	}
	if out, _ := m.User("systemctl --user is-system-running --wait"); strings.TrimSpace(out) != "running" {
		m.t.Fatalf("boot a machine: the user's manager is %s", out)
	}
}

// findUser reads who the ordinary user is, where the machine's root is in place.
func (m *Machine) findUser() {
	if !exists(m.Path("/run/systemd/system")) {
		return
	}
	b, _ := os.ReadFile(m.Path("/etc/passwd"))
	for line := range strings.Lines(string(b)) {
		if f := strings.Split(strings.TrimSpace(line), ":"); len(f) == 7 && f[0] == person {
			m.uid, _ = strconv.Atoi(f[2])
			m.gid, _ = strconv.Atoi(f[3])
			m.home = f[5]
		}
	}
}

// install brings a package in, as a person would who has its file.
func (m *Machine) install(deb string) {
	m.t.Helper()
	b, err := os.ReadFile(deb)
	if err == nil {
		err = os.WriteFile(m.Path("/tmp/package.deb"), b, 0o644)
	}
	if err != nil {
		m.t.Fatalf("install a package: %v", err)
	}
	if out, exit := m.Root("dpkg -i /tmp/package.deb && rm /tmp/package.deb"); exit != 0 {
		m.t.Fatalf("install a package: dpkg ended with %d\n%s", exit, out)
	}
}

// Path returns how this process reaches a path inside. Absolute symbolic links
// on the way lead outside.
func (m *Machine) Path(inside string) string { return fmt.Sprintf("/proc/%d/root%s", m.pid, inside) }

// Home returns the ordinary user's home, as seen inside.
func (m *Machine) Home() string { return m.home }

// Owner returns the ordinary user's IDs, for files that are made from outside.
func (m *Machine) Owner() (uid, gid int) { return m.uid, m.gid }

// User runs a bash script as the ordinary user, in that user's home with a
// session bus, and returns what it said on both outputs, and its exit status.
// It may be called from several goroutines at once.
func (m *Machine) User(script string) (out string, exit int) {
	m.t.Helper()
	runtime := fmt.Sprintf("/run/user/%d", m.uid)
	return m.run(script, "setpriv", "--reuid", strconv.Itoa(m.uid), "--regid", strconv.Itoa(m.gid), "--init-groups",
		"env", "-i", "-C", m.home, "HOME="+m.home, "USER="+person, "LOGNAME="+person, "SHELL=/bin/bash", "LANG=C.UTF-8",
		"PATH=/usr/local/bin:/usr/bin:/bin", "XDG_RUNTIME_DIR="+runtime, "DBUS_SESSION_BUS_ADDRESS=unix:path="+runtime+"/bus")
}

// Root does the same as root, without a session.
func (m *Machine) Root(script string) (out string, exit int) {
	m.t.Helper()
	return m.run(script, "env", "-i", "-C", "/root", "HOME=/root", "USER=root", "LANG=C.UTF-8", "DEBIAN_FRONTEND=noninteractive",
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
}

func (m *Machine) run(script string, become ...string) (string, int) {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), scriptPatience)
	defer cancel()
	args := []string{"--target", strconv.Itoa(m.pid), "--pid", "--mount", "--cgroup", "--uts", "--ipc", "--net", "--"}
	args = append(append(args, become...), "bash", "-c", script)
	cmd := exec.CommandContext(ctx, "nsenter", args...)
	cmd.WaitDelay = time.Second // what the script leaves running may keep its outputs
	out, err := cmd.CombinedOutput()
	var ended *exec.ExitError
	switch {
	case ctx.Err() != nil:
		m.t.Errorf("a script in the machine did not end within %s:\n%s\n%s", scriptPatience, script, out)
		return string(out), -1
	case err == nil || errors.Is(err, exec.ErrWaitDelay):
		return string(out), 0
	case errors.As(err, &ended):
		return string(out), ended.ExitCode()
	}
	m.t.Errorf("run a script in the machine: %v", err)
	return string(out), -1
}

// journal is what the machine has to say about a failure.
func (m *Machine) journal() string {
	if !exists(m.Path("/run/systemd/journal")) {
		return m.said.String()
	}
	out, _ := m.Root("journalctl --no-pager -o short-precise -n 150")
	return out
}

// Shut ends the machine and everything in it at once. Shutting it twice does
// nothing.
func (m *Machine) Shut() {
	m.t.Helper()
	if m.down {
		return
	}
	m.down = true
	m.alive.Close()
	if err := m.keeper.Wait(); err != nil {
		m.t.Errorf("shut the machine: %v\n%s", err, m.said)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
