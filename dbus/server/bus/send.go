package bus

import (
	"context"
	"fmt"
	"time"

	"github.com/godbus/dbus/v5"
)

// Error is an error that came as an answer, or is to be sent as one.
type Error struct {
	Name string
	Text string
	Hint string // what to do; "" is not sent
}

func (e *Error) Error() string {
	if e.Text == "" {
		return e.Name
	}
	return e.Text
}

// Call is a call that came in.
type Call struct {
	Sender, Path, Interface, Member string
	Signature                       string
	Body                            []any

	conn   *Conn
	serial uint32
	silent bool
}

// Reply answers the call. An error is one of the body, which was not sent.
func (c *Call) Reply(values ...any) error {
	b, err := Encode(values...)
	if err != nil {
		return err
	}
	c.ReplyBody(b)
	return nil
}

// ReplyBody answers the call with what was encoded before.
func (c *Call) ReplyBody(b *Body) { c.answer(&header{kind: dbus.TypeMethodReply}, b) }

// Fail answers the call with an error.
func (c *Call) Fail(e *Error) {
	texts := []any{e.Text}
	if e.Hint != "" {
		texts = append(texts, e.Hint)
	}
	b, err := Encode(texts...)
	if err != nil { // no UTF-8: the name has to do
		b = &Body{}
	}
	c.answer(&header{kind: dbus.TypeError, errorName: e.Name}, b)
}

func (c *Call) answer(h *header, b *Body) {
	if c.silent {
		return
	}
	h.flags, h.replySerial, h.destination = dbus.FlagNoReplyExpected, c.serial, c.Sender
	h.serial = c.conn.number(nil)
	// Whoever called a connection that broke hears that from the bus.
	_ = c.conn.send(h, b)
}

// Emit sends a signal to whoever listens.
func (c *Conn) Emit(path, iface, member string, values ...any) error {
	b, err := Encode(values...)
	if err != nil {
		return fmt.Errorf("%s.%s: %w", iface, member, err)
	}
	return c.send(&header{kind: dbus.TypeSignal, flags: dbus.FlagNoReplyExpected, serial: c.number(nil),
		path: path, iface: iface, member: member}, b)
}

// Call calls a method of somebody on the bus, and waits for the answer. An error
// that came as the answer is an *Error.
func (c *Conn) Call(ctx context.Context, dest, path, iface, member string, values ...any) ([]any, error) {
	answer := make(chan *message, 1)
	serial := c.number(answer)
	defer func() {
		c.mu.Lock()
		delete(c.waiting, serial)
		c.mu.Unlock()
	}()
	if err := c.call(0, serial, dest, path, iface, member, values); err != nil {
		return nil, err
	}
	select {
	case m := <-answer:
		if m.kind == dbus.TypeMethodReply {
			return m.body, nil
		}
		e := &Error{Name: m.errorName}
		if len(m.body) > 0 {
			e.Text, _ = m.body[0].(string)
		}
		return nil, e
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-c.done:
		return nil, c.Err()
	}
}

// Tell calls a method, and wants no answer.
func (c *Conn) Tell(dest, path, iface, member string, values ...any) error {
	return c.call(dbus.FlagNoReplyExpected, c.number(nil), dest, path, iface, member, values)
}

func (c *Conn) call(flags dbus.Flags, serial uint32, dest, path, iface, member string, values []any) error {
	b, err := Encode(values...)
	if err != nil {
		return fmt.Errorf("%s.%s: %w", iface, member, err)
	}
	return c.send(&header{kind: dbus.TypeMethodCall, flags: flags | dbus.FlagNoAutoStart, serial: serial,
		destination: dest, path: path, iface: iface, member: member}, b)
}

// number gives a message its serial, and has the answer to it, if any is wanted,
// sent to answer.
func (c *Conn) number(answer chan *message) uint32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.serial++
	for c.serial == 0 || c.waiting[c.serial] != nil {
		c.serial++
	}
	if answer != nil {
		c.waiting[c.serial] = answer
	}
	return c.serial
}

// send writes a message. A bus that does not take it in time is lost.
func (c *Conn) send(h *header, b *Body) error {
	frame := b.frame(h)
	c.writing.Lock()
	defer c.writing.Unlock()
	if err := c.Err(); err != nil {
		return err
	}
	_ = c.nc.SetWriteDeadline(time.Now().Add(patience))
	if _, err := c.nc.Write(frame); err != nil {
		c.end(fmt.Errorf("write to the bus: %w", err))
		return c.Err()
	}
	return nil
}
