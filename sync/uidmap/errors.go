package uidmap

import (
	"context"
	"errors"
	"fmt"

	"github.com/mattn/go-sqlite3"

	"github.com/offlineimap/offlineimapd/sync/store"
)

// damage is what SQLite says of content that is not what was written.
type damage string

func (d damage) Error() string { return string(d) }

func damaged(err error) bool {
	var d damage
	var s sqlite3.Error
	return errors.As(err, &d) || errors.As(err, &s) && (s.Code == sqlite3.ErrCorrupt || s.Code == sqlite3.ErrNotADB)
}

// failed says what was attempted; a map that cannot be read or written stops all.
func failed(what string, err error) error {
	var e *store.Error
	if err == nil || errors.As(err, &e) {
		return err
	}
	class := store.Local
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		class = store.Cancelled
	}
	var s sqlite3.Error
	if errors.As(err, &s) && (s.Code == sqlite3.ErrInterrupt) {
		class = store.Cancelled
	}
	return store.Fail(class, store.ScopeStore, fmt.Errorf("%s: %w", what, err))
}
