package wire

import (
	"io"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
)

// Handler receives untagged data while a method runs, in the order it came, on
// the goroutine that called the method (with an Appender on its reading
// goroutine, and never after Finish or Abort has returned). Nil fields are
// skipped. Pointers are valid during the call only. Handlers must not call
// methods of the Conn other than Caps, Stats and Close.
type Handler struct {
	// Fetch is called at the end of a FETCH response that could be read whole.
	Fetch func(f *Fetch) error
	// Body is called for each BODY[section], BINARY[section] or RFC822 item as
	// it streams. f holds what came before it in the response: where the server
	// puts UID behind the body, UID is still 0, and Fetch follows with it. r
	// gives exactly size octets and is an io.WriterTo, so that io.Copy writes
	// straight from the connection's buffer; r fails instead of ending where the
	// response does not go on properly behind them (the server announced a
	// wrong length). What is left unread is dropped. section is what stood
	// between the brackets, in capitals, with "<n>" behind it for a partial
	// one; "" is the whole mail. An item that is NIL gives no call.
	Body func(f *Fetch, section string, size int64, r io.Reader) error
	// Vanished is RFC 7162, section 3.2.10.
	Vanished func(set imap.UIDSet, earlier bool)
	Expunge  func(seq uint32)
	Exists   func(n uint32)
	Status   func(s *Status)
	List     func(l *List)   // LIST, LSUB and XLIST
	Search   func(s *Search) // SEARCH and ESEARCH; a server may split its answer
	// Flags has the flags of FLAGS, or with permanent those of PERMANENTFLAGS.
	Flags func(flags []imap.Flag, permanent bool)
	// Code has every response code of untagged status responses, in capitals,
	// with what follows it: [UIDVALIDITY n], [UIDNEXT n], [HIGHESTMODSEQ n] …
	// Those of tagged answers are in Result.
	Code func(code, arg string)
	// Text has the untagged OK, NO, BAD and BYE.
	Text      func(kind, code, text string)
	Enabled   func(caps imap.CapSet)
	Namespace func(n *imap.NamespaceData)
	ID        func(fields map[string]string) // keys in lower case
}

// Fetch is one FETCH response, or its beginning.
type Fetch struct {
	Seq      uint32
	UID      imap.UID // 0: not said, or not yet
	HasFlags bool
	Flags    []imap.Flag // as the server writes them
	ModSeq   uint64      // 0: not said
	Size     int64       // RFC822.SIZE, -1: not said
	Date     time.Time   // INTERNALDATE in UTC; zero: not said, or unreadable
	// Other has the items without a field of their own, as written, by their
	// name in capitals.
	Other map[string]string
}

// Status is one STATUS response. What the server did not say is 0, or has
// its Has unset.
type Status struct {
	Mailbox       string
	HasMessages   bool
	Messages      uint32
	HasUnseen     bool
	Unseen        uint32
	UIDNext       imap.UID
	UIDValidity   uint32
	HighestModSeq uint64
	Size          int64  // octets, -1: not said (RFC 8438)
	AppendLimit   int64  // octets, -1: none said (RFC 7889)
	MailboxID     string // RFC 8474
}

// List is one LIST, LSUB or XLIST response.
type List struct {
	Attrs   []imap.MailboxAttr // known ones in go-imap's spelling
	Delim   byte               // 0: none
	Mailbox string             // octets as received
	OldName string             // RFC 5465, section 5.8, and RFC 9051, section 6.3.9.7
	Lsub    bool
}

// Has tells whether the mailbox has an attribute, whatever its case.
func (l *List) Has(a imap.MailboxAttr) bool {
	return slices.ContainsFunc(l.Attrs, func(b imap.MailboxAttr) bool {
		return strings.EqualFold(string(a), string(b))
	})
}

// over returns h with the fields that it leaves nil taken from base.
func (h *Handler) over(base *Handler) Handler {
	switch {
	case h == nil && base == nil:
		return Handler{}
	case h == nil:
		return *base
	case base == nil:
		return *h
	}
	m := *h
	if m.Fetch == nil {
		m.Fetch = base.Fetch
	}
	if m.Body == nil {
		m.Body = base.Body
	}
	if m.Vanished == nil {
		m.Vanished = base.Vanished
	}
	if m.Expunge == nil {
		m.Expunge = base.Expunge
	}
	if m.Exists == nil {
		m.Exists = base.Exists
	}
	if m.Status == nil {
		m.Status = base.Status
	}
	if m.List == nil {
		m.List = base.List
	}
	if m.Search == nil {
		m.Search = base.Search
	}
	if m.Flags == nil {
		m.Flags = base.Flags
	}
	if m.Code == nil {
		m.Code = base.Code
	}
	if m.Text == nil {
		m.Text = base.Text
	}
	if m.Enabled == nil {
		m.Enabled = base.Enabled
	}
	if m.Namespace == nil {
		m.Namespace = base.Namespace
	}
	if m.ID == nil {
		m.ID = base.ID
	}
	return m
}

// Search is one SEARCH or ESEARCH (RFC 4731) response.
type Search struct {
	Set      imap.UIDSet // ascending; sequence numbers where UID is unset
	UID      bool        // always for SEARCH, which does not say
	HasCount bool
	Count    uint32
	Min, Max uint32
	ModSeq   uint64
}
