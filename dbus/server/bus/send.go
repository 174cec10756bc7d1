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
func (c *Call) ReplyBody(b *Body) { c.answer(dbus.TypeMethodReply, b, nil) }

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
	c.answer(dbus.TypeError, b, map[dbus.HeaderField]dbus.Variant{dbus.FieldErrorName: dbus.MakeVariant(e.Name)})
}

func (c *Call) answer(kind dbus.Type, b *Body, headers map[dbus.HeaderField]dbus.Variant) {
	if c.silent {
		return
	}
	if headers == nil {
		headers = map[dbus.HeaderField]dbus.Variant{}
	}
	headers[dbus.FieldReplySerial] = dbus.MakeVariant(c.serial)
	if c.Sender != "" {
		headers[dbus.FieldDestination] = dbus.MakeVariant(c.Sender)
	}
	// Whoever called a connection that broke hears that from the bus.
	_ = c.conn.send(&dbus.Message{Type: kind, Flags: dbus.FlagNoReplyExpected, Headers: headers}, b, c.conn.number(nil))
}

// Emit sends a signal to whoever listens.
func (c *Conn) Emit(path, iface, member string, values ...any) error {
	b, err := Encode(values...)
	if err != nil {
		return fmt.Errorf("%s.%s: %w", iface, member, err)
	}
	return c.send(&dbus.Message{Type: dbus.TypeSignal, Flags: dbus.FlagNoReplyExpected, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldPath:      dbus.MakeVariant(dbus.ObjectPath(path)),
		dbus.FieldInterface: dbus.MakeVariant(iface),
		dbus.FieldMember:    dbus.MakeVariant(member),
	}}, b, c.number(nil))
}

// Call calls a method of somebody on the bus, and waits for the answer. An error
// that came as the answer is an *Error.
func (c *Conn) Call(ctx context.Context, dest, path, iface, member string, values ...any) ([]any, error) {
	answer := make(chan *dbus.Message, 1)
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
	case msg := <-answer:
		if msg.Type == dbus.TypeMethodReply {
			return msg.Body, nil
		}
		e := &Error{}
		e.Name, _ = msg.Headers[dbus.FieldErrorName].Value().(string)
		if len(msg.Body) > 0 {
			e.Text, _ = msg.Body[0].(string)
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
	return c.send(&dbus.Message{Type: dbus.TypeMethodCall, Flags: flags | dbus.FlagNoAutoStart, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldDestination: dbus.MakeVariant(dest),
		dbus.FieldPath:        dbus.MakeVariant(dbus.ObjectPath(path)),
		dbus.FieldInterface:   dbus.MakeVariant(iface),
		dbus.FieldMember:      dbus.MakeVariant(member),
	}}, b, serial)
}

// number gives a message its serial, and has the answer to it, if any is wanted,
// sent to answer.
func (c *Conn) number(answer chan *dbus.Message) uint32 {
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
func (c *Conn) send(msg *dbus.Message, b *Body, serial uint32) error {
	frame, err := b.frame(msg, serial)
	if err != nil {
		return fmt.Errorf("encode a message: %w", err)
	}
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
