package pyexpr_test

import (
	"encoding/json"
	"errors"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/offlineimap/offlineimapd/internal/pyexpr"
)

// accepts is a script that says of each source whether CPython can compile it.
const accepts = `
import json, sys, warnings
warnings.simplefilter("ignore")
def ok(src):
    try:
        compile(src.lstrip(" \t"), "", "eval")
        return True
    except SyntaxError:
        return False
json.dump([ok(s) for s in json.load(sys.stdin)], sys.stdout)
`

var words = regexp.MustCompile(`[A-Za-z_]+|\d+|'[^']*'|"[^"]*"|\s+|.`)

// TestSyntax spoils sources at random, and compares what is still an expression
// with what CPython takes for one.
func TestSyntax(t *testing.T) {
	m, count := seeded(t, 6000)
	list, _ := patterns(t)
	extra := []string{
		"lambda", "lambda *a, b=1, **c: (a, b, c)", "lambda a, /, b, *, c=2: a", "f(*a, b=c, **d)", "{**a, 'b': 1}", "{*a, b}", "[*a]", "a[1:2:3, ...]",
		"x if y else z", "[x for x, *y in z if x for w in y]", "{k: v for k, v in x}", "(yield)", "await x", "a := 1", "(a := 1)", "f(a for a in b)", "f(a for a in b, c)",
		"f'{x!r:>{w}}' f\"{a + b:x}{{}}\"", "'a' b'b'", "not a is not b", "a < b == c in d not in e", "-+~a ** -b", "a @ b // c % d << e >> f & g | h ^ i", "...", "1if x else 2", "0x", "1_", "1__0", "1e5", "1.e", "00", "01",
		"a.b.c[d](e)", "async", "None = 1", "f(None=1)", "print 1", "a <> b", "`a`", "a; b", "(a", "a)", "*a", "*a, b", "(*a, b)", "(*a)", "lambda x: yield", "u'a' r'b'", "ur'a'", "'\\x4'", "'\\u12'", "b'ü'", "a\\\nb", "a \\\n + b", "a\n", "(a\n)", "a\n b", "f'{}'", "f'{a'", "f'}'", "f'{a!x}'", "f'{a b}'", "f'{lambda x: 1}'", "f'{(lambda x: 1)}'", "{a: b, c}", "{a, b: c}", "a[]", "a[b,]", "f(**a, *b)", "f(a=1, b)", "f(a=1, a=2)", "lambda a, a: 1", "lambda a=1, b: 1", "lambda *: 1", "lambda **k, a: 1",
		"[a for b in c if d else e]", "[for a in b]", "[a, b for c in d]", "[*a for a in b]", "{**a for a in b}", "x for x in y", "if a: b", "a if b", "True.x", "1 .x", "1.x", "1..x", "'a'.x", "f(x)(y)[z].w", "a,", ",", "()", "(,)", "[,]", "{,}", "(a,)", "a = b", "a == b = c", "not", "not not a", "a not b", "a is", "in a", "\"\"\"a\nb\"\"\"", "'a\nb'", "'a\\\nb'", "#", "a #b", "$a", "a?b", "a!b", "",
	}
	var sources []string
	add := func(s string) {
		if !strings.ContainsAny(s, "\r\f\x00") && len(s) < 400 {
			sources = append(sources, s)
		}
	}
	for _, e := range list {
		add(e.src)
		extra = append(extra, e.src)
	}
	for _, s := range extra {
		add(s)
	}
	for range count {
		w := words.FindAllString(extra[m.IntN(len(extra))], -1)
		for range 1 + m.IntN(2) {
			if len(w) == 0 {
				break
			}
			i, j := m.IntN(len(w)), m.IntN(len(w))
			switch m.IntN(4) {
			case 0:
				w = append(w[:i:i], w[i+1:]...)
			case 1:
				w[i], w[j] = w[j], w[i]
			case 2:
				w = append(w[:i:i], append([]string{w[j]}, w[i:]...)...)
			case 3:
				other := words.FindAllString(extra[m.IntN(len(extra))], -1)
				if len(other) > 0 {
					w = append(w[:i:i], append([]string{other[m.IntN(len(other))]}, w[i:]...)...)
				}
			}
		}
		add(strings.Join(w, ""))
	}
	in, err := json.Marshal(sources)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "python3", "-c", accepts)
	cmd.Stdin = strings.NewReader(string(in))
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("python3, of Debian's package python3: %v", err)
	}
	var oks []bool
	if err := json.Unmarshal(out, &oks); err != nil {
		t.Fatal(err)
	}
	taken, refused, left := 0, 0, 0
	for i, src := range sources {
		err := pyexpr.Check(src)
		var e *pyexpr.Error
		switch {
		case errors.Is(err, pyexpr.ErrUnsupported):
			left++
		case err == nil && !oks[i]:
			t.Errorf("%q is a SyntaxError to Python", src)
		case err == nil:
			taken++
		case !errors.As(err, &e) || e.Kind != "SyntaxError":
			t.Errorf("%q: %v", src, err)
		case oks[i]:
			t.Errorf("%q is an expression to Python, but here %v", src, err)
		default:
			refused++
		}
	}
	t.Logf("%d taken, %d refused, %d left to Python", taken, refused, left)
}
