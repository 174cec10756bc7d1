package regex

import "github.com/offlineimap/offlineimapd/internal/pyexpr/raise"

// How says where a match has to begin and to end.
type How byte

// The ways to match.
const (
	Search How = iota // anywhere
	Match             // at the beginning
	Full              // all of it
)

// Found is a match: the begin and the end of each group, in characters, or -1.
type Found []int

// Find looks for a match in text[from:]; nil where there is none. Where past is
// not negative, the match must not be an empty one at that place. tick is called
// now and then with how many steps were made, and its error ends the search.
func (re *Regexp) Find(text []rune, from int, how How, past int, tick func(steps int) error) (Found, error) {
	m := &matcher{re: re, text: text, marks: make([]int, 2*re.Groups+2), tick: tick}
	for start := from; start <= len(text); start++ {
		for i := range m.marks {
			m.marks[i] = -1
		}
		ok := m.match(re.root, start, func(end int) bool {
			if how == Full && end != len(text) || end == past && start == end || m.err != nil {
				return false
			}
			m.marks[1] = end
			return true
		})
		if m.err != nil {
			return nil, m.err
		}
		if ok {
			m.marks[0] = start
			return m.marks, tick(m.steps % tickEvery)
		}
		if how != Search {
			break
		}
	}
	return nil, tick(m.steps % tickEvery)
}

// Readable says whether what a group holds is what every Python says.
func (re *Regexp) Readable(group int) error {
	if re.doubtful[group] {
		return raise.Unsupported("a group within a negative assertion")
	}
	return nil
}
