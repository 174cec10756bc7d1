package maildir

import (
	"context"

	"golang.org/x/sys/unix"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// SetFlags renames files. As OfflineIMAP does, a mail that is written to goes to
// cur if it is seen, else to new; one whose flags are right already stays.
func (w *work) SetFlags(ctx context.Context, changes []mail.FlagChange) (gone []mail.UID, err error) {
	refs := make([]mail.Ref, len(changes))
	for i, c := range changes {
		refs[i].UID = c.UID
	}
	mask := w.f.s.o.Mask
	missed, err := w.change(ctx, refs, func(i int, at place) (place, error) {
		_, _, old := w.f.scheme.parse([]byte(at.name))
		flags := old&^(changes[i].Clear&mask) | changes[i].Add&mask
		if flags == old {
			// The name may be out of date: the file must be there.
			var st unix.Stat_t
			if err := unix.Fstatat(w.d.fd[at.sub], at.name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
				return at, pathErr("stat", w.d.at(at.sub, at.name), err)
			}
			return at, nil
		}
		return w.rename(at, home(flags), at.name[:at.base], w.f.scheme.suffix(at.name[at.base:], flags))
	})
	for _, i := range missed {
		gone = append(gone, changes[i].UID)
	}
	return gone, err
}

// home is where a mail with these flags belongs.
func home(flags mail.Flags) int {
	if flags&mail.Seen != 0 {
		return inCur
	}
	return inNew
}

// Assign gives files a fresh name in the directory where they are. UID 0 takes
// away the UID that a name carries.
func (w *work) Assign(ctx context.Context, given []store.Assignment) (gone []string, err error) {
	refs := make([]mail.Ref, len(given))
	for i, g := range given {
		refs[i].Key = g.Key
	}
	missed, err := w.change(ctx, refs, func(i int, at place) (place, error) {
		c := w.f.scheme
		if c.uid([]byte(at.name)) == given[i].UID && given[i].UID != 0 {
			return at, nil // paired again after the base was lost
		}
		base := w.newName(at, given[i].UID)
		now, err := w.rename(at, at.sub, base, c.suffix(at.name[at.base:], flagsOf(c, at.name)))
		if err == nil && given[i].UID != 0 {
			w.f.places.put(mail.Ref{UID: given[i].UID}, now)
		}
		return now, err
	})
	for _, i := range missed {
		gone = append(gone, given[i].Key)
	}
	return gone, err
}

// newName makes a base for a file that is there. The time of a file that loses its
// UID is that of now: nothing but the name keeps such files apart.
func (w *work) newName(at place, uid mail.UID) string {
	if w.f.s.o.NameDate && uid != 0 {
		if t := datesOf(w.head(at)).named(); !t.IsZero() {
			return w.f.s.datedName(w.f.scheme, uid, t)
		}
	}
	return w.f.s.freshName(w.f.scheme, uid)
}

// head reads the start of a file, or nothing where it cannot.
func (w *work) head(at place) []byte {
	fd, err := openAt(w.d.fd[at.sub], at.name, unix.O_RDONLY|unix.O_NOATIME)
	if err != nil {
		return nil
	}
	defer unix.Close(fd)
	buf := w.buf.in[:bufferSize]
	n, err := again(func() (int, error) { return unix.Pread(fd, buf, 0) })
	if err != nil {
		return nil
	}
	return buf[:n]
}

func flagsOf(c scheme, name string) mail.Flags {
	_, _, flags := c.parse([]byte(name))
	return flags
}

// Remove unlinks files.
func (w *work) Remove(ctx context.Context, uids []mail.UID) error {
	refs := make([]mail.Ref, len(uids))
	for i, u := range uids {
		refs[i].UID = u
	}
	_, err := w.change(ctx, refs, func(i int, at place) (place, error) {
		if err := unix.Unlinkat(w.d.fd[at.sub], at.name, 0); err != nil {
			return at, pathErr("unlink", w.d.at(at.sub, at.name), err)
		}
		w.touched[at.sub] = true
		w.changed(at, place{})
		return place{}, nil
	})
	return err
}

// change calls do for each mail with its place, and returns which are gone.
func (w *work) change(ctx context.Context, refs []mail.Ref, do func(i int, at place) (place, error)) ([]int, error) {
	if err := w.begin(ctx); err != nil {
		return nil, err
	}
	gone, err := w.f.each(ctx, w.d, w.buf, refs, do)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, w.f.fail("change", err)
	}
	return gone, nil
}
