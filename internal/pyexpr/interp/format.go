package interp

import (
	"strconv"
	"strings"

	"github.com/offlineimap/offlineimapd/internal/pyexpr/raise"
	"github.com/offlineimap/offlineimapd/internal/pyexpr/text"
)

// str is str of a value.
func (r *Run) str(v any) (string, error) {
	if s, ok := v.(string); ok {
		return s, nil
	}
	return r.repr(v)
}

// convert is what !r, !s and !a do.
func (r *Run) convert(v any, conv byte) (any, error) {
	switch conv {
	case 's':
		return r.str(v)
	case 'r':
		return r.repr(v)
	case 'a':
		s, err := r.repr(v)
		if err == nil && !text.IsASCII(s) {
			if t, ok := v.(string); ok {
				return text.Quote(t, true), nil
			}
			return nil, raise.Unsupported("ascii of such a value")
		}
		return s, err
	}
	return v, nil
}

func (r *Run) repr(v any) (string, error) {
	if err := r.step(); err != nil {
		return "", err
	}
	switch v := v.(type) {
	case nil:
		return "None", nil
	case bool:
		if v {
			return "True", nil
		}
		return "False", nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case float64:
		return text.Float(v), nil
	case string:
		return text.Quote(v, false), r.make(8 * len(v))
	case Bytes:
		return text.QuoteBytes(string(v)), r.make(8 * len(v))
	case *List:
		return r.reprItems("[", v.Items, "]")
	case *Tuple:
		if len(v.Items) == 1 {
			return r.reprItems("(", v.Items, ",)")
		}
		return r.reprItems("(", v.Items, ")")
	case *Set:
		switch len(v.Keys) {
		case 0:
			return "set()", nil
		case 1:
			return r.reprItems("{", v.Keys, "}")
		}
		return "", raise.Unsupported("the order of a set")
	case *Dict:
		if v.unordered {
			return "", raise.Unsupported("the order of a set")
		}
		parts := make([]string, len(v.Keys))
		for i, k := range v.Keys {
			a, err := r.repr(k)
			if err != nil {
				return "", err
			}
			b, err := r.repr(v.Values[i])
			if err != nil {
				return "", err
			}
			parts[i] = a + ": " + b
		}
		s := "{" + strings.Join(parts, ", ") + "}"
		return s, r.make(2 * len(s))
	case *Type:
		return "<class '" + v.name + "'>", nil
	}
	return "", raise.Unsupported("a %s as a string", nameOf(v))
}

func (r *Run) reprItems(open string, items []any, end string) (string, error) {
	parts := make([]string, len(items))
	for i, x := range items {
		var err error
		if parts[i], err = r.repr(x); err != nil {
			return "", err
		}
	}
	s := open + strings.Join(parts, ", ") + end
	return s, r.make(2 * len(s))
}

// format is format of a value.
func (r *Run) format(v any, spec string) (string, error) {
	if spec == "" {
		return r.str(v)
	}
	sp, err := text.ParseSpec(spec)
	if err != nil {
		switch v.(type) {
		case string, int64, bool, float64:
			return "", err
		}
	}
	if err := r.make(4 * (sp.Width + max(sp.Precision, 0))); err != nil {
		return "", err
	}
	switch v := v.(type) {
	case string:
		return sp.String(v)
	case float64:
		return sp.Float(v)
	case Flag:
		return "", raise.Unsupported("the format of a flag")
	}
	if i, ok := integer(v); ok {
		return sp.Int(i)
	}
	return "", raise.Type("unsupported format string passed to %s.__format__", nameOf(v))
}

// formatFields is str.format.
func (r *Run) formatFields(s string, a args) (string, error) {
	f := &fields{run: r, args: a}
	return f.expand(s, 0)
}

type fields struct {
	run          *Run
	args         args
	next         int
	auto, manual bool
}

