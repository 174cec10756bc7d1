package testenv

import (
	"bytes"
	"strconv"
	"strings"
)

// dialogue is what the proxy knows of the IMAP session on a link, fed by both
// directions in whatever pieces arrive.
type dialogue struct {
	opaque bool // compressed or encrypted from here on: nothing can be seen

	// from the client
	line    []byte // the line that is not complete yet
	literal int64  // octets of a literal to come
	command *command
	synced  bool // the literal to come waits for a continuation request

	// from the server
	answer  []byte
	body    int64 // octets of a literal to come
	inside  bool  // the next line continues a response
	waiting []*command
	held    *held
}

// command is a command without its answer.
type command struct {
	n      int64
	tag    string
	text   string // the lines so far, a NUL for each literal
	fault  fault
	faulty bool
}

// held is the answer of a command with a fault, kept back.
type held struct {
	data    []byte
	at, len int // of the largest literal
}

// fromClient forwards what the client sent, command by command where a fault
// or a hook wants it. It returns false where the link was cut.
func (l *link) fromClient(b []byte) bool {
	d := &l.talk
	for len(b) > 0 {
		l.mu.Lock()
		if d.opaque {
			l.mu.Unlock()
			l.up.send(b)
			return true
		}
		if d.literal > 0 {
			n := min(d.literal, int64(len(b)))
			d.literal -= n
			d.synced = false
			l.mu.Unlock()
			l.up.send(b[:n])
			b = b[n:]
			continue
		}
		at := bytes.IndexByte(b, '\n')
		if at < 0 {
			d.line = append(d.line, b...)
			l.mu.Unlock()
			return true
		}
		line := append(d.line, b[:at+1]...)
		d.line = nil
		b = b[at+1:]
		first := d.command == nil
		if first {
			d.command = newCommand(line)
		}
		c := d.command
		l.mu.Unlock()
		if !l.commandLine(c, line, first) {
			return false
		}
	}
	return true
}

// newCommand recognises the first line of a command: a tag and a word. Anything
// else is the answer to a continuation request (DONE, SASL), and gets number 0.
func newCommand(line []byte) *command {
	tag, rest, ok := strings.Cut(string(bytes.TrimRight(line, "\r\n")), " ")
	if !ok || tag == "" || rest == "" {
		return &command{}
	}
	return &command{n: -1, tag: tag}
}

// commandLine takes one line of a command, its first or one after a literal.
func (l *link) commandLine(c *command, line []byte, first bool) bool {
	d := &l.talk
	text := strings.TrimRight(string(line), "\r\n")
	var hook func(int, string)
	if first && c.n != 0 {
		c.n, c.fault, c.faulty, hook = l.p.next()
	}
	size, plus, isLiteral := literalAtEnd(text)
	bare := text
	if isLiteral {
		bare = text[:strings.LastIndexByte(text, '{')]
	}
	if c.n != 0 {
		if hook != nil {
			hook(int(c.n), bare)
		}
		if c.faulty && first && c.fault.where == Before {
			l.p.strike(c.fault)
			l.cut()
			return false
		}
		if name := l.p.without.used(c.text, text); name != "" {
			l.p.blame("proxy: the client used %s, which the server does not announce: %s%s", name, c.text, text)
			l.down.send([]byte(c.tag + " BAD Unknown command or argument\r\n"))
			if isLiteral || !first {
				// What follows cannot be told from commands.
				l.down.end()
				return false
			}
			l.mu.Lock()
			d.command = nil
			l.mu.Unlock()
			return true
		}
	}
	l.mu.Lock()
	c.text += bare
	if isLiteral {
		c.text += "\x00"
	}
	if first && c.n != 0 {
		d.waiting = append(d.waiting, c)
		l.holdLocked()
	}
	d.literal, d.synced = size, isLiteral && !plus
	if !isLiteral {
		d.command = nil
	}
	l.mu.Unlock()
	l.up.send(line)
	return true
}

// literalAtEnd finds {n}, {n+} or {n-} at the end of a line.
func literalAtEnd(line string) (size int64, plus, ok bool) {
	rest, ok := strings.CutSuffix(line, "}")
	at := strings.LastIndexByte(rest, '{')
	if !ok || at < 0 {
		return 0, false, false
	}
	digits := rest[at+1:]
	if d, ok := strings.CutSuffix(digits, "+"); ok {
		digits, plus = d, true
	}
	size, err := strconv.ParseInt(digits, 10, 63)
	return size, plus, err == nil
}

