package interp

import (
	"math"
	"math/bits"

	"github.com/offlineimap/offlineimapd/internal/pyexpr/raise"
)

func unary(op string, x any) (any, error) {
	if op == "not" {
		t, err := truth(x)
		return !t, err
	}
	if f, ok := x.(float64); ok && op != "~" {
		if op == "-" {
			f = -f
		}
		return f, nil
	}
	i, ok := integer(x)
	switch {
	case !ok:
		if _, ok := x.(Flag); ok {
			return nil, raise.Unsupported("a flag as a number")
		}
		return nil, raise.Type("bad operand type for unary %s: '%s'", op, nameOf(x))
	case op == "+":
		return i, nil
	case op == "~":
		return ^i, nil
	case i == math.MinInt64:
		return nil, large()
	}
	return -i, nil
}

func large() error { return raise.Unsupported("a number of more than 64 bits") }

func (r *Run) binary(op string, x, y any) (any, error) {
	for _, v := range []any{x, y} {
		switch v.(type) {
		case Flag:
			return flags(op, x, y)
		case *View, *Type, Environ:
			return nil, raise.Unsupported("%s of a %s", op, nameOf(v))
		}
	}
	i, ok1 := integer(x)
	j, ok2 := integer(y)
	if ok1 && ok2 {
		_, b1 := x.(bool)
		_, b2 := y.(bool)
		if b1 && b2 {
			switch op {
			case "&":
				return i&j != 0, nil
			case "|":
				return i|j != 0, nil
			case "^":
				return i != j, nil
			}
		}
		return integers(op, i, j)
	}
	if op == "%" {
		switch x := x.(type) {
		case string:
			return r.percent(x, y)
		case Bytes:
			return nil, raise.Unsupported("%% of bytes")
		}
	}
	if f, ok, err := number(x); ok {
		if g, ok, err2 := number(y); ok {
			if err == nil {
				err = err2
			}
			if err != nil {
				return nil, err
			}
			return floats(op, f, g)
		}
	}
	switch op {
	case "+":
		if v, err := r.concat(x, y); v != nil || err != nil {
			return v, err
		}
	case "*":
		if ok1 {
			x, j, ok2 = y, i, true
		}
		if ok2 {
			if v, err := r.repeat(x, j); v != nil || err != nil {
				return v, err
			}
		}
	case "|", "&", "-", "^":
		if a, ok := x.(*Set); ok {
			if b, ok := y.(*Set); ok {
				return a.combine(op, b)
			}
		}
		if a, ok := x.(*Dict); ok && op == "|" {
			if b, ok := y.(*Dict); ok {
				d := NewDict()
				if err := d.update(a); err != nil {
					return nil, err
				}
				return d, d.update(b)
			}
		}
	}
	return nil, raise.Type("unsupported operand type(s) for %s: '%s' and '%s'", op, nameOf(x), nameOf(y))
}

// flags combines flags of re; as numbers they are not used here.
func flags(op string, x, y any) (any, error) {
	a, ok1 := x.(Flag)
	b, ok2 := y.(Flag)
	if ok1 && ok2 && op == "|" {
		return a | b, nil
	}
	return nil, raise.Unsupported("%s of a flag of re", op)
}

func integers(op string, i, j int64) (any, error) {
	switch op {
	case "+":
		if s := i + j; (s > i) == (j > 0) {
			return s, nil
		}
		return nil, large()
	case "-":
		if s := i - j; (s < i) == (j > 0) {
			return s, nil
		}
		return nil, large()
	case "*":
		return product(i, j)
	case "/":
		if j == 0 {
			return nil, raise.Division("division by zero")
		}
		if max(i, j) > 1<<53 || min(i, j) < -1<<53 {
			return nil, raise.Unsupported("such numbers as floats")
		}
		return float64(i) / float64(j), nil
	case "//", "%":
		if j == 0 {
			return nil, raise.Division("integer division or modulo by zero")
		}
		if i == math.MinInt64 && j == -1 {
			return nil, large()
		}
		q, m := i/j, i%j
		if m != 0 && (m < 0) != (j < 0) {
			q, m = q-1, m+j
		}
		if op == "%" {
			return m, nil
		}
		return q, nil
	case "**":
		if j < 0 {
			return nil, raise.Unsupported("a negative power")
		}
		return power(i, j)
	case "<<", ">>":
		if j < 0 {
			return nil, raise.Value("negative shift count")
		}
		if op == ">>" {
			return i >> min(j, 63), nil
		}
		if i != 0 && (j > 62 || i<<j>>j != i) {
			return nil, large()
		}
		return i << min(j, 63), nil
	case "&":
		return i & j, nil
	case "|":
		return i | j, nil
	case "^":
		return i ^ j, nil
	}
	return nil, raise.Type("unsupported operand type(s) for %s: 'int' and 'int'", op)
}

