package python

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// onTerminal runs the test program as parent in the foreground of a terminal. The
// person's side of it is returned, and what the program prints.
func onTerminal(t *testing.T, body, src string) (person *os.File, out *bufio.Reader) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { person.Close() })
	n, err := unix.IoctlGetUint32(int(person.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), parentVar+"="+write(t, body), parentVar+"_BUSY="+src, parentVar+"_LIMIT=4s")
	cmd.Stdin = tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return person, bufio.NewReader(pipe)
}

func line(t *testing.T, r *bufio.Reader) string {
	t.Helper()
	s, err := r.ReadString('\n')
	if err != nil {
		t.Fatalf("%q, %v", s, err)
	}
	return strings.TrimSpace(s)
}

func prompt(t *testing.T, person *os.File) {
	t.Helper()
	buf := make([]byte, 256)
	n, err := person.Read(buf)
	if err != nil || !strings.Contains(string(buf[:n]), "Password:") {
		t.Fatalf("the person sees %q, %v", buf[:n], err)
	}
}

// TestTerminal is about a file that asks for a password when it is loaded.
func TestTerminal(t *testing.T) {
	person, out := onTerminal(t, "import getpass, os\npw = getpass.getpass()\n", "len(pw)")
	prompt(t, person)
	if _, err := person.WriteString("hunter2\n"); err != nil {
		t.Fatal(err)
	}
	if pid, err := strconv.Atoi(line(t, out)); err != nil || pid == 0 {
		t.Fatal(err)
	}
	if got := line(t, out); got != "7 <nil>" {
		t.Errorf("the length of the password: %s", got)
	}
}

func TestTerminalLimit(t *testing.T) {
	mark := t.TempDir() + "/mark"
	person, out := onTerminal(t, `
import getpass, os, subprocess
def ask():
    helper = subprocess.Popen(["sh", "-c", "trap '' INT; sleep 1000; true"])
    open("`+mark+`.new", "w").write(str(helper.pid))
    os.rename("`+mark+`.new", "`+mark+`")
    return getpass.getpass()
`, "ask()")
	child, err := strconv.Atoi(line(t, out))
	if err != nil {
		t.Fatal(err)
	}
	prompt(t, person)
	data, err := os.ReadFile(mark)
	if err != nil {
		t.Fatal(err)
	}
	helper, err := strconv.Atoi(string(data))
	if err != nil {
		t.Fatal(err)
	}
	var below []int
	eventually(t, "the helper has a child", func() bool {
		below = descendants(helper)
		return len(below) == 1
	})
	echo := func() bool {
		state, err := unix.IoctlGetTermios(int(person.Fd()), unix.TCGETS)
		return err == nil && state.Lflag&unix.ECHO != 0
	}
	if echo() {
		t.Error("the password would be seen")
	}
	// The person has had enough; the program takes no notice in this test, and
	// neither must the child.
	if _, err := person.WriteString("\x03"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond)
	if !runs(child) {
		t.Error("Ctrl-C ended the child")
	}
	if got := line(t, out); !strings.Contains(got, "took longer than 4s") {
		t.Error(got)
	}
	for _, pid := range append(below, child, helper) {
		eventually(t, "all are ended", func() bool { return !runs(pid) })
	}
	if !echo() {
		t.Error("the terminal does not show any more what is typed")
	}
}
