package testenv

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"strconv"
	"strings"
	"time"
)

// text is an astring argument, literal one that is always sent as a literal.
type (
	text    string
	literal []byte
)

// must runs a command that has to succeed.
func (m *Mailer) must(each func(*response), parts ...any) *response {
	m.t.Helper()
	r := m.run(each, parts...)
	if r.word(1) != "OK" {
		m.t.Fatalf("mailer: %v: %s", parts[0], r.text)
	}
	return r
}

// run sends one command and reads up to its tagged answer.
func (m *Mailer) run(each func(*response), parts ...any) *response {
	m.t.Helper()
	if m.nc == nil {
		m.t.Fatalf("mailer: used after Close")
	}
	m.tag++
	tag := "m" + strconv.Itoa(m.tag)
	var out bytes.Buffer
	out.WriteString(tag + " ")
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			out.WriteString(p)
		case text:
			if strings.ContainsFunc(string(p), func(c rune) bool { return c < ' ' || c > '~' }) {
				if r := m.sendLiteral(&out, []byte(p), tag, each); r != nil {
					return r
				}
			} else {
				out.WriteString(`"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(string(p)) + `"`)
			}
		case literal:
			if r := m.sendLiteral(&out, p, tag, each); r != nil {
				return r
			}
		}
	}
	out.WriteString("\r\n")
	m.flush(&out)
	return m.until(tag, false, each)
}

// sendLiteral returns the tagged answer where the server refuses the literal.
func (m *Mailer) sendLiteral(out *bytes.Buffer, data []byte, tag string, each func(*response)) *response {
	m.t.Helper()
	if m.caps["LITERAL+"] {
		fmt.Fprintf(out, "{%d+}\r\n", len(data))
	} else {
		fmt.Fprintf(out, "{%d}\r\n", len(data))
		m.flush(out)
		if r := m.until(tag, true, each); r.word(0) != "+" {
			return r
		}
	}
	out.Write(data)
	return nil
}

func (m *Mailer) flush(out *bytes.Buffer) {
	m.t.Helper()
	_ = m.nc.SetWriteDeadline(time.Now().Add(patience))
	if _, err := out.WriteTo(m.nc); err != nil {
		m.t.Fatalf("mailer: send: %v", err)
	}
}

// until reads up to the answer tagged tag, or up to a continuation request.
func (m *Mailer) until(tag string, plus bool, each func(*response)) *response {
	m.t.Helper()
	for {
		r := m.response()
		if r.word(0) == tag || plus && r.word(0) == "+" {
			return r
		}
		if each != nil {
			each(r)
		}
	}
}

// response is one response: its text with literals left out, and its parts:
// string, body, or []any for a list.
type response struct {
	text   string
	values []any
}

// body is a string that came as a literal.
type body struct {
	size int64
	sum  string // SHA-256 of its LF form
	data []byte
}

func (r *response) word(i int) string {
	if i >= len(r.values) {
		return ""
	}
	return stringOf(r.values[i])
}

func stringOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case body:
		return string(v.data)
	}
	return ""
}

// bodyOf takes a quoted string for a body as well; NIL is an empty one.
func bodyOf(v any) body {
	if b, ok := v.(body); ok {
		return b
	}
	s, _ := v.(string)
	if s == "NIL" {
		s = ""
	}
	h := newLFHash()
	_, _ = io.WriteString(h, s)
	return body{int64(len(s)), h.Sum(), []byte(s)}
}

