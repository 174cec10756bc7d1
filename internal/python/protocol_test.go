package python

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/offlineimap/offlineimapd/internal/pyexpr"
)

// TestNonsense is about answers that no driver gives: the code of the user can
// write to any file that is open.
func TestNonsense(t *testing.T) {
	for _, s := range []string{
		``, `[`, `[]`, `1`, `"x"`, "\x00", `{"value": 1.5}`, `{"value": 9223372036854775808}`, `{"value": {}}`,
		`{"value": []}`, `{"value": ["l"]}`, `{"value": ["l", [], []]}`, `{"value": ["l", null]}`, `{"value": ["l", {}]}`,
		`{"value": ["x", []]}`, `{"value": ["x", "QQ=="]}`, `{"value": ["b", "?"]}`, `{"value": ["f", "one"]}`,
		`{"value": ["c", 0]}`, `{"value": ["c", -1]}`, `{"value": ["b", 0]}`, `{"value": ["d", [1]]}`, `{"value": ["d", [[1]]]}`,
		`{"value": [["c"], []]}`, `{"value": [[], "QQ=="]}`, `{"value": [{}, 1]}`, `{"kind": 1}`, `{"line": "x"}`,
		`{"value": ` + strings.Repeat(`["l", [`, 20000),
	} {
		head := binary.BigEndian.AppendUint32(nil, uint32(len(s)))
		a, err := readReply(bytes.NewReader(append(head, s...)))
		if err == nil {
			_, err = decode(a.Value, nil)
		}
		if err == nil {
			t.Errorf("%.60s makes sense", s)
		}
	}
	for _, s := range []string{"", "\x00", "\x00\x00\x00\x05null", "\xff\xff\xff\xff", "\x01\x00\x00\x01" + strings.Repeat(" ", 100)} {
		if _, err := readReply(strings.NewReader(s)); err == nil {
			t.Errorf("%q is an answer", s)
		}
	}
	if err := readBegun(strings.NewReader("x")); err == nil {
		t.Error("any octet is the sign that work has begun")
	}
}

func TestLargeArguments(t *testing.T) {
	e, _ := evaluator(t, "")
	f := must(t, e, "len").(pyexpr.Func)
	pid := e.child()
	if got := call(t, f, strings.Repeat("x", 15<<20)); got != int64(15<<20) {
		t.Error(got)
	}
	if _, err := f.Call(t.Context(), strings.Repeat("x", 17<<20)); err == nil || !strings.Contains(err.Error(), "too large") {
		t.Error(err)
	}
	if e.child() != pid {
		t.Error("the child was ended although it had done no wrong")
	}
}

func TestGarbage(t *testing.T) {
	e, _ := evaluator(t, "")
	fails(t, e, `os.write(4, b"\0\0\0\4nope") and __import__("time").sleep(1000)`, "there is no answer")
	if got := must(t, e, "len('abc')"); got != int64(3) {
		t.Error(got)
	}
}

// values are all that there are, but for NaN, which equals nothing.
func values() *rapid.Generator[any] {
	text := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }))
	leaf := rapid.OneOf(
		rapid.Just[any](nil), rapid.Bool().AsAny(), rapid.Int64().AsAny(), rapid.Float64().AsAny(), text.AsAny(),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) any { return pyexpr.Bytes(append([]byte{}, b...)) }),
	)
	var tree func(depth int) *rapid.Generator[any]
	tree = func(depth int) *rapid.Generator[any] {
		if depth == 0 {
			return leaf
		}
		items := rapid.SliceOfN(tree(depth-1), 0, 4)
		return rapid.OneOf(leaf,
			rapid.Map(items, func(v []any) any { return pyexpr.List(append([]any{}, v...)) }),
			rapid.Map(items, func(v []any) any { return pyexpr.Tuple(append([]any{}, v...)) }),
			rapid.Map(rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) pyexpr.Pair {
				return pyexpr.Pair{Key: text.Draw(t, "key"), Value: tree(depth-1).Draw(t, "value")}
			}), 0, 4, func(p pyexpr.Pair) string { return p.Key.(string) }), func(p []pyexpr.Pair) any { return pyexpr.Dict(append([]pyexpr.Pair{}, p...)) }),
		)
	}
	return tree(3)
}

// TestThereAndBack wants every value to come back from Python as it went there.
func TestThereAndBack(t *testing.T) {
	e, _ := evaluator(t, "")
	f := must(t, e, "lambda x: x").(pyexpr.Func)
	rapid.Check(t, func(r *rapid.T) {
		v := values().Draw(r, "value")
		if got, err := f.Call(t.Context(), v); err != nil || !reflect.DeepEqual(got, v) {
			r.Fatalf("%#v came back as %#v, %v", v, got, err)
		}
	})
}
