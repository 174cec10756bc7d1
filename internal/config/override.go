package config

import (
	"fmt"
	"strings"

	"github.com/offlineimap/offlineimapd/internal/config/ini"
)

// Override is an option that replaces the one of the file, or joins those of
// its section.
type Override struct {
	Section string // as it is written: where there is none of this name, underscores are spaces
	Option  string
	Value   string
}

// overridden stands for the file in messages about an Override.
const overridden = "-k"

// ParseOverride reads OfflineIMAP's [section:]option=value. Without a section,
// general is meant. A section's name may have underscores for its spaces.
func ParseOverride(s string) (Override, error) {
	key, value, ok := strings.Cut(s, "=")
	o := Override{Section: "general", Option: strings.TrimSpace(key), Value: strings.TrimSpace(value)}
	if section, option, named := strings.Cut(key, ":"); named {
		o.Section, o.Option = strings.TrimSpace(section), strings.TrimSpace(option)
	}
	if !ok || o.Option == "" || o.Section == "" {
		return Override{}, fmt.Errorf("%s %q is not of the form [section:]option=value", overridden, s)
	}
	return o, nil
}

// override puts what replaces the file's options into their sections.
func (l *loader) override(overrides []Override) {
	for _, o := range overrides {
		section := l.overrideSection(o.Section)
		if section == nil {
			l.add(Problem{File: overridden, Section: o.Section, Option: o.Option, Severity: Error,
				Text: "there is no section of this name in " + l.path, Hint: l.sectionHint(o.Section)})
			continue
		}
		section.Set(o.Option, o.Value)
	}
}

// overrideSection finds the section of exactly this name, else the one that has
// spaces for its underscores. OfflineIMAP looks for the latter only, and so
// cannot name a section with an underscore.
func (l *loader) overrideSection(name string) *ini.Section {
	for _, n := range []string{name, strings.ReplaceAll(name, "_", " ")} {
		if s, ok := l.file.Section(n); ok {
			return s
		}
		if n == l.file.Default.Name {
			return l.file.Default
		}
	}
	// A name may hold both.
	for _, s := range l.file.Sections {
		if strings.ReplaceAll(s.Name, " ", "_") == name {
			return s
		}
	}
	return nil
}

func (l *loader) sectionHint(name string) string {
	names := []string{"DEFAULT"}
	for _, s := range l.file.Sections {
		if len(names) > maxWarnings {
			break
		}
		names = append(names, strings.ReplaceAll(s.Name, " ", "_"))
	}
	return didYouMean(strings.ReplaceAll(name, " ", "_"), names)
}
