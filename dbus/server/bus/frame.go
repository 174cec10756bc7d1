package bus

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/godbus/dbus/v5"
)

// next reads one message; nil where it is none to look at. An error ends the
// connection.
func (c *Conn) next() (*dbus.Message, error) {
	head, err := c.r.Peek(fixedHeader)
	if err != nil {
		return nil, err
	}
	var order binary.ByteOrder = binary.LittleEndian
	switch head[0] {
	case 'l':
	case 'B':
		order = binary.BigEndian
	default:
		return nil, errors.New("the bus sent something that is no message")
	}
	body := uint64(order.Uint32(head[lengthOffset:]))
	fields := uint64(order.Uint32(head[fixedHeader-4:]))
	size := fixedHeader + (fields+7)/8*8 + body
	if size > largest {
		_, err := io.CopyN(io.Discard, c.r, int64(size))
		return nil, err
	}
	frame := make([]byte, size)
	if _, err := io.ReadFull(c.r, frame); err != nil {
		return nil, err
	}
	return decode(frame), nil
}

// decode returns nil for a frame that godbus does not understand: a newer kind
// of message, or one that the bus should not have let through.
func decode(frame []byte) (msg *dbus.Message) {
	defer func() {
		if recover() != nil {
			msg = nil
		}
	}()
	msg, err := dbus.DecodeMessage(bytes.NewReader(frame))
	if err != nil {
		return nil
	}
	return msg
}

// Body is the body of a message, ready to be sent any number of times.
type Body struct {
	signature dbus.Signature
	octets    []byte
}

// Encode makes a Body. Texts in it must be UTF-8 without NUL.
func Encode(values ...any) (b *Body, err error) {
	defer func() {
		if v := recover(); v != nil { // a type that D-Bus does not have
			err = fmt.Errorf("encode a message: %v", v)
		}
	}()
	if len(values) == 0 {
		return &Body{}, nil
	}
	sig := dbus.SignatureOf(values...)
	msg := &dbus.Message{Type: dbus.TypeMethodReply, Body: values, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldReplySerial: dbus.MakeVariant(uint32(1)),
		dbus.FieldSignature:   dbus.MakeVariant(sig),
	}}
	var buf bytes.Buffer
	if err := msg.EncodeTo(&buf, binary.LittleEndian); err != nil {
		return nil, fmt.Errorf("encode a message: %w", err)
	}
	frame := buf.Bytes()
	size := int(binary.LittleEndian.Uint32(frame[lengthOffset:]))
	return &Body{signature: sig, octets: frame[len(frame)-size:]}, nil
}

// Signature is that of the values.
func (b *Body) Signature() string { return b.signature.String() }

// frame encodes a message with that body. godbus lets nobody else set a serial,
// so it is put in afterwards; a body begins at a multiple of 8, wherever it is.
func (b *Body) frame(msg *dbus.Message, serial uint32) ([]byte, error) {
	if len(b.octets) > 0 {
		msg.Headers[dbus.FieldSignature] = dbus.MakeVariant(b.signature)
	}
	var buf bytes.Buffer
	if err := msg.EncodeTo(&buf, binary.LittleEndian); err != nil {
		return nil, err
	}
	buf.Write(b.octets)
	frame := buf.Bytes()
	binary.LittleEndian.PutUint32(frame[lengthOffset:], uint32(len(b.octets)))
	binary.LittleEndian.PutUint32(frame[serialOffset:], serial)
	return frame, nil
}
