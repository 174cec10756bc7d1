package ini

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// isSpace is Python's str.isspace, which counts the four ASCII information
// separators that Unicode's White_Space leaves out.
func isSpace(r rune) bool {
	return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f
}

func trim(s string) string { return strings.TrimFunc(s, isSpace) }

// indent counts the characters, not columns, before the text of a line.
func indent(line string) int {
	n := 0
	for _, r := range line {
		if !isSpace(r) {
			break
		}
		n++
	}
	return n
}

// lower is str.lower for one name. Octets that are not UTF-8 stay as they are,
// so that two different names never become one.
func lower(s string) string {
	var sb strings.Builder
	sb.Grow(len(s))
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			sb.WriteByte(s[i])
		case r == 'İ': // the one letter that Python lowers to two
			sb.WriteString("i\u0307")
		default:
			sb.WriteRune(unicode.ToLower(r))
		}
		i += n
	}
	return sb.String()
}
