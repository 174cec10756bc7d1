package regex

import (
	"strings"

	"github.com/offlineimap/offlineimapd/internal/pyexpr/raise"
)

// The bounds of a pattern.
const (
	maxPattern = 16 << 10 // characters
	maxNesting = 60
)

// Compile reads a pattern.
func Compile(source string, flags Flags) (*Regexp, error) {
	if flags&(Locale|Debug) != 0 || flags&^(IgnoreCase|Multiline|DotAll|Unicode|Verbose|ASCII) != 0 {
		return nil, raise.Unsupported("a flag of re")
	}
	if flags&ASCII != 0 && flags&Unicode != 0 {
		return nil, raise.Value("ASCII and UNICODE flags are incompatible")
	}
	p := &parser{src: []rune(source), names: map[string]int{}}
	if len(p.src) > maxPattern {
		return nil, raise.Unsupported("a pattern of that length")
	}
	re := &Regexp{Source: source, Flags: flags}
	global, err := p.globalFlags()
	if err != nil {
		return nil, err
	}
	if all := flags | global; all&ASCII != 0 && all&Unicode != 0 {
		return nil, raise.Value("ASCII and UNICODE flags are incompatible")
	}
	root, err := p.alternatives(flags|global, 0)
	if err != nil {
		return nil, err
	}
	if p.pos < len(p.src) {
		return nil, raise.Regexp("unbalanced parenthesis")
	}
	for _, n := range p.conds {
		if n > p.groups {
			return nil, raise.Regexp("invalid group reference %d", n)
		}
	}
	re.root, re.Groups, re.Names = root, p.groups, p.names
	re.doubtful = make([]bool, p.groups+1)
	markDoubtful(root, false, re.doubtful)
	return re, nil
}

func markDoubtful(n *node, within bool, out []bool) {
	if n.op == opGroup && within {
		out[n.group] = true
	}
	for _, s := range n.sub {
		markDoubtful(s, within || n.op == opAssert && n.neg, out)
	}
}

type parser struct {
	src    []rune
	pos    int
	groups int
	names  map[string]int
	open   map[int]bool // the groups that are being read
	widths []span       // of the groups that were read; [0] is unused
	behind []int        // how many groups there were where each look-behind began
	conds  []int        // groups that conditions ask for
}

func (p *parser) more() bool { return p.pos < len(p.src) }

func (p *parser) peek() rune {
	if p.more() {
		return p.src[p.pos]
	}
	return -1
}

func (p *parser) take(r rune) bool {
	if p.peek() != r {
		return false
	}
	p.pos++
	return true
}

// until reads what stands before a character, and the character.
func (p *parser) until(r rune, what string) (string, error) {
	for i := p.pos; i < len(p.src); i++ {
		if p.src[i] == r {
			s := string(p.src[p.pos:i])
			p.pos = i + 1
			if s == "" {
				return "", raise.Regexp("missing %s", what)
			}
			return s, nil
		}
	}
	if p.more() {
		return "", raise.Regexp("missing %c, unterminated name", r)
	}
	return "", raise.Regexp("missing %s", what)
}

var letters = map[rune]Flags{'i': IgnoreCase, 'm': Multiline, 's': DotAll, 'x': Verbose, 'a': ASCII, 'u': Unicode, 'L': Locale}

// globalFlags reads (?i) and the like, which may stand at the beginning only.
func (p *parser) globalFlags() (Flags, error) {
	var all Flags
	for p.pos+2 < len(p.src) && p.src[p.pos] == '(' && p.src[p.pos+1] == '?' {
		i := p.pos + 2
		var f Flags
		for i < len(p.src) && letters[p.src[i]] != 0 {
			f |= letters[p.src[i]]
			i++
		}
		if i == p.pos+2 || i == len(p.src) || p.src[i] != ')' {
			break
		}
		if f&Locale != 0 {
			return 0, raise.Unsupported("a flag of re")
		}
		if f&ASCII != 0 && f&Unicode != 0 {
			return 0, raise.Regexp("bad inline flags: flags 'a', 'u' and 'L' are incompatible")
		}
		if f&Verbose != 0 && all&Verbose == 0 && p.pos > 0 {
			return 0, raise.Unsupported("the flag x after others")
		}
		all |= f
		p.pos = i + 1
	}
	return all, nil
}

