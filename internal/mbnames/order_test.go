package mbnames

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/offlineimap/offlineimapd/internal/pyexpr"
)

func TestOrder(t *testing.T) {
	type list = pyexpr.List
	type tuple = pyexpr.Tuple
	b := func(s string) pyexpr.Bytes { return pyexpr.Bytes(s) }
	for _, c := range []struct {
		a, b any
		want int
		err  string
	}{
		{"a", "b", -1, ""},
		{"a", "a", 0, ""},
		{"a", "ab", -1, ""},
		{"Z", "a", -1, ""},
		{"\ufffd", "😀", -1, ""},
		{"\xff", "\ud7ff", 1, ""},  // U+DCFF
		{"\xff", "\ue000", -1, ""}, // and not the byte
		{false, true, -1, ""},
		{true, int64(1), 0, ""},
		{int64(2), 1.5, 1, ""},
		{int64(1<<53 + 1), float64(1 << 53), 1, ""},
		{float64(1 << 53), int64(1<<53 + 1), -1, ""},
		{int64(math.MaxInt64), math.Inf(1), -1, ""},
		{int64(math.MaxInt64), math.Inf(-1), 1, ""},
		{math.NaN(), int64(1), 0, ""},
		{b("a"), b("b"), -1, ""},
		{tuple{int64(1), "a"}, tuple{int64(1), "b"}, -1, ""},
		{tuple{int64(1)}, tuple{int64(1), "b"}, -1, ""},
		{tuple{}, tuple{}, 0, ""},
		{tuple{nil, int64(1)}, tuple{nil, int64(2)}, -1, ""},
		{tuple{true, "b"}, tuple{1.0, "a"}, 1, ""},
		{list{list{}}, list{list{int64(1)}}, -1, ""},
		{tuple{pyexpr.Dict{{Key: "a", Value: nil}}, int64(1)}, tuple{pyexpr.Dict{{Key: "a", Value: nil}}, int64(2)}, -1, ""},
		{nil, nil, 0, "'<' not supported between instances of 'NoneType' and 'NoneType'"},
		{"a", int64(1), 0, "'str' and 'int'"},
		{"a", b("a"), 0, "'str' and 'bytes'"},
		{tuple{}, list{}, 0, "'tuple' and 'list'"},
		{tuple{int64(1), "a"}, tuple{int64(1), nil}, 0, "'str' and 'NoneType'"},
		{pyexpr.Dict{}, pyexpr.Dict{}, 0, "'dict' and 'dict'"},
		{true, "a", 0, "'bool' and 'str'"},
		{1.5, nil, 0, "'float' and 'NoneType'"},
	} {
		got, err := order(c.a, c.b)
		if c.err != "" {
			wantError(t, err, "TypeError: ", c.err)
			var e *pyexpr.Error
			if !errors.As(err, &e) || e.Kind != "TypeError" {
				t.Errorf("%v < %v: %v is no TypeError", c.a, c.b, err)
			}
		} else if err != nil || got != c.want {
			t.Errorf("%v, %v: %d, %v; want %d", c.a, c.b, got, err, c.want)
		}
	}
}

func TestSortItems(t *testing.T) {
	all := []Item{{"B", "x", ""}, {"A", "b", ""}, {"A", "INBOX", ""}, {"A", "ä", ""}, {"A", "a", ""}}
	folders := func(key func(context.Context, Item) (any, error)) (string, error) {
		items := slices.Clone(all)
		err := sortItems(context.Background(), items, key)
		s := ""
		for _, it := range items {
			s += it.Account + it.Folder + " "
		}
		return s, err
	}
	if got, err := folders(nil); err != nil || got != "AINBOX Aa Ab Aä Bx " {
		t.Errorf("%s, %v", got, err)
	}
	if got, err := folders(func(context.Context, Item) (any, error) { return int64(0), nil }); err != nil || got != "Bx Ab AINBOX Aä Aa " {
		t.Errorf("all alike: %s, %v: not stable", got, err)
	}
	_, err := folders(func(_ context.Context, it Item) (any, error) { return nil, nil })
	wantError(t, err, "NoneType")
	broken := errors.New("division by zero")
	_, err = folders(func(_ context.Context, it Item) (any, error) { return nil, broken })
	if wantError(t, err, "account \"B\"", "\"x\""); !errors.Is(err, broken) {
		t.Errorf("%v does not wrap the function's error", err)
	}
}

