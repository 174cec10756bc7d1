package regex

import (
	"strings"
	"unicode"

	"github.com/offlineimap/offlineimapd/internal/pyexpr/text"
)

func lowerASCII(r rune) rune {
	if 'A' <= r && r <= 'Z' {
		return r + 'a' - 'A'
	}
	return r
}

// lowerOf is all that counts where case does not in what a group held before.
func lowerOf(r rune, ascii bool) rune {
	if ascii {
		return lowerASCII(r)
	}
	return unicode.ToLower(r)
}

// same says whether two characters are one where case does not count.
func same(a, b rune, ascii bool) bool {
	if a == b {
		return true
	}
	if ascii || a < 0x80 && b < 0x80 && a|0x20 != 'i' && a|0x20 != 's' && a|0x20 != 'k' {
		return lowerASCII(a) == lowerASCII(b)
	}
	for _, c := range orbit(a) {
		if c == b {
			return true
		}
	}
	return false
}

// alike are letters that Python holds to be the same, and Go's tables do not.
var alike = []string{"iIıİ", "\u0390\u1fd3", "\u03b0\u1fe3", "\ufb05\ufb06"}

// orbit are all characters that are the same as r where case does not count.
func orbit(r rune) []rune {
	for _, s := range alike {
		if strings.ContainsRune(s, r) {
			return []rune(s)
		}
	}
	out := []rune{r}
	for c := unicode.SimpleFold(r); c != r; c = unicode.SimpleFold(c) {
		out = append(out, c)
	}
	return out
}

// contains says whether a character, or one that is the same, is in a set.
func (c *class) contains(r rune, fold, ascii bool) bool {
	in := c.spans(r) || c.isKind(r, ascii)
	if !in && fold {
		if ascii {
			if l := lowerASCII(r); 'a' <= l && l <= 'z' {
				in = c.spans(l) || c.spans(l-'a'+'A')
			}
		} else {
			for _, o := range orbit(r) {
				in = in || c.spans(o)
			}
		}
	}
	return in != c.neg
}

func (c *class) spans(r rune) bool {
	for _, x := range c.ranges {
		if x[0] <= r && r <= x[1] {
			return true
		}
	}
	return false
}

func (c *class) isKind(r rune, ascii bool) bool {
	for _, k := range c.kinds {
		var is bool
		switch k {
		case 'd', 'D':
			is = r < 0x80 && '0' <= r && r <= '9' || !ascii && text.IsDecimal(r)
		case 's', 'S':
			is = isSpace(r, ascii)
		case 'w', 'W':
			is = isWord(r, ascii)
		}
		if is == (k >= 'a') {
			return true
		}
	}
	return false
}

func isSpace(r rune, ascii bool) bool {
	if ascii {
		return r == ' ' || '\t' <= r && r <= '\r'
	}
	return text.IsSpace(r)
}

func isWord(r rune, ascii bool) bool {
	if r < 0x80 || ascii {
		l := lowerASCII(r)
		return 'a' <= l && l <= 'z' || '0' <= r && r <= '9' || r == '_'
	}
	return text.IsAlnum(r)
}
