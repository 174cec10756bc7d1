package ini

import (
	"fmt"
	"strings"
)

const (
	maxDepth = 10      // configparser.MAX_INTERPOLATION_DEPTH
	maxRefs  = 10_000  // references followed for one value
	maxValue = 1 << 20 // octets of a value that references something
	// Octets written and references followed for all values of a file: each of
	// 100,000 sections may inherit one that grows to maxValue.
	maxWork = 64 << 20
)

const (
	percentHint = "a literal percent sign is written %%"
	outHint     = "write the value itself in place of a reference"
)

// Get returns the value of an option with every %(name)s replaced, from the
// section itself or from [DEFAULT]; ok is false where it stands in neither. An
// error is an *Error.
func (s *Section) Get(name string) (value string, ok bool, err error) {
	o, _, ok := s.Lookup(name)
	if !ok {
		return "", false, nil
	}
	value, err = s.value(o)
	return value, true, err
}

func (s *Section) value(o Option) (string, error) {
	if !strings.Contains(o.Raw, "%") {
		return o.Raw, nil
	}
	x := expansion{section: s}
	err := x.expand(o)
	s.file.work += x.out.Len() + x.refs
	if err != nil {
		return "", err
	}
	return x.out.String(), nil
}

// Set puts an option into the section as if it stood there, in place of the one
// of that name. Its Line is 0.
func (s *Section) Set(name, value string) {
	o := Option{Name: lower(trim(name)), Raw: value}
	if i, ok := s.by[o.Name]; ok {
		s.Options[i] = o
		return
	}
	s.by[o.Name] = len(s.Options)
	s.Options = append(s.Options, o)
}

type expansion struct {
	section *Section
	out     strings.Builder
	refs    int
	chain   []string
}

func (x *expansion) expand(o Option) error {
	fail := func(hint, format string, args ...any) error {
		return &Error{Line: o.Line, Section: x.section.Name, Option: o.Name, Text: fmt.Sprintf(format, args...), Hint: hint}
	}
	for i, n := range x.chain {
		if n == o.Name {
			return fail(outHint, "circular reference: %s -> %s", strings.Join(x.chain[i:], " -> "), n)
		}
	}
	if x.section.file.work > maxWork {
		return fail(outHint, "all the references of the file together are too long to be followed")
	}
	if len(x.chain) == maxDepth {
		return fail(outHint, "more than %d references inside one another, beginning with %s", maxDepth, x.chain[0])
	}
	x.chain = append(x.chain, o.Name)
	defer func() { x.chain = x.chain[:len(x.chain)-1] }()
	for rest := o.Raw; rest != ""; {
		i := strings.IndexByte(rest, '%')
		if i < 0 {
			i = len(rest)
		}
		x.out.WriteString(rest[:i])
		if rest = rest[i:]; rest == "" {
			break
		}
		if strings.HasPrefix(rest, "%%") {
			x.out.WriteByte('%')
			rest = rest[2:]
			continue
		}
		name, n := reference(rest)
		if n == 0 {
			if strings.HasPrefix(rest, "%(") {
				return fail(percentHint, "a reference that is not of the form %%(name)s")
			}
			return fail(percentHint, "a single percent sign")
		}
		rest = rest[n:]
		ref, _, ok := x.section.Lookup(name)
		if !ok {
			return fail(percentHint, "refers to %%(%s)s, but there is no such option in this section or in [DEFAULT]", name)
		}
		if x.refs++; x.refs > maxRefs {
			return fail(outHint, "more than %d references in one value", maxRefs)
		}
		if strings.Contains(ref.Raw, "%") {
			if err := x.expand(ref); err != nil {
				return err
			}
		} else {
			x.out.WriteString(ref.Raw)
		}
		if x.out.Len() > maxValue {
			return fail(outHint, "its references make it longer than %d octets", maxValue)
		}
	}
	return nil
}

// reference reads %(name)s at the start of s; n is its length, 0 if it is none.
func reference(s string) (name string, n int) {
	if !strings.HasPrefix(s, "%(") {
		return "", 0
	}
	end := strings.IndexByte(s, ')')
	if end < 3 || end+1 >= len(s) || s[end+1] != 's' {
		return "", 0
	}
	return lower(s[2:end]), end + 2
}

// References returns the names that a raw value refers to, at first hand.
func References(raw string) []string {
	var names []string
	for {
		i := strings.IndexByte(raw, '%')
		if i < 0 || i+1 >= len(raw) {
			return names
		}
		raw = raw[i:]
		if name, n := reference(raw); n > 0 {
			names = append(names, name)
			raw = raw[n:]
		} else {
			raw = raw[2:] // %% or an error
		}
	}
}
