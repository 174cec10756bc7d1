package mbnames

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/internal/pyexpr"
)

const rounds = 20

// manyOptions are the same for all programs that write to dir.
func manyOptions(dir string) Options {
	return Options{
		Dir: filepath.Join(dir, "mbnames"), File: filepath.Join(dir, "list"),
		Header: "<\n", Sep: "\n", Footer: "\n>", PerItem: "%(accountname)s %(foldername)s",
		SortKey: func(_ context.Context, it Item) (any, error) {
			if strings.HasPrefix(it.Folder, "001") { // time for others to get in between
				time.Sleep(time.Duration(rand.IntN(500)) * time.Microsecond)
			}
			return pyexpr.Tuple{it.Account, it.Folder}, nil
		},
	}
}

func manyFolders(round int) (folders []string) {
	for i := range 1 + round {
		folders = append(folders, fmt.Sprintf("%03d-%s", i, strings.Repeat("x", 50)))
	}
	return folders
}

// writeMany has every account run some times, all at once, each writing the list.
func writeMany(dir string, accounts []string) error {
	w, err := New(manyOptions(dir))
	if err != nil {
		return err
	}
	errs := make([]error, len(accounts))
	var wg sync.WaitGroup
	for i, account := range accounts {
		wg.Go(func() {
			for round := range rounds {
				errs[i] = errors.Join(errs[i],
					w.Record(context.Background(), account, "/mail", manyFolders(round)),
					w.Write(context.Background()))
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// TestTogether: three programs with eight accounts write the same list, while
// somebody reads it. Nobody sees half a list, and what was in it once stays.
func TestTogether(t *testing.T) {
	dir := t.TempDir()
	var programs []*exec.Cmd
	var accounts []string
	for p, n := range []int{3, 3, 2} {
		var own []string
		for i := range n {
			own = append(own, fmt.Sprintf("account%d-%d", p, i))
		}
		accounts = append(accounts, own...)
		cmd := exec.Command(os.Args[0], own...)
		cmd.Env = append(os.Environ(), writerVar+"="+dir)
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		programs = append(programs, cmd)
	}
	t.Cleanup(func() { // of a test that failed
		for _, p := range programs {
			_ = p.Process.Kill()
		}
	})
	done := make(chan error, 1)
	go func() {
		var err error
		for _, p := range programs {
			err = errors.Join(err, p.Wait())
		}
		done <- err
	}()
	looks, seen := 0, map[string]int{}
	for running := true; running; {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			running = false
		case <-time.After(time.Millisecond):
		}
		data, err := os.ReadFile(manyOptions(dir).File)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if looks++; err != nil || !strings.HasPrefix(string(data), "<\n") || !strings.HasSuffix(string(data), "\n>") {
			t.Fatalf("half a list: %q, %v", data, err)
		}
		for _, account := range accounts {
			n := strings.Count(string(data), account+" ")
			if n < seen[account] {
				t.Fatalf("%s had %d folders in the list and has %d", account, seen[account], n)
			}
			seen[account] = n
		}
	}
	var want []string
	for _, account := range accounts {
		for _, f := range manyFolders(rounds - 1) {
			want = append(want, account+" "+f)
		}
	}
	if got, want := read(t, manyOptions(dir).File), "<\n"+strings.Join(want, "\n")+"\n>"; got != want {
		t.Errorf("the list is\n%s\nwant\n%s", got, want)
	}
	for _, d := range []string{dir, manyOptions(dir).Dir} {
		entries, err := os.ReadDir(d)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), draft) {
				t.Errorf("%s was left in %s", e.Name(), d)
			}
		}
	}
	t.Logf("looked at %d lists", looks)
}

// TestLockHeld: somebody holds the lock and does not go on.
func TestLockHeld(t *testing.T) {
	o := mutt(t)
	w := newWriter(t, o)
	record(t, w, "A", "INBOX")
	unlock, err := lock(context.Background(), o.Dir, lockLimit)
	if err != nil {
		t.Fatal(err)
	}
	w.lockLimit = 20 * time.Millisecond
	wantError(t, w.Write(context.Background()), o.File, "another program has held it", "20ms")
	w.lockLimit = time.Hour
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := w.Write(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want the end of the time", err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	if got := written(t, w); !strings.Contains(got, "INBOX") {
		t.Errorf("%q", got)
	}
}

// TestKilled: a program that is killed while it writes leaves the old list or the
// new one, and others go on.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	lists := 0
	for i := 0; i < 12 || lists < 3 && i < 100; i++ { // a busy machine takes its time
		cmd := exec.Command(os.Args[0], "a", "b")
		cmd.Env = append(os.Environ(), writerVar+"="+dir)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(5+4*i) * time.Millisecond)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		data, err := os.ReadFile(manyOptions(dir).File)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if lists++; err != nil || !strings.HasPrefix(string(data), "<\n") || !strings.HasSuffix(string(data), "\n>") {
			t.Fatalf("half a list: %q, %v", data, err)
		}
	}
	if lists == 0 {
		t.Error("no program lived long enough to write a list")
	}
	if err := writeMany(dir, []string{"a", "b"}); err != nil {
		t.Fatal(err)
	}
}
