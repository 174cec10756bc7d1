package config

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/offlineimap/offlineimapd/internal/config/ini"
	"github.com/offlineimap/offlineimapd/internal/pyexpr"
)

// python reads an expression; nothing but white space is none. What no Python
// could evaluate is an error here already, and nothing else is: names may be
// those of pythonfile.
func (v view) python(name string) Expression {
	s, ok := v.text(name)
	if !ok || strings.TrimSpace(s) == "" {
		return Expression{}
	}
	o, from, _ := v.section.Lookup(name)
	at := fmt.Sprintf("%s:%d", v.l.path, o.Line)
	if o.Line == 0 {
		at = overridden
	}
	e := Expression{Source: s, At: fmt.Sprintf("%s: [%s] %s", at, from.Name, name)}
	wrong := v.l.syntax(s)
	if wrong == nil {
		return e
	}
	p := v.at(name)
	p.Severity, p.Text, p.Hint = Error, "it is not a Python expression: "+wrong.Text, syntaxHint(s)
	if secret.MatchString(name) { // an error may quote a part of it
		p.Text, p.Hint = "it is not a Python expression", ""
	}
	if line, column := v.l.position(o, s, wrong.Line, wrong.Column); line > 0 {
		p.Line = line
		p.Text += fmt.Sprintf(", in column %d", column)
	} else if wrong.Line == 1 {
		p.Text += fmt.Sprintf(", in column %d of the value", wrong.Column)
	}
	v.l.add(p)
	return e
}

// syntax returns the error of what is no Python, nil for all else. Many
// repositories may inherit one expression.
func (l *loader) syntax(source string) *pyexpr.Error {
	wrong, known := l.checked[source]
	if !known {
		errors.As(pyexpr.Check(source), &wrong)
		if l.checked == nil {
			l.checked = map[string]*pyexpr.Error{}
		}
		l.checked[source] = wrong
	}
	return wrong
}

// secret are the options whose value nobody is to read in a message.
var secret = regexp.MustCompile(`pass|secret|token`)

// syntaxHint knows what Python 2 understood and Python 3 does not, and what
// other options take.
func syntaxHint(s string) string {
	switch {
	case strings.HasPrefix(s, "print ") || strings.Contains(s, " print "):
		return "Python 3 prints with print(…)"
	case strings.Contains(s, "<>"):
		return "write != in place of <>"
	case strings.Contains(s, "\n") && !strings.Contains(s, "\\\n") && strings.HasSuffix(strings.TrimSpace(firstLine(s)), ":"):
		return "put parentheses around what goes over several lines"
	}
	return ""
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// position finds in the file what is at a line and a column of an option's
// value; 0 where a reference makes that uncertain.
func (l *loader) position(o ini.Option, value string, line, column int) (fileLine, fileColumn int) {
	pieces := strings.Split(o.Raw, "\n")
	if o.Line == 0 || line < 1 || line > len(pieces) || strings.Count(value, "\n") != len(pieces)-1 || len(ini.References(o.Raw)) > 0 {
		return 0, 0
	}
	fileLine = o.Line
	next := 0
	for i := 1; i < line; i++ {
		if pieces[i] == "" {
			continue
		}
		if next == len(o.Continued) {
			return 0, 0
		}
		fileLine = o.Continued[next]
		next++
	}
	piece := pieces[line-1]
	lines := strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(l.src)), "\n")
	if piece == "" || fileLine > len(lines) {
		return 0, 0
	}
	start := strings.Index(lines[fileLine-1], piece)
	if line == 1 { // the name of an option may be the same as its value
		if eq := strings.IndexAny(lines[fileLine-1], "=:"); eq >= 0 {
			start = eq + 1 + strings.Index(lines[fileLine-1][eq+1:], piece)
		}
	}
	if start < 0 {
		return 0, 0
	}
	// Every percent sign before it takes two characters in the file.
	n := 0
	for rest := piece; n < column-1 && rest != ""; n++ {
		_, size := utf8.DecodeRuneInString(rest)
		if strings.HasPrefix(rest, "%%") {
			size = 2
		}
		start += size
		rest = rest[size:]
	}
	return fileLine, utf8.RuneCountInString(lines[fileLine-1][:start]) + 1
}
