package strip

import (
	"bytes"
	"io"
	"strings"
)

// Fields are the names of header fields to leave out. Nil leaves out none.
type Fields struct {
	names map[string]bool // in lower case
	most  int             // octets at the start of a line that decide about it
}

// blanks is how much white space between a name and its colon is looked past: old
// mails have some (RFC 5322, section 4.5).
const blanks = 64

// New returns the fields of some names, in any case; nil where there are none.
func New(names ...string) *Fields {
	f := &Fields{names: map[string]bool{}}
	for _, n := range names {
		if n = strings.ToLower(strings.TrimSpace(n)); n != "" {
			f.names[n] = true
			f.most = max(f.most, len(n)+blanks)
		}
	}
	if len(f.names) == 0 {
		return nil
	}
	return f
}

// Has tells whether a field is left out.
func (f *Fields) Has(name string) bool { return f != nil && f.names[strings.ToLower(name)] }

// Reader gives what r gives without the fields, each with the lines that continue
// it. Lines may end in CRLF or in LF.
//
// The header ends at the first empty line, or before the first line that is
// neither a field nor a continuation, as of there nobody can tell header from text;
// a line with which a mailbox file begins a mail may stand before it.
func (f *Fields) Reader(r io.Reader) io.Reader {
	if f == nil {
		return r
	}
	return &reader{f: f, r: r, first: true}
}

// where a reader is.
type where byte

const (
	atStart where = iota // of a line, or in the name with which it begins
	inLine               // behind the name
	inBody               // behind the header
)

type reader struct {
	f     *Fields
	r     io.Reader
	buf   []byte // read from r
	out   []byte // to give
	err   error  // what r said at last
	where where
	drop  bool // the field under way is left out
	first bool // no line has ended yet
	// The start of a line about which it is not decided yet.
	held  []byte
	long  bool // it is longer than any name to leave out, and was given already
	blank bool // the name has ended
}

func (r *reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(r.out) == 0 {
		if r.err != nil {
			return 0, r.err
		}
		if r.where == inBody {
			return r.r.Read(p)
		}
		if r.buf == nil {
			r.buf = make([]byte, 4<<10)
		}
		n, err := r.r.Read(r.buf)
		if n == 0 && err == nil {
			return 0, nil
		}
		r.out = r.out[:0]
		r.take(r.buf[:n])
		if r.err = err; err != nil {
			r.give(r.held)
			r.held = nil
		}
	}
	n := copy(p, r.out)
	r.out = r.out[n:]
	return n, nil
}

func (r *reader) give(b []byte) { r.out = append(r.out, b...) }

// take decides about a piece of the header.
func (r *reader) take(b []byte) {
	for len(b) > 0 {
		switch r.where {
		case inBody:
			r.give(b)
			return
		case inLine:
			n := bytes.IndexByte(b, '\n') + 1
			ended := n > 0
			if !ended {
				n = len(b)
			}
			if !r.drop {
				r.give(b[:n])
			}
			if b = b[n:]; ended {
				r.begin()
			}
		default:
			r.name(b[0])
			b = b[1:]
		}
	}
}

// begin is before a line.
func (r *reader) begin() {
	r.where, r.first = atStart, false
	r.held, r.long, r.blank = r.held[:0], false, false
}

// name takes an octet of the start of a line.
func (r *reader) name(c byte) {
	empty := len(r.held) == 0 && !r.long
	r.held = append(r.held, c)
	white := c == ' ' || c == '\t'
	switch {
	case !empty && r.held[0] == '\r':
		r.turn(inBody, false) // LF: the empty line; else the text begins with a CR
	case empty && white:
		r.turn(inLine, r.drop && !r.first) // it continues the field
	case c == ':' && !empty:
		name := bytes.TrimRight(r.held[:len(r.held)-1], " \t")
		r.turn(inLine, !r.long && r.f.names[string(bytes.ToLower(name))])
	case white && r.first && !r.blank && (string(r.held) == "From " || string(r.held) == ">From "):
		r.turn(inLine, false)
	case white:
		r.blank = true
	case c == '\r' && empty:
	case c > ' ' && c < 0x7f && c != ':' && !r.blank:
	default:
		r.turn(inBody, false)
	}
	if r.where == atStart && len(r.held) > r.f.most {
		r.give(r.held)
		r.held, r.long = r.held[:0], true
	}
}

// turn gives or drops what was held, and goes on elsewhere.
func (r *reader) turn(to where, drop bool) {
	if !drop {
		r.give(r.held)
	}
	r.held = r.held[:0]
	r.where, r.drop = to, drop
}
