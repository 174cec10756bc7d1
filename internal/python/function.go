package python

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/offlineimap/offlineimapd/internal/pyexpr"
)

// function is the nth function in the value of src.
type function struct {
	e     *Evaluator
	src   string
	n     int
	local pyexpr.Func           // nil: it is the child's
	why   atomic.Pointer[error] // the call that showed that it must be the child's
}

func (f *function) Call(ctx context.Context, args ...any) (any, error) {
	if f.local != nil && f.why.Load() == nil {
		v, err := f.local.Call(ctx, args...)
		if !errors.Is(err, pyexpr.ErrUnsupported) {
			return v, err
		}
		f.why.Store(&err)
	}
	q := question{Op: "call", Src: f.src, N: f.n, Args: make([]any, len(args)), why: pyexpr.ErrUnsupported}
	if why := f.why.Load(); why != nil {
		q.why = *why
	}
	for i, a := range args {
		var err error
		if q.Args[i], err = encode(a); err != nil {
			return nil, err
		}
	}
	return f.e.request(ctx, q)
}
