package mbnames

import (
	"cmp"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Names of files are bytes, and Python's texts are code points. Bytes that are no
// UTF-8 are what Python makes of them (PEP 383): U+DC80 to U+DCFF. That decides
// about widths, order and what stands in a cache.

// escaped is where Python puts the bytes that are no UTF-8.
const escaped = 0xDC00

// nextPoint returns the first code point of s, which is not empty, and its length
// in bytes.
func nextPoint(s string) (rune, int) {
	r, size := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError && size == 1 {
		return escaped | rune(s[0]), 1
	}
	return r, size
}

// cut returns the first n code points of s, and how many there are.
func cut(s string, n int) (string, int) {
	end := 0
	for i := range n {
		if end == len(s) {
			return s, i
		}
		_, size := nextPoint(s[end:])
		end += size
	}
	return s[:end], n
}

// comparePoints compares as Python compares texts.
func comparePoints(a, b string) int {
	for a != "" && b != "" {
		x, n := nextPoint(a)
		y, m := nextPoint(b)
		if x != y {
			return cmp.Compare(x, y)
		}
		a, b = a[n:], b[m:]
	}
	return cmp.Compare(len(a), len(b))
}

// repr is Python's repr of a text; with ascii, what ascii() makes of it.
func repr(s string, ascii bool) string {
	quote := '\''
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = '"'
	}
	var b strings.Builder
	b.WriteRune(quote)
	for s != "" {
		r, size := nextPoint(s)
		s = s[size:]
		switch {
		case r == quote || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < utf8.RuneSelf && unicode.IsPrint(r), r >= utf8.RuneSelf && !ascii && unicode.IsPrint(r):
			b.WriteRune(r)
		case r <= 0xff:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteRune(quote)
	return b.String()
}
