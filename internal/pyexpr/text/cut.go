package text

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Strip is str.strip with the sides to strip; a nil cut is white space.
func Strip(s string, cut *string, left, right bool) string {
	is := IsSpace
	if cut != nil {
		is = func(r rune) bool { return strings.ContainsRune(*cut, r) }
	}
	if left {
		s = strings.TrimLeftFunc(s, is)
	}
	if right {
		s = strings.TrimRightFunc(s, is)
	}
	return s
}

// Split is str.split, or where right is set str.rsplit; most is below 0 where
// there is no limit.
func Split(s, sep string, most int, right bool) []string {
	if !right {
		if most < 0 {
			return strings.Split(s, sep)
		}
		return strings.SplitN(s, sep, most+1)
	}
	var out []string
	for ; most != 0; most-- {
		at := strings.LastIndex(s, sep)
		if at < 0 {
			break
		}
		out = append(out, s[at+len(sep):])
		s = s[:at]
	}
	out = append(out, s)
	slices.Reverse(out)
	return out
}

// Fields is str.split and str.rsplit without a separator.
func Fields(s string, most int, right bool) []string {
	out := []string{}
	for {
		s = Strip(s, nil, !right, right)
		if s == "" {
			break
		}
		if most == 0 {
			out = append(out, s)
			break
		}
		most--
		if !right {
			at := strings.IndexFunc(s, IsSpace)
			if at < 0 {
				at = len(s)
			}
			out = append(out, s[:at])
			s = s[at:]
			continue
		}
		at := strings.LastIndexFunc(s, IsSpace)
		if at >= 0 {
			_, n := utf8.DecodeRuneInString(s[at:])
			at += n
		} else {
			at = 0
		}
		out = append(out, s[at:])
		s = s[:at]
	}
	if right {
		slices.Reverse(out)
	}
	return out
}

// Lines is str.splitlines.
func Lines(s string, keep bool) []string {
	out := []string{}
	for s != "" {
		at := strings.IndexFunc(s, func(r rune) bool {
			return '\n' <= r && r <= '\r' || 0x1c <= r && r <= 0x1e || r == 0x85 || r == 0x2028 || r == 0x2029
		})
		if at < 0 {
			return append(out, s)
		}
		_, n := utf8.DecodeRuneInString(s[at:])
		if strings.HasPrefix(s[at:], "\r\n") {
			n = 2
		}
		if keep {
			out = append(out, s[:at+n])
		} else {
			out = append(out, s[:at])
		}
		s = s[at+n:]
	}
	return out
}
