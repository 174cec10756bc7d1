package pyexpr_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestCalls calls every method and function with arguments at random, most of
// which do not fit: what is an exception to CPython is the same one here.
func TestCalls(t *testing.T) {
	m, count := seeded(t, 4000)
	methods := strings.Fields("lower upper title strip lstrip rstrip replace split rsplit splitlines join startswith endswith find rfind index rindex count zfill ljust rjust center casefold capitalize swapcase partition rpartition isdigit isalpha isupper islower isalnum isspace encode decode removeprefix removesuffix format keys values items get copy union intersection difference issubset issuperset isdisjoint symmetric_difference group groups start end span groupdict expand search match fullmatch sub subn findall finditer")
	functions := strings.Fields("len str int float bool list dict set tuple sorted reversed range any all min max map filter zip enumerate isinstance abs sum ord chr repr cmp round divmod hex oct bin callable next format ascii type re.sub re.search re.match re.fullmatch re.findall re.split re.compile re.escape re.subn os.path.join os.path.basename os.path.dirname os.path.split os.path.expandvars os.getenv os.environ.get str.lower str.replace str.join dict.get list.count")
	value := func() string {
		return m.of("'a.b'", "''", "'.'", "f", "f", "0", "1", "-1", "3", "True", "None", "1.5", "-0.0", "[]", "['a', 'b']", "[1, 2]", "('a', 'I')", "()", "(1, 'x')", "{}", "{'a': 1}", "{'I': 'x'}", "{'a'}", "{'a', 'I'}", "set()", "b'a'", "range(3)", "len", "str", "str.lower", "lambda x: x", "lambda *a: 'z'", "re.I", "re.search('(I)(?P<n>N)?', f)", "re.compile('([a-z])')", "'%s'", "'{}'", "r'\\1'", "'[a-z]'", "(x for x in f)", "10", "[[1], [2]]", "[('a', 1), ('b', 2)]", "{'a': 1}.items()", "'12'", "' 7 '", "'1_0'", "'x1'", "'utf-8'", "'ascii'", "'n'", "'é'", "(str, int)", "1e3", "2.5", "1000", "'>5'", "'d'", "'x'", "'.2f'", "',d'", "'-'")
	}
	arguments := func() string {
		var out []string
		for range m.IntN(4) {
			v := value()
			if strings.HasPrefix(v, "lambda") || m.IntN(12) == 0 && !strings.Contains(v, " for ") {
				v = "(" + v + ")"
			}
			out = append(out, v)
		}
		if m.IntN(8) == 0 {
			out = append(out, m.of("key", "reverse", "default", "count", "flags", "maxsplit", "sep", "start", "x")+"="+m.of("1", "0", "None", "len", "str.lower", "'.'", "re.I"))
		}
		return strings.Join(out, ", ")
	}
	var list []expr
	for range count {
		src := ""
		switch m.IntN(5) {
		case 0, 1:
			v := value()
			src = fmt.Sprintf("(%s).%s(%s)", v, m.of(methods...), arguments())
		case 2:
			src = fmt.Sprintf("%s(%s)", m.of(functions...), arguments())
		case 3:
			src = fmt.Sprintf("(%s) %s (%s)", value(), m.of("+", "-", "*", "/", "//", "%", "&", "|", "^", "<<", ">>", "<", "<=", ">", ">=", "==", "!=", "in", "not in", "is", "is not", "and", "or"), value())
		case 4:
			src = fmt.Sprintf("(%s)[%s]", value(), m.of("0", "-1", "1:", "'a'", "::2", "None", "1.5", "True", "f", "::-1", ":0", "'n'", "()", "[]"))
		}
		if m.IntN(3) == 0 {
			src = m.of("list", "str", "bool", "repr", "sorted", "len", "tuple") + "(" + src + ")"
		}
		list = append(list, expr{src: "lambda f: " + src, calls: [][]any{{"INBOX"}, {"a.é"}}})
	}
	equal, left := compare(t, list, func(int) bool { return true })
	t.Logf("%d answers equal, %d left to Python", equal, left)
	if left > equal {
		t.Errorf("%d of %d answers are left to Python", left, equal+left)
	}
}

