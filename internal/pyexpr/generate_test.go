package pyexpr_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

// maker makes expressions at random, of the constructs that people use.
type maker struct{ *rand.Rand }

func (m maker) of(s ...string) string { return s[m.IntN(len(s))] }

// text is an expression that is mostly a string; f is the folder.
func (m maker) text(depth int) string {
	if depth <= 0 {
		return m.of("f", "f", "f", "'INBOX'", "'.'", "'/'", "'o'", "''", "'ü'", "r'\\.'", "'\\.'", "u'x'", "'a' 'b'", "f[0:1]", "'Trash'", "'日本'", "\"'\"")
	}
	d := depth - 1
	switch m.IntN(20) {
	case 0:
		return m.text(d) + " + " + m.text(d)
	case 1:
		return fmt.Sprintf("%s.%s()", m.postfix(d), m.of("lower", "upper", "title", "capitalize", "swapcase", "casefold", "strip", "lstrip", "rstrip"))
	case 2:
		return fmt.Sprintf("%s.%s(%s)", m.postfix(d), m.of("strip", "lstrip", "rstrip", "removeprefix", "removesuffix"), m.text(0))
	case 3:
		return fmt.Sprintf("%s.replace(%s, %s%s)", m.postfix(d), m.text(0), m.text(d), m.of("", ", 1", ", -1", ", 0", ", 2"))
	case 4:
		return fmt.Sprintf("(%s if %s else %s)", m.text(d), m.truth(d), m.text(d))
	case 5:
		return m.postfix(d) + m.slice()
	case 6:
		return fmt.Sprintf("%s.join(%s)", m.text(0), m.list(d))
	case 7:
		return fmt.Sprintf("%s[%s]", m.list(d), m.of("0", "-1", "1", "2"))
	case 8:
		return fmt.Sprintf("re.sub(%s, %s, %s%s)", m.pattern(), m.template(), m.text(d), m.of("", "", ", 1", ", flags=re.I", ", count=2"))
	case 9:
		return fmt.Sprintf("%s %% (%s, %s)", m.of("'%s.%s'", "'%-4s|%3s'", "'%r%s'", "'%.2s%%%s'", "'%s'", "'%s%d'"), m.text(d), m.any(d))
	case 10:
		return fmt.Sprintf("%s.format(%s, %s)", m.of("'{}.{}'", "'{0}{1}{0}'", "'{:>5}{:<4}|'", "'{!r}{}'", "'{:^7}|{}'", "'{1}'", "'{:.2}{:_^9}'"), m.text(d), m.any(d))
	case 11:
		return fmt.Sprintf("f'%s{%s}%s'", m.of("", "x", "{{"), m.of("f", "f.lower()", "len(f)", "f[:3]", "f!r:>9", "len(f):04d", "f:^10", "f if f else 0", "f == f", "len(f) + 1:x"), m.of("", "y", "}}"))
	case 12:
		return fmt.Sprintf("{%s: %s, %s: %s}.get(%s, %s)", m.text(0), m.text(d), m.text(0), m.text(d), m.text(d), m.text(0))
	case 13:
		return "(" + m.text(d) + " or " + m.text(d) + ")"
	case 14:
		return fmt.Sprintf("(lambda x%s: %s)(%s)", m.of("", ", y='.'", ", *z"), m.of("x", "x + x", "x[1:]", "f + x", "x or f"), m.text(d))
	case 15:
		return m.of("repr", "str", "min", "max", "ascii") + "(" + m.any(d) + ")"
	case 16:
		return fmt.Sprintf("%s.%s(%s%s)", m.postfix(d), m.of("ljust", "rjust", "center", "zfill"), strconv.Itoa(m.IntN(14)), m.of("", ", '.'"))
	case 17:
		return m.text(d) + " * " + m.of("0", "2", "3", "-1", "True", "len(f)")
	case 18:
		return fmt.Sprintf("re.sub(%s, lambda m: %s, %s)", m.pattern(), m.of("m.group(0).lower()", "m.group() + '!'", "str(m.start())", "(m.group(0) or '-')", "''", "m[0][::-1]", "repr(m.groups())", "str(m.span())"), m.text(d))
	}
	return fmt.Sprintf("%s.%s(%s)[%s]", m.postfix(d), m.of("partition", "rpartition"), m.of("'.'", "'/'", "f", "'o'"), m.of("0", "1", "2", "-1"))
}

