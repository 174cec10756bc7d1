package interp

import (
	"fmt"
	"math"

	"github.com/offlineimap/offlineimapd/internal/pyexpr/raise"
)

// Dict is a dict, in the order of insertion.
type Dict struct {
	Keys, Values []any
	index        map[any]int
	// unordered is set where the order came from a set, and so is not Python's.
	unordered bool
}

func NewDict() *Dict { return &Dict{index: map[any]int{}} }

// set sets a value; the key of an earlier equal one stays.
func (d *Dict) Set(k, v any) error {
	h, err := hash(k)
	if err != nil {
		return err
	}
	if i, ok := d.index[h]; ok {
		d.Values[i] = v
		return nil
	}
	d.index[h] = len(d.Keys)
	d.Keys = append(d.Keys, k)
	d.Values = append(d.Values, v)
	return nil
}

func (d *Dict) get(k any) (any, bool, error) {
	h, err := hash(k)
	if err != nil {
		return nil, false, err
	}
	if i, ok := d.index[h]; ok {
		return d.Values[i], true, nil
	}
	return nil, false, nil
}

func newSet() *Set { return &Set{*NewDict()} }

func (s *Set) add(v any) error { return s.Set(v, nil) }

// addTo adds an item, and says which one that is equal is in the set.
func (s *Set) addTo(v any) (any, error) {
	if err := s.add(v); err != nil {
		return nil, err
	}
	h, err := hash(v)
	return s.Keys[s.index[h]], err
}

// exactly says whether two keys that are equal cannot be told apart.
func exactly(a, b any) bool {
	switch a := a.(type) {
	case float64:
		b, ok := b.(float64)
		return ok && math.Signbit(a) == math.Signbit(b)
	case *Tuple:
		b, ok := b.(*Tuple)
		for i := 0; ok && i < len(a.Items); i++ {
			ok = exactly(a.Items[i], b.Items[i])
		}
		return ok
	}
	return nameOf(a) == nameOf(b)
}

type tupleKey string

// maxKey is how many octets a key of tuples within tuples may make: they may hold
// one thing many times over.
const maxKey = 64 << 10

// hash gives equal Go values for what is equal in Python.
func hash(v any) (any, error) {
	switch v := v.(type) {
	case nil, string, Bytes, *Function, *Type:
		return v, nil
	case bool:
		i, _ := integer(v)
		return i, nil
	case int64:
		return v, nil
	case float64:
		if v == math.Trunc(v) && math.Abs(v) <= 1<<53 {
			return int64(v), nil
		}
		if math.IsNaN(v) || math.Abs(v) > 1<<53 {
			return nil, raise.Unsupported("such a float as a key")
		}
		return v, nil
	case *Tuple:
		out := ""
		for _, x := range v.Items {
			h, err := hash(x)
			if err != nil {
				return nil, err
			}
			switch h.(type) {
			case *Function, *Type:
				return nil, raise.Unsupported("a function within a key")
			}
			s := fmt.Sprintf("%T %v", h, h)
			if out += fmt.Sprintf("%d:%s", len(s), s); len(out) > maxKey {
				return nil, raise.Unsupported("a key of that size")
			}
		}
		return tupleKey(out), nil
	case *List, *Dict, *Set:
		return nil, raise.Type("unhashable type: '%s'", nameOf(v))
	}
	return nil, raise.Unsupported("a %s as a key", nameOf(v))
}
