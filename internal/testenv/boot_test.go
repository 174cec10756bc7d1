package testenv

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestBoot(t *testing.T) {
	shared := filepath.Join(t.TempDir(), "shared")
	if err := os.WriteFile(shared, []byte("from outside\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	m := Boot(t, BootOptions{Bind: map[string]string{"/srv/given/file": shared}, Setup: "echo set up > /srv/setup"})
	t.Logf("up after %s", time.Since(began).Round(time.Millisecond))
	tests := []struct{ name, script, want string }{
		{"an ordinary user", "id -un; [ $(id -u) -ge 1000 ] && echo ordinary", "tester\nordinary"},
		{"at home", "pwd; touch file && ls", "/home/tester\nfile"},
		{"what is bound", "cat /srv/given/file; echo x 2>/dev/null >/srv/given/file || echo read-only", "from outside\nread-only"},
		{"what was set up", "cat /srv/setup", "set up"},
		{"a session bus", "busctl --user call org.freedesktop.DBus /org/freedesktop/DBus org.freedesktop.DBus GetId >/dev/null && echo there", "there"},
		{"a manager", "systemctl --user is-system-running", "running"},
		{"a unit", "systemd-run --user --wait --quiet -p Type=oneshot true; echo $?", "0"},
		{"one journal, the user's", "systemd-run --user --wait --quiet --unit=speaker echo spoken; journalctl --user -t echo -o cat", "spoken"},
		{"a loopback alone", "cat /proc/net/dev | grep -c :; grep -q ^00000000 /proc/net/tcp || echo no listener", "1\nno listener"},
		{"nothing of the host's /tmp", "ls /tmp | grep -v systemd-private; echo -n", ""},
		{"both outputs and a status", "echo out; echo err >&2; exit 7", "out\nerr"},
	}
	for _, tt := range tests {
		out, exit := m.User(tt.script)
		if strings.TrimSpace(out) != tt.want {
			t.Errorf("%s: exit status %d\n%s\nwanted\n%s", tt.name, exit, out, tt.want)
		}
	}
	if _, exit := m.User("exit 7"); exit != 7 {
		t.Errorf("the exit status is %d, not 7", exit)
	}
	if out, exit := m.Root("id -u; systemctl is-system-running"); out != "0\nrunning\n" || exit != 0 {
		t.Errorf("root: exit status %d, %q", exit, out)
	}
}

// TestBootMail has two machines up at once, each with a server of its own on
// the same port, that stops and starts.
func TestBootMail(t *testing.T) {
	for _, name := range []string{"one", "another"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := Boot(t, BootOptions{})
			s := m.Dovecot(DovecotOptions{})
			user, pass := s.NewUser()
			m.Client(s.Addr(), user, pass).Append("INBOX", []byte("Subject: "+name+"\r\n\r\n"), time.Time{})
			s.Stop()
			if nc, err := m.Dial(s.Addr()); err == nil {
				nc.Close()
				t.Error("the stopped server listens")
			}
			s.Start()
			if got := len(m.Client(s.Addr(), user, pass).Messages("INBOX")); got != 1 {
				t.Errorf("%d mails after a restart, not 1", got)
			}
		})
	}
}

// TestBootKilled kills the process that booted a machine, which must take
// everything with it.
func TestBootKilled(t *testing.T) {
	if os.Getenv("TESTENV_BOOT_AND_HANG") != "" {
		m := Boot(t, BootOptions{})
		fmt.Println("machine", m.pid)
		select {}
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestBootKilled$")
	cmd.Env = append(os.Environ(), "TESTENV_BOOT_AND_HANG=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	for lines := bufio.NewScanner(out); pid == 0 && lines.Scan(); {
		fmt.Sscanf(lines.Text(), "machine %d", &pid)
	}
	if pid == 0 {
		t.Fatal("the machine did not boot")
	}
	ours := fmt.Sprintf("offlineimapd-test-%d-", cmd.Process.Pid)
	if left := remains(t, pid, ours); len(left) == 0 {
		t.Error("nothing is found of a machine that runs: the test looks at the wrong places")
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	var left []string
	for limit := time.Now().Add(10 * time.Second); time.Now().Before(limit); time.Sleep(20 * time.Millisecond) {
		if left = remains(t, pid, ours); len(left) == 0 {
			return
		}
	}
	t.Errorf("left behind: %q", left)
}

// remains lists what is there of the machine: process 1, the cgroup.
func remains(t *testing.T, pid int, name string) []string {
	var found []string
	if path := fmt.Sprintf("/proc/%d", pid); exists(path) {
		found = append(found, path)
	}
	for _, dir := range []string{"/sys/fs/cgroup/", "/sys/fs/cgroup/unified/"} {
		cgroups, err := filepath.Glob(dir + name + "*")
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, cgroups...)
	}
	return found
}

// TestBootRefused runs TestBoot as a root that may not mount: it fails, and says
// what it takes.
func TestBootRefused(t *testing.T) {
	cmd := exec.Command("setpriv", "--bounding-set", "-sys_admin", os.Args[0], "-test.run=^TestBoot$")
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "it takes root with the right to mount, and overlayfs") {
		t.Errorf("%v\n%s", err, out)
	}
}
