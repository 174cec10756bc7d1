package config

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Severity says what follows from a problem.
type Severity int

// The severities.
const (
	Warning Severity = iota // told, and gone on
	Error                   // Problem.Account is refused; all are where that is ""
)

// String returns the word for messages.
func (s Severity) String() string { return [...]string{"warning", "error"}[s] }

// Problem is one thing to tell about a configuration.
type Problem struct {
	File            string
	Line            int    // 0 where no line is to blame
	Section, Option string // "" where there is none
	Severity        Severity
	Account         string // whom it concerns; "": the whole file
	Text            string
	Hint            string // what to do, or ""
}

// String returns "FILE:LINE: [section] option: text" in one line that is safe
// for a terminal, without the hint.
func (p Problem) String() string {
	var sb strings.Builder
	sb.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&sb, ":%d", p.Line)
	}
	sb.WriteString(": ")
	if p.Section != "" {
		fmt.Fprintf(&sb, "[%s] ", p.Section)
	}
	if p.Option != "" {
		fmt.Fprintf(&sb, "%s: ", p.Option)
	}
	sb.WriteString(p.Text)
	return printable(sb.String())
}

// printable replaces what could move a terminal's cursor or is not text.
func printable(s string) string {
	var sb strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 || !unicode.IsPrint(r) {
			for _, b := range []byte(s[i : i+n]) {
				fmt.Fprintf(&sb, `\x%02x`, b)
			}
		} else {
			sb.WriteRune(r)
		}
		i += n
	}
	return sb.String()
}
