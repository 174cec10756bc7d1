package pyexpr

import (
	"context"

	"github.com/offlineimap/offlineimapd/internal/pyexpr/raise"
)

// A value is nil, bool, int64, float64, string, Bytes, List, Tuple, Dict or Func.
type (
	// Bytes is what Python's bytes are.
	Bytes []byte
	// List is a list, a set, or whatever else can be gone through once.
	List []any
	// Tuple is a tuple.
	Tuple []any
	// Dict is a dict in its order.
	Dict []Pair
)

// Pair is one item of a Dict.
type Pair struct{ Key, Value any }

// Func is a value that can be called. It is safe for use by several goroutines,
// and every call ends.
type Func interface {
	Call(ctx context.Context, args ...any) (any, error)
}

// ErrUnsupported is within every error about an expression that may well be
// Python, but needs more of it than there is here: a name that nothing here
// gives, or a construct or method that is not known.
var ErrUnsupported = raise.ErrUnsupported

// Error is an exception of Python's: the expression was understood, and failed.
type Error = raise.Error