// response reads one response. The text of a status response is one word
// after its second: it is for people, and may hold unmatched brackets.
func (m *Mailer) response() *response {
	m.t.Helper()
	r := &response{}
	line, lit := m.line(r, true)
	words := strings.SplitN(line, " ", 3)
	if words[0] == "+" || words[0] != "*" || len(words) > 1 && isStatus(words[1]) {
		for _, w := range words {
			r.values = append(r.values, w)
		}
		return r
	}
	stack := [][]any{nil}
	for {
		for line != "" {
			top := &stack[len(stack)-1]
			switch line[0] {
			case ' ':
				line = line[1:]
			case '(':
				stack = append(stack, []any{})
				line = line[1:]
			case ')':
				if len(stack) == 1 {
					m.t.Fatalf("mailer: unmatched ) in %q", r.text)
				}
				done := *top
				stack = stack[:len(stack)-1]
				stack[len(stack)-1] = append(stack[len(stack)-1], done)
				line = line[1:]
			case '"':
				s, rest := unquote(line)
				*top = append(*top, s)
				line = rest
			default:
				n := wordEnd(line)
				*top = append(*top, line[:n])
				line = line[n:]
			}
		}
		if lit == nil {
			break
		}
		stack[len(stack)-1] = append(stack[len(stack)-1], *lit)
		line, lit = m.line(r, false)
	}
	if len(stack) != 1 {
		m.t.Fatalf("mailer: unmatched ( in %q", r.text)
	}
	r.values = stack[0]
	return r
}

func isStatus(word string) bool {
	switch word {
	case "OK", "NO", "BAD", "BYE", "PREAUTH":
		return true
	}
	return false
}

// wordEnd finds the end of an atom; BODY[HEADER.FIELDS (A B)] is one.
func wordEnd(s string) int {
	depth := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == '[':
			depth++
		case c == ']':
			depth--
		case depth <= 0 && (c == ' ' || c == ')' || c == '('):
			return max(i, 1)
		}
	}
	return len(s)
}

func unquote(s string) (value, rest string) {
	var sb strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			if i++; i < len(s) {
				sb.WriteByte(s[i])
			}
		case '"':
			return sb.String(), s[i+1:]
		default:
			sb.WriteByte(s[i])
		}
	}
	return sb.String(), ""
}

// line reads up to CRLF, and the literal that the line announces, if any. The
// line comes back without the announcement.
func (m *Mailer) line(r *response, first bool) (string, *body) {
	m.t.Helper()
	_ = m.nc.SetReadDeadline(time.Now().Add(patience))
	line, err := m.in.ReadString('\n')
	if err != nil {
		m.t.Fatalf("mailer: read: %v (after %q)", err, line)
	}
	line = strings.TrimRight(line, "\r\n")
	r.text += line
	if first && !strings.HasPrefix(line, "* ") || !strings.HasSuffix(line, "}") {
		return line, nil
	}
	at := strings.LastIndexByte(line, '{')
	if at < 0 {
		return line, nil
	}
	n, err := strconv.ParseInt(line[at+1:len(line)-1], 10, 64)
	if err != nil {
		return line, nil
	}
	h := newLFHash()
	data := bytes.NewBuffer(make([]byte, 0, n))
	for left := n; left > 0; {
		_ = m.nc.SetReadDeadline(time.Now().Add(patience))
		got, err := io.CopyN(io.MultiWriter(h, data), m.in, min(left, 1<<20))
		if err != nil {
			m.t.Fatalf("mailer: read a literal of %d octets: %v", n, err)
		}
		left -= got
	}
	if m.Edit != nil {
		h = newLFHash()
		_, _ = h.Write(m.Edit(data.Bytes()))
	}
	return strings.TrimSuffix(line[:at], "~"), &body{n, h.Sum(), data.Bytes()}
}

// lfHash is the SHA-256 of what is written to it with every CRLF made LF.
type lfHash struct {
	h  hash.Hash
	cr bool // a CR is held back
}

func newLFHash() *lfHash { return &lfHash{h: sha256.New()} }

func (l *lfHash) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		if l.cr && p[0] != '\n' {
			l.h.Write([]byte{'\r'})
		}
		l.cr = false
		at := bytes.IndexByte(p, '\r')
		if at < 0 {
			l.h.Write(p)
			break
		}
		l.h.Write(p[:at])
		l.cr, p = true, p[at+1:]
	}
	return n, nil
}

func (l *lfHash) Sum() string {
	if l.cr {
		l.h.Write([]byte{'\r'})
		l.cr = false
	}
	return hex.EncodeToString(l.h.Sum(nil))
}

// SHA256 is what Message.SHA256 would be for a mail of these octets.
func SHA256(mail []byte) string {
	h := newLFHash()
	_, _ = h.Write(mail)
	return h.Sum()
}
