package ini

import (
	"fmt"
	"strings"
)

// Error is one thing that is wrong in a file.
type Error struct {
	Line            int
	Section, Option string // "" where there is none
	Text            string
	Hint            string // what to do, or ""
}

func (e *Error) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Text) }

// Option is one option as it was written.
type Option struct {
	Name string // lower case
	Raw  string // before interpolation; lines are joined by \n
	Line int    // 0 for one that was Set
	// Continued holds the line numbers of the lines of Raw after its first,
	// empty ones left out.
	Continued []int
	comment   int // where in Raw Python 2 saw a comment begin; 0: nowhere
}

// Section is one section with its options in the order of the file.
type Section struct {
	Name    string
	Line    int // of its first header; 0 for a [DEFAULT] that was not written
	Options []Option
	by      map[string]int
	// defaults is nil in [DEFAULT] itself.
	defaults *Section
	file     *File
}

// File is what Parse found.
type File struct {
	Default  *Section
	Sections []*Section // in the order of the file, without [DEFAULT]
	// Repeated is what Python 3 refuses; where it is not empty, the file is none
	// of Python 3's, and was read as Python 2 did: the last one counts.
	Repeated []Repetition
	by       map[string]*Section
	work     int // done for interpolation, in octets and references
}

// Section returns the section of that exact name.
func (f *File) Section(name string) (*Section, bool) {
	s, ok := f.by[name]
	return s, ok
}

// Lookup returns an option as the section sees it, and the section it stands
// in: this one or [DEFAULT].
func (s *Section) Lookup(name string) (Option, *Section, bool) {
	for t := s; t != nil; t = t.defaults {
		if i, ok := t.by[name]; ok {
			return t.Options[i], t, true
		}
	}
	return Option{}, nil, false
}

const (
	maxErrors  = 20      // end the reading of something that is no configuration at all
	maxEntries = 200_000 // sections and options, which cost many times their length in memory
)

// Parse reads a file. The File is never nil; where there are errors it holds
// what could be understood, and must not be used for anything but messages.
// What is Repeated is no error here.
func Parse(src []byte) (*File, []*Error) {
	f := &File{by: map[string]*Section{}}
	f.Default = &Section{Name: "DEFAULT", by: map[string]int{}, file: f}
	p := parser{file: f}
	rest := string(src)
	for n := 1; rest != "" && len(p.errs) < maxErrors && !p.over; n++ {
		var line string
		line, rest = cutLine(rest)
		p.line(n, line)
		if p.entries > maxEntries {
			p.fail(n, "", "", fmt.Sprintf("more than %d sections and options", maxEntries), "is this the right file?")
			break
		}
	}
	p.finish()
	f.forget()
	return f, p.errs
}

// cutLine ends a line at \n, \r\n or \r, as Python's text files do.
func cutLine(s string) (line, rest string) {
	i := strings.IndexAny(s, "\r\n")
	if i < 0 {
		return s, ""
	}
	if strings.HasPrefix(s[i:], "\r\n") {
		return s[:i], s[i+2:]
	}
	return s[:i], s[i+1:]
}

type parser struct {
	file     *File
	errs     []*Error
	section  *Section
	open     bool // the last option of section takes continuation lines
	more     []byte
	blank    int // empty lines seen since the last line of the open option
	indent   int // of the last section or option line
	head     int // the line of the last header
	headless bool
	over     bool // no more is read
	entries  int
}

func (p *parser) fail(line int, section, option, text, hint string) {
	p.errs = append(p.errs, &Error{line, section, option, text, hint})
}

func (p *parser) option() *Option { return &p.section.Options[len(p.section.Options)-1] }

// finish closes the open option. Empty lines at its end do not count.
func (p *parser) finish() {
	if p.open && len(p.more) > 0 {
		p.option().Raw += string(p.more)
	}
	p.open, p.more, p.blank = false, p.more[:0], 0
}

func (p *parser) line(n int, line string) {
	text := trim(line)
	if text == "" {
		p.blank++
		return
	}
	if text[0] == '#' || text[0] == ';' {
		return
	}
	in := indent(line)
	if p.open && in > p.indent {
		for ; p.blank >= 0; p.blank-- {
			p.more = append(p.more, '\n')
		}
		p.blank = 0
		p.more = append(p.more, text...)
		o := p.option()
		o.Continued = append(o.Continued, n)
		return
	}
	p.indent = in
	p.entries++
	if text[0] == '[' {
		if end := strings.LastIndexByte(text, ']'); end > 1 {
			p.finish()
			p.header(n, text[1:end])
			return
		}
	}
	if p.section == nil {
		if !p.headless {
			p.fail(n, "", "", "an option or text before the first [section]", "begin the file with [general]")
		}
		p.headless = true
		return
	}
	eq := strings.IndexAny(text, "=:")
	if eq < 0 {
		// Python keeps the option before this line open, with a new indentation.
		p.fail(n, p.section.Name, "", "neither a [section], nor a line \"option = value\", nor the indented continuation of one",
			"write # before it if it is a comment, or indent it if it belongs to the line above")
		return
	}
	p.finish()
	name := lower(trim(text[:eq]))
	if name == "" {
		p.fail(n, p.section.Name, "", "a value without the name of an option before it", "write NAME = VALUE")
		return
	}
	if i, dup := p.section.by[name]; dup {
		p.repeat(Repetition{Section: p.section.Name, Option: name, Line: n, First: p.section.Options[i].Line,
			Apart: p.section.Options[i].Line < p.head, in: p.section, before: p.section.Options[i]})
	}
	p.section.by[name] = len(p.section.Options)
	value := trim(text[eq+1:])
	p.section.Options = append(p.section.Options, Option{Name: name, Raw: value, Line: n, comment: comment(value)})
	p.open = true
}

func (p *parser) header(n int, name string) {
	p.head = n
	if name == p.file.Default.Name { // the one section that may come again
		p.section = p.file.Default
		if p.section.Line == 0 {
			p.section.Line = n
		}
		return
	}
	s := p.file.by[name]
	if s != nil {
		p.repeat(Repetition{Section: name, Line: n, First: s.Line})
	} else {
		s = &Section{Name: name, Line: n, by: map[string]int{}, defaults: p.file.Default, file: p.file}
		p.file.by[name] = s
		p.file.Sections = append(p.file.Sections, s)
	}
	p.section = s
}
