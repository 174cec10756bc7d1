package interp

import (
	"strconv"
	"strings"

	"github.com/offlineimap/offlineimapd/internal/pyexpr/raise"
	"github.com/offlineimap/offlineimapd/internal/pyexpr/text"
)

// conversion is one %-10.3s.
type conversion struct {
	key                            *string
	left, plus, space, sharp, zero bool
	width, precision               int // -1: none
	verb                           byte
}

// percent is % of a string.
func (r *Run) percent(s string, v any) (any, error) {
	var values []any
	next, keyed, mapping := 0, false, false
	switch v := v.(type) {
	case *Tuple:
		values = v.Items
	case nil, bool, int64, float64, string:
		values = []any{v}
	case *List, *Dict, Bytes:
		values, mapping = []any{v}, true
	default:
		return nil, raise.Unsupported("%% with a %s", nameOf(v))
	}
	var b strings.Builder
	for {
		at := strings.IndexByte(s, '%')
		if at < 0 {
			b.WriteString(s)
			break
		}
		b.WriteString(s[:at])
		c, n, err := parseConversion(s[at+1:])
		if err != nil {
			return nil, err
		}
		s = s[at+1+n:]
		if c.verb == '%' {
			if n != 1 {
				return nil, raise.Unsupported("a percent sign with flags")
			}
			b.WriteByte('%')
			continue
		}
		var arg any
		if c.key != nil {
			d, ok := v.(*Dict)
			if !ok {
				if mapping {
					return nil, raise.Unsupported("%% with keys and a %s", nameOf(v))
				}
				return nil, raise.Type("format requires a mapping")
			}
			if arg, ok, err = d.get(*c.key); err != nil || !ok {
				return nil, raise.Key("'%s'", *c.key)
			}
			keyed = true
		} else {
			if keyed {
				return nil, raise.Unsupported("%% with and without keys")
			}
			if next == len(values) {
				return nil, raise.Type("not enough arguments for format string")
			}
			arg = values[next]
			next++
		}
		if c.key != nil && next > 0 {
			return nil, raise.Unsupported("%% with and without keys")
		}
		text, err := r.conversion(c, arg)
		if err != nil {
			return nil, err
		}
		if err := r.make(len(text)); err != nil {
			return nil, err
		}
		b.WriteString(text)
	}
	if next < len(values) && !mapping {
		return nil, raise.Type("not all arguments converted during string formatting")
	}
	return b.String(), nil
}

func parseConversion(s string) (conversion, int, error) {
	c := conversion{width: -1, precision: -1}
	i := 0
	if strings.HasPrefix(s, "(") {
		open := 0
		for ; i < len(s); i++ {
			if s[i] == '(' {
				open++
			}
			if s[i] == ')' {
				if open--; open == 0 {
					break
				}
			}
		}
		if i == len(s) {
			return c, 0, raise.Value("incomplete format key")
		}
		key := s[1:i]
		c.key = &key
		i++
	}
	for ; i < len(s) && strings.IndexByte("-+ #0", s[i]) >= 0; i++ {
		switch s[i] {
		case '-':
			c.left = true
		case '+':
			c.plus = true
		case ' ':
			c.space = true
		case '#':
			c.sharp = true
		case '0':
			c.zero = true
		}
	}
	number := func() int {
		v := 0
		for ; i < len(s) && '0' <= s[i] && s[i] <= '9'; i++ {
			v = min(v*10+int(s[i]-'0'), text.MaxWidth+1)
		}
		return v
	}
	if i < len(s) && '0' <= s[i] && s[i] <= '9' {
		c.width = number()
	}
	if i < len(s) && s[i] == '.' {
		i++
		c.precision = number()
	}
	if c.width > text.MaxWidth || c.precision > text.MaxWidth {
		return c, 0, raise.Limit("a format of that width")
	}
	if i < len(s) && strings.IndexByte("hlL", s[i]) >= 0 {
		i++
	}
	if i == len(s) {
		return c, 0, raise.Value("incomplete format")
	}
	c.verb = s[i]
	if c.verb == '*' {
		return c, 0, raise.Unsupported("a format whose width is an argument")
	}
	return c, i + 1, nil
}

func (r *Run) conversion(c conversion, v any) (string, error) {
	sp := text.Spec{Fill: ' ', Align: '>', Width: c.width, Precision: c.precision}
	if err := r.make(4 * (max(c.width, 0) + max(c.precision, 0))); err != nil {
		return "", err
	}
	if c.left {
		sp.Align = '<'
	}
	switch c.verb {
	case 's', 'r', 'a':
		s, err := r.convert(v, c.verb)
		if err != nil {
			return "", err
		}
		return sp.String(s.(string))
	case 'c':
		return "", raise.Unsupported("the format c")
	case 'd', 'i', 'u', 'x', 'X', 'o', 'e', 'E', 'f', 'F', 'g', 'G':
	default:
		return "", raise.Value("unsupported format character")
	}
	if c.zero && !c.left {
		sp.Fill, sp.Align = '0', '='
	}
	switch {
	case c.plus:
		sp.Sign = '+'
	case c.space:
		sp.Sign = ' '
	}
	if strings.IndexByte("eEfFgG", c.verb) >= 0 {
		f, ok, err := number(v)
		if err != nil {
			return "", err
		}
		if !ok {
			if _, flag := v.(Flag); flag {
				return "", raise.Unsupported("the format of a flag")
			}
			return "", raise.Type("must be real number, not %s", nameOf(v))
		}
		if c.sharp {
			return "", raise.Unsupported("the format #")
		}
		sp.Verb = c.verb
		return sp.Float(f)
	}
	i, ok := integer(v)
	if f, float := v.(float64); float && strings.IndexByte("diu", c.verb) >= 0 {
		whole, err := toInt(f)
		if err != nil {
			return "", err
		}
		i, ok = whole.(int64), true
	}
	if !ok {
		if _, flag := v.(Flag); flag {
			return "", raise.Unsupported("the format of a flag")
		}
		return "", raise.Type("%%%c format: a number is required, not %s", c.verb, nameOf(v))
	}
	if c.precision >= 0 {
		if c.verb == 'x' || c.verb == 'X' || c.verb == 'o' || c.plus || c.space || c.zero {
			return "", raise.Unsupported("such a precision of an int")
		}
		digits := strings.TrimPrefix(strconv.FormatInt(i, 10), "-")
		sign := ""
		if i < 0 {
			sign = "-"
		}
		sp.Precision = -1
		return sp.String(sign + strings.Repeat("0", max(0, c.precision-len(digits))) + digits)
	}
	sp.Alt = c.sharp
	sp.Verb = c.verb
	if strings.IndexByte("iu", c.verb) >= 0 {
		sp.Verb = 'd'
	}
	return sp.Int(i)
}
