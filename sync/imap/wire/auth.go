package wire

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/emersion/go-imap/v2"

	"github.com/offlineimap/offlineimapd/sync/store"
)

// SASL is one authentication exchange (RFC 4422), from the client's side.
type SASL interface {
	// Start returns the mechanism and its initial response; nil is none, an
	// empty one is an empty response.
	Start() (mech string, ir []byte, err error)
	// Next answers a challenge. An error aborts the exchange.
	Next(challenge []byte) ([]byte, error)
}

// Login logs in with LOGIN (RFC 9051, section 6.2.3). Caps are empty
// afterwards unless the server sent new ones.
func (c *Conn) Login(ctx context.Context, user, pass string) error {
	if c.caps.Has(imap.CapLoginDisabled) {
		return store.Fail(store.Config, store.ScopeStore,
			errors.New("login: the server takes no password in the clear on this connection (LOGINDISABLED)"))
	}
	before := c.capsCount
	r, err := c.Run(ctx, nil, newCommand(text("LOGIN "),
		part{text: user, str: true, secret: true}, text(" "), part{text: pass, str: true, secret: true}))
	if err != nil {
		return fmt.Errorf("login: %w", err)
	}
	return c.loggedIn("login", r[0], before)
}

// Authenticate runs a SASL exchange (RFC 9051, section 6.2.2), with the initial
// response in the first line where the server has SASL-IR (RFC 4959). Caps are
// empty afterwards unless the server sent new ones. A server may say OK before
// the exchange is over: a mechanism that proves the server must be asked
// afterwards whether it did.
func (c *Conn) Authenticate(ctx context.Context, s SASL) error {
	mech, ir, err := s.Start()
	if err != nil {
		return store.Fail(store.Auth, store.ScopeStore, fmt.Errorf("authenticate: %w", err))
	}
	what := "authenticate with " + mech
	k := newCommand(text("AUTHENTICATE " + mech))
	if ir != nil && c.caps.Has(imap.CapSASLIR) {
		k.parts = append(k.parts, text(" "), part{text: initial(ir), secret: true})
		ir = nil
	}
	if k.err != nil {
		return k.err
	}
	leave, err := c.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	before := c.capsCount
	c.blank = true
	defer func() { c.blank = false }()
	f := c.newFlight(nil, []*Command{k})
	refusal, err := c.exchange(f, s, ir)
	if err != nil {
		return fmt.Errorf("%s: %w", what, c.fail(err))
	}
	if refusal != nil {
		err := store.Fail(store.Auth, store.ScopeStore, fmt.Errorf("%s: %w", what, refusal))
		if f.results[0].OK() {
			return c.fail(err) // the server let in someone who does not trust it
		}
		return err
	}
	return c.loggedIn(what, f.results[0], before)
}

// exchange sends the command and answers challenges until the server is done.
// refusal is the mechanism's own error, after which the exchange was aborted.
func (c *Conn) exchange(f *flight, s SASL, ir []byte) (refusal, err error) {
	say := func(p []byte) error {
		c.flights.Add(1)
		if err := c.write(p); err != nil {
			return c.lastWords(f, err)
		}
		return nil
	}
	if err := say(c.encode(f).text); err != nil {
		return nil, err
	}
	for !f.complete() {
		ev, _, err := c.respond(f)
		if err != nil {
			return refusal, err
		}
		if ev != evContinue {
			continue
		}
		answer := ir
		if ir != nil {
			ir = nil
		} else {
			var challenge []byte
			challenge, err = base64.StdEncoding.AppendDecode(nil, bytes.TrimSpace(c.line[1:]))
			if err == nil {
				answer, err = s.Next(challenge)
			}
		}
		line := base64.StdEncoding.AppendEncode(nil, answer) // empty stays empty
		if err != nil {
			if refusal == nil {
				refusal = err
			}
			line = []byte("*")
		}
		c.sent(blanked)
		if err := say(append(line, "\r\n"...)); err != nil {
			return refusal, err
		}
	}
	return refusal, nil
}

// initial encodes an initial response; the empty one is "=" (RFC 4959, section 3).
func initial(ir []byte) string {
	if len(ir) == 0 {
		return "="
	}
	return base64.StdEncoding.EncodeToString(ir)
}

// loggedIn forgets what the server could do before (RFC 9051, section 6.2) and
// classes a refusal.
func (c *Conn) loggedIn(what string, r Result, before int) error {
	if r.OK() {
		if c.capsCount == before {
			c.caps = nil
		}
		return nil
	}
	err := r.Err()
	class := store.ClassOf(err)
	if class == store.Refused {
		class = store.Auth
	}
	return store.Fail(class, store.ScopeStore, fmt.Errorf("%s: %w", what, err))
}
