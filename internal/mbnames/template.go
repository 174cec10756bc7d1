package mbnames

import (
	"fmt"
	"strings"
)

// keys are the names that peritem may have.
var keys = []string{"accountname", "foldername", "localfolders"}

// maxWidth is the most that a width or a precision may be: a mistake must not
// fill the memory.
const maxWidth = 10_000

// template is a peritem that was understood.
type template []piece

// piece is a text, or else a value of an item.
type piece struct {
	text      string
	key       string // "": text
	verb      byte   // s, r or a
	left      bool
	width     int
	precision int // below 0: none
}

// parseTemplate reads what stands on the left of Python's % operator (Python's
// library reference, "printf-style String Formatting") for a mapping with the
// three keys, whose values are all texts. Python's own answer for a conversion
// without a key is the whole mapping, which nobody wants in a list of mailboxes:
// that is refused as well.
func parseTemplate(s string) (template, error) {
	var t template
	for rest := s; rest != ""; {
		i := strings.IndexByte(rest, '%')
		if i < 0 {
			t = append(t, piece{text: rest})
			break
		}
		if i > 0 {
			t = append(t, piece{text: rest[:i]})
		}
		rest = rest[i+1:]
		if strings.HasPrefix(rest, "%") {
			t = append(t, piece{text: "%"})
			rest = rest[1:]
			continue
		}
		p, n, err := parseConversion(rest)
		if err != nil {
			return nil, fmt.Errorf("%.40q: %w", "%"+rest, err)
		}
		t = append(t, p)
		rest = rest[n:]
	}
	return t, nil
}

// parseConversion reads what follows a percent sign, and returns its length.
func parseConversion(s string) (piece, int, error) {
	p := piece{precision: -1}
	if !strings.HasPrefix(s, "(") {
		return p, 0, fmt.Errorf("a percent sign stands alone: write %%%% for one, or a name such as %%(foldername)s")
	}
	i, depth := 1, 1
	for ; i < len(s) && depth > 0; i++ {
		switch s[i] {
		case '(':
			depth++
		case ')':
			depth--
		}
	}
	if depth > 0 {
		return p, 0, fmt.Errorf("the parenthesis is not closed")
	}
	p.key = s[1 : i-1]
	if !known(p.key) {
		return p, 0, fmt.Errorf("there is no %q, only %s", p.key, strings.Join(keys, ", "))
	}
	for ; i < len(s) && strings.IndexByte("-+ #0", s[i]) >= 0; i++ {
		p.left = p.left || s[i] == '-' // the others are for numbers
	}
	var err error
	if p.width, i, err = number(s, i); err != nil {
		return p, 0, err
	}
	if i < len(s) && s[i] == '.' {
		if p.precision, i, err = number(s, i+1); err != nil {
			return p, 0, err
		}
	}
	if i < len(s) && strings.IndexByte("hlL", s[i]) >= 0 { // Python ignores one of them
		i++
	}
	switch {
	case i == len(s):
		return p, 0, fmt.Errorf("it ends too early: write %%(%s)s", p.key)
	case strings.IndexByte("sra", s[i]) < 0:
		return p, 0, fmt.Errorf("%q after the name is not for a text: write %%(%s)s", firstPoint(s[i:]), p.key)
	}
	p.verb = s[i]
	return p, i + 1, nil
}

func known(key string) bool {
	for _, k := range keys {
		if k == key {
			return true
		}
	}
	return false
}

func firstPoint(s string) string {
	p, _ := cut(s, 1)
	return p
}

// number reads decimal digits at i, 0 where there are none.
func number(s string, i int) (n, end int, err error) {
	for ; i < len(s) && '0' <= s[i] && s[i] <= '9'; i++ {
		if n = 10*n + int(s[i]-'0'); n > maxWidth {
			return 0, i, fmt.Errorf("a width may be %d at most", maxWidth)
		}
	}
	return n, i, nil
}

// expand appends the text for one item.
func (t template) expand(b *strings.Builder, it Item) {
	for _, p := range t {
		v := p.text
		switch p.key {
		case "":
			b.WriteString(p.text)
			continue
		case "accountname":
			v = it.Account
		case "foldername":
			v = it.Folder
		case "localfolders":
			v = it.LocalFolders
		}
		if p.verb != 's' {
			v = repr(v, p.verb == 'a')
		}
		if p.precision >= 0 {
			v, _ = cut(v, p.precision)
		}
		_, n := cut(v, p.width)
		if p.left {
			b.WriteString(v)
		}
		for ; n < p.width; n++ {
			b.WriteByte(' ')
		}
		if !p.left {
			b.WriteString(v)
		}
	}
}
