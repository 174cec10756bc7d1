package interp

import (
	"strings"

	"github.com/offlineimap/offlineimapd/internal/pyexpr/raise"
	"github.com/offlineimap/offlineimapd/internal/pyexpr/syntax"
)

// scope holds the names of a lambda or a comprehension. A function refers to the
// scope, not to the values of the moment, as in Python.
type scope struct {
	names  []string
	values []any
	bound  []bool
	outer  *scope
}

func (s *scope) set(name string, v any) {
	for i, n := range s.names {
		if n == name {
			s.values[i], s.bound[i] = v, true
			return
		}
	}
	s.names = append(s.names, name)
	s.values = append(s.values, v)
	s.bound = append(s.bound, true)
}

// declare makes a name one of the scope's before it has a value.
func (s *scope) declare(name string) {
	s.names = append(s.names, name)
	s.values = append(s.values, nil)
	s.bound = append(s.bound, false)
}

func (r *Run) lookup(s *scope, name string) (any, error) {
	for ; s != nil; s = s.outer {
		for i, n := range s.names {
			if n == name {
				if !s.bound[i] {
					return nil, raise.Unsupported("%s before it has a value", name)
				}
				return s.values[i], nil
			}
		}
	}
	if v, ok := r.library.names[name]; ok {
		return v, nil
	}
	return nil, raise.Unsupported("%s", name)
}

func (r *Run) eval(n syntax.Node, s *scope) (any, error) {
	if err := r.step(); err != nil {
		return nil, err
	}
	switch n := n.(type) {
	case *syntax.Const:
		return n.Value, nil
	case *syntax.Name:
		return r.lookup(s, n.ID)
	case *syntax.Tuple:
		items, err := r.items(n.Items, s)
		return &Tuple{items}, err
	case *syntax.List:
		items, err := r.items(n.Items, s)
		return &List{items}, err
	case *syntax.Set:
		items, err := r.items(n.Items, s)
		if err != nil {
			return nil, err
		}
		set := newSet()
		for _, x := range items {
			if err := set.add(x); err != nil {
				if len(items) > 1 { // a long display is made bit by bit
					return nil, raise.Unsupported("a set with such an item")
				}
				return nil, err
			}
		}
		return set, nil
	case *syntax.Dict:
		return r.dict(n, s)
	case *syntax.Unary:
		x, err := r.eval(n.X, s)
		if err != nil {
			return nil, err
		}
		return unary(n.Op, x)
	case *syntax.Binary:
		x, err := r.eval(n.L, s)
		if err != nil {
			return nil, err
		}
		y, err := r.eval(n.R, s)
		if err != nil {
			return nil, err
		}
		return r.binary(n.Op, x, y)
	case *syntax.Logic:
		var x any
		var err error
		for _, item := range n.Items {
			if x, err = r.eval(item, s); err != nil {
				return nil, err
			}
			t, err := truth(x)
			if err != nil || t != n.And {
				return x, err
			}
		}
		return x, nil
	case *syntax.Compare:
		return r.comparison(n, s)
	case *syntax.If:
		c, err := r.eval(n.Cond, s)
		if err != nil {
			return nil, err
		}
		t, err := truth(c)
		if err != nil {
			return nil, err
		}
		if t {
			return r.eval(n.Then, s)
		}
		return r.eval(n.Else, s)
	case *syntax.Lambda:
		f := &Function{Lambda: n, scope: s, defaults: make([]any, len(n.Params))}
		for i, p := range n.Params {
			if p.Default != nil {
				v, err := r.eval(p.Default, s)
				if err != nil {
					return nil, err
				}
				f.defaults[i] = v
			}
		}
		return f, nil
	case *syntax.Comp:
		return r.comprehension(n, s)
	case *syntax.Call:
		return r.evalCall(n, s)
	case *syntax.Attr:
		x, err := r.eval(n.X, s)
		if err != nil {
			return nil, err
		}
		return r.attribute(x, n.Name)
	case *syntax.Index:
		return r.subscript(n, s)
	case *syntax.FString:
		return r.fstring(n, s)
	}
	return nil, raise.Unsupported("a construct")
}

func (r *Run) items(nodes []syntax.Node, s *scope) ([]any, error) {
	out := make([]any, 0, len(nodes))
	for _, n := range nodes {
		star, ok := n.(*syntax.Star)
		if ok {
			n = star.X
		}
		v, err := r.eval(n, s)
		if err != nil {
			return nil, err
		}
		if !ok {
			out = append(out, v)
			continue
		}
		more, err := r.ordered(v)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, r.make(16 * len(out))
}

func (r *Run) dict(n *syntax.Dict, s *scope) (any, error) {
	d := NewDict()
	for _, it := range n.Items {
		if it.Key != nil {
			k, err := r.eval(it.Key, s)
			if err != nil {
				return nil, err
			}
			v, err := r.eval(it.Value, s)
			if err != nil {
				return nil, err
			}
			// Python makes a display at once, so that an error of a later item
			// comes before that of a key.
			if err := d.Set(k, v); err != nil {
				if len(n.Items) > 1 {
					return nil, raise.Unsupported("a dict with such a key")
				}
				return nil, err
			}
			continue
		}
		v, err := r.eval(it.Value, s)
		if err != nil {
			return nil, err
		}
		from, ok := v.(*Dict)
		if !ok {
			return nil, raise.Unsupported("** of a %s", nameOf(v))
		}
		if err := d.update(from); err != nil {
			return nil, err
		}
	}
	return d, r.make(64 * len(d.Keys))
}

func (d *Dict) update(from *Dict) error {
	d.unordered = d.unordered || from.unordered
	for i, k := range from.Keys {
		if err := d.Set(k, from.Values[i]); err != nil {
			return err
		}
	}
	return nil
}

func (r *Run) comparison(n *syntax.Compare, s *scope) (any, error) {
	x, err := r.eval(n.First, s)
	if err != nil {
		return nil, err
	}
	for i, op := range n.Ops {
		y, err := r.eval(n.Rest[i], s)
		if err != nil {
			return nil, err
		}
		ok, err := r.compare(op, x, y)
		if err != nil || !ok {
			return false, err
		}
		x = y
	}
	return true, nil
}

func (r *Run) fstring(n *syntax.FString, s *scope) (any, error) {
	var b strings.Builder
	for _, p := range n.Parts {
		text := p.Text
		if p.X != nil {
			v, err := r.eval(p.X, s)
			if err != nil {
				return nil, err
			}
			if v, err = r.convert(v, p.Conv); err != nil {
				return nil, err
			}
			var spec any = ""
			if p.Spec != nil {
				if spec, err = r.fstring(p.Spec, s); err != nil {
					return nil, err
				}
			}
			if text, err = r.format(v, spec.(string)); err != nil {
				return nil, err
			}
		}
		if err := r.make(len(text)); err != nil {
			return nil, err
		}
		b.WriteString(text)
	}
	return b.String(), nil
}
