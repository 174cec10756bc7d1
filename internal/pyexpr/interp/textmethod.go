package interp

import (
	"strings"
	"unicode/utf8"

	"github.com/offlineimap/offlineimapd/internal/pyexpr/raise"
	"github.com/offlineimap/offlineimapd/internal/pyexpr/text"
)

// textual wraps a function of a string that has no arguments.
func textual(f func(string) (string, error)) method {
	return method{params: "", call: func(r *Run, self any, _ []any) (any, error) {
		out, err := f(self.(string))
		if err == nil {
			err = r.make(2 * len(out))
		}
		return out, err
	}}
}

func is(name string) method {
	return method{params: "", call: func(r *Run, self any, _ []any) (any, error) {
		ok, err := text.Is(name, self.(string))
		return ok, err
	}}
}

// textOf is an argument that has to be a string.
func textOf(v any) (string, error) {
	s, ok := v.(string)
	if !ok {
		return "", raise.Type("expected str, not %s", nameOf(v))
	}
	return s, nil
}

// textOr is an argument that has to be a string, or may be left out.
func textOr(v any, otherwise string) (string, error) {
	if v == (absent{}) {
		return otherwise, nil
	}
	return textOf(v)
}

// intOr is an argument that has to be an int, or may be left out.
func intOr(v any, otherwise int64) (int64, error) {
	if v == (absent{}) {
		return otherwise, nil
	}
	return index(v, "argument")
}

func strip(left, right bool) method {
	return method{params: "/ chars?", call: func(r *Run, self any, a []any) (any, error) {
		var cut *string
		if a[0] != (absent{}) && a[0] != nil {
			s, err := textOf(a[0])
			if err != nil {
				return nil, err
			}
			cut = &s
		}
		s := self.(string)
		n := len(s)
		if cut != nil {
			n *= 1 + len(*cut)
		}
		return text.Strip(s, cut, left, right), r.make(n)
	}}
}

// within is the part of a string that start and end leave, and how many
// characters stand before it; false where start is beyond the end.
func within(s string, start, end any) (string, int64, bool, error) {
	if start == (absent{}) {
		start = nil
	}
	if end == (absent{}) {
		end = nil
	}
	if start == nil && end == nil {
		return s, 0, true, nil
	}
	rs := []rune(s)
	n := int64(len(rs))
	clip := func(v any, otherwise int64) (int64, error) {
		if v == nil {
			return otherwise, nil
		}
		i, err := index(v, "slice indices")
		if i < 0 {
			i = max(i+n, 0)
		}
		return i, err
	}
	lo, err := clip(start, 0)
	if err != nil {
		return "", 0, false, err
	}
	hi, err := clip(end, n)
	if hi = min(hi, n); lo > hi || err != nil {
		return "", 0, false, err
	}
	return string(rs[lo:hi]), lo, true, nil
}

// find is find, rfind, index and rindex.
func find(at func(s, sub string) int, must bool) method {
	return method{params: "/ sub start? end?", call: func(r *Run, self any, a []any) (any, error) {
		sub, err := textOf(a[0])
		if err != nil {
			return nil, err
		}
		s, before, ok, err := within(self.(string), a[1], a[2])
		if err != nil {
			return nil, err
		}
		i := -1
		if ok {
			i = at(s, sub)
		}
		switch {
		case i >= 0:
			return before + int64(text.Len(s[:i])), r.make(len(s))
		case must:
			return nil, raise.Value("substring not found")
		}
		return int64(-1), r.make(len(s))
	}}
}

// affix is startswith and endswith.
func affix(has func(s, part string) bool) method {
	return method{params: "/ prefix start? end?", call: func(r *Run, self any, a []any) (any, error) {
		s, _, ok, err := within(self.(string), a[1], a[2])
		if err != nil {
			return nil, err
		}
		parts := []any{a[0]}
		if t, ok := a[0].(*Tuple); ok {
			parts = t.Items
		}
		for _, p := range parts {
			part, err := textOf(p)
			if err != nil {
				return nil, err
			}
			if ok && has(s, part) {
				return true, nil
			}
		}
		return false, r.make(len(parts))
	}}
}

func split(right bool) method {
	return method{params: "sep? maxsplit?", call: func(r *Run, self any, a []any) (any, error) {
		most, err := intOr(a[1], -1)
		if err != nil {
			return nil, err
		}
		s := self.(string)
		if err := r.makeTimes(int64(len(s)), 33); err != nil {
			return nil, err
		}
		if most < 0 || most > int64(len(s)) {
			most = -1
		}
		if a[0] == nil || a[0] == (absent{}) {
			return texts(text.Fields(s, int(most), right)), nil
		}
		sep, err := textOf(a[0])
		if err != nil {
			return nil, err
		}
		if sep == "" {
			return nil, raise.Value("empty separator")
		}
		return texts(text.Split(s, sep, int(most), right)), nil
	}}
}

func texts(list []string) *List {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return &List{out}
}

