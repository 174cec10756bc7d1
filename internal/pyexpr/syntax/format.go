package syntax

import (
	"strings"

	"github.com/offlineimap/offlineimapd/internal/pyexpr/raise"
)

// parseFormat reads the body of an f-string. Within braces Python 3.12 allows
// more than the versions before; what they differ in is refused. The nesting is
// that of formats within formats.
func parseFormat(body string, raw bool, depth, nesting int) (*FString, error) {
	if depth > 3 || nesting > 1 {
		return nil, raise.Unsupported("f-strings within f-strings")
	}
	f := &FString{}
	var text strings.Builder
	flush := func() error {
		s := text.String()
		text.Reset()
		if !raw {
			var err error
			if s, err = unescape(s, false); err != nil {
				return err
			}
		}
		if s != "" {
			f.Parts = append(f.Parts, Part{Text: s})
		}
		return nil
	}
	for i := 0; i < len(body); {
		c := body[i]
		twice := i+1 < len(body) && body[i+1] == c
		switch {
		case c == '\\' && !raw:
			if i+1 == len(body) || strings.ContainsAny(body[i+1:i+2], "{}") {
				return nil, raise.Unsupported("a backslash before a brace")
			}
			text.WriteString(body[i : i+2])
			i += 2
		case (c == '{' || c == '}') && twice:
			if nesting > 0 {
				return nil, raise.Unsupported("doubled braces within a format")
			}
			text.WriteByte(c)
			i += 2
		case c == '}':
			return nil, raise.Syntax("f-string: single '}' is not allowed")
		case c == '{':
			if err := flush(); err != nil {
				return nil, err
			}
			part, n, err := field(body[i+1:], raw, depth, nesting)
			if err != nil {
				return nil, err
			}
			f.Parts = append(f.Parts, part)
			i += 1 + n
		default:
			text.WriteByte(c)
			i++
		}
	}
	return f, flush()
}

// field reads a field after its opening brace, and returns how long it is with
// its closing one.
func field(s string, raw bool, depth, nesting int) (Part, int, error) {
	end, err := fieldEnd(s)
	if err != nil {
		return Part{}, 0, err
	}
	source := s[:end]
	if strings.TrimSpace(source) == "" {
		return Part{}, 0, raise.Syntax("f-string: empty expression not allowed")
	}
	x, _, err := parse("("+source+")", depth+1)
	if err != nil {
		return Part{}, 0, err
	}
	p := Part{X: x}
	if s[end] == '=' {
		return Part{}, 0, raise.Unsupported("an f-string that shows its source")
	}
	if s[end] == '!' {
		if end+2 >= len(s) || !strings.ContainsRune("rsa", rune(s[end+1])) || s[end+2] != ':' && s[end+2] != '}' {
			return Part{}, 0, raise.Unsupported("a conversion other than r, s and a")
		}
		p.Conv = s[end+1]
		end += 2
	}
	if s[end] == ':' {
		start := end + 1
		for open := 0; ; {
			end++
			if end == len(s) {
				return Part{}, 0, raise.Syntax("f-string: expecting '}'")
			}
			if s[end] == '{' {
				open++
			}
			if s[end] == '\n' {
				return Part{}, 0, raise.Unsupported("a format of several lines")
			}
			if s[end] == '}' {
				if open == 0 {
					break
				}
				open--
			}
		}
		if p.Spec, err = parseFormat(s[start:end], raw, depth, nesting+1); err != nil {
			return Part{}, 0, err
		}
	}
	return p, end + 1, nil
}

// fieldEnd finds what ends the expression of a field.
func fieldEnd(s string) (int, error) {
	var open int
	var quote string
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '\\' || c == '#' {
			return 0, raise.Unsupported("a backslash or # within the braces of an f-string")
		}
		if quote != "" {
			if strings.HasPrefix(s[i:], quote) {
				i += len(quote) - 1
				quote = ""
			}
			continue
		}
		switch c {
		case '\'', '"':
			quote = s[i : i+1]
			if strings.HasPrefix(s[i:], quote+quote+quote) {
				quote = s[i : i+3]
				i += 2
			}
		case '(', '[', '{':
			open++
		case ')', ']':
			if open--; open < 0 {
				return 0, raise.Syntax("f-string: unmatched '%c'", c)
			}
		case '}':
			if open == 0 {
				return i, nil
			}
			open--
		case '!', '=', '<', '>':
			if i+1 < len(s) && s[i+1] == '=' {
				i++
			} else if open == 0 && (c == '!' || c == '=') {
				return i, nil
			}
		case ':':
			if open == 0 {
				return i, nil
			}
		}
	}
	return 0, raise.Unsupported("braces of an f-string that do not end")
}
