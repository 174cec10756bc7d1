package interp

import (
	"github.com/offlineimap/offlineimapd/internal/pyexpr/raise"
	"github.com/offlineimap/offlineimapd/internal/pyexpr/syntax"
	"github.com/offlineimap/offlineimapd/internal/pyexpr/text"
)

func (r *Run) subscript(n *syntax.Index, s *scope) (any, error) {
	x, err := r.eval(n.X, s)
	if err != nil {
		return nil, err
	}
	if sl, ok := n.Key.(*syntax.Slice); ok {
		var parts [3]any
		for i, p := range []syntax.Node{sl.Lo, sl.Hi, sl.Step} {
			if p == nil {
				continue
			}
			if parts[i], err = r.eval(p, s); err != nil {
				return nil, err
			}
		}
		return r.slice(x, parts)
	}
	if t, ok := n.Key.(*syntax.Tuple); ok {
		for _, item := range t.Items {
			if _, ok := item.(*syntax.Slice); ok {
				return nil, raise.Unsupported("a slice within a tuple")
			}
		}
	}
	key, err := r.eval(n.Key, s)
	if err != nil {
		return nil, err
	}
	return r.item(x, key)
}

// item is x[key].
func (r *Run) item(x, key any) (any, error) {
	var n int
	switch x := x.(type) {
	case *Dict:
		v, ok, err := x.get(key)
		if err == nil && !ok {
			err = raise.Key("%s", nameOf(key))
		}
		return v, err
	case Environ:
		v, ok, err := lookupEnv(key)
		if err == nil && !ok {
			err = raise.Key("%s", key)
		}
		return v, err
	case *Match:
		g, err := x.number(key)
		if err != nil {
			return nil, err
		}
		return x.group(g, nil)
	case *Type, Flag:
		return nil, raise.Unsupported("an item of a %s", nameOf(x))
	case string:
		n = text.Len(x)
	case Bytes:
		n = len(x)
	case *List:
		n = len(x.Items)
	case *Tuple:
		n = len(x.Items)
	case Range:
		n = int(x.len())
	default:
		return nil, raise.Type("'%s' object is not subscriptable", nameOf(x))
	}
	i, err := index(key, "indices")
	if err != nil {
		return nil, err
	}
	if i < 0 {
		i += int64(n)
	}
	if i < 0 || i >= int64(n) {
		return nil, raise.Index("%s index out of range", nameOf(x))
	}
	switch x := x.(type) {
	case string:
		if text.IsASCII(x) {
			return x[i : i+1], r.make(n >> 4)
		}
		return string([]rune(x)[i]), r.make(n)
	case Bytes:
		return int64(x[i]), nil
	case *List:
		return x.Items[i], nil
	case *Tuple:
		return x.Items[i], nil
	}
	return x.(Range).at(i), nil
}

// bounds resolves the parts of a slice of n items: where it begins, the step and
// how many there are.
func bounds(parts [3]any, n int64) (lo, step, count int64, err error) {
	step = 1
	if parts[2] != nil {
		if step, err = index(parts[2], "slice indices"); err != nil {
			return
		}
		if step == 0 {
			return 0, 0, 0, raise.Value("slice step cannot be zero")
		}
		step = max(step, -1<<62)
	}
	lower, upper := int64(0), n
	if step < 0 {
		lower, upper = -1, n-1
	}
	clip := func(v any, otherwise int64) (int64, error) {
		if v == nil {
			return otherwise, nil
		}
		i, err := index(v, "slice indices")
		if i < 0 {
			return max(i+n, lower), err
		}
		return min(i, upper), err
	}
	first, last := lower, upper
	if step < 0 {
		first, last = upper, lower
	}
	if lo, err = clip(parts[0], first); err != nil {
		return
	}
	hi, err := clip(parts[1], last)
	switch {
	case step > 0 && lo < hi:
		count = (hi-lo-1)/step + 1
	case step < 0 && lo > hi:
		count = (lo-hi-1)/-step + 1
	}
	return lo, step, count, err
}

func (r *Run) slice(x any, parts [3]any) (any, error) {
	switch x := x.(type) {
	case string:
		rs := []rune(x)
		if err := r.make(5 * len(x)); err != nil {
			return nil, err
		}
		out, err := pick(rs, parts)
		return string(out), err
	case Bytes:
		out, err := pick([]byte(x), parts)
		return Bytes(out), err
	case *List:
		out, err := pick(x.Items, parts)
		if err == nil {
			err = r.make(16 * len(out))
		}
		return &List{out}, err
	case *Tuple:
		out, err := pick(x.Items, parts)
		if err == nil {
			err = r.make(16 * len(out))
		}
		return &Tuple{out}, err
	case Range:
		lo, step, count, err := bounds(parts, x.len())
		if err != nil {
			return nil, err
		}
		if step > 1<<20 || step < -1<<20 || x.step > 1<<20 || x.step < -1<<20 {
			return nil, raise.Unsupported("a slice of such a range")
		}
		first := x.lo + lo*x.step
		return makeRange(first, first+count*step*x.step, step*x.step)
	case *Dict, Environ, *Match, *Type, Flag:
		return nil, raise.Unsupported("a slice of a %s", nameOf(x))
	}
	return nil, raise.Type("'%s' object is not subscriptable", nameOf(x))
}

func pick[T any](items []T, parts [3]any) ([]T, error) {
	lo, step, count, err := bounds(parts, int64(len(items)))
	if err != nil {
		return nil, err
	}
	if step == 1 {
		return items[lo : lo+count : lo+count], nil
	}
	out := make([]T, 0, count)
	for i := range count {
		out = append(out, items[lo+i*step])
	}
	return out, nil
}