func (p *parser) alternatives(flags Flags, depth int) (*node, error) {
	if depth > maxNesting {
		return nil, raise.Unsupported("a pattern of that depth")
	}
	var items []*node
	for {
		x, err := p.sequence(flags, depth)
		if err != nil {
			return nil, err
		}
		items = append(items, x)
		if !p.take('|') {
			break
		}
	}
	if len(items) == 1 {
		return items[0], nil
	}
	return &node{op: opBranch, sub: items}, nil
}

func (p *parser) sequence(flags Flags, depth int) (*node, error) {
	seq := &node{op: opSeq}
	for p.more() && p.peek() != '|' && p.peek() != ')' {
		c := p.src[p.pos]
		p.pos++
		if flags&Verbose != 0 {
			if strings.ContainsRune(" \t\n\r\v\f", c) {
				continue
			}
			if c == '#' {
				for p.more() && !p.take('\n') {
					p.pos++
				}
				continue
			}
		}
		var n *node
		var err error
		switch c {
		case '\\':
			n, err = p.escape(flags)
		case '.':
			n = &node{op: opAny, all: flags&DotAll != 0}
		case '^':
			n = &node{op: opAt, at: '^', all: flags&Multiline != 0}
		case '$':
			n = &node{op: opAt, at: '$', all: flags&Multiline != 0}
		case '[':
			n, err = p.class(flags)
		case '(':
			n, err = p.group(flags, depth)
			if n == nil && err == nil { // a comment
				continue
			}
		case '*', '+', '?', '{':
			var done bool
			if done, err = p.repeat(c, seq); err == nil && !done {
				n = literal(c, flags)
			} else if err == nil {
				continue
			}
		default:
			n = literal(c, flags)
		}
		if err != nil {
			return nil, err
		}
		seq.sub = append(seq.sub, n)
	}
	return seq, nil
}

func literal(r rune, flags Flags) *node {
	return &node{op: opLiteral, r: r, fold: flags&IgnoreCase != 0, ascii: flags&ASCII != 0}
}

// repeat makes the last item of a sequence a repetition; false where a brace is
// just a brace.
func (p *parser) repeat(c rune, seq *node) (bool, error) {
	lo, hi := 0, unlimited
	switch c {
	case '+':
		lo = 1
	case '?':
		hi = 1
	case '{':
		if p.peek() == '}' {
			return false, nil
		}
		here := p.pos
		first, ok1 := p.digits()
		second, ok2 := first, ok1
		if p.take(',') {
			second, ok2 = p.digits()
		}
		if !p.take('}') {
			p.pos = here
			return false, nil
		}
		if ok1 {
			lo = first
		}
		if ok2 {
			hi = second
		}
		if ok1 && first >= unlimited || ok2 && second >= unlimited {
			return false, &raise.Error{Kind: "OverflowError", Text: "the repetition number is too large"}
		}
		if hi < lo {
			return false, raise.Regexp("min repeat greater than max repeat")
		}
	}
	if len(seq.sub) == 0 || seq.sub[len(seq.sub)-1].op == opAt {
		return false, raise.Regexp("nothing to repeat")
	}
	last := seq.sub[len(seq.sub)-1]
	if last.op == opRepeat {
		return false, raise.Regexp("multiple repeat")
	}
	if last.op == opSeq {
		return false, raise.Unsupported("a repetition after a group of flags")
	}
	n := &node{op: opRepeat, min: lo, max: hi, sub: []*node{last}}
	switch {
	case p.take('?'):
		n.mode = lazy
	case p.take('+'):
		n.mode = possessive
		if single(last) == nil {
			// What the groups hold afterwards is not the same in all of Python's
			// versions that have this.
			return false, raise.Unsupported("a possessive repetition of more than a character")
		}
	}
	seq.sub[len(seq.sub)-1] = n
	return true, nil
}

// digits reads a number; one that is too large is unlimited.
func (p *parser) digits() (int, bool) {
	v, any := 0, false
	for p.more() && '0' <= p.peek() && p.peek() <= '9' {
		v = min(v*10+int(p.peek()-'0'), unlimited)
		any = true
		p.pos++
	}
	return v, any
}
