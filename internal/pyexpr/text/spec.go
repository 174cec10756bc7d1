package text

import (
	"math"
	"strconv"
	"strings"

	"github.com/offlineimap/offlineimapd/internal/pyexpr/raise"
)

// MaxWidth is the most that a format may ask for.
const MaxWidth = 1 << 16

// Spec is a format such as >10.3f.
type Spec struct {
	Fill      rune
	Align     byte // '<', '>', '=', '^' or 0
	Sign      byte // '+', '-', ' ' or 0
	Alt       bool
	Width     int
	Comma     byte // ',', '_' or 0
	Precision int  // -1: none
	Verb      byte // 0: none
}

// ParseSpec reads a format.
func ParseSpec(s string) (Spec, error) {
	sp := Spec{Fill: ' ', Precision: -1}
	rs := []rune(s)
	i := 0
	is := func(set string) bool { return i < len(rs) && strings.ContainsRune(set, rs[i]) }
	if len(rs) > 1 && strings.ContainsRune("<>=^", rs[1]) {
		sp.Fill, sp.Align = rs[0], byte(rs[1])
		i = 2
	} else if is("<>=^") {
		sp.Align = byte(rs[0])
		i = 1
	}
	filled := i == 2
	if is("+- ") {
		sp.Sign = byte(rs[i])
		i++
	}
	if is("z") {
		return sp, raise.Unsupported("the format z")
	}
	if is("#") {
		sp.Alt = true
		i++
	}
	if is("0") {
		if !filled {
			sp.Fill = '0'
		}
		if sp.Align == 0 {
			sp.Align = '='
		}
		i++
	}
	number := func() (int, bool) {
		v, any := 0, false
		for ; is("0123456789"); i++ {
			v = min(v*10+int(rs[i]-'0'), MaxWidth+1)
			any = true
		}
		return v, any
	}
	sp.Width, _ = number()
	if is(",_") {
		sp.Comma = byte(rs[i])
		i++
		if is(",_") {
			return sp, raise.Value("Cannot specify both ',' and '_'.")
		}
	}
	if is(".") {
		i++
		var any bool
		if sp.Precision, any = number(); !any {
			return sp, raise.Value("Format specifier missing precision")
		}
	}
	if sp.Width > MaxWidth || sp.Precision > MaxWidth {
		return sp, raise.Limit("a format of that width")
	}
	if i < len(rs) {
		if len(rs)-i > 1 {
			return sp, raise.Value("Invalid format specifier")
		}
		if rs[i] > 0x7f {
			return sp, raise.Value("Unknown format code")
		}
		sp.Verb = byte(rs[i])
	}
	return sp, nil
}

// String formats a string.
func (sp Spec) String(s string) (string, error) {
	if sp.Verb != 0 && sp.Verb != 's' {
		return "", raise.Value("Unknown format code '%c' for object of type 'str'", sp.Verb)
	}
	if sp.Sign != 0 || sp.Alt || sp.Comma != 0 || sp.Align == '=' {
		if sp.Align == '=' && sp.Fill == '0' {
			return "", raise.Unsupported("a string filled with zeros") // differs between versions
		}
		return "", raise.Value("not allowed in string format specifier")
	}
	if rs := []rune(s); sp.Precision >= 0 && sp.Precision < len(rs) {
		s = string(rs[:sp.Precision])
	}
	return sp.pad("", s, '<'), nil
}

