package wire

import (
	"bytes"
	"fmt"
)

const (
	logLimit = 2000
	blanked  = "***"
)

// logLine logs a line of the server. What could be a mail's text is blanked:
// quoted strings beside a body item (a short body may come as one). Literals never
// get here.
func (c *Conn) logLine(line []byte) {
	if c.blank && len(line) > 0 && line[0] == '+' {
		c.log('S', "+ "+blanked)
		return
	}
	if bytes.IndexByte(line, '"') >= 0 && holdsBody(line) {
		line = blankQuoted(line)
	}
	c.log('S', cut(line))
}

// sent logs a line of ours.
func (c *Conn) sent(line string) {
	if c.log != nil {
		c.log('C', cut([]byte(line)))
	}
}

func holdsBody(line []byte) bool {
	up := bytes.ToUpper(line[:min(len(line), logLimit)])
	return bytes.Contains(up, []byte("BODY")) || bytes.Contains(up, []byte("BINARY[")) ||
		bytes.Contains(up, []byte("RFC822")) || len(up) > 0 && up[0] != '*'
}

func blankQuoted(line []byte) []byte {
	var out []byte
	l := lexer{line: line}
	for l.pos < len(line) && len(out) <= logLimit {
		if b := line[l.pos]; b != '"' {
			out = append(out, b)
			l.pos++
			continue
		}
		out = append(out, `"`+blanked+`"`...)
		if _, err := l.quoted(); err != nil {
			break
		}
	}
	return out
}

func cut(line []byte) string {
	if len(line) <= logLimit {
		return string(line)
	}
	return fmt.Sprintf("%s … (%d octets)", line[:logLimit], len(line))
}
