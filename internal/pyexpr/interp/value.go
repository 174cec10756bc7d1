package interp

import (
	"math"

	"github.com/offlineimap/offlineimapd/internal/pyexpr/raise"
	"github.com/offlineimap/offlineimapd/internal/pyexpr/syntax"
)

// A value is nil, bool, int64, float64, string, or one of these.
type (
	// Bytes are Python's bytes.
	Bytes = syntax.Bytes
	// List is a list.
	List struct{ Items []any }
	// Tuple is a tuple.
	Tuple struct{ Items []any }
	// Set is a set, in an order that is not Python's.
	Set struct{ Dict }
	// Range is a range.
	Range struct{ lo, hi, step int64 }
	// View is what dict.keys, dict.values and dict.items give.
	View struct {
		d    *Dict
		kind byte // 'k', 'v' or 'i'
	}
	// Function is a lambda.
	Function struct {
		*syntax.Lambda
		defaults []any // by parameter
		scope    *scope
	}
	// Builtin is a function or a method of Python's own.
	Builtin struct {
		name string
		call func(*Run, args) (any, error)
	}
	// Type is a class, to be called or asked about.
	Type struct{ name string }
	// Module is a module.
	Module struct {
		name    string
		members map[string]any
	}
	// Environ is os.environ.
	Environ struct{}
	// Flag is a flag of re.
	Flag int64
)

// Callable says whether a value can be called.
func Callable(v any) bool {
	switch v.(type) {
	case *Function, *Builtin, *Type:
		return true
	}
	return false
}

// nameOf is the name of a value's class.
func nameOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "NoneType"
	case bool:
		return "bool"
	case int64:
		return "int"
	case float64:
		return "float"
	case string:
		return "str"
	case Bytes:
		return "bytes"
	case *List:
		return "list"
	case *Tuple:
		return "tuple"
	case *Set:
		return "set"
	case *Dict:
		return "dict"
	case Range:
		return "range"
	case *Function:
		return "function"
	case *Builtin:
		return "builtin_function_or_method"
	case *Type:
		return "type"
	case *Module:
		return "module"
	case *View:
		return map[byte]string{'k': "dict_keys", 'v': "dict_values", 'i': "dict_items"}[v.kind]
	case *Iter:
		return v.kind
	case *Pattern:
		return "re.Pattern"
	case *Match:
		return "re.Match"
	case Flag:
		return "RegexFlag"
	}
	return "object"
}

// truth is bool of a value.
func truth(v any) (bool, error) {
	switch v := v.(type) {
	case nil:
		return false, nil
	case bool:
		return v, nil
	case int64:
		return v != 0, nil
	case float64:
		return v != 0, nil
	case string:
		return v != "", nil
	case Bytes:
		return v != "", nil
	case *List:
		return len(v.Items) > 0, nil
	case *Tuple:
		return len(v.Items) > 0, nil
	case *Dict:
		return len(v.Keys) > 0, nil
	case *Set:
		return len(v.Keys) > 0, nil
	case *View:
		return len(v.d.Keys) > 0, nil
	case Range:
		return v.len() > 0, nil
	case Flag:
		return v != 0, nil
	case Environ:
		return false, raise.Unsupported("the truth of os.environ")
	}
	return true, nil
}

// integer is a value as an int, where Python takes it for one.
func integer(v any) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

// index is a value as the number of an item.
func index(v any, what string) (int64, error) {
	if _, ok := v.(Flag); ok {
		return 0, raise.Unsupported("a flag as a number")
	}
	if i, ok := integer(v); ok {
		return i, nil
	}
	return 0, raise.Type("%s must be an integer, not %s", what, nameOf(v))
}

// number is a value as a float; an int that a float cannot hold is refused.
func number(v any) (float64, bool, error) {
	if f, ok := v.(float64); ok {
		return f, true, nil
	}
	i, ok := integer(v)
	if ok && (i > 1<<53 || i < -1<<53) {
		return 0, true, raise.Unsupported("such a number as a float")
	}
	return float64(i), ok, nil
}

func (r Range) len() int64 {
	switch {
	case r.step > 0 && r.lo < r.hi:
		return int64((uint64(r.hi)-uint64(r.lo)-1)/uint64(r.step) + 1)
	case r.step < 0 && r.lo > r.hi:
		return int64((uint64(r.lo)-uint64(r.hi)-1)/uint64(-r.step) + 1)
	}
	return 0
}

func (r Range) at(i int64) any { return r.lo + i*r.step }

// has says whether an int is one of the range's.
func (r Range) has(v int64) bool {
	if r.step > 0 && (v < r.lo || v >= r.hi) || r.step < 0 && (v > r.lo || v <= r.hi) {
		return false
	}
	return (v-r.lo)%r.step == 0
}

// makeRange bounds what a range may be, so that nothing overflows.
func makeRange(lo, hi, step int64) (any, error) {
	if step == 0 {
		return nil, raise.Value("range() arg 3 must not be zero")
	}
	for _, v := range []int64{lo, hi, step} {
		if v > math.MaxInt64/4 || v < -math.MaxInt64/4 {
			return nil, raise.Unsupported("a range of such numbers")
		}
	}
	return Range{lo, hi, step}, nil
}
