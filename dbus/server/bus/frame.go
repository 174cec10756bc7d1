package bus

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/godbus/dbus/v5"
)

// message is one that came in.
type message struct {
	header
	body []any
}

// next reads one message; nil where it is none to look at. An error ends the
// connection.
func (c *Conn) next() (*message, error) {
	head, err := c.r.Peek(fixedHeader)
	if err != nil {
		return nil, err
	}
	order := orderOf(head[0])
	if order == nil {
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

func orderOf(b byte) binary.ByteOrder {
	switch b {
	case 'l':
		return binary.LittleEndian
	case 'B':
		return binary.BigEndian
	}
	return nil
}

// decode returns nil for a frame that cannot be read: a newer kind of message,
// or one that the bus should not have let through.
func decode(frame []byte) (m *message) {
	defer func() {
		if recover() != nil {
			m = nil
		}
	}()
	h, at, err := parse(frame, orderOf(frame[0]))
	if err != nil {
		return nil
	}
	m = &message{header: *h}
	if at == len(frame) {
		if h.signature != "" {
			return nil
		}
		return m
	}
	msg, err := dbus.DecodeMessage(bytes.NewReader(frame))
	if err != nil {
		return nil
	}
	m.body = msg.Body
	return m
}

// Body is the body of a message, ready to be sent any number of times.
type Body struct {
	signature string
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
	return &Body{signature: sig.String(), octets: frame[len(frame)-size:]}, nil
}

// frame makes a message of a header and a body, which begins at a multiple of 8
// wherever it is.
func (b *Body) frame(h *header) []byte {
	h.signature = b.signature
	return append(h.append(make([]byte, 0, 256+len(b.octets)), len(b.octets)), b.octets...)
}
