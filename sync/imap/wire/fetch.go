package wire

import (
	"bytes"
	"io"
	"math"
	"strings"
	"time"
)

// fetch takes a FETCH response (RFC 9051, section 7.5.2). Items are read in any
// order, known or not; Body gets its octets while the response is read.
func (c *Conn) fetch(seq uint32) error {
	c.spaces()
	if !c.accept('(') {
		return errSyntax
	}
	f := &c.msg
	clear(f.Other)
	*f = Fetch{Seq: seq, Size: -1, Flags: f.Flags[:0], Other: f.Other}
	for {
		c.spaces()
		if c.accept(')') {
			break
		}
		p := c.item()
		if len(p) == 0 {
			return errSyntax
		}
		c.spaces()
		if err := c.fetchItem(f, p); err != nil {
			return err
		}
	}
	if c.on.Fetch != nil {
		if err := c.on.Fetch(f); err != nil {
			return handlerError{err}
		}
	}
	return nil
}

func (c *Conn) fetchItem(f *Fetch, p []byte) (err error) {
	var v uint64
	switch word := c.upper(p); string(word) {
	case "UID":
		v, err = c.number(math.MaxUint32)
		f.UID = imapUID(v)
	case "FLAGS":
		f.HasFlags = true
		f.Flags, err = c.flags(f.Flags)
	case "MODSEQ": // RFC 7162, section 3.1.4.2
		open := c.accept('(')
		f.ModSeq, err = c.number(math.MaxInt64)
		if err == nil && open && !c.accept(')') {
			err = errSyntax
		}
	case "RFC822.SIZE":
		if c.peek() == '-' { // Exchange and others, for mails they cannot render
			_, err = c.value()
			break
		}
		v, err = c.number(math.MaxInt64)
		f.Size = int64(v)
	case "INTERNALDATE":
		var s string
		if s, _, err = c.str(); err == nil {
			f.Date = parseDate(s)
		}
	case "RFC822":
		return c.bodyItem(f, "")
	case "RFC822.HEADER":
		return c.bodyItem(f, "HEADER")
	case "RFC822.TEXT":
		return c.bodyItem(f, "TEXT")
	default:
		if i := bytes.IndexByte(p, '['); i > 0 && !bytes.HasPrefix(word, []byte("BINARY.SIZE")) {
			return c.bodyItem(f, c.section(p[i+1:]))
		}
		name := strings.ToUpper(string(p))
		var s string
		if s, err = c.value(); err == nil {
			if f.Other == nil {
				f.Other = make(map[string]string)
			}
			f.Other[name] = s
		}
	}
	return err
}

// section returns what stands between the brackets, of which p is all behind
// the first, without allocating for the same one again.
func (c *Conn) section(p []byte) string {
	if string(p) == "]" {
		return ""
	}
	if string(p) != c.sectionRaw {
		c.sectionRaw = string(p)
		s := strings.ToUpper(c.sectionRaw)
		if i := strings.LastIndexByte(s, ']'); i >= 0 {
			s = s[:i] + s[i+1:]
		}
		c.sectionName = s
	}
	return c.sectionName
}

// bodyItem hands out the octets of a body.
func (c *Conn) bodyItem(f *Fetch, section string) error {
	n, ok, err := c.atLiteral()
	if err != nil {
		return err
	}
	if !ok {
		quoted := c.peek() == '"'
		s, null, err := c.str()
		if err == nil && !quoted && !null {
			err = errSyntax
		}
		if err != nil || null || c.on.Body == nil {
			return err
		}
		if err := c.on.Body(f, section, int64(len(s)), strings.NewReader(s)); err != nil {
			return handlerError{err}
		}
		return nil
	}
	c.body = body{br: c.br, n: n}
	if c.on.Body != nil {
		err = c.on.Body(f, section, n, &c.body)
	}
	bad := c.body.err == errLength
	if err := c.body.drain(); err != nil {
		return err // of the connection, whatever the handler made of it
	}
	if err != nil && !bad {
		return handlerError{err}
	}
	if err := c.readLine(); err != nil {
		return unexpected(err)
	}
	if bad || c.truncated {
		return errSyntax
	}
	return nil
}

var _ io.WriterTo = (*body)(nil)

// parseDate reads an INTERNALDATE (RFC 9051, section 9: date-time); what cannot
// be one is the zero time.
func parseDate(s string) time.Time {
	t, err := time.Parse(dateLayout, s)
	if err != nil || t.Year() < 1 {
		return time.Time{}
	}
	return t.UTC()
}

const dateLayout = "_2-Jan-2006 15:04:05 -0700"
