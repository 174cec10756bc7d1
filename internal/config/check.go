package config

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/offlineimap/offlineimapd/internal/config/ini"
)

// check warns of whatever stands in the file without effect, whoever runs.
func (l *loader) check(mode fs.FileMode) {
	everywhere := map[string]bool{} // names that values of any section refer to
	perSection := map[*ini.Section]map[string]bool{}
	for _, s := range l.all() {
		refs := map[string]bool{}
		for _, o := range s.Options {
			for _, name := range ini.References(o.Raw) {
				refs[name], everywhere[name] = true, true
			}
		}
		perSection[s] = refs
	}
	inherited := perSection[l.file.Default]
	for _, s := range l.all() {
		in, ok := l.kinds(s)
		if !ok {
			continue
		}
		v := view{l: l, section: s, in: in}
		for _, o := range s.Options {
			variable := perSection[s][o.Name] || inherited[o.Name] || s == l.file.Default && everywhere[o.Name]
			v.option(o, variable)
			v.shape(o)
		}
		if o, _, ok := s.Lookup("remotepass"); ok && in&inIMAP != 0 && s != l.file.Default && o.Raw != "" && o.Line > 0 && mode&0o044 != 0 {
			v.problem(Warning, "remotepass", "there is a password in this file, and other users may read it", "chmod 600 "+l.path)
			mode = 0 // once is enough
		}
	}
}

// all lists the sections with [DEFAULT].
func (l *loader) all() []*ini.Section {
	return append([]*ini.Section{l.file.Default}, l.file.Sections...)
}

// place is the kind of a section, 0 where it has none.
func (l *loader) place(s *ini.Section) kind {
	switch {
	case s == l.file.Default:
		return inAny
	case s.Name == "general":
		return inGeneral
	case s.Name == "mbnames":
		return inMbnames
	case strings.HasPrefix(s.Name, accountPrefix) && s.Name != accountPrefix:
		return inAccount
	case strings.HasPrefix(s.Name, repositoryPrefix) && s.Name != repositoryPrefix:
		return kindOf(s)
	}
	return 0
}

// kinds says which options may stand in a section; ok is false where none do,
// which is told.
func (l *loader) kinds(s *ini.Section) (in kind, ok bool) {
	warn := func(text, hint string) {
		l.add(Problem{Line: s.Line, Section: s.Name, Text: text, Hint: hint})
	}
	if in := l.place(s); in != 0 {
		return in, true
	}
	switch {
	case s.Name == accountPrefix || s.Name == repositoryPrefix:
		warn("the section has no name", fmt.Sprintf("write [%sNAME]", s.Name))
		return 0, false
	case strings.HasPrefix(s.Name, "ui.") || s.Name == "notifications":
		warn("obsolete: the section has no effect", "remove it")
		return 0, false
	}
	if l.silent() {
		warn("", "")
		return 0, false
	}
	hint := ""
	word, name, named := strings.Cut(s.Name, " ")
	if near := nearest(word, []string{"Account", "Repository"}); near != "" && named {
		hint = fmt.Sprintf("did you mean [%s %s]?", near, strings.TrimSpace(name))
	} else if near := nearest(s.Name, []string{"general", "mbnames", "DEFAULT"}); near != "" {
		hint = fmt.Sprintf("did you mean [%s]?", near)
	}
	warn("unknown section: nothing in it has an effect", hint)
	return 0, false
}

// option warns of an option that has no effect in its section. A name that
// another value refers to is a variable of the writer's own.
func (v view) option(o ini.Option, variable bool) {
	opt, ok := find(o.Name, v.in)
	if v.l.silent() {
		if !ok && !variable {
			v.l.add(Problem{})
		}
		return
	}
	switch {
	case !ok && variable:
	case !ok:
		v.unknown(o.Name)
	case opt.state == obsolete:
		v.problem(Warning, o.Name, "obsolete: it has no effect", opt.note)
	case opt.state == unused:
		s, _, err := v.section.Get(o.Name)
		if err == nil && (opt.neutral(s) || !opt.readable(s) || opt.typ == typePython && v.l.syntax(s) != nil) { // the latter is told where it is read
			return
		}
		v.problem(Warning, o.Name, "not used yet: "+opt.note, "")
	}
}

func (v view) unknown(name string) {
	if rows := known(name); len(rows) > 0 {
		if rows[0].state == obsolete { // wherever it stands
			v.problem(Warning, name, "obsolete: it has no effect", rows[0].note)
			return
		}
		var belongs kind
		for _, r := range rows {
			belongs |= r.in
		}
		text := "it has no effect in this section"
		if v.in&inRepository != 0 && belongs&inRepository != 0 {
			t, _, _ := v.section.Get("type")
			text = fmt.Sprintf("it has no effect in a repository of type %s", t)
		}
		v.problem(Warning, name, text, "it belongs in "+belongs.sections())
		return
	}
	var here, elsewhere []string
	for _, o := range options {
		if o.in&v.in != 0 && o.state != obsolete {
			here = append(here, o.name)
		} else {
			elsewhere = append(elsewhere, o.name)
		}
	}
	hint := ""
	if near := nearest(name, slices.Concat(here, elsewhere)); near != "" {
		hint = fmt.Sprintf("did you mean %s?", near)
		if rows := known(near); rows[0].state == obsolete {
			hint = rows[0].note
		} else if !slices.Contains(here, near) {
			var belongs kind
			for _, r := range known(near) {
				belongs |= r.in
			}
			hint = fmt.Sprintf("did you mean %s? It belongs in %s", near, belongs.sections())
		}
	}
	v.problem(Warning, name, "unknown option", hint)
}

// shape warns of what configparser reads otherwise than it looks.
func (v view) shape(o ini.Option) {
	if v.l.silent() {
		return
	}
	next := 0
	for i, piece := range strings.Split(o.Raw, "\n") {
		if i == 0 || piece == "" || o.Line == 0 {
			continue
		}
		line := o.Continued[next]
		next++
		eq := strings.IndexAny(piece, "=:")
		if eq < 0 {
			continue
		}
		if name := strings.ToLower(strings.TrimSpace(piece[:eq])); len(known(name)) > 0 {
			v.l.add(Problem{Line: line, Section: v.section.Name, Option: o.Name,
				Text: fmt.Sprintf("this line looks like the option %s, but is part of the value of %s, for it is indented more", name, o.Name),
				Hint: fmt.Sprintf("indent it as line %d", o.Line)})
		}
	}
	opt, ok := find(o.Name, v.in)
	if ok && opt.state == used && (opt.typ == typeText || opt.typ == typePath || opt.typ == typeList) && comment(o.Raw) {
		v.problem(Warning, o.Name, "what looks like a comment at the end is part of the value", "write the comment into a line of its own")
	}
}
