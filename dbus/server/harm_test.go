package server

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/offlineimap/offlineimapd/dbus/api"
	"github.com/offlineimap/offlineimapd/service"
)

// TestFlood has one client call 20,000 times, a thousand of them under way,
// while the daemon takes its time, and another one look on.
func TestFlood(t *testing.T) {
	s := start(t, example())
	s.daemon.set(func(f *fake) { f.slow = 5 * time.Millisecond })
	const flood, underWay = 20000, 1000
	attacker, other := s.client(), s.client()
	other.must(api.Path, manager+"Status")
	goroutines := runtime.NumGoroutine()
	answers, room := make(chan *dbus.Call, flood), make(chan struct{}, underWay)
	go func() {
		obj := attacker.Object(api.BusName, api.Path)
		for i := range flood {
			room <- struct{}{}
			if i%2 == 0 {
				obj.Go(manager+"Describe", 0, answers)
			} else {
				obj.Go(manager+"Pause", 0, answers, "", uint64(i))
			}
		}
	}()
	var longest time.Duration
	done := make(map[string]int)
	for i := range flood {
		call := <-answers
		<-room
		var de dbus.Error
		if errors.As(call.Err, &de); call.Err != nil && de.Name != api.ErrorLimitsExceeded {
			t.Fatalf("%s ends with %v", call.Method, call.Err)
		}
		done[call.Method+" "+de.Name]++
		if i%1000 == 500 {
			begun := time.Now()
			other.must(api.Path, manager+"Resume", "") // others still get their turn
			longest = max(longest, time.Since(begun))
		}
	}
	t.Logf("meanwhile, somebody else waited %v at most", longest)
	if n := s.daemon.most(); n > mostWorkSender+1 {
		t.Errorf("the daemon was asked %d times at once", n)
	}
	refused, paused := done[manager+"Pause "+api.ErrorLimitsExceeded], done[manager+"Pause "]
	if done[manager+"Describe "] != flood/2 || refused == 0 || paused == 0 || refused+paused != flood/2 {
		t.Errorf("what became of the calls: %v", done)
	}
	attacker.Close()
	eventually(t, "nothing is left of it", func() bool { return runtime.NumGoroutine() <= goroutines })
}

// TestManyCallers bounds what all together have the daemon do.
func TestManyCallers(t *testing.T) {
	s := start(t, example())
	block := make(chan struct{})
	s.daemon.set(func(f *fake) { f.block = block })
	answers := make(chan *dbus.Call, mostWork+mostWorkSender)
	for range mostWork/mostWorkSender + 1 {
		obj := s.client().Object(api.BusName, api.Path)
		for range mostWorkSender {
			obj.Go(manager+"Reload", 0, answers)
		}
	}
	refused := 0
	for range mostWorkSender {
		if call := <-answers; call.Err != nil {
			refused++
		}
	}
	if asked := len(s.daemon.took()); asked != mostWork || refused != mostWorkSender {
		t.Errorf("the daemon was asked %d times at once, and %d calls were refused", asked, refused)
	}
	close(block)
	eventually(t, "all are done", func() bool {
		s.server.gate.mu.Lock()
		defer s.server.gate.mu.Unlock()
		return s.server.gate.all == 0 && len(s.server.gate.sender) == 0
	})
}

// TestCallersDisappear has a thousand clients call and leave.
func TestCallersDisappear(t *testing.T) {
	s := start(t, example())
	c := s.client()
	c.must(api.Path, manager+"Status")
	before := runtime.NumGoroutine()
	for range 1000 {
		conn, err := dbus.Connect(s.bus.Addr())
		if err != nil {
			t.Fatal(err)
		}
		obj := conn.Object(api.BusName, api.Path)
		obj.Go(manager+"RegisterAgent", dbus.FlagNoReplyExpected, nil, dbus.ObjectPath("/agent"), options{})
		obj.Go(manager+"Describe", 0, make(chan *dbus.Call, 1))
		conn.Close()
	}
	eventually(t, "nothing is left of them", func() bool {
		return s.server.agents.Len() == 0 && runtime.NumGoroutine() <= before
	})
	c.must(api.Path, manager+"Status")
}

// TestStatusIsCheap bounds what a call costs the server's process: far from
// making the answer anew.
func TestStatusIsCheap(t *testing.T) {
	st := example()
	for i := range 200 {
		st.Accounts[0].Folders = append(st.Accounts[0].Folders, service.Folder{Local: fmt.Sprint(i)})
	}
	c := &cache{}
	first, err := c.statusOf(st)
	if err != nil {
		t.Fatal(err)
	}
	allocs := testing.AllocsPerRun(100, func() {
		if b, err := c.statusOf(st); err != nil || b != first {
			t.Fatal("the answer was made anew")
		}
	})
	if allocs > 5 {
		t.Errorf("a kept answer costs %v allocations", allocs)
	}
}

// raw is a client that sends whatever a test wants.
type raw struct {
	net.Conn
	*bufio.Reader
}

func (s *setting) raw() *raw {
	s.t.Helper()
	nc, err := net.Dial("unix", strings.TrimPrefix(s.bus.Addr(), "unix:path="))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { nc.Close() })
	r := &raw{nc, bufio.NewReader(nc)}
	fmt.Fprintf(nc, "\x00AUTH EXTERNAL %s\r\n", hex.EncodeToString([]byte(strconv.Itoa(os.Geteuid()))))
	if line, err := r.ReadString('\n'); err != nil || !strings.HasPrefix(line, "OK ") {
		s.t.Fatalf("log in to the bus: %q, %v", line, err)
	}
	fmt.Fprint(nc, "BEGIN\r\n")
	r.send(frame(s.t, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "Hello"))
	_ = nc.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := dbus.DecodeMessage(r.Reader); err != nil {
		s.t.Fatalf("say hello to the bus: %v", err)
	}
	return r
}

