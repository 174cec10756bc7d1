package pyexpr_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// seeded gives the generator of a test and how many things it is to make; more
// where PYEXPR_SEED asks for others.
func seeded(t *testing.T, count int) (maker, int) {
	t.Helper()
	seed := uint64(4)
	if s := os.Getenv("PYEXPR_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seed, count = n, 10*count
	}
	return maker{rand.New(rand.NewPCG(seed, 1))}, count
}

// TestRegexps compares regular expressions at random with CPython, on texts
// that they have a chance with.
func TestRegexps(t *testing.T) {
	m, count := seeded(t, 2000)
	subjects := []string{"", "a", "ab", "aab", "abab", "oaob", "aoaob.", "INBOX.a", "b\na", "A", "üa ü", "a1 x/", "aaa", "axbx\n", "o.o"}
	var list []expr
	for range count {
		p := m.regexp(1 + m.IntN(4))
		if m.IntN(8) == 0 {
			p = m.of("(?i)", "(?m)", "(?s)", "(?x)", "(?a)") + p
		}
		r := fmt.Sprintf("re.compile(r'%s'%s)", p, m.of("", "", "", ", re.I", ", re.M", ", re.X", ", re.S"))
		e := expr{src: fmt.Sprintf("lambda s, p=%s: %s", r, m.of(
			"[(m.span(), m.groups()) for m in p.finditer(s)]", "p.sub(lambda m: repr(m.groups()), s)", "p.sub('-', s)",
			"p.split(s)", "[m and m.span() for m in (p.match(s), p.fullmatch(s), p.search(s))]", "p.findall(s)",
			"p.search(s) and [p.search(s).groups(), p.search(s).span()]", `p.sub('<\\g<0>>', s)`, "p.subn('x', s, 2)",
			"p.match(s) and p.match(s).groups()", "p.fullmatch(s) and p.fullmatch(s).groups('?')",
			"[m and m.span() for m in (p.match(s, 1), p.search(s, 1, 3), p.fullmatch(s, 0, 2))]"))}
		for range 6 {
			e.calls = append(e.calls, []any{subjects[m.IntN(len(subjects))]})
		}
		list = append(list, e)
	}
	equal, left := compare(t, list, func(int) bool { return true })
	t.Logf("%d answers equal, %d left to Python", equal, left)
	if left > equal/5 {
		t.Errorf("%d of %d answers are left to Python", left, equal+left)
	}
}