// Int formats an int.
func (sp Spec) Int(v int64) (string, error) {
	if strings.IndexByte("eEfFgG%", sp.Verb) >= 0 && sp.Verb != 0 {
		if v > 1<<53 || v < -1<<53 {
			return "", raise.Unsupported("such a number as a float")
		}
		return sp.Float(float64(v))
	}
	if sp.Precision >= 0 {
		return "", raise.Value("Precision not allowed in integer format specifier")
	}
	base, prefix := 10, ""
	switch sp.Verb {
	case 0, 'd':
	case 'b':
		base, prefix = 2, "0b"
	case 'o':
		base, prefix = 8, "0o"
	case 'x', 'X':
		base, prefix = 16, "0"+string(sp.Verb)
	case 'c', 'n':
		return "", raise.Unsupported("the format %c", sp.Verb)
	default:
		return "", raise.Value("Unknown format code '%c' for object of type 'int'", sp.Verb)
	}
	if sp.Comma == ',' && base != 10 {
		return "", raise.Value("Cannot specify ',' with '%c'.", sp.Verb)
	}
	s := strconv.FormatInt(v, base)
	if sp.Verb == 'X' {
		s = strings.ToUpper(s)
	}
	sign := sp.signOf(strings.HasPrefix(s, "-"))
	if sp.Alt && base != 10 {
		sign += prefix
	}
	step := 3
	if base != 10 {
		step = 4
	}
	return sp.number(sign, strings.TrimPrefix(s, "-"), "", step)
}

// Float formats a float.
func (sp Spec) Float(f float64) (string, error) {
	if sp.Alt || math.IsInf(f, 0) || math.IsNaN(f) {
		return "", raise.Unsupported("such a format of a float")
	}
	s, tail := "", ""
	precision := sp.Precision
	switch sp.Verb {
	case 'e', 'E', 'f', 'F', 'g', 'G', '%':
		if precision < 0 {
			precision = 6
		}
		verb := sp.Verb | 0x20
		if sp.Verb == '%' {
			verb, tail = 'f', "%"
			f *= 100
			if math.IsInf(f, 0) {
				return "", raise.Unsupported("such a format of a float")
			}
		}
		s = General(f, verb, precision)
		if sp.Verb == 'E' || sp.Verb == 'G' {
			s = strings.ToUpper(s)
		}
	case 0:
		if precision >= 0 {
			return "", raise.Unsupported("a precision without a letter")
		}
		s = Float(f)
	case 'n':
		return "", raise.Unsupported("the format n")
	default:
		return "", raise.Value("Unknown format code '%c' for object of type 'float'", sp.Verb)
	}
	negative := strings.HasPrefix(s, "-")
	s = strings.TrimPrefix(s, "-")
	if at := strings.IndexAny(s, ".eE"); at >= 0 {
		s, tail = s[:at], s[at:]+tail
	}
	return sp.number(sp.signOf(negative), s, tail, 3)
}

// General formats as C does with the letters e, f and g.
func General(f float64, verb byte, precision int) string {
	if verb == 'g' && precision == 0 {
		precision = 1
	}
	return strconv.FormatFloat(f, verb, precision, 64)
}

func (sp Spec) signOf(negative bool) string {
	switch {
	case negative:
		return "-"
	case sp.Sign == '+' || sp.Sign == ' ':
		return string(sp.Sign)
	}
	return ""
}

// number puts a number together, with its digits in groups of step.
func (sp Spec) number(sign, digits, tail string, step int) (string, error) {
	if sp.Comma != 0 {
		if sp.Fill == '0' && sp.Align == '=' {
			return "", raise.Unsupported("zeros in groups")
		}
		for i := len(digits) - step; i > 0; i -= step {
			digits = digits[:i] + string(sp.Comma) + digits[i:]
		}
	}
	return sp.pad(sign, digits+tail, '>'), nil
}

func (sp Spec) pad(sign, s string, align byte) string {
	n := max(0, sp.Width-Len(sign)-Len(s))
	if sp.Align != 0 {
		align = sp.Align
	}
	fill := func(n int) string { return strings.Repeat(string(sp.Fill), n) }
	switch align {
	case '<':
		return sign + s + fill(n)
	case '^':
		return fill(n/2) + sign + s + fill(n-n/2)
	case '=':
		return sign + fill(n) + s
	}
	return fill(n) + sign + s
}
