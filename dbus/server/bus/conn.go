package bus

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"
)

// The limits of a connection.
const (
	readBuffer   = 32 << 10
	patience     = 10 * time.Second // for the bus to take a message
	largest      = 1 << 20          // octets of a message that is looked at; larger ones are read away
	driver       = "org.freedesktop.DBus"
	driverPath   = "/org/freedesktop/DBus"
	handshaking  = 25 * time.Second
	fixedHeader  = 16
	serialOffset = 8
	lengthOffset = 4
)

// ErrClosed is the error of a connection that Close has ended.
var ErrClosed = errors.New("the connection to the bus was closed")

// Handlers take what comes in. They run on the reading goroutine, which reads
// nothing else until they return, and must not wait for an answer over the same
// connection.
type Handlers struct {
	Call   func(*Call)
	Signal func(*Signal)
}

// Signal is one that came in.
type Signal struct {
	Sender, Path, Interface, Member string
	Body                            []any
}

// Conn is a connection to a bus.
type Conn struct {
	nc       net.Conn
	r        *bufio.Reader
	handlers Handlers

	writing sync.Mutex // held while a message is written

	mu      sync.Mutex
	serial  uint32
	waiting map[uint32]chan *message // for the answer to the call of that serial
	err     error                    // why it ended

	done  chan struct{} // closed when it has broken or was closed
	ended chan struct{} // closed when the reading goroutine has ended
}

// Dial connects to a bus, "" being the session bus of the user, and says hello.
func Dial(ctx context.Context, address string, h Handlers) (*Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, handshaking)
	defer cancel()
	nc, err := dial(ctx, address)
	if err != nil {
		return nil, err
	}
	c := &Conn{
		nc: nc, r: bufio.NewReaderSize(nc, readBuffer), handlers: h,
		waiting: map[uint32]chan *message{}, done: make(chan struct{}), ended: make(chan struct{}),
	}
	stop := context.AfterFunc(ctx, func() { nc.Close() })
	err = authenticate(nc, c.r)
	if err == nil {
		go c.read()
		if _, err = c.Call(ctx, driver, driverPath, driver, "Hello"); err != nil {
			c.Close()
		}
	}
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		nc.Close()
		return nil, fmt.Errorf("say hello to the bus: %w", err)
	}
	return c, nil
}

// Done is closed when the connection has ended.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Err says why the connection has ended; nil while it has not.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Close ends the connection at once, and returns when no handler runs any more.
func (c *Conn) Close() {
	c.end(ErrClosed)
	<-c.ended
}

// end breaks the connection; the first reason counts.
func (c *Conn) end(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return
	}
	c.err = err
	c.nc.Close()
	close(c.done)
}

// read hands on what comes until the connection ends.
func (c *Conn) read() {
	defer close(c.ended)
	for {
		msg, err := c.next()
		if err != nil {
			if err == io.EOF {
				err = errors.New("the bus closed the connection")
			}
			c.end(err)
			return
		}
		if msg != nil {
			c.take(msg)
		}
	}
}

// take hands on one message.
func (c *Conn) take(m *message) {
	switch m.kind {
	case dbus.TypeMethodCall:
		c.handlers.Call(&Call{
			Sender: m.sender, Path: m.path, Interface: m.iface, Member: m.member, Signature: m.signature, Body: m.body,
			conn: c, serial: m.serial, silent: m.flags&dbus.FlagNoReplyExpected != 0,
		})
	case dbus.TypeSignal:
		c.handlers.Signal(&Signal{Sender: m.sender, Path: m.path, Interface: m.iface, Member: m.member, Body: m.body})
	case dbus.TypeMethodReply, dbus.TypeError:
		c.mu.Lock()
		answer := c.waiting[m.replySerial]
		delete(c.waiting, m.replySerial)
		c.mu.Unlock()
		if answer != nil {
			answer <- m
		}
	}
}