// literal writes a value as Python does.
func literal(v any) string {
	all := func(list []any) string {
		s := ""
		for _, e := range list {
			s += literal(e) + ","
		}
		return s
	}
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		return map[bool]string{true: "True", false: "False"}[v]
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return fmt.Sprintf("float('%g')", v)
	case string:
		return repr(v, true)
	case pyexpr.Bytes:
		return "b" + repr(string(v), true)
	case pyexpr.List:
		return "[" + all(v) + "]"
	case pyexpr.Tuple:
		return "(" + all(v) + ")"
	}
	panic(fmt.Sprintf("no literal for %T", v))
}

// TestOrderPython compares with Python's sorted on random keys.
func TestOrderPython(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 5))
	// Elements are of few kinds in each list, else hardly any had an order.
	var value func(kind, depth int) any
	value = func(kind, depth int) any {
		texts := []string{"", "a", "b", "ab", "B", "ä", "日", "😀", "\ufffd", "\xff", "\xc3a"}
		switch kind {
		case 0:
			return texts[rng.IntN(len(texts))]
		case 1:
			return []any{true, false, int64(0), int64(1), int64(-2), 0.5, 1.0, math.Inf(1), int64(1<<53 + 1), float64(1 << 53), int64(math.MaxInt64)}[rng.IntN(11)]
		case 2:
			return pyexpr.Bytes([]string{"", "a", "ab", "B"}[rng.IntN(4)])
		case 3:
			return nil
		}
		var list []any
		for i := range rng.IntN(4) {
			k := []int{1, 0, 3, 4}[i]
			if depth > 1 || rng.IntN(20) == 0 {
				k = rng.IntN(3)
			}
			list = append(list, value(k, depth+1))
		}
		if kind == 4 {
			return pyexpr.Tuple(list)
		}
		return pyexpr.List(list)
	}
	lists := make([][]any, 500)
	sources := make([]string, len(lists))
	for i := range lists {
		kind := rng.IntN(6)
		for range 1 + rng.IntN(30) {
			k := kind
			if rng.IntN(100) == 0 {
				k = rng.IntN(6)
			}
			lists[i] = append(lists[i], value(k, 0))
		}
		sources[i] = literal(pyexpr.List(lists[i]))
	}
	var answers [][]int
	python(t, `
answer = []
for source in given:
    keys = eval(source)
    try:
        answer.append(sorted(range(len(keys)), key=lambda i: keys[i]))
    except TypeError:
        answer.append(None)`, sources, &answers)
	failed := 0
	for i, keys := range lists {
		items := make([]Item, len(keys))
		for j := range items {
			items[j].Folder = strconv.Itoa(j)
		}
		err := sortItems(context.Background(), items, func(_ context.Context, it Item) (any, error) {
			n, err := strconv.Atoi(it.Folder)
			return keys[n], err
		})
		if (err != nil) != (answers[i] == nil) {
			t.Errorf("%s: error %v; Python %v", sources[i], err, answers[i])
			continue
		}
		if err != nil {
			failed++
			continue
		}
		var got []string
		for _, it := range items {
			got = append(got, it.Folder)
		}
		if want := strings.Trim(fmt.Sprint(answers[i]), "[]"); strings.Join(got, " ") != want {
			t.Errorf("%s:\n%v, Python\n%s", sources[i], got, want)
		}
	}
	if failed < 50 || failed > 300 {
		t.Errorf("%d of %d lists have no order: the test is no good", failed, len(lists))
	}
}
