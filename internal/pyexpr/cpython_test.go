package pyexpr_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/offlineimap/offlineimapd/internal/pyexpr"
)

// expr is an expression, and the arguments it is called with; nil where it is
// only evaluated.
type expr struct {
	src   string
	calls [][]any
}

// unsupported stands where Python itself would be asked.
const unsupported = "unsupported"

// python asks CPython about all of them at once: an answer for each call.
func python(t *testing.T, list []expr) [][]string {
	t.Helper()
	in := make([][2]any, len(list))
	for i, e := range list {
		in[i] = [2]any{e.src, nil}
		if e.calls != nil {
			in[i][1] = e.calls
		}
	}
	data, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "python3", "testdata/cpython.py")
	cmd.Stdin = bytes.NewReader(data)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("python3, of Debian's package python3: %v\n%s", err, stderr.String())
	}
	var answers [][]string
	if err := json.Unmarshal(out, &answers); err != nil {
		t.Fatal(err)
	}
	return answers
}

// ours answers in the same form.
func ours(ctx context.Context, e expr) []string {
	v, err := pyexpr.Eval(ctx, e.src)
	if e.calls == nil {
		return []string{answer(v, err)}
	}
	out := make([]string, len(e.calls))
	for i, args := range e.calls {
		f, ok := v.(pyexpr.Func)
		switch {
		case err != nil:
			out[i] = answer(nil, err)
		case !ok:
			out[i] = "!TypeError"
		default:
			in := make([]any, len(args))
			for j, a := range args {
				in[j] = argument(a)
			}
			out[i] = answer(f.Call(ctx, in...))
		}
	}
	return out
}

// argument makes a tuple of a slice, as the script does.
func argument(a any) any {
	switch a := a.(type) {
	case []any:
		out := make(pyexpr.Tuple, len(a))
		for i, x := range a {
			out[i] = argument(x)
		}
		return out
	case map[string]any:
		var out pyexpr.Dict
		for k, v := range a {
			out = append(out, pyexpr.Pair{Key: k, Value: argument(v)})
		}
		return out
	case float64: // numbers of a JSON file are ints here
		return int64(a)
	}
	return a
}

func answer(v any, err error) string {
	var e *pyexpr.Error
	switch {
	case errors.Is(err, pyexpr.ErrUnsupported):
		return unsupported
	case errors.As(err, &e):
		return "!" + e.Kind
	case err != nil:
		return "!" + err.Error()
	}
	return encode(v)
}

func encode(v any) string {
	all := func(items []any) string {
		out := make([]string, len(items))
		for i, x := range items {
			out[i] = encode(x)
		}
		return strings.Join(out, ",")
	}
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		if v {
			return "True"
		}
		return "False"
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return fmt.Sprintf("f%016x", math.Float64bits(v))
	case string:
		return quote(v)
	case pyexpr.Bytes:
		wide := make([]rune, len(v))
		for i, c := range v {
			wide[i] = rune(c)
		}
		return "b" + quote(string(wide))
	case pyexpr.Tuple:
		return "(" + all(v) + ")"
	case pyexpr.List:
		return "[" + all(v) + "]"
	case pyexpr.Dict:
		out := make([]string, len(v))
		for i, p := range v {
			out[i] = encode(p.Key) + ":" + encode(p.Value)
		}
		return "dict[" + strings.Join(out, ",") + "]"
	case pyexpr.Func:
		return "function"
	}
	return fmt.Sprintf("%T", v)
}

// quote is how Python's json.dumps writes a string.
func quote(s string) string {
	var b strings.Builder
	for _, c := range utf16.Encode([]rune(s)) {
		switch {
		case c == '"' || c == '\\':
			b.WriteString("\\" + string(rune(c)))
		case c < 0x80 && strings.ContainsRune("\b\f\n\r\t", rune(c)):
			b.WriteByte('\\')
			b.WriteByte("bfnrt"[strings.IndexRune("\b\f\n\r\t", rune(c))])
		case c < ' ' || c > '~' && c != 0x7f:
			fmt.Fprintf(&b, "\\u%04x", c)
		default:
			b.WriteRune(rune(c))
		}
	}
	return `"` + b.String() + `"`
}

// same says whether two answers are one, however each side writes it.
func same(want, got string) bool {
	if want == got || want == "!Slow" {
		return true
	}
	if strings.HasPrefix(want, "{") && strings.HasPrefix(got, "[") { // a set
		a, b := strings.Split(want[1:len(want)-1], ","), strings.Split(got[1:len(got)-1], ",")
		slices.Sort(a)
		slices.Sort(b)
		return slices.Equal(a, b)
	}
	return false
}

// compare reports where the two differ; refused tells for which answers it is no
// fault to leave it to Python.
func compare(t *testing.T, list []expr, refused func(i int) bool) (equal, left int) {
	t.Helper()
	wrong := 0
	for i, want := range python(t, list) {
		got := ours(t.Context(), list[i])
		for j := range want {
			switch {
			case got[j] == unsupported && refused(i):
				left++
			case same(want[j], got[j]):
				equal++
			default:
				if wrong++; wrong > 40 {
					t.Fatal("and more")
				}
				var args []any
				if list[i].calls != nil {
					args = list[i].calls[j]
				}
				t.Errorf("%s\n  of %q\n  Python: %s\n  ours:   %s", list[i].src, args, want[j], got[j])
			}
		}
	}
	return equal, left
}
