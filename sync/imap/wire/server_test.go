package wire

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// peer is the server's end of a scripted conversation.
type peer struct {
	t  *testing.T
	nc net.Conn
	r  *bufio.Reader
}

// line reads a command and returns its tag and the rest.
func (p *peer) line() (tag, rest string) {
	l, err := p.r.ReadString('\n')
	if err != nil {
		return "", ""
	}
	tag, rest, _ = strings.Cut(strings.TrimRight(l, "\r\n"), " ")
	return tag, rest
}

// want reads a command, which must be this, and returns its tag.
func (p *peer) want(cmd string) string {
	p.t.Helper()
	tag, got := p.line()
	if got != cmd {
		p.t.Errorf("the client sent %q, want %q", got, cmd)
	}
	return tag
}

// octets reads n octets.
func (p *peer) octets(n int) string {
	b := make([]byte, n)
	if _, err := io.ReadFull(p.r, b); err != nil {
		p.t.Errorf("reading %d octets: %v", n, err)
	}
	return string(b)
}

func (p *peer) say(format string, args ...any) {
	if len(args) > 0 {
		format = fmt.Sprintf(format, args...)
	}
	_, _ = io.WriteString(p.nc, format)
}

// quiet waits until the client closes the connection.
func (p *peer) quiet() { _, _ = io.Copy(io.Discard, p.r) }

// dialScript starts a server that runs script for one connection, and dials it.
func dialScript(t *testing.T, script func(p *peer)) net.Conn {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		nc, err := ln.Accept()
		if err != nil {
			return
		}
		defer nc.Close()
		script(&peer{t: t, nc: nc, r: bufio.NewReader(nc)})
	}()
	nc, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		nc.Close()
		ln.Close()
		<-over
	})
	return nc
}

// scripted returns a connection to a server that greets with caps and runs script.
func scripted(t *testing.T, caps string, script func(p *peer)) *Conn {
	return scriptedWith(t, Options{Progress: 10 * time.Second}, caps, script)
}

func scriptedWith(t *testing.T, o Options, caps string, script func(p *peer)) *Conn {
	t.Helper()
	nc := dialScript(t, func(p *peer) {
		p.say("* OK [CAPABILITY IMAP4rev1 %s] ready\r\n", caps)
		script(p)
	})
	c, err := New(context.Background(), nc, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// answering is a script that sends data, and OK, for the first command, and OK to
// all others.
func answering(data string) func(p *peer) {
	return func(p *peer) {
		for {
			tag, _ := p.line()
			if tag == "" {
				return
			}
			p.say("%s", data)
			p.say("%s OK done\r\n", tag)
			data = ""
		}
	}
}

// run runs commands that must be answered with OK.
func run(t *testing.T, c *Conn, h *Handler, cmds ...*Command) []Result {
	t.Helper()
	rs, err := c.Run(context.Background(), h, cmds...)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range rs {
		if err := r.Err(); err != nil {
			t.Fatalf("%s: %v", cmds[i].forLog(), err)
		}
	}
	return rs
}