func (r *raw) send(b []byte) { _, _ = r.Conn.Write(b) }

// frame encodes a call, with the serial 1.
func frame(t *testing.T, dest, path, iface, member string, body ...any) []byte {
	t.Helper()
	msg := &dbus.Message{Type: dbus.TypeMethodCall, Body: body, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldDestination: v(dest), dbus.FieldPath: v(dbus.ObjectPath(path)), dbus.FieldInterface: v(iface), dbus.FieldMember: v(member)}}
	if len(body) > 0 {
		msg.Headers[dbus.FieldSignature] = v(dbus.SignatureOf(body...))
	}
	var buf bytes.Buffer
	if err := msg.EncodeTo(&buf, binary.LittleEndian); err != nil {
		t.Fatal(err)
	}
	binary.LittleEndian.PutUint32(buf.Bytes()[8:], 1)
	return buf.Bytes()
}

// nested is a value in that many variants.
func nested(depth int) dbus.Variant {
	out := v(byte(1))
	for range depth {
		out = v(out)
	}
	return out
}

// TestNonsense sends what no client of good will does. Whether the bus lets it
// through or not: the daemon goes on.
func TestNonsense(t *testing.T) {
	s := start(t, example())
	c := s.client()
	alive := func(what string) {
		t.Helper()
		select {
		case err := <-s.result:
			t.Fatalf("%s ended Serve: %v", what, err)
		default:
		}
		c.must(api.Path, manager+"Describe")
	}
	for depth := 1; depth <= 70; depth++ {
		r := s.raw()
		r.send(frame(t, api.BusName, api.Path, api.ManagerInterface, "SyncNow", "home", options{"reason": nested(min(depth, 30))}))
		deep := frame(t, api.BusName, api.Path, api.ManagerInterface, "SyncNow", v(byte(1)))
		// Variants in variants, written by hand: godbus encodes 64 at most.
		body := append(bytes.Repeat([]byte{1, 'v', 0}, depth), 1, 'y', 0, 1)
		deep = append(deep[:len(deep)-int(binary.LittleEndian.Uint32(deep[4:]))], body...)
		binary.LittleEndian.PutUint32(deep[4:], uint32(len(body)))
		r.send(deep)
		r.Close()
	}
	alive("depth")
	r := s.raw()
	r.send(frame(t, api.BusName, api.Path, api.ManagerInterface, "Resume", strings.Repeat("x", 8<<20)))
	r.send(frame(t, api.BusName, api.Path, api.ManagerInterface, "Resume", "after it"))
	alive("8 MiB of text")
	if _, err := c.call(api.Path, manager+"Resume", strings.Repeat("x", 500000)); err == nil {
		t.Error("an account with a name of 500,000 octets")
	}
	for kind := range byte(12) {
		r := s.raw()
		f := frame(t, api.BusName, api.Path, api.ManagerInterface, "Describe")
		f[1] = kind // the type of the message
		r.send(f)
		f[1], f[2] = 1, 0xff // unknown flags
		r.send(f)
		alive(fmt.Sprintf("a message of type %d", kind))
	}
	for _, m := range []*dbus.Message{
		{Type: dbus.TypeMethodReply, Headers: map[dbus.HeaderField]dbus.Variant{dbus.FieldDestination: v(api.BusName), dbus.FieldReplySerial: v(uint32(1))}},
		{Type: dbus.TypeError, Headers: map[dbus.HeaderField]dbus.Variant{dbus.FieldDestination: v(api.BusName), dbus.FieldReplySerial: v(uint32(2)), dbus.FieldErrorName: v("a.b")}},
		{Type: dbus.TypeSignal, Headers: map[dbus.HeaderField]dbus.Variant{dbus.FieldDestination: v(api.BusName), dbus.FieldPath: v(dbus.ObjectPath("/")),
			dbus.FieldInterface: v("org.freedesktop.DBus"), dbus.FieldMember: v("NameOwnerChanged"), dbus.FieldSignature: v(dbus.SignatureOf("", "", ""))},
			Body: []any{api.BusName, "x", ""}},
	} {
		c.Send(m, nil)
	}
	alive("answers to no question")
	file, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := c.call(api.Path, manager+"Describe", dbus.UnixFD(file.Fd())); err == nil {
		t.Error("a file was taken")
	}
	alive("a file descriptor")
}

// TestMutants sends calls with octets changed at random.
func TestMutants(t *testing.T) {
	s := start(t, example())
	c := s.client()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	calls := [][]byte{
		frame(t, api.BusName, api.Path, api.ManagerInterface, "SyncNow", "home", options{"folders": v([]string{"a", "b"}), "full": v(true)}),
		frame(t, api.BusName, homePath, api.PropertiesInterface, "Get", api.AccountInterface, "State"),
		frame(t, api.BusName, api.LogControlPath, api.PropertiesInterface, "Set", api.LogControlInterface, "LogLevel", v("debug")),
	}
	for range 300 {
		r := s.raw()
		for range 20 {
			f := bytes.Clone(calls[rnd.IntN(len(calls))])
			for range 1 + rnd.IntN(3) {
				f[rnd.IntN(len(f))] = byte(rnd.Uint32())
			}
			r.send(f)
		}
		r.Close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := c.Object(api.BusName, api.Path).CallWithContext(ctx, manager+"Describe", 0).Err; err != nil {
		t.Fatalf("afterwards: %v", err)
	}
}
