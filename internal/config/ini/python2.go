package ini

import (
	"fmt"
	"strings"
)

// Repetition is a section or an option that stands in the file a second time.
type Repetition struct {
	Section, Option string // Option is "" where the header of the section is repeated
	Line, First     int    // of this one, and of the one before it
	// Apart says that the two options stand under different headers.
	Apart  bool
	in     *Section
	before Option
}

// maxRepeated is more than anybody wrote by mistake.
const maxRepeated = 1000

func (p *parser) repeat(r Repetition) {
	if len(p.file.Repeated) == maxRepeated {
		p.fail(r.Line, r.Section, r.Option, fmt.Sprintf("more than %d sections and options are repeated", maxRepeated), "is this the right file?")
		p.over = true
		return
	}
	p.file.Repeated = append(p.file.Repeated, r)
}

// Before returns the value that no longer counts, without a comment as Python 2
// saw it. The error is an *Error.
func (r Repetition) Before() (string, error) {
	o := r.before
	if o.Commented() {
		o.Raw = o.stripped()
	}
	return r.in.value(o)
}

// forget takes out the options that no longer count.
func (f *File) forget() {
	done := map[*Section]bool{}
	for _, r := range f.Repeated {
		s := r.in
		if s == nil || done[s] {
			continue
		}
		done[s] = true
		kept := s.Options[:0]
		for i, o := range s.Options {
			if s.by[o.Name] == i {
				s.by[o.Name] = len(kept)
				kept = append(kept, o)
			}
		}
		s.Options = kept
	}
}

// comment finds where Python 2 saw a comment begin in the first line of a value:
// at its first semicolon, if white space is before it. 0 is nowhere.
func comment(value string) int {
	i := strings.IndexByte(value, ';')
	if i < 1 || strings.IndexByte(" \t\v\f", value[i-1]) < 0 {
		return 0
	}
	return i
}

// Commented says that Python 2 would take a part of the option for a comment.
func (o Option) Commented() bool { return o.comment > 0 }

func (o Option) stripped() string {
	first, rest, more := strings.Cut(o.Raw, "\n")
	first = trim(first[:o.comment])
	if more {
		return first + "\n" + rest
	}
	return first
}

// Stripped is Get as if the comment that Python 2 would see were not there; ok
// is false where there is none, or the option stands in another section.
func (s *Section) Stripped(name string) (value string, ok bool, err error) {
	i, ok := s.by[name]
	if !ok || !s.Options[i].Commented() {
		return "", false, nil
	}
	o := s.Options[i]
	o.Raw = o.stripped()
	value, err = s.value(o)
	return value, true, err
}

// Strip takes from the option what Python 2 would take for a comment.
func (s *Section) Strip(name string) {
	if i, ok := s.by[name]; ok && s.Options[i].Commented() {
		o := &s.Options[i]
		o.Raw, o.comment = o.stripped(), 0
	}
}
