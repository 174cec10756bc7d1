package wire

import (
	"strings"

	"github.com/emersion/go-imap/v2"
)

// namespace takes a NAMESPACE response (RFC 2342, section 5).
func (c *Conn) namespace() error {
	var n imap.NamespaceData
	for _, dst := range []*[]imap.NamespaceDescriptor{&n.Personal, &n.Other, &n.Shared} {
		c.spaces()
		if !c.accept('(') {
			if _, null, err := c.str(); err != nil || !null {
				return syntaxOr(err)
			}
			continue
		}
		for c.spaces(); !c.accept(')'); c.spaces() {
			if !c.accept('(') {
				return errSyntax
			}
			prefix, _, err := c.str()
			if err != nil {
				return err
			}
			c.spaces()
			delim, _, err := c.str()
			if err != nil {
				return err
			}
			d := imap.NamespaceDescriptor{Prefix: prefix}
			if delim != "" {
				d.Delim = rune(delim[0])
			}
			*dst = append(*dst, d)
			for c.spaces(); !c.accept(')'); c.spaces() { // extensions
				if _, err := c.value(); err != nil {
					return err
				}
			}
		}
	}
	if c.on.Namespace != nil {
		c.on.Namespace(&n)
	}
	return nil
}

// id takes an ID response (RFC 2971, section 3.2).
func (c *Conn) id() error {
	fields := make(map[string]string)
	c.spaces()
	if !c.accept('(') {
		if _, null, err := c.str(); err != nil || !null {
			return syntaxOr(err)
		}
	} else {
		for c.spaces(); !c.accept(')'); c.spaces() {
			k, _, err := c.str()
			if err != nil {
				return err
			}
			c.spaces()
			v, _, err := c.str()
			if err != nil {
				return err
			}
			fields[strings.ToLower(k)] = v
		}
	}
	if c.on.ID != nil {
		c.on.ID(fields)
	}
	return nil
}
