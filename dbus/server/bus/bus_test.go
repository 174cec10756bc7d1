package bus

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"net"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/offlineimap/offlineimapd/internal/testenv"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// headers draws one that godbus takes for valid.
func headers(t *rapid.T) *header {
	name := rapid.StringMatching(`[a-z]{1,20}(\.[a-zA-Z_][a-zA-Z0-9_]{0,9}){1,3}`)
	h := &header{
		kind:        rapid.SampledFrom([]dbus.Type{dbus.TypeMethodCall, dbus.TypeMethodReply, dbus.TypeError, dbus.TypeSignal}).Draw(t, "kind"),
		flags:       dbus.Flags(rapid.ByteRange(0, 7).Draw(t, "flags")),
		serial:      rapid.Uint32Min(1).Draw(t, "serial"),
		path:        rapid.StringMatching(`(/[a-zA-Z0-9_]{1,9}){1,4}`).Draw(t, "path"),
		iface:       name.Draw(t, "interface"),
		member:      rapid.StringMatching(`[a-zA-Z][a-zA-Z0-9]{0,30}`).Draw(t, "member"),
		replySerial: rapid.Uint32Min(1).Draw(t, "reply"),
		destination: rapid.StringMatching(`(:1\.[0-9]{1,9})?`).Draw(t, "destination"),
	}
	if h.kind == dbus.TypeError {
		h.errorName = name.Draw(t, "error")
	}
	return h
}

// TestHeader has godbus read what is written here.
func TestHeader(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := headers(t)
		text := rapid.String().Filter(func(s string) bool { return !strings.Contains(s, "\x00") }).Draw(t, "text")
		b, err := Encode(text, uint64(7), map[string]any{"a": true})
		if err != nil {
			t.Fatal(err)
		}
		frame := b.frame(h)
		msg, err := dbus.DecodeMessage(bytes.NewReader(frame))
		if err != nil {
			t.Fatalf("%v in %x", err, frame)
		}
		if msg.Type != h.kind || msg.Flags != h.flags || msg.Serial() != h.serial ||
			msg.Headers[dbus.FieldReplySerial].Value() != h.replySerial || msg.Headers[dbus.FieldMember].Value() != h.member ||
			len(msg.Body) != 3 || msg.Body[0] != text || msg.Body[1] != uint64(7) {
			t.Fatalf("%+v became %+v", h, msg)
		}
		if m := decode(frame); m == nil || m.header != *h || !reflect.DeepEqual(m.body, msg.Body) {
			t.Fatalf("%+v became %+v", h, m)
		}
	})
}

// TestForeignHeader reads what godbus writes, in either order of octets.
func TestForeignHeader(t *testing.T) {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		for _, body := range [][]any{nil, {"text", uint32(3)}} {
			msg := &dbus.Message{Type: dbus.TypeMethodCall, Body: body, Headers: map[dbus.HeaderField]dbus.Variant{
				dbus.FieldPath: dbus.MakeVariant(dbus.ObjectPath("/a/b")), dbus.FieldInterface: dbus.MakeVariant("a.b"),
				dbus.FieldMember: dbus.MakeVariant("C"), dbus.FieldSender: dbus.MakeVariant(":1.2")}}
			sig := ""
			if body != nil {
				msg.Headers[dbus.FieldSignature] = dbus.MakeVariant(dbus.SignatureOf(body...))
				sig = "su"
			}
			var buf bytes.Buffer
			if err := msg.EncodeTo(&buf, order); err != nil {
				t.Fatal(err)
			}
			want := header{kind: dbus.TypeMethodCall, path: "/a/b", iface: "a.b", member: "C", sender: ":1.2", signature: sig}
			if m := decode(buf.Bytes()); m == nil || m.header != want || !reflect.DeepEqual(m.body, body) {
				t.Errorf("%v became %+v", msg, m)
			}
		}
	}
}

