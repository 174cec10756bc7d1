package python

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestLimit(t *testing.T) {
	e, _ := evaluator(t, "import os, subprocess, time, re\ndef f(x):\n    os.system('sleep 1000 & echo $! >'+x+'; sleep 1000')\n", limit(20*time.Second))
	pidFile := t.TempDir() + "/pid"
	must(t, e, "f")
	e.o.Limit = time.Second
	begin := time.Now()
	fails(t, e, "f("+strconv.Quote(pidFile)+")", "took longer than 1s")
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
	fails(t, e, "re.match('(a+)+$', 'a' * 64 + 'b')", "took longer than 1s")
	if d := time.Since(begin); d > 8*time.Second {
		t.Errorf("it took %v", d)
	}
	e.o.Limit = 20 * time.Second
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

// parent starts a child, puts it to work, tells who it is, and waits to be killed.
func parent(file string) {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGINT)
	limit, _ := time.ParseDuration(os.Getenv(parentVar + "_LIMIT"))
	e := New(Options{File: file, InProcess: nothing, Limit: limit})
	pid, err := e.Eval(context.Background(), "os.getpid()")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(pid)
	if src := os.Getenv(parentVar + "_BUSY"); src != "" {
		v, err := e.Eval(context.Background(), src)
		fmt.Println(v, err)
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

// An expression that wants more memory than there is for it is told so, and the next
// one is answered.
func TestMemory(t *testing.T) {
	ev := New(Options{})
	defer ev.Close()
	if _, err := ev.Eval(t.Context(), "len(bytearray(2 << 30))"); err == nil || !strings.Contains(err.Error(), "MemoryError") {
		t.Errorf("two gigabytes: %v", err)
	}
	if v, err := ev.Eval(t.Context(), "len(bytearray(1 << 20))"); err != nil || v != int64(1<<20) {
		t.Errorf("one megabyte: %v, %v", v, err)
	}
}
