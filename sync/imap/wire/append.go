package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/emersion/go-imap/v2"

	"github.com/offlineimap/offlineimapd/sync/store"
)

// Appender streams mails into one mailbox: as one MULTIAPPEND (RFC 3502) where
// the server has it, all or nothing, else as APPENDs in one flight. The caller
// writes, a goroutine of the Appender reads meanwhile, so that neither side can
// block the other. The connection belongs to the Appender until Finish or Abort.
type Appender struct {
	c     *Conn
	h     *Handler
	ahead []*Command
	name  string
	multi bool
	caps  imap.CapSet // as they were: the reader may change the connection's
	leave func()      // nil: ended
	err   error       // the connection is closed for this
	w     io.Writer   // the connection's buffer, or compression above it
	buf   []byte      // a small mail, or what is between a mail and compression
	small bytes.Reader

	f        *flight // nil: nothing was sent
	commands []int   // of each mail, the index of its command in f
	line     int     // index of the command whose line is not ended, or -1

	// Shared with the reader.
	current  atomic.Int64  // the command under way
	answered atomic.Int64  // the last one that was answered while it was current
	last     atomic.Bool   // nothing more will be sent
	goOn     chan struct{} // the server's go-ahead
	early    chan struct{} // answered was stored
	done     chan struct{}
	readErr  error // valid when done is closed
}

// Append starts an upload; ahead are commands that go in the same flight
// before it. Nothing is sent before the first Add, or Finish.
func (c *Conn) Append(ctx context.Context, h *Handler, name string, ahead ...*Command) (*Appender, error) {
	for _, k := range append(ahead[:len(ahead):len(ahead)], newCommand(str(name))) {
		if k.err != nil {
			return nil, k.err
		}
	}
	leave, err := c.enter(ctx)
	if err != nil {
		return nil, err
	}
	_, multi := c.caps[imap.CapMultiAppend]
	return &Appender{c: c, h: h, ahead: ahead, name: name, multi: multi, caps: c.caps, leave: leave, line: -1}, nil
}

// Multi tells whether this is one MULTIAPPEND.
func (a *Appender) Multi() bool { return a.multi }

// Add sends one mail of exactly size octets. A zero date leaves it to the server.
//
// An error of scope store.ScopeMail left the connection and the other mails
// alone: the mail is empty, which IMAP cannot store (RFC 3502), a flag is no
// atom, or a mail below 32 kB could not be read as announced. Where the server
// refused a MULTIAPPEND already, the error has class Refused and scope
// ScopeFolder, nothing more can be added, and Finish has the answers. After any
// other error the connection is closed: it failed, or r failed or had not size
// octets, and that is the only way not to store half a mail; what was added
// before may be stored then, unless it was one MULTIAPPEND. Where the server
// refuses, r may be left unread.
func (a *Appender) Add(flags []imap.Flag, date time.Time, size int64, r io.Reader) error {
	if a.err != nil || a.leave == nil {
		return a.ended()
	}
	head, err := a.head(flags, date, size)
	if err != nil {
		return err
	}
	if r, err = a.whole(r, size); err != nil {
		return err
	}
	if err := a.begin(); err != nil {
		return a.fail(err)
	}
	if a.multi && a.line >= 0 && a.refused() || a.multi && a.line < 0 && len(a.commands) > 0 {
		return store.Fail(store.Refused, store.ScopeFolder, errors.New("append: the server refused already"))
	}
	if err := a.add(head, size, r); err != nil {
		return a.fail(err)
	}
	return nil
}

func (a *Appender) ended() error {
	if a.err != nil {
		return a.err
	}
	return errors.New("append: ended already")
}

// head is what comes before the literal of a mail.
func (a *Appender) head(flags []imap.Flag, date time.Time, size int64) (string, error) {
	var err error
	s := ""
	if len(flags) > 0 {
		if s, err = flagList(flags); err != nil {
			return "", store.Fail(store.Local, store.ScopeMail, fmt.Errorf("append: %w", err))
		}
		s = " " + s
	}
	if size <= 0 {
		return "", store.Fail(store.Refused, store.ScopeMail, errors.New("append: IMAP cannot store an empty mail"))
	}
	if size > maxLiteral {
		return "", store.Fail(store.Refused, store.ScopeMail, fmt.Errorf("append: a mail of %d octets is too large for IMAP", size))
	}
	if y := date.UTC().Year(); !date.IsZero() && y > 0 && y <= 9999 {
		s += ` "` + date.Format(dateLayout) + `"`
	}
	return s, nil
}

