package wire

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/emersion/go-imap/v2"
)

// status takes the rest of a status response: an optional response code, and
// text (RFC 9051, section 7.1). It has no literals.
func (l *lexer) status() (code, arg, text string) {
	l.spaces()
	p := l.rest()
	if len(p) > 0 && p[0] == '[' {
		if i := codeEnd(p); i > 0 {
			word, rest, _ := bytes.Cut(p[1:i], []byte(" "))
			code, arg = string(bytes.ToUpper(word)), string(rest)
			p = p[i+1:]
		}
	}
	return code, arg, clean(p)
}

// codeEnd finds the bracket that ends a response code; those within lists, where
// keywords may have them, and quotes do not count, unless nothing else ends it.
func codeEnd(p []byte) int {
	depth, quote := 0, false
	for i, b := range p {
		switch {
		case b == '"':
			quote = !quote
		case quote:
		case b == '(':
			depth++
		case b == ')':
			depth--
		case b == ']' && depth <= 0:
			return i
		}
	}
	return bytes.IndexByte(p, ']')
}

// clean makes a server's text fit for terminals and logs.
func clean(p []byte) string {
	const limit = 1000
	p = bytes.TrimSpace(p)
	if len(p) > limit {
		p = p[:limit]
		for len(p) > 0 && !utf8.Valid(p[max(0, len(p)-utf8.UTFMax):]) && limit-len(p) < utf8.UTFMax {
			p = p[:len(p)-1]
		}
	}
	s := strings.ToValidUTF8(string(p), "?")
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '?'
		}
		return r
	}, s)
}

// note keeps what a status response says of the connection itself.
func (c *Conn) note(kind, code, arg, text string) {
	switch code {
	case "CAPABILITY":
		c.setCaps(arg)
	case "ALERT":
		const most = 100
		if text != "" && len(c.alerts) < most {
			c.alerts = append(c.alerts, text)
		}
	}
	if kind == "BYE" {
		c.bye = text
		if c.bye == "" {
			c.bye = "BYE"
		}
	}
}

func (c *Conn) setCaps(list string) {
	c.caps = parseCaps(list)
	c.capsCount++
}

func parseCaps(list string) imap.CapSet {
	set := make(imap.CapSet)
	for _, f := range strings.Fields(strings.ToUpper(list)) {
		switch f {
		case "IMAP4REV1":
			f = string(imap.CapIMAP4rev1)
		case "IMAP4REV2":
			f = string(imap.CapIMAP4rev2)
		}
		set[imap.Cap(f)] = struct{}{}
	}
	return set
}
