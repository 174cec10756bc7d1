package interp

import (
	"math"
	"strings"

	"github.com/offlineimap/offlineimapd/internal/pyexpr/raise"
)

func (r *Run) compare(op string, x, y any) (bool, error) {
	switch op {
	case "==", "!=":
		ok, err := r.equal(x, y)
		return ok == (op == "=="), err
	case "in", "not in":
		ok, err := r.contains(y, x)
		return ok == (op == "in"), err
	case "is", "is not":
		ok, err := identical(x, y)
		return ok == (op == "is"), err
	}
	return r.order(op, x, y)
}

// identical is answered where it does not depend on what Python keeps only once.
func identical(x, y any) (bool, error) {
	switch x.(type) {
	case int64, float64, string, Bytes, *Tuple, Range, *Builtin, *View, *Pattern, Flag:
		if nameOf(x) == nameOf(y) {
			return false, raise.Unsupported("the identity of a %s", nameOf(x))
		}
		return false, nil
	}
	return x == y, nil
}

func (r *Run) equal(x, y any) (bool, error) {
	if err := r.step(); err != nil {
		return false, err
	}
	for _, v := range []any{x, y} {
		switch v.(type) {
		case Flag, *View, Range, *Builtin, *Pattern, Environ:
			if a, ok := x.(*Builtin); ok {
				if b, ok := y.(*Builtin); ok && a == b {
					return true, nil
				}
			}
			if x == nil || y == nil {
				return false, nil
			}
			return false, raise.Unsupported("a comparison with a %s", nameOf(v))
		}
	}
	if i, ok := integer(x); ok {
		if j, ok := integer(y); ok {
			return i == j, nil
		}
	}
	if f, ok, err := number(x); ok {
		if g, ok, err2 := number(y); ok {
			if err == nil {
				err = err2
			}
			return f == g, err
		}
		return false, nil
	}
	switch x := x.(type) {
	case string:
		y, ok := y.(string)
		if !ok || len(x) != len(y) {
			return false, nil
		}
		return x == y, r.work(len(x))
	case Bytes:
		y, ok := y.(Bytes)
		return ok && x == y, nil
	case *List:
		y, ok := y.(*List)
		if !ok {
			return false, nil
		}
		return r.equalItems(x.Items, y.Items)
	case *Tuple:
		y, ok := y.(*Tuple)
		if !ok {
			return false, nil
		}
		return r.equalItems(x.Items, y.Items)
	case *Dict:
		y, ok := y.(*Dict)
		if !ok || len(x.Keys) != len(y.Keys) {
			return false, nil
		}
		for i, k := range x.Keys {
			v, ok, err := y.get(k)
			if err == nil && ok {
				ok, err = r.equal(x.Values[i], v)
			}
			if err != nil || !ok {
				return false, err
			}
		}
		return true, nil
	case *Set:
		y, ok := y.(*Set)
		if !ok || len(x.Keys) != len(y.Keys) {
			return false, nil
		}
		return x.within(y)
	}
	return x == y, nil
}

func (r *Run) equalItems(a, b []any) (bool, error) {
	if len(a) != len(b) {
		return false, nil
	}
	for i := range a {
		if ok, err := r.equal(a[i], b[i]); err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

// within says whether all of a set is in another.
func (s *Set) within(t *Set) (bool, error) {
	for _, k := range s.Keys {
		if _, ok, err := t.get(k); err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

// order is <, <=, > and >=.
func (r *Run) order(op string, x, y any) (bool, error) {
	if err := r.step(); err != nil {
		return false, err
	}
	for _, v := range []any{x, y} {
		switch v.(type) {
		case Flag, *View, Environ:
			return false, raise.Unsupported("a comparison with a %s", nameOf(v))
		}
	}
	if i, ok := integer(x); ok {
		if j, ok := integer(y); ok {
			return holds(op, compareInts(i, j)), nil
		}
	}
	if f, ok, err := number(x); ok {
		if g, ok, err2 := number(y); ok {
			if err == nil {
				err = err2
			}
			if math.IsNaN(f) || math.IsNaN(g) {
				return false, raise.Unsupported("a number that is none")
			}
			c := 0
			if f < g {
				c = -1
			} else if f > g {
				c = 1
			}
			return holds(op, c), err
		}
	}
	switch x := x.(type) {
	case string:
		if y, ok := y.(string); ok { // the order of UTF-8 is that of characters
			return holds(op, strings.Compare(x, y)), nil
		}
	case Bytes:
		if y, ok := y.(Bytes); ok {
			return holds(op, strings.Compare(string(x), string(y))), nil
		}
	case *List:
		if y, ok := y.(*List); ok {
			return r.orderItems(op, x.Items, y.Items)
		}
	case *Tuple:
		if y, ok := y.(*Tuple); ok {
			return r.orderItems(op, x.Items, y.Items)
		}
	case *Set:
		if y, ok := y.(*Set); ok {
			if op[0] == '>' {
				x, y = y, x
			}
			in, err := x.within(y)
			return in && (len(op) == 2 || len(x.Keys) < len(y.Keys)), err
		}
	}
	return false, raise.Type("'%s' not supported between instances of '%s' and '%s'", op, nameOf(x), nameOf(y))
}

func compareInts(i, j int64) int {
	switch {
	case i < j:
		return -1
	case i > j:
		return 1
	}
	return 0
}

func holds(op string, c int) bool {
	switch op {
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	}
	return c >= 0
}

func (r *Run) orderItems(op string, a, b []any) (bool, error) {
	for i := range min(len(a), len(b)) {
		same, err := r.equal(a[i], b[i])
		if err != nil {
			return false, err
		}
		if !same {
			return r.order(op, a[i], b[i])
		}
	}
	return holds(op, compareInts(int64(len(a)), int64(len(b)))), nil
}

// contains is x in all.
func (r *Run) contains(all, x any) (bool, error) {
	switch all := all.(type) {
	case string:
		s, ok := x.(string)
		if !ok {
			return false, raise.Type("'in <string>' requires string as left operand, not %s", nameOf(x))
		}
		return strings.Contains(all, s), r.work(len(all))
	case Bytes:
		s, ok := x.(Bytes)
		if !ok {
			return false, raise.Unsupported("in of bytes")
		}
		return strings.Contains(string(all), string(s)), r.work(len(all))
	case *Dict:
		_, ok, err := all.get(x)
		return ok, err
	case *Set:
		if _, ok := x.(*Set); ok {
			return false, raise.Unsupported("a set within a set")
		}
		_, ok, err := all.get(x)
		return ok, err
	case *View:
		if all.kind == 'k' {
			_, ok, err := all.d.get(x)
			return ok, err
		}
		if all.kind == 'i' {
			return false, raise.Unsupported("in of items")
		}
	case Range:
		i, ok := integer(x)
		if !ok {
			return false, raise.Unsupported("in of a range")
		}
		return all.has(i), nil
	case Environ:
		_, ok, err := lookupEnv(x)
		return ok, err
	}
	it, err := r.stream(all)
	if err != nil {
		if e, ok := err.(*raise.Error); ok && e.Kind == "TypeError" {
			return false, raise.Type("argument of type '%s' is not iterable", nameOf(all))
		}
		return false, err
	}
	for {
		v, ok, err := it.next()
		if err != nil || !ok {
			return false, err
		}
		if v == nil && x == nil {
			return true, nil
		}
		if ok, err := r.equal(v, x); err != nil || ok {
			return ok, err
		}
	}
}
