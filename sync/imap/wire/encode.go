package wire

import (
	"strconv"
	"strings"

	"github.com/emersion/go-imap/v2"
)

// maxQuoted is the length from which a string is sent as a literal.
const maxQuoted = 1000

// nonSync tells whether a literal of n octets may be sent without waiting (RFC
// 7888, sections 4 and 5).
func nonSync(caps imap.CapSet, n int64) bool {
	const minusLimit = 4096
	if _, ok := caps[imap.CapLiteralPlus]; ok {
		return true
	}
	return n <= minusLimit && caps.Has(imap.CapLiteralMinus)
}

// encoded is a flight as it is written.
type encoded struct {
	text []byte
	cuts []cutAt
}

// cutAt is a place where the server's go-ahead is needed: at, within a command
// that goes on until end.
type cutAt struct{ at, end, cmd int }

// encode writes the commands of a flight, each with its tag.
func (c *Conn) encode(f *flight) encoded {
	var e encoded
	for n, k := range f.cmds {
		from := len(e.cuts)
		tag := tagOf(f.first + n)
		e.text = append(append(e.text, tag...), ' ')
		for _, p := range k.parts {
			if !p.str {
				e.text = append(e.text, p.text...)
				continue
			}
			if quotable(p.text) {
				e.text = appendQuoted(e.text, p.text)
				continue
			}
			e.text = append(e.text, '{')
			e.text = strconv.AppendInt(e.text, int64(len(p.text)), 10)
			if nonSync(c.caps, int64(len(p.text))) {
				e.text = append(e.text, "+}\r\n"...)
			} else {
				e.text = append(e.text, "}\r\n"...)
				e.cuts = append(e.cuts, cutAt{at: len(e.text), cmd: n})
			}
			e.text = append(e.text, p.text...)
		}
		e.text = append(e.text, "\r\n"...)
		for i := from; i < len(e.cuts); i++ {
			e.cuts[i].end = len(e.text)
		}
		if c.log != nil {
			c.sent(tag + " " + k.forLog())
		}
	}
	return e
}

func tagOf(n int) string { return string(tagLetter) + strconv.Itoa(n) }

// quotable tells whether s may be a quoted string (RFC 3501, section 9): without
// line breaks, NUL and, unless UTF8=ACCEPT was enabled, octets above 127.
func quotable(s string) bool {
	if len(s) > maxQuoted {
		return false
	}
	for i := 0; i < len(s); i++ {
		if b := s[i]; b == 0 || b == '\r' || b == '\n' || b >= 0x80 {
			return false
		}
	}
	return true
}

func appendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(s); i++ {
		if s[i] == '"' || s[i] == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, s[i])
	}
	return append(dst, '"')
}

// part is a piece of a command.
type part struct {
	text   string
	str    bool // a string, to be quoted or sent as a literal
	secret bool
}

// forLog returns the command without tag, secrets and literals.
func (k *Command) forLog() string {
	var sb strings.Builder
	for _, p := range k.parts {
		switch {
		case p.secret:
			sb.WriteString(blanked)
		case !p.str:
			sb.WriteString(p.text)
		case quotable(p.text):
			sb.Write(appendQuoted(nil, p.text))
		default:
			sb.WriteString("{" + strconv.Itoa(len(p.text)) + "}")
		}
	}
	return sb.String()
}
