package syntax

import (
	"strings"
	"unicode/utf8"

	"github.com/offlineimap/offlineimapd/internal/pyexpr/raise"
)

type kind byte

const (
	kindEnd kind = iota
	kindName
	kindWord // a keyword
	kindValue
	kindString
	kindOp
)

type token struct {
	kind   kind
	at     int // where in the source it begins
	text   string
	value  any      // of a number, or a string or Bytes
	format *FString // of an f-string
}

// keywords cannot be names.
var keywords = " False None True and as assert async await break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass raise return try while with yield "

func isKeyword(s string) bool { return strings.Contains(keywords, " "+s+" ") }

// operators are tried in order, so the longest come first.
var operators = []string{
	"**=", "//=", ">>=", "<<=", "...",
	"**", "//", ">>", "<<", "<=", ">=", "==", "!=", "->", ":=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "@=",
	"+", "-", "*", "/", "%", "@", "&", "|", "^", "~", "<", ">", "(", ")", "[", "]", "{", "}", ",", ":", ".", ";", "=",
}

type lexer struct {
	src   string
	pos   int
	depth int    // of f-strings within f-strings
	open  []byte // the brackets that are open
	since []int  // where each of them is
	out   []token
	over  bool // a line has ended outside of brackets: nothing may follow
}

// lex cuts a source into tokens, the last of which is kindEnd, and returns how far
// it came.
func lex(src string, depth int) ([]token, int, error) {
	if !utf8.ValidString(src) || strings.ContainsAny(src, "\x00\r\f") {
		return nil, 0, raise.Unsupported("a control character, or no UTF-8")
	}
	l := &lexer{src: src, depth: depth}
	for {
		more, err := l.next()
		if err != nil {
			return nil, l.pos, err
		}
		if !more {
			return append(l.out, token{kind: kindEnd, at: l.pos}), l.pos, nil
		}
	}
}

func (l *lexer) next() (bool, error) {
	if l.pos == len(l.src) {
		if n := len(l.open) - 1; n >= 0 {
			l.pos = l.since[n]
			return false, raise.Syntax("'%c' was never closed", l.open[n])
		}
		return false, nil
	}
	rest := l.src[l.pos:]
	switch c := rest[0]; {
	case c == ' ' || c == '\t':
		if l.over {
			return false, raise.Unsupported("an indented line that follows")
		}
		l.pos++
		return true, nil
	case c == '\n':
		l.pos++
		if len(l.open) == 0 {
			if len(l.out) > 0 {
				l.over = true
			} else if next := strings.TrimLeft(l.src[l.pos:], "\n"); next != "" && (next[0] == ' ' || next[0] == '\t' || next[0] == '\\') {
				return false, raise.Unsupported("an indented line after empty ones")
			}
		}
		return true, nil
	case c == '#':
		if end := strings.IndexByte(rest, '\n'); end >= 0 {
			l.pos += end
		} else {
			l.pos = len(l.src)
		}
		return true, nil
	}
	if l.over {
		return false, raise.Syntax("a line outside of brackets follows")
	}
	switch c := rest[0]; {
	case c == '\\':
		if len(rest) < 3 || rest[1] != '\n' {
			return false, raise.Syntax("unexpected character after line continuation character")
		}
		if next := strings.TrimLeft(rest[2:], " \t"); next == "" || next[0] == '\n' {
			return false, raise.Unsupported("an empty line after a backslash")
		}
		l.pos += 2
		return true, nil
	case c >= utf8.RuneSelf:
		return false, raise.Unsupported("a letter outside of ASCII")
	case isDigit(c) || c == '.' && len(rest) > 1 && isDigit(rest[1]):
		return true, l.number(rest)
	case isNameStart(c):
		n := 1
		for n < len(rest) && (isNameStart(rest[n]) || isDigit(rest[n])) {
			n++
		}
		if n < len(rest) && rest[n] >= utf8.RuneSelf {
			return false, raise.Unsupported("a letter outside of ASCII")
		}
		if n < len(rest) && (rest[n] == '\'' || rest[n] == '"') && isPrefix(rest[:n]) {
			return true, l.literal(rest[:n], rest[n:])
		}
		k := kindName
		if isKeyword(rest[:n]) {
			k = kindWord
		}
		l.add(token{kind: k, text: rest[:n]}, n)
		return true, nil
	case c == '\'' || c == '"':
		return true, l.literal("", rest)
	}
	for _, op := range operators {
		if strings.HasPrefix(rest, op) {
			if err := l.bracket(op[0]); len(op) == 1 && err != nil {
				return false, err
			}
			l.add(token{kind: kindOp, text: op}, len(op))
			return true, nil
		}
	}
	return false, raise.Syntax("invalid syntax")
}

func (l *lexer) add(t token, n int) {
	t.at = l.pos
	l.out = append(l.out, t)
	l.pos += n
}

// bracket keeps account of what is open, within bounds that are narrower than
// Python's 200.
func (l *lexer) bracket(c byte) error {
	switch c {
	case '(', '[', '{':
		if len(l.open) == maxDepth {
			return raise.Unsupported("too many nested parentheses")
		}
		l.open, l.since = append(l.open, c), append(l.since, l.pos)
	case ')', ']', '}':
		n := len(l.open) - 1
		if n < 0 {
			return raise.Syntax("unmatched '%c'", c)
		}
		if o := l.open[n]; o == '(' && c != ')' || o == '[' && c != ']' || o == '{' && c != '}' {
			return raise.Syntax("closing parenthesis '%c' does not match opening parenthesis '%c'", c, o)
		}
		l.open, l.since = l.open[:n], l.since[:n]
	}
	return nil
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isNameStart(c byte) bool {
	return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// isPrefix says whether a string literal may begin with these letters.
func isPrefix(s string) bool {
	switch strings.ToLower(s) {
	case "r", "u", "b", "f", "br", "rb", "fr", "rf":
		return true
	}
	return false
}
