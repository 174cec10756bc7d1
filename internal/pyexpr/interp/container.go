package interp

import "github.com/offlineimap/offlineimapd/internal/pyexpr/raise"

func unsupportedArgument(v any) error {
	return raise.Unsupported("such a %s as an argument", nameOf(v))
}

func view(kind byte) method {
	return method{params: "", call: func(_ *Run, self any, _ []any) (any, error) { return &View{self.(*Dict), kind}, nil }}
}

// iterator is what Python 2 had besides the views.
func iterator(kind byte) method {
	return method{params: "", call: func(r *Run, self any, _ []any) (any, error) {
		return r.iterate(&View{self.(*Dict), kind})
	}}
}

var dictMethods = map[string]method{
	"keys":       view('k'),
	"values":     view('v'),
	"items":      view('i'),
	"iterkeys":   iterator('k'),
	"itervalues": iterator('v'),
	"iteritems":  iterator('i'),
	"get": {params: "/ key default?", call: func(_ *Run, self any, a []any) (any, error) {
		v, ok, err := self.(*Dict).get(a[0])
		if ok || err != nil {
			return v, err
		}
		if a[1] == (absent{}) {
			return nil, nil
		}
		return a[1], nil
	}},
	"has_key": {params: "/ key", call: func(_ *Run, self any, a []any) (any, error) {
		_, ok, err := self.(*Dict).get(a[0])
		return ok, err
	}},
	"copy": {params: "", call: func(_ *Run, self any, _ []any) (any, error) {
		d := NewDict()
		return d, d.update(self.(*Dict))
	}},
}

func itemsOf(v any) []any {
	if l, ok := v.(*List); ok {
		return l.Items
	}
	return v.(*Tuple).Items
}

// listMethods are those of list and of tuple.
var listMethods = map[string]method{
	"count": {params: "/ value", call: func(r *Run, self any, a []any) (any, error) {
		n := int64(0)
		for _, v := range itemsOf(self) {
			ok, err := r.equal(v, a[0])
			if err != nil {
				return nil, err
			}
			if ok {
				n++
			}
		}
		return n, nil
	}},
	"index": {params: "/ value start? stop?", call: func(r *Run, self any, a []any) (any, error) {
		items := itemsOf(self)
		n := int64(len(items))
		lo, err := intOr(a[1], 0)
		if err != nil {
			return nil, err
		}
		hi, err := intOr(a[2], n)
		if err != nil {
			return nil, err
		}
		if lo < 0 {
			lo = max(lo+n, 0)
		}
		if hi < 0 {
			hi = max(hi+n, 0)
		}
		for i := lo; i < min(hi, n); i++ {
			if ok, err := r.equal(items[i], a[0]); err != nil || ok {
				return i, err
			}
		}
		return nil, raise.Value("the value is not in the list")
	}},
}

// operation is a method of sets that is an operator too; any iterable will do
// for the other one.
func operation(op string) method {
	return method{raw: func(r *Run, self any, a args) (any, error) {
		if len(a.pos) != 1 || len(a.kw) > 0 {
			return nil, raise.Unsupported("several sets at once")
		}
		other, err := r.setOf(a.pos[0])
		if err != nil {
			return nil, err
		}
		return self.(*Set).combine(op, other)
	}}
}

func relation(of func(s, other *Set) (bool, error)) method {
	return method{params: "/ other", call: func(r *Run, self any, a []any) (any, error) {
		other, err := r.setOf(a[0])
		if err != nil {
			return nil, err
		}
		ok, err := of(self.(*Set), other)
		return ok, err
	}}
}

var setMethods = map[string]method{
	"union":                operation("|"),
	"intersection":         operation("&"),
	"difference":           operation("-"),
	"symmetric_difference": operation("^"),
	"issubset":             relation(func(s, other *Set) (bool, error) { return s.within(other) }),
	"issuperset":           relation(func(s, other *Set) (bool, error) { return other.within(s) }),
	"isdisjoint": relation(func(s, other *Set) (bool, error) {
		both, err := s.combine("&", other)
		return err == nil && len(both.(*Set).Keys) == 0, err
	}),
}

func (r *Run) setOf(v any) (*Set, error) {
	it, err := r.iterate(v)
	if err != nil {
		return nil, err
	}
	set := newSet()
	twice := false // an item that only seems to be one that was there
	err = r.each(it, func(x any) error {
		was, err := set.addTo(x)
		if err != nil {
			return err
		}
		twice = twice || !exactly(was, x)
		return r.make(64)
	})
	if err == nil && twice && it.unordered {
		err = raise.Unsupported("the order of a set")
	}
	return set, err
}
