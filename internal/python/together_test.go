package python

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/internal/pyexpr"
)

// TestTogether is about who answers what: the process as long as it can, and the
// child what is left, with the same value.
func TestTogether(t *testing.T) {
	t.Setenv("MAIL_USER", "me")
	e, _ := evaluator(t, "", func(o *Options) { o.InProcess = pyexpr.Eval })
	answers := map[string]any{
		"lambda f: re.search('^Lists\\.', f)": true,
		"lambda f: f in ['Lists.go']":         true,
		"lambda f: re.sub('^Lists', 'L', f)":  "L.go",
		"lambda f: {'Lists.go': 'go'}.get(f)": "go",
		"lambda f: environ['MAIL_USER']":      "me",
		"lambda f: os.environ['MAIL_USER']":   "me",
	}
	for src, want := range answers {
		if got := call(t, must(t, e, src), "Lists.go"); !reflect.DeepEqual(got, want) {
			t.Errorf("%s gives %#v", src, got)
		}
	}
	if e.child() != 0 {
		t.Error("a child was started for what the process knows")
	}
	// The child gives the same, where a part that is never evaluated makes it answer.
	for src, want := range answers {
		if got := call(t, must(t, e, src+" if f else no_such_name"), "Lists.go"); !reflect.DeepEqual(got, want) || e.child() == 0 {
			t.Errorf("%s gives %#v in Python, and the child is %d", src, got, e.child())
		}
	}

	// What has no end is ended, also where that is left to Python, and does not stand
	// in the way of what comes next.
	e, _ = evaluator(t, "", limit(6*time.Second), func(o *Options) { o.InProcess = pyexpr.Eval })
	f := must(t, e, "lambda f: re.match('(a+)+b', f)").(pyexpr.Func)
	begin := time.Now()
	if v, err := f.Call(t.Context(), strings.Repeat("a", 60)); err == nil || !strings.Contains(err.Error(), "took longer than 6s") {
		t.Errorf("%v, %v", v, err)
	}
	if took := time.Since(begin); took > 30*time.Second {
		t.Errorf("it took %v", took)
	}
	eventually(t, "an answer of the next child", func() bool { // which may take its time to start
		v, err := f.Call(t.Context(), "aab")
		return err == nil && v == true
	})
	if _, err := e.Eval(t.Context(), "'x' * 10**10"); !isException(err, "TimeoutError") {
		t.Error(err)
	}
}

// TestFileShadows gives names of Python's another meaning.
func TestFileShadows(t *testing.T) {
	e, _ := evaluator(t, "len = lambda s: 'mine'\nclass re:\n  sub = staticmethod(lambda *a: 'also mine')\n", func(o *Options) { o.InProcess = nil })
	if got := call(t, must(t, e, "lambda f: len(f) + re.sub('a', 'b', f)"), "a"); got != "minealso mine" {
		t.Errorf("%v", got)
	}
}

// TestFileWithoutPython says why Python is needed for what the process knows.
func TestFileWithoutPython(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	e, _ := evaluator(t, "x = 1\n", func(o *Options) { o.InProcess = nil })
	fails(t, e, "lambda f: f", "python3 is not installed", e.o.File+" may give any name a meaning")
}
