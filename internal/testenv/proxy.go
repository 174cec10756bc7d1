package testenv

import "time"

// ProxyOptions configure a Proxy.
type ProxyOptions struct {
	RTT     time.Duration // delay of a round trip, half in each direction
	Without []string      // capabilities taken out of what the server says; a client that uses one all the same gets BAD (UIDPLUS, LITERAL+, …)
	Raw     bool          // do not look into the stream: no exchanges, no faults (TLS, speed)
}

// Where is the place of a fault within an exchange.
type Where int

// The places.
const (
	Before Where = iota // instead of forwarding the command
	Inside              // the command is carried out; the answer is cut in the middle of its literal, or of itself
	After               // the command is carried out; all of its answer is lost
)

// ProxyT is a TCP proxy for IMAP.
type ProxyT struct{}

// ProxyStats are what passed so far.
type ProxyStats struct {
	Up, Down    int64 // octets from and to the client
	Connections int64
	RoundTrips  int64 // how often a client began to send after it had been sent something
	Exchanges   int64 // commands, over all connections
}

// Proxy starts a proxy to target.
func Proxy(t T, target string, o ProxyOptions) *ProxyT { t.Fatalf("not yet"); return nil }

// Addr returns host:port for the client.
func (p *ProxyT) Addr() string { return "" }

// Stats returns the counters.
func (p *ProxyT) Stats() ProxyStats { return ProxyStats{} }

// Reset sets the counters to zero, so that the next command is exchange 1.
func (p *ProxyT) Reset() {}

// CutAt ends the connection that carries exchange n (from 1; the n-th command
// over all connections in order of arrival). Only this one, and once.
func (p *ProxyT) CutAt(n int, w Where) {}

// DoAt is CutAt that first calls f, with which a test kills a process.
func (p *ProxyT) DoAt(n int, w Where, f func()) {}

// OnExchange has f called with each command before it is forwarded, its
// literals left out. f may be nil.
func (p *ProxyT) OnExchange(f func(n int, line string)) {}

// Stall keeps all connections open and silent, new ones too, until false.
func (p *ProxyT) Stall(on bool) {}

// Refuse closes new connections at once, until false.
func (p *ProxyT) Refuse(on bool) {}

// CutAll ends all connections.
func (p *ProxyT) CutAll() {}
