package python

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/internal/pyexpr"
)

func TestNoChildWithoutNeed(t *testing.T) {
	e, _ := evaluator(t, "raise SystemExit")
	if got := must(t, e, "12"); got != int64(12) {
		t.Error(got)
	}
	fails(t, e, "1/0", "ZeroDivisionError")
	if pid := e.child(); pid != 0 {
		t.Errorf("there is a child %d", pid)
	}
	if out, _ := os.ReadFile("/proc/thread-self/children"); len(out) > 0 {
		t.Errorf("children: %s", out)
	}
}

func TestBadFiles(t *testing.T) {
	for name, c := range map[string]struct {
		body string
		want []string
	}{
		"syntax":     {"import os\ndef f(:\n", []string{":2: SyntaxError"}},
		"python 2":   {"x = 1\n\nprint x\n", []string{":3: SyntaxError", "print"}},
		"exception":  {"def f():\n    raise ValueError('bad\\nluck')\nf()\n", []string{":2: ValueError: bad luck"}},
		"module":     {"import re\nimport no_such_module_xyz\n", []string{":2: ModuleNotFoundError", "no_such_module_xyz"}},
		"sys.exit":   {"import sys\nsys.exit(4)\n", []string{":2: SystemExit: 4"}},
		"os._exit":   {"import os\nos._exit(3)\n", []string{"python3 ended with exit status 3"}},
		"kill":       {"import os\nos.kill(os.getpid(), 9)\n", []string{"python3 ended with signal: killed"}},
		"endless":    {"while True: pass\n", []string{"took longer than 1s"}},
		"stdin":      {"import sys\nx = input()\n", []string{":2: EOFError"}},
		"nul":        {"x = '\x00'\n", []string{"null bytes"}},
		"closed":     {"import os\nos.close(4)\nx = 1\n", []string{"python3 ended with exit status 1"}},
		"no text":    {"class E(Exception):\n    def __str__(self): raise self\nraise E\n", []string{":3: E: no text"}},
		"not UTF-8":  {"x = '\xff'\n", []string{"SyntaxError"}},
		"all closed": {"import os\nos.closerange(0, 10)\nx = 1\n", []string{"there is no answer"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, _ := evaluator(t, c.body, limit(20*time.Second))
			if name == "endless" {
				e.o.Limit = time.Second
			}
			fails(t, e, "x", append(c.want, e.o.File)...)
			if pid := e.child(); pid != 0 {
				t.Errorf("the child %d is kept", pid)
			}
		})
	}
	e, _ := evaluator(t, "x = 1")
	e.o.File += "-not-there"
	fails(t, e, "x", e.o.File, "FileNotFoundError")
}

// TestMended wants a file that was put right to be read anew, without a restart.
func TestMended(t *testing.T) {
	e, _ := evaluator(t, "x = 1 +")
	err := fails(t, e, "x", "SyntaxError")
	if err := os.WriteFile(e.o.File, []byte("x = 1"), 0o600); err != nil {
		t.Fatal(err)
	}
	if again := fails(t, e, "x"); again.Error() != err.Error() {
		t.Errorf("at once, it is read again: %v", again)
	}
	e.again = time.Now() // the pause is over
	if got := must(t, e, "x"); got != int64(1) {
		t.Error(got)
	}
}

func TestBackOff(t *testing.T) {
	dir := t.TempDir()
	e, _ := evaluator(t, "import os\nopen("+strconv.Quote(dir)+" + '/' + str(os.getpid()), 'w')\nos._exit(1)")
	for range 20 {
		fails(t, e, "x", "exit status 1")
	}
	fails(t, e, "x", "failed 3 times in a row", "not started for another", "exit status 1")
	started, err := os.ReadDir(dir)
	if err != nil || len(started) != mostFailures {
		t.Errorf("%d children were started (%v), want %d", len(started), err, mostFailures)
	}
	e.again = time.Now() // the pause is over
	fails(t, e, "x", "exit status 1")
	fails(t, e, "x", "failed 4 times in a row")
	if started, _ := os.ReadDir(dir); len(started) != mostFailures+1 {
		t.Errorf("%d children were started after the pause, want %d", len(started), mostFailures+1)
	}
}

func TestNoise(t *testing.T) {
	e, log := evaluator(t, `
import os, sys, threading
def flood(f):
    for i in range(2000):
        print("hunter2 " * 100)
    os.system("echo hunter2")
    return f
def grumble(f):
    os.system("echo from a child >&2")
    for i in range(100000):
        print("grumble", i, file=sys.stderr)
    sys.stderr.write("\xff\x1b no end" * 1000)
    return f
def fork(f):
    if os.fork() == 0:
        return "from a child"
    os.wait()
    return f
def raiser():
    raise KeyError
threading.Thread(target=raiser).start()
`)
	for _, src := range []string{"flood", "grumble", "fork"} {
		f := must(t, e, src)
		for range 2 {
			if got := call(t, f, "a"); got != "a" {
				t.Errorf("%s gives %v", src, got)
			}
		}
	}
	e.Close()
	s := log.String()
	if strings.Contains(s, "hunter2") {
		t.Error("standard output was logged")
	}
	for _, want := range []string{"from a child", "grumble 1", "python3 says more", "KeyError"} {
		if !strings.Contains(s, want) {
			t.Errorf("the log has no %q", want)
		}
	}
	if n := strings.Count(s, "\n"); n > 5*mostLines {
		t.Errorf("%d lines were logged", n)
	}
}

// TestCleanRoom is about what the user's code finds: no module of the working
// directory, no pipe of ours in its own children, and the directory we run in.
func TestCleanRoom(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, name := range []string{"json.py", "re.py", "keyword.py"} {
		if err := os.WriteFile(name, []byte("raise SystemExit('stranger')"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	e, _ := evaluator(t, "import keyword, os, subprocess, sys")
	if got := must(t, e, "os.getcwd()"); got != dir {
		t.Errorf("it runs in %v, not in %s", got, dir)
	}
	for _, src := range []string{
		`subprocess.run("ls /proc/self/fd", shell=True, stdout=subprocess.PIPE, close_fds=False, text=True).stdout.split()`,
		`os.system("ls /proc/self/fd >fds") or open("fds").read().split()`,
	} {
		for _, fd := range must(t, e, src).(pyexpr.List) {
			if fd == "4" {
				t.Errorf("%s: the pipe for answers is open", src)
			}
		}
	}
	if got := must(t, e, "sys.stdin.read()"); got != "" {
		t.Errorf("standard input has %q", got)
	}
	if got := must(t, e, "os.getpgrp() == os.getpid()"); got != true {
		t.Error("the child is in our group: Ctrl-C would reach it")
	}
	if err := syscall.Kill(-e.child(), syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if got := must(t, e, "len('abc')"); got != int64(3) {
		t.Error(got)
	}
}

// TestForgotten is about more functions than the child keeps.
func TestForgotten(t *testing.T) {
	e, _ := evaluator(t, "")
	first := must(t, e, "lambda: 0")
	for i := range 1030 {
		must(t, e, fmt.Sprintf("lambda: %d", i))
	}
	if got := call(t, first); got != int64(0) {
		t.Error(got)
	}
}
