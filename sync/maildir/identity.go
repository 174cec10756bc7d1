package maildir

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/offlineimap/offlineimapd/sync/store"
)

const (
	marker     = ".offlineimapd"
	markerText = "offlineimapd knows this Maildir by the line below. Leave this file here, and do not copy it elsewhere."
)

// Root returns the path of the tree.
func (s *Store) Root() string { return s.root }

// Identity returns the id that SetIdentity left in the root, "" where there is
// none; exists tells whether there is a root. An empty directory where a disk
// should be mounted, or another tree at that place, has no id or another one.
func (s *Store) Identity() (id string, exists bool, err error) {
	if err := s.haveRoot(); err != nil {
		if errors.Is(err, ErrNoRoot) {
			err = nil
		}
		return "", false, err
	}
	text, err := os.ReadFile(s.root + "/" + marker)
	if errors.Is(err, os.ErrNotExist) {
		return "", true, nil
	}
	if err != nil {
		return "", true, failed(store.ScopeStore, err)
	}
	for line := range strings.Lines(string(text)) {
		if id, found := strings.CutPrefix(strings.TrimSpace(line), "id "); found && id != "" {
			return id, true, nil
		}
	}
	return "", true, nil
}

// Place tells where the marker is: its inode number in decimal, "" where there
// is no marker. Another place with the same identity is a copy of the tree or a
// restored backup. The same place proves less: a snapshot of the file system
// keeps it. SetIdentity writes the marker anew, so the place changes with it.
// The device is no part of it, as its number changes when the machine starts.
// FAT and exFAT number files anew whenever they are mounted: it is "" there.
func (s *Store) Place() (string, error) {
	path := s.root + "/" + marker
	st, err := again(func() (st unix.Stat_t, err error) { return st, unix.Stat(path, &st) })
	if err == unix.ENOENT {
		return "", nil
	}
	if err != nil {
		return "", failed(store.ScopeStore, pathErr("stat", path, err))
	}
	const exfat = 0x2011bab0
	var system unix.Statfs_t
	if err := unix.Statfs(path, &system); err == nil {
		switch uint32(system.Type) {
		case unix.MSDOS_SUPER_MAGIC, exfat:
			return "", nil
		}
	}
	return strconv.FormatUint(st.Ino, 10), nil
}

// SetIdentity makes the root where there is none, and writes id, one word, into
// it, durably. Nothing else makes the root: a missing one is the mark of a disk
// that is not mounted.
func (s *Store) SetIdentity(id string) error {
	if len(strings.Fields(id)) != 1 || strings.TrimSpace(id) != id {
		return fmt.Errorf("the identity %q is not one word", id)
	}
	if err := os.MkdirAll(s.root, 0o700); err != nil {
		return failed(store.ScopeStore, err)
	}
	if err := s.writeMarker(markerText + "\nid " + id + "\n"); err != nil {
		return failed(store.ScopeStore, err)
	}
	return nil
}

func (s *Store) writeMarker(text string) error {
	f, err := os.CreateTemp(s.root, marker+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return err
	}
	if err := os.Rename(f.Name(), s.root+"/"+marker); err != nil {
		return err
	}
	dir, err := os.Open(s.root)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