func (m maker) postfix(d int) string {
	if s := m.text(d); !strings.ContainsAny(s, " ") {
		return s
	} else {
		return "(" + s + ")"
	}
}

func (m maker) slice() string {
	part := func() string { return m.of("", "", "1", "2", "-1", "-2", "0", "100", "-100", "len(f)", "None") }
	if m.IntN(3) == 0 {
		return "[" + part() + ":" + part() + ":" + m.of("", "1", "2", "-1", "-2", "None", "3") + "]"
	}
	return "[" + part() + ":" + part() + "]"
}

func (m maker) list(depth int) string {
	d := depth - 1
	if depth <= 0 {
		return m.of("['INBOX', 'Trash']", "[f]", "['a', f, 'b']", "f.split('.')", "('x', 'y')", "[]", "list(f)")
	}
	switch m.IntN(15) {
	case 0:
		return fmt.Sprintf("%s.%s(%s%s)", m.postfix(d), m.of("split", "rsplit"), m.of("'.'", "'/'", "None", "'o'", "f", "' '"), m.of("", ", 1", ", -1", ", 2", ", 0"))
	case 1:
		return fmt.Sprintf("[%s for x in %s%s]", m.of("x", "x.upper()", "x + f", "len(x)", "(x, f)", "x[0]"), m.list(d), m.of("", " if x", " if x != f", " if 'a' in x"))
	case 2:
		return fmt.Sprintf("sorted(%s%s)", m.list(d), m.of("", ", reverse=True", ", key=len", ", key=str.lower", ", key=lambda x: (len(x), x)"))
	case 3:
		return "list(" + m.of("map(str.lower, ", "reversed(", "filter(None, ", "map(len, ", "enumerate(", "dict.fromkeys(", "zip(f, ", "map(lambda x: x * 2, ") + m.list(d) + "))"
	case 4:
		return m.list(d) + m.slice()
	case 5:
		return m.list(d) + " + " + m.list(d)
	case 6:
		return fmt.Sprintf("re.findall(%s, %s)", m.pattern(), m.text(d))
	case 7:
		return fmt.Sprintf("re.split(%s, %s%s)", m.pattern(), m.text(d), m.of("", ", 1", ", maxsplit=2"))
	case 8:
		return fmt.Sprintf("[m.%s for m in re.finditer(%s, %s)]", m.of("group()", "span()", "groups()", "start()"), m.pattern(), m.text(d))
	case 9:
		return fmt.Sprintf("[%s, *%s]", m.any(d), m.list(d))
	case 10:
		return fmt.Sprintf("%s.splitlines()", m.postfix(d))
	case 11:
		return fmt.Sprintf("sorted({%s, %s, %s})", m.text(0), m.text(0), m.text(d))
	case 12:
		return fmt.Sprintf("list({%s: %s, %s: %s}.%s())", m.text(0), m.any(d), m.text(d), m.any(d), m.of("items", "keys", "values"))
	case 13:
		return fmt.Sprintf("[%s, %s]", m.any(d), m.any(d))
	}
	return "tuple(" + m.list(d) + ")"
}

