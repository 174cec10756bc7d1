package state

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/mattn/go-sqlite3"

	"github.com/offlineimap/offlineimapd/sync/store"
)

// resolve follows symbolic links as SQLite does, which keeps its log beside the
// file that a link leads to.
func resolve(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	real, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		return path, nil
	}
	return real, err
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// create makes an empty state. It is made under another name and gets its own
// only when it is complete and durable: a file of that name is never half made.
func create(ctx context.Context, path, account string) (err error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	draft := path + ".new"
	for _, p := range family(draft) {
		if err := os.Remove(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	// SQLite gives its log the mode of this file.
	f, err := os.OpenFile(draft, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := fill(ctx, draft, account); err != nil {
		return errors.Join(err, os.Remove(draft))
	}
	if err := os.Rename(draft, path); err != nil {
		return err
	}
	return syncDir(dir)
}

func fill(ctx context.Context, path, account string) (err error) {
	c, err := dial(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	if err := c.durable(true); err != nil {
		return err
	}
	if err := c.each(ctx, "PRAGMA journal_mode = WAL", nil, func(v []driver.Value) error {
		if s := fmt.Sprintf("%s", v[0]); s != "wal" {
			return fmt.Errorf("SQLite cannot keep a write-ahead log here (journal mode %s)", s)
		}
		return nil
	}); err != nil {
		return err
	}
	if err := migrate(ctx, c, migrations); err != nil {
		return err
	}
	_, err = c.exec("INSERT INTO account (id, name, clean) VALUES (1, ?, 1)", octets(account))
	return err
}

// family lists a database file and those that SQLite keeps beside it.
func family(path string) []string {
	return []string{path, path + "-wal", path + "-shm", path + "-journal"}
}

// setAside renames a database and its log, the database first: what a crash
// leaves in between is a log without database, which Open knows.
func setAside(path string) (string, error) {
	base := path + ".corrupt-" + time.Now().UTC().Format("20060102T150405Z")
	aside := base
	for n := 2; exists(aside) || exists(aside+"-wal"); n++ {
		aside = fmt.Sprintf("%s-%d", base, n)
	}
	to := family(aside)
	for i, from := range family(path) {
		if err := os.Rename(from, to[i]); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return aside, syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// asDamage turns the errors of a schema that is not ours, which SQLite reports
// as mistakes in our SQL, into damage.
func asDamage(err error) error {
	var e sqlite3.Error
	if errors.As(err, &e) && e.Code == sqlite3.ErrError {
		return &damage{e.Error()}
	}
	return err
}

// copyAway copies a database and its log into a directory of its own. Another
// program may be writing meanwhile: a copy counts only if neither file changed
// while it was made.
func copyAway(ctx context.Context, path string) (dir string, err error) {
	dir, err = os.MkdirTemp("", "offlineimapd-state-")
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	to := filepath.Join(dir, filepath.Base(path))
	for range 20 {
		before := look(path) + look(path+"-wal")
		for _, suffix := range []string{"", "-wal"} {
			if err := copyFile(path+suffix, to+suffix); err != nil {
				return "", err
			}
		}
		if look(path)+look(path+"-wal") == before {
			return dir, nil
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	return "", &store.Error{Class: store.Temporary, Err: errors.New("it changes all the time"),
		Hint: "a run is writing to it; try again when that has ended"}
}

// look describes what a change of the file would change.
func look(path string) string {
	fi, err := os.Stat(path)
	if err != nil {
		return "none;"
	}
	return fmt.Sprintf("%d %d;", fi.Size(), fi.ModTime().UnixNano())
}

// copyFile makes to a copy of from, or removes it where there is no from.
func copyFile(from, to string) (err error) {
	in, err := os.Open(from)
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	if err != nil {
		return err
	}
	defer in.Close()
	if fi, err := in.Stat(); err != nil || !fi.Mode().IsRegular() {
		return errors.Join(err, store.Fail(store.Config, store.ScopeStore, errors.New("it is not a file")))
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
