package interp

import (
	"context"
	"time"

	"github.com/offlineimap/offlineimapd/internal/pyexpr/raise"
	"github.com/offlineimap/offlineimapd/internal/pyexpr/syntax"
)

// Program is an expression that has been read.
type Program struct {
	tree     syntax.Node
	library  *library
	patterns *patterns
}

// Load reads an expression, and checks that every name in it is known.
func Load(src string) (*Program, error) {
	tree, err := syntax.Parse(src)
	if err != nil {
		return nil, err
	}
	lib := newLibrary()
	for _, name := range syntax.Free(tree) {
		if _, ok := lib.names[name]; !ok {
			return nil, raise.Unsupported("%s", name)
		}
	}
	return &Program{tree: tree, library: lib, patterns: &patterns{}}, nil
}

// Run begins an evaluation, or a call of what an evaluation gave.
func (p *Program) Run(ctx context.Context) *Run {
	return &Run{ctx: ctx, end: time.Now().Add(maxTime), library: p.library, patterns: p.patterns}
}

// Eval evaluates the expression.
func (p *Program) Eval(r *Run) (any, error) {
	if err := r.tick(); err != nil {
		return nil, err
	}
	return r.eval(p.tree, nil)
}

// Call calls a function.
func (r *Run) Call(f any, values ...any) (any, error) {
	if err := r.tick(); err != nil {
		return nil, err
	}
	return r.call(f, args{pos: values})
}

// Make accounts for a list of n items that is made of a value.
func (r *Run) Make(n int) error { return r.makeTimes(int64(n), 16) }

// Items is all there is in a value that can be gone through, in any order.
func (r *Run) Items(v any) ([]any, error) {
	it, err := r.iterate(v)
	if err != nil {
		return nil, err
	}
	return r.collect(it)
}
