package interp

import (
	"unicode/utf8"

	"github.com/offlineimap/offlineimapd/internal/pyexpr/raise"
	"github.com/offlineimap/offlineimapd/internal/pyexpr/syntax"
)

// Iter is an iterator: the one value that changes. Only the Run that made it may
// use it.
type Iter struct {
	kind string
	run  *Run
	next func() (any, bool, error)
	// unordered is set where items come out of a set, whose order is not
	// Python's. It may become so on the way.
	unordered bool
}

func (r *Run) newIter(kind string, next func() (any, bool, error)) *Iter {
	return &Iter{kind: kind, run: r, next: func() (any, bool, error) {
		if err := r.step(); err != nil {
			return nil, false, err
		}
		return next()
	}}
}

func (r *Run) over(kind string, items []any) *Iter {
	i := 0
	return r.newIter(kind, func() (any, bool, error) {
		if i >= len(items) {
			return nil, false, nil
		}
		i++
		return items[i-1], true, nil
	})
}

// iterate is iter of a value.
func (r *Run) iterate(v any) (*Iter, error) {
	switch v := v.(type) {
	case *Iter:
		if v.run != r {
			return nil, raise.Unsupported("an iterator that outlives its evaluation")
		}
		return v, nil
	case *List:
		return r.over("list_iterator", v.Items), nil
	case *Tuple:
		return r.over("tuple_iterator", v.Items), nil
	case *Dict:
		it := r.over("dict_keyiterator", v.Keys)
		it.unordered = v.unordered
		return it, nil
	case *Set:
		it := r.over("set_iterator", v.Keys)
		it.unordered = len(v.Keys) > 1
		return it, nil
	case *View:
		items := v.d.Keys
		switch v.kind {
		case 'v':
			items = v.d.Values
		case 'i':
			items = make([]any, len(v.d.Keys))
			for i, k := range v.d.Keys {
				items[i] = &Tuple{[]any{k, v.d.Values[i]}}
			}
		}
		it := r.over("dict_iterator", items)
		it.unordered = v.d.unordered
		return it, r.make(64 * len(items))
	case string:
		return r.newIter("str_iterator", func() (any, bool, error) {
			if v == "" {
				return nil, false, nil
			}
			_, n := utf8.DecodeRuneInString(v)
			c := v[:n]
			v = v[n:]
			return c, true, nil
		}), nil
	case Bytes:
		i := 0
		return r.newIter("bytes_iterator", func() (any, bool, error) {
			if i >= len(v) {
				return nil, false, nil
			}
			i++
			return int64(v[i-1]), true, nil
		}), nil
	case Range:
		var i int64
		n := v.len()
		return r.newIter("range_iterator", func() (any, bool, error) {
			if i >= n {
				return nil, false, nil
			}
			i++
			return v.at(i - 1), true, nil
		}), nil
	case Environ, *Type, Flag, *Module:
		return nil, raise.Unsupported("iteration over a %s", nameOf(v))
	}
	return nil, raise.Type("'%s' object is not iterable", nameOf(v))
}

// each hands over item after item, whatever their order.
func (r *Run) each(it *Iter, f func(any) error) error {
	for {
		x, ok, err := it.next()
		if ok && err == nil {
			err = f(x)
		}
		if err != nil && it.unordered {
			return unordered(err)
		}
		if err != nil || !ok {
			return err
		}
	}
}

// collect takes all that is left, whatever its order.
func (r *Run) collect(it *Iter) ([]any, error) {
	out := []any{}
	err := r.each(it, func(x any) error {
		out = append(out, x)
		return r.make(16)
	})
	return out, err
}

// unordered is what becomes of an error that another order may not have met.
func unordered(err error) error {
	if e, ok := err.(*raise.Error); ok && e.Kind != "TimeoutError" {
		return raise.Unsupported("%s, for some order of a set", e.Kind)
	}
	return err
}

// ordered takes all there is in a value, in Python's order.
func (r *Run) ordered(v any) ([]any, error) {
	it, err := r.iterate(v)
	if err != nil {
		return nil, err
	}
	if it.unordered {
		return nil, raise.Unsupported("the order of a set")
	}
	out, err := r.collect(it)
	if err == nil && it.unordered {
		return nil, raise.Unsupported("the order of a set")
	}
	return out, err
}