// holdLocked begins to keep back answers when the next one is that of a
// command with a fault.
func (l *link) holdLocked() {
	d := &l.talk
	if d.held == nil && len(d.waiting) > 0 && d.waiting[0].faulty {
		d.held = &held{}
	}
}

// fromServer forwards what the server said, as fromClient does.
func (l *link) fromServer(b []byte) bool {
	d := &l.talk
	for len(b) > 0 {
		l.mu.Lock()
		switch {
		case d.opaque:
			l.mu.Unlock()
			l.down.send(b)
			return true
		case d.body > 0:
			n := min(d.body, int64(len(b)))
			d.body -= n
			l.passLocked(b[:n])
			b = b[n:]
			continue
		}
		at := bytes.IndexByte(b, '\n')
		if at < 0 {
			d.answer = append(d.answer, b...)
			l.mu.Unlock()
			return true
		}
		line := b[:at+1]
		if len(d.answer) > 0 {
			line = append(d.answer, line...)
			d.answer = nil
		}
		b = b[at+1:]
		if !l.answerLineLocked(line) {
			return false
		}
	}
	return true
}

// passLocked forwards or keeps back octets, and unlocks.
func (l *link) passLocked(b []byte) {
	if h := l.talk.held; h != nil {
		h.data = append(h.data, b...)
		l.mu.Unlock()
		return
	}
	l.mu.Unlock()
	l.down.send(b)
}

// answerLineLocked takes one line from the server, and unlocks. It returns
// false where the link ends.
func (l *link) answerLineLocked(line []byte) bool {
	d := &l.talk
	starts := !d.inside
	word, rest, _ := bytes.Cut(line, []byte(" "))
	if starts && string(word) == "+" && d.held != nil {
		// The client must see it, or nothing goes on.
		data := d.held.data
		d.held.data, d.held.len = nil, 0
		l.mu.Unlock()
		l.down.send(append(data, line...))
		return true
	}
	if starts {
		line = l.p.without.edit(line)
		if len(line) == 0 {
			l.mu.Unlock()
			return true
		}
	}
	if !starts || string(word) == "*" && !isStatusLine(rest) {
		size, _, ok := literalAtEnd(string(bytes.TrimRight(line[max(0, len(line)-32):], "\r\n")))
		d.body, d.inside = size, ok
		if h := d.held; h != nil && ok && int(size) >= h.len {
			h.at, h.len = len(h.data)+len(line), int(size)
		}
	} else if string(word) != "*" && string(word) != "+" {
		return l.taggedLocked(string(word), line)
	}
	l.passLocked(line)
	return true
}

func isStatusLine(rest []byte) bool {
	word, _, _ := strings.Cut(strings.TrimRight(string(rest[:min(len(rest), 10)]), "\r\n"), " ")
	return isStatus(word)
}

// taggedLocked takes a tagged answer, carries out a fault, and unlocks.
func (l *link) taggedLocked(tag string, line []byte) bool {
	d := &l.talk
	var c *command
	for i, w := range d.waiting {
		if w.tag == tag {
			c = w
			d.waiting = append(d.waiting[:i:i], d.waiting[i+1:]...)
			break
		}
	}
	if c == nil {
		l.passLocked(line)
		return true
	}
	if d.command == c && d.synced {
		// The server refused the literal: the client does not send it.
		d.command, d.literal, d.synced = nil, 0, false
	}
	if !c.faulty {
		verb, _, _ := strings.Cut(strings.ToUpper(strings.TrimPrefix(c.text, c.tag+" ")), " ")
		if (verb == "COMPRESS" || verb == "STARTTLS") && bytes.HasPrefix(line[len(tag):], []byte(" OK")) {
			d.opaque = true
		}
		data := line
		if d.held != nil { // answers out of order: this one is not to be lost
			data = append(d.held.data, line...)
			d.held.data, d.held.len = nil, 0
		}
		l.holdLocked()
		l.mu.Unlock()
		l.down.send(data)
		return true
	}
	h := d.held
	if h == nil {
		h = &held{}
	}
	d.held = nil
	l.mu.Unlock()
	if c.fault.where == Inside {
		all := append(h.data, line...)
		end := len(all) / 2
		if h.len > 0 {
			end = h.at + h.len/2
		}
		l.down.send(all[:end])
	}
	l.p.strike(c.fault)
	l.finish()
	return false
}

// finish ends the link when the client has got what is on its way.
func (l *link) finish() {
	l.down.end()
	l.server.Close()
}
