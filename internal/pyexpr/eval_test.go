package pyexpr_test

import (
	"errors"
	"reflect"
	"testing"

	"github.com/offlineimap/offlineimapd/internal/pyexpr"
)

// TestValues tells which value of Go an expression is.
func TestValues(t *testing.T) {
	for src, want := range map[string]any{
		"None": nil, "True": true, "-3": int64(-3), "1.5": 1.5, "'ä'": "ä", "b'\\xff'": pyexpr.Bytes{0xff},
		"[1, 'a']": pyexpr.List{int64(1), "a"}, "()": pyexpr.Tuple{}, "(1, [2])": pyexpr.Tuple{int64(1), pyexpr.List{int64(2)}},
		"{'b': 1, 'a': 2}": pyexpr.Dict{{Key: "b", Value: int64(1)}, {Key: "a", Value: int64(2)}}, "{7}": pyexpr.List{int64(7)},
		"range(2)": pyexpr.List{int64(0), int64(1)}, "(x for x in 'ab')": pyexpr.List{"a", "b"}, "{'a': 1}.items()": pyexpr.List{pyexpr.Tuple{"a", int64(1)}},
		// What Python 3 has no more.
		"{'a': 1}.has_key('a')": true, "list({'a': 1}.iteritems())": pyexpr.List{pyexpr.Tuple{"a", int64(1)}}, "cmp('b', 'a')": int64(1),
	} {
		if got, err := pyexpr.Eval(t.Context(), src); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s is %#v, %v; want %#v", src, got, err, want)
		}
	}
	for _, src := range []string{"lambda: 1", "str.lower", "len", "'/'.join", "str", "{'a': 'b'}.get"} {
		if v, err := pyexpr.Eval(t.Context(), src); err != nil {
			t.Errorf("%s: %v", src, err)
		} else if _, ok := v.(pyexpr.Func); !ok {
			t.Errorf("%s is %T", src, v)
		}
	}
	for _, src := range []string{"re", "os", "re.compile('x')", "re.I", "environ", "2**70", "[re]"} {
		if v, err := pyexpr.Eval(t.Context(), src); !errors.Is(err, pyexpr.ErrUnsupported) {
			t.Errorf("%s is %v, %v", src, v, err)
		}
	}
}

// TestArguments hands over every kind of value, and gets it back.
func TestArguments(t *testing.T) {
	v, err := pyexpr.Eval(t.Context(), "lambda *a: list(a)")
	if err != nil {
		t.Fatal(err)
	}
	f := v.(pyexpr.Func)
	in := []any{nil, true, int64(-1), 1.5, "ä", pyexpr.Bytes("\xff"), pyexpr.List{"a"}, pyexpr.Tuple{int64(1)}, pyexpr.Dict{{Key: "k", Value: "v"}}}
	if got, err := f.Call(t.Context(), in...); err != nil || !reflect.DeepEqual(got, pyexpr.List(in)) {
		t.Errorf("got %#v, %v", got, err)
	}
	for _, a := range []any{"\xff", struct{}{}, pyexpr.List{"\xff"}} {
		if _, err := f.Call(t.Context(), a); !errors.Is(err, pyexpr.ErrUnsupported) {
			t.Errorf("%#v: %v", a, err)
		}
	}
	other, err := pyexpr.Eval(t.Context(), "lambda g, x: g(x, x)")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := other.(pyexpr.Func).Call(t.Context(), f, "a"); err != nil || !reflect.DeepEqual(got, pyexpr.List{"a", "a"}) {
		t.Errorf("a function as an argument gives %#v, %v", got, err)
	}
}

// TestCheck tells the kinds of sources apart without evaluating them.
func TestCheck(t *testing.T) {
	for _, src := range []string{"lambda f: f", "1 / 0", "environ['NO_SUCH']", "len"} {
		if err := pyexpr.Check(src); err != nil {
			t.Errorf("%s: %v", src, err)
		}
	}
	for _, src := range []string{"", "lambda", "f <> 'a'", "'a", "print 1", "a\nb", "(1", "x = 1"} {
		var e *pyexpr.Error
		if err := pyexpr.Check(src); !errors.As(err, &e) || e.Kind != "SyntaxError" {
			t.Errorf("%q: %v", src, err)
		}
	}
	for _, src := range []string{"helper", "lambda f: helper(f)", "keyring.get_password('a', 'b')", "(a := 1)", "1j", "\xff"} {
		if err := pyexpr.Check(src); !errors.Is(err, pyexpr.ErrUnsupported) {
			t.Errorf("%q: %v", src, err)
		}
	}
}

// FuzzEval evaluates whatever comes: it ends with a value, an exception, or is
// left to Python.
func FuzzEval(f *testing.F) {
	list, _ := patterns(f)
	for _, e := range list {
		f.Add(e.src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		v, err := pyexpr.Eval(t.Context(), src)
		if fn, ok := v.(pyexpr.Func); ok {
			_, err = fn.Call(t.Context(), "INBOX.Entwürfe")
		}
		var e *pyexpr.Error
		if err != nil && !errors.Is(err, pyexpr.ErrUnsupported) && !errors.As(err, &e) {
			t.Errorf("%q: %v", src, err)
		}
		if errors.As(err, &e) && e.Kind == "" {
			t.Errorf("%q: an exception without a kind", src)
		}
	})
}

// TestExceptions tells the class of what fails, by which a person sees what is
// wrong with a filter.
func TestExceptions(t *testing.T) {
	for src, want := range map[string]string{
		"re.match('a', f).group(1)": "AttributeError", "{}[f]": "KeyError", "os.environ['NO_SUCH']": "KeyError", "f + 1": "TypeError", "f < 1": "TypeError",
		"f.split('.')[9]": "IndexError", "f.index('?')": "ValueError", "int(f)": "ValueError", "1 / len('')": "ZeroDivisionError", "re.sub('(', '', f)": "re.error",
		"re.sub('a', r'\\2', f)": "re.error", "'ä'.encode('ascii')": "UnicodeEncodeError", "b'\\xff'.decode()": "UnicodeDecodeError", "next(iter([]))": "StopIteration",
		"'%d' % f": "TypeError", "'{}{}'.format(f)": "IndexError", "'{a}'.format(f)": "KeyError", "[f] in {}": "TypeError", "f(1)": "TypeError", "f.lower(1)": "TypeError",
		"re.search('(?<=a+)b', f)": "re.error", "[0]*10**9": "TimeoutError",
	} {
		v, err := pyexpr.Eval(t.Context(), "lambda f: "+src)
		if err != nil {
			t.Fatal(src, err)
		}
		v, err = v.(pyexpr.Func).Call(t.Context(), "INBOX")
		var e *pyexpr.Error
		if !errors.As(err, &e) || e.Kind != want {
			t.Errorf("%s is %v, %v; want a %s", src, v, err, want)
		}
	}
}
