package interp

import (
	"github.com/offlineimap/offlineimapd/internal/pyexpr/raise"
	"github.com/offlineimap/offlineimapd/internal/pyexpr/regex"
)

// Pattern is what re.compile gives.
type Pattern struct{ re *regex.Regexp }

// subject is a string that is searched, by characters.
type subject struct {
	text     string
	runes    []rune
	pos, end int
}

// searched is the text that matching sees: it ends at end, but does not begin at
// pos, for what looks back.
func (s *subject) searched() []rune { return s.runes[:s.end] }

func reModule() *Module {
	m := map[string]any{}
	for name, f := range map[string]regex.Flags{
		"I": regex.IgnoreCase, "IGNORECASE": regex.IgnoreCase, "M": regex.Multiline, "MULTILINE": regex.Multiline,
		"S": regex.DotAll, "DOTALL": regex.DotAll, "X": regex.Verbose, "VERBOSE": regex.Verbose,
		"A": regex.ASCII, "ASCII": regex.ASCII, "U": regex.Unicode, "UNICODE": regex.Unicode,
	} {
		m[name] = Flag(f)
	}
	m["compile"] = method{params: "pattern flags?", call: func(r *Run, _ any, a []any) (any, error) {
		return r.compile(a[0], a[1])
	}}.builtin("compile")
	m["escape"] = method{params: "pattern", call: func(r *Run, _ any, a []any) (any, error) {
		if _, ok := a[0].(Bytes); ok {
			return nil, raise.Unsupported("a pattern of bytes")
		}
		s, err := textOf(a[0])
		if err != nil {
			return nil, err
		}
		return regex.Escape(s), r.make(2 * len(s))
	}}.builtin("escape")
	for name, f := range patternFunctions {
		m[name] = method{params: f.module, call: func(r *Run, _ any, a []any) (any, error) {
			p, err := r.compile(a[0], a[len(a)-1])
			if err != nil {
				return nil, err
			}
			return f.call(r, p, a[1:len(a)-1])
		}}.builtin(name)
	}
	return &Module{"re", m}
}

// patternFunction is a function of re that is a method of patterns too.
type patternFunction struct {
	module, method string // the parameters
	call           func(r *Run, p *Pattern, a []any) (any, error)
}

var patternFunctions = map[string]patternFunction{
	"search":    {"pattern string flags?", "string pos? endpos?", search(regex.Search)},
	"match":     {"pattern string flags?", "string pos? endpos?", search(regex.Match)},
	"fullmatch": {"pattern string flags?", "string pos? endpos?", search(regex.Full)},
	"findall":   {"pattern string flags?", "string pos? endpos?", findAll},
	"finditer":  {"pattern string flags?", "string pos? endpos?", findIter},
	"sub":       {"pattern repl string count? flags?", "repl string count?", substitute(false)},
	"subn":      {"pattern repl string count? flags?", "repl string count?", substitute(true)},
	"split":     {"pattern string maxsplit? flags?", "string maxsplit?", splitPattern},
}

var patternMethods = methodsOfPatterns()

func methodsOfPatterns() map[string]method {
	out := map[string]method{}
	for name, f := range patternFunctions {
		out[name] = method{params: f.method, call: func(r *Run, self any, a []any) (any, error) {
			return f.call(r, self.(*Pattern), a)
		}}
	}
	return out
}

func (r *Run) compile(pattern, flags any) (*Pattern, error) {
	var f regex.Flags
	switch v := flags.(type) {
	case absent:
	case Flag:
		f = regex.Flags(v)
	default:
		i, err := index(v, "flags")
		if err != nil || i < 0 || i > 1<<10 {
			return nil, raise.Unsupported("such flags of re")
		}
		f = regex.Flags(i)
	}
	switch p := pattern.(type) {
	case *Pattern:
		if f != 0 {
			return nil, raise.Value("cannot process flags argument with a compiled pattern")
		}
		return p, nil
	case string:
		re, err := r.patterns.compile(p, f)
		if err != nil {
			return nil, err
		}
		return &Pattern{re}, r.make(len(p))
	case Bytes:
		return nil, raise.Unsupported("a pattern of bytes")
	}
	return nil, raise.Type("first argument must be string or compiled pattern")
}

// subject takes a string apart; bounds are pos and endpos, where there are any.
func (r *Run) subject(v any, bounds ...any) (*subject, error) {
	t, err := textOf(v)
	if err != nil {
		return nil, err
	}
	s := &subject{text: t, runes: []rune(t)}
	s.end = len(s.runes)
	if len(bounds) > 0 {
		pos, err := intOr(bounds[0], 0)
		if err != nil {
			return nil, err
		}
		end, err := intOr(bounds[1], int64(s.end))
		if err != nil {
			return nil, err
		}
		s.end = int(min(max(end, 0), int64(s.end)))
		s.pos = int(min(max(pos, 0), int64(len(s.runes))))
	}
	return s, r.make(5 * len(t))
}

