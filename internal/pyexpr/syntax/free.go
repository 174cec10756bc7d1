package syntax

// Free lists the names that an expression takes from outside.
func Free(n Node) []string {
	f := &finder{seen: map[string]bool{}}
	f.walk(n, nil)
	return f.names
}

type finder struct {
	names []string
	seen  map[string]bool
}

// bound are the names of the functions and comprehensions around.
type bound struct {
	names map[string]bool
	outer *bound
}

func (b *bound) has(name string) bool {
	for ; b != nil; b = b.outer {
		if b.names[name] {
			return true
		}
	}
	return false
}

func (f *finder) all(nodes []Node, b *bound) {
	for _, n := range nodes {
		f.walk(n, b)
	}
}

func (f *finder) walk(n Node, b *bound) {
	switch n := n.(type) {
	case *Name:
		if !b.has(n.ID) && !f.seen[n.ID] {
			f.seen[n.ID] = true
			f.names = append(f.names, n.ID)
		}
	case *Tuple:
		f.all(n.Items, b)
	case *List:
		f.all(n.Items, b)
	case *Set:
		f.all(n.Items, b)
	case *Star:
		f.walk(n.X, b)
	case *Dict:
		for _, it := range n.Items {
			f.walk(it.Key, b)
			f.walk(it.Value, b)
		}
	case *Unary:
		f.walk(n.X, b)
	case *Binary:
		f.walk(n.L, b)
		f.walk(n.R, b)
	case *Logic:
		f.all(n.Items, b)
	case *Compare:
		f.walk(n.First, b)
		f.all(n.Rest, b)
	case *If:
		f.all([]Node{n.Cond, n.Then, n.Else}, b)
	case *Lambda:
		in := &bound{names: map[string]bool{}, outer: b}
		for _, p := range n.Params {
			f.walk(p.Default, b)
			in.names[p.Name] = true
		}
		f.walk(n.Body, in)
	case *Comp:
		in := &bound{names: map[string]bool{}, outer: b}
		for _, c := range n.Clauses {
			for _, name := range Targets(c.Target) {
				in.names[name] = true
			}
		}
		for i, c := range n.Clauses {
			if i == 0 { // the first is evaluated outside
				f.walk(c.Iter, b)
			} else {
				f.walk(c.Iter, in)
			}
			f.all(c.Ifs, in)
		}
		f.walk(n.Elem, in)
		f.walk(n.Value, in)
	case *Call:
		f.walk(n.Fn, b)
		for _, a := range n.Args {
			f.walk(a.X, b)
		}
	case *Attr:
		f.walk(n.X, b)
	case *Index:
		f.walk(n.X, b)
		f.walk(n.Key, b)
	case *Slice:
		f.all([]Node{n.Lo, n.Hi, n.Step}, b)
	case *FString:
		for _, p := range n.Parts {
			f.walk(p.X, b)
			if p.Spec != nil {
				f.walk(p.Spec, b)
			}
		}
	}
}

// Targets lists the names that a target gives values to.
func Targets(n Node) []string {
	switch n := n.(type) {
	case *Name:
		return []string{n.ID}
	case *Star:
		return Targets(n.X)
	case *Tuple:
		var out []string
		for _, x := range n.Items {
			out = append(out, Targets(x)...)
		}
		return out
	}
	return nil
}
