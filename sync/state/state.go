package state

import (
	"context"
	"errors"

	"github.com/offlineimap/offlineimapd/sync/mail"
)

// Options say how a state is opened.
type Options struct {
	// Account is the account's name. A file of another account is set aside.
	Account string
	// ReadOnly works on a private copy and never writes beside the original; a
	// file that does not exist is an empty state. Commit works, on the copy.
	ReadOnly bool
	// Step, where not nil, is called at every point of a Commit where a crash
	// leaves something different behind, with the name of that point.
	Step func(name string)
}

// DB is the open state of one account.
type DB struct{}

type tx struct{}

var errSkeleton = errors.New("state: not there yet")

// Open opens or creates the state of an account.
func Open(ctx context.Context, path string, o Options) (*DB, error) { return nil, errSkeleton }

// Recovered tells what was wrong with a file that Open set aside, and where it
// is now, or "".
func (d *DB) Recovered() string { return "" }

// Folders returns every pair, in the order they were added.
func (d *DB) Folders(ctx context.Context) ([]Folder, error) { return nil, errSkeleton }

// Rows returns the base of a folder, ascending by UID.
func (d *DB) Rows(ctx context.Context, folder int64) ([]mail.Entry, error) { return nil, errSkeleton }

// Lookup returns those rows of the given UIDs that exist, ascending by UID.
func (d *DB) Lookup(ctx context.Context, folder int64, uids mail.Set) ([]mail.Entry, error) {
	return nil, errSkeleton
}

// Intents returns the open intents of a folder, in the order they were added.
func (d *DB) Intents(ctx context.Context, folder int64) ([]Intent, error) { return nil, errSkeleton }

// Meta returns the value kept under key.
func (d *DB) Meta(ctx context.Context, key string) (string, bool, error) { return "", false, errSkeleton }

// Commit makes all changes in one transaction, or none. With durable it is on
// disk when Commit returns; otherwise a crash of the machine, though not of the
// program, may take back the last commits, in whole and in order.
func (d *DB) Commit(ctx context.Context, durable bool, changes ...Change) error { return errSkeleton }

// Close marks the file clean and closes it.
func (d *DB) Close() error { return errSkeleton }

func (AddFolder) apply(*tx) error    { return errSkeleton }
func (SetStamps) apply(*tx) error    { return errSkeleton }
func (PutRows) apply(*tx) error      { return errSkeleton }
func (DropRows) apply(*tx) error     { return errSkeleton }
func (ForgetFolder) apply(*tx) error { return errSkeleton }
func (AddIntents) apply(*tx) error   { return errSkeleton }
func (CloseIntents) apply(*tx) error { return errSkeleton }
func (MarkUnknown) apply(*tx) error  { return errSkeleton }
func (SetMeta) apply(*tx) error      { return errSkeleton }
