package interp

import "github.com/offlineimap/offlineimapd/internal/pyexpr/raise"

// library is what names mean, and what values have. It is never changed.
type library struct {
	names   map[string]any
	methods map[string]map[string]method // by class
}

func newLibrary() *library {
	l := &library{
		names: map[string]any{
			"re":      reModule(),
			"os":      osModule(),
			"environ": Environ{},
		},
		methods: map[string]map[string]method{
			"str":        textMethods,
			"bytes":      bytesMethods,
			"dict":       dictMethods,
			"list":       listMethods,
			"tuple":      listMethods,
			"set":        setMethods,
			"re.Pattern": patternMethods,
			"re.Match":   matchMethods,
		},
	}
	for name, m := range functions {
		l.names[name] = &Builtin{name, func(r *Run, a args) (any, error) {
			for _, v := range a.pos {
				if _, ok := v.(Flag); ok {
					return nil, raise.Unsupported("%s of a flag of re", name)
				}
			}
			return m.invoke(r, nil, a)
		}}
	}
	for _, name := range []string{"str", "int", "float", "bool", "list", "tuple", "dict", "set", "bytes", "object"} {
		l.names[name] = &Type{name}
	}
	l.names["unicode"] = l.names["str"]
	return l
}

// builtin makes a function of a method that has no self.
func (m method) builtin(name string) *Builtin {
	return &Builtin{name, func(r *Run, a args) (any, error) { return m.invoke(r, nil, a) }}
}
