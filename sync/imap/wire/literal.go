package wire

import (
	"bufio"
	"errors"
	"io"

	"github.com/offlineimap/offlineimapd/sync/store"
)

// errLength ends the reading of a body that is followed by what cannot follow it:
// the server announced a wrong length, so the octets are not the mail's.
var errLength = store.Fail(store.Protocol, store.ScopeMail,
	errors.New("the server announced a wrong length for this mail"))

var errStale = errors.New("a body was read after its handler returned")

// body reads one literal from the connection's buffer.
type body struct {
	br    *bufio.Reader
	n     int64
	err   error // sticky: io.EOF at the proper end, errLength, or of the connection
	stale bool
}

// end looks at what follows the literal: the next item, or the end of the list
// (RFC 9051, section 9: msg-att).
func (b *body) end() error {
	p, err := b.br.Peek(1)
	switch {
	case err != nil:
		b.err = unexpected(err)
	case p[0] != ' ' && p[0] != ')':
		b.err = errLength
	default:
		b.err = io.EOF
	}
	return b.err
}

func (b *body) Read(p []byte) (int, error) {
	if b.stale {
		return 0, errStale
	}
	if b.err != nil {
		return 0, b.err
	}
	if b.n == 0 {
		return 0, b.end()
	}
	if int64(len(p)) > b.n {
		p = p[:b.n]
	}
	n, err := b.br.Read(p)
	if b.n -= int64(n); err != nil {
		b.err = unexpected(err)
	}
	return n, b.err
}

// WriteTo writes what is left straight from the connection's buffer.
func (b *body) WriteTo(w io.Writer) (total int64, err error) {
	if b.stale {
		return 0, errStale
	}
	for b.err == nil && b.n > 0 {
		if b.br.Buffered() == 0 {
			if _, err := b.br.Peek(1); err != nil {
				b.err = unexpected(err)
				break
			}
		}
		p, _ := b.br.Peek(int(min(b.n, int64(b.br.Buffered()))))
		n, err := w.Write(p)
		if n < 0 || n > len(p) {
			return total, errors.New("invalid count from Write")
		}
		total += int64(n)
		b.n -= int64(n)
		_, _ = b.br.Discard(n) // cannot fail: the octets are buffered
		if err == nil && n < len(p) {
			err = io.ErrShortWrite
		}
		if err != nil {
			return total, err
		}
	}
	if b.err == nil {
		_ = b.end()
	}
	if b.err == io.EOF {
		return total, nil
	}
	return total, b.err
}

// drain drops what is left.
func (b *body) drain() error {
	b.stale = true
	if b.err != nil && b.err != io.EOF && b.err != errLength {
		return b.err
	}
	return discard(b.br, b.n)
}

func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
