package wire

import (
	"context"
	"crypto/tls"
	"net"
	"time"

	"github.com/emersion/go-imap/v2"
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
type Conn struct{}

// New takes over nc and reads the greeting (RFC 9051, section 7.1). Where it
// fails, nc is closed. nc.Close must not block.
func New(ctx context.Context, nc net.Conn, o Options) (*Conn, error) { return nil, nil }

// Caps returns the capabilities that the server announced last; empty where
// they are unknown: it sent none yet, or TLS or a login made the old ones
// void. The set is never changed afterwards.
func (c *Conn) Caps() imap.CapSet { return nil }

// Preauth tells whether the greeting was PREAUTH.
func (c *Conn) Preauth() bool { return false }

// Greeting returns the text of the greeting.
func (c *Conn) Greeting() string { return "" }

// Alerts returns the ALERT texts that came since the last call, fit for
// people (RFC 9051, section 7.1: they must be shown).
func (c *Conn) Alerts() []string { return nil }

// Bye returns the text of the server's BYE, or "".
func (c *Conn) Bye() string { return "" }

// Stats returns the counters; it may be called from any goroutine.
func (c *Conn) Stats() Stats { return Stats{} }

// Err returns why the connection is unusable, or nil.
func (c *Conn) Err() error { return nil }

// Close closes the connection at once, without LOGOUT; it may be called from
// any goroutine, and ends whatever runs.
func (c *Conn) Close() error { return nil }

// Run sends all commands in one flight, waiting only where a literal needs
// the server's go-ahead, and reads until all are answered. Result[i] is the
// tagged answer to cmds[i]; a NO or BAD is no error of Run. An error says
// that a command cannot be written (nothing was sent then, and the connection
// is as before), that the context had ended before, or that the connection is
// closed: it failed, the context ended, or a handler returned an error, which
// is then the one returned.
func (c *Conn) Run(ctx context.Context, h *Handler, cmds ...*Command) ([]Result, error) {
	return nil, nil
}

// Login logs in with LOGIN (RFC 9051, section 6.2.3). Caps are empty
// afterwards unless the server sent new ones.
func (c *Conn) Login(ctx context.Context, user, pass string) error { return nil }

// SASL is one authentication exchange (RFC 4422), from the client's side.
type SASL interface {
	// Start returns the mechanism and its initial response; nil is none, an
	// empty one is an empty response.
	Start() (mech string, ir []byte, err error)
	// Next answers a challenge. An error aborts the exchange.
	Next(challenge []byte) ([]byte, error)
}

// Authenticate runs a SASL exchange (RFC 9051, section 6.2.2), with the initial
// response in the first line where the server has SASL-IR (RFC 4959). Caps are
// empty afterwards unless the server sent new ones.
func (c *Conn) Authenticate(ctx context.Context, s SASL) error { return nil }

// StartTLS changes over to TLS (RFC 9051, section 6.2.1). Nothing that was read
// before counts afterwards: Caps, Alerts and the greeting are empty. It refuses
// after a PREAUTH greeting, where STARTTLS is impossible, and where
// the server sent anything in the clear behind its OK. After an error other
// than the server's NO or BAD the connection is closed.
func (c *Conn) StartTLS(ctx context.Context, cfg *tls.Config) error { return nil }

// TLS returns the state of the TLS that this package started, or nil.
func (c *Conn) TLS() *tls.ConnectionState { return nil }

// Compress switches COMPRESS=DEFLATE on (RFC 4978).
func (c *Conn) Compress(ctx context.Context) error { return nil }

// Idle runs IDLE (RFC 2177) until wake can be read or is closed, d has
// passed, or the server ends it; handlers run meanwhile. Then the connection is
// ready for the next command. The end of the context closes the connection.
func (c *Conn) Idle(ctx context.Context, h *Handler, d time.Duration, wake <-chan struct{}) error {
	return nil
}
