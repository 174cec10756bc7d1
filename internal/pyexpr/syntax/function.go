package syntax

import "github.com/offlineimap/offlineimapd/internal/pyexpr/raise"

// arguments reads the arguments of a call after its parenthesis.
func (p *parser) arguments() ([]Arg, error) {
	var args []Arg
	keywords := map[string]bool{}
	generator := -1
	var named, doubled bool
	for !p.is(")") {
		a, err := p.argument()
		if err != nil {
			return nil, err
		}
		switch {
		case a.Stars == 1 && doubled:
			return nil, raise.Syntax("iterable argument unpacking follows keyword argument unpacking")
		case a.Name == "" && a.Stars == 0 && (named || doubled):
			return nil, raise.Syntax("positional argument follows keyword argument")
		case a.Name != "" && keywords[a.Name]:
			return nil, raise.Syntax("keyword argument repeated: %s", a.Name)
		case a.Name != "":
			keywords[a.Name], named = true, true
		case a.Stars == 2:
			doubled = true
		case p.comprehends():
			if a.Stars > 0 {
				return nil, p.invalid()
			}
			if a.X, err = p.clauses(&Comp{Kind: CompGenerator, Elem: a.X}); err != nil {
				return nil, err
			}
			generator = len(args)
		}
		args = append(args, a)
		if !p.take(",") {
			break
		}
		if generator >= 0 {
			return nil, raise.Syntax("Generator expression must be parenthesized")
		}
	}
	if generator > 0 {
		return nil, raise.Syntax("Generator expression must be parenthesized")
	}
	return args, p.want(")")
}

func (p *parser) argument() (Arg, error) {
	var a Arg
	var err error
	switch t, next := p.tok(), &p.toks[min(p.pos+1, len(p.toks)-1)]; {
	case p.take("*"):
		a.Stars = 1
	case p.take("**"):
		a.Stars = 2
	case t.kind == kindName && next.kind == kindOp && next.text == "=":
		if t.text == "__debug__" {
			return a, raise.Syntax("cannot assign to __debug__")
		}
		a.Name = t.text
		p.pos += 2
	default:
		a.X, err = p.named()
		return a, err
	}
	a.X, err = p.expression()
	return a, err
}

// lambda reads a function without a name.
func (p *parser) lambda() (Node, error) {
	p.pos++
	f := &Lambda{}
	seen := map[string]bool{}
	var bare, star, double, slash, defaults bool
	for !p.is(":") {
		var prm Param
		switch {
		case double:
			return nil, raise.Syntax("arguments cannot follow var-keyword argument")
		case p.take("/"):
			if len(f.Params) == 0 || slash || star {
				return nil, raise.Syntax("invalid / in parameters")
			}
			slash = true
			for i := range f.Params {
				f.Params[i].Kind = ParamPositional
			}
		case p.is("*") || p.is("**"):
			double = p.take("**")
			if !double {
				p.pos++
				if star {
					return nil, raise.Syntax("* argument may appear only once")
				}
				star = true
				if bare = p.is(","); bare {
					break
				}
			}
			prm.Kind = ParamArgs
			if double {
				prm.Kind = ParamKeywords
			}
			fallthrough
		default:
			t := p.tok()
			if t.kind != kindName {
				return nil, p.invalid()
			}
			if t.text == "__debug__" {
				return nil, raise.Syntax("cannot assign to __debug__")
			}
			if seen[t.text] {
				return nil, raise.Syntax("duplicate argument '%s' in function definition", t.text)
			}
			seen[t.text] = true
			prm.Name = t.text
			p.pos++
			if prm.Kind == ParamPlain {
				bare = false
				if star {
					prm.Kind = ParamKeyword
				}
				if err := p.defaultOf(&prm); err != nil {
					return nil, err
				}
				if prm.Kind == ParamPlain && prm.Default == nil && defaults {
					return nil, raise.Syntax("non-default argument follows default argument")
				}
				defaults = defaults || prm.Default != nil
			}
			f.Params = append(f.Params, prm)
		}
		if !p.take(",") {
			break
		}
	}
	if bare {
		return nil, raise.Syntax("named arguments must follow bare *")
	}
	if err := p.want(":"); err != nil {
		return nil, err
	}
	var err error
	f.Body, err = p.expression()
	return f, err
}

