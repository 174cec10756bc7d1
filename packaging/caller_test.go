package packaging

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/offlineimap/offlineimapd/dbus/api"
)

// cheaply calls Status without spending much on it itself: ready-made messages,
// those of a hundredth of a second at once, and answers that are only counted.
// What slows runs down then is the bus and the service.
func cheaply(rate int, length time.Duration) (answered, failed int64, err error) {
	path, ok := strings.CutPrefix(os.Getenv("DBUS_SESSION_BUS_ADDRESS"), "unix:path=")
	if !ok {
		return 0, 0, errors.New("the session bus has no path")
	}
	nc, err := net.Dial("unix", path)
	if err != nil {
		return 0, 0, err
	}
	defer nc.Close()
	if err := nc.SetDeadline(time.Now().Add(length + 10*time.Second)); err != nil {
		return 0, 0, err
	}
	in := bufio.NewReaderSize(nc, 1<<16)
	fmt.Fprintf(nc, "\x00AUTH EXTERNAL %s\r\n", hex.EncodeToString([]byte(strconv.Itoa(os.Getuid()))))
	if line, err := in.ReadString('\n'); err != nil || !strings.HasPrefix(line, "OK ") {
		return 0, 0, fmt.Errorf("the bus says %q: %w", line, err)
	}
	hello, err := frame("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "Hello")
	if err != nil {
		return 0, 0, err
	}
	call, err := frame(api.BusName, api.Path, api.ManagerInterface, "Status")
	if err != nil {
		return 0, 0, err
	}
	number := func(b []byte, n uint32) []byte { binary.LittleEndian.PutUint32(b[8:], n); return b }
	if _, err := nc.Write(append([]byte("BEGIN\r\n"), number(hello, 1)...)); err != nil {
		return 0, 0, err
	}
	var good, bad atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		head := make([]byte, 16)
		for {
			if _, err := io.ReadFull(in, head); err != nil {
				return
			}
			rest := (int(binary.LittleEndian.Uint32(head[12:]))+7)/8*8 + int(binary.LittleEndian.Uint32(head[4:]))
			if _, err := in.Discard(rest); err != nil {
				return
			}
			switch dbus.Type(head[1]) {
			case dbus.TypeMethodReply:
				good.Add(1)
			case dbus.TypeError:
				bad.Add(1)
			}
		}
	}()
	const tick = 10 * time.Millisecond
	began, sent := time.Now(), 0
	for now := time.Duration(0); now < length; now = time.Since(began) {
		var out []byte
		for ; sent < int(now.Seconds()*float64(rate)); sent++ {
			out = append(out, number(call, uint32(sent+2))...)
		}
		if _, err := nc.Write(out); err != nil {
			return good.Load(), bad.Load(), err
		}
		time.Sleep(tick)
	}
	for end := time.Now().Add(2 * time.Second); good.Load()+bad.Load() < int64(sent)+1 && time.Now().Before(end); {
		time.Sleep(tick)
	}
	nc.Close()
	<-done
	return good.Load() - 1, bad.Load() + int64(sent) + 1 - good.Load(), nil // Hello is no call of ours
}

// frame is a call, ready but for its number.
func frame(dest, path, iface, member string) ([]byte, error) {
	var b bytes.Buffer
	err := (&dbus.Message{Type: dbus.TypeMethodCall, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldDestination: dbus.MakeVariant(dest), dbus.FieldPath: dbus.MakeVariant(dbus.ObjectPath(path)),
		dbus.FieldInterface: dbus.MakeVariant(iface), dbus.FieldMember: dbus.MakeVariant(member),
	}}).EncodeTo(&b, binary.LittleEndian)
	return b.Bytes(), err
}
