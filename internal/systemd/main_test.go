package systemd

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

// TestMain is a service as well, started by the test of Receive.
func TestMain(m *testing.M) {
	if os.Getenv(serviceVar) != "" {
		os.Exit(service())
	}
	goleak.VerifyTestMain(m)
}

// inbox is the other end of a datagram socket: systemd's, or journald's.
type inbox struct {
	t    testing.TB
	path string
	conn *net.UnixConn
	buf  []byte
}

func newInbox(t testing.TB) *inbox {
	t.Helper()
	b := &inbox{t: t, path: filepath.Join(t.TempDir(), "socket")}
	b.listen()
	t.Cleanup(func() { b.conn.Close() })
	return b
}

func (b *inbox) listen() {
	b.t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: b.path, Net: "unixgram"})
	if err != nil {
		b.t.Fatal(err)
	}
	b.conn = conn
}

// all takes what has arrived. It never waits, so that a test with a time of its
// own may call it.
func (b *inbox) all() []string {
	b.t.Helper()
	var got []string
	for {
		data, ok := b.one()
		if !ok {
			return got
		}
		got = append(got, data)
	}
}

// one takes one datagram, and reads the file that came instead of one.
func (b *inbox) one() (string, bool) {
	b.t.Helper()
	raw, err := b.conn.SyscallConn()
	if err != nil {
		b.t.Fatal(err)
	}
	if b.buf == nil {
		b.buf = make([]byte, 1<<20)
	}
	buf, oob := b.buf, make([]byte, 256)
	var n, oobn int
	var rerr error
	if err := raw.Control(func(fd uintptr) {
		n, oobn, _, _, rerr = unix.Recvmsg(int(fd), buf, oob, unix.MSG_DONTWAIT|unix.MSG_CMSG_CLOEXEC)
	}); err != nil {
		b.t.Fatal(err)
	}
	if errors.Is(rerr, unix.EAGAIN) {
		return "", false
	}
	if rerr != nil {
		b.t.Fatal(rerr)
	}
	if oobn == 0 {
		return string(buf[:n]), true
	}
	if n != 0 {
		b.t.Errorf("%d octets came with a file", n)
	}
	return b.file(oob[:oobn]), true
}

// file reads a file that came along, as journald would: only if it is sealed.
func (b *inbox) file(oob []byte) string {
	b.t.Helper()
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil || len(msgs) != 1 {
		b.t.Fatalf("%d control messages, %v", len(msgs), err)
	}
	fds, err := unix.ParseUnixRights(&msgs[0])
	if err != nil || len(fds) != 1 {
		b.t.Fatalf("%d files, %v", len(fds), err)
	}
	f := os.NewFile(uintptr(fds[0]), "entry")
	defer f.Close()
	want := unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE | unix.F_SEAL_SEAL
	if seals, err := unix.FcntlInt(f.Fd(), unix.F_GET_SEALS, 0); err != nil || seals != want {
		b.t.Errorf("seals %#x, %v", seals, err)
	}
	st, err := f.Stat()
	if err != nil {
		b.t.Fatal(err)
	}
	data := make([]byte, st.Size())
	if _, err := f.ReadAt(data, 0); err != nil {
		b.t.Fatal(err)
	}
	return string(data)
}

// fill leaves no room for another datagram. What one sender may have under way is
// bounded, too, so it takes several of them.
func (b *inbox) fill() {
	b.t.Helper()
	for {
		conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: b.path, Net: "unixgram"})
		if err != nil {
			b.t.Fatal(err)
		}
		defer conn.Close()
		raw, err := conn.SyscallConn()
		if err != nil {
			b.t.Fatal(err)
		}
		sent := 0
		if cerr := raw.Control(func(fd uintptr) {
			for ; err == nil; sent++ {
				err = unix.Send(int(fd), []byte("X=1\n"), unix.MSG_DONTWAIT)
			}
		}); cerr != nil {
			b.t.Fatal(cerr)
		}
		if !errors.Is(err, unix.EAGAIN) {
			b.t.Fatal(err)
		}
		if sent == 1 {
			return
		}
	}
}
