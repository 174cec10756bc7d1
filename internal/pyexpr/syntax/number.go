package syntax

import (
	"math"
	"strconv"
	"strings"

	"github.com/offlineimap/offlineimapd/internal/pyexpr/raise"
)

// number reads a number at the beginning of rest.
func (l *lexer) number(rest string) error {
	n := 0
	digits := func(is func(byte) bool) bool {
		start := n
		for n < len(rest) && (is(rest[n]) || rest[n] == '_') {
			n++
		}
		s := rest[start:n]
		return s != "" && s[0] != '_' && s[len(s)-1] != '_' && !strings.Contains(s, "__")
	}
	float, ok := false, true
	if base := baseOf(rest); base != 0 {
		n = 2
		if n < len(rest) && rest[n] == '_' {
			n++
		}
		ok = digits(func(c byte) bool { return digit(c) < base })
	} else {
		if rest[0] != '.' {
			ok = digits(isDigit)
		}
		if n < len(rest) && rest[n] == '.' {
			float = true
			n++
			if n < len(rest) && (isDigit(rest[n]) || rest[n] == '_') {
				ok = digits(isDigit) && ok
			}
		}
		if n < len(rest) && (rest[n] == 'e' || rest[n] == 'E') {
			m := n + 1
			if m < len(rest) && (rest[m] == '+' || rest[m] == '-') {
				m++
			}
			if m < len(rest) && isDigit(rest[m]) {
				float, n = true, m
				ok = digits(isDigit) && ok
			}
		}
	}
	if !ok {
		return raise.Syntax("invalid number")
	}
	if n < len(rest) {
		switch c := rest[n]; {
		case c == 'j' || c == 'J':
			return raise.Unsupported("a complex number")
		case isNameStart(c):
			m := n
			for m < len(rest) && isNameStart(rest[m]) {
				m++
			}
			if rest[n:m] == "l" || rest[n:m] == "L" {
				return raise.Syntax("invalid decimal literal")
			}
			// Python takes 1if x else y, with a warning that becomes an error one day.
			return raise.Unsupported("a number that runs into a word")
		case c >= 0x80:
			return raise.Unsupported("a letter outside of ASCII")
		}
	}
	text := strings.ReplaceAll(rest[:n], "_", "")
	var v any
	if float {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil && !math.IsInf(f, 0) {
			return raise.Syntax("invalid number")
		}
		v = f
	} else {
		if len(text) > 1 && text[0] == '0' && isDigit(text[1]) {
			if strings.Trim(text, "0") != "" {
				return raise.Syntax("leading zeros in decimal integer literals are not permitted; use an 0o prefix for octal integers")
			}
			text = "0"
		}
		i, err := strconv.ParseInt(text, 0, 64)
		if err != nil {
			return raise.Unsupported("a number of more than 64 bits")
		}
		v = i
	}
	l.add(token{kind: kindValue, text: text, value: v}, n)
	return nil
}

func baseOf(s string) int {
	if len(s) > 1 && s[0] == '0' {
		switch s[1] {
		case 'x', 'X':
			return 16
		case 'o', 'O':
			return 8
		case 'b', 'B':
			return 2
		}
	}
	return 0
}

// digit is the value of a digit; large where it is none.
func digit(c byte) int {
	switch {
	case isDigit(c):
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return 99
}
