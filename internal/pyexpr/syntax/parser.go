package syntax

import (
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/offlineimap/offlineimapd/internal/pyexpr/raise"
)

// The bounds of what is read. They are narrower than Python's, and keep every
// walk over a tree within a small stack.
const (
	maxSource = 64 << 10 // bytes
	maxDepth  = 80       // of brackets
	maxTree   = 400      // of nodes below each other
)

// Parse reads one expression.
func Parse(src string) (Node, error) {
	if len(src) > maxSource {
		return nil, raise.Unsupported("an expression of more than 64 KiB")
	}
	trimmed := strings.TrimLeft(src, " \t")
	n, at, err := parse(trimmed, 0)
	var e *raise.Error
	if errors.As(err, &e) && e.Line == 0 {
		before := src[:len(src)-len(trimmed)+at]
		e.Line = 1 + strings.Count(before, "\n")
		e.Column = 1 + utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
	}
	return n, err
}

// parse also returns how far it came.
func parse(src string, depth int) (Node, int, error) {
	toks, at, err := lex(src, depth)
	if err != nil {
		return nil, at, err
	}
	p := &parser{toks: toks, depth: depth}
	n, err := p.top()
	return n, p.tok().at, err
}

type parser struct {
	toks   []token
	pos    int
	depth  int // of f-strings within f-strings
	nested int // how deep it is at this moment
}

// top is a tuple without parentheses, or one expression.
func (p *parser) top() (Node, error) {
	x, err := p.expression()
	if err != nil {
		return nil, err
	}
	if p.is(",") {
		items := []Node{x}
		for p.take(",") && p.tok().kind != kindEnd {
			if x, err = p.expression(); err != nil {
				return nil, err
			}
			items = append(items, x)
		}
		x = &Tuple{items}
	}
	if p.tok().kind != kindEnd {
		return nil, p.invalid()
	}
	return x, nil
}

func (p *parser) tok() *token { return &p.toks[p.pos] }

func (p *parser) is(text string) bool {
	t := p.tok()
	return (t.kind == kindOp || t.kind == kindWord) && t.text == text
}

func (p *parser) take(text string) bool {
	if !p.is(text) {
		return false
	}
	p.pos++
	return true
}

func (p *parser) want(text string) error {
	if !p.take(text) {
		return p.invalid()
	}
	return nil
}

func (p *parser) invalid() error {
	t := p.tok()
	switch {
	case t.kind == kindEnd:
		return raise.Syntax("invalid syntax at the end")
	case t.kind == kindOp && t.text == ":=", t.kind == kindWord && (t.text == "await" || t.text == "yield" || t.text == "async"):
		return raise.Unsupported("%s", t.text)
	case t.kind == kindOp && t.text == "...":
		return raise.Unsupported("...")
	case t.kind == kindString || t.kind == kindValue:
		return raise.Syntax("invalid syntax at a literal")
	}
	return raise.Syntax("invalid syntax at '%s'", t.text)
}

// deeper is called where the tree grows by a level, and what it returns where
// that level ends.
func (p *parser) deeper() (func(), error) {
	if p.nested++; p.nested > maxTree {
		return nil, raise.Unsupported("an expression of that depth")
	}
	return func() { p.nested-- }, nil
}

func (p *parser) expression() (Node, error) {
	done, err := p.deeper()
	if err != nil {
		return nil, err
	}
	defer done()
	if p.is("lambda") {
		return p.lambda()
	}
	x, err := p.disjunction()
	if err != nil || !p.take("if") {
		return x, err
	}
	c, err := p.disjunction()
	if err != nil {
		return nil, err
	}
	if err := p.want("else"); err != nil {
		return nil, err
	}
	y, err := p.expression()
	return &If{Cond: c, Then: x, Else: y}, err
}

func (p *parser) disjunction() (Node, error) { return p.logic("or", p.conjunction) }

func (p *parser) conjunction() (Node, error) { return p.logic("and", p.inversion) }

func (p *parser) logic(word string, operand func() (Node, error)) (Node, error) {
	x, err := operand()
	if err != nil || !p.is(word) {
		return x, err
	}
	items := []Node{x}
	for p.take(word) {
		if x, err = operand(); err != nil {
			return nil, err
		}
		items = append(items, x)
	}
	return &Logic{And: word == "and", Items: items}, nil
}

func (p *parser) inversion() (Node, error) {
	if !p.take("not") {
		return p.comparison()
	}
	done, err := p.deeper()
	if err != nil {
		return nil, err
	}
	defer done()
	x, err := p.inversion()
	return &Unary{Op: "not", X: x}, err
}

func (p *parser) comparison() (Node, error) {
	x, err := p.binary(0)
	if err != nil {
		return nil, err
	}
	c := &Compare{First: x}
	for {
		op := p.comparator()
		if op == "" {
			break
		}
		if x, err = p.binary(0); err != nil {
			return nil, err
		}
		c.Ops = append(c.Ops, op)
		c.Rest = append(c.Rest, x)
	}
	if len(c.Ops) == 0 {
		return x, nil
	}
	return c, nil
}

func (p *parser) comparator() string {
	t := p.tok()
	switch {
	case t.kind == kindOp:
		switch t.text {
		case "<", "<=", ">", ">=", "==", "!=":
			p.pos++
			return t.text
		}
	case p.take("in"):
		return "in"
	case p.is("not") && p.toks[p.pos+1].kind == kindWord && p.toks[p.pos+1].text == "in":
		p.pos += 2
		return "not in"
	case p.take("is"):
		if p.take("not") {
			return "is not"
		}
		return "is"
	}
	return ""
}

// levels are the binary operators, the loosest first.
var levels = [][]string{{"|"}, {"^"}, {"&"}, {"<<", ">>"}, {"+", "-"}, {"*", "/", "//", "%", "@"}}

func (p *parser) binary(level int) (Node, error) {
	if level == len(levels) {
		return p.factor()
	}
	x, err := p.binary(level + 1)
	if err != nil {
		return nil, err
	}
	for depth := 0; ; depth++ {
		op := ""
		for _, o := range levels[level] {
			if p.is(o) {
				op = o
			}
		}
		if op == "" {
			return x, nil
		}
		if depth > maxTree {
			return nil, raise.Unsupported("an expression of that length")
		}
		p.pos++
		y, err := p.binary(level + 1)
		if err != nil {
			return nil, err
		}
		x = &Binary{Op: op, L: x, R: y}
	}
}

func (p *parser) factor() (Node, error) {
	for _, op := range []string{"-", "+", "~"} {
		if p.take(op) {
			done, err := p.deeper()
			if err != nil {
				return nil, err
			}
			defer done()
			x, err := p.factor()
			return &Unary{Op: op, X: x}, err
		}
	}
	x, err := p.primary()
	if err != nil || !p.take("**") {
		return x, err
	}
	done, err := p.deeper()
	if err != nil {
		return nil, err
	}
	defer done()
	y, err := p.factor()
	return &Binary{Op: "**", L: x, R: y}, err
}
