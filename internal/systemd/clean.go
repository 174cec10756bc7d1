package systemd

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// hostile tells whether a character does something to a terminal or to the order
// of a line rather than stand in it.
func hostile(r rune, size int) bool {
	return r == utf8.RuneError && size <= 1 || unicode.IsControl(r) || r == '\u2028' || r == '\u2029' ||
		unicode.Is(unicode.Bidi_Control, r)
}

// visible shows hostile characters by their numbers, but those in keep.
func visible(s, keep string) string {
	i := firstHostile(s, keep)
	if i < 0 {
		return s
	}
	var b strings.Builder
	b.WriteString(s[:i])
	for s = s[i:]; s != ""; {
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case !hostile(r, size) || strings.ContainsRune(keep, r) && size > 0 && r != utf8.RuneError:
			b.WriteString(s[:size])
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == utf8.RuneError:
			fmt.Fprintf(&b, `\x%02x`, s[0])
		case r < utf8.RuneSelf:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		s = s[size:]
	}
	return b.String()
}

func firstHostile(s, keep string) int {
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if hostile(r, size) && (r == utf8.RuneError || !strings.ContainsRune(keep, r)) {
			return i
		}
		i += size
	}
	return -1
}

// oneLine puts a space for every run of spaces and hostile characters.
func oneLine(s string) string {
	var b strings.Builder
	gap := false
	for s != "" {
		r, size := utf8.DecodeRuneInString(s)
		if r == ' ' || hostile(r, size) {
			gap = b.Len() > 0
		} else {
			if gap {
				b.WriteByte(' ')
				gap = false
			}
			b.WriteString(s[:size])
		}
		s = s[size:]
	}
	return b.String()
}

// short cuts s to n characters.
func short(s string, n int) string {
	if len(s) <= n || utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

// shortBytes cuts s to about n octets, not within a character.
func shortBytes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
