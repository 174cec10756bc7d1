package stream

import (
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// reader is one connection.
type reader struct {
	conn net.Conn
	last []byte      // what was offered last; the hub's
	next chan []byte // the one line that is still to be written
}

func newReader(conn net.Conn) *reader {
	if c, ok := conn.(*net.UnixConn); ok {
		// Without it a reader is served as well, only less cheaply.
		_ = c.SetWriteBuffer(sendBuffer)
	}
	return &reader{conn: conn, next: make(chan []byte, 1)}
}

// offer replaces the line that is still to be written. It never waits: the hub
// alone calls it, one call at a time, so the room that it makes is its own.
func (r *reader) offer(line []byte) {
	if len(line) == 0 || len(r.last) > 0 && &line[0] == &r.last[0] {
		return
	}
	r.last = line
	select {
	case <-r.next:
	default:
	}
	r.next <- line
}

// refuse says why nobody is served, and closes the connection.
func (r *reader) refuse() {
	defer r.conn.Close()
	// Into an empty buffer, so nobody is waited for.
	if r.conn.SetWriteDeadline(time.Now().Add(interval)) == nil {
		fmt.Fprintf(r.conn, "{\"error\":\"there are %d readers already\"}\n", maxReaders)
	}
}

// serve writes lines until the reader or ctx ends, and closes the connection.
func (r *reader) serve(ctx context.Context) {
	ctx, end := context.WithCancel(ctx)
	// A write that is under way ends with the connection.
	stop := context.AfterFunc(ctx, func() { r.conn.Close() })
	var wg sync.WaitGroup
	wg.Go(func() {
		defer end()
		awaitEnd(r.conn)
	})
	r.write(ctx)
	end()
	stop()
	r.conn.Close()
	wg.Wait()
}

func (r *reader) write(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case line := <-r.next:
			if r.conn.SetWriteDeadline(time.Now().Add(patience)) != nil {
				return
			}
			if _, err := r.conn.Write(line); err != nil {
				return
			}
		}
	}
}

// awaitEnd returns when the reader has gone, or sent too much. One that will
// only send no more, as a program whose standard input has ended, goes on
// reading.
func awaitEnd(conn net.Conn) {
	// Small, because every reader keeps one as long as it is connected.
	buf := make([]byte, 512)
	for n := 0; ; {
		m, err := conn.Read(buf)
		if n += m; err == io.EOF {
			break
		}
		if err != nil || n > maxInput {
			return
		}
	}
	c, ok := conn.(syscall.Conn)
	if !ok {
		return
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return
	}
	// The kernel reports an event once more when the other half is closed too; until
	// then there is nothing to ask for. An error says that the connection is closed.
	_ = raw.Read(func(fd uintptr) bool {
		p := []unix.PollFd{{Fd: int32(fd)}}
		_, err := unix.Poll(p, 0)
		return err != nil || p[0].Revents&(unix.POLLHUP|unix.POLLERR) != 0
	})
}

// terminated returns a copy with its end, nil for nothing to tell. A line end
// within would make two lines of one.
func terminated(line []byte) []byte {
	if len(line) == 0 {
		return nil
	}
	out := append(slices.Clone(line), '\n')
	for i := range len(line) {
		if out[i] == '\n' {
			out[i] = ' '
		}
	}
	return out
}
