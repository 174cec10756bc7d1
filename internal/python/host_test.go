package python

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
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
			e, _ := evaluator(t, c.body, limit(time.Second))
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
	fails(t, e, "x", "SyntaxError")
	if err := os.WriteFile(e.o.File, []byte("x = 1"), 0o600); err != nil {
		t.Fatal(err)
	}
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

func TestLimit(t *testing.T) {
	e, _ := evaluator(t, "import os, subprocess, time, re\ndef f(x):\n    os.system('sleep 1000 & echo $! >'+x+'; sleep 1000')\n", limit(500*time.Millisecond))
	pidFile := t.TempDir() + "/pid"
	begin := time.Now()
	fails(t, e, "f("+strconv.Quote(pidFile)+")", "took longer than 500ms")
	data, err := os.ReadFile(pidFile)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "what the child started ends with it", func() bool { return !runs(pid) })
	// Python does not let another thread run meanwhile.
	fails(t, e, "re.match('(a+)+$', 'a' * 64 + 'b')", "took longer than 500ms")
	if d := time.Since(begin); d > 5*time.Second {
		t.Errorf("it took %v", d)
	}
	if got := must(t, e, "len('ab')"); got != int64(2) {
		t.Error(got)
	}
}

func TestCancel(t *testing.T) {
	e, _ := evaluator(t, "import time")
	must(t, e, "time")
	for _, src := range []string{"time.sleep(1000)", "re.match('(a+)+$', 'a' * 64 + 'b')"} {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(100*time.Millisecond, cancel)
		begin := time.Now()
		if _, err := e.Eval(ctx, src); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", src, err)
		}
		if d := time.Since(begin); d > 2*time.Second {
			t.Errorf("the wait went on for %v", d)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.Eval(ctx, "time"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if e.failures != 0 {
		t.Errorf("%d failures are the child's, which is not to blame", e.failures)
	}
	// Nor does anybody who waits for a turn wait longer than he wants.
	begun := make(chan struct{})
	done := make(chan error)
	long, stop := context.WithCancel(t.Context())
	go func() {
		close(begun)
		_, err := e.Eval(long, "time.sleep(1000)")
		done <- err
	}()
	<-begun
	short, stopShort := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer stopShort()
	if _, err := e.Eval(short, "time"); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	stop()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestClose(t *testing.T) {
	e, _ := evaluator(t, "import time, subprocess\nhelper = subprocess.Popen(['sleep', '1000'])")
	left := int(must(t, e, "helper.pid").(int64))
	defer func() { _ = syscall.Kill(left, syscall.SIGKILL) }()
	pid := e.child()
	done := make(chan error)
	go func() {
		_, err := e.Eval(t.Context(), "time.sleep(1000)")
		done <- err
	}()
	time.Sleep(50 * time.Millisecond)
	begin := time.Now()
	e.Close()
	if err := <-done; !errors.Is(err, errClosed) {
		t.Error(err)
	}
	if d := time.Since(begin); d > 3*time.Second {
		t.Errorf("Close took %v", d)
	}
	if runs(pid) {
		t.Errorf("the child %d still runs", pid)
	}
	fails(t, e, "time", errClosed.Error())
	if got := must(t, e, "3"); got != int64(3) {
		t.Error(got)
	}
	e.Close()
}

// TestCloseIdle wants the end of an idle child to be quick, and to spare what
// the user's code has left running.
func TestCloseIdle(t *testing.T) {
	e, _ := evaluator(t, "import subprocess, threading, time\nhelper = subprocess.Popen(['sleep', '1000'])\nthreading.Thread(target=time.sleep, args=(1000,)).start()\n")
	left := int(must(t, e, "helper.pid").(int64))
	defer func() { _ = syscall.Kill(left, syscall.SIGKILL) }()
	pid := e.child()
	begin := time.Now()
	e.Close()
	if d := time.Since(begin); d > 2*time.Second {
		t.Errorf("Close took %v", d)
	}
	if runs(pid) || !runs(left) {
		t.Errorf("child runs: %v, what it left runs: %v", runs(pid), runs(left))
	}
}

func TestDeath(t *testing.T) {
	e, _ := evaluator(t, "import os\nn = 0\ndef f(x):\n    global n\n    n += 1\n    return n\ndef die(x):\n    open(x, 'a').write('.')\n    os.kill(os.getpid(), 9)\n")
	f := must(t, e, "f")
	call(t, f, "")
	if got := call(t, f, ""); got != int64(2) {
		t.Errorf("the second call gives %v", got)
	}
	// Between requests: nobody notices, but that the file was read anew.
	pid := e.child()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the child is dead", func() bool { return !runs(pid) })
	if got := call(t, f, ""); got != int64(1) {
		t.Errorf("after the child died, a call gives %v", got)
	}
	// During one: it is told, and not repeated.
	mark := t.TempDir() + "/mark"
	fails(t, e, "die("+strconv.Quote(mark)+")", "there is no answer", "signal: killed")
	if data, err := os.ReadFile(mark); err != nil || string(data) != "." {
		t.Errorf("%q, %v: it was asked again", data, err)
	}
	if got := call(t, f, ""); got != int64(1) {
		t.Errorf("after the child died again, a call gives %v", got)
	}
	fails(t, e, "os._exit(3)", "python3 ended with exit status 3")
	fails(t, e, "os._exit(0)", "python3 ended")
	if got := must(t, e, "n"); got != int64(0) {
		t.Error(got)
	}
}

// TestUnseen is about a child that is gone when it is asked, but not known to be.
func TestUnseen(t *testing.T) {
	e, _ := evaluator(t, "x = 1")
	must(t, e, "x")
	old := e.host
	old.requests.Close() // the child ends; and so does every attempt to ask it
	<-old.ended
	e.host.ended = make(chan struct{})
	done := make(chan struct{})
	go func() { defer close(done); <-time.After(10 * time.Millisecond); close(old.ended) }()
	if got := must(t, e, "x"); got != int64(1) {
		t.Error(got)
	}
	<-done
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

// parent starts a child, puts it to work, tells who it is, and waits to be killed.
func parent(file string) {
	e := New(Options{File: file, InProcess: nothing})
	pid, err := e.Eval(context.Background(), "os.getpid()")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(pid)
	if src := os.Getenv(parentVar + "_BUSY"); src != "" {
		_, err := e.Eval(context.Background(), src)
		fmt.Println(err)
	}
	time.Sleep(time.Minute)
}

func TestParentKilled(t *testing.T) {
	for name, busy := range map[string]string{"idle": "", "busy": "work()"} {
		t.Run(name, func(t *testing.T) {
			mark := t.TempDir() + "/mark"
			file := write(t, "import os, time\ndef work():\n    os.system('sleep 1000 & echo $! >"+mark+"')\n    while True: pass\n")
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), parentVar+"="+file, parentVar+"_BUSY="+busy)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			line, _ := bufio.NewReader(out).ReadString('\n')
			pid, err := strconv.Atoi(strings.TrimSpace(line))
			if err != nil {
				t.Fatalf("the parent says %q", line)
			}
			work := 0
			if busy != "" {
				eventually(t, "the work has begun", func() bool {
					data, _ := os.ReadFile(mark)
					work, _ = strconv.Atoi(strings.TrimSpace(string(data)))
					return work > 0
				})
			}
			if !runs(pid) {
				t.Error("the child does not run")
			}
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			eventually(t, "the child ends with its parent", func() bool { return !runs(pid) })
			if work > 0 {
				eventually(t, "so does what it started", func() bool { return !runs(work) })
			}
		})
	}
}
