package testenv

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// link is one connection through the proxy.
type link struct {
	p              *ProxyT
	client, server net.Conn
	up, down       *lane
	gone           chan struct{} // closed when the link is cut
	once           sync.Once
	told           atomic.Bool // the client was sent something since it last sent

	mu   sync.Mutex // the state of the dialogue, which both directions touch
	talk dialogue
}

func newLink(p *ProxyT, client, server net.Conn) *link {
	l := &link{p: p, client: client, server: server, gone: make(chan struct{})}
	l.up = newLane(l, server, p.o.RTT/2, nil)
	l.down = newLane(l, client, p.o.RTT/2, func(n int) {
		p.down.Add(int64(n))
		l.told.Store(true)
	})
	return l
}

// cut ends the link at once, and drops what is under way.
func (l *link) cut() {
	l.once.Do(func() {
		close(l.gone)
		l.client.Close()
		l.server.Close()
	})
}

func (l *link) run() {
	var wg sync.WaitGroup
	for _, f := range []func(){l.readClient, l.readServer, l.up.deliver, l.down.deliver} {
		wg.Add(1)
		go func() { defer wg.Done(); f() }()
	}
	wg.Wait()
	l.cut()
}

func (l *link) readClient() {
	defer l.up.end()
	buf := make([]byte, 64<<10)
	for {
		n, err := l.client.Read(buf)
		if n > 0 {
			l.p.up.Add(int64(n))
			if l.told.Swap(false) {
				l.p.roundTrips.Add(1)
			}
			if l.p.o.Raw {
				l.up.send(buf[:n])
			} else if !l.fromClient(buf[:n]) {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (l *link) readServer() {
	defer l.down.end()
	buf := make([]byte, 64<<10)
	for {
		n, err := l.server.Read(buf)
		if n > 0 {
			if l.p.o.Raw {
				l.down.send(buf[:n])
			} else if !l.fromServer(buf[:n]) {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// lane is one direction of a link: what is sent arrives a delay later, in
// order, however much is under way, up to a limit of memory.
type lane struct {
	l       *link
	to      net.Conn
	delay   time.Duration
	arrived func(n int) // may be nil

	mu    sync.Mutex
	more  sync.Cond // signalled when the queue grows, shrinks or ends
	queue []parcel
	held  int // octets in queue
	over  bool
}

type parcel struct {
	due  time.Time
	data []byte
}

// laneLimit is far above what 40 ms hold on a loopback (1 GB/s: 20 MB).
const laneLimit = 64 << 20

func newLane(l *link, to net.Conn, delay time.Duration, arrived func(int)) *lane {
	a := &lane{l: l, to: to, delay: delay, arrived: arrived}
	a.more.L = &a.mu
	return a
}

// send takes a copy of b where it has to keep it.
func (a *lane) send(b []byte) {
	if len(b) == 0 {
		return
	}
	if a.delay == 0 {
		a.write(b)
		return
	}
	kept := append([]byte(nil), b...)
	a.mu.Lock()
	defer a.mu.Unlock()
	for a.held > laneLimit && !a.over {
		a.more.Wait()
	}
	a.queue = append(a.queue, parcel{time.Now().Add(a.delay), kept})
	a.held += len(kept)
	a.more.Broadcast()
}

// end says that nothing more is sent: what is under way arrives, then the end.
func (a *lane) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.over = true
	a.more.Broadcast()
}

// write waits while the proxy is stalled.
func (a *lane) write(b []byte) {
	a.l.p.mu.Lock()
	flow := a.l.p.flow
	a.l.p.mu.Unlock()
	select {
	case <-flow:
	case <-a.l.gone:
		return
	}
	if a.arrived != nil {
		a.arrived(len(b)) // before the write: the client may answer before it returns
	}
	if _, err := a.to.Write(b); err != nil && err != io.ErrClosedPipe {
		a.l.cut()
	}
}

// deliver runs until the lane has ended and is empty, and then closes this
// direction.
func (a *lane) deliver() {
	for {
		a.mu.Lock()
		for len(a.queue) == 0 && !a.over {
			a.more.Wait()
		}
		if len(a.queue) == 0 {
			a.mu.Unlock()
			if c, ok := a.to.(*net.TCPConn); ok {
				_ = c.CloseWrite()
			}
			return
		}
		next := a.queue[0]
		a.queue = a.queue[1:]
		a.held -= len(next.data)
		a.more.Broadcast()
		a.mu.Unlock()
		if !a.sleepUntil(next.due) {
			continue // the link is cut: writes fail, the queue runs empty
		}
		a.write(next.data)
	}
}

func (a *lane) sleepUntil(due time.Time) bool {
	wait := time.Until(due)
	if wait <= 0 {
		return true
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-a.l.gone:
		return false
	}
}
