package wire

import (
	"errors"
	"math"
	"strings"

	"github.com/emersion/go-imap/v2"
)

// An event is what one response means to whoever waits.
type event int

const (
	evData     event = iota // untagged, or nothing to us
	evContinue              // a continuation request
	evAnswer                // a tagged answer to a command of the flight
)

// handlerError is an error of the caller's own handler.
type handlerError struct{ error }

func (e handlerError) Unwrap() error { return e.error }

// respond reads one response and hands out its data. With evAnswer, n is the
// index of the command in the flight. An error ends the connection.
func (c *Conn) respond(f *flight) (ev event, n int, err error) {
	if err := c.readLine(); err != nil {
		return evData, 0, err
	}
	switch c.peek() {
	case '*':
		err := c.untagged(f)
		if err == errSyntax || err == nil && c.pos < len(c.line) {
			// What is left behind a good response is dropped without a word: blanks,
			// or an extension.
			if err != nil {
				c.skippedOne()
			}
			err = c.skip()
		}
		return evData, 0, err
	case '+':
		return evContinue, 0, nil
	case tagLetter:
		switch n, err := c.answer(f); {
		case err != nil:
			c.skippedOne()
			return evData, 0, nil
		case n >= 0:
			return evAnswer, n, nil
		}
		return evData, 0, nil // late, and nobody waits for it any more
	}
	if len(c.line) > 0 {
		c.skippedOne()
	}
	return evData, 0, c.skip()
}

// answer takes a tagged answer (RFC 9051, section 7.1). It returns the index of
// the command in the flight, or -1 for none that waits.
func (c *Conn) answer(f *flight) (int, error) {
	c.pos++
	tag, err := c.number(math.MaxInt32)
	if err != nil || !c.accept(' ') {
		return -1, errSyntax
	}
	c.spaces()
	kind := string(c.upper(c.atom()))
	switch kind {
	case "OK", "NO", "BAD":
	default:
		return -1, errSyntax
	}
	n := int(tag) - f.first
	if !f.open(n) {
		return -1, nil
	}
	r := Result{Kind: kind}
	r.Code, r.Arg, r.Text = c.status()
	c.note(kind, r.Code, r.Arg, r.Text)
	f.done(n, r)
	c.on = f.handler()
	return n, nil
}

// untagged takes one untagged response (RFC 9051, section 7). errSyntax says
// that it cannot be read, and leaves its rest.
func (c *Conn) untagged(f *flight) error {
	if c.truncated {
		return errSyntax
	}
	c.pos = 1
	c.spaces()
	var num uint32
	if b := c.peek(); b >= '0' && b <= '9' {
		v, err := c.number(math.MaxUint32)
		if err != nil {
			return err
		}
		num = uint32(v)
		c.spaces()
	}
	word := c.upper(c.atom())
	switch string(word) {
	case "FETCH":
		return c.fetch(num)
	case "EXISTS":
		if c.on.Exists != nil {
			c.on.Exists(num)
		}
	case "EXPUNGE":
		if c.on.Expunge != nil {
			c.on.Expunge(num)
		}
	case "VANISHED":
		return c.vanished()
	case "OK", "NO", "BAD", "BYE", "PREAUTH":
		c.statusResponse(string(word))
	case "CAPABILITY":
		c.setCaps(string(c.rest()))
	case "ENABLED":
		caps := parseCaps(string(c.rest()))
		if c.on.Enabled != nil {
			c.on.Enabled(caps)
		}
	case "FLAGS":
		c.spaces()
		flags, err := c.flags(nil)
		if err != nil {
			return err
		}
		if c.on.Flags != nil {
			c.on.Flags(flags, false)
		}
	case "STATUS":
		return c.statusData()
	case "LIST", "XLIST":
		return c.list(false)
	case "LSUB":
		return c.list(true)
	case "SEARCH":
		return c.search()
	case "ESEARCH":
		return c.esearch(f)
	case "NAMESPACE":
		return c.namespace()
	case "ID":
		return c.id()
	case "":
		return errSyntax
	}
	return nil // RECENT, and what nobody asked for
}

// statusResponse takes an untagged status response.
func (c *Conn) statusResponse(kind string) {
	code, arg, text := c.status()
	c.note(kind, code, arg, text)
	if code == "PERMANENTFLAGS" && c.on.Flags != nil {
		var flags []imap.Flag
		for _, s := range strings.Fields(strings.Trim(arg, " ()")) {
			flags = append(flags, c.intern([]byte(s)))
		}
		c.on.Flags(flags, true)
	}
	if code != "" && c.on.Code != nil {
		c.on.Code(code, arg)
	}
	if c.on.Text != nil {
		c.on.Text(kind, code, text)
	}
}

func (c *Conn) skippedOne() {
	c.skipped.Add(1)
	if c.log != nil {
		c.log('S', "(the response above cannot be read, and is left out)")
	}
}

// flags takes a list of flags into dst. Flags are read up to the next blank or
// parenthesis, whatever servers put there; NIL is an empty list.
func (c *Conn) flags(dst []imap.Flag) ([]imap.Flag, error) {
	if !c.accept('(') {
		if string(c.upper(c.atom())) == "NIL" {
			return dst, nil
		}
		return dst, errSyntax
	}
	for {
		c.spaces()
		if c.accept(')') {
			return dst, nil
		}
		p := c.until(endsFlag)
		if len(p) == 0 {
			return dst, errSyntax
		}
		if len(p) == 1 && p[0] == '\\' {
			continue // no flag
		}
		dst = append(dst, c.intern(p))
	}
}

// intern returns the flag with these octets, without allocating for one seen before.
func (c *Conn) intern(p []byte) imap.Flag {
	if f, ok := c.interned[string(p)]; ok {
		return f
	}
	const most, longest = 4096, 128
	f := imap.Flag(p)
	if len(p) <= longest && len(c.interned) < most {
		c.interned[string(f)] = f
	}
	return f
}

// vanished is RFC 7162, section 3.2.10.
func (c *Conn) vanished() error {
	c.spaces()
	earlier := false
	if c.accept('(') {
		word := c.upper(c.atom())
		if string(word) != "EARLIER" || !c.accept(')') {
			return errSyntax
		}
		earlier = true
		c.spaces()
	}
	set, err := parseSet(c.atom())
	if err != nil {
		return err
	}
	if c.on.Vanished != nil {
		c.on.Vanished(set, earlier)
	}
	return nil
}

// isHandler tells whether err came from a handler, and returns that.
func isHandler(err error) (error, bool) {
	var h handlerError
	if errors.As(err, &h) {
		return h.error, true
	}
	return nil, false
}
