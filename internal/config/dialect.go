package config

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/offlineimap/offlineimapd/internal/config/ini"
)

// dialect reads what was written for OfflineIMAP 7, whose Python 2 took what
// follows white space and a semicolon for a comment, and read on where a section
// or an option is repeated. OfflineIMAP 8 takes the comment for a part of the
// value, and refuses what is repeated.
//
// A comment is taken off where the value makes sense only without it. Of a
// password, a command or another text nobody can tell; there it is taken off
// only in a file that OfflineIMAP 8 would refuse for something else of this, and
// that hence is surely one of OfflineIMAP 7.
func (l *loader) dialect() {
	old := len(l.file.Repeated) > 0
	var used map[*ini.Section]bool
	for _, s := range l.all() {
		for _, o := range commented(s) {
			in := l.place(s) // another one, once the comment is taken off the type
			if in == 0 || !(view{l: l, section: s, in: in}).onlyStripped(o.Name) {
				continue
			}
			l.strip(s, in, o.Name)
			if used == nil {
				used = l.used()
			}
			old = old || used[s]
		}
	}
	if !old {
		return
	}
	for _, s := range l.all() {
		for _, o := range commented(s) {
			l.strip(s, l.place(s), o.Name)
		}
	}
	for _, r := range l.file.Repeated {
		l.repeated(r)
	}
}

// commented lists the options with a comment of Python 2; the type of a
// repository, which says what the others mean, comes first.
func commented(s *ini.Section) []ini.Option {
	var found []ini.Option
	for _, o := range s.Options {
		if o.Commented() {
			found = append(found, o)
		}
	}
	slices.SortStableFunc(found, func(a, b ini.Option) int {
		switch {
		case a.Name == b.Name:
			return 0
		case a.Name == "type":
			return -1
		case b.Name == "type":
			return 1
		}
		return 0
	})
	return found
}

func (l *loader) strip(s *ini.Section, in kind, name string) {
	s.Strip(name)
	view{l: l, section: s, in: in}.problem(Warning, name, "what follows the semicolon is taken for a comment, as OfflineIMAP 7 took it",
		"write the comment into a line of its own: OfflineIMAP 8 takes it for a part of the value")
}

// used are the sections that OfflineIMAP 8 reads before it syncs anything.
func (l *loader) used() map[*ini.Section]bool {
	m := map[*ini.Section]bool{l.file.Default: true}
	for _, name := range []string{"general", "mbnames"} {
		if s, ok := l.file.Section(name); ok {
			m[s] = true
		}
	}
	general, ok := l.file.Section("general")
	if !ok {
		return m
	}
	accounts, _, _ := general.Get("accounts")
	for _, name := range parseList(accounts) {
		account, ok := l.file.Section(accountPrefix + name)
		if !ok || m[account] {
			continue
		}
		m[account] = true
		for _, option := range []string{"localrepository", "remoterepository"} {
			name, _, _ := account.Get(option)
			if repository, ok := l.file.Section(repositoryPrefix + name); ok {
				m[repository] = true
			}
		}
	}
	return m
}

// onlyStripped says that the value makes sense without its comment only.
func (v view) onlyStripped(name string) bool {
	opt, ok := find(name, v.in)
	if !ok || opt.state == obsolete {
		return false
	}
	for _, other := range known(name) {
		if other.in&v.in != 0 && other.typ != opt.typ { // in [DEFAULT] it may mean either
			return false
		}
	}
	makesSense := v.sense(opt)
	if makesSense == nil {
		return false
	}
	without, _, err := v.section.Stripped(name)
	if err != nil || !makesSense(without) {
		return false
	}
	whole, _, err := v.section.Get(name)
	return err != nil || !makesSense(whole)
}

