package wire

import (
	"bufio"
	"compress/flate"
	"context"
	"crypto/tls"
	"errors"
	"fmt"

	"github.com/offlineimap/offlineimapd/sync/store"
)

// StartTLS changes over to TLS (RFC 9051, section 6.2.1). Nothing that was read
// before counts afterwards: Caps, Alerts and the greeting are empty. It refuses
// after a PREAUTH greeting, where STARTTLS is impossible, and where
// the server sent anything in the clear behind its OK. After an error other
// than the server's NO or BAD the connection is closed.
func (c *Conn) StartTLS(ctx context.Context, cfg *tls.Config) error {
	leave, err := c.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	if c.preauth || c.tls != nil || c.fw != nil {
		// RFC 9051, section 11.1: whoever sits between can make a server's greeting
		// a PREAUTH to keep TLS away.
		return c.fail(store.Fail(store.Safety, store.ScopeStore,
			errors.New("starttls: the server claims that this connection is logged in or encrypted already")))
	}
	r, err := c.single("STARTTLS")
	if err != nil {
		return c.fail(err)
	}
	if err := r.Err(); err != nil {
		return fmt.Errorf("starttls: %w", err)
	}
	if c.br.Buffered() > 0 {
		return c.fail(store.Fail(store.Safety, store.ScopeStore,
			errors.New("starttls: something was put into the connection before TLS began")))
	}
	c.caps, c.alerts, c.greeting, c.bye = nil, nil, "", ""
	c.capsCount++
	if err := c.handshake(ctx, cfg); err != nil {
		return c.fail(err)
	}
	return nil
}

// single runs one command without a handler.
func (c *Conn) single(name string) (Result, error) {
	f := c.newFlight(nil, []*Command{newCommand(text(name))})
	err := c.fly(f, c.encode(f))
	return f.results[0], err
}

// handshake puts TLS above the link.
func (c *Conn) handshake(ctx context.Context, cfg *tls.Config) error {
	c.flights.Add(1)
	t := tls.Client(&bufferedLink{link: c.link, br: bufio.NewReaderSize(c.link, readBuffer)}, cfg)
	if err := t.HandshakeContext(ctx); err != nil {
		var cert *tls.CertificateVerificationError
		var header tls.RecordHeaderError
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.As(err, &cert), errors.As(err, &header):
			// What to do about it is for who knows the options.
			return store.Fail(store.Config, store.ScopeStore, err)
		}
		return err
	}
	c.tls = t
	c.streams(t, t)
	return nil
}

// TLS returns the state of the TLS that this package started, or nil.
func (c *Conn) TLS() *tls.ConnectionState {
	if c.tls == nil {
		return nil
	}
	s := c.tls.ConnectionState()
	return &s
}

// Compress switches COMPRESS=DEFLATE on (RFC 4978). A refusal leaves the
// connection as it was.
func (c *Conn) Compress(ctx context.Context) error {
	leave, err := c.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	if c.fw != nil {
		return errors.New("compress: compressed already")
	}
	r, err := c.single("COMPRESS DEFLATE")
	if err != nil {
		return c.fail(err)
	}
	if err := r.Err(); err != nil {
		return fmt.Errorf("compress: %w", err)
	}
	// What is buffered behind the answer is compressed already; flate reads from
	// the old buffer octet by octet, and no further than it must.
	c.br = bufio.NewReaderSize(flate.NewReader(c.br), readBuffer)
	c.fw, err = flate.NewWriter(c.bw, flate.BestSpeed)
	return err
}
