package state

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/offlineimap/offlineimapd/sync/store"
)

// hold runs cmd, which says a line once it has its lock, and returns a function
// that ends it.
func hold(t *testing.T, cmd *exec.Cmd) (end func()) {
	t.Helper()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "locked\n" {
		t.Fatalf("the child says %q, %v", line, err)
	}
	done := false
	end = func() {
		if !done {
			done = true
			in.Close()
			cmd.Wait()
		}
	}
	t.Cleanup(end)
	return end
}

func childLock() {
	l, err := Lock(context.Background(), os.Args[1], os.Args[2])
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("locked")
	io.Copy(io.Discard, os.Stdin)
	l.Unlock()
}

// childLockf and childFlock do as OfflineIMAP, without and with portalocker: a
// lock on a file that is made for it, and unlinked at the end.
func childLockf() {
	childTheirs(func(fd uintptr) error {
		return unix.FcntlFlock(fd, unix.F_SETLK, &unix.Flock_t{Type: unix.F_WRLCK})
	})
}

func childFlock() {
	childTheirs(func(fd uintptr) error { return unix.Flock(int(fd), unix.LOCK_EX|unix.LOCK_NB) })
}

func childTheirs(lock func(fd uintptr) error) {
	f, err := os.Create(os.Args[1])
	if err == nil {
		err = lock(f.Fd())
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("locked")
	io.Copy(io.Discard, os.Stdin)
	f.Close()
	os.Remove(os.Args[1])
}

const lockPy = `
import fcntl, sys, os
f = open(sys.argv[1], "w")
fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
print("locked", flush=True)
sys.stdin.read()
f.close()
os.unlink(sys.argv[1])
`

func TestLock(t *testing.T) {
	ctx := context.Background()
	python, err := exec.LookPath("python3")
	if err != nil {
		python = ""
	}
	for name, holder := range map[string]func(account, state string) *exec.Cmd{
		"offlineimapd":           func(a, s string) *exec.Cmd { return child("lock", a, s) },
		"offlineimapd elsewhere": func(a, s string) *exec.Cmd { return child("lock", a, s+"2") },
		"lockf":                  func(a, s string) *exec.Cmd { return child("lockf", a) },
		"flock":                  func(a, s string) *exec.Cmd { return child("flock", a) },
		"python": func(a, s string) *exec.Cmd {
			if python == "" { // the same system call as above, by the program that OfflineIMAP runs on
				return child("lockf", a)
			}
			return exec.Command(python, "-c", lockPy, a)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			account, state := filepath.Join(dir, "work.lock"), filepath.Join(dir, "Account-work", "state.db")
			cmd := holder(account, state)
			end := hold(t, cmd)
			_, err := Lock(ctx, account, state)
			if !errors.Is(err, ErrLocked) || store.ClassOf(err) != store.Temporary {
				t.Fatalf("not locked: %v", err)
			}
			if pid := fmt.Sprintf("process %d", cmd.Process.Pid); !strings.Contains(err.Error(), pid) && name != "flock" {
				t.Errorf("the holder is not named (%s): %v", pid, err)
			}
			end()
			l, err := Lock(ctx, account, state)
			if err != nil {
				t.Fatal(err)
			}
			if err := l.Unlock(); err != nil {
				t.Error(err)
			}
			for _, p := range []string{account, state + ".lock"} {
				if fi, err := os.Stat(p); err != nil || fi.Size() != 0 || fi.Mode().Perm()&0o077 != 0 && name == "offlineimapd" {
					t.Errorf("%s: %v, %v", p, fi, err)
				}
			}
		})
	}
}

// TestLockExcludesOthers is the other direction: OfflineIMAP meets our lock,
// and a second run within this process neither gets it nor breaks it.
func TestLockExcludesOthers(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	account, state := filepath.Join(dir, "work.lock"), filepath.Join(dir, "x.db")
	l, err := Lock(ctx, account, state)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := Lock(ctx, account, state); !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), "this one") {
			t.Errorf("a second run: %v", err)
		}
		for _, theirs := range []string{"lockf", "flock"} {
			if out, err := child(theirs, account).Output(); err == nil {
				t.Errorf("%s succeeded: %s", theirs, out)
			}
		}
		// Python's open(..., "w") truncated it; the lock stays.
		if out, err := child("lock", account, state).Output(); err == nil {
			t.Errorf("lock succeeded: %s", out)
		}
	}
	if err := l.Unlock(); err != nil {
		t.Fatal(err)
	}
	hold(t, child("lockf", account))()
	hold(t, child("flock", account))()
}

// TestLockFollowsTheName locks while another program makes, locks and unlinks
// the file all the time, and never ends up with a lock on a file without name.
func TestLockFollowsTheName(t *testing.T) {
	dir := t.TempDir()
	account, state := filepath.Join(dir, "work.lock"), filepath.Join(dir, "x.db")
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				os.Remove(account)
				if f, err := os.Create(account); err == nil {
					f.Close()
				}
			}
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for range 200 {
		l, err := Lock(ctx, account, state)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Unlock(); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	<-stopped
	l, err := Lock(ctx, account, state)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Unlock()
	if out, err := child("lockf", account).Output(); err == nil {
		t.Errorf("the lock is on a file without name: %s", out)
	}
}

func TestLockErrors(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	dir := t.TempDir()
	if _, err := Lock(ctx, filepath.Join(dir, "a"), filepath.Join(dir, "b")); store.ClassOf(err) != store.Cancelled {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Lock(context.Background(), filepath.Join(dir, "file", "x"), filepath.Join(dir, "b")); store.ClassOf(err) != store.Local {
		t.Error(err)
	}
	l, err := Lock(context.Background(), filepath.Join(dir, "a"), filepath.Join(dir, "b"))
	if err != nil {
		t.Fatalf("after a failure nothing is held: %v", err)
	}
	l.Unlock()
}