// sense returns what tells a value of an option from other text, nil if nothing
// does.
func (v view) sense(opt option) func(string) bool {
	is := func(_ any, err error) bool { return err == nil }
	there := func(prefix string) func(string) bool {
		return func(s string) bool { _, ok := v.l.file.Section(prefix + s); return ok }
	}
	every := func(ok func(string) bool) func(string) bool {
		return func(s string) bool {
			list := parseList(s)
			return len(list) > 0 && !slices.ContainsFunc(list, func(item string) bool { return !ok(item) })
		}
	}
	oneOf := func(words string) func(string) bool {
		return func(s string) bool { return slices.Contains(strings.Fields(words), s) }
	}
	switch opt.name {
	case "accounts":
		return every(there(accountPrefix))
	case "localrepository", "remoterepository":
		return there(repositoryPrefix)
	case "type":
		return oneOf("IMAP Gmail Maildir GmailMaildir")
	case "auth_mechanisms":
		return every(func(s string) bool { return slices.Contains(parseList(opt.deflt), strings.ToUpper(s)) })
	case "cert_fingerprint":
		return every(func(s string) bool { return is(fingerprint(s)) })
	case "ssl_version":
		return oneOf("tls1 tls1_1 tls1_2 ssl3 ssl23")
	case "tls_level":
		return oneOf("tls_compat tls_no_ssl tls_secure")
	case "ui":
		return every(func(s string) bool { return interfaceName(s) != "" })
	case "remotehost":
		return func(s string) bool { return len(strings.Fields(s)) == 1 }
	case "sep":
		if opt.in == inMaildir {
			return func(s string) bool { return len(s) == 1 }
		}
	}
	if strings.HasPrefix(opt.name, "customflag_") {
		return func(s string) bool { return keyword(s) == "" }
	}
	switch opt.typ {
	case typeBool:
		return func(s string) bool { _, ok := parseBool(s); return ok }
	case typeInt:
		return func(s string) bool { return is(parseInt(s)) }
	case typeFloat:
		return func(s string) bool { return is(parseMinutes(s)) }
	case typeDate:
		return func(s string) bool { return strings.Trim(s, "-0123456789") == "" }
	case typePath:
		return func(s string) bool {
			path, _ := expandVars(expandUser(s, os.Getenv))
			_, err := os.Stat(path)
			return err == nil || opt.name == "sslcacertfile" && s == SystemRoots
		}
	case typePython:
		return expression
	}
	return nil
}

// expression says that no semicolon stands in the first line of a Python
// expression but in a string or a comment; anywhere else it can only be the
// beginning of a comment of Python 2.
func expression(s string) bool {
	line, _, _ := strings.Cut(s, "\n")
	quote := byte(0)
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case quote != 0 && c == '\\':
			i++
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
		case c == '\'' || c == '"':
			quote = c
		case c == '#':
			return true
		case c == ';':
			return false
		}
	}
	return true
}

// identity are the options that say whose mail is synced with what.
var identity = []string{"localrepository", "remoterepository", "type", "localfolders", "remotehost", "remotehosteval", "remoteuser", "remoteusereval",
	"preauthtunnel", "transporttunnel"}

// repeated tells how a repetition was read. Where two sections of one name say
// differently whose mail it is, they were meant to be two: as one, the mail of
// one account would go to the server of the other.
func (l *loader) repeated(r ini.Repetition) {
	s := l.file.Default
	if named, ok := l.file.Section(r.Section); ok {
		s = named
	}
	if r.Option == "" {
		l.add(Problem{Line: r.Line, Section: r.Section, Text: fmt.Sprintf("this section exists already, in line %d: both are read as one, as OfflineIMAP 7 read them", r.First),
			Hint: "move its options there: OfflineIMAP 8 refuses such a file"})
		return
	}
	if r.Apart && slices.Contains(identity, r.Option) && l.place(s)&(inAccount|inRepository) != 0 && s != l.file.Default {
		before, err := r.Before()
		now, _, nowErr := s.Get(r.Option)
		if err != nil || nowErr != nil || before != now {
			l.add(Problem{Line: r.Line, Section: r.Section, Option: r.Option, Severity: Error,
				Text: fmt.Sprintf("there are two sections of this name, and this option is not what it is in line %d", r.First),
				Hint: "give one of the sections another name, or remove one of the lines"})
			return
		}
	}
	l.add(Problem{Line: r.Line, Section: r.Section, Option: r.Option, Text: fmt.Sprintf("written twice in this section, first in line %d: this one counts, as in OfflineIMAP 7", r.First),
		Hint: fmt.Sprintf("remove line %d: OfflineIMAP 8 refuses such a file", r.First)})
}
