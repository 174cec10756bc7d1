package pyexpr

import (
	"context"

	"github.com/offlineimap/offlineimapd/internal/pyexpr/interp"
)

// Eval evaluates one Python 3 expression. An exception of Python's is an *Error,
// of which SyntaxError, re.error and, for what would take too many steps or too much
// memory, TimeoutError are kinds.
func Eval(ctx context.Context, src string) (any, error) {
	p, err := interp.Load(src)
	if err != nil {
		return nil, err
	}
	r := p.Run(ctx)
	v, err := p.Eval(r)
	if err != nil {
		return nil, err
	}
	return export(p, r, v, 0)
}

// Check says whether an expression can be evaluated here, as far as that can be
// told without doing so: nil, an *Error of the kind SyntaxError, or
// ErrUnsupported.
func Check(src string) error {
	_, err := interp.Load(src)
	return err
}

// function is a Func of an expression.
type function struct {
	program *interp.Program
	value   any
}

func (f *function) Call(ctx context.Context, args ...any) (any, error) {
	values := make([]any, len(args))
	for i, a := range args {
		var err error
		if values[i], err = importValue(a, 0); err != nil {
			return nil, err
		}
	}
	r := f.program.Run(ctx)
	v, err := r.Call(f.value, values...)
	if err != nil {
		return nil, err
	}
	return export(f.program, r, v, 0)
}