func product(i, j int64) (any, error) {
	if i == math.MinInt64 || j == math.MinInt64 {
		return nil, large()
	}
	abs := func(v int64) uint64 { return uint64(max(v, -v)) }
	if hi, lo := bits.Mul64(abs(i), abs(j)); hi != 0 || lo > math.MaxInt64 {
		return nil, large()
	}
	return i * j, nil
}

func power(base, exp int64) (any, error) {
	if exp > 62 && (base > 1 || base < -1) {
		return nil, large()
	}
	if base == 0 || base == 1 || base == -1 {
		exp = min(exp, 2+exp%2)
	}
	var out any = int64(1)
	var err error
	for ; exp > 0 && err == nil; exp-- {
		out, err = product(out.(int64), base)
	}
	return out, err
}

func floats(op string, f, g float64) (any, error) {
	var out float64
	switch op {
	case "+":
		out = f + g
	case "-":
		out = f - g
	case "*":
		out = f * g
	case "/", "//", "%":
		if g == 0 {
			return nil, raise.Division("float division by zero")
		}
		if op == "/" {
			out = f / g
			break
		}
		if math.IsInf(f, 0) || math.IsInf(g, 0) {
			return nil, raise.Unsupported("infinity")
		}
		mod := math.Mod(f, g)
		div := (f - mod) / g
		if mod == 0 {
			mod = math.Copysign(0, g)
		} else if (g < 0) != (mod < 0) {
			mod += g
			div--
		}
		if op == "%" {
			out = mod
			break
		}
		if div == 0 {
			return math.Copysign(0, f/g), nil
		}
		if out = math.Floor(div); div-out > 0.5 {
			out++
		}
	case "**":
		return nil, raise.Unsupported("a power of floats")
	default:
		return nil, raise.Type("unsupported operand type(s) for %s: 'float' and 'float'", op)
	}
	if math.IsNaN(out) {
		return nil, raise.Unsupported("a number that is none")
	}
	return out, nil
}

// concat is + of what can be put side by side; nil where it cannot.
func (r *Run) concat(x, y any) (any, error) {
	join := func(a, b []any) ([]any, error) {
		if err := r.makeTimes(int64(len(a)+len(b)), 16); err != nil {
			return nil, err
		}
		return append(append(make([]any, 0, len(a)+len(b)), a...), b...), nil
	}
	switch x := x.(type) {
	case string:
		if y, ok := y.(string); ok {
			return x + y, r.make(len(x) + len(y))
		}
	case Bytes:
		if y, ok := y.(Bytes); ok {
			return x + y, r.make(len(x) + len(y))
		}
	case *List:
		if y, ok := y.(*List); ok {
			items, err := join(x.Items, y.Items)
			return &List{items}, err
		}
	case *Tuple:
		if y, ok := y.(*Tuple); ok {
			items, err := join(x.Items, y.Items)
			return &Tuple{items}, err
		}
	}
	return nil, nil
}

// repeat is * of what can be repeated; nil where it cannot.
func (r *Run) repeat(x any, n int64) (any, error) {
	n = max(n, 0)
	again := func(items []any) ([]any, error) {
		if len(items) == 0 {
			return []any{}, nil
		}
		if err := r.makeTimes(n, int64(len(items))*16); err != nil {
			return nil, err
		}
		out := make([]any, 0, int(n)*len(items))
		for range n {
			out = append(out, items...)
		}
		return out, nil
	}
	switch x := x.(type) {
	case string:
		s, err := r.repeatText(x, n)
		return s, err
	case Bytes:
		s, err := r.repeatText(string(x), n)
		return Bytes(s), err
	case *List:
		items, err := again(x.Items)
		return &List{items}, err
	case *Tuple:
		items, err := again(x.Items)
		return &Tuple{items}, err
	}
	return nil, nil
}

// combine is an operation of two sets.
func (s *Set) combine(op string, t *Set) (any, error) {
	out := newSet()
	take := func(from *Set, want func(any) (bool, error)) error {
		for _, k := range from.Keys {
			ok, err := want(k)
			if err == nil && ok {
				err = out.add(k)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	in := func(x *Set, want bool) func(any) (bool, error) {
		return func(k any) (bool, error) {
			_, ok, err := x.get(k)
			return ok == want, err
		}
	}
	switch op {
	case "&":
		for _, k := range s.Keys {
			h, err := hash(k)
			if err != nil {
				return nil, err
			}
			if i, ok := t.index[h]; ok && !exactly(k, t.Keys[i]) {
				return nil, raise.Unsupported("which of two equal items is taken")
			}
		}
		return out, take(s, in(t, true))
	case "-":
		return out, take(s, in(t, false))
	case "^":
		if err := take(s, in(t, false)); err != nil {
			return nil, err
		}
		return out, take(t, in(s, false))
	}
	all := func(any) (bool, error) { return true, nil }
	if err := take(s, all); err != nil {
		return nil, err
	}
	return out, take(t, all)
}
