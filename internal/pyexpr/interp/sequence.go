package interp

import (
	"slices"

	"github.com/offlineimap/offlineimapd/internal/pyexpr/raise"
	"github.com/offlineimap/offlineimapd/internal/pyexpr/text"
)

// alike says whether items are of one kind whose equal values cannot be told
// apart, so that the order they came in does not show once they are compared.
func alike(items []any) error {
	for _, v := range items {
		switch v.(type) {
		case string, int64:
			if nameOf(v) == nameOf(items[0]) {
				continue
			}
		}
		return raise.Unsupported("the order of a set")
	}
	return nil
}

// gather takes all there is in a value; where its order is not Python's, it must
// not show.
func (r *Run) gather(v any, key any) ([]any, error) {
	it, err := r.iterate(v)
	if err != nil {
		return nil, err
	}
	items, err := r.collect(it)
	if err == nil && it.unordered {
		if key != nil {
			return nil, raise.Unsupported("the order of a set")
		}
		err = alike(items)
	}
	return items, err
}

// hasSet says whether there are sets in a value: these have no order in which
// one of two comes first.
func (r *Run) hasSet(v any) (bool, error) {
	if err := r.step(); err != nil {
		return false, err
	}
	switch v.(type) {
	case *Set:
		return true, nil
	case *List, *Tuple:
		for _, x := range itemsOf(v) {
			if has, err := r.hasSet(x); has || err != nil {
				return has, err
			}
		}
	}
	return false, nil
}

