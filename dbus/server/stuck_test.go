package server

import (
	"bufio"
	"encoding/binary"
	"net"
	"strings"

	"github.com/godbus/dbus/v5"

	"github.com/offlineimap/offlineimapd/service/event"
)

func eventNewMail(n int) event.Event {
	return event.Event{Kind: event.NewMail, Account: "home", Folder: strings.Repeat("x", 500), Count: n}
}

// greet is as much of a bus as it takes to be believed: it lets one client in,
// says hello, and gives it the name that it asks for.
func greet(nc net.Conn) {
	r := bufio.NewReader(nc)
	_, _ = r.ReadString('\n')
	_, _ = nc.Write([]byte("OK 00\r\n"))
	_, _ = r.ReadString('\n')
	for _, result := range []any{":1.1", uint32(dbus.RequestNameReplyPrimaryOwner)} {
		call, err := dbus.DecodeMessage(r)
		if err != nil {
			return
		}
		reply := &dbus.Message{Type: dbus.TypeMethodReply, Body: []any{result}, Headers: map[dbus.HeaderField]dbus.Variant{
			dbus.FieldReplySerial: dbus.MakeVariant(call.Serial()),
			dbus.FieldSignature:   dbus.MakeVariant(dbus.SignatureOf(result)),
		}}
		_ = reply.EncodeTo(nc, binary.LittleEndian)
	}
}
