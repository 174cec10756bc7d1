package names

import (
	"slices"
	"strings"
	"unicode"
)

// Spellings are names as they are written, to be found by how they are read where
// upper and lower case are the same. The zero value is empty, and takes in none.
type Spellings struct {
	sep   byte
	known map[string][]string // what a name or the first levels of one are read as → whole names
}

// NewSpellings returns an empty set of names whose levels are parted by sep; 0:
// they have none.
func NewSpellings(sep byte) Spellings { return Spellings{sep, map[string][]string{}} }

// Add takes in a name.
func (s Spellings) Add(name string) {
	for _, upper := range s.ancestry(name) {
		read := folded(upper)
		if all := s.known[read]; !slices.ContainsFunc(all, func(n string) bool { return strings.HasPrefix(n, upper) }) {
			s.known[read] = append(all, name)
		}
	}
}

// Other returns a name that is read as name is, or as the first levels of it, and
// written otherwise there; "" if there is none.
func (s Spellings) Other(name string) string {
	for _, upper := range s.ancestry(name) {
		for _, n := range s.known[folded(upper)] {
			if !strings.HasPrefix(n, upper) {
				return n
			}
		}
	}
	return ""
}

// ancestry returns a name, and the names above it, the shortest last.
func (s Spellings) ancestry(name string) []string {
	all := []string{name}
	for s.sep != 0 {
		i := strings.LastIndexByte(name, s.sep)
		if i <= 0 {
			break
		}
		name = name[:i]
		all = append(all, name)
	}
	return all
}

func folded(s string) string {
	if d, ok := decode(s); ok {
		s = d
	}
	return strings.ToLower(strings.ToUpper(s))
}

// Alike tells whether two names are one where case does not matter.
func Alike(a, b string) bool { return folded(a) == folded(b) }

// Composable tells whether a name of a mailbox can be written in several ways that
// look alike: whoever stores it may choose another (Dovecot 2.4 composes letters
// and accents).
func Composable(name string) bool {
	if s, ok := decode(name); ok {
		name = s
	}
	return strings.ContainsFunc(name, func(r rune) bool {
		return unicode.Is(unicode.M, r) || r >= 0x1100 && r <= 0x11ff // the letters of which Hangul is composed
	})
}
