package maildir

import (
	"context"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// work is a group of changes to one folder. New mails wait in tmp for Commit;
// flags, UIDs and removals are renames and unlinks that show at once.
type work struct {
	f       *folder
	d       *dirs
	buf     *buffer
	dev     uint64
	number  uint64 // ascends in the order in which works were opened
	waiting []waiting
	added   []mail.UID
	touched [2]bool     // whether new, cur must be made durable
	moves   [][2]string // for Options.Changed: paths before and after
	done    bool
	err     error
}

// waiting is a mail in tmp.
type waiting struct {
	name  string
	base  string // of the name that it will have
	uid   mail.UID
	flags mail.Flags
}

// begin opens the folder for the first change, and tells why there can be none.
func (w *work) begin(ctx context.Context) error {
	f := w.f
	switch {
	case f.bad != nil:
		return f.bad
	case f.readOnly:
		return store.Fail(store.Refused, store.ScopeFolder, fmt.Errorf("%q was opened to be read only", f.name))
	case w.done:
		return store.Fail(store.Local, store.ScopeFolder, fmt.Errorf("change of %q after its end", f.name))
	case ctx.Err() != nil:
		return ctx.Err()
	case w.d != nil:
		return nil
	}
	d, err := openToWrite(f.path())
	if err != nil {
		return f.fail("change", err)
	}
	st, err := again(func() (st unix.Stat_t, err error) { return st, unix.Fstat(d.fd[inTmp], &st) })
	if err != nil {
		d.close()
		return f.fail("change", pathErr("stat", d.path, err))
	}
	w.d, w.buf, w.dev, w.number = d, f.s.lend(), uint64(st.Dev), f.s.opened.Add(1)
	once, _ := f.s.cleaned.LoadOrStore(f.name, new(sync.Once))
	once.(*sync.Once).Do(func() { w.cleanTmp(ctx) })
	return nil
}

// cleanTmp removes what a run that was killed left in tmp: files that carry a
// UID of this folder. Nobody else may be writing those, as only one program has
// the account at a time. A failure is no reason not to write.
func (w *work) cleanTmp(ctx context.Context) {
	var left []string
	_ = eachEntry(ctx, w.d.fd[inTmp], w.buf.in, func(name []byte, kind byte) {
		if base, uid, _ := w.f.scheme.parse(name); uid != 0 && base == len(name) && isMail(name, kind) {
			left = append(left, string(name))
		}
	})
	for _, name := range left {
		_ = unix.Unlinkat(w.d.fd[inTmp], name, 0)
	}
}

// Added has no UIDs to tell: a Maildir assigns none.
func (w *work) Added() []mail.UID { return w.added }

func (w *work) Err() error { return w.err }

// Discard removes the mails that still wait in tmp, and tells of what was done.
func (w *work) Discard() {
	if w.done {
		return
	}
	w.done = true
	if w.d == nil {
		return
	}
	for _, m := range w.waiting {
		_ = unix.Unlinkat(w.d.fd[inTmp], m.name, 0)
	}
	w.waiting = nil
	for _, m := range w.moves {
		w.f.s.o.Changed(m[0], m[1])
	}
	w.moves = nil
	w.d.close()
	w.f.s.giveBack(w.buf)
}

// changed notes a change for whoever wants to be told. A place in tmp is none: what
// is there is not a mail yet.
func (w *work) changed(from, to place) {
	if w.f.s.o.Changed == nil || from == to {
		return
	}
	path := func(p place) string {
		if p.name == "" || p.sub == inTmp {
			return ""
		}
		return w.d.at(p.sub, p.name)
	}
	w.moves = append(w.moves, [2]string{path(from), path(to)})
}

// rename moves a file of the folder, and never onto another: in its place a
// name of its own is found then. from and the returned place are in new, cur or
// tmp.
func (w *work) rename(from place, sub int, base, suffix string) (place, error) {
	for range 100 {
		name := base + suffix
		err := renameOver(w.d.fd[from.sub], from.name, w.d.fd[sub], name)
		if err == nil {
			if from.sub != inTmp {
				w.touched[from.sub] = true
			}
			w.touched[sub] = true
			to := place{sub, len(base), name}
			w.changed(from, to)
			return to, nil
		}
		if err != unix.EEXIST {
			return from, &os.LinkError{Op: "rename", Old: w.d.at(from.sub, from.name), New: w.d.at(sub, name), Err: err}
		}
		base = w.f.s.freshName(w.f.scheme, w.f.scheme.uid([]byte(base)))
	}
	return from, pathErr("rename", w.d.at(from.sub, from.name), unix.EEXIST)
}

// renameOver renames, with EEXIST where there is another file of the new name.
func renameOver(oldDir int, old string, newDir int, name string) error {
	_, err := again(func() (struct{}, error) {
		return struct{}{}, unix.Renameat2(oldDir, old, newDir, name, unix.RENAME_NOREPLACE)
	})
	switch err {
	case unix.EINVAL, unix.ENOSYS, unix.EOPNOTSUPP: // not on this file system
		return renameByLink(oldDir, old, newDir, name)
	case unix.EEXIST:
		return renameSame(oldDir, old, newDir, name)
	}
	return err
}

// renameByLink does so with a second link, where there are links.
func renameByLink(oldDir int, old string, newDir int, name string) error {
	switch err := unix.Linkat(oldDir, old, newDir, name, 0); err {
	case nil:
		return unix.Unlinkat(oldDir, old, 0)
	case unix.EEXIST:
		return renameSame(oldDir, old, newDir, name)
	case unix.EPERM, unix.EOPNOTSUPP, unix.ENOSYS, unix.EMLINK:
		var st unix.Stat_t
		if err := unix.Fstatat(newDir, name, &st, unix.AT_SYMLINK_NOFOLLOW); err != unix.ENOENT {
			if err == nil {
				return renameSame(oldDir, old, newDir, name)
			}
			return err
		}
		return unix.Renameat(oldDir, old, newDir, name)
	default:
		return err
	}
}

// renameSame handles a new name that exists. It may be the same file: a second
// link that was left over (or made by a file server that did not hear its own
// answer), or the same name where case makes no difference.
func renameSame(oldDir int, old string, newDir int, name string) error {
	var a, b unix.Stat_t
	if err := unix.Fstatat(oldDir, old, &a, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return err
	}
	if err := unix.Fstatat(newDir, name, &b, unix.AT_SYMLINK_NOFOLLOW); err != nil || a.Dev != b.Dev || a.Ino != b.Ino {
		return unix.EEXIST
	}
	if a.Nlink > 1 {
		return unix.Unlinkat(oldDir, old, 0)
	}
	return unix.Renameat(oldDir, old, newDir, name)
}
