package testenv

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// ProxyOptions configure a Proxy.
type ProxyOptions struct {
	RTT time.Duration // delay of a round trip, half in each direction; nothing else is made slower
	// Without are capabilities taken out of what the server says: the
	// announcement, and what the server would not say without them (APPENDUID,
	// HIGHESTMODSEQ). A client that uses one all the same gets BAD, as from a
	// server that lacks it, and the test fails. See Refusable for the names.
	Without []string
	// Raw leaves the stream alone: no exchanges, no faults but CutAll, Stall and
	// Refuse. Otherwise COMPRESS=DEFLATE and STARTTLS are always left out, as
	// nothing could be seen through them.
	Raw bool
}

// Where is the place of a fault within an exchange.
type Where int

// The places.
const (
	Before Where = iota // instead of forwarding the command
	Inside              // the command is carried out; the answer is cut in the middle of its largest literal, or of itself
	After               // the command is carried out; all of its answer is lost
)

// String names the place.
func (w Where) String() string { return [...]string{"before", "inside", "after"}[w] }

// ProxyStats are what passed so far.
type ProxyStats struct {
	Up, Down    int64 // octets from and to the client
	Connections int64
	RoundTrips  int64 // how often a client began to send after it had been sent something
	Exchanges   int64 // commands, over all connections
	Faults      int64 // cuts that were asked for and took place
}

// ProxyT is a TCP proxy for IMAP.
type ProxyT struct {
	t       T
	o       ProxyOptions
	target  string
	ln      net.Listener
	without *without

	up, down, connections, roundTrips atomic.Int64

	mu        sync.Mutex
	done      bool // the test is over: its T may not be used
	exchanges int64
	faults    map[int64]fault
	struck    int64
	hook      func(n int, line string)
	links     map[*link]struct{}
	refuse    bool
	flow      chan struct{} // closed while data may flow
	running   sync.WaitGroup
}

// fault is a cut to come.
type fault struct {
	where Where
	do    func() // may be nil
}

// Proxy starts a proxy to target, host:port.
func Proxy(t T, target string, o ProxyOptions) *ProxyT {
	t.Helper()
	if !o.Raw {
		o.Without = append([]string{"COMPRESS=DEFLATE", "STARTTLS"}, o.Without...)
	}
	w, err := newWithout(o.Without)
	if err != nil {
		t.Fatalf("proxy: %v", err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("proxy: %v", err)
	}
	p := &ProxyT{t: t, o: o, target: target, ln: ln, without: w, links: map[*link]struct{}{}, flow: make(chan struct{})}
	close(p.flow)
	p.Reset()
	p.running.Add(1)
	go p.accept()
	t.Cleanup(func() {
		ln.Close()
		p.mu.Lock()
		p.done = true
		p.mu.Unlock()
		p.CutAll()
		p.running.Wait()
	})
	return p
}

// Addr returns host:port for the client.
func (p *ProxyT) Addr() string { return p.ln.Addr().String() }

// Stats returns the counters.
func (p *ProxyT) Stats() ProxyStats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return ProxyStats{p.up.Load(), p.down.Load(), p.connections.Load(), p.roundTrips.Load(), p.exchanges, p.struck}
}

// Reset sets the counters to zero, so that the next command is exchange 1, and
// forgets faults that did not take place yet.
func (p *ProxyT) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.up.Store(0)
	p.down.Store(0)
	p.connections.Store(0)
	p.roundTrips.Store(0)
	p.exchanges, p.struck, p.faults = 0, 0, map[int64]fault{}
}

// CutAt ends the connection that carries exchange n (from 1; the n-th command
// over all connections in order of arrival). Only this one, and once.
func (p *ProxyT) CutAt(n int, w Where) { p.DoAt(n, w, nil) }

// DoAt is CutAt that first calls f, with which a test kills a process. The
// part of the answer that the client gets is on its way by then.
func (p *ProxyT) DoAt(n int, w Where, f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults[int64(n)] = fault{w, f}
}

// OnExchange has f called with each command before it is forwarded, its
// literals left out. Calls from several connections overlap. f may be nil.
func (p *ProxyT) OnExchange(f func(n int, line string)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hook = f
}

// Stall keeps all connections open and silent, new ones too, until false.
func (p *ProxyT) Stall(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.flow:
		if on {
			p.flow = make(chan struct{})
		}
	default:
		if !on {
			close(p.flow)
		}
	}
}

// Refuse closes new connections at once, until false.
func (p *ProxyT) Refuse(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = on
}

// CutAll ends all connections.
func (p *ProxyT) CutAll() {
	p.mu.Lock()
	links := make([]*link, 0, len(p.links))
	for l := range p.links {
		links = append(links, l)
	}
	p.mu.Unlock()
	for _, l := range links {
		l.cut()
	}
}

// next counts a command, and tells what is to happen with it.
func (p *ProxyT) next() (n int64, f fault, hit bool, hook func(int, string)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.exchanges++
	f, hit = p.faults[p.exchanges]
	delete(p.faults, p.exchanges)
	return p.exchanges, f, hit, p.hook
}

// strike carries out what a fault wants besides the cut.
func (p *ProxyT) strike(f fault) {
	p.mu.Lock()
	p.struck++
	p.mu.Unlock()
	if f.do != nil {
		f.do()
	}
}

// blame fails the test, if it still runs.
func (p *ProxyT) blame(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.done {
		p.t.Errorf(format, args...)
	}
}

func (p *ProxyT) accept() {
	defer p.running.Done()
	for {
		client, err := p.ln.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		refuse := p.refuse || p.done
		p.mu.Unlock()
		if refuse {
			client.Close()
			continue
		}
		p.running.Add(1)
		go func() {
			defer p.running.Done()
			p.serve(client)
		}()
	}
}

// serve carries one connection. The kernel has taken the client's call at
// once; over a real line the server would learn of it after one and a half round trips,
// when the handshake of TCP is complete.
func (p *ProxyT) serve(client net.Conn) {
	p.connections.Add(1)
	time.Sleep(p.o.RTT * 3 / 2)
	server, err := net.DialTimeout("tcp", p.target, 10*time.Second)
	if err != nil {
		client.Close()
		return
	}
	l := newLink(p, client, server)
	p.mu.Lock()
	p.links[l] = struct{}{}
	done := p.done
	p.mu.Unlock()
	if done {
		l.cut()
	}
	l.run()
	p.mu.Lock()
	delete(p.links, l)
	p.mu.Unlock()
}
