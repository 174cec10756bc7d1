package state

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/offlineimap/offlineimapd/sync/store"
)

// ErrLocked says that another program works on the account.
var ErrLocked = errors.New("in use by another program")

// AccountLock is the right to work on an account.
type AccountLock struct {
	own, theirs *os.File
}

// Lock takes the right to work on an account: a lock of our own on
// <state>.lock, and OfflineIMAP's, <metadata>/<account>.lock. It does not wait:
// where another program, or this one, holds either, the error wraps ErrLocked,
// names the holder where it is known, and has the class Temporary.
//
// The order matters. OfflineIMAP's may be a POSIX lock, which does not exclude
// within a process and is lost as soon as the process closes any descriptor of
// the file; so the file is opened only by whoever has our own lock. That one
// alone would do among ourselves, even when OfflineIMAP unlinks its file.
func Lock(ctx context.Context, account, state string) (*AccountLock, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	own, err := lockOwn(state + ".lock")
	if err != nil {
		return nil, failLock(state+".lock", err)
	}
	theirs, err := lockTheirs(ctx, account)
	if err != nil {
		return nil, failLock(account, errors.Join(err, own.Close()))
	}
	return &AccountLock{own: own, theirs: theirs}, nil
}

// Unlock gives the right back. The files stay: whoever unlinks a lock file may
// unlink the lock of another.
//
// Closing a file is not enough: a process that is being started, such as a hook of
// another account, has it open for a moment too, and with it the lock.
func (l *AccountLock) Unlock() error {
	err := l.own.Truncate(0)
	for _, f := range []*os.File{l.theirs, l.own} {
		err = errors.Join(err, unix.Flock(int(f.Fd()), unix.LOCK_UN), f.Close())
	}
	return err
}

func failLock(path string, err error) error {
	err = fmt.Errorf("lock %q: %w", path, err)
	if errors.Is(err, ErrLocked) {
		return &store.Error{Class: store.Temporary, Err: err,
			Hint: "wait until OfflineIMAP or the other offlineimapd has ended this account's run, or end it"}
	}
	if store.ClassOf(err) == store.Cancelled {
		return err
	}
	return store.Fail(store.Local, store.ScopeStore, err)
}

func openLock(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
}

// lockOwn takes a flock, which excludes within a process too, and writes down
// who has it. Nobody unlinks this file.
func lockOwn(path string) (*os.File, error) {
	f, err := openLock(path)
	if err != nil {
		return nil, err
	}
	switch err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err {
	case nil:
	case unix.EWOULDBLOCK:
		b, _ := io.ReadAll(io.LimitReader(f, 20)) // only for the message
		pid, _ := strconv.Atoi(strings.TrimSpace(string(b)))
		return nil, errors.Join(held(pid), f.Close())
	default:
		return nil, errors.Join(err, f.Close())
	}
	err = f.Truncate(0)
	if err == nil {
		_, err = f.WriteAt(fmt.Appendf(nil, "%d\n", os.Getpid()), 0)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// lockTheirs takes the lock of OfflineIMAP, which unlinks the file when it
// ends: the one that was locked may have lost its name meanwhile. Then it
// excludes nobody, and the file that has the name now is tried.
func lockTheirs(ctx context.Context, path string) (*os.File, error) {
	for {
		f, err := openLock(path)
		if err != nil {
			return nil, err
		}
		if err := setLock(f); err != nil {
			return nil, errors.Join(err, f.Close())
		}
		var locked, named unix.Stat_t
		if err := unix.Fstat(int(f.Fd()), &locked); err != nil {
			return nil, errors.Join(err, f.Close())
		}
		err = unix.Stat(path, &named)
		if err == nil && locked.Dev == named.Dev && locked.Ino == named.Ino {
			return f, nil
		}
		if cerr := f.Close(); err != nil && err != unix.ENOENT || cerr != nil {
			return nil, errors.Join(err, cerr)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
}

// setLock takes both kinds of lock there are. OfflineIMAP uses Python's lockf,
// a POSIX lock, unless the module portalocker is installed, as pip does: then
// it uses flock, and the two do not see each other.
func setLock(f *os.File) error {
	remote, err := onNetwork(f)
	if err != nil {
		return err
	}
	if !remote {
		switch err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err {
		case nil:
		case unix.EWOULDBLOCK:
			return held(holder(f))
		default:
			return err
		}
	}
	err = unix.FcntlFlock(f.Fd(), unix.F_SETLK, &unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart})
	if err == unix.EAGAIN || err == unix.EACCES {
		return held(holder(f))
	}
	return err
}

// onNetwork tells whether f lies on a file system where Linux makes a POSIX
// lock of a flock: the second would be refused because of the first, and one
// does for both (flock(2), NFS details).
func onNetwork(f *os.File) (bool, error) {
	var s unix.Statfs_t
	if err := unix.Fstatfs(int(f.Fd()), &s); err != nil {
		return false, err
	}
	switch uint32(s.Type) { // its width depends on the processor
	case unix.NFS_SUPER_MAGIC, unix.CIFS_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC:
		return true, nil
	}
	return false, nil
}

// holder returns the process that has a POSIX lock on f, 0 where none is known.
func holder(f *os.File) int {
	l := unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart}
	if err := unix.FcntlFlock(f.Fd(), unix.F_GETLK, &l); err != nil || l.Type == unix.F_UNLCK {
		return 0
	}
	return int(l.Pid)
}

// held is the error for a lock that pid has; not above 0: not known.
func held(pid int) error {
	switch {
	case pid == os.Getpid():
		return fmt.Errorf("%w: this one, in another run", ErrLocked)
	case pid > 0:
		return fmt.Errorf("%w: process %d", ErrLocked, pid)
	}
	return ErrLocked
}
