package wire

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"

	"github.com/offlineimap/offlineimapd/sync/store"
)

const (
	readBuffer = 64 << 10
	// maxLine bounds what a line may take in memory; a longer one costs its
	// response. Those that grow with the mailbox may be longer: ten million scattered UIDs.
	maxLine     = 8 << 20
	maxListLine = 64 << 20
	// maxDiscard bounds what is read of one line only to be dropped.
	maxDiscard = 256 << 20
	// maxLiteral is the largest literal taken for one: IMAP4rev1 numbers end
	// at 4 GiB (RFC 3501, section 9), and a server that announces more is broken.
	maxLiteral = 1<<32 - 1
	// maxString bounds a literal or a value that is kept in memory.
	maxString = 1 << 20
	maxDepth  = 64
)

// errSyntax says that the response cannot be read. It costs the response.
var errSyntax = errors.New("unreadable response")

// lexer reads tokens (RFC 9051, section 9) from one line at a time. line is
// without its line end, and mostly lies in the buffer of br: everything taken
// from it must be copied before the next line or literal is read.
type lexer struct {
	br        *bufio.Reader
	line      []byte
	pos       int
	truncated bool   // line has only the two ends of what came
	long      []byte // backs a line larger than the buffer of br
	scratch   [32]byte
	trace     func(line []byte)
}

// readLine replaces the line by the next one.
func (l *lexer) readLine() error {
	if cap(l.long) > maxString {
		l.long = nil // one long line must not hold its memory for ever
	}
	l.pos, l.truncated = 0, false
	p, err := l.br.ReadSlice('\n')
	if err == bufio.ErrBufferFull {
		p, err = l.readLong(p)
	}
	if err != nil {
		l.line = nil
		return err
	}
	l.line = trimEnd(p)
	if l.trace != nil {
		l.trace(l.line)
	}
	return nil
}

// readLong reads the rest of a line that begins with p.
func (l *lexer) readLong(p []byte) ([]byte, error) {
	limit := lineLimit(p)
	l.long = append(l.long[:0], p...)
	for len(l.long) < limit {
		p, err := l.br.ReadSlice('\n')
		l.long = append(l.long, p...)
		if err != bufio.ErrBufferFull {
			return l.long, err
		}
	}
	// Too long: keep the beginning, which may name one of our tags, and the end,
	// which may announce a literal.
	l.truncated = true
	tail := lastOctets(nil, l.long)
	l.long = append([]byte(nil), l.long[:maxString/4]...)
	for dropped := 0; dropped < maxDiscard; dropped += len(p) {
		var err error
		p, err = l.br.ReadSlice('\n')
		tail = lastOctets(tail, p)
		if err != bufio.ErrBufferFull {
			return append(l.long, tail...), err
		}
	}
	return nil, protocolError("the server sent a line of more than %d octets", maxDiscard)
}

// lastOctets returns the end of tail and p together, long enough for a literal.
func lastOctets(tail, p []byte) []byte {
	const keep = 64
	tail = append(tail, p[max(0, len(p)-keep):]...)
	return tail[max(0, len(tail)-keep):]
}

// lineLimit is how long a line that begins with p may be.
func lineLimit(p []byte) int {
	f := bytes.Fields(p[:min(len(p), 64)])
	if len(f) >= 2 && len(f[0]) == 1 && f[0][0] == '*' {
		switch string(bytes.ToUpper(f[1])) {
		case "SEARCH", "ESEARCH", "VANISHED", "FLAGS":
			return maxListLine
		}
	}
	return maxLine
}

func trimEnd(p []byte) []byte {
	if n := len(p); n > 0 && p[n-1] == '\n' {
		p = p[:n-1]
	}
	if n := len(p); n > 0 && p[n-1] == '\r' {
		p = p[:n-1]
	}
	return p
}

func protocolError(format string, args ...any) error {
	return store.Fail(store.Protocol, store.ScopeStore, fmt.Errorf(format, args...))
}

// peek returns the next octet, 0 at the end of the line.
func (l *lexer) peek() byte {
	if l.pos < len(l.line) {
		return l.line[l.pos]
	}
	return 0
}

