package interp

import (
	"strings"

	"github.com/offlineimap/offlineimapd/internal/pyexpr/raise"
)

// method is a method of a type. Its arguments are bound before it is called.
type method struct {
	params string // as of args.bind; "*" hands args over as they are
	call   func(r *Run, self any, a []any) (any, error)
	raw    func(r *Run, self any, a args) (any, error)
}

func (m method) invoke(r *Run, self any, a args) (any, error) {
	if m.raw != nil {
		return m.raw(r, self, a)
	}
	bound, err := a.bind(m.params)
	if err != nil {
		return nil, err
	}
	return m.call(r, self, bound)
}

// attribute is x.name. One that is not known here may be known to Python.
func (r *Run) attribute(x any, name string) (any, error) {
	switch x := x.(type) {
	case nil: // as of a match that is none
		if !strings.HasPrefix(name, "_") {
			return nil, &raise.Error{Kind: "AttributeError", Text: "'NoneType' object has no attribute '" + name + "'"}
		}
	case *Module:
		if v, ok := x.members[name]; ok {
			return v, nil
		}
		return nil, raise.Unsupported("%s.%s", x.name, name)
	case *Type:
		m, ok := r.library.methods[x.name][name]
		if !ok {
			return nil, raise.Unsupported("%s.%s", x.name, name)
		}
		return &Builtin{name, func(r *Run, a args) (any, error) {
			if len(a.pos) == 0 || nameOf(a.pos[0]) != x.name {
				return nil, raise.Type("descriptor '%s' for '%s' objects needs one", name, x.name)
			}
			self := a.pos[0]
			a.pos = a.pos[1:]
			return m.invoke(r, self, a)
		}}, nil
	case Environ:
		if name != "get" {
			return nil, raise.Unsupported("os.environ.%s", name)
		}
		return getenv, nil
	case *Match:
		if v, ok := x.attribute(name); ok {
			return v, nil
		}
	case *Pattern:
		switch name {
		case "pattern":
			return x.re.Source, nil
		case "groups":
			return int64(x.re.Groups), nil
		}
	}
	m, ok := r.library.methods[nameOf(x)][name]
	if !ok {
		return nil, raise.Unsupported(".%s of a %s", name, nameOf(x))
	}
	return &Builtin{name, func(r *Run, a args) (any, error) { return m.invoke(r, x, a) }}, nil
}
