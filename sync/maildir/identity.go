package maildir

import (
	"errors"
	"fmt"
	"os"
	"strings"

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
	if s.late != nil {
		unlock, err := s.lock()
		if err != nil {
			return err
		}
		s.late <- unlock
		s.late = nil
		// Whoever had the lock until now has left a mark.
		if was, _, err := s.Identity(); err != nil || was != "" && was != id {
			return &store.Error{Class: store.Temporary, Err: fmt.Errorf("another program made the Maildir in %s meanwhile", s.root), Hint: "run again"}
		}
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