func (m maker) number(depth int) string {
	d := depth - 1
	if depth <= 0 {
		return m.of("0", "1", "2", "-3", "len(f)", "7", "True", "1.5", "10", "0x10")
	}
	switch m.IntN(9) {
	case 0:
		return "len(" + m.any(d) + ")"
	case 1:
		return fmt.Sprintf("%s.%s(%s%s)", m.postfix(d), m.of("find", "rfind", "count", "index", "rindex"), m.text(0), m.of("", ", 1", ", 0, 3", ", -2", ", 1, -1", ", None, 4"))
	case 2, 3:
		return "(" + m.number(d) + m.of(" + ", " - ", " * ", " // ", " % ", " / ", " & ", " | ", " ^ ", " >> ") + m.number(d) + ")"
	case 4:
		if m.IntN(4) == 0 { // of small numbers only, for Python's sake
			return "(" + m.number(0) + m.of(" ** ", " << ") + m.of("0", "1", "2", "3", "-1", "True", "40") + ")"
		}
		return m.of("-", "+", "~", "abs") + "(" + m.number(d) + ")"
	case 5:
		return m.of("int", "float", "bool", "round", "sum", "max", "min", "ord", "hash", "hex") + "(" + m.any(d) + ")"
	case 6:
		return fmt.Sprintf("cmp(%s, %s)", m.any(d), m.any(d))
	case 7:
		return fmt.Sprintf("sum(%s for x in %s)", m.of("len(x)", "x == f", "1", "x"), m.list(d))
	}
	return "(" + m.truth(d) + " + " + m.number(d) + ")"
}

func (m maker) truth(depth int) string {
	d := depth - 1
	if depth <= 0 {
		return m.of("f", "not f", "f == 'INBOX'", "True", "f.startswith('I')", "len(f) > 5", "'.' in f", "f is None", "f in ('INBOX', 'Trash')")
	}
	switch m.IntN(14) {
	case 0:
		return fmt.Sprintf("%s %s %s", m.text(d), m.of("==", "!=", "in", "not in", "<", ">="), m.text(d))
	case 1:
		return fmt.Sprintf("%s %s %s", m.text(d), m.of("in", "not in"), m.list(d))
	case 2:
		return fmt.Sprintf("%s.%s(%s%s)", m.postfix(d), m.of("startswith", "endswith"), m.of("'INBOX'", "'.'", "('a', 'I')", "f", "''", "f[:2]", "('x', f)"), m.of("", "", ", 1", ", 0, 3", ", -3"))
	case 3:
		return "not " + m.truth(d)
	case 4:
		return "(" + m.truth(d) + m.of(" and ", " or ") + m.truth(d) + ")"
	case 5:
		return fmt.Sprintf("bool(re.%s(%s, %s%s))", m.of("search", "match", "fullmatch"), m.pattern(), m.text(d), m.of("", "", ", re.I", ", re.M", ", re.S|re.I"))
	case 6:
		return fmt.Sprintf("%s(%s for x in %s)", m.of("any", "all"), m.of("x in f", "f.startswith(x)", "x", "x == f", "re.search('a', x)", "x < 'b'"), m.list(d))
	case 7:
		return fmt.Sprintf("%s.%s()", m.postfix(d), m.of("isdigit", "isalpha", "isalnum", "isupper", "islower", "isspace", "isascii", "isdecimal"))
	case 8:
		return fmt.Sprintf("%s %s %s %s %s", m.number(d), m.of("<", "<=", "==", ">"), m.number(d), m.of("<", "!=", ">="), m.number(d))
	case 9:
		return fmt.Sprintf("%s %s %s", m.any(d), m.of("==", "!=", "<", ">", "is not", "in"), m.of("None", m.any(d)))
	case 10:
		return fmt.Sprintf("isinstance(%s, %s)", m.any(d), m.of("str", "int", "(str, list)", "bool", "tuple", "float"))
	case 11:
		return fmt.Sprintf("bool({%s, %s} %s {%s})", m.text(0), m.text(0), m.of("<=", ">", "==", "!=", "&", "-"), m.text(0))
	case 12:
		return fmt.Sprintf("(re.search(%s, f) is not None)", m.pattern())
	}
	return "bool(" + m.any(d) + ")"
}

