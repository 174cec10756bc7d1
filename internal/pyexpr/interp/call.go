package interp

import (
	"strings"

	"github.com/offlineimap/offlineimapd/internal/pyexpr/raise"
	"github.com/offlineimap/offlineimapd/internal/pyexpr/syntax"
)

// args are the arguments of a call.
type args struct {
	pos []any
	kw  []keyword
}

type keyword struct {
	name  string
	value any
}

// absent is the value of a parameter that got none.
type absent struct{}

// bind distributes arguments over parameters, which are given as their names
// with a space between; those with a ? may be left out, and have absent then.
// After "/ " there are none that may be given by name.
func (a args) bind(spec string) ([]any, error) {
	spec, positional := strings.CutPrefix(spec, "/ ")
	names := strings.Fields(spec)
	if len(a.pos) > len(names) {
		return nil, raise.Type("expected at most %d arguments, got %d", len(names), len(a.pos))
	}
	if positional && len(a.kw) > 0 {
		return nil, raise.Unsupported("the argument %s", a.kw[0].name)
	}
	out := make([]any, len(names))
	for i, name := range names {
		out[i] = absent{}
		if i < len(a.pos) {
			out[i] = a.pos[i]
			continue
		}
		found := false
		for _, k := range a.kw {
			if k.name == strings.TrimSuffix(name, "?") {
				out[i], found = k.value, true
			}
		}
		if !found && !strings.HasSuffix(name, "?") {
			if len(a.kw) > 0 {
				return nil, raise.Unsupported("arguments of those names")
			}
			return nil, raise.Type("missing required argument '%s'", name)
		}
	}
	for _, k := range a.kw {
		known := false
		for i, name := range names {
			known = known || k.name == strings.TrimSuffix(name, "?") && i >= len(a.pos)
		}
		if !known {
			return nil, raise.Unsupported("the argument %s", k.name)
		}
	}
	return out, nil
}

func (r *Run) evalCall(n *syntax.Call, s *scope) (any, error) {
	f, err := r.eval(n.Fn, s)
	if err != nil {
		return nil, err
	}
	var a args
	for _, arg := range n.Args {
		v, err := r.eval(arg.X, s)
		if err != nil {
			return nil, err
		}
		switch {
		case arg.Stars == 1:
			items, err := r.ordered(v)
			if err != nil {
				return nil, err
			}
			a.pos = append(a.pos, items...)
		case arg.Stars == 2:
			d, ok := v.(*Dict)
			if !ok || d.unordered {
				return nil, raise.Unsupported("** of a %s", nameOf(v))
			}
			for i, k := range d.Keys {
				name, ok := k.(string)
				if !ok {
					return nil, raise.Type("keywords must be strings")
				}
				if err := a.add(name, d.Values[i]); err != nil {
					return nil, err
				}
			}
		case arg.Name != "":
			if err := a.add(arg.Name, v); err != nil {
				return nil, err
			}
		default:
			a.pos = append(a.pos, v)
		}
	}
	return r.call(f, a)
}

func (a *args) add(name string, v any) error {
	for _, k := range a.kw {
		if k.name == name {
			return raise.Type("got multiple values for keyword argument '%s'", name)
		}
	}
	a.kw = append(a.kw, keyword{name, v})
	return nil
}

// call calls what can be called.
func (r *Run) call(f any, a args) (any, error) {
	if err := r.step(); err != nil {
		return nil, err
	}
	if r.calls++; r.calls > maxCalls {
		return nil, raise.Unsupported("more than %d calls within each other", maxCalls)
	}
	defer func() { r.calls-- }()
	switch f := f.(type) {
	case *Function:
		s, err := f.bind(a)
		if err != nil {
			return nil, err
		}
		return r.eval(f.Body, s)
	case *Builtin:
		return f.call(r, a)
	case *Type:
		return r.construct(f.name, a)
	}
	return nil, raise.Type("'%s' object is not callable", nameOf(f))
}

// bind makes the scope of a call.
func (f *Function) bind(a args) (*scope, error) {
	s := &scope{outer: f.scope}
	used := make([]bool, len(a.kw))
	next := 0
	for i, p := range f.Params {
		switch p.Kind {
		case syntax.ParamArgs:
			s.set(p.Name, &Tuple{a.pos[min(next, len(a.pos)):]})
			next = len(a.pos)
			continue
		case syntax.ParamKeywords:
			d := NewDict()
			for i, k := range a.kw {
				if !used[i] {
					used[i] = true
					if err := d.Set(k.name, k.value); err != nil {
						return nil, err
					}
				}
			}
			s.set(p.Name, d)
			continue
		}
		got := false
		if p.Kind != syntax.ParamKeyword && next < len(a.pos) {
			s.set(p.Name, a.pos[next])
			next++
			got = true
		}
		if p.Kind != syntax.ParamPositional {
			for i, k := range a.kw {
				if k.name != p.Name {
					continue
				}
				if got {
					return nil, raise.Type("got multiple values for argument '%s'", p.Name)
				}
				s.set(p.Name, k.value)
				used[i], got = true, true
			}
		}
		if !got {
			if p.Default == nil {
				return nil, raise.Type("missing a required argument: '%s'", p.Name)
			}
			s.set(p.Name, f.defaults[i])
		}
	}
	if next < len(a.pos) {
		return nil, raise.Type("takes %d positional arguments but %d were given", next, len(a.pos))
	}
	for i, u := range used {
		if !u {
			return nil, raise.Type("got an unexpected keyword argument '%s'", a.kw[i].name)
		}
	}
	return s, nil
}
