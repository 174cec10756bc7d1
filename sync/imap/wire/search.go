package wire

import (
	"bytes"
	"math"

	"github.com/emersion/go-imap/v2"
)

// search takes a SEARCH response (RFC 9051, section 7.3, and for MODSEQ RFC 7162,
// section 3.1.5).
func (c *Conn) search() error {
	s := Search{UID: true}
	for sorted := true; ; {
		c.spaces()
		if c.pos == len(c.line) {
			if !sorted {
				s.Set = normalSet(s.Set)
			}
			break
		}
		if c.accept('(') {
			if string(c.upper(c.atom())) != "MODSEQ" {
				return errSyntax
			}
			c.spaces()
			var err error
			if s.ModSeq, err = c.number(math.MaxInt64); err != nil || !c.accept(')') {
				return errSyntax
			}
			continue
		}
		v, err := c.number(math.MaxUint32)
		if err != nil || v == 0 {
			return errSyntax
		}
		if b := c.peek(); b != ' ' && b != '(' && c.pos < len(c.line) {
			return errSyntax
		}
		u := imap.UID(v)
		sorted = appendRange(&s.Set, u, u) && sorted
	}
	if c.on.Search != nil {
		c.on.Search(&s)
	}
	return nil
}

// esearch takes an ESEARCH response (RFC 9051, section 7.3.4; RFC 4731).
func (c *Conn) esearch(f *flight) error {
	var s Search
	on := c.on.Search
	c.spaces()
	if c.accept('(') { // search-correlator
		c.spaces()
		if string(c.upper(c.atom())) != "TAG" {
			return errSyntax
		}
		c.spaces()
		tag, _, err := c.str()
		if err != nil {
			return err
		}
		c.spaces()
		if !c.accept(')') {
			return errSyntax
		}
		if h := f.byTag(tag); h != nil && h.Search != nil {
			on = h.Search
		}
	}
	for {
		c.spaces()
		if c.pos == len(c.line) {
			break
		}
		if err := c.esearchItem(&s); err != nil {
			return err
		}
	}
	if on != nil {
		on(&s)
	}
	return nil
}

func (c *Conn) esearchItem(s *Search) error {
	var v uint64
	var err error
	word := c.upper(c.atom())
	name := string(word)
	if name == "UID" {
		s.UID = true
		return nil
	}
	if len(bytes.TrimSpace(word)) == 0 {
		return errSyntax
	}
	c.spaces()
	switch name {
	case "ALL":
		s.Set, err = parseSet(c.atom())
	case "COUNT":
		v, err = c.number(math.MaxUint32)
		s.HasCount, s.Count = true, uint32(v)
	case "MIN":
		v, err = c.number(math.MaxUint32)
		s.Min = uint32(v)
	case "MAX":
		v, err = c.number(math.MaxUint32)
		s.Max = uint32(v)
	case "MODSEQ":
		s.ModSeq, err = c.number(math.MaxInt64)
	default:
		_, err = c.value()
	}
	return err
}
