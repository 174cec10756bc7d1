package pyexpr_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/offlineimap/offlineimapd/internal/pyexpr"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestLimits evaluates what has no end, or would fill the memory.
func TestLimits(t *testing.T) {
	deep := strings.Repeat("(", 70) + "1" + strings.Repeat(")", 70)
	for _, src := range []string{
		"[0]*10**9", "'x'*10**9", "('x'*10**6).replace('x', 'y'*10**6)", "b'x'*10**9", "(0,)*10**12", "'ab'*2**60",
		"[x for a in range(10**6) for x in range(10**6)]", "sum(1 for a in range(10**9))", "list(range(10**9))", "{x for x in range(10**9)}",
		"{x: x for x in range(10**9)}", "max(range(10**9))", "10**18 in (x for x in range(10**12))", "sorted(range(10**8))",
		"[[0]*10**6 for x in range(10**4)]", "['x'*10**6 for x in range(10**4)]", "'%60000d' % 1 * 10**4", "'{:60000}'.format(1) * 10**4", "'%99999999999d' % 1",
		"'{:>9999999999}'.format(1)", "f'{1:99999999}'", "'x'.ljust(10**12)", "'x'.zfill(10**12)", "'x'.center(10**12)", "'x'.join(['y'*10**5]*10**5)",
		"re.match('(a+)+b', 'a'*40)", "re.fullmatch('(.*)*(.*)*(.*)*(.*)*x', 'y'*300)",
		"re.match('(?:(?:a?){50}){50}b', 'a'*60)", "re.findall('', 'a'*10**7)", "re.sub('', 'x'*10**5, 'a'*10**5)", "re.split('', 'a'*10**8)",
		"re.match('(?=(a+)+b)a', 'a'*40)", "re.search('(?<!x)(a*)*c', 'a'*40)",
		"(lambda g: g(g))(lambda g: g(g))", "(lambda g: g(g, 9))(lambda g, n: g(g, n) + g(g, n))", "[(lambda g: g(g, 30))(lambda g, n: n and g(g, n-1) + g(g, n-1)) for x in range(9)]",
		"10**10**10", "1 << 10**9", "(10**6)**(10**6)", "all(x for x in iter([1]*10**6) for y in range(10**6))", "list(map(str, range(10**9)))", "list(zip(range(10**9), range(10**9)))",
		"''.join(str(x) for x in range(10**9))", "[1]*10**6 == [1]*10**6 and [1]*10**6 == [1]*10**6 or 1", "repr([['x'*1000]*1000]*1000)", "str([[[0]*1000]*1000]*1000)", "[0]*1000*1000*1000",
		"([[0]*1000]*1000 < [[0]*1000]*1000) + sum([[[0]]*10**6]*5, [])", "sum([[0]*1000]*10**6, [])", "('a'*10**6).split('a')*100", "'a'*10**6 in 'b'*10**7 and 0",
		"{((((0,)*300,)*300,)*300,)*300}", "{}.get(((((0,)*300,)*300,)*300,)*300)", "[[[0]*300]*300]*300", "(((0,)*300,)*300,)*300", "sorted([[[[[0]*300]*300]*300]*300])",
		"(lambda a, b: [a in b for i in range(10**6)])('a'*100, 'a'*99 + 'b'*(2*10**7))", "(lambda a, b: [a == b for i in range(10**6)])('b'*(2*10**7), 'b'*(2*10**7))", "re.match('(?:a|b|ab)*x$', 'ab'*300)",
		"os.path.expandvars('$HOME'*10**7)", "os.path.join(*['a'*1000]*10**6)", "dict(zip(range(10**8), range(10**8)))", "[*range(10**9)]", "max(*range(10**9))", "{**{x: 0 for x in range(10**8)}}",
		deep, strings.Repeat("(", 150) + strings.Repeat(")", 150), strings.Repeat("[", 5000), strings.Repeat("-", 5000) + "1", strings.Repeat("not ", 5000) + "1",
		strings.Repeat("lambda: ", 5000) + "1", "1" + strings.Repeat("+1", 30000), "f" + strings.Repeat("()", 5000), "''" + strings.Repeat(".lower()", 5000), "1" + strings.Repeat(" if 1 else 1", 5000),
		strings.Repeat("2**", 5000) + "1", "[" + strings.Repeat("1,", 30000) + "]", strings.Repeat("'a' ", 10000), strings.Repeat("x", 1<<20), strings.Repeat("[x for x in ", 60) + "[]" + strings.Repeat("]", 60),
		"re.compile('" + strings.Repeat("(", 5000) + "')", "re.compile('('*90 + ')'*90)", "re.compile('a|'*10000)", "re.match('(a|b)*', 'ab'*10**5)", "re.match('(a|b)*?c', 'ab'*10**5)", "re.compile('(?:a{60000}){60000}')", "re.match('(?:a{60000}){60000}', 'a'*10**5)",
		"f'" + strings.Repeat("{f\"", 20) + "'", "'{}'.format('x'*10**7) * 9", "('%s' * 10**5) % (('x' * 10**4,) * 10**5)",
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		v, err := pyexpr.Eval(t.Context(), src)
		if f, ok := v.(pyexpr.Func); ok {
			_, err = f.Call(t.Context())
		}
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		short := src[:min(len(src), 60)]
		if took > 30*time.Second { // it is one or two; machines are busy, and the race detector is slow
			t.Errorf("%s took %v", short, took)
		}
		if got := (after.TotalAlloc - before.TotalAlloc) >> 20; got > 1500 {
			t.Errorf("%s took %d MiB", short, got)
		}
		var e *pyexpr.Error
		if err != nil && !errors.Is(err, pyexpr.ErrUnsupported) && !errors.As(err, &e) {
			t.Errorf("%s: %v", short, err)
		}
	}
}

