package wire

import (
	"bufio"
	"bytes"
	"compress/flate"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/emersion/go-imap/v2"

	"github.com/offlineimap/offlineimapd/sync/store"
)

// Options of a connection. The zero value is good.
type Options struct {
	// Progress is how long a read or write may go on without a single octet;
	// 0 stands for 60 s. It is no limit on a command that keeps moving.
	Progress time.Duration
	// TLS, where not nil, starts TLS before the greeting (RFC 8314, section
	// 3.2). A caller that hands over a *tls.Conn instead loses the progress
	// rule for writes, because a TLS write that timed out cannot go on.
	TLS *tls.Config
	// Log receives every line, 'C' for ours and 'S' for the server's, without
	// CRLF; secrets, literals and quoted bodies are blanked, and long lines
	// cut. It is called on whichever goroutine reads or writes. May be nil.
	Log func(dir byte, line string)
}

// Stats counts what a connection did so far.
type Stats struct {
	In, Out int64 // octets on the network, below TLS and compression
	Flights int64 // times something was sent and an answer waited for
	// Skipped counts the responses that could not be read. A listing during
	// which it grew is no proof that a mail or mailbox is gone.
	Skipped int64
}

// Conn is one connection to a server.
type Conn struct {
	link    *link
	tls     *tls.Conn
	log     func(dir byte, line string)
	busy    atomic.Bool           // a method runs
	dead    atomic.Pointer[error] // why it ended
	skipped atomic.Int64
	flights atomic.Int64
	limit   time.Duration // Options.Progress

	// Reading.
	lexer
	on                      Handler // of the oldest unanswered command
	msg                     Fetch
	body                    body
	interned                map[string]imap.Flag
	sectionRaw, sectionName string
	blank                   bool // what the server says now is not for logs
	caps                    imap.CapSet
	capsCount               int
	preauth                 bool
	greeting, bye           string
	alerts                  []string

	// Writing.
	bw  *bufio.Writer
	fw  *flate.Writer // nil: not compressed
	tag int
}

// New takes over nc and reads the greeting (RFC 9051, section 7.1). Where it
// fails, nc is closed. nc.Close must not block.
func New(ctx context.Context, nc net.Conn, o Options) (*Conn, error) {
	c := &Conn{link: &link{Conn: nc}, log: o.Log, interned: make(map[string]imap.Flag)}
	if o.Progress <= 0 {
		o.Progress = time.Minute
	}
	c.limit = o.Progress
	c.link.limit.Store(int64(o.Progress))
	c.streams(c.link, c.link)
	if c.log != nil {
		c.trace = c.logLine
	}
	leave, err := c.enter(ctx)
	if err != nil {
		_ = nc.Close()
		return nil, err
	}
	defer leave()
	if o.TLS != nil {
		if err := c.handshake(ctx, o.TLS); err != nil {
			return nil, c.fail(err)
		}
	}
	c.flights.Add(1)
	if err := c.greet(); err != nil {
		return nil, c.fail(err)
	}
	return c, nil
}

// streams puts the buffers above the given streams.
func (c *Conn) streams(r io.Reader, w io.Writer) {
	c.br = bufio.NewReaderSize(r, readBuffer)
	c.bw = bufio.NewWriterSize(w, writeBuffer)
}

// greet reads the greeting. A tunnel command may say something before it; what
// never greets is no IMAP server, and its first line tells people what it is.
func (c *Conn) greet() error {
	const most = 64
	first := ""
	for range most {
		if err := c.readLine(); err != nil {
			if first != "" && !isTimeout(err) {
				return protocolError("this is no IMAP server: it said %q", first)
			}
			return err
		}
		c.pos = 1
		if c.line = bytes.TrimLeft(c.line, " "); len(c.line) > 0 && c.line[0] == '*' {
			c.spaces()
			switch kind := string(c.upper(c.atom())); kind {
			case "OK", "PREAUTH", "BYE":
				code, arg, text := c.status()
				c.note(kind, code, arg, text)
				c.greeting, c.preauth = text, kind == "PREAUTH"
				if kind == "BYE" {
					return store.Fail(store.Temporary, store.ScopeStore, fmt.Errorf("the server refused the connection: %s", c.bye))
				}
				return nil
			}
		}
		if first == "" {
			first = clean(c.line[:min(len(c.line), 200)])
		}
	}
	return protocolError("this is no IMAP server: it said %q", first)
}

