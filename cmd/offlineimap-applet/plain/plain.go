// Package plain makes text of others fit to be shown: account names, folder
// names and sentences that came from a server or a file.
//
// It must not know where a text comes from or goes; it has no goroutines.
package plain

import (
	"strings"
	"unicode"
)

// Line returns s as one line of at most limit characters, without anything that
// would move a cursor, reverse the direction of what follows, or not be UTF-8.
func Line(s string, limit int) string { return clean(s, limit, false) }

// Text is Line for several lines.
func Text(s string, limit int) string { return clean(s, limit, true) }

func clean(s string, limit int, lines bool) string {
	var b strings.Builder
	n := 0
	for _, r := range s { // an octet that is not UTF-8 comes as U+FFFD
		switch {
		case r == '\n' && lines:
		case r == '\n' || r == '\t' || r == '\u2028' || r == '\u2029':
			r = ' '
		case unicode.IsControl(r) || directs(r):
			continue
		}
		if n == limit {
			return strings.TrimRight(b.String(), " \n") + "…"
		}
		b.WriteRune(r)
		n++
	}
	return strings.TrimSpace(b.String())
}

// directs tells of the marks that change the direction of writing (Unicode
// UAX #9): with them a name can look like another.
func directs(r rune) bool {
	return r == '\u200e' || r == '\u200f' || r == '\u061c' || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
}

// Markup returns s so that a reader of markup shows it as it is.
func Markup(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

// NoMarkup returns s with signs that look alike in place of those of markup,
// for readers of which some know markup and some do not.
func NoMarkup(s string) string {
	return strings.NewReplacer("&", "＆", "<", "‹", ">", "›").Replace(s)
}
