package interp

import (
	"github.com/offlineimap/offlineimapd/internal/pyexpr/raise"
	"github.com/offlineimap/offlineimapd/internal/pyexpr/regex"
)

// Match is a match of a pattern.
type Match struct {
	pattern *Pattern
	s       *subject
	found   regex.Found
}

// number is the number of a group that is named by v.
func (m *Match) number(v any) (int, error) {
	if name, ok := v.(string); ok {
		if n, ok := m.pattern.re.Names[name]; ok {
			return n, nil
		}
		return 0, raise.Index("no such group")
	}
	n, ok := integer(v)
	switch {
	case !ok:
		return 0, raise.Unsupported("a %s as a group", nameOf(v))
	case n < 0 || n > int64(m.pattern.re.Groups):
		return 0, raise.Index("no such group")
	}
	return int(n), nil
}

// group is what a group holds, or otherwise.
func (m *Match) group(n int, otherwise any) (any, error) {
	if err := m.pattern.re.Readable(n); err != nil {
		return nil, err
	}
	lo, hi := m.found[2*n], m.found[2*n+1]
	if lo < 0 {
		return otherwise, nil
	}
	return string(m.s.runes[lo:hi]), nil
}

// groups are all groups from one on.
func (m *Match) groups(from int, otherwise any) (any, error) {
	out := []any{}
	for n := from; n <= m.pattern.re.Groups; n++ {
		v, err := m.group(n, otherwise)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return &Tuple{out}, nil
}

func (m *Match) attribute(name string) (any, bool) {
	switch name {
	case "string":
		return m.s.text, true
	case "re":
		return m.pattern, true
	case "pos":
		return int64(m.s.pos), true
	case "endpos":
		return int64(m.s.end), true
	}
	return nil, false
}

// place is start, end and span.
func place(of func(lo, hi int64) any) method {
	return method{params: "/ group?", call: func(_ *Run, self any, a []any) (any, error) {
		m := self.(*Match)
		n := 0
		if a[0] != (absent{}) {
			var err error
			if n, err = m.number(a[0]); err != nil {
				return nil, err
			}
		}
		if err := m.pattern.re.Readable(n); err != nil {
			return nil, err
		}
		return of(int64(m.found[2*n]), int64(m.found[2*n+1])), nil
	}}
}

var matchMethods = map[string]method{
	"start": place(func(lo, _ int64) any { return lo }),
	"end":   place(func(_, hi int64) any { return hi }),
	"span":  place(func(lo, hi int64) any { return &Tuple{[]any{lo, hi}} }),
	"group": {raw: func(_ *Run, self any, a args) (any, error) {
		m := self.(*Match)
		if len(a.kw) > 0 {
			return nil, raise.Unsupported("the argument %s", a.kw[0].name)
		}
		if len(a.pos) == 0 {
			return m.group(0, nil)
		}
		out := make([]any, len(a.pos))
		for i, v := range a.pos {
			n, err := m.number(v)
			if err != nil {
				return nil, err
			}
			if out[i], err = m.group(n, nil); err != nil {
				return nil, err
			}
		}
		if len(out) == 1 {
			return out[0], nil
		}
		return &Tuple{out}, nil
	}},
	"groups": {params: "default?", call: func(_ *Run, self any, a []any) (any, error) {
		if a[0] == (absent{}) {
			a[0] = nil
		}
		return self.(*Match).groups(1, a[0])
	}},
	"groupdict": {params: "default?", call: func(_ *Run, self any, a []any) (any, error) {
		if a[0] == (absent{}) {
			a[0] = nil
		}
		m := self.(*Match)
		names := make([]string, m.pattern.re.Groups+1)
		for name, n := range m.pattern.re.Names {
			names[n] = name
		}
		d := NewDict()
		for n, name := range names {
			if name == "" {
				continue
			}
			v, err := m.group(n, a[0])
			if err != nil {
				return nil, err
			}
			if err := d.Set(name, v); err != nil {
				return nil, err
			}
		}
		return d, nil
	}},
	"expand": {params: "/ template", call: func(r *Run, self any, a []any) (any, error) {
		s, err := textOf(a[0])
		if err != nil {
			return nil, err
		}
		m := self.(*Match)
		t, err := m.pattern.re.Template(s)
		if err != nil {
			return nil, err
		}
		out := t.Expand(m.s.runes, m.found)
		return out, r.make(len(out))
	}},
}
