package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Find returns the path of the configuration as OfflineIMAP finds it: flagPath
// if that is not "", else offlineimap/config below $XDG_CONFIG_HOME or
// ~/.config, else ~/.offlineimaprc. Files are never merged, and one that exists
// but cannot be read hides the next. The error is fs.ErrNotExist where there is
// none.
func Find(flagPath string, env func(string) string) (string, error) {
	if flagPath != "" {
		path := expandUser(flagPath, env)
		if !exists(path) {
			return "", fmt.Errorf("configuration file %s: %w", path, fs.ErrNotExist)
		}
		return path, nil
	}
	home := homeDir(env)
	dir := env("XDG_CONFIG_HOME")
	if dir == "" {
		dir = filepath.Join(home, ".config")
	}
	first, second := filepath.Join(dir, "offlineimap", "config"), filepath.Join(home, ".offlineimaprc")
	for _, path := range []string{first, second} {
		if exists(path) {
			return path, nil
		}
	}
	return "", fmt.Errorf("no configuration: neither %s nor %s exists; write one, or name it with -c: %w", first, second, fs.ErrNotExist)
}

// exists takes anything but "there is no such file" for a yes, so that Load
// tells the reason.
func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR)
}
