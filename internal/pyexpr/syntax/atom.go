package syntax

import "github.com/offlineimap/offlineimapd/internal/pyexpr/raise"

// primary is an atom with what is called, looked up and indexed of it.
func (p *parser) primary() (Node, error) {
	x, err := p.atom()
	if err != nil {
		return nil, err
	}
	for depth := 0; ; depth++ {
		if depth > maxTree {
			return nil, raise.Unsupported("an expression of that length")
		}
		switch {
		case p.take("."):
			t := p.tok()
			if t.kind != kindName {
				return nil, p.invalid()
			}
			p.pos++
			x = &Attr{X: x, Name: t.text}
		case p.take("("):
			args, err := p.arguments()
			if err != nil {
				return nil, err
			}
			x = &Call{Fn: x, Args: args}
		case p.take("["):
			key, err := p.subscript()
			if err != nil {
				return nil, err
			}
			x = &Index{X: x, Key: key}
		default:
			return x, nil
		}
	}
}

func (p *parser) atom() (Node, error) {
	t := p.tok()
	switch {
	case t.kind == kindName:
		p.pos++
		if t.text == "__debug__" {
			return nil, raise.Unsupported("__debug__")
		}
		return &Name{t.text}, nil
	case t.kind == kindValue:
		p.pos++
		return &Const{t.value}, nil
	case t.kind == kindString:
		return p.strings()
	case p.take("None"):
		return &Const{nil}, nil
	case p.take("True"):
		return &Const{true}, nil
	case p.take("False"):
		return &Const{false}, nil
	case p.take("("):
		return p.parenthesis()
	case p.take("["):
		return p.list()
	case p.take("{"):
		return p.braces()
	}
	return nil, p.invalid()
}

// strings joins literals that stand side by side.
func (p *parser) strings() (Node, error) {
	text, bytes, formats := "", "", false
	var parts []Part
	var kinds [2]bool
	for ; p.tok().kind == kindString; p.pos++ {
		switch t := p.tok(); v := t.value.(type) {
		case Bytes:
			bytes += string(v)
			kinds[1] = true
		case string:
			text += v
			parts = append(parts, Part{Text: v})
			kinds[0] = true
		default:
			parts = append(parts, t.format.Parts...)
			formats, kinds[0] = true, true
		}
	}
	switch {
	case kinds[0] && kinds[1]:
		return nil, raise.Syntax("cannot mix bytes and nonbytes literals")
	case kinds[1]:
		return &Const{Bytes(bytes)}, nil
	case formats:
		return &FString{parts}, nil
	}
	return &Const{text}, nil
}

// item is an element of a display: *x, or an expression.
func (p *parser) item() (Node, error) {
	if !p.take("*") {
		return p.named()
	}
	x, err := p.binary(0)
	return &Star{x}, err
}

// named is an expression where Python allows an assignment too.
func (p *parser) named() (Node, error) {
	x, err := p.expression()
	if err == nil && p.is(":=") {
		return nil, raise.Unsupported("an assignment within an expression")
	}
	return x, err
}

// items reads the rest of a display after its first element.
func (p *parser) items(first Node, end string) ([]Node, error) {
	out := []Node{first}
	for p.take(",") && !p.is(end) {
		x, err := p.item()
		if err != nil {
			return nil, err
		}
		out = append(out, x)
	}
	return out, p.want(end)
}

func (p *parser) comprehends() bool { return p.is("for") || p.is("async") }

func (p *parser) parenthesis() (Node, error) {
	if p.take(")") {
		return &Tuple{}, nil
	}
	x, err := p.item()
	if err != nil {
		return nil, err
	}
	_, star := x.(*Star)
	switch {
	case p.comprehends():
		return p.comprehension(&Comp{Kind: CompGenerator, Elem: x}, ")")
	case p.is(","):
		items, err := p.items(x, ")")
		return &Tuple{items}, err
	case star:
		return nil, raise.Syntax("cannot use starred expression here")
	}
	return x, p.want(")")
}

func (p *parser) list() (Node, error) {
	if p.take("]") {
		return &List{}, nil
	}
	x, err := p.item()
	if err != nil {
		return nil, err
	}
	if p.comprehends() {
		return p.comprehension(&Comp{Kind: CompList, Elem: x}, "]")
	}
	items, err := p.items(x, "]")
	return &List{items}, err
}

func (p *parser) braces() (Node, error) {
	d := &Dict{}
	if p.take("}") {
		return d, nil
	}
	for first := true; ; first = false {
		var it Item
		var err error
		if p.take("**") {
			it.Value, err = p.binary(0)
		} else {
			if it.Key, err = p.setItem(first); err != nil {
				return nil, err
			}
			if _, star := it.Key.(*Star); first && (star || !p.is(":")) {
				return p.set(it.Key)
			}
			if err = p.want(":"); err == nil {
				it.Value, err = p.expression()
			}
		}
		if err != nil {
			return nil, err
		}
		if p.comprehends() && first {
			if it.Key == nil {
				return nil, raise.Syntax("dict unpacking cannot be used in dict comprehension")
			}
			return p.comprehension(&Comp{Kind: CompDict, Elem: it.Key, Value: it.Value}, "}")
		}
		d.Items = append(d.Items, it)
		if !p.take(",") || p.is("}") {
			return d, p.want("}")
		}
	}
}

// setItem is the first thing within braces, which may belong to a set; further
// ones are keys.
func (p *parser) setItem(first bool) (Node, error) {
	if first {
		return p.item()
	}
	return p.expression()
}

func (p *parser) set(first Node) (Node, error) {
	if p.comprehends() {
		return p.comprehension(&Comp{Kind: CompSet, Elem: first}, "}")
	}
	items, err := p.items(first, "}")
	return &Set{items}, err
}

// subscript is what stands in brackets after a value.
func (p *parser) subscript() (Node, error) {
	var items []Node
	for {
		if p.is("*") {
			return nil, raise.Unsupported("a star within a subscript")
		}
		x, err := p.sliceOrIndex()
		if err != nil {
			return nil, err
		}
		items = append(items, x)
		comma := p.take(",")
		if p.take("]") {
			if comma || len(items) > 1 {
				return &Tuple{items}, nil
			}
			return x, nil
		}
		if !comma {
			return nil, p.invalid()
		}
	}
}

func (p *parser) sliceOrIndex() (Node, error) {
	var parts [3]Node
	var err error
	n := 0
	for ; n < 3; n++ {
		if !p.is(":") && !p.is("]") && !p.is(",") {
			if parts[n], err = p.named(); err != nil {
				return nil, err
			}
		}
		if n == 2 || !p.take(":") {
			break
		}
	}
	if n == 0 {
		if parts[0] == nil {
			return nil, p.invalid()
		}
		return parts[0], nil
	}
	return &Slice{parts[0], parts[1], parts[2]}, nil
}
