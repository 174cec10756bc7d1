package pyexpr_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
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

// nested is a regular expression of groups within groups, many of which may be
// empty; groups counts them.
func (m maker) nested(d int, groups *int) string {
	if d <= 0 {
		a := m.of("a", "b", "c", "ab", ".", "[ab]", "[^a]", "", "a|b", "^", "$", `\b`, `\B`, "A", `[a-b]`, `\w`, "é", "É", `\Z`, "bc", `\s`, "i", "(?#x)", `[\W]`, `[^\wa]`, `\x61`, `\.`, "k", "[K-Z]", "[^K]")
		if *groups > 0 && m.IntN(6) == 0 {
			a = fmt.Sprintf(`\%d`, 1+m.IntN(*groups))
		}
		if *groups > 0 && m.IntN(10) == 0 {
			a = fmt.Sprintf(`(?(%d)%s|%s)`, 1+m.IntN(*groups), m.of("a", "b", "", `\1`), m.of("a", "c", "", "ab"))
		}
		return a
	}
	switch m.IntN(12) {
	case 0, 1, 2:
		return m.nested(d-1, groups) + m.nested(d-1, groups)
	case 3:
		return "(?:" + m.nested(d-1, groups) + "|" + m.nested(d-1, groups) + ")" + m.quantifier()
	case 4, 5, 6:
		s := "(" + m.nested(d-1, groups)
		if m.IntN(3) == 0 {
			s += "|" + m.nested(d-1, groups)
		}
		*groups++
		return s + ")" + m.quantifier()
	case 7:
		return "(?:" + m.nested(d-1, groups) + ")" + m.quantifier()
	case 8:
		return m.of("(?=", "(?!", "(?<=", "(?<!", "(?>", "(?i:", "(?s-i:", "(?a:", "(?m:") + m.nested(d-1, groups) + ")" + m.quantifier()
	case 9:
		return m.nested(0, groups) + m.quantifier() + m.nested(d-1, groups)
	case 10:
		return m.nested(d-1, groups) + "|" + m.nested(d-1, groups)
	}
	return m.nested(d-1, groups)
}

func (m maker) quantifier() string {
	return m.of("", "", "", "", "*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{0,2}?", "{2,}", "{,1}", "*+", "++", "?+", "{1,2}+", "{0}", "{0,0}?", "{3}?")
}

// TestNestedRegexps compares what groups hold after they were repeated, tried and
// given up, looked ahead and back from.
func TestNestedRegexps(t *testing.T) {
	m, count := seeded(t, 300)
	alpha := []string{"a", "b", "c", "A", "é", "É", "i", "İ", "ı", "k", "K", " ", "\n", ".", "ſ", "s", "ab", "aa", "bb", "abc"}
	var list []expr
	for range count {
		g := 0
		p := m.nested(2+m.IntN(2), &g)
		if strings.Contains(p, "'") || len(p) > 120 {
			continue
		}
		if m.IntN(6) == 0 {
			p = m.of("(?i)", "(?m)", "(?s)", "(?x)", "(?a)", "(?ai)", "(?im)") + p
		}
		r := fmt.Sprintf("re.compile(r'%s'%s)", p, m.of("", "", "", ", re.I", ", re.M", ", re.X", ", re.S", ", re.I|re.A"))
		e := expr{src: fmt.Sprintf("lambda s, p=%s: %s", r, m.of(
			"[(m.span(), m.groups(), [m.span(i) for i in range(p.groups + 1)]) for m in p.finditer(s)]", "[p.sub(lambda m: repr(m.groups()), s), p.subn('-', s, 2), p.split(s), p.findall(s)]",
			"[m and (m.span(), m.groups()) for m in (p.match(s), p.fullmatch(s), p.search(s), p.match(s, 1), p.search(s, 1, 3), p.fullmatch(s, 0, 2))]",
		))}
		for range 8 {
			var b strings.Builder
			for range m.IntN(7) {
				b.WriteString(alpha[m.IntN(len(alpha))])
			}
			e.calls = append(e.calls, []any{b.String()})
		}
		list = append(list, e)
	}
	equal, left := compare(t, list, func(int) bool { return true })
	t.Logf("%d answers equal, %d left to Python", equal, left)
}
