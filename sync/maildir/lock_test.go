package maildir

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/offlineimap/offlineimapd/sync/store"
)

func lock(t *testing.T, s *Store) (unlock func()) {
	t.Helper()
	unlock, err := s.Lock()
	if err != nil {
		t.Fatal(err)
	}
	return unlock
}

func wantLocked(t *testing.T, s *Store) {
	t.Helper()
	_, err := s.Lock()
	var e *store.Error
	if !errors.As(err, &e) || e.Class != store.Temporary || e.Scope != store.ScopeStore || e.Hint == "" ||
		!strings.Contains(err.Error(), "another program works on the Maildir in "+s.root) {
		t.Fatalf("the lock of a tree that another has: %v", err)
	}
}

// Two configurations that share a tree would undo each other's work.
func TestLock(t *testing.T) {
	s := newStore(t, Options{})
	other := New(filepath.Join(s.root, "..", "Mail"), Options{Separator: '/'})
	unlock := lock(t, s)
	wantLocked(t, other)
	unlock()
	unlockOther := lock(t, other)
	unlock() // again: that frees nobody else's
	wantLocked(t, s)
	unlockOther()
	lock(t, s)()
	if es, err := os.ReadDir(s.root); err != nil || len(es) != 1 {
		t.Errorf("the lock left something behind: %v, %v", es, err)
	}
}

// The lock is of the kind that other processes see, and does not pass on to
// programs that are started meanwhile.
func TestLockProcess(t *testing.T) {
	s := newStore(t, Options{})
	unlock := lock(t, s)
	child := exec.Command("sleep", "60")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = child.Process.Kill(); _ = child.Wait() }()
	held := exec.Command("flock", "--nonblock", s.root, "true")
	if err := held.Run(); err == nil {
		t.Error("another process got the lock")
	}
	unlock()
	if out, err := exec.Command("flock", "--nonblock", s.root, "true").CombinedOutput(); err != nil {
		t.Errorf("the lock is held after its end: %v, %s", err, out)
	}
}

func TestLockNoRoot(t *testing.T) {
	s := New(filepath.Join(t.TempDir(), "not", "there"), Options{})
	lock(t, s)()
	if _, err := os.Stat(s.root); !os.IsNotExist(err) {
		t.Errorf("the root was made: %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(file, Options{}).Lock(); store.ClassOf(err) != store.Config {
		t.Errorf("a root that is a file: %v", err)
	}
}

// Two first runs in a tree that is yet to be made: whoever makes it has it.
func TestLockBeforeTheRoot(t *testing.T) {
	root := filepath.Join(t.TempDir(), "Mail")
	one, two := New(root, Options{}), New(root, Options{})
	unlock, err := one.Lock()
	if err != nil {
		t.Fatal(err)
	}
	late, err := two.Lock()
	if err != nil {
		t.Fatal(err)
	}
	defer late()
	if err := one.SetIdentity("one"); err != nil {
		t.Fatal(err)
	}
	if err := two.SetIdentity("two"); store.ClassOf(err) != store.Temporary || err == nil {
		t.Fatalf("the other marks it too: %v", err)
	}
	unlock()
	if err := two.SetIdentity("two"); store.ClassOf(err) != store.Temporary || err == nil {
		t.Fatalf("the other marks it after all: %v", err)
	}
	if id, _, err := two.Identity(); id != "one" || err != nil {
		t.Fatalf("the mark is %q, %v", id, err)
	}
}
