package main

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"time"
)

// loader fills mailboxes by MULTIAPPEND (RFC 3502), thousands of mails a second.
type loader struct {
	e  *env
	nc net.Conn
	in *bufio.Reader
	w  *bufio.Writer
	n  int
}

func newLoader(e *env, addr, user, pass string) *loader {
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		e.Fatalf("load: %v", err)
	}
	l := &loader{e: e, nc: nc, in: bufio.NewReader(nc), w: bufio.NewWriterSize(nc, 1<<20)}
	if _, err := l.in.ReadString('\n'); err != nil {
		e.Fatalf("load: greeting: %v", err)
	}
	l.command("LOGIN %s %s", user, pass)
	return l
}

func (l *loader) command(format string, args ...any) {
	l.n++
	fmt.Fprintf(l.w, "a%d "+format+"\r\n", append([]any{l.n}, args...)...)
	l.answer(fmt.Sprintf(format, args...))
}

func (l *loader) answer(what string) {
	if err := l.w.Flush(); err != nil {
		l.e.Fatalf("load: %v", err)
	}
	_ = l.nc.SetDeadline(time.Now().Add(5 * time.Minute))
	for {
		line, err := l.in.ReadString('\n')
		if err != nil {
			l.e.Fatalf("load: %.100s: %v", what, err)
		}
		if rest, ok := strings.CutPrefix(line, fmt.Sprintf("a%d ", l.n)); ok {
			if !strings.HasPrefix(rest, "OK") {
				l.e.Fatalf("load: %.100s: %s", what, rest)
			}
			return
		}
	}
}

// batch is how many mails one MULTIAPPEND carries.
const batch = 500

// fill appends n mails to a mailbox, and makes it first.
func (l *loader) fill(name string, n int, next func() message) {
	if name != "INBOX" {
		l.command("CREATE %s", name)
	}
	for n > 0 {
		l.n++
		fmt.Fprintf(l.w, "a%d APPEND %s", l.n, name)
		for range min(n, batch) {
			m := next()
			fmt.Fprintf(l.w, " (%s) %q {%d+}\r\n", strings.Join(m.flags, " "), m.date.Format("_2-Jan-2006 15:04:05 -0700"), len(m.body))
			l.w.Write(m.body)
			n--
		}
		l.w.WriteString("\r\n")
		l.answer("APPEND " + name)
	}
}

func (l *loader) close() {
	l.command("LOGOUT")
	l.nc.Close()
}