func partition(at func(s, sub string) int, right bool) method {
	return method{params: "/ sep", call: func(r *Run, self any, a []any) (any, error) {
		sep, err := textOf(a[0])
		if err != nil {
			return nil, err
		}
		if sep == "" {
			return nil, raise.Value("empty separator")
		}
		s := self.(string)
		i := at(s, sep)
		switch {
		case i >= 0:
			return &Tuple{[]any{s[:i], sep, s[i+len(sep):]}}, nil
		case right:
			return &Tuple{[]any{"", "", s}}, nil
		}
		return &Tuple{[]any{s, "", ""}}, nil
	}}
}

// justify is ljust, rjust and center; left says how much of n goes to the left.
func justify(left func(n, width int) int) method {
	return method{params: "/ width fillchar?", call: func(r *Run, self any, a []any) (any, error) {
		width, err := index(a[0], "width")
		if err != nil {
			return nil, err
		}
		fill, err := textOr(a[1], " ")
		if err != nil {
			return nil, err
		}
		if text.Len(fill) != 1 {
			return nil, raise.Type("The fill character must be exactly one character long")
		}
		s := self.(string)
		if err := r.makeTimes(max(width, 0), 4); err != nil {
			return nil, err
		}
		n := int(width) - text.Len(s)
		if n <= 0 {
			return s, nil
		}
		before := left(n, int(width))
		return strings.Repeat(fill, before) + s + strings.Repeat(fill, n-before), nil
	}}
}

func (r *Run) repeatText(s string, n int64) (string, error) {
	if s == "" || n == 0 {
		return "", nil
	}
	if err := r.makeTimes(n, int64(len(s))); err != nil {
		return "", err
	}
	return strings.Repeat(s, int(n)), nil
}

func replace(r *Run, self any, a []any) (any, error) {
	s := self.(string)
	old, err := textOf(a[0])
	if err != nil {
		return nil, err
	}
	by, err := textOf(a[1])
	if err != nil {
		return nil, err
	}
	most, err := intOr(a[2], -1)
	if err != nil {
		return nil, err
	}
	n := int64(strings.Count(s, old))
	if most >= 0 {
		n = min(n, most)
	}
	if err := r.makeTimes(n, int64(len(by))); err != nil {
		return nil, err
	}
	if s == "" && old == "" && most >= 0 {
		return nil, raise.Unsupported("the replacement of nothing in nothing") // differs between versions
	}
	return strings.Replace(s, old, by, int(n)), r.make(len(s))
}

func join(r *Run, self any, a []any) (any, error) {
	items, err := r.ordered(a[0])
	if err != nil {
		return nil, err
	}
	parts := make([]string, len(items))
	size := len(self.(string)) * len(items)
	for i, v := range items {
		if parts[i], err = textOf(v); err != nil {
			return nil, err
		}
		size += len(parts[i])
	}
	if err := r.make(size); err != nil {
		return nil, err
	}
	return strings.Join(parts, self.(string)), nil
}

func zfill(r *Run, self any, a []any) (any, error) {
	width, err := index(a[0], "width")
	if err != nil {
		return nil, err
	}
	s := self.(string)
	n := width - int64(text.Len(s))
	if n <= 0 {
		return s, nil
	}
	zeros, err := r.repeatText("0", n)
	if s != "" && (s[0] == '+' || s[0] == '-') {
		return s[:1] + zeros + s[1:], err
	}
	return zeros + s, err
}

// codec is the name of an encoding as it is known here; "" where it is not.
func codec(v any) (string, error) {
	name, err := textOr(v, "utf-8")
	if err != nil {
		return "", err
	}
	switch strings.ReplaceAll(strings.ToLower(name), "_", "-") {
	case "utf-8", "utf8":
		return "utf-8", nil
	case "ascii", "us-ascii":
		return "ascii", nil
	case "latin-1", "iso-8859-1", "latin1":
		return "latin-1", nil
	}
	return "", raise.Unsupported("the encoding %s", name)
}

func strict(v any) error {
	name, err := textOr(v, "strict")
	if err == nil && name != "strict" {
		return raise.Unsupported("errors other than strict")
	}
	return err
}

func encode(r *Run, self any, a []any) (any, error) {
	name, err := codec(a[0])
	if err != nil {
		return nil, err
	}
	if err := strict(a[1]); err != nil {
		return nil, err
	}
	s := self.(string)
	if name == "utf-8" {
		return Bytes(s), r.make(len(s))
	}
	limit := rune(0x80)
	if name == "latin-1" {
		limit = 0x100
	}
	out := make([]byte, 0, len(s))
	for _, c := range s {
		if c >= limit {
			return nil, &raise.Error{Kind: "UnicodeEncodeError", Text: name + " cannot hold a character"}
		}
		out = append(out, byte(c))
	}
	return Bytes(out), r.make(len(s))
}

func decode(r *Run, self any, a []any) (any, error) {
	name, err := codec(a[0])
	if err != nil {
		return nil, err
	}
	if err := strict(a[1]); err != nil {
		return nil, err
	}
	s := string(self.(Bytes))
	switch {
	case name == "latin-1":
		out := make([]rune, len(s))
		for i := range len(s) {
			out[i] = rune(s[i])
		}
		return string(out), r.make(2 * len(s))
	case name == "ascii" && !text.IsASCII(s), !utf8.ValidString(s):
		return nil, &raise.Error{Kind: "UnicodeDecodeError", Text: "not " + name}
	}
	return s, r.make(len(s))
}
