package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/offlineimap/offlineimapd/internal/config/ini"
)

// view reads the options of one section for one account, or for the whole file
// where account is "". A value that cannot be read is told and stands for its
// default.
type view struct {
	l       *loader
	section *ini.Section
	in      kind
	account string
}

// problem tells of an option, where it stands, or of the section if it does not.
func (v view) problem(severity Severity, option, text, hint string) {
	p := v.at(option)
	p.Severity, p.Text, p.Hint = severity, text, hint
	v.l.add(p)
}

// at is a Problem of an option without a text.
func (v view) at(option string) Problem {
	p := Problem{Line: v.section.Line, Section: v.section.Name, Option: option, Account: v.account}
	if o, from, ok := v.section.Lookup(option); ok {
		p.Line, p.Section = o.Line, from.Name
		if o.Line == 0 {
			p.File = overridden
		}
	}
	return p
}

func (v view) wrong(option, hint, format string, args ...any) {
	v.problem(Error, option, fmt.Sprintf(format, args...), hint)
}

func (v view) deflt(name string) string {
	o, _ := find(name, v.in)
	return o.deflt
}

// text returns a value as it is written, else the default; ok is false for the
// default.
func (v view) text(name string) (value string, ok bool) {
	value, ok, err := v.section.Get(name)
	if err != nil {
		var e *ini.Error
		if errors.As(err, &e) {
			text := e.Text
			if e.Option != name {
				text += fmt.Sprintf(" (%s refers to it)", name)
			}
			p := Problem{Line: e.Line, Section: v.section.Name, Option: e.Option, Severity: Error, Account: v.account, Text: text, Hint: e.Hint}
			if e.Line == 0 {
				p.File = overridden
			}
			v.l.add(p)
		}
		return v.deflt(name), false
	}
	if !ok {
		return v.deflt(name), false
	}
	return value, true
}

func (v view) boolean(name string) bool {
	d, _ := parseBool(v.deflt(name))
	return v.booleanOr(name, d)
}

func (v view) booleanOr(name string, d bool) bool {
	s, ok := v.text(name)
	if !ok {
		return d
	}
	b, ok := parseBool(s)
	if !ok {
		v.wrong(name, valueHint(s, "write yes or no"), "%q is neither yes nor no", s)
		return d
	}
	return b
}

func (v view) number(name string, low, high int) int {
	d, _ := parseInt(v.deflt(name))
	s, ok := v.text(name)
	if !ok {
		return d
	}
	n, err := parseInt(s)
	switch {
	case err != nil:
		v.wrong(name, valueHint(s, "write it in digits"), "%q %v", s, err)
		return d
	case n < low || n > high:
		v.wrong(name, "write one between, or remove the line", "%d is not between %d and %d", n, low, high)
		return d
	}
	return n
}

func (v view) word(name string, words ...string) string {
	s, ok := v.text(name)
	if ok && s == "" {
		return v.deflt(name)
	}
	if ok && !slices.Contains(words, s) {
		v.wrong(name, valueHint(s, ""), "%q is none of %s", s, strings.Join(words, ", "))
		return v.deflt(name)
	}
	return s
}

// path expands ~ and variables, and makes a path absolute: it means the same as
// long as the working directory does. OfflineIMAP takes the name of a variable
// that is not set, or of a user that does not exist, for the name of a
// directory; a Maildir begun anew in there is nothing that anybody wants.
func (v view) path(name string) string {
	s, _ := v.text(name)
	if s == "" {
		return ""
	}
	s, unset := expandVars(expandUser(s, os.Getenv))
	if unset != "" {
		v.wrong(name, "set it, or write the whole path", "the variable %s is not set", unset)
	}
	return v.absolute(name, s)
}

func (v view) absolute(name, path string) string {
	if strings.HasPrefix(path, "~") {
		v.wrong(name, "write the whole path", "there is no user %s", strings.SplitN(path[1:], "/", 2)[0])
		return path
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		v.wrong(name, "write the whole path", "%v", err)
		return path
	}
	if !filepath.IsAbs(path) {
		v.problem(Warning, name, fmt.Sprintf("a relative path: here and now it means %s", abs), "write the whole path, or begin it with ~/")
	}
	return abs
}

// refusals tells of every option whose being ignored would do harm.
func (v view) refusals() {
	for _, o := range options {
		if o.state != refused || o.in&v.in == 0 {
			continue
		}
		if _, _, ok := v.section.Lookup(o.name); !ok {
			continue
		}
		s, ok := v.text(o.name)
		if ok && !o.neutral(s) {
			v.wrong(o.name, "", "refusing account %q: %s is not supported yet, and without it %s", v.account, o.name, o.note)
		}
	}
}

// valueHint explains values that were written for another parser.
func valueHint(s, hint string) string {
	if comment(s) {
		return "a comment must have a line of its own"
	}
	if quoted(s) {
		return "write it without quotation marks"
	}
	return hint
}

func comment(s string) bool {
	return strings.Contains(s, " ;") || strings.Contains(s, " #") || strings.Contains(s, "\t;") || strings.Contains(s, "\t#")
}

func quoted(s string) bool {
	return len(s) > 1 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0]
}
