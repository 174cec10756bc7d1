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
	waiting map[uint32]chan *dbus.Message // for the answer to the call of that serial
	err     error                         // why it ended

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
		waiting: map[uint32]chan *dbus.Message{}, done: make(chan struct{}), ended: make(chan struct{}),
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
func (c *Conn) take(msg *dbus.Message) {
	text := func(f dbus.HeaderField) string {
		s, _ := msg.Headers[f].Value().(string)
		return s
	}
	path, _ := msg.Headers[dbus.FieldPath].Value().(dbus.ObjectPath)
	switch msg.Type {
	case dbus.TypeMethodCall:
		signature, _ := msg.Headers[dbus.FieldSignature].Value().(dbus.Signature)
		c.handlers.Call(&Call{
			Sender: text(dbus.FieldSender), Path: string(path), Interface: text(dbus.FieldInterface), Member: text(dbus.FieldMember),
			Signature: signature.String(), Body: msg.Body,
			conn: c, serial: msg.Serial(), silent: msg.Flags&dbus.FlagNoReplyExpected != 0,
		})
	case dbus.TypeSignal:
		c.handlers.Signal(&Signal{Sender: text(dbus.FieldSender), Path: string(path), Interface: text(dbus.FieldInterface),
			Member: text(dbus.FieldMember), Body: msg.Body})
	case dbus.TypeMethodReply, dbus.TypeError:
		serial, _ := msg.Headers[dbus.FieldReplySerial].Value().(uint32)
		c.mu.Lock()
		answer := c.waiting[serial]
		delete(c.waiting, serial)
		c.mu.Unlock()
		if answer != nil {
			answer <- msg
		}
	}
}
