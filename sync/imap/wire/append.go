package wire

import (
	"context"
	"io"
	"time"

	"github.com/emersion/go-imap/v2"
)

// Appender streams mails into one mailbox: as one MULTIAPPEND (RFC 3502) where
// the server has it, all or nothing, else as APPENDs in one flight. The caller
// writes, a goroutine of the Appender reads meanwhile, so that neither side can
// block the other. The connection belongs to the Appender until Finish or Abort.
type Appender struct{}

// Append starts an upload; ahead are commands that go in the same flight
// before it. Nothing is sent before the first Add, or Finish.
func (c *Conn) Append(ctx context.Context, h *Handler, name string, ahead ...*Command) (*Appender, error) {
	return nil, nil
}

// Add sends one mail of exactly size octets. A zero date leaves it to the server.
//
// An error of scope store.ScopeMail left the connection and the other mails
// alone: the mail is empty, which IMAP cannot store (RFC 3502), or a flag is no
// atom. Where the server refused already, the error has class Refused, nothing
// more can be added, and Finish has the answers. After any other error
// the connection is closed: r failed or had not size octets, which is the
// only way not to store half a mail; what was added before may be stored then,
// unless it was one MULTIAPPEND.
func (a *Appender) Add(flags []imap.Flag, date time.Time, size int64, r io.Reader) error { return nil }

// Multi tells whether this is one MULTIAPPEND.
func (a *Appender) Multi() bool { return false }

// Appended is the answer for one mail.
type Appended struct {
	Result            // of its APPEND; the same for all in a MULTIAPPEND
	Validity uint32   // UIDVALIDITY, 0: the server did not say
	UID      imap.UID // 0: the server did not say
}

// Finish ends the command and returns the answer for each Add without error of its
// own, in order, and those to the commands ahead. With an error it is not known
// what was stored, and the connection is closed.
func (a *Appender) Finish() (mails []Appended, ahead []Result, err error) { return nil, nil, nil }

// Abort gives up: nothing of an APPEND that is not complete is stored. The
// connection is closed unless nothing was sent. After Finish it does nothing.
func (a *Appender) Abort() {}
