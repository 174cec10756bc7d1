package interp

import (
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/offlineimap/offlineimapd/internal/pyexpr/raise"
	"github.com/offlineimap/offlineimapd/internal/pyexpr/text"
)

// functions are Python's built-in ones.
var functions = map[string]method{
	"len":        {params: "/ obj", call: length},
	"abs":        {params: "/ x", call: absolute},
	"ord":        {params: "/ c", call: ord},
	"chr":        {params: "/ i", call: chr},
	"repr":       {params: "/ obj", call: func(r *Run, _ any, a []any) (any, error) { return r.repr(a[0]) }},
	"ascii":      {params: "/ obj", call: func(r *Run, _ any, a []any) (any, error) { return r.convert(a[0], 'a') }},
	"cmp":        {params: "/ x y", call: cmp},
	"callable":   {params: "/ obj", call: func(_ *Run, _ any, a []any) (any, error) { return Callable(a[0]), nil }},
	"isinstance": {params: "/ obj cls", call: func(r *Run, _ any, a []any) (any, error) { return isInstance(a[0], a[1]) }},
	"type":       {params: "/ obj bases? dict?", call: typeOf},
	"format":     {params: "/ value spec?", call: formatOne},
	"range":      {params: "/ a b? c?", call: newRange},
	"round":      {params: "number ndigits?", call: round},
	"hex":        based(16, "0x"),
	"oct":        based(8, "0o"),
	"bin":        based(2, "0b"),
	"divmod": {params: "/ x y", call: func(r *Run, _ any, a []any) (any, error) {
		q, err := r.binary("//", a[0], a[1])
		if err != nil {
			return nil, err
		}
		m, err := r.binary("%", a[0], a[1])
		return &Tuple{[]any{q, m}}, err
	}},

	"sorted":    {raw: sorted},
	"min":       {raw: extreme("<")},
	"max":       {raw: extreme(">")},
	"sum":       {params: "iterable start?", call: sum},
	"any":       {params: "/ iterable", call: quantify(true)},
	"all":       {params: "/ iterable", call: quantify(false)},
	"map":       {raw: mapped},
	"filter":    {params: "/ function iterable", call: filter},
	"zip":       {raw: zip},
	"enumerate": {params: "iterable start?", call: enumerate},
	"reversed":  {params: "/ sequence", call: reversed},
	"iter":      {params: "/ obj sentinel?", call: newIterator},
	"next":      {params: "/ iterator default?", call: next},
}

func length(r *Run, _ any, a []any) (any, error) {
	switch x := a[0].(type) {
	case string:
		return int64(text.Len(x)), r.make(len(x) >> 4)
	case Bytes:
		return int64(len(x)), nil
	case *List:
		return int64(len(x.Items)), nil
	case *Tuple:
		return int64(len(x.Items)), nil
	case *Dict:
		return int64(len(x.Keys)), nil
	case *Set:
		return int64(len(x.Keys)), nil
	case *View:
		return int64(len(x.d.Keys)), nil
	case Range:
		return x.len(), nil
	case Environ:
		return nil, raise.Unsupported("the length of os.environ")
	}
	return nil, raise.Type("object of type '%s' has no len()", nameOf(a[0]))
}

func newIterator(r *Run, _ any, a []any) (any, error) {
	if a[1] != (absent{}) {
		return nil, raise.Unsupported("iter of a function")
	}
	return r.iterate(a[0])
}

func absolute(_ *Run, _ any, a []any) (any, error) {
	if f, ok := a[0].(float64); ok {
		return math.Abs(f), nil
	}
	i, ok := integer(a[0])
	switch {
	case !ok:
		return nil, notFor("abs()", a[0])
	case i == math.MinInt64:
		return nil, large()
	}
	return max(i, -i), nil
}

// notFor is the error of a function that does not take such a value.
func notFor(what string, v any) error {
	if _, ok := v.(Flag); ok {
		return raise.Unsupported("%s of a flag", what)
	}
	return raise.Type("bad operand type for %s: '%s'", what, nameOf(v))
}

