package maildir

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/offlineimap/offlineimapd/sync/store"
)

// few is up to how many files or directories are made durable one by one. More
// take one sync of the file system, which also waits for what others wrote.
const few = 8

// grace is how long a sync under way is waited for after the context ended.
const grace = 500 * time.Millisecond

// Commit has the mails that wait in tmp written to the disk, all together, then
// renames them into new and cur, and then has the directories written. A mail
// in new or cur is thus always whole, whenever the machine stops.
func (s *Store) Commit(ctx context.Context, works ...store.Work) error {
	ws := make([]*work, 0, len(works))
	for _, one := range works {
		w, ok := one.(*work)
		if !ok || w.f.s != s || w.done {
			return fmt.Errorf("commit: not an open work of this Maildir")
		}
		if w.d != nil {
			ws = append(ws, w)
		} else {
			w.done = true
		}
	}
	// What did not leave tmp is removed in the end.
	defer func() {
		for _, w := range ws {
			w.Discard()
		}
	}()
	slices.SortFunc(ws, func(a, b *work) int { return int(int64(a.number) - int64(b.number)) })
	c := commit{ctx: ctx, durable: s.o.Durable}
	err := c.files(ws)
	for _, w := range ws {
		if err == nil && w.err == nil {
			err = w.deliver(ctx)
		}
	}
	if err == nil {
		err = c.directories(ws)
	}
	for _, w := range ws {
		if err != nil && w.err == nil {
			w.err = err
		}
	}
	return err
}

// deliver renames the waiting mails. Only the end of ctx is returned.
func (w *work) deliver(ctx context.Context) error {
	c := w.f.scheme
	for len(w.waiting) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		m := w.waiting[0]
		_, err := w.rename(place{inTmp, len(m.name), m.name}, home(m.flags), m.base, c.suffix("", m.flags))
		if err != nil {
			w.err = w.f.fail("deliver to", err)
			return nil
		}
		w.waiting = w.waiting[1:]
	}
	return nil
}

// commit makes things durable, on one file system after the other.
type commit struct {
	ctx     context.Context
	durable bool
}

// files has the mails in tmp written. Where one fails that is the failure of its
// Work; a sync of all tells no more than that something failed.
func (c *commit) files(ws []*work) error {
	return c.eachSystem(ws, func(ws []*work) error {
		n := 0
		for _, w := range ws {
			n += len(w.waiting)
		}
		if n > few && syncfsTrusted(ws[0].d.fd[inTmp]) {
			return c.syncfs(ws[0])
		}
		for _, w := range ws {
			for _, m := range w.waiting {
				err := c.file(w, m.name)
				if c.ctx.Err() != nil {
					return c.ctx.Err()
				}
				if err != nil {
					w.err = w.f.fail("write", err)
					break
				}
			}
		}
		return nil
	})
}

func (c *commit) file(w *work, name string) error {
	path := w.d.at(inTmp, name)
	fd, err := openAt(w.d.fd[inTmp], name, unix.O_RDONLY)
	if err != nil {
		return pathErr("open", path, err)
	}
	defer unix.Close(fd)
	return c.wait(fd, "fsync", path, unix.Fsync)
}

// directories has the renames and removals written.
func (c *commit) directories(ws []*work) error {
	return c.eachSystem(ws, func(ws []*work) error {
		n := 0
		for _, w := range ws {
			for _, touched := range w.touched {
				if touched {
					n++
				}
			}
		}
		if n > few && syncfsTrusted(ws[0].d.fd[inTmp]) {
			return c.syncfs(ws[0])
		}
		for _, w := range ws {
			for sub, touched := range w.touched {
				if !touched {
					continue
				}
				if err := c.wait(w.d.fd[sub], "fsync", w.d.path+"/"+subs[sub], unix.Fsync); err != nil {
					return c.failed(w, err)
				}
			}
		}
		return nil
	})
}

// syncfs has a file system written. w is the Work on it that was opened first:
// only errors since then are told (syncfs(2)).
func (c *commit) syncfs(w *work) error {
	return c.failed(w, c.wait(w.d.fd[inTmp], "syncfs", w.d.path, unix.Syncfs))
}

func (c *commit) failed(w *work, err error) error {
	if err == nil || c.ctx.Err() != nil && errors.Is(err, c.ctx.Err()) {
		return err
	}
	return fmt.Errorf("write %q to the disk: %w", w.f.name, failed(store.ScopeStore, err))
}

// eachSystem calls f with the Works on each file system, in the order given.
func (c *commit) eachSystem(ws []*work, f func([]*work) error) error {
	if !c.durable {
		return nil
	}
	systems := map[uint64][]*work{}
	for _, w := range ws {
		systems[w.dev] = append(systems[w.dev], w)
	}
	for _, w := range ws {
		if systems[w.dev][0] == w {
			if err := f(systems[w.dev]); err != nil {
				return err
			}
		}
	}
	return nil
}

// wait calls a sync, which no signal interrupts, on a goroutine of its own, and
// leaves it alone when the context has ended for a while.
func (c *commit) wait(fd int, op, path string, sync func(fd int) error) error {
	if err := c.ctx.Err(); err != nil {
		return err
	}
	// A descriptor of its own, since w's is closed when Commit returns. It shares
	// the file description, to which errors are told.
	own, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return pathErr(op, path, err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := again(func() (struct{}, error) { return struct{}{}, sync(own) })
		_ = unix.Close(own)
		done <- err
	}()
	select {
	case err = <-done:
	case <-c.ctx.Done():
		late := time.NewTimer(grace)
		defer late.Stop()
		select {
		case err = <-done:
		case <-late.C:
			return c.ctx.Err()
		}
	}
	if err != nil {
		return &os.PathError{Op: op, Path: path, Err: err}
	}
	return nil
}

// syncfsTrusted tells whether one syncfs makes everything durable and tells of
// errors: on local file systems, from Linux 5.8 on.
func syncfsTrusted(fd int) bool {
	var st unix.Statfs_t
	if err := unix.Fstatfs(fd, &st); err != nil || !kernelAtLeast(5, 8) {
		return false
	}
	const zfs = 0x2fc12fc1
	switch uint32(st.Type) {
	case unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.F2FS_SUPER_MAGIC,
		unix.TMPFS_MAGIC, unix.OVERLAYFS_SUPER_MAGIC, unix.BCACHEFS_SUPER_MAGIC, zfs:
		return true
	}
	return false
}

func kernelAtLeast(major, minor int) bool {
	var name unix.Utsname
	if unix.Uname(&name) != nil {
		return false
	}
	var a, b int
	if n, _ := fmt.Sscanf(unix.ByteSliceToString(name.Release[:]), "%d.%d", &a, &b); n != 2 {
		return false
	}
	return a > major || a == major && b >= minor
}
