package text

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
)

// Quote is repr of a string; where ascii is set, everything else is escaped too.
func Quote(s string, ascii bool) string {
	return quote(s, func(b *strings.Builder, r rune) {
		switch {
		case r < 0x80 && r >= ' ' && r != 0x7f || r >= 0x80 && !ascii && unicode.IsPrint(r):
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(b, `\u%04x`, r)
		default:
			fmt.Fprintf(b, `\U%08x`, r)
		}
	})
}

// QuoteBytes is repr of bytes.
func QuoteBytes(s string) string {
	wide := make([]rune, len(s))
	for i := range len(s) {
		wide[i] = rune(s[i])
	}
	return "b" + Quote(string(wide), true)
}

func quote(s string, plain func(*strings.Builder, rune)) string {
	q := '\''
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		q = '"'
	}
	var b strings.Builder
	b.WriteRune(q)
	for _, r := range s {
		switch r {
		case q, '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case '\n':
			b.WriteString(`\n`)
		case '\r':
			b.WriteString(`\r`)
		case '\t':
			b.WriteString(`\t`)
		default:
			plain(&b, r)
		}
	}
	b.WriteRune(q)
	return b.String()
}

// Float is repr of a number.
func Float(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 0):
		return infinity(f)
	}
	s := strconv.FormatFloat(f, 'e', -1, 64)
	exp, _ := strconv.Atoi(s[strings.IndexByte(s, 'e')+1:])
	if exp < -4 || exp >= 16 {
		return s
	}
	s = strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

func infinity(f float64) string {
	if f < 0 {
		return "-inf"
	}
	return "inf"
}