func (p *parser) defaultOf(prm *Param) error {
	if !p.take("=") {
		return nil
	}
	var err error
	prm.Default, err = p.expression()
	return err
}

// comprehension reads the clauses of a comprehension and its closing bracket.
func (p *parser) comprehension(c *Comp, end string) (Node, error) {
	x, err := p.clauses(c)
	if err != nil {
		return nil, err
	}
	return x, p.want(end)
}

func (p *parser) clauses(c *Comp) (Node, error) {
	if _, star := c.Elem.(*Star); star {
		return nil, raise.Syntax("iterable unpacking cannot be used in comprehension")
	}
	for p.comprehends() {
		if err := p.want("for"); err != nil {
			return nil, err
		}
		target, err := p.targets()
		if err != nil {
			return nil, err
		}
		cl := Clause{Target: target}
		if err := p.want("in"); err != nil {
			return nil, err
		}
		if cl.Iter, err = p.disjunction(); err != nil {
			return nil, err
		}
		for p.take("if") {
			x, err := p.disjunction()
			if err != nil {
				return nil, err
			}
			cl.Ifs = append(cl.Ifs, x)
		}
		c.Clauses = append(c.Clauses, cl)
	}
	return c, nil
}

// targets reads what stands between for and in.
func (p *parser) targets() (Node, error) {
	first, err := p.target()
	if err != nil {
		return nil, err
	}
	if !p.is(",") {
		if _, star := first.(*Star); star {
			return nil, raise.Syntax("starred assignment target must be in a list or tuple")
		}
		return first, nil
	}
	items := []Node{first}
	for p.take(",") && !p.is("in") {
		x, err := p.target()
		if err != nil {
			return nil, err
		}
		items = append(items, x)
	}
	return &Tuple{items}, oneStar(items)
}

func oneStar(items []Node) error {
	n := 0
	for _, x := range items {
		if _, ok := x.(*Star); ok {
			n++
		}
	}
	if n > 1 {
		return raise.Syntax("multiple starred expressions in assignment")
	}
	return nil
}

func (p *parser) target() (Node, error) {
	done, err := p.deeper()
	if err != nil {
		return nil, err
	}
	defer done()
	t := p.tok()
	switch {
	case p.take("*"):
		x, err := p.target()
		if _, star := x.(*Star); star {
			return nil, raise.Syntax("two stars")
		}
		return &Star{x}, err
	case t.kind == kindName:
		p.pos++
		if p.is(".") || p.is("(") || p.is("[") {
			return nil, raise.Unsupported("a target that is no name")
		}
		if t.text == "__debug__" {
			return nil, raise.Syntax("cannot assign to __debug__")
		}
		return &Name{t.text}, nil
	case p.is("(") || p.is("["):
		end := ")"
		if p.is("[") {
			end = "]"
		}
		p.pos++
		var items []Node
		comma := false
		for !p.is(end) {
			x, err := p.target()
			if err != nil {
				return nil, err
			}
			items = append(items, x)
			if comma = p.take(","); !comma {
				break
			}
		}
		if err := p.want(end); err != nil {
			return nil, err
		}
		if p.is(".") || p.is("(") || p.is("[") {
			return nil, raise.Unsupported("a target that is no name")
		}
		if end == ")" && len(items) == 1 && !comma {
			if _, star := items[0].(*Star); star {
				return nil, raise.Syntax("cannot use starred expression here")
			}
			return items[0], nil
		}
		return &Tuple{items}, oneStar(items)
	}
	return nil, p.invalid()
}
