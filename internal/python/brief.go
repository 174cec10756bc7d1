package python

import (
	"regexp"
	"strings"
)

var literals = regexp.MustCompile(`(?s)'(\\.|[^'\\])*('|\z)|"(\\.|[^"\\])*("|\z)`)

// brief is an expression for an error: its first line, without the texts in it,
// which may be secret.
func brief(src string) string {
	const most = 60
	s := literals.ReplaceAllString(strings.TrimSpace(src), "'…'")
	s, _, more := strings.Cut(s, "\n")
	if r := []rune(s); len(r) > most {
		s, more = string(r[:most]), true
	}
	if more {
		s += "…"
	}
	return s
}
