package state

import (
	"context"
	"errors"
)

// ErrLocked says that another program works on the account.
var ErrLocked = errors.New("another program works on this account")

// AccountLock is the right to work on an account.
type AccountLock struct{}

// Lock takes the lock of OfflineIMAP, <metadata>/<account>.lock, and one of our
// own beside the state file, <state>.lock. It does not wait: where another
// program, or this one, holds either, the error is ErrLocked.
func Lock(ctx context.Context, account, state string) (*AccountLock, error) { return nil, errSkeleton }

// Unlock gives the right back. The files stay.
func (l *AccountLock) Unlock() error { return errSkeleton }
