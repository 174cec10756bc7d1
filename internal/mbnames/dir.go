package mbnames

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	suffix   = ".json"             // of every cache, and of nothing else: OfflineIMAP reads all of those
	lockName = "offlineimapd.lock" // OfflineIMAP leaves it alone
	// lockLimit is how long to wait for others who write the list: they need
	// milliseconds, but for functions of the configuration that are slow.
	lockLimit = 20 * time.Second
	// maxCache bounds what is read of one cache, in bytes: some 100,000 mailboxes.
	maxCache = 32 << 20
)

// fileName is OfflineIMAP's name for the cache of an account, save that a slash
// cannot lead elsewhere.
func fileName(account string) (string, error) {
	switch {
	case account == "", account == ".", account == "..", strings.ContainsRune(account, 0):
		return "", fmt.Errorf("an account named %q cannot have a file", account)
	}
	return strings.ReplaceAll(account, "/", ".") + suffix, nil
}

// caches returns the names of all caches, sorted. A missing directory has none.
func caches(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), suffix) && !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// readBounded reads a file that may be anything.
func readBounded(path string) ([]byte, error) {
	// Without O_NONBLOCK, to open a pipe would wait for its other end.
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file")
	}
	data, err := io.ReadAll(io.LimitReader(f, maxCache+1))
	if err == nil && len(data) > maxCache {
		return nil, fmt.Errorf("it is larger than %d MiB", maxCache>>20)
	}
	return data, err
}

// lock excludes other writers of the list from the moment the caches are read
// until the output is written: who writes last has read what all have kept. The
// file stays: whoever unlinks a lock file may unlink the lock of another.
func lock(ctx context.Context, dir string, limit time.Duration) (unlock func() error, err error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	end := time.Now().Add(limit)
	for wait := time.Millisecond; ; wait = min(2*wait, 50*time.Millisecond) {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil:
			return f.Close, nil
		case err == unix.EINTR:
		case err != unix.EWOULDBLOCK:
			return nil, errors.Join(fmt.Errorf("lock %q: %w", f.Name(), err), f.Close())
		case time.Now().After(end):
			return nil, errors.Join(fmt.Errorf("lock %q: another program has held it for %v; the list is written after the next run", f.Name(), limit), f.Close())
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), f.Close())
		case <-time.After(wait):
		}
	}
}

// Prune removes from dir what is kept of accounts other than keep, and returns
// their names, slashes as dots. With dryRun it removes nothing. The output is for
// Write to make anew. A missing directory is no error.
func Prune(ctx context.Context, dir string, keep []string, dryRun bool) (removed []string, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("remove the mailbox names of accounts that are gone: %w", err)
		}
	}()
	var kept []string
	for _, account := range keep {
		name, err := fileName(account)
		if err != nil {
			return nil, err
		}
		kept = append(kept, name)
	}
	names, err := caches(dir)
	if err != nil || len(names) == 0 {
		return nil, err
	}
	if !dryRun {
		unlock, lerr := lock(ctx, dir, lockLimit)
		if lerr != nil {
			return nil, lerr
		}
		defer func() { err = errors.Join(err, unlock()) }()
	}
	for _, name := range names {
		if slices.Contains(kept, name) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return removed, err
		}
		if !dryRun {
			if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
				return removed, err
			}
		}
		removed = append(removed, strings.TrimSuffix(name, suffix))
	}
	if dryRun || len(removed) == 0 {
		return removed, nil
	}
	return removed, syncDir(dir)
}