// begin writes the commands ahead and starts the reader.
func (a *Appender) begin() error {
	if a.f != nil {
		return nil
	}
	c := a.c
	a.w = c.bw
	if c.fw != nil {
		a.w = c.fw
		if a.buf == nil {
			a.buf = make([]byte, copyBuffer)
		}
	}
	a.f = c.newFlight(a.h, a.ahead)
	a.done, a.goOn, a.early = make(chan struct{}), make(chan struct{}, 1), make(chan struct{}, 1)
	a.current.Store(-1)
	a.answered.Store(-1)
	out := c.encode(a.f)
	var err error
	if len(out.cuts) > 0 { // a literal that the server must allow: not in the same flight
		err = c.fly(a.f, out)
	} else {
		_, err = a.w.Write(out.text)
	}
	if err != nil {
		a.readErr = err
		close(a.done)
		return err
	}
	c.link.setPatient(true) // we are the one who keeps the other waiting
	go a.read()
	return nil
}

// read reads until all is answered and nothing more will be sent.
func (a *Appender) read() {
	defer close(a.done)
	for !a.last.Load() || !a.f.complete() {
		ev, n, err := a.c.respond(a.f)
		switch {
		case err != nil:
			a.readErr = err
			_ = a.c.link.Close() // ends a write under way
			return
		case ev == evContinue:
			notify(a.goOn)
		case ev == evAnswer && int64(n) == a.current.Load():
			a.answered.Store(int64(n))
			notify(a.early)
		}
	}
}

func notify(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// refused tells whether the command under way was answered before its end.
func (a *Appender) refused() bool { return a.answered.Load() == a.current.Load() }

// add writes one mail, and before it what its command needs. Where the server
// answers before a literal it had to allow, the command is over; where it does so
// in the middle of one it did not, it still reads that to the end of the
// line (RFC 7888, section 4).
func (a *Appender) add(head string, size int64, r io.Reader) error {
	if a.line < 0 || !a.multi {
		if err := a.endLine(); err != nil {
			return err
		}
		ok, err := a.command()
		a.commands = append(a.commands, a.line)
		if !ok {
			a.line = -1
			return err
		}
	} else {
		a.commands = append(a.commands, a.line)
	}
	mark, direct := "}\r\n", nonSync(a.caps, size)
	if direct {
		mark = "+}\r\n"
	}
	announce := head + " {" + strconv.FormatInt(size, 10)
	if a.c.log != nil {
		a.c.sent(announce + "}")
	}
	if _, err := io.WriteString(a.w, announce+mark); err != nil {
		return err
	}
	if !direct {
		if ok, err := a.goAhead(); !ok {
			a.line = -1
			return err
		}
	}
	return a.copy(r, size)
}

// command begins an APPEND. ok is false where the server did not let it go on.
func (a *Appender) command() (ok bool, err error) {
	a.c.tag++
	a.line = int(a.f.issued.Load())
	a.current.Store(int64(a.line))
	a.f.issued.Add(1)
	tag := tagOf(a.f.first + a.line)
	if a.c.log != nil {
		a.c.sent(tag + " " + newCommand(text("APPEND "), str(a.name)).forLog())
	}
	line := []byte(tag + " APPEND ")
	if quotable(a.name) {
		_, err = a.w.Write(appendQuoted(line, a.name))
		return err == nil, err
	}
	direct := nonSync(a.caps, int64(len(a.name)))
	line = strconv.AppendInt(append(line, '{'), int64(len(a.name)), 10)
	if direct {
		line = append(line, '+')
	}
	if _, err := a.w.Write(append(line, "}\r\n"...)); err != nil {
		return false, err
	}
	if !direct {
		if ok, err := a.goAhead(); !ok {
			return false, err
		}
	}
	_, err = io.WriteString(a.w, a.name)
	return err == nil, err
}

// goAhead waits for the server to allow a literal (RFC 9051, section 4.3).
func (a *Appender) goAhead() (bool, error) {
	select {
	case <-a.goOn: // of something before
	default:
	}
	if err := a.c.flush(); err != nil {
		return false, err
	}
	a.c.flights.Add(1)
	a.c.link.setPatient(false)
	defer a.c.link.setPatient(true)
	for !a.refused() {
		select {
		case <-a.goOn:
			return true, nil
		case <-a.early: // perhaps the answer to a command before
		case <-a.done:
			return false, a.readErr
		}
	}
	return false, nil
}

// endLine ends the line of the command under way.
func (a *Appender) endLine() error {
	if a.line < 0 {
		return nil
	}
	a.line = -1
	_, err := io.WriteString(a.w, "\r\n")
	return err
}
