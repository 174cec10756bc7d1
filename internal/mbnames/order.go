package mbnames

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math"
	"math/big"
	"slices"

	"github.com/offlineimap/offlineimapd/internal/pyexpr"
)

// sortItems sorts by account and folder, or by what key gives, as Python's sorted
// does. Keys that have no order among them, and those of a function that fails,
// are an error, and then the order is undefined.
func sortItems(ctx context.Context, items []Item, key func(context.Context, Item) (any, error)) error {
	if key == nil {
		slices.SortStableFunc(items, func(a, b Item) int {
			return cmp.Or(comparePoints(a.Account, b.Account), comparePoints(a.Folder, b.Folder))
		})
		return nil
	}
	type keyed struct {
		item Item
		key  any
	}
	all := make([]keyed, len(items))
	for i, it := range items {
		k, err := key(ctx, it)
		if err != nil {
			return fmt.Errorf("the key of %q of account %q: %w", it.Folder, it.Account, err)
		}
		all[i] = keyed{it, k}
	}
	var failed error
	slices.SortStableFunc(all, func(a, b keyed) int {
		c, err := order(a.key, b.key)
		if failed == nil && err != nil {
			failed = fmt.Errorf("the keys of %q and %q: %w", a.item.Folder, b.item.Folder, err)
		}
		return c
	})
	if failed != nil {
		return failed
	}
	for i := range all {
		items[i] = all[i].item
	}
	return nil
}

// order compares two of Python's values by its operator <. A NaN is neither
// before nor after anything, as there.
func order(a, b any) (int, error) {
	switch x := a.(type) {
	case string:
		if y, ok := b.(string); ok {
			return comparePoints(x, y), nil
		}
	case pyexpr.Bytes:
		if y, ok := b.(pyexpr.Bytes); ok {
			return bytes.Compare(x, y), nil
		}
	case pyexpr.List:
		if y, ok := b.(pyexpr.List); ok {
			return orderAll(x, y)
		}
	case pyexpr.Tuple:
		if y, ok := b.(pyexpr.Tuple); ok {
			return orderAll(x, y)
		}
	default:
		if c, ok := orderNumbers(a, b); ok {
			return c, nil
		}
	}
	return 0, &pyexpr.Error{Kind: "TypeError", Text: fmt.Sprintf("'<' not supported between instances of '%s' and '%s'", typeName(a), typeName(b))}
}

// orderAll compares the first two elements that are not equal: those before them
// need no order, only equality, which all values have.
func orderAll(a, b []any) (int, error) {
	for i := range min(len(a), len(b)) {
		if !equal(a[i], b[i]) {
			return order(a[i], b[i])
		}
	}
	return cmp.Compare(len(a), len(b)), nil
}

// orderNumbers compares bool, int64 and float64 by their exact values.
func orderNumbers(a, b any) (c int, ok bool) {
	x, xf, xok := number64(a)
	y, yf, yok := number64(b)
	switch {
	case !xok || !yok:
		return 0, false
	case xf == nil && yf == nil:
		return cmp.Compare(x, y), true
	case xf != nil && yf != nil:
		return compareFloats(*xf, *yf), true
	case xf != nil:
		return compareMixed(*xf, y), true
	}
	return -compareMixed(*yf, x), true
}

// number64 returns a number as an int64, or else as a float64.
func number64(v any) (n int64, f *float64, ok bool) {
	switch v := v.(type) {
	case bool:
		if v {
			return 1, nil, true
		}
		return 0, nil, true
	case int64:
		return v, nil, true
	case float64:
		return 0, &v, true
	}
	return 0, nil, false
}

func compareFloats(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// compareMixed does not round the int64, as a conversion to float64 would.
func compareMixed(f float64, n int64) int {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return compareFloats(f, 0)
	}
	return big.NewFloat(f).Cmp(new(big.Float).SetInt64(n))
}

// equal is Python's == for elements of a sequence, where a NaN that is the same
// object is equal to itself; here that is every NaN but none to a number.
func equal(a, b any) bool {
	switch x := a.(type) {
	case nil:
		return b == nil
	case string:
		y, ok := b.(string)
		return ok && x == y
	case pyexpr.Bytes:
		y, ok := b.(pyexpr.Bytes)
		return ok && bytes.Equal(x, y)
	case pyexpr.List:
		y, ok := b.(pyexpr.List)
		return ok && slices.EqualFunc(x, y, equal)
	case pyexpr.Tuple:
		y, ok := b.(pyexpr.Tuple)
		return ok && slices.EqualFunc(x, y, equal)
	case pyexpr.Dict:
		y, ok := b.(pyexpr.Dict)
		return ok && len(x) == len(y) && !slices.ContainsFunc(x, func(p pyexpr.Pair) bool {
			return !slices.ContainsFunc(y, func(q pyexpr.Pair) bool { return equal(p.Key, q.Key) && equal(p.Value, q.Value) })
		})
	}
	x, xok := a.(float64)
	y, yok := b.(float64)
	if xok && math.IsNaN(x) || yok && math.IsNaN(y) {
		return xok && yok && math.IsNaN(x) && math.IsNaN(y)
	}
	c, ok := orderNumbers(a, b)
	return ok && c == 0
}

// typeName is Python's name for the type of v.
func typeName(v any) string {
	switch v.(type) {
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
	case pyexpr.Bytes:
		return "bytes"
	case pyexpr.List:
		return "list"
	case pyexpr.Tuple:
		return "tuple"
	case pyexpr.Dict:
		return "dict"
	}
	return "function"
}
