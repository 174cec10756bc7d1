package regex

import (
	"strconv"
	"strings"

	"github.com/offlineimap/offlineimapd/internal/pyexpr/raise"
)

// Template is what replaces a match: text and groups by turns.
type Template struct {
	parts  []string // one more than groups
	groups []int
}

// Template reads a replacement.
func (re *Regexp) Template(source string) (*Template, error) {
	t := &Template{}
	var b strings.Builder
	group := func(n int) error {
		if n > re.Groups {
			return raise.Regexp("invalid group reference %d", n)
		}
		if err := re.Readable(n); err != nil {
			return err
		}
		t.parts = append(t.parts, b.String())
		t.groups = append(t.groups, n)
		b.Reset()
		return nil
	}
	p := &parser{src: []rune(source)}
	for p.more() {
		c := p.src[p.pos]
		p.pos++
		if c != '\\' {
			b.WriteRune(c)
			continue
		}
		if !p.more() {
			return nil, raise.Regexp("bad escape (end of pattern)")
		}
		c = p.src[p.pos]
		p.pos++
		switch {
		case c == 'g':
			n, err := re.groupName(p)
			if err != nil {
				return nil, err
			}
			if err := group(n); err != nil {
				return nil, err
			}
		case c == '0':
			v := 0
			for range 2 {
				if isOctal(p.peek()) {
					v = v*8 + int(p.peek()-'0')
					p.pos++
				}
			}
			b.WriteRune(rune(v))
		case '1' <= c && c <= '9':
			v := int(c - '0')
			if d := p.peek(); '0' <= d && d <= '9' {
				p.pos++
				if e := p.peek(); isOctal(c) && isOctal(d) && isOctal(e) {
					p.pos++
					if v = v*64 + int(d-'0')*8 + int(e-'0'); v > 0o377 {
						return nil, raise.Regexp("octal escape value outside of range 0-0o377")
					}
					b.WriteRune(rune(v))
					continue
				}
				v = v*10 + int(d-'0')
			}
			if err := group(v); err != nil {
				return nil, err
			}
		case strings.ContainsRune("abfnrtv\\", c):
			b.WriteByte("\a\b\f\n\r\t\v\\"[strings.IndexRune("abfnrtv\\", c)])
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
			return nil, raise.Regexp("bad escape \\%c", c)
		default:
			b.WriteByte('\\')
			b.WriteRune(c)
		}
	}
	t.parts = append(t.parts, b.String())
	return t, nil
}

// groupName reads <1> or <name> after \g.
func (re *Regexp) groupName(p *parser) (int, error) {
	if !p.take('<') {
		return 0, raise.Regexp("missing <")
	}
	name, err := p.until('>', "group name")
	if err != nil {
		return 0, err
	}
	if v, err := strconv.Atoi(name); err == nil {
		if strconv.Itoa(v) != name {
			return 0, raise.Unsupported("the number of a group")
		}
		return v, nil
	}
	if err := checkName(name); err != nil {
		if strings.Trim(name, "0123456789_+- \t\n\r\v\f") == "" {
			err = raise.Unsupported("the number of a group") // some versions read it as int does
		}
		return 0, err
	}
	n, ok := re.Names[name]
	if !ok {
		return 0, raise.Index("unknown group name '%s'", name)
	}
	return n, nil
}

// Expand makes the replacement of a match.
func (t *Template) Expand(text []rune, f Found) string {
	var b strings.Builder
	for i, g := range t.groups {
		b.WriteString(t.parts[i])
		if f[2*g] >= 0 {
			b.WriteString(string(text[f[2*g]:f[2*g+1]]))
		}
	}
	b.WriteString(t.parts[len(t.groups)])
	return b.String()
}

// Escape is re.escape.
func Escape(s string) string {
	var b strings.Builder
	for _, r := range s {
		if strings.ContainsRune("()[]{}?*+-|^$\\.&~# \t\n\r\v\f", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