// stream is an iterator whose items come in Python's order.
func (r *Run) stream(v any) (*Iter, error) {
	it, err := r.iterate(v)
	if err != nil {
		return nil, err
	}
	inner := it
	return r.newIter(it.kind, func() (any, bool, error) {
		x, ok, err := inner.next()
		if inner.unordered {
			return nil, false, raise.Unsupported("the order of a set")
		}
		return x, ok, err
	}), nil
}

// comprehension evaluates a comprehension, or makes a generator of it.
func (r *Run) comprehension(n *syntax.Comp, s *scope) (any, error) {
	gen, err := r.generator(n, s)
	if err != nil || n.Kind == syntax.CompGenerator {
		return gen, err
	}
	switch n.Kind {
	case syntax.CompSet:
		set, err := r.setOf(gen)
		return set, err
	case syntax.CompDict:
		d := NewDict()
		n := 0
		err := r.each(gen, func(x any) error {
			p := x.(*Tuple)
			if err := d.Set(p.Items[0], p.Items[1]); err != nil {
				return err
			}
			n++
			return r.make(64)
		})
		if err == nil && gen.unordered && n > len(d.Keys) {
			return nil, raise.Unsupported("the order of a set") // which one was last?
		}
		d.unordered = gen.unordered
		return d, err
	}
	items, err := r.collect(gen)
	if err == nil && gen.unordered {
		return nil, raise.Unsupported("the order of a set")
	}
	return &List{items}, err
}

func (r *Run) generator(n *syntax.Comp, s *scope) (*Iter, error) {
	in := &scope{outer: s}
	for _, c := range n.Clauses {
		for _, name := range syntax.Targets(c.Target) {
			in.declare(name)
		}
	}
	// The first of them is evaluated at once, and outside.
	v, err := r.eval(n.Clauses[0].Iter, s)
	if err != nil {
		return nil, err
	}
	first, err := r.iterate(v)
	if err != nil {
		return nil, err
	}
	stack := []*Iter{first}
	var gen *Iter
	gen = r.newIter("generator", func() (any, bool, error) {
		for len(stack) > 0 {
			depth := len(stack) - 1
			x, ok, err := stack[depth].next()
			gen.unordered = gen.unordered || stack[depth].unordered
			if err != nil {
				return nil, false, err
			}
			if !ok {
				stack = stack[:depth]
				continue
			}
			c := n.Clauses[depth]
			if err := r.assign(c.Target, x, in); err != nil {
				return nil, false, err
			}
			if ok, err = r.holds(c.Ifs, in); err != nil {
				return nil, false, err
			}
			if !ok {
				continue
			}
			if depth+1 == len(n.Clauses) {
				x, err = r.element(n, in)
				return x, true, err
			}
			if v, err = r.eval(n.Clauses[depth+1].Iter, in); err != nil {
				return nil, false, err
			}
			it, err := r.iterate(v)
			if err != nil {
				return nil, false, err
			}
			gen.unordered = gen.unordered || it.unordered
			stack = append(stack, it)
		}
		return nil, false, nil
	})
	gen.unordered = first.unordered
	return gen, nil
}

func (r *Run) holds(conditions []syntax.Node, s *scope) (bool, error) {
	for _, c := range conditions {
		v, err := r.eval(c, s)
		if err != nil {
			return false, err
		}
		if ok, err := truth(v); err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

func (r *Run) element(n *syntax.Comp, s *scope) (any, error) {
	k, err := r.eval(n.Elem, s)
	if err != nil || n.Kind != syntax.CompDict {
		return k, err
	}
	v, err := r.eval(n.Value, s)
	return &Tuple{[]any{k, v}}, err
}

// assign gives a target its value.
func (r *Run) assign(target syntax.Node, v any, s *scope) error {
	t, ok := target.(*syntax.Tuple)
	if !ok {
		s.set(target.(*syntax.Name).ID, v)
		return nil
	}
	items, err := r.ordered(v)
	if err != nil {
		return err
	}
	star := -1
	for i, x := range t.Items {
		if _, ok := x.(*syntax.Star); ok {
			star = i
		}
	}
	if star < 0 && len(items) != len(t.Items) || star >= 0 && len(items) < len(t.Items)-1 {
		return raise.Value("wrong number of values to unpack")
	}
	for i, x := range t.Items {
		var v any
		switch {
		case i == star:
			n := len(items) - len(t.Items) + 1
			v, x = &List{items[i : i+n]}, x.(*syntax.Star).X
		case star >= 0 && i > star:
			v = items[len(items)-len(t.Items)+i]
		default:
			v = items[i]
		}
		if err := r.assign(x, v, s); err != nil {
			return err
		}
	}
	return nil
}
