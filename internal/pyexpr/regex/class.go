package regex

import (
	"strings"
	"unicode/utf8"

	"github.com/offlineimap/offlineimapd/internal/pyexpr/raise"
)

// escape reads what follows a backslash outside of a set.
func (p *parser) escape(flags Flags) (*node, error) {
	if !p.more() {
		return nil, raise.Regexp("bad escape (end of pattern)")
	}
	c := p.src[p.pos]
	switch c {
	case 'A', 'Z', 'b', 'B':
		p.pos++
		return &node{op: opAt, at: byte(c), ascii: flags&ASCII != 0}, nil
	case 'd', 'D', 's', 'S', 'w', 'W':
		p.pos++
		return &node{op: opClass, set: &class{kinds: []byte{byte(c)}}, ascii: flags&ASCII != 0, fold: flags&IgnoreCase != 0}, nil
	}
	if '1' <= c && c <= '9' {
		p.pos++
		v := int(c - '0')
		if d := p.peek(); '0' <= d && d <= '9' {
			p.pos++
			if e := p.peek(); isOctal(c) && isOctal(d) && isOctal(e) {
				p.pos++
				v = v*64 + int(d-'0')*8 + int(e-'0')
				if v > 0o377 {
					return nil, raise.Regexp("octal escape value outside of range 0-0o377")
				}
				return literal(rune(v), flags), nil
			}
			v = v*10 + int(d-'0')
		}
		if v > p.groups {
			return nil, raise.Regexp("invalid group reference %d", v)
		}
		return p.reference(v, flags)
	}
	r, err := p.character(false)
	if err != nil {
		return nil, err
	}
	return literal(r, flags), nil
}

func isOctal(r rune) bool { return '0' <= r && r <= '7' }

// character reads an escape that stands for one character.
func (p *parser) character(set bool) (rune, error) {
	c := p.src[p.pos]
	p.pos++
	if at := strings.IndexRune("afnrtv\\", c); at >= 0 {
		return rune("\a\f\n\r\t\v\\"[at]), nil
	}
	digits := map[rune]int{'x': 2, 'u': 4, 'U': 8}[c]
	switch {
	case c == 'b' && set:
		return '\b', nil
	case digits > 0:
		v := 0
		for range digits {
			d := strings.IndexRune("0123456789abcdef", lowerASCII(p.peek()))
			if !p.more() || d < 0 {
				return 0, raise.Regexp("incomplete escape \\%c", c)
			}
			v = v*16 + d
			p.pos++
		}
		if !utf8.ValidRune(rune(v)) || v > utf8.MaxRune {
			return 0, raise.Unsupported("an escape that is no character")
		}
		return rune(v), nil
	case c == 'N':
		return 0, raise.Unsupported("the name of a character")
	case isOctal(c) && (c == '0' || set):
		v := int(c - '0')
		for range 2 {
			if !isOctal(p.peek()) {
				break
			}
			v = v*8 + int(p.peek()-'0')
			p.pos++
		}
		if v > 0o377 {
			return 0, raise.Regexp("octal escape value outside of range 0-0o377")
		}
		return rune(v), nil
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return 0, raise.Regexp("bad escape \\%c", c)
	}
	return c, nil
}

// class reads a set after its bracket.
func (p *parser) class(flags Flags) (*node, error) {
	set := &class{neg: p.take('^')}
	for first := true; ; first = false {
		if !p.more() {
			return nil, raise.Regexp("unterminated character set")
		}
		if !first && p.take(']') {
			break
		}
		lo, kind, err := p.member()
		if err != nil {
			return nil, err
		}
		if p.peek() != '-' {
			set.add(lo, lo, kind)
			continue
		}
		p.pos++
		if !p.more() {
			return nil, raise.Regexp("unterminated character set")
		}
		if p.take(']') {
			set.add(lo, lo, kind)
			set.add('-', '-', 0)
			break
		}
		hi, kind2, err := p.member()
		if err != nil {
			return nil, err
		}
		if kind != 0 || kind2 != 0 || hi < lo {
			return nil, raise.Regexp("bad character range")
		}
		set.add(lo, hi, 0)
	}
	if flags&IgnoreCase != 0 && set.beyond() {
		return nil, raise.Unsupported("such a character in a set without case")
	}
	return &node{op: opClass, set: set, fold: flags&IgnoreCase != 0, ascii: flags&ASCII != 0}, nil
}

// beyond says whether there are characters of more than 16 bits, whose case
// Python overlooks in some sets.
func (c *class) beyond() bool {
	for _, x := range c.ranges {
		if x[1] > 0xffff {
			return true
		}
	}
	return false
}

// member reads one character of a set, or a kind such as \d.
func (p *parser) member() (rune, byte, error) {
	c := p.src[p.pos]
	p.pos++
	if c != '\\' {
		return c, 0, nil
	}
	if !p.more() {
		return 0, 0, raise.Regexp("bad escape (end of pattern)")
	}
	if k := p.peek(); strings.ContainsRune("dDsSwW", k) {
		p.pos++
		return 0, byte(k), nil
	}
	r, err := p.character(true)
	return r, 0, err
}

func (c *class) add(lo, hi rune, kind byte) {
	if kind != 0 {
		c.kinds = append(c.kinds, kind)
		return
	}
	c.ranges = append(c.ranges, [2]rune{lo, hi})
}