func (m maker) any(depth int) string {
	switch m.IntN(8) {
	case 0, 1, 2:
		return m.text(depth)
	case 3, 4:
		return m.number(depth)
	case 5:
		return m.truth(depth)
	case 6:
		return m.list(depth)
	}
	return m.of("None", "(f, 1)", "{f: 1}", "[1, 'a']", "b'x'", "()", "1.0", "range(3)", "{'a'}", "re.search('o', f)", "f.lower", "{}")
}

func (m maker) pattern() string {
	s := m.regexp(2)
	if m.IntN(8) == 0 {
		s = m.of("(?i)", "(?m)", "(?s)", "(?x)", "(?a)") + s
	}
	return "r'" + s + "'"
}

// regexp is a regular expression without quotes in it.
func (m maker) regexp(depth int) string {
	if depth <= 0 {
		return m.of("a", "o", "b", "x", "INBOX", ".", `\.`, "^", "$", `\w`, `\d`, `\s`, "[a-m]", "[^.]", "[A-Z]", `\b`, "/", `[\w.]`, "", "(a)", "ü", `\Z`, `\[`, `\W`, "[]a]", "B", " ", `\A`, `\B`, `\1`, "i")
	}
	d := depth - 1
	switch m.IntN(14) {
	case 0, 1, 2:
		return m.regexp(d) + m.regexp(d)
	case 3:
		return m.regexp(d) + "|" + m.regexp(d)
	case 4, 5:
		return "(" + m.regexp(d) + ")" + m.of("", "", "*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{,2}", "{0,}?", "*+", "{2,1}")
	case 6, 7:
		return m.regexp(0) + m.of("*", "+", "?", "*?", "+?", "{1,3}", "++", "{2}", "{x}", "**")
	case 8:
		return m.of("(?=", "(?!", "(?:", "(?<=", "(?<!", "(?>", "(?i:", "(?-i:") + m.regexp(d) + ")" + m.of("", "", "", "*", "+", "?")
	case 9:
		return "(?P<n>" + m.regexp(d) + ")" + m.of("", "(?P=n)", "(?(n)a|b)", `\1`)
	case 10:
		return "(" + m.regexp(d) + ")" + m.regexp(d) + m.of(`\1`, "(?(1)a|o)", "")
	case 11:
		return "^" + m.regexp(d)
	}
	return m.regexp(d) + m.regexp(0)
}

func (m maker) template() string {
	return m.of("''", "'-'", `r'\1'`, `r'<\g<0>>'`, `r'\1\2'`, `'\\1.'`, "f", `r'\n'`, `r'\.'`, `r'\g<n>'`, `r'[\g<1>]'`, `r'\\'`, `r'\q'`, `'\0'`, "r'\\0'")
}

// TestRandom compares what the generator makes with CPython: the answers are
// equal, or it is left to Python.
func TestRandom(t *testing.T) {
	m, count := seeded(t, 2500)
	var list []expr
	for i := range count {
		src := ""
		switch depth := 1 + i%3; m.IntN(6) {
		case 0, 1:
			src = m.text(depth)
		case 2:
			src = m.truth(depth)
		case 3:
			src = m.list(depth)
		case 4:
			src = m.any(depth)
		case 5:
			p := m.pattern()
			src = fmt.Sprintf("re.%s(%s, f%s)", m.of("search", "match", "fullmatch"), p, m.of("", ", re.I"))
			src = fmt.Sprintf("%s and (%s.span(), %s.groups())", src, src, src)
		}
		e := expr{src: "lambda f: " + src}
		for range 3 {
			e.calls = append(e.calls, []any{names[m.IntN(len(names))]})
		}
		list = append(list, e)
	}
	equal, left := compare(t, list, func(int) bool { return true })
	t.Logf("%d answers equal, %d left to Python", equal, left)
	if left > equal/10 {
		t.Errorf("%d of %d answers are left to Python", left, equal+left)
	}
}