func (r *Run) find(p *Pattern, s *subject, from int, how regex.How, past int) (regex.Found, error) {
	if from > s.end {
		return nil, nil
	}
	if err := r.make(16 * (p.re.Groups + 1)); err != nil {
		return nil, err
	}
	return p.re.Find(s.searched(), from, how, past, r.match)
}

func search(how regex.How) func(*Run, *Pattern, []any) (any, error) {
	return func(r *Run, p *Pattern, a []any) (any, error) {
		s, err := r.subject(a[0], a[1:]...)
		if err != nil {
			return nil, err
		}
		f, err := r.find(p, s, s.pos, how, -1)
		if f == nil || err != nil {
			return nil, err
		}
		return &Match{p, s, f}, nil
	}
}

// matches goes from match to match.
func (r *Run) matches(p *Pattern, s *subject) func() (regex.Found, error) {
	from, past := s.pos, -1
	return func() (regex.Found, error) {
		f, err := r.find(p, s, from, regex.Search, past)
		if f == nil || err != nil {
			from = s.end + 1
			return nil, err
		}
		from, past = f[1], -1
		if f[0] == f[1] {
			past = f[1]
		}
		return f, nil
	}
}

func findIter(r *Run, p *Pattern, a []any) (any, error) {
	s, err := r.subject(a[0], a[1:]...)
	if err != nil {
		return nil, err
	}
	next := r.matches(p, s)
	return r.newIter("callable_iterator", func() (any, bool, error) {
		f, err := next()
		if f == nil || err != nil {
			return nil, false, err
		}
		return &Match{p, s, f}, true, nil
	}), nil
}

func findAll(r *Run, p *Pattern, a []any) (any, error) {
	s, err := r.subject(a[0], a[1:]...)
	if err != nil {
		return nil, err
	}
	out := []any{}
	for next := r.matches(p, s); ; {
		f, err := next()
		if err != nil {
			return nil, err
		}
		if f == nil {
			return &List{out}, nil
		}
		m := &Match{p, s, f}
		var v any
		switch p.re.Groups {
		case 0, 1:
			v, err = m.group(p.re.Groups, "")
		default:
			v, err = m.groups(1, "")
		}
		if err != nil {
			return nil, err
		}
		if err := r.make(16 * (p.re.Groups + 1)); err != nil {
			return nil, err
		}
		out = append(out, v)
	}
}

func splitPattern(r *Run, p *Pattern, a []any) (any, error) {
	s, err := r.subject(a[0])
	if err != nil {
		return nil, err
	}
	most, err := countOr(a[1])
	if err != nil {
		return nil, err
	}
	out := []any{}
	last := 0
	next := r.matches(p, s)
	for n := int64(0); most == 0 || n < most; n++ {
		f, err := next()
		if err != nil {
			return nil, err
		}
		if f == nil {
			break
		}
		out = append(out, string(s.runes[last:f[0]]))
		last = f[1]
		for g := 1; g <= p.re.Groups; g++ {
			v, err := (&Match{p, s, f}).group(g, nil)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
	}
	return &List{append(out, string(s.runes[last:]))}, r.make(16 * len(out))
}

// countOr is how many matches are meant; 0 is all of them. Flags that are given in
// its place, which happens often, are the number that they are.
func countOr(v any) (int64, error) {
	if f, ok := v.(Flag); ok {
		return int64(f), nil
	}
	return intOr(v, 0)
}

// substitute is sub, and subn.
func substitute(count bool) func(*Run, *Pattern, []any) (any, error) {
	return func(r *Run, p *Pattern, a []any) (any, error) {
		var template *regex.Template
		switch repl := a[0].(type) {
		case string:
			var err error
			if template, err = p.re.Template(repl); err != nil {
				return nil, err
			}
		case Bytes:
			return nil, raise.Unsupported("a replacement of bytes")
		default:
			if !Callable(repl) {
				return nil, raise.Type("decoding to str: need a bytes-like object, %s found", nameOf(repl))
			}
		}
		s, err := r.subject(a[1])
		if err != nil {
			return nil, err
		}
		most, err := countOr(a[2])
		if err != nil {
			return nil, err
		}
		var out []rune
		last, n := 0, int64(0)
		for next := r.matches(p, s); most == 0 || n < most; n++ {
			f, err := next()
			if err != nil {
				return nil, err
			}
			if f == nil {
				break
			}
			by := ""
			if template != nil {
				by = template.Expand(s.runes, f)
			} else {
				v, err := r.call(a[0], args{pos: []any{&Match{p, s, f}}})
				if err != nil {
					return nil, err
				}
				if v != nil {
					if by, err = textOf(v); err != nil {
						// Python meets it when it joins all of them at the end.
						return nil, raise.Unsupported("a replacement that is a %s", nameOf(v))
					}
				}
			}
			if err := r.make(4 * (len(by) + f[0] - last)); err != nil {
				return nil, err
			}
			out = append(append(out, s.runes[last:f[0]]...), []rune(by)...)
			last = f[1]
		}
		text := string(append(out, s.runes[last:]...))
		if count {
			return &Tuple{[]any{text, n}}, nil
		}
		return text, nil
	}
}
