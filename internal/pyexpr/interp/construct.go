package interp

import (
	"math"
	"strconv"
	"strings"

	"github.com/offlineimap/offlineimapd/internal/pyexpr/raise"
	"github.com/offlineimap/offlineimapd/internal/pyexpr/text"
)

// construct calls a class.
func (r *Run) construct(class string, a args) (any, error) {
	if class == "dict" {
		return r.dictOf(a)
	}
	if class == "object" || len(a.kw) > 0 {
		return nil, raise.Unsupported("such a call of %s", class)
	}
	if class == "int" && len(a.pos) == 2 {
		return based2(a.pos[0], a.pos[1])
	}
	if len(a.pos) > 1 {
		return nil, raise.Unsupported("such a call of %s", class)
	}
	var x any
	empty := len(a.pos) == 0
	if !empty {
		x = a.pos[0]
	}
	switch class {
	case "str":
		if empty {
			return "", nil
		}
		return r.str(x)
	case "bool":
		if empty {
			return false, nil
		}
		return truthOf(x)
	case "int":
		if empty {
			return int64(0), nil
		}
		return toInt(x)
	case "float":
		if empty {
			return 0.0, nil
		}
		return toFloat(x)
	case "bytes":
		if empty {
			return Bytes(""), nil
		}
		return nil, raise.Unsupported("bytes of a %s", nameOf(x))
	case "set":
		if empty {
			return newSet(), nil
		}
		set, err := r.setOf(x)
		return set, err
	}
	items := []any{}
	if !empty {
		var err error
		if items, err = r.ordered(x); err != nil {
			return nil, err
		}
	}
	if class == "tuple" {
		return &Tuple{items}, nil
	}
	return &List{items}, nil
}

func truthOf(x any) (any, error) {
	t, err := truth(x)
	return t, err
}

func (r *Run) dictOf(a args) (any, error) {
	d := NewDict()
	if len(a.pos) > 1 {
		return nil, raise.Type("dict expected at most 1 argument, got %d", len(a.pos))
	}
	if len(a.pos) == 1 {
		switch x := a.pos[0].(type) {
		case *Dict:
			if err := d.update(x); err != nil {
				return nil, err
			}
		case Environ:
			return nil, raise.Unsupported("a copy of os.environ")
		default:
			it, err := r.stream(x)
			if err != nil {
				return nil, err
			}
			if err := r.each(it, func(x any) error {
				pair, err := r.ordered(x)
				if err != nil {
					return err
				}
				if len(pair) != 2 {
					return raise.Value("dictionary update sequence element has length %d; 2 is required", len(pair))
				}
				return d.Set(pair[0], pair[1])
			}); err != nil {
				return nil, err
			}
		}
	}
	for _, k := range a.kw {
		if err := d.Set(k.name, k.value); err != nil {
			return nil, err
		}
	}
	return d, r.make(64 * len(d.Keys))
}

func toInt(x any) (any, error) {
	if i, ok := integer(x); ok {
		return i, nil
	}
	switch x := x.(type) {
	case float64:
		if math.Abs(x) > 1<<62 || math.IsNaN(x) {
			return nil, raise.Unsupported("such a float as an int")
		}
		return int64(x), nil
	case string:
		return parseInt(x, 10)
	case Bytes, Flag:
		return nil, raise.Unsupported("int of a %s", nameOf(x))
	}
	return nil, raise.Type("int() argument must be a string, a bytes-like object or a real number, not '%s'", nameOf(x))
}

func based2(x, base any) (any, error) {
	b, err := index(base, "base")
	if err != nil {
		return nil, err
	}
	s, ok := x.(string)
	if !ok || b < 2 || b > 36 || b != 10 && strings.ContainsAny(s, "xXoObB") {
		return nil, raise.Unsupported("int with that base")
	}
	return parseInt(s, int(b))
}

func parseInt(s string, base int) (any, error) {
	if !text.IsASCII(s) {
		return nil, raise.Unsupported("digits outside of ASCII")
	}
	digits := text.Strip(s, nil, true, true)
	if strings.HasPrefix(digits, "_") || strings.HasSuffix(digits, "_") || strings.ContainsAny(digits, "_") && strings.ContainsAny(digits, "+-") {
		return nil, raise.Unsupported("such a number")
	}
	if strings.Contains(digits, "__") {
		return nil, raise.Value("invalid literal for int() with base %d", base)
	}
	v, err := strconv.ParseInt(strings.ReplaceAll(digits, "_", ""), base, 64)
	if e, ok := err.(*strconv.NumError); ok {
		if e.Err == strconv.ErrRange {
			return nil, large()
		}
		return nil, raise.Value("invalid literal for int() with base %d", base)
	}
	return v, nil
}

func toFloat(x any) (any, error) {
	if f, ok, err := number(x); ok {
		return f, err
	}
	switch x := x.(type) {
	case string:
		s := text.Strip(x, nil, true, true)
		if strings.Trim(s, "0123456789.eE+-") != "" {
			if strings.ContainsAny(s, "_nN") || !text.IsASCII(s) {
				return nil, raise.Unsupported("such a float")
			}
			return nil, raise.Value("could not convert string to float")
		}
		v, err := strconv.ParseFloat(s, 64)
		if err != nil && !math.IsInf(v, 0) {
			return nil, raise.Value("could not convert string to float")
		}
		return v, nil
	case Bytes, Flag:
		return nil, raise.Unsupported("float of a %s", nameOf(x))
	}
	return nil, raise.Type("float() argument must be a string or a real number, not '%s'", nameOf(x))
}
