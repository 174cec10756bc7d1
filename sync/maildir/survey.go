package maildir

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/offlineimap/offlineimapd/sync/store"
)

// Survey lists the folders: directories that hold cur or new, the root itself
// among them, whose name is empty. A backup drops empty directories, so what is
// missing of a folder must not make it look moved away. Symbolic links are
// followed. A directory that may not be looked into is listed as not selectable.
func (s *Store) Survey(ctx context.Context) ([]store.Mailbox, error) {
	if err := s.haveRoot(); err != nil {
		return nil, err
	}
	v := survey{s: s, start: s.o.Now(), buf: s.lend()}
	defer s.giveBack(v.buf)
	if err := v.visit(ctx, "", nil); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, failed(store.ScopeStore, err)
	}
	slices.SortFunc(v.found, func(a, b store.Mailbox) int { return strings.Compare(a.Name, b.Name) })
	return v.found, nil
}

type survey struct {
	s     *Store
	start time.Time
	buf   *buffer
	found []store.Mailbox
}

// visit examines a directory and those inside it, where folders may be. above
// are the directories on the way there: a link that leads back to one of them
// is not followed.
func (v *survey) visit(ctx context.Context, name string, above []glance) error {
	path := v.s.path(name)
	here, err := look(path)
	if err != nil {
		return unlessGone(err)
	}
	for _, g := range above {
		if g.dev == here.dev && g.ino == here.ino {
			return nil
		}
	}
	v.examine(name)
	if name != "" && v.s.o.Separator != '/' {
		return nil
	}
	names, err := v.directories(ctx, path)
	if err != nil {
		return unlessGone(err)
	}
	above = append(above, here)
	for _, n := range names {
		if name != "" {
			n = name + "/" + n
		}
		if err := v.visit(ctx, n, above); err != nil {
			return err
		}
	}
	return nil
}

// directories names what may be a directory in path.
func (v *survey) directories(ctx context.Context, path string) ([]string, error) {
	fd, err := openAt(unix.AT_FDCWD, path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOATIME)
	if err != nil {
		return nil, pathErr("open", path, err)
	}
	defer unix.Close(fd)
	var names []string
	err = eachEntry(ctx, fd, v.buf.in, func(name []byte, kind byte) {
		switch n := string(name); n {
		case ".", "..", "cur", "new", "tmp":
		default:
			if kind == unix.DT_DIR || kind == unix.DT_LNK || kind == unix.DT_UNKNOWN {
				names = append(names, n)
			}
		}
	})
	if err != nil {
		return nil, pathErr("read", path, err)
	}
	return names, nil
}

// examine adds a directory to the list if it is a folder.
func (v *survey) examine(name string) {
	path := v.s.path(name)
	m := store.Mailbox{Name: name, Display: display(name), Selectable: true}
	g, err := lookBoth(path)
	switch {
	case err == nil:
		m.Stamp = stamp(g, v.start)
		v.found = append(v.found, m)
	case errors.Is(err, unix.EACCES):
		m.Selectable = false
		v.found = append(v.found, m)
	case unlessGone(err) != nil || halfThere(path):
		// Whatever it is, Scan will tell under the folder's own name.
		v.found = append(v.found, m)
	}
}

// halfThere tells whether what cannot be looked at as a folder is one all the
// same: one of its directories is there, or a link that leads nowhere now.
func halfThere(path string) bool {
	for _, sub := range subs[:inTmp] {
		if k := kind(path + "/" + sub); k == unix.S_IFDIR || k == unix.S_IFLNK {
			return true
		}
	}
	return false
}

// unlessGone drops errors that say no more than that there is no such
// directory, or none for us.
func unlessGone(err error) error {
	for _, ordinary := range []error{fs.ErrNotExist, unix.ENOTDIR, unix.ELOOP, unix.EACCES} {
		if errors.Is(err, ordinary) {
			return nil
		}
	}
	return err
}

func display(name string) string {
	if name == "" {
		return "(root)"
	}
	if q := strconv.Quote(name); q != `"`+name+`"` {
		return q
	}
	return name
}