// TestFormats compares formats of numbers and strings at random with CPython.
func TestFormats(t *testing.T) {
	m, count := seeded(t, 3000)
	value := func() string {
		return m.of("0", "7", "-7", "255", "1234567", "-1234567890", "True", "0.0", "-0.0", "1.5", "-2.675", "1e16", "1e-5", "123456.789", "1e100", "0.1", "2.5", "99999.5", "0.00001234", "f", "'abc'", "''", "'é'", "None", "[1]", "(1,)", "b'x'", "1/3", "2**53", "100.0", "5e-324")
	}
	spec := func() string {
		return m.of("", "", "<", ">", "^", "=", "*<", "0>", "é^", "_=") + m.of("", "", "+", "-", " ") + m.of("", "", "", "#") + m.of("", "", "0") + m.of("", "5", "12", "1", "3") + m.of("", "", "", ",", "_") + m.of("", "", ".0", ".2", ".10", ".") + m.of("", "", "d", "s", "x", "X", "o", "b", "e", "f", "g", "G", "%", "F", "E", "n", "c", "q")
	}
	old := func() string {
		return m.of("", "", "-", "+", " ", "#", "0", "-0", "+0", "0-") + m.of("", "5", "12", "1") + m.of("", "", ".0", ".2", ".5", ".") + m.of("d", "s", "r", "x", "X", "o", "e", "f", "g", "G", "i", "u", "a", "%", "c", "q", "E", "ld")
	}
	var list []expr
	for range count {
		var src string
		switch m.IntN(5) {
		case 0:
			src = fmt.Sprintf("format(%s, '%s')", value(), spec())
		case 1:
			src = fmt.Sprintf("'<{:%s}>{}'.format(%s, %s)", spec(), value(), value())
		case 2:
			src = fmt.Sprintf("f'<{%s:%s}>{%s}'", strings.ReplaceAll(value(), "'", `"`), spec(), strings.ReplaceAll(value(), "'", `"`))
		case 3:
			src = fmt.Sprintf("'<%%%s>' %% %s", old(), m.of(value(), "("+value()+",)"))
		case 4:
			src = fmt.Sprintf("'%%%s|%%(a)%s' %% {'a': %s}", m.of("(a)"+old(), "%"), old(), value())
		}
		list = append(list, expr{src: "lambda f: " + src, calls: [][]any{{"INBOX"}}})
	}
	equal, left := compare(t, list, func(int) bool { return true })
	t.Logf("%d answers equal, %d left to Python", equal, left)
}

// TestBinding compares how arguments come to parameters, how comprehensions and
// functions see names, and how values are unpacked.
func TestBinding(t *testing.T) {
	m, count := seeded(t, 3000)
	params := func() string {
		var out []string
		for i := range m.IntN(5) {
			p := string(rune('a' + i))
			out = append(out, m.of(p, p, p, p+"=1", p+"='x'", "*"+p, "**"+p, "*", "/", "a"))
		}
		return strings.Join(out, ", ")
	}
	arguments := func() string {
		var out []string
		for range m.IntN(5) {
			out = append(out, m.of("1", "f", "'y'", "a=2", "b=3", "c=4", "*[5]", "*f", "**{'a': 6}", "**{'d': 7, 'b': 8}", "x=9", "*()", "**{}", "x for x in f"))
		}
		return strings.Join(out, ", ")
	}
	target := func() string {
		return m.of("x", "x, y", "(x, y)", "x, *y", "*x, y", "x, (y, z)", "[x, y]", "x,", "(x)", "*x,", "x, y, z", "f")
	}
	source := func() string {
		return m.of("[1, 2]", "[(1, 2), (3, 4)]", "f", "['ab', 'cd']", "[f]", "{'a': 1}.items()", "[(1, (2, 3))]", "range(3)", "zip(f, f)", "enumerate(f)", "[f, f[1:]]", "1", "x", "{'a'}", "()", "map(str, [1, 22])")
	}
	element := func() string {
		return m.of("x", "y", "(x, y)", "f", "[x for x in f]", "lambda: x", "x + y", "(lambda x: x)(y)", "str(x) + f", "z", "x if y else f", "{x: y}", "[y for y in [x]]")
	}
	var list []expr
	for range count {
		var src string
		switch m.IntN(4) {
		case 0, 1:
			p := params()
			src = fmt.Sprintf("(lambda %s: [%s])(%s)", p, m.of("a", "a, b", "b", "0", "c", "f", "a, b, c, d"), arguments())
		case 2:
			src = fmt.Sprintf("[%s for %s in %s%s%s]", element(), target(), source(), m.of("", " for y in [x, f]", " for y in x", " for x in [x]"), m.of("", " if x", " if f", " if x if y"))
		case 3:
			src = fmt.Sprintf("%s(%s for %s in %s%s)", m.of("list", "set", "sorted", "any", "tuple", "dict", "max", "''.join", "len", "[g() for g in [", "next"), element(), target(), source(), m.of("", " for y in [x]", " if x"))
			src = strings.Replace(src, "[g() for g in [(", "[g() for g in (", 1)
			if strings.HasPrefix(src, "[g()") {
				src += " if callable(g)]"
			}
		}
		list = append(list, expr{src: "lambda f: " + src, calls: [][]any{{"INBOX"}, {""}}})
	}
	equal, left := compare(t, list, func(int) bool { return true })
	t.Logf("%d answers equal, %d left to Python", equal, left)
}