// TestTimeout tells what the end of an endless expression is.
func TestTimeout(t *testing.T) {
	for _, src := range []string{"[0]*10**9", "sum(1 for a in range(10**9))", "'x'.ljust(10**9)"} {
		_, err := pyexpr.Eval(t.Context(), src)
		var e *pyexpr.Error
		if !errors.As(err, &e) || e.Kind != "TimeoutError" {
			t.Errorf("%s: %v", src, err)
		}
	}
}

// TestLimitIsSteps says how much of a regular expression is tried, so that how it
// ends is not a matter of how busy the machine is.
func TestLimitIsSteps(t *testing.T) {
	start := time.Now()
	_, err := pyexpr.Eval(t.Context(), "[re.match('(a|aa)+$', 'a'*25 + 'b') for x in range(10**5)]")
	if time.Since(start) > 8*time.Second {
		return // it took so long that the time was asked first; under the race detector
	}
	if !errors.Is(err, pyexpr.ErrUnsupported) || !strings.Contains(err.Error(), "steps of a regular expression") {
		t.Error(err)
	}
}

// TestCancel ends an evaluation, and a call, with its context.
func TestCancel(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := pyexpr.Eval(ctx, "re.match('(a+)+b', 'a'*40)"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the evaluation ended with %v", err)
	}
	v, err := pyexpr.Eval(t.Context(), "lambda f: f")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.(pyexpr.Func).Call(ctx, "a"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the call ended with %v", err)
	}
}

// TestConcurrent calls functions that share what they captured from several
// goroutines at once; under the race detector.
func TestConcurrent(t *testing.T) {
	for _, src := range []string{
		"lambda f: re.sub('^INBOX\\.', '', f) + '.'.join(sorted(f)) + {'a': f}.get('a')",
		"lambda f, p=re.compile('(?i)(i)n'), d={'INBOX.1': 'x'}: p.sub(r'<\\1>', f) + d.get(f, '') + str(sorted({f, 'a'}))",
		"(lambda names: lambda f: [f + n for n in names])(['a', 'b'])",
		"(lambda *fs: lambda f: [g(f) for g in fs])(str.lower, '/'.join, [lambda f: f + str(i) for i in range(3)][0])",
	} {
		v, err := pyexpr.Eval(t.Context(), src)
		if err != nil {
			t.Fatal(err)
		}
		f := v.(pyexpr.Func)
		want := map[string]string{}
		for i := range 20 {
			name := fmt.Sprintf("INBOX.%d", i)
			want[name] = answer(f.Call(t.Context(), name))
			if strings.HasPrefix(want[name], "!") || want[name] == unsupported {
				t.Fatalf("%s: %s", src, want[name])
			}
		}
		var wg sync.WaitGroup
		for w := range 8 {
			wg.Go(func() {
				r := rand.New(rand.NewPCG(uint64(w), 1))
				for range 200 {
					name := fmt.Sprintf("INBOX.%d", r.IntN(20))
					if got := answer(f.Call(t.Context(), name)); got != want[name] {
						t.Errorf("%s of %s is %s instead of %s", src, name, got, want[name])
					}
				}
			})
		}
		wg.Wait()
	}
}

// TestIteratorOutlives leaves to Python a function that uses up what was made
// before it was called.
func TestIteratorOutlives(t *testing.T) {
	for _, src := range []string{
		"lambda f, names=map(str.lower, ['A', 'B']): f in names", "lambda f, n=iter(['x', 'y']): next(n)", "(lambda n: lambda f: next(n, f))(x for x in 'ab')",
		"lambda f, n=re.finditer('a', 'aa'): [m.start() for m in n]", "lambda f, n=zip('ab', 'cd'): dict(n)", "lambda f, n=iter('ab'): ''.join(n)",
	} {
		v, err := pyexpr.Eval(t.Context(), src)
		if err != nil {
			t.Fatal(err)
		}
		if v, err := v.(pyexpr.Func).Call(t.Context(), "a"); !errors.Is(err, pyexpr.ErrUnsupported) {
			t.Errorf("%s: %v, %v", src, v, err)
		}
	}
}
