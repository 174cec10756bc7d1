package regex

import (
	"strconv"

	"github.com/offlineimap/offlineimapd/internal/pyexpr/raise"
)

// group reads what begins with a parenthesis; nil for a comment.
func (p *parser) group(flags Flags, depth int) (*node, error) {
	if !p.take('?') {
		return p.capture("", flags, depth)
	}
	c := p.peek()
	if !p.more() {
		return nil, raise.Regexp("unexpected end of pattern")
	}
	p.pos++
	switch c {
	case 'P':
		return p.named(flags, depth)
	case ':':
		return p.closed(&node{op: opGroup}, flags, depth)
	case '#':
		for p.more() {
			if p.take(')') {
				return nil, nil
			}
			p.pos++
		}
		return nil, raise.Regexp("missing ), unterminated comment")
	case '=', '!':
		return p.closed(&node{op: opAssert, neg: c == '!', width: -1}, flags, depth)
	case '<':
		if d := p.peek(); d == '=' || d == '!' {
			p.pos++
			p.behind = append(p.behind, p.groups)
			n, err := p.closed(&node{op: opAssert, neg: d == '!'}, flags, depth)
			p.behind = p.behind[:len(p.behind)-1]
			if err != nil {
				return nil, err
			}
			w := p.width(n.sub[0])
			if w.lo == maxWidth {
				return nil, raise.Unsupported("a look-behind of that width")
			}
			if w.lo != w.hi {
				return nil, raise.Regexp("look-behind requires fixed-width pattern")
			}
			n.width = w.lo
			return n, nil
		}
		return nil, raise.Regexp("unknown extension ?<")
	case '(':
		return p.condition(flags, depth)
	case '>':
		return p.closed(&node{op: opAtomic}, flags, depth)
	}
	p.pos--
	if letters[c] != 0 || c == '-' {
		return p.flags(flags, depth)
	}
	return nil, raise.Regexp("unknown extension ?%c", c)
}

// closed reads the content of a group and its end.
func (p *parser) closed(n *node, flags Flags, depth int) (*node, error) {
	x, err := p.alternatives(flags, depth+1)
	if err != nil {
		return nil, err
	}
	if !p.take(')') {
		return nil, raise.Regexp("missing ), unterminated subpattern")
	}
	n.sub = []*node{x}
	return n, nil
}

func (p *parser) capture(name string, flags Flags, depth int) (*node, error) {
	p.groups++
	n := &node{op: opGroup, group: p.groups}
	if name != "" {
		if _, twice := p.names[name]; twice {
			return nil, raise.Regexp("redefinition of group name '%s'", name)
		}
		p.names[name] = n.group
	}
	if p.groups > 100 {
		return nil, raise.Unsupported("more than 100 groups")
	}
	if p.open == nil {
		p.open = map[int]bool{}
		p.widths = []span{{}}
	}
	p.widths = append(p.widths, span{})
	p.open[n.group] = true
	out, err := p.closed(n, flags, depth)
	if err != nil {
		return nil, err
	}
	delete(p.open, n.group)
	p.widths[n.group] = p.width(n.sub[0])
	return out, nil
}

// named reads (?P<name>…) and (?P=name).
func (p *parser) named(flags Flags, depth int) (*node, error) {
	switch {
	case p.take('<'):
		name, err := p.until('>', "group name")
		if err != nil {
			return nil, err
		}
		if err := checkName(name); err != nil {
			return nil, err
		}
		return p.capture(name, flags, depth)
	case p.take('='):
		name, err := p.until(')', "group name")
		if err != nil {
			return nil, err
		}
		if err := checkName(name); err != nil {
			return nil, err
		}
		n, ok := p.names[name]
		if !ok {
			return nil, raise.Regexp("unknown group name '%s'", name)
		}
		return p.reference(n, flags)
	}
	return nil, raise.Regexp("unknown extension ?P")
}

func (p *parser) reference(n int, flags Flags) (*node, error) {
	if p.open[n] {
		return nil, raise.Regexp("cannot refer to an open group")
	}
	if err := p.notBehind(n); err != nil {
		return nil, err
	}
	return &node{op: opRef, group: n, fold: flags&IgnoreCase != 0, ascii: flags&ASCII != 0}, nil
}

func (p *parser) notBehind(n int) error {
	if len(p.behind) > 0 && n > p.behind[0] {
		return raise.Regexp("cannot refer to group defined in the same lookbehind subpattern")
	}
	return nil
}