// FuzzDecode wants no frame to be more than a frame that is left out.
func FuzzDecode(f *testing.F) {
	b, err := Encode("text", map[string]any{"a": []string{"b"}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b.frame(&header{kind: dbus.TypeMethodCall, serial: 1, path: "/a", iface: "a.b", member: "C", destination: ":1.2"}))
	f.Add((&Body{}).frame(&header{kind: dbus.TypeError, serial: 1, errorName: "a.b", replySerial: 2}))
	f.Add([]byte("l\x01\x00\x01\xff\xff\xff\xff\x01\x00\x00\x00\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, frame []byte) {
		if len(frame) < fixedHeader || orderOf(frame[0]) == nil {
			return
		}
		_ = decode(frame)
	})
}

func TestTruncated(t *testing.T) {
	b, err := Encode("text")
	if err != nil {
		t.Fatal(err)
	}
	frame := b.frame(&header{kind: dbus.TypeMethodCall, serial: 1, path: "/a", iface: "a.b", member: "C"})
	for n := fixedHeader; n < len(frame); n++ {
		if m := decode(frame[:n]); m != nil {
			t.Errorf("%d of %d octets are %+v", n, len(frame), m)
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	for _, value := range []any{"\xff", "a\x00b", make(chan int), struct{}{}, nil} {
		if _, err := Encode(value); err == nil {
			t.Errorf("%#v was encoded", value)
		}
	}
}

func TestSocket(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", "/run/user/7")
	tests := []struct{ address, want string }{
		{"unix:path=/run/bus", "/run/bus"},
		{"unix:path=/run/a%20b,guid=17", "/run/a b"},
		{"unix:guid=17,path=/run/bus", "/run/bus"},
		{"unix:abstract=/tmp/x", "@/tmp/x"},
		{"unix:runtime=yes", "/run/user/7/bus"},
		{"unix:", ""},
		{"unix:path=%zz", ""},
		{"tcp:host=localhost", ""},
		{"", ""},
	}
	for _, tt := range tests {
		if got, err := socket(tt.address); got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("socket(%q) is %q, %v", tt.address, got, err)
		}
	}
}

// quiet takes no calls and signals.
func quiet() Handlers { return Handlers{Call: func(*Call) {}, Signal: func(*Signal) {}} }

// TestDialEnds has a bus that does not answer as one.
func TestDialEnds(t *testing.T) {
	for _, says := range []string{"", "REJECTED EXTERNAL\r\n", "what?\r\n", "OK 1\r\n", "OK 1\r\nnonsense that is no message", strings.Repeat("x", 1<<20)} {
		l, err := net.Listen("unix", filepath.Join(t.TempDir(), "bus"))
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			nc, err := l.Accept()
			if err != nil {
				return
			}
			defer nc.Close()
			_, _ = nc.Write([]byte(says))
			_, _ = nc.Read(make([]byte, 1<<20))
			_ = nc.SetReadDeadline(time.Now().Add(10 * time.Second))
			for err == nil {
				_, err = nc.Read(make([]byte, 1<<10))
			}
		}()
		ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
		if c, err := Dial(ctx, "unix:path="+l.Addr().String(), quiet()); err == nil {
			c.Close()
			t.Errorf("connected to what says %.40q", says)
		}
		cancel()
		<-done
		l.Close()
	}
}

// TestBothEnds connects two of our kind, and has one call the other.
func TestBothEnds(t *testing.T) {
	address := testenv.Bus(t)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	signals := make(chan *Signal, 10)
	a, err := Dial(ctx, address, Handlers{
		Call: func(c *Call) {
			switch c.Member {
			case "Echo":
				if err := c.Reply(c.Body...); err != nil {
					c.Fail(&Error{Name: "a.b.Bad", Text: err.Error(), Hint: "do"})
				}
			case "Fail":
				c.Fail(&Error{Name: "a.b.Failed", Text: "no"})
			}
		},
		Signal: func(s *Signal) { signals <- s },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if err := a.RequestName(ctx, "a.b.Name"); err != nil {
		t.Fatal(err)
	}
	b, err := Dial(ctx, address, quiet())
	if err != nil {
		t.Fatal(err)
	}
	if err := b.RequestName(ctx, "a.b.Name"); !errors.Is(err, ErrNameTaken) {
		t.Errorf("a name twice: %v", err)
	}
	if err := a.Watch(ctx, "b.c.Name"); err != nil {
		t.Fatal(err)
	}
	if err := b.RequestName(ctx, "b.c.Name"); err != nil {
		t.Fatal(err)
	}
	got, err := b.Call(ctx, "a.b.Name", "/", "a.b", "Echo", "x", uint32(7))
	if err != nil || len(got) != 2 || got[0] != "x" || got[1] != uint32(7) {
		t.Errorf("Echo: %v, %v", got, err)
	}
	var e *Error
	if _, err := b.Call(ctx, "a.b.Name", "/", "a.b", "Fail"); !errors.As(err, &e) || e.Name != "a.b.Failed" || e.Text != "no" {
		t.Errorf("Fail: %v", err)
	}
	short, stop := context.WithTimeout(ctx, 50*time.Millisecond)
	defer stop()
	if _, err := b.Call(short, "a.b.Name", "/", "a.b", "Silence"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Silence: %v", err)
	}
	// What is too large is read away, and what follows is heard.
	if err := b.Tell("a.b.Name", "/", "a.b", "Echo", strings.Repeat("x", largest)); err != nil {
		t.Errorf("tell much: %v", err)
	}
	if _, err := b.Call(ctx, "a.b.Name", "/", "a.b", "Echo", "y"); err != nil {
		t.Errorf("after much: %v", err)
	}
	if has, err := a.HasOwner(ctx, "b.c.Name"); !has || err != nil {
		t.Errorf("b.c.Name has an owner: %v, %v", has, err)
	}
	b.Close()
	if _, err := b.Call(ctx, "a.b.Name", "/", "a.b", "Echo"); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	for left := ""; left == ""; {
		select {
		case s := <-signals:
			left = s.Left()
		case <-ctx.Done():
			t.Fatal("nobody left")
		}
	}
	if err := a.ReleaseName(ctx, "a.b.Name"); err != nil {
		t.Error(err)
	}
	if len(a.waiting) != 0 {
		t.Errorf("%d calls wait still", len(a.waiting))
	}
}