func (f *fields) expand(s string, depth int) (string, error) {
	var b strings.Builder
	for s != "" {
		at := strings.IndexAny(s, "{}")
		if at < 0 {
			b.WriteString(s)
			break
		}
		b.WriteString(s[:at])
		c := s[at]
		s = s[at+1:]
		if s != "" && s[0] == c && depth == 0 {
			b.WriteByte(c)
			s = s[1:]
			continue
		}
		if c == '}' {
			return "", raise.Value("Single '}' encountered in format string")
		}
		end, open := 0, 1
		for ; end < len(s); end++ {
			if s[end] == '{' {
				open++
			}
			if s[end] == '}' {
				if open--; open == 0 {
					break
				}
			}
		}
		if open > 0 {
			if strings.Contains(s, "[") {
				return "", raise.Unsupported("such a field")
			}
			return "", raise.Value("expected '}' before end of string")
		}
		text, err := f.field(s[:end], depth)
		if err != nil {
			return "", err
		}
		if err := f.run.make(len(text)); err != nil {
			return "", err
		}
		b.WriteString(text)
		s = s[end+1:]
	}
	return b.String(), nil
}

// field is what stands between braces: name!conversion:format.
func (f *fields) field(s string, depth int) (string, error) {
	if depth > 1 {
		return "", raise.Value("Max string recursion exceeded")
	}
	name, spec, conv := s, "", byte(0)
	if at := strings.IndexAny(s, "!:"); at >= 0 {
		name = s[:at]
		rest := s[at:]
		if rest[0] == '!' {
			if len(rest) < 2 || !strings.ContainsRune("rsa", rune(rest[1])) || len(rest) > 2 && rest[2] != ':' {
				return "", raise.Unsupported("such a conversion")
			}
			conv = rest[1]
			rest = rest[2:]
		}
		if rest != "" {
			spec = rest[1:]
		}
	}
	if strings.ContainsAny(name, "{}") || strings.Contains(spec, "[") {
		return "", raise.Unsupported("such a field")
	}
	v, err := f.value(name)
	if err != nil {
		return "", err
	}
	if v, err = f.run.convert(v, conv); err != nil {
		return "", err
	}
	if strings.ContainsAny(spec, "{}") {
		if spec, err = f.expand(spec, depth+1); err != nil {
			return "", err
		}
	}
	return f.run.format(v, spec)
}

// value resolves the name of a field, such as 0.attribute[key].
func (f *fields) value(name string) (any, error) {
	first := name
	if at := strings.IndexAny(name, ".["); at >= 0 {
		first = name[:at]
	}
	rest := name[len(first):]
	var v any
	n, digits := 0, first != ""
	for _, c := range first {
		if digits = digits && '0' <= c && c <= '9'; digits {
			n = min(n*10+int(c-'0'), 1<<30)
		}
	}
	switch {
	case digits || first == "":
		if digits {
			f.manual = true
		} else {
			f.auto = true
			n = f.next
			f.next++
		}
		if f.auto && f.manual {
			return nil, raise.Value("cannot switch between manual field specification and automatic field numbering")
		}
		if n >= len(f.args.pos) {
			return nil, raise.Index("Replacement index %d out of range for positional args tuple", n)
		}
		v = f.args.pos[n]
	default:
		found := false
		for _, k := range f.args.kw {
			if k.name == first {
				v, found = k.value, true
			}
		}
		if !found {
			return nil, raise.Key("'%s'", first)
		}
	}
	for rest != "" {
		var err error
		if rest[0] == '.' {
			part := rest[1:]
			if at := strings.IndexAny(part, ".["); at >= 0 {
				part = part[:at]
			}
			rest = rest[1+len(part):]
			if v, err = f.run.attribute(v, part); err != nil {
				return nil, err
			}
			continue
		}
		end := strings.IndexByte(rest, ']')
		if end < 2 || end+1 < len(rest) && rest[end+1] != '.' && rest[end+1] != '[' {
			return nil, raise.Unsupported("such a field")
		}
		var key any = rest[1:end]
		if strings.Trim(rest[1:end], "0123456789") == "" {
			i, err := strconv.ParseInt(rest[1:end], 10, 64)
			if err != nil {
				return nil, raise.Unsupported("such a field")
			}
			key = i
		}
		if v, err = f.run.item(v, key); err != nil {
			return nil, err
		}
		rest = rest[end+1:]
	}
	return v, nil
}
