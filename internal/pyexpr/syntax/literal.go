package syntax

import (
	"strings"
	"unicode/utf8"

	"github.com/offlineimap/offlineimapd/internal/pyexpr/raise"
)

// literal reads a string literal; rest begins with its quote.
func (l *lexer) literal(prefix, rest string) error {
	quote := rest[:1]
	if strings.HasPrefix(rest, quote+quote+quote) {
		quote = rest[:3]
	}
	end := len(quote)
	for !strings.HasPrefix(rest[end:], quote) {
		if end == len(rest) || len(quote) == 1 && rest[end] == '\n' {
			return raise.Syntax("unterminated string literal")
		}
		if rest[end] == '\\' {
			end++
			if end == len(rest) {
				return raise.Syntax("unterminated string literal")
			}
		}
		end++
	}
	body := rest[len(quote):end]
	size := len(prefix) + end + len(quote)
	p := strings.ToLower(prefix)
	raw := strings.Contains(p, "r")
	switch {
	case strings.Contains(p, "f"):
		f, err := parseFormat(body, raw, l.depth, 0)
		if err != nil {
			return err
		}
		l.add(token{kind: kindString, format: f}, size)
	case strings.Contains(p, "b"):
		if strings.ContainsFunc(body, func(r rune) bool { return r >= utf8.RuneSelf }) {
			return raise.Syntax("bytes can only contain ASCII literal characters")
		}
		s := body
		if !raw {
			var err error
			if s, err = unescape(body, true); err != nil {
				return err
			}
		}
		l.add(token{kind: kindString, value: Bytes(s)}, size)
	default:
		s := body
		if !raw {
			var err error
			if s, err = unescape(body, false); err != nil {
				return err
			}
		}
		l.add(token{kind: kindString, value: s}, size)
	}
	return nil
}

// unescape resolves the escapes of a literal. One that Python does not know
// keeps its backslash.
func unescape(s string, bytes bool) (string, error) {
	if !strings.Contains(s, `\`) {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			i++
			continue
		}
		i++
		c := s[i]
		if at := strings.IndexByte(`\'"abfnrtv`, c); at >= 0 {
			b.WriteByte("\\'\"\a\b\f\n\r\t\v"[at])
			i++
			continue
		}
		base, least, most := 16, 2, 2
		switch {
		case c == '\n':
			i++
			continue
		case '0' <= c && c <= '7':
			base, least, most = 8, 1, 3
		case c == 'x':
			i++
		case c == 'u' && !bytes:
			least, most = 4, 4
			i++
		case c == 'U' && !bytes:
			least, most = 8, 8
			i++
		case c == 'N' && !bytes:
			return "", raise.Unsupported("the name of a character")
		default:
			b.WriteByte('\\')
			continue
		}
		value, n := 0, 0
		for n < most && i < len(s) && digit(s[i]) < base {
			value = value*base + digit(s[i])
			n++
			i++
		}
		switch {
		case n < least:
			return "", raise.Syntax("truncated escape in a string literal")
		case base == 8 && value > 0xff:
			return "", raise.Unsupported("an octal escape beyond \\377")
		case bytes:
			b.WriteByte(byte(value))
		case 0xd800 <= value && value <= 0xdfff:
			return "", raise.Unsupported("half of a character")
		case value > utf8.MaxRune:
			return "", raise.Syntax("illegal Unicode character")
		default:
			b.WriteRune(rune(value))
		}
	}
	return b.String(), nil
}
