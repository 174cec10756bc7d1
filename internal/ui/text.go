package ui

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// safe makes a text fit for a terminal: what a terminal would obey, or would turn
// the reading direction with, becomes U+FFFD. Line ends and tabs stay.
func safe(s string) string {
	if !strings.ContainsFunc(s, suspect) { // nearly all of them
		return s
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\t', r == '\u00a0', unicode.IsPrint(r):
			return r
		}
		return utf8.RuneError
	}, s)
}

// word makes what came from elsewhere fit to stand within a line: nothing in it
// can begin a line of its own.
func word(s string) string {
	if !strings.ContainsFunc(s, suspect) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r == '\u00a0' || unicode.IsPrint(r) {
			return r
		}
		return utf8.RuneError
	}, s)
}

// indented puts all lines of a text but the first under the first.
func indented(s string) string { return strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "\n  ") }

// suspect finds what has to be looked at more closely.
func suspect(r rune) bool { return r < ' ' || r > '~' }
