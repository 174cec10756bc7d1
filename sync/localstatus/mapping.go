package localstatus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/offlineimap/offlineimapd/sync/engine"
	"github.com/offlineimap/offlineimapd/sync/mail"
)

// Mapping is what OfflineIMAP is to know of a folder of two servers: the UIDs that
// its mails have on them, and for which mailboxes these are good.
type Mapping struct {
	engine.FolderPair
	LocalValidity, RemoteValidity uint32
	Pairs                         map[mail.UID]mail.UID // remote UIDs by local ones
}

// before is behind the name of what a file was before WriteMapping first wrote it.
const before = ".before-offlineimapd"

// WriteMapping writes OfflineIMAP's UIDMapping of a folder, and its FolderValidity
// where it has none, of both sides, so that it knows the mails that others copied.
// It tells whether the mapping was another one. Where OfflineIMAP knows another
// mailbox, or a file would be of two folders of all, that is an error, and
// nothing is written. The caller holds OfflineIMAP's lock. dry: write nothing.
func (r Reader) WriteMapping(ctx context.Context, m Mapping, all []engine.FolderPair, dry bool) (changed bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	here, there := r.repository(r.o.LocalRepository), r.repository(r.o.RemoteRepository)
	local, remote := FileName(m.Local), r.remoteFile(m.Remote)
	for _, q := range all {
		switch {
		case q == m.FolderPair:
		case clash(FileName(q.Local), local):
			return false, fmt.Errorf("OfflineIMAP has no files of its own for each of two local folders, %q and %q", shown(m.Local), shown(q.Local))
		case clash(r.remoteFile(q.Remote), remote):
			return false, fmt.Errorf("OfflineIMAP has no files of its own for each of two mailboxes, %q and %q", remote, r.remoteFile(q.Remote))
		}
	}
	validities := []struct {
		file string
		is   uint32
		ours bool // there is none
	}{{file: filepath.Join(here, "FolderValidity", local), is: m.LocalValidity}, {file: filepath.Join(there, "FolderValidity", remote), is: m.RemoteValidity}}
	for i := range validities {
		v := &validities[i]
		was, err := readValidity(v.file)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			v.ours = true
		case err != nil:
			return false, err
		case was != v.is:
			return false, fmt.Errorf("by %s OfflineIMAP knows a mailbox with UIDVALIDITY %d, and it has %d: it does not touch the folder", v.file, was, v.is)
		}
	}
	var text bytes.Buffer
	for _, l := range slices.Sorted(maps.Keys(m.Pairs)) {
		fmt.Fprintf(&text, "%d:%d\n", l, m.Pairs[l])
	}
	file := filepath.Join(here, "UIDMapping", local)
	was, err := readFile(file)
	none := errors.Is(err, fs.ErrNotExist)
	if err != nil && !none {
		return false, err
	}
	changed = none || !bytes.Equal(was, text.Bytes())
	if dry {
		return changed, nil
	}
	if changed {
		if _, err := os.Lstat(file + before); !none && errors.Is(err, fs.ErrNotExist) {
			if err := replace(file+before, was); err != nil {
				return false, fmt.Errorf("keep what OfflineIMAP knew: %w", err)
			}
		}
		if err := replace(file, text.Bytes()); err != nil {
			return false, fmt.Errorf("write OfflineIMAP's map of UIDs: %w", err)
		}
	}
	for _, v := range validities {
		if v.ours {
			if err := replace(v.file, fmt.Appendf(nil, "%d\n", v.is)); err != nil {
				return changed, fmt.Errorf("write OfflineIMAP's UIDVALIDITY: %w", err)
			}
		}
	}
	return changed, nil
}

func (r Reader) repository(name string) string {
	return filepath.Join(r.o.Metadata, "Repository-"+component(name))
}

// clash tells whether OfflineIMAP would have one file for two purposes: for
// two folders, or for one and for its work on the other.
func clash(a, b string) bool {
	for _, more := range []string{"", ".tmp", ".lock", before, before + ".tmp"} {
		if a+more == b || b+more == a {
			return true
		}
	}
	return false
}

// replace writes a file in OfflineIMAP's manner, whole or not at all.
func replace(file string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	mode := fs.FileMode(0o600)
	if info, err := os.Stat(file); err == nil {
		mode = info.Mode().Perm()
	}
	tmp := file + ".tmp"
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	if err := os.Rename(tmp, file); err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	dir, err := os.Open(filepath.Dir(file))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
