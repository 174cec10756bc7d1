package mbnames

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// draft is how the names of files begin that are not renamed yet. None ends as a
// cache does.
const draft = ".offlineimapd-mbnames-"

// replace makes data the contents of the file at path, durably, so that whoever
// reads it finds all of the old or all of the new. Where a symbolic link has that
// name, it stays, and the file that it leads to is replaced. A file that holds
// data already is left alone; another one keeps its mode and its group. A new one
// is for its owner only: what mailboxes there are is nobody else's business.
func replace(path string, data []byte) (err error) {
	path, err = follow(path)
	if err != nil {
		return err
	}
	dir, _ := filepath.Split(path)
	if dir == "" {
		dir = "."
	}
	mode, group := os.FileMode(0o600), -1
	switch st, err := os.Lstat(path); {
	case err == nil && !st.Mode().IsRegular():
		return fmt.Errorf("%q is there and not a regular file", path)
	case err == nil:
		if same(path, st.Size(), data) {
			return nil
		}
		mode = st.Mode().Perm()
		if s, ok := st.Sys().(*syscall.Stat_t); ok {
			group = int(s.Gid)
		}
	case !errors.Is(err, os.ErrNotExist):
		return err
	}
	f, err := os.CreateTemp(dir, draft+"*")
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("the directory %q does not exist: make it, or change filename in [mbnames]", filepath.Clean(dir))
	}
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		if group >= 0 && f.Chown(-1, group) != nil {
			mode &^= 0o070 // it would be for another group than before
		}
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	sweep(dir)
	return syncDir(dir)
}

// follow returns where the symbolic links that path names end, which need not
// exist. Only the last part of a path is looked at: to resolve the others is the
// kernel's, and a path that is cleaned may name something else.
func follow(path string) (string, error) {
	for range 40 { // as many as the kernel follows (path_resolution(7))
		st, err := os.Lstat(path)
		if errors.Is(err, os.ErrNotExist) || err == nil && st.Mode()&os.ModeSymlink == 0 {
			return path, nil
		}
		if err != nil {
			return "", err
		}
		to, err := os.Readlink(path)
		if err != nil {
			return "", err
		}
		if !filepath.IsAbs(to) {
			dir, _ := filepath.Split(path)
			to = dir + to
		}
		path = to
	}
	return "", fmt.Errorf("%q: %w", path, syscall.ELOOP)
}

// sweep removes what a crash left between writing and renaming, an hour ago or
// longer: nobody is still writing that.
func sweep(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), draft) {
			continue
		}
		if st, err := e.Info(); err == nil && st.Mode().IsRegular() && time.Since(st.ModTime()) > time.Hour {
			_ = os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}

// syncDir makes the names in dir durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
