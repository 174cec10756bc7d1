package stream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

const (
	// maxReaders is how many may be connected at a time.
	maxReaders = 64
	// interval is the least time from one line to the next.
	interval = time.Second / 4
	// patience is how long a reader may take for one line before it is let go.
	patience = 30 * time.Second
	// maxInput is how many octets a reader may send before it is let go.
	maxInput = 64 << 10
	// sendBuffer is how much the kernel keeps for one reader. More would only be
	// more that is old by the time it is read.
	sendBuffer = 16 << 10
	// acceptPause is how long nobody is accepted after that failed, such as for want
	// of file descriptors.
	acceptPause = time.Second
)

// Source is what the stream tells of.
type Source interface {
	// Line returns how things are, as one line without its end. It does not wait, and
	// may be called from several goroutines.
	Line() []byte
	// Changed returns a channel that gets a value when Line may be another one, and is
	// closed when it never will be again; and a function that ends the
	// subscription. Changes that happen while nobody receives may be one value.
	Changed() (<-chan struct{}, func())
}

// Serve serves readers until ctx ends, and returns nil then, or until l fails for
// good. It closes l.
//
// A reader that is slow gets the latest line when it has taken the one before; the
// ones between it never sees. Nobody else waits for it, and what is kept for it
// does not grow.
func Serve(ctx context.Context, l net.Listener, src Source) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	h := &hub{src: src, readers: map[*reader]bool{}}

	var wg sync.WaitGroup
	defer wg.Wait()
	defer end() // before the wait
	wg.Go(func() { h.publish(ctx) })

	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	defer l.Close()
	for {
		conn, err := l.Accept()
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accept a reader: %w", err)
		default:
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(acceptPause):
			}
			continue
		}
		r := newReader(conn)
		if !h.join(r) {
			r.refuse()
			continue
		}
		wg.Go(func() {
			defer h.leave(r)
			r.serve(ctx)
		})
	}
}

// hub knows the readers and what they were told.
type hub struct {
	src Source

	mu      sync.Mutex
	line    []byte // the latest, with its end; shared between readers, never changed
	readers map[*reader]bool
}

// latest asks the source. As long as that says the same, it is the same slice. The
// caller holds the lock, so that no line is followed by an older one.
func (h *hub) latest() []byte {
	if now := terminated(h.src.Line()); !bytes.Equal(h.line, now) {
		h.line = now
	}
	return h.line
}

// join lets a reader in if there is room, and gives it its first line.
func (h *hub) join(r *reader) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.readers) >= maxReaders {
		return false
	}
	h.readers[r] = true
	r.offer(h.latest())
	return true
}

func (h *hub) leave(r *reader) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.readers, r)
}

// tell offers the latest line to all. The source is not asked for nobody.
func (h *hub) tell() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.readers) == 0 {
		return
	}
	line := h.latest()
	for r := range h.readers {
		r.offer(line)
	}
}

// publish offers the latest line to all after each change, at most one in each
// interval. The last change is always followed by a line.
func (h *hub) publish(ctx context.Context) {
	changed, unsubscribe := h.src.Changed()
	defer unsubscribe()
	for {
		select {
		case <-ctx.Done():
			return
		case _, open := <-changed:
			if !open {
				return
			}
		}
		h.tell()
		select {
		case <-ctx.Done():
			return
		case <-time.After(interval):
		}
	}
}
