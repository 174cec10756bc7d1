package bus

import (
	"encoding/binary"
	"errors"

	"github.com/godbus/dbus/v5"
)

// header is that of a message (D-Bus Specification, "Message Format"). godbus
// reads and writes headers by reflection, which costs more than all the rest of
// an answer to Status.
type header struct {
	kind        dbus.Type
	flags       dbus.Flags
	serial      uint32
	path        string
	iface       string
	member      string
	errorName   string
	replySerial uint32
	destination string
	sender      string // only of messages that come in
	signature   string
}

// append appends the header of a message with a body of that many octets, padded
// to where the body begins.
func (h *header) append(to []byte, body int) []byte {
	const protocol = 1
	le := binary.LittleEndian
	start := len(to)
	pad := func(n int) {
		for (len(to)-start)%n != 0 {
			to = append(to, 0)
		}
	}
	to = append(to, 'l', byte(h.kind), byte(h.flags), protocol)
	to = le.AppendUint32(to, uint32(body))
	to = le.AppendUint32(to, h.serial)
	to = le.AppendUint32(to, 0) // the length of the fields, known below
	field := func(f dbus.HeaderField, typ byte) {
		pad(8)
		to = append(to, byte(f), 1, typ, 0)
	}
	text := func(f dbus.HeaderField, typ byte, s string) {
		if s == "" {
			return
		}
		field(f, typ)
		if typ == 'g' {
			to = append(to, byte(len(s)))
		} else {
			pad(4)
			to = le.AppendUint32(to, uint32(len(s)))
		}
		to = append(append(to, s...), 0)
	}
	text(dbus.FieldPath, 'o', h.path)
	text(dbus.FieldInterface, 's', h.iface)
	text(dbus.FieldMember, 's', h.member)
	text(dbus.FieldErrorName, 's', h.errorName)
	if h.replySerial != 0 {
		field(dbus.FieldReplySerial, 'u')
		pad(4)
		to = le.AppendUint32(to, h.replySerial)
	}
	text(dbus.FieldDestination, 's', h.destination)
	text(dbus.FieldSignature, 'g', h.signature)
	le.PutUint32(to[start+fixedHeader-4:], uint32(len(to)-start-fixedHeader))
	pad(8)
	return to
}

var errHeader = errors.New("the header of a message cannot be read")

// parse reads the header of a frame, whose fixed part has been looked at, and
// returns it with the offset of the body.
func parse(frame []byte, order binary.ByteOrder) (*header, int, error) {
	h := &header{kind: dbus.Type(frame[1]), flags: dbus.Flags(frame[2]), serial: order.Uint32(frame[serialOffset:])}
	end := fixedHeader + int(order.Uint32(frame[fixedHeader-4:]))
	body := (end + 7) / 8 * 8
	if end < fixedHeader || body > len(frame) {
		return nil, 0, errHeader
	}
	at := fixedHeader
	take := func(n, align int) []byte {
		at = (at + align - 1) / align * align
		if n < 0 || at > end || n > end-at {
			return nil
		}
		b := frame[at : at+n]
		at += n
		return b
	}
	text := func(length int) (string, bool) {
		b := take(length+1, 1)
		if b == nil || b[length] != 0 {
			return "", false
		}
		return string(b[:length]), true
	}
	for at < end {
		f := take(4, 8)
		if f == nil || f[1] != 1 || f[3] != 0 { // a field of another type than the ones below is none that we know
			return nil, 0, errHeader
		}
		var s string
		var n uint32
		ok := true
		switch f[2] {
		case 's', 'o':
			l := take(4, 4)
			if l == nil {
				return nil, 0, errHeader
			}
			s, ok = text(int(order.Uint32(l)))
		case 'g':
			l := take(1, 1)
			if l == nil {
				return nil, 0, errHeader
			}
			s, ok = text(int(l[0]))
		case 'u':
			l := take(4, 4)
			if l == nil {
				return nil, 0, errHeader
			}
			n = order.Uint32(l)
		default:
			ok = false
		}
		if !ok {
			return nil, 0, errHeader
		}
		switch dbus.HeaderField(f[0]) {
		case dbus.FieldPath:
			h.path = s
		case dbus.FieldInterface:
			h.iface = s
		case dbus.FieldMember:
			h.member = s
		case dbus.FieldErrorName:
			h.errorName = s
		case dbus.FieldReplySerial:
			h.replySerial = n
		case dbus.FieldDestination:
			h.destination = s
		case dbus.FieldSender:
			h.sender = s
		case dbus.FieldSignature:
			h.signature = s
		}
	}
	return h, body, nil
}
