package pyexpr

import (
	"unicode/utf8"

	"github.com/offlineimap/offlineimapd/internal/pyexpr/interp"
	"github.com/offlineimap/offlineimapd/internal/pyexpr/raise"
)

// maxNesting is how deep values may be within values.
const maxNesting = 100

// export makes a value of ours of one of the interpreter's.
func export(p *interp.Program, r *interp.Run, v any, depth int) (any, error) {
	if depth > maxNesting {
		return nil, raise.Unsupported("values of that depth")
	}
	list := func(items []any) ([]any, error) {
		if err := r.Make(len(items)); err != nil {
			return nil, err
		}
		out := make([]any, len(items))
		for i, x := range items {
			var err error
			if out[i], err = export(p, r, x, depth+1); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	switch v := v.(type) {
	case nil, bool, int64, float64, string:
		return v, nil
	case interp.Bytes:
		return Bytes(v), nil
	case *interp.Tuple:
		items, err := list(v.Items)
		return Tuple(items), err
	case *interp.Dict:
		out := make(Dict, len(v.Keys))
		keys, err := list(v.Keys)
		if err != nil {
			return nil, err
		}
		values, err := list(v.Values)
		if err != nil {
			return nil, err
		}
		for i := range out {
			out[i] = Pair{keys[i], values[i]}
		}
		return out, nil
	case *interp.List, *interp.Set, *interp.View, *interp.Iter, interp.Range:
		items, err := r.Items(v)
		if err != nil {
			return nil, err
		}
		items, err = list(items)
		return List(items), err
	}
	if interp.Callable(v) {
		return &function{p, v}, nil
	}
	if _, ok := v.(*interp.Match); ok {
		return true, nil // there is nothing else to be known of it outside
	}
	return nil, raise.Unsupported("such a value")
}

// importValue makes a value of the interpreter's of one of ours.
func importValue(v any, depth int) (any, error) {
	if depth > maxNesting {
		return nil, raise.Unsupported("values of that depth")
	}
	list := func(items []any) ([]any, error) {
		out := make([]any, len(items))
		for i, x := range items {
			var err error
			if out[i], err = importValue(x, depth+1); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	switch v := v.(type) {
	case nil, bool, int64, float64:
		return v, nil
	case int:
		return int64(v), nil
	case string:
		if !utf8.ValidString(v) {
			return nil, raise.Unsupported("an argument that is no UTF-8")
		}
		return v, nil
	case Bytes:
		return interp.Bytes(v), nil
	case List:
		items, err := list(v)
		return &interp.List{Items: items}, err
	case Tuple:
		items, err := list(v)
		return &interp.Tuple{Items: items}, err
	case Dict:
		d := interp.NewDict()
		for _, p := range v {
			k, err := importValue(p.Key, depth+1)
			if err != nil {
				return nil, err
			}
			x, err := importValue(p.Value, depth+1)
			if err != nil {
				return nil, err
			}
			if err := d.Set(k, x); err != nil {
				return nil, err
			}
		}
		return d, nil
	case *function:
		return v.value, nil
	}
	return nil, raise.Unsupported("an argument of type %T", v)
}