// Caps returns the capabilities that the server announced last; empty where
// they are unknown: it sent none yet, or TLS or a login made the old ones
// void. The set is never changed afterwards.
func (c *Conn) Caps() imap.CapSet { return c.caps }

// Preauth tells whether the greeting was PREAUTH.
func (c *Conn) Preauth() bool { return c.preauth }

// Greeting returns the text of the greeting.
func (c *Conn) Greeting() string { return c.greeting }

// Alerts returns the ALERT texts that came since the last call, fit for
// people (RFC 9051, section 7.1: they must be shown).
func (c *Conn) Alerts() []string {
	a := c.alerts
	c.alerts = nil
	return a
}

// Bye returns the text of the server's BYE, or "".
func (c *Conn) Bye() string { return c.bye }

// Stats returns the counters; it may be called from any goroutine.
func (c *Conn) Stats() Stats {
	return Stats{In: c.link.in.Load(), Out: c.link.out.Load(), Flights: c.flights.Load(), Skipped: c.skipped.Load()}
}

// Err returns why the connection is unusable, or nil.
func (c *Conn) Err() error {
	if p := c.dead.Load(); p != nil {
		return *p
	}
	return nil
}

// Close closes the connection at once, without LOGOUT; it may be called from
// any goroutine, and ends whatever runs.
func (c *Conn) Close() error {
	c.kill(store.Fail(store.Offline, store.ScopeStore, net.ErrClosed))
	return nil
}

// kill ends the connection for a reason, of which the first stays. What lies
// below TLS is closed, as TLS would write a farewell first.
func (c *Conn) kill(reason error) {
	c.dead.CompareAndSwap(nil, &reason)
	_ = c.link.Close()
}

// enter claims the connection for a method until leave is called. The end of ctx
// closes the connection, which ends any read or write.
func (c *Conn) enter(ctx context.Context) (leave func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := c.Err(); err != nil {
		return nil, store.Fail(store.Offline, store.ScopeStore, fmt.Errorf("the connection is closed: %s", err))
	}
	if !c.busy.CompareAndSwap(false, true) {
		return nil, errors.New("the connection is in use")
	}
	stop := context.AfterFunc(ctx, func() { c.kill(ctx.Err()) })
	return func() {
		if !stop() {
			c.kill(ctx.Err()) // it runs, or will; let nobody find the connection alive before
		}
		c.busy.Store(false)
	}, nil
}

// fail ends the connection for an error met on it, and returns the reason
// that it ended for, which may be an earlier one.
func (c *Conn) fail(err error) error {
	c.kill(c.explain(err))
	return c.Err()
}

func (c *Conn) explain(err error) error {
	if h, ok := isHandler(err); ok {
		return h
	}
	var classed *store.Error
	switch {
	case errors.As(err, &classed), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case c.bye != "":
		return store.Fail(store.Temporary, store.ScopeStore, fmt.Errorf("the server closed the connection: %s", c.bye))
	case isTimeout(err):
		// Not wrapped: some timeouts are context.DeadlineExceeded to errors.Is.
		err = fmt.Errorf("no sign of the server for %s", c.limit)
	case err == io.EOF, err == io.ErrUnexpectedEOF:
		err = fmt.Errorf("the server closed the connection: %w", err)
	}
	return store.Fail(store.Offline, store.ScopeStore, err)
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &n) && n.Timeout()
}
