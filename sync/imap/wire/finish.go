package wire

import (
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/emersion/go-imap/v2"

	"github.com/offlineimap/offlineimapd/sync/store"
)

const copyBuffer = 32 << 10

// source remembers the error of the reader that it stands before, which io.Copy
// mixes with those of the writer.
type source struct {
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// sourceError is a failure of the mail, not of the connection.
type sourceError struct{ error }

func (e sourceError) Unwrap() error { return e.error }

// whole reads a mail that is small enough before it is announced, so that one
// that cannot be read costs nothing else.
func (a *Appender) whole(r io.Reader, size int64) (io.Reader, error) {
	if size >= copyBuffer {
		return r, nil
	}
	if a.buf == nil {
		a.buf = make([]byte, copyBuffer)
	}
	n, err := io.ReadFull(r, a.buf[:size+1])
	switch {
	case err == nil:
		return nil, wrongSize(store.ScopeMail, "more than", size)
	case err != io.EOF && err != io.ErrUnexpectedEOF:
		return nil, store.Fail(store.ClassOf(err), store.ScopeMail, fmt.Errorf("append: reading the mail: %w", err))
	case int64(n) != size:
		return nil, wrongSize(store.ScopeMail, "less than", size)
	}
	a.small.Reset(a.buf[:n])
	return &a.small, nil
}

// copy writes a mail. Its last octet is held back until the mail is known to
// end there: with less than the announced octets nothing can be stored.
func (a *Appender) copy(r io.Reader, size int64) error {
	if r == &a.small {
		_, err := a.small.WriteTo(a.w)
		return err
	}
	s := &source{r: r}
	n, err := io.CopyBuffer(a.w, io.LimitReader(s, size-1), a.buf)
	if s.err != nil {
		return s.failed()
	}
	if err != nil {
		return err
	}
	var tail [2]byte
	k, err := io.ReadFull(s, tail[:])
	switch {
	case s.err != nil:
		return s.failed()
	case n == size-1 && k == 2:
		return sourceError{wrongSize(store.ScopeFolder, "more than", size)}
	case k != 1 || err == nil:
		return sourceError{wrongSize(store.ScopeFolder, "less than", size)}
	}
	_, err = a.w.Write(tail[:1])
	return err
}

func (s *source) failed() error {
	return sourceError{store.Fail(store.ClassOf(s.err), store.ScopeFolder, fmt.Errorf("append: reading the mail: %w", s.err))}
}

func wrongSize(scope store.Scope, how string, size int64) error {
	return store.Fail(store.Local, scope, fmt.Errorf("append: the mail has %s the %d octets it was said to have", how, size))
}

// Appended is the answer for one mail.
type Appended struct {
	Result            // of its APPEND; the same for all in a MULTIAPPEND
	Validity uint32   // UIDVALIDITY, 0: the server did not say
	UID      imap.UID // 0: the server did not say
}

// Finish ends the command and returns the answer for each Add without error of its
// own, in order, and those to the commands ahead. With an error it is not known
// what was stored, and the connection is closed.
func (a *Appender) Finish() (mails []Appended, ahead []Result, err error) {
	if a.err != nil || a.leave == nil {
		return nil, nil, a.ended()
	}
	if a.f == nil {
		return a.finishEmpty()
	}
	if err := a.finish(); err != nil {
		return nil, nil, a.fail(err)
	}
	<-a.done
	if a.readErr != nil {
		return nil, nil, a.fail(a.readErr)
	}
	a.end()
	return a.answers(), a.f.results[:len(a.ahead)], nil
}

// finishEmpty runs what goes ahead of no mail.
func (a *Appender) finishEmpty() ([]Appended, []Result, error) {
	f := a.c.newFlight(a.h, a.ahead)
	err := a.c.fly(f, a.c.encode(f))
	if err != nil {
		err = a.c.fail(err)
	}
	a.end()
	return nil, f.results, err
}

// finish sends the end of the last command. Where that was answered too early,
// or has no line to end, no more answers may be due: a NOOP shows where they end.
func (a *Appender) finish() error {
	noop := a.line < 0 || a.refused()
	if noop {
		a.f.issued.Add(1)
	}
	a.last.Store(true)
	if !noop && a.refused() {
		// Answered since. The reader is done, or waits for more; the NOOP ends both,
		// and an answer that nobody reads now is dropped in the next flight.
		noop = true
		a.f.issued.Add(1)
	}
	if err := a.endLine(); err != nil {
		return err
	}
	if noop {
		a.c.tag++
		tag := tagOf(a.c.tag)
		if a.c.log != nil {
			a.c.sent(tag + " NOOP")
		}
		if _, err := io.WriteString(a.w, tag+" NOOP\r\n"); err != nil {
			return err
		}
	}
	a.c.flights.Add(1)
	if err := a.c.flush(); err != nil {
		return err
	}
	a.c.link.setPatient(false)
	return nil
}

// answers puts together what the server said of each mail.
func (a *Appender) answers() []Appended {
	mails := make([]Appended, len(a.commands))
	for i, n := range a.commands {
		mails[i].Result = a.f.results[n]
		validity, uids, ok := mails[i].AppendUID()
		switch {
		case !mails[i].OK() || !ok:
		case a.multi && len(uids) == len(a.commands):
			mails[i].Validity, mails[i].UID = validity, uids[i]
		case !a.multi && len(uids) == 1:
			mails[i].Validity, mails[i].UID = validity, uids[0]
		}
	}
	return mails
}

// Abort gives up: nothing of an APPEND that is not complete is stored. The
// connection is closed unless nothing was sent. After Finish it does nothing.
func (a *Appender) Abort() {
	if a.err != nil || a.leave == nil {
		return
	}
	if a.f != nil {
		_ = a.fail(sourceError{store.Fail(store.Cancelled, store.ScopeStore, errors.New("append: given up"))})
		return
	}
	a.end()
}

// fail closes the connection, waits for the reader, and returns why it all ended.
func (a *Appender) fail(err error) error {
	var own sourceError
	if errors.As(err, &own) {
		a.c.kill(own.error)
	} else {
		select {
		case <-a.done:
		default: // a write failed, and the reader may be about to hear why
			a.c.link.hurry()
			t := time.AfterFunc(2*time.Second, func() { _ = a.c.link.Close() })
			defer t.Stop()
		}
	}
	<-a.done
	if a.readErr != nil {
		// The reader closes the connection under a writer, which fails of that.
		if _, ok := isHandler(a.readErr); ok || errors.Is(err, net.ErrClosed) {
			err = a.readErr
		}
	}
	a.err = a.c.fail(err)
	a.end()
	return a.err
}

func (a *Appender) end() {
	a.c.link.setPatient(false)
	a.leave()
	a.leave = nil
}
