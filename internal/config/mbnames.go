package config

import (
	"cmp"
	"strings"
)

// interfaces are OfflineIMAP's, by their present names.
var interfaces = []string{"ttyui", "basic", "quiet", "syslog", "machineui", "blinkenlights"}

// interfaceName returns the present name of a user interface, which older
// releases wrote as Module.Name; "" where there is none.
func interfaceName(s string) string {
	name := strings.ToLower(strings.TrimSpace(s[strings.LastIndexByte(s, '.')+1:]))
	for _, known := range interfaces {
		if name == known {
			return name
		}
	}
	return ""
}

// ui reads the user interface. A list of them is what old samples had: the
// first that could be used was.
func (v view) ui() string {
	s, ok := v.text("ui")
	if !ok {
		return v.deflt("ui")
	}
	names := strings.Split(s, ",")
	rest := ""
	for _, item := range names {
		if name := interfaceName(item); name != "blinkenlights" {
			rest = cmp.Or(rest, name)
		}
	}
	for _, item := range names {
		name := interfaceName(item)
		switch {
		case name == "", name == "blinkenlights" && rest != "": // which is not there: another of the list is
			continue
		case len(names) > 1:
			v.problem(Warning, "ui", "a list of user interfaces: "+name+" is taken, the first that there is", "write ui = "+name)
		case strings.Contains(item, "."):
			v.problem(Warning, "ui", "an old name of the user interface "+name, "write ui = "+name)
		}
		return name
	}
	v.wrong("ui", valueHint(s, didYouMean(strings.ToLower(s), interfaces)), "%q is none of the user interfaces %s", s, strings.Join(interfaces, ", "))
	return v.deflt("ui")
}

// mbnames reads the section of that name. What is missing is an error only where
// the file is to be written.
func (l *loader) mbnames() MBNames {
	section, ok := l.file.Section("mbnames")
	if !ok {
		return MBNames{}
	}
	v := view{l: l, section: section, in: inMbnames}
	m := MBNames{Enabled: v.boolean("enabled")}
	if !m.Enabled {
		return m
	}
	m.Filename, m.Incremental = v.path("filename"), v.boolean("incremental")
	m.Header, m.Sep, m.Footer = v.python("header"), v.python("sep"), v.python("footer")
	m.Filter, m.SortKey = v.python("folderfilter"), v.python("sort_keyfunc")
	if o, _, ok := section.Lookup("peritem"); ok {
		m.PerItem = o.Raw
	}
	for _, need := range []struct{ name, value, example string }{
		{"filename", m.Filename, "~/.mutt/mailboxes"},
		{"header", m.Header.Source, `"mailboxes "`},
		{"peritem", m.PerItem, `"+%(accountname)s/%(foldername)s"`},
		{"sep", m.Sep.Source, `" "`},
		{"footer", m.Footer.Source, `"\n"`},
	} {
		if _, ok, err := section.Get(need.name); need.value == "" && (err == nil || need.name == "peritem") {
			text := "the file of mailbox names cannot be written without it"
			if ok {
				text = "it is empty"
			}
			v.wrong(need.name, "write for example "+need.name+" = "+need.example+", or enabled = no", "%s", text)
		}
	}
	return m
}
