package wire

import (
	"math"
	"strings"

	"github.com/emersion/go-imap/v2"
)

func imapUID(v uint64) imap.UID { return imap.UID(v) }

// statusData takes a STATUS response (RFC 9051, section 7.3.4). An item that
// cannot be read is left unsaid; it does not cost the others.
func (c *Conn) statusData() error {
	c.spaces()
	name, err := c.mailbox()
	if err != nil {
		return err
	}
	c.spaces()
	if !c.accept('(') {
		return errSyntax
	}
	s := Status{Mailbox: name, Size: -1, AppendLimit: -1}
	for {
		c.spaces()
		if c.accept(')') {
			break
		}
		item := strings.ToUpper(string(c.atom()))
		if item == "" {
			return errSyntax
		}
		c.spaces()
		text, err := c.value()
		if err != nil {
			return err
		}
		s.set(item, text)
	}
	if c.on.Status != nil {
		c.on.Status(&s)
	}
	return nil
}

func (s *Status) set(item, text string) {
	if item == "MAILBOXID" {
		s.MailboxID = strings.Trim(text, "()")
		return
	}
	l := lexer{line: []byte(text)}
	v, err := l.number(math.MaxInt64)
	if err != nil || l.pos < len(l.line) {
		return
	}
	switch item {
	case "HIGHESTMODSEQ":
		s.HighestModSeq = v
	case "SIZE":
		s.Size = int64(v)
	case "APPENDLIMIT":
		s.AppendLimit = int64(v)
	}
	if v > math.MaxUint32 {
		return
	}
	switch item {
	case "MESSAGES":
		s.HasMessages, s.Messages = true, uint32(v)
	case "UNSEEN":
		s.HasUnseen, s.Unseen = true, uint32(v)
	case "UIDNEXT":
		s.UIDNext = imap.UID(v)
	case "UIDVALIDITY":
		s.UIDValidity = uint32(v)
	}
}

func syntaxOr(err error) error {
	if err != nil {
		return err
	}
	return errSyntax
}

// knownAttrs has the spelling of go-imap's constants by lower case.
var knownAttrs = func() map[string]imap.MailboxAttr {
	m := make(map[string]imap.MailboxAttr)
	for _, a := range []imap.MailboxAttr{
		imap.MailboxAttrNonExistent, imap.MailboxAttrNoInferiors, imap.MailboxAttrNoSelect,
		imap.MailboxAttrHasChildren, imap.MailboxAttrHasNoChildren, imap.MailboxAttrMarked,
		imap.MailboxAttrUnmarked, imap.MailboxAttrSubscribed, imap.MailboxAttrRemote,
		imap.MailboxAttrAll, imap.MailboxAttrArchive, imap.MailboxAttrDrafts, imap.MailboxAttrFlagged,
		imap.MailboxAttrJunk, imap.MailboxAttrSent, imap.MailboxAttrTrash, imap.MailboxAttrImportant,
	} {
		m[strings.ToLower(string(a))] = a
	}
	return m
}()

// list takes a LIST response (RFC 9051, section 7.3.1; RFC 5258, section 6).
func (c *Conn) list(lsub bool) error {
	c.spaces()
	flags, err := c.flags(nil)
	if err != nil {
		return err
	}
	l := List{Lsub: lsub}
	for _, f := range flags {
		a, ok := knownAttrs[strings.ToLower(string(f))]
		if !ok {
			a = imap.MailboxAttr(f)
		}
		l.Attrs = append(l.Attrs, a)
	}
	c.spaces()
	delim, _, err := c.str()
	if err != nil {
		return err
	}
	if delim != "" { // some servers write "" for none
		l.Delim = delim[0]
	}
	c.spaces()
	if l.Mailbox, err = c.mailbox(); err != nil {
		return err
	}
	c.spaces()
	if c.peek() == '(' {
		if err := c.listExtended(&l); err != nil {
			return err
		}
	}
	if c.spaces(); c.pos < len(c.line) {
		return errSyntax // a name with blanks without quotes: which part is it?
	}
	if c.on.List != nil {
		c.on.List(&l)
	}
	return nil
}

// mailbox takes the name of a mailbox, which may well be NIL.
func (c *Conn) mailbox() (string, error) {
	if b := c.peek(); b == '"' || b == '{' {
		name, _, err := c.str()
		return name, err
	}
	p := c.atom()
	if len(p) == 0 {
		return "", errSyntax
	}
	return string(p), nil
}

// listExtended takes the extended data items behind the name.
func (c *Conn) listExtended(l *List) error {
	c.pos++
	for {
		c.spaces()
		if c.accept(')') {
			return nil
		}
		tag, _, err := c.str()
		if err != nil {
			return err
		}
		c.spaces()
		if strings.EqualFold(tag, "OLDNAME") && c.accept('(') {
			if l.OldName, _, err = c.str(); err == nil && !c.accept(')') {
				err = errSyntax
			}
		} else {
			_, err = c.value()
		}
		if err != nil {
			return err
		}
	}
}
