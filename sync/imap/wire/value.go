package wire

import (
	"bufio"
	"io"
)

// literal looks at the line's end for the announcement of a literal: {n},
// {n+} (a mistake of some servers) or ~{n} (RFC 3516). start is where it
// begins. What is larger than any literal can be is an error that ends the
// connection, as nobody can say what follows it.
func literal(line []byte) (n int64, start int, ok bool, err error) {
	i := len(line) - 1
	if i < 2 || line[i] != '}' {
		return 0, 0, false, nil
	}
	i--
	if line[i] == '+' {
		i--
	}
	end := i + 1
	for i >= 0 && line[i] >= '0' && line[i] <= '9' {
		i--
	}
	if i < 0 || line[i] != '{' || i+1 == end {
		return 0, 0, false, nil
	}
	for _, b := range line[i+1 : end] {
		if n = n*10 + int64(b-'0'); n > maxLiteral {
			return 0, 0, false, protocolError("the server announced a literal of %.40s octets", line[i+1:end])
		}
	}
	if i > 0 && line[i-1] == '~' {
		i--
	}
	return n, i, true, nil
}

// atLiteral returns the size of the literal announced at the current position.
func (l *lexer) atLiteral() (int64, bool, error) {
	if b := l.peek(); b != '{' && b != '~' {
		return 0, false, nil
	}
	n, start, ok, err := literal(l.line)
	return n, ok && start == l.pos, err
}

// readLiteral takes the literal announced at the current position, and goes on
// with the line behind it. One that is too large stays untouched.
func (l *lexer) readLiteral() ([]byte, error) {
	n, ok, err := l.atLiteral()
	if err != nil {
		return nil, err
	}
	if !ok || n > maxString {
		return nil, errSyntax
	}
	p := make([]byte, n)
	if _, err := io.ReadFull(l.br, p); err != nil {
		return nil, err
	}
	return p, l.readLine()
}

// value takes any value, lists in lists too, and returns it as written, literals
// as quoted strings. It does not recurse: depth is the server's choice.
func (l *lexer) value() (string, error) {
	var out []byte
	for depth := 0; ; {
		if depth > 0 {
			l.spaces()
		}
		b := l.peek()
		if n := len(out); n > maxString {
			return "", errSyntax
		} else if n > 0 && out[n-1] != '(' && b != ')' {
			out = append(out, ' ')
		}
		switch {
		case l.pos == len(l.line):
			return "", errSyntax
		case b == '(':
			if depth++; depth > maxDepth {
				return "", errSyntax
			}
			l.pos++
			out = append(out, '(')
		case b == ')':
			if depth--; depth < 0 {
				return "", errSyntax
			}
			l.pos++
			out = append(out, ')')
		case b == '"':
			p, err := l.quoted()
			if err != nil {
				return "", err
			}
			out = append(out, p...)
		default:
			if _, ok, err := l.atLiteral(); err != nil {
				return "", err
			} else if ok {
				p, err := l.readLiteral()
				if err != nil {
					return "", err
				}
				out = appendQuoted(out, string(p))
				break
			}
			a := l.item()
			if len(a) == 0 {
				return "", errSyntax
			}
			out = append(out, a...)
		}
		if depth == 0 {
			return string(out), nil
		}
	}
}

// skip drops the rest of the response, with every literal in it.
func (l *lexer) skip() error {
	for {
		n, _, ok, err := literal(l.line)
		if err != nil {
			return err
		}
		if !ok {
			l.pos = len(l.line)
			return nil
		}
		if err := discard(l.br, n); err != nil {
			return err
		}
		if err := l.readLine(); err != nil {
			return err
		}
	}
}

func discard(br *bufio.Reader, n int64) error {
	for n > 0 {
		k, err := br.Discard(int(min(n, 1<<20)))
		if n -= int64(k); err != nil {
			return err
		}
	}
	return nil
}