// keysOf calls a key function for each item.
func (r *Run) keysOf(items []any, key any) ([]any, error) {
	if key == nil {
		return items, nil
	}
	out := make([]any, len(items))
	for i, v := range items {
		var err error
		if out[i], err = r.call(key, args{pos: []any{v}}); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func sorted(r *Run, _ any, a args) (any, error) {
	if len(a.pos) > 1 {
		return nil, raise.Type("sorted expected 1 argument, got %d", len(a.pos))
	}
	v, err := a.bind("iterable key? reverse?")
	if err != nil {
		return nil, err
	}
	key, back := v[1], false
	if key == (absent{}) {
		key = nil
	}
	if v[2] != (absent{}) {
		b, ok := integer(v[2])
		if !ok {
			return nil, raise.Unsupported("such an order")
		}
		back = b != 0
	}
	items, err := r.gather(v[0], key)
	if err != nil {
		return nil, err
	}
	keys, err := r.keysOf(items, key)
	if err != nil {
		return nil, err
	}
	order := make([]int, len(items))
	for i, k := range keys {
		order[i] = i
		if has, err := r.hasSet(k); has || err != nil {
			if err == nil {
				err = raise.Unsupported("the order of sets")
			}
			return nil, err
		}
	}
	slices.SortStableFunc(order, func(i, j int) int {
		if err != nil {
			return 0
		}
		if back {
			i, j = j, i
		}
		var less bool
		if less, err = r.order("<", keys[i], keys[j]); less {
			return -1
		}
		if err == nil {
			if less, err = r.order("<", keys[j], keys[i]); less {
				return 1
			}
		}
		return 0
	})
	if err != nil {
		return nil, err
	}
	out := make([]any, len(items))
	for i, at := range order {
		out[i] = items[at]
	}
	return &List{out}, r.make(32 * len(out))
}

func extreme(op string) func(*Run, any, args) (any, error) {
	return func(r *Run, _ any, a args) (any, error) {
		var key, otherwise any = nil, absent{}
		for _, k := range a.kw {
			switch k.name {
			case "key":
				key = k.value
			case "default":
				otherwise = k.value
			default:
				return nil, raise.Unsupported("the argument %s", k.name)
			}
		}
		var it *Iter
		var err error
		switch {
		case len(a.pos) == 0:
			return nil, raise.Type("expected at least 1 argument, got 0")
		case len(a.pos) == 1:
			it, err = r.iterate(a.pos[0])
		case otherwise != absent{}:
			return nil, raise.Type("Cannot specify a default with multiple positional arguments")
		default:
			it = r.over("tuple_iterator", a.pos)
		}
		if err != nil {
			return nil, err
		}
		var items []any
		best, bestKey := otherwise, any(nil)
		if err := r.each(it, func(v any) error {
			k := v
			if key != nil {
				if k, err = r.call(key, args{pos: []any{v}}); err != nil {
					return err
				}
			}
			better := len(items) == 0
			if !better {
				if better, err = r.order(op, k, bestKey); err != nil {
					return err
				}
			}
			if better {
				best, bestKey = v, k
			}
			items = append(items, v)
			return r.make(16)
		}); err != nil {
			return nil, err
		}
		switch {
		case best == absent{}:
			return nil, raise.Value("the iterable argument is empty")
		case it.unordered && key != nil:
			return nil, raise.Unsupported("the order of a set")
		case it.unordered:
			return best, alike(items)
		}
		return best, nil
	}
}

func sum(r *Run, _ any, a []any) (any, error) {
	it, err := r.iterate(a[0])
	if err != nil {
		return nil, err
	}
	total := a[1]
	if total == (absent{}) {
		total = int64(0)
	}
	switch total.(type) {
	case string, Bytes:
		return nil, raise.Type("sum() can't sum strings [use ''.join(seq) instead]")
	}
	var items []any
	if err := r.each(it, func(v any) error {
		if _, ok := v.(float64); ok {
			return raise.Unsupported("a sum of floats") // differs between versions
		}
		items = append(items, v)
		total, err = r.binary("+", total, v)
		return err
	}); err != nil {
		return nil, err
	}
	if it.unordered {
		return total, alike(items)
	}
	return total, nil
}

// quantify is any, and all. Where the order is a set's, all are asked, so that
// an error that Python may meet first is not missed.
func quantify(want bool) func(*Run, any, []any) (any, error) {
	return func(r *Run, _ any, a []any) (any, error) {
		it, err := r.iterate(a[0])
		if err != nil {
			return nil, err
		}
		found := false
		for {
			v, ok, err := it.next()
			var t bool
			if ok && err == nil {
				t, err = truth(v)
			}
			if err != nil {
				if it.unordered {
					err = unordered(err)
				}
				return nil, err
			}
			if !ok {
				return found == want, nil
			}
			if found = found || t == want; found && !it.unordered {
				return want, nil
			}
		}
	}
}

func mapped(r *Run, _ any, a args) (any, error) {
	if len(a.kw) > 0 || len(a.pos) < 2 {
		return nil, raise.Type("map() must have at least two arguments.")
	}
	its, err := r.streams(a.pos[1:])
	if err != nil {
		return nil, err
	}
	var out *Iter
	out = r.newIter("map", func() (any, bool, error) {
		row, ok, err := together(its)
		for _, it := range its {
			out.unordered = out.unordered || it.unordered
		}
		if err != nil || !ok {
			return nil, false, err
		}
		v, err := r.call(a.pos[0], args{pos: row})
		return v, true, err
	})
	if len(its) == 1 {
		out.unordered = its[0].unordered
	}
	return out, nil
}

// streams are the iterators of several values; of several, none may have the
// order of a set.
func (r *Run) streams(values []any) ([]*Iter, error) {
	its := make([]*Iter, len(values))
	for i, v := range values {
		var err error
		if len(values) == 1 {
			its[i], err = r.iterate(v)
		} else {
			its[i], err = r.stream(v)
		}
		if err != nil {
			return nil, err
		}
	}
	return its, nil
}

// together takes one item of each, until one has no more.
func together(its []*Iter) ([]any, bool, error) {
	row := make([]any, len(its))
	for i, it := range its {
		v, ok, err := it.next()
		if err != nil || !ok {
			return nil, false, err
		}
		row[i] = v
	}
	return row, len(its) > 0, nil
}

func filter(r *Run, _ any, a []any) (any, error) {
	it, err := r.iterate(a[1])
	if err != nil {
		return nil, err
	}
	var out *Iter
	out = r.newIter("filter", func() (any, bool, error) {
		for {
			v, ok, err := it.next()
			out.unordered = out.unordered || it.unordered
			if err != nil || !ok {
				return nil, false, err
			}
			is := v
			if a[0] != nil {
				if is, err = r.call(a[0], args{pos: []any{v}}); err != nil {
					return nil, false, err
				}
			}
			if t, err := truth(is); err != nil || t {
				return v, true, err
			}
		}
	})
	out.unordered = it.unordered
	return out, nil
}

func zip(r *Run, _ any, a args) (any, error) {
	if len(a.kw) > 0 {
		return nil, raise.Unsupported("the argument %s", a.kw[0].name)
	}
	its := make([]*Iter, len(a.pos))
	for i, v := range a.pos {
		var err error
		if its[i], err = r.stream(v); err != nil {
			return nil, err
		}
	}
	return r.newIter("zip", func() (any, bool, error) {
		row, ok, err := together(its)
		return &Tuple{row}, ok, err
	}), nil
}

func enumerate(r *Run, _ any, a []any) (any, error) {
	it, err := r.stream(a[0])
	if err != nil {
		return nil, err
	}
	n, err := intOr(a[1], 0)
	if err != nil {
		return nil, err
	}
	if n > 1<<60 {
		return nil, large()
	}
	return r.newIter("enumerate", func() (any, bool, error) {
		v, ok, err := it.next()
		n++
		return &Tuple{[]any{n - 1, v}}, ok, err
	}), nil
}

func reversed(r *Run, _ any, a []any) (any, error) {
	switch x := a[0].(type) {
	case *List, *Tuple, string, Range, Bytes:
		items, err := r.ordered(x)
		if err != nil {
			return nil, err
		}
		items = slices.Clone(items)
		slices.Reverse(items)
		return r.over("reversed", items), r.make(16*len(items) + text.Len(nameOf(x)))
	case *Dict, *View, Environ:
		return nil, raise.Unsupported("reversed of a %s", nameOf(x))
	}
	return nil, raise.Type("'%s' object is not reversible", nameOf(a[0]))
}

func next(r *Run, _ any, a []any) (any, error) {
	if _, ok := a[0].(*Iter); !ok {
		return nil, raise.Type("'%s' object is not an iterator", nameOf(a[0]))
	}
	it, err := r.iterate(a[0])
	if err != nil {
		return nil, err
	}
	v, ok, err := it.next()
	switch {
	case it.unordered:
		return nil, raise.Unsupported("the order of a set")
	case err != nil || ok:
		return v, err
	case a[1] == (absent{}):
		return nil, &raise.Error{Kind: "StopIteration", Text: ""}
	}
	return a[1], nil
}