func ord(_ *Run, _ any, a []any) (any, error) {
	if _, ok := a[0].(Bytes); ok {
		return nil, raise.Unsupported("ord of bytes")
	}
	s, err := textOf(a[0])
	if err != nil {
		return nil, err
	}
	c, n := utf8.DecodeRuneInString(s)
	if n == 0 || n != len(s) {
		return nil, raise.Type("ord() expected a character, but string of length %d found", text.Len(s))
	}
	return int64(c), nil
}

func chr(_ *Run, _ any, a []any) (any, error) {
	i, err := index(a[0], "argument")
	switch {
	case err != nil:
		return nil, err
	case 0xd800 <= i && i <= 0xdfff:
		return nil, raise.Unsupported("half of a character")
	case i < math.MinInt32 || i > math.MaxInt32:
		return nil, raise.Unsupported("such a number as a character")
	case i < 0 || i > utf8.MaxRune:
		return nil, raise.Value("chr() arg not in range(0x110000)")
	}
	return string(rune(i)), nil
}

// cmp is what Python 2 had.
func cmp(r *Run, _ any, a []any) (any, error) {
	gt, err := r.order(">", a[0], a[1])
	if err != nil {
		return nil, err
	}
	lt, err := r.order("<", a[0], a[1])
	switch {
	case err != nil:
		return nil, err
	case gt:
		return int64(1), nil
	case lt:
		return int64(-1), nil
	}
	return int64(0), nil
}

func typeOf(r *Run, _ any, a []any) (any, error) {
	if a[1] != (absent{}) {
		return nil, raise.Unsupported("a new class")
	}
	if t, ok := r.library.names[nameOf(a[0])].(*Type); ok {
		return t, nil
	}
	return nil, raise.Unsupported("the type of a %s", nameOf(a[0]))
}

func isInstance(v, class any) (bool, error) {
	switch c := class.(type) {
	case *Type:
		_, flag := v.(Flag)
		name := nameOf(v)
		return name == c.name || c.name == "object" || c.name == "int" && (name == "bool" || flag), nil
	case *Tuple:
		for _, x := range c.Items {
			if ok, err := isInstance(v, x); err != nil || ok {
				return ok, err
			}
		}
		return false, nil
	}
	return false, raise.Unsupported("isinstance of a %s", nameOf(class))
}

func formatOne(r *Run, _ any, a []any) (any, error) {
	spec, err := textOr(a[1], "")
	if err != nil {
		return nil, err
	}
	return r.format(a[0], spec)
}

func newRange(_ *Run, _ any, a []any) (any, error) {
	n := [3]int64{0, 0, 1}
	for i, v := range a {
		if v == (absent{}) {
			break
		}
		var err error
		if n[i], err = index(v, "range argument"); err != nil {
			return nil, err
		}
	}
	if a[1] == (absent{}) {
		n[0], n[1] = 0, n[0]
	}
	return makeRange(n[0], n[1], n[2])
}

func round(_ *Run, _ any, a []any) (any, error) {
	if i, ok := integer(a[0]); ok {
		if a[1] != (absent{}) && a[1] != nil {
			if d, err := index(a[1], "ndigits"); err != nil || d < 0 {
				return nil, raise.Unsupported("such a rounding")
			}
		}
		return i, nil
	}
	f, ok := a[0].(float64)
	if !ok {
		return nil, notFor("round()", a[0])
	}
	if a[1] == (absent{}) || a[1] == nil {
		if f = math.RoundToEven(f); math.Abs(f) > 1<<53 {
			return nil, raise.Unsupported("such a rounding")
		}
		return int64(f), nil
	}
	d, err := index(a[1], "ndigits")
	if err != nil {
		return nil, err
	}
	if d < 0 || d > 20 || math.IsInf(f, 0) {
		return nil, raise.Unsupported("such a rounding")
	}
	return strconv.ParseFloat(strconv.FormatFloat(f, 'f', int(d), 64), 64)
}

func based(base int, prefix string) method {
	return method{params: "/ number", call: func(_ *Run, _ any, a []any) (any, error) {
		i, err := index(a[0], "argument")
		if err != nil {
			return nil, err
		}
		s := strconv.FormatInt(i, base)
		if i < 0 {
			return "-" + prefix + s[1:], nil
		}
		return prefix + s, nil
	}}
}