func (l *lexer) accept(b byte) bool {
	if l.pos < len(l.line) && l.line[l.pos] == b {
		l.pos++
		return true
	}
	return false
}

func (l *lexer) spaces() {
	for l.pos < len(l.line) && l.line[l.pos] == ' ' {
		l.pos++
	}
}

// rest takes what is left of the line.
func (l *lexer) rest() []byte {
	p := l.line[l.pos:]
	l.pos = len(l.line)
	return p
}

// The octets that end a token. More is allowed than the grammar does, as
// servers send names in UTF-8 or Latin-1 and flags with brackets.
const (
	endsAtom = 1 << iota
	endsFlag
)

var ends = [256]uint8{
	' ': endsAtom | endsFlag, '(': endsAtom | endsFlag, ')': endsAtom | endsFlag,
	'"': endsAtom, '{': endsAtom,
}

func (l *lexer) until(class uint8) []byte {
	start := l.pos
	for l.pos < len(l.line) && ends[l.line[l.pos]]&class == 0 {
		l.pos++
	}
	return l.line[start:l.pos]
}

// atom takes an atom; it may be empty.
func (l *lexer) atom() []byte { return l.until(endsAtom) }

// item takes the name of a FETCH item, with its section (RFC 9051, section 9:
// msg-att-static), which may hold blanks, parentheses and quotes.
func (l *lexer) item() []byte {
	start, depth := l.pos, 0
	for ; l.pos < len(l.line); l.pos++ {
		switch b := l.line[l.pos]; {
		case b == '[':
			depth++
		case b == ']':
			depth--
		case depth <= 0 && ends[b]&endsAtom != 0:
			return l.line[start:l.pos]
		}
	}
	return l.line[start:l.pos]
}

// upper returns p in capitals, cut to the length of any word we know.
func (l *lexer) upper(p []byte) []byte {
	p = p[:min(len(p), len(l.scratch))]
	for i, b := range p {
		if b >= 'a' && b <= 'z' {
			up := l.scratch[:len(p)]
			copy(up, p[:i])
			for ; i < len(p); i++ {
				b := p[i]
				if b >= 'a' && b <= 'z' {
					b -= 'a' - 'A'
				}
				up[i] = b
			}
			return up
		}
	}
	return p
}

// number takes a number up to limit.
func (l *lexer) number(limit uint64) (uint64, error) {
	start := l.pos
	var v uint64
	for ; l.pos < len(l.line); l.pos++ {
		b := l.line[l.pos] - '0'
		if b > 9 {
			break
		}
		if v > (limit-uint64(b))/10 {
			return 0, errSyntax
		}
		v = v*10 + uint64(b)
	}
	if l.pos == start {
		return 0, errSyntax
	}
	return v, nil
}

// quoted takes a quoted string, with its quotes and escapes.
func (l *lexer) quoted() ([]byte, error) {
	for i := l.pos + 1; i < len(l.line); i++ {
		switch l.line[i] {
		case '\\':
			i++
		case '"':
			p := l.line[l.pos : i+1]
			l.pos = i + 1
			return p, nil
		}
	}
	return nil, errSyntax
}

// str takes a string, an atom or NIL.
func (l *lexer) str() (s string, null bool, err error) {
	switch l.peek() {
	case '"':
		p, err := l.quoted()
		if err != nil {
			return "", false, err
		}
		p = p[1 : len(p)-1]
		if bytes.IndexByte(p, '\\') < 0 {
			return string(p), false, nil
		}
		q := make([]byte, 0, len(p))
		for i := 0; i < len(p); i++ {
			if p[i] == '\\' {
				i++
			}
			q = append(q, p[i])
		}
		return string(q), false, nil
	case '{', '~':
		if _, ok, err := l.atLiteral(); ok || err != nil || l.peek() == '{' {
			p, err := l.readLiteral()
			return string(p), false, err
		}
	}
	a := l.atom()
	if len(a) == 0 {
		return "", false, errSyntax
	}
	if len(a) == 3 && bytes.EqualFold(a, []byte("NIL")) {
		return "", true, nil
	}
	return string(a), false, nil
}