// condition reads (?(1)yes|no) after its second parenthesis.
func (p *parser) condition(flags Flags, depth int) (*node, error) {
	name, err := p.until(')', "group name")
	if err != nil {
		return nil, err
	}
	n, ok := p.names[name]
	if !ok {
		if checkName(name) == nil {
			return nil, raise.Regexp("unknown group name '%s'", name)
		}
		v, err := strconv.Atoi(name)
		if err != nil || strconv.Itoa(v) != name {
			return nil, raise.Unsupported("a condition on a group")
		}
		if v == 0 {
			return nil, raise.Regexp("bad group number")
		}
		n = v
		p.conds = append(p.conds, n)
	}
	if p.open[n] || n > p.groups {
		return nil, raise.Unsupported("a condition on a group that is not closed")
	}
	if err := p.notBehind(n); err != nil {
		return nil, err
	}
	yes, err := p.sequence(flags, depth+1)
	if err != nil {
		return nil, err
	}
	no := &node{op: opSeq}
	if p.take('|') {
		if no, err = p.sequence(flags, depth+1); err != nil {
			return nil, err
		}
		if p.peek() == '|' {
			return nil, raise.Regexp("conditional backref with more than two branches")
		}
	}
	if !p.take(')') {
		return nil, raise.Regexp("missing ), unterminated subpattern")
	}
	return &node{op: opCond, group: n, sub: []*node{yes, no}}, nil
}

// flags reads (?i-s:…).
func (p *parser) flags(flags Flags, depth int) (*node, error) {
	var set [2]Flags
	minus := 0
	for p.more() && (letters[p.peek()] != 0 || p.peek() == '-' && minus == 0) {
		if p.peek() == '-' {
			minus = 1
		} else {
			set[minus] |= letters[p.peek()]
		}
		p.pos++
	}
	switch {
	case p.peek() == ')':
		// An error since Python 3.11, a warning before.
		return nil, raise.Unsupported("flags that are not at the beginning of a pattern")
	case !p.more():
		return nil, raise.Regexp("missing -, : or )")
	case !p.take(':'):
		return nil, raise.Regexp("unknown flag")
	case minus == 1 && set[1] == 0:
		return nil, raise.Regexp("missing flag")
	case set[0]&set[1] != 0, set[1]&(ASCII|Unicode|Locale) != 0, set[0]&ASCII != 0 && set[0]&Unicode != 0:
		return nil, raise.Regexp("bad inline flags")
	case (set[0]|set[1])&Locale != 0:
		return nil, raise.Unsupported("a flag of re")
	}
	if set[0]&(ASCII|Unicode) != 0 {
		// Where a search begins, Python looks for a set with the flags outside.
		return nil, raise.Unsupported("flags a and u for a part of a pattern")
	}
	return p.closed(&node{op: opGroup}, (flags|set[0])&^set[1], depth)
}

// checkName takes identifiers of ASCII; what Python makes of others varies.
func checkName(s string) error {
	for i, r := range s {
		switch {
		case r == '_', 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', i > 0 && '0' <= r && r <= '9':
		case r >= 0x80:
			return raise.Unsupported("a group's name outside of ASCII")
		default:
			return raise.Regexp("bad character in group name '%s'", s)
		}
	}
	return nil
}

// span is how many characters a pattern can take.
type span struct{ lo, hi int }

func (p *parser) width(n *node) span {
	switch n.op {
	case opLiteral, opClass, opAny:
		return span{1, 1}
	case opSeq:
		var w span
		for _, s := range n.sub {
			x := p.width(s)
			w.lo, w.hi = capped(w.lo+x.lo), capped(w.hi+x.hi)
		}
		return w
	case opBranch, opCond:
		w := p.width(n.sub[0])
		for _, s := range n.sub[1:] {
			x := p.width(s)
			w.lo, w.hi = min(w.lo, x.lo), max(w.hi, x.hi)
		}
		return w
	case opGroup, opAtomic:
		return p.width(n.sub[0])
	case opRepeat:
		x := p.width(n.sub[0])
		return span{capped(x.lo * min(n.min, maxWidth)), capped(x.hi * min(n.max, maxWidth))}
	case opRef:
		return p.widths[n.group]
	}
	return span{}
}

const maxWidth = 1 << 20

func capped(n int) int { return min(n, maxWidth) }
