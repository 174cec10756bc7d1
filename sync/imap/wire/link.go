package wire

import (
	"bufio"
	"errors"
	"net"
	"os"
	"sync/atomic"
	"time"
)

// link is the network connection below TLS and compression. It counts octets,
// and ends a read or write that makes no progress. A deadline that passed is
// never recovered from: above it, TLS (writing) and compress/flate (reading) keep
// their first error for good.
type link struct {
	net.Conn
	in, out atomic.Int64
	limit   atomic.Int64 // time.Duration
	patient atomic.Bool  // silence is no failure now: IDLE, or we are the one who sends
}

func (l *link) Read(p []byte) (int, error) {
	l.arm()
	n, err := l.Conn.Read(p)
	l.in.Add(int64(n))
	return n, err
}

// arm sets the deadline of the next read, or of one that is under way. Both
// the reader and whoever changes patience or limit call it after reading, or
// storing, those; looking again afterwards makes the last state win.
func (l *link) arm() {
	for {
		patient, limit := l.patient.Load(), l.limit.Load()
		var t time.Time
		if !patient {
			t = time.Now().Add(time.Duration(limit))
		}
		_ = l.SetReadDeadline(t) // fails on a closed connection only, as the read will
		if patient == l.patient.Load() && limit == l.limit.Load() {
			return
		}
	}
}

// setPatient tells whether a read may wait without end.
func (l *link) setPatient(on bool) {
	l.patient.Store(on)
	l.arm()
}

// hurry leaves a server that we can no longer write to a second for its last words.
func (l *link) hurry() {
	l.limit.Store(int64(time.Second))
	l.setPatient(false)
}

func (l *link) Write(p []byte) (int, error) {
	done := 0
	for {
		_ = l.SetWriteDeadline(time.Now().Add(time.Duration(l.limit.Load())))
		n, err := l.Conn.Write(p[done:])
		l.out.Add(int64(n))
		done += n
		if n > 0 && done < len(p) && errors.Is(err, os.ErrDeadlineExceeded) {
			continue // slow, but moving
		}
		return done, err
	}
}

// bufferedLink reads ahead of TLS, which would otherwise make two system
// calls for each record of at most 16 kB.
type bufferedLink struct {
	*link
	br *bufio.Reader
}

func (b *bufferedLink) Read(p []byte) (int, error) { return b.br.Read(p) }
