package maildir

import (
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/offlineimap/offlineimapd/sync/store"
)

// Lock keeps every other Store, in this program or another, out of the tree
// until unlock is called or the program ends: two configurations that share a
// tree but not their metadata would each take the other's changes for a
// person's. Held by another it is an error of class Temporary.
//
// Nothing is locked, which is no error, where the file system has no such
// locks: NFS has none on directories. A root that does not exist is locked by
// SetIdentity, which makes it.
func (s *Store) Lock() (unlock func(), err error) {
	unlock, err = s.lock()
	if errors.Is(err, ErrNoRoot) {
		late := make(chan func(), 1)
		s.late = late
		return sync.OnceFunc(func() {
			select {
			case unlock := <-late:
				unlock()
			default:
			}
		}), nil
	}
	return unlock, err
}

func (s *Store) lock() (unlock func(), err error) {
	fd, err := openAt(unix.AT_FDCWD, s.root, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		// haveRoot has the better words, where it finds a reason.
		if reason := s.haveRoot(); reason != nil {
			return nil, reason
		}
		return nil, failed(store.ScopeStore, pathErr("open", s.root, err))
	}
	_, err = again(func() (struct{}, error) { return struct{}{}, unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) })
	switch err {
	case nil, unix.EBADF, unix.EINVAL, unix.ENOLCK, unix.ENOSYS, unix.EOPNOTSUPP:
		// Once: the number may be another file's after the first close. Unlocked by
		// name, as a program that is being started has the descriptor for a moment.
		return sync.OnceFunc(func() {
			_ = unix.Flock(fd, unix.LOCK_UN)
			_ = unix.Close(fd)
		}), nil
	}
	_ = unix.Close(fd)
	if err == unix.EWOULDBLOCK {
		return nil, &store.Error{Class: store.Temporary,
			Err:  fmt.Errorf("another program works on the Maildir in %s", s.root),
			Hint: "wait until it is done, or stop it; two accounts or configurations need a localfolders of their own each"}
	}
	return nil, failed(store.ScopeStore, pathErr("flock", s.root, err))
}
