package stream

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// board is a Source that a test writes on.
type board struct {
	mu   sync.Mutex
	line []byte
	subs map[chan struct{}]bool
	asks int // calls of Line
}

func (b *board) Line() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asks++
	return b.line
}

func (b *board) Changed() (<-chan struct{}, func()) {
	c := make(chan struct{}, 1)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.subs == nil {
		b.subs = map[chan struct{}]bool{}
	}
	b.subs[c] = true
	return c, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.subs, c)
	}
}

func (b *board) set(line string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.line = []byte(line)
	for c := range b.subs {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

func (b *board) subscribers() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.subs)
}

// served is a running Serve on a socket in a directory.
type served struct {
	board
	path string
	end  context.CancelFunc
	done chan error
}

func serve(t testing.TB, first string) *served {
	t.Helper()
	s := &served{path: filepath.Join(t.TempDir(), "events"), done: make(chan error, 1)}
	s.set(first)
	l, err := net.Listen("unix", s.path)
	if err != nil {
		t.Fatal(err)
	}
	var ctx context.Context
	ctx, s.end = context.WithCancel(context.Background())
	go func() { s.done <- Serve(ctx, l, s) }()
	t.Cleanup(func() {
		s.end()
		select {
		case err := <-s.done:
			if err != nil {
				t.Errorf("Serve: %v", err)
			}
		case <-time.After(5 * time.Second):
			t.Error("Serve does not end")
		}
		if n := s.subscribers(); n != 0 {
			t.Errorf("%d subscriptions are left", n)
		}
	})
	return s
}

type client struct {
	*net.UnixConn
	in *bufio.Reader
}

func (s *served) dial(t testing.TB) *client {
	t.Helper()
	conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: s.path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &client{conn, bufio.NewReader(conn)}
}

// line reads one line, and fails where none comes.
func (c *client) line(t testing.TB) string {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	s, err := c.in.ReadString('\n')
	if err != nil {
		t.Fatalf("read a line: %q, %v", s, err)
	}
	return strings.TrimSuffix(s, "\n")
}

func TestALineAtOnceAndOneAChange(t *testing.T) {
	s := serve(t, `{"state":"idle"}`)
	c := s.dial(t)
	if got := c.line(t); got != `{"state":"idle"}` {
		t.Errorf("first line: %q", got)
	}
	s.set(`{"state":"syncing"}`)
	if got := c.line(t); got != `{"state":"syncing"}` {
		t.Errorf("second line: %q", got)
	}
	if got := s.dial(t).line(t); got != `{"state":"syncing"}` {
		t.Errorf("first line of another: %q", got)
	}
}

// TestTheLastOneArrives changes faster than lines are sent: few of them arrive, in
// order, and the last one always does.
func TestTheLastOneArrives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newPipes()
		b := &board{}
		b.set("0")
		ctx, end := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- Serve(ctx, l, b) }()
		conn := l.dial()
		var got []string
		var times []time.Time
		go func() {
			for in := bufio.NewScanner(conn); in.Scan(); {
				got, times = append(got, in.Text()), append(times, time.Now())
			}
		}()
		begin := time.Now()
		for i := range 2000 { // in two seconds
			b.set(fmt.Sprint(i))
			time.Sleep(time.Millisecond)
		}
		time.Sleep(interval)
		synctest.Wait()
		if n := len(got); n < 8 || n > 10 || got[n-1] != "1999" {
			t.Errorf("%d lines in %v: %q", n, time.Since(begin), got)
		}
		for i := 2; i < len(times); i++ { // the first is the greeting
			if d := times[i].Sub(times[i-1]); d < interval {
				t.Errorf("%v between two lines", d)
			}
		}
		// A change after a quiet time is told at once.
		time.Sleep(time.Hour)
		n, at := len(got), time.Now()
		b.set("late")
		synctest.Wait()
		if len(got) != n+1 || got[n] != "late" || !times[n].Equal(at) {
			t.Errorf("after an hour: %q", got[n:])
		}
		// One that says nothing new is not told.
		time.Sleep(time.Second)
		b.set("late")
		time.Sleep(time.Second)
		if len(got) != n+1 {
			t.Errorf("the same line twice: %q", got[n:])
		}
		end()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestNobodyListens asks the source for nothing, and the first reader gets what
// is true by then.
func TestNobodyListens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newPipes()
		b := &board{}
		ctx, end := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- Serve(ctx, l, b) }()
		for i := range 10 {
			b.set(fmt.Sprint(i))
			time.Sleep(time.Second)
		}
		if b.asks != 0 {
			t.Errorf("asked %d times", b.asks)
		}
		if got, err := bufio.NewReader(l.dial()).ReadString('\n'); got != "9\n" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
		end()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestPatience lets a reader go that takes nothing, and no other.
func TestPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newPipes()
		b := &board{}
		b.set("0")
		ctx, end := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- Serve(ctx, l, b) }()
		good, bad := l.dial(), l.dial()
		n := 0
		go func() {
			for in := bufio.NewScanner(good); in.Scan(); n++ {
			}
		}()
		for i := range int(patience/time.Second) + 1 {
			b.set(fmt.Sprint("x", i))
			time.Sleep(time.Second)
		}
		synctest.Wait()
		if n <= int(patience/time.Second) {
			t.Errorf("the good reader got %d lines", n)
		}
		if got, err := io.ReadAll(bad); err != nil || len(got) != 0 {
			t.Errorf("the bad one was not let go, or got something: %q, %v", got, err)
		}
		end()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestSlowReadersCostNothing has 50 readers that never read, and lines enough to
// fill all buffers. One that reads sees every state in time, and no memory is
// taken.
func TestSlowReadersCostNothing(t *testing.T) {
	const size = 32 << 10
	text := func(i int) string { return fmt.Sprintf(`{"n":%06d,"fill":"%s"}`, i, strings.Repeat("x", size)) }
	s := serve(t, text(0))
	for range 50 {
		s.dial(t)
	}
	good := s.dial(t)
	good.in = bufio.NewReaderSize(good, 2*size)
	good.line(t)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := 1; i <= 8; i++ {
		at := time.Now()
		s.set(text(i))
		if got := good.line(t); got != text(i) {
			t.Fatalf("line %d: %.20q", i, got)
		}
		if d := time.Since(at); d > interval+time.Second {
			t.Errorf("line %d took %v", i, d)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 10*size {
		t.Errorf("the heap grew by %d octets", grown)
	}
}

// TestASlowReaderSkips stops reading for a while, and then gets whole lines, in
// order, the last of them the latest.
func TestASlowReaderSkips(t *testing.T) {
	fill := strings.Repeat("y", 16<<10)
	s := serve(t, "000"+fill)
	slow, good := s.dial(t), s.dial(t)
	good.line(t)
	for i := 1; i <= 8; i++ {
		s.set(fmt.Sprintf("%03d", i) + fill)
		good.line(t)
	}
	last, n := "", 0
	for last != "008" {
		got := slow.line(t)
		if len(got) != 3+len(fill) || got[:3] <= last {
			t.Fatalf("after %q: %.10q, %d octets", last, got, len(got))
		}
		last = got[:3]
		n++
	}
	if n == 9 {
		t.Error("nothing was left out: were the buffers too large?")
	}
}

func TestOneTooMany(t *testing.T) {
	s := serve(t, "{}")
	var all []*client
	for range maxReaders {
		c := s.dial(t)
		c.line(t)
		all = append(all, c)
	}
	c := s.dial(t)
	if got := c.line(t); got != `{"error":"there are 64 readers already"}` {
		t.Errorf("got %q", got)
	}
	if _, err := c.in.ReadByte(); err != io.EOF {
		t.Errorf("not closed: %v", err)
	}
	// One goes, and there is room again.
	all[0].Close()
	for end := time.Now().Add(5 * time.Second); ; {
		if got := s.dial(t).line(t); got == "{}" {
			break
		}
		if time.Now().After(end) {
			t.Fatal("a reader that went away keeps its place")
		}
	}
}

// TestReadersThatGo makes room for others even while nothing changes.
func TestReadersThatGo(t *testing.T) {
	much := bytes.Repeat([]byte("a"), 8*maxInput)
	tests := []struct {
		name string
		go_  func(*client) error
	}{
		{"closes", func(c *client) error { return c.Close() }},
		{"ends its input, then closes", func(c *client) error {
			if err := c.CloseWrite(); err != nil {
				return err
			}
			return c.Close()
		}},
		{"writes too much", func(c *client) error {
			// More than all buffers hold.
			_, err := c.Write(much)
			if err == nil {
				return fmt.Errorf("it took everything")
			}
			return nil
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, "{}")
			for range maxReaders + 10 {
				for end := time.Now().Add(5 * time.Second); ; {
					c := s.dial(t)
					got := c.line(t)
					if got == "{}" {
						if err := tt.go_(c); err != nil {
							t.Fatal(err)
						}
						break
					}
					if time.Now().After(end) {
						t.Fatal(got)
					}
				}
			}
		})
	}
}

// TestReadersThatSend are served as others are.
func TestReadersThatSend(t *testing.T) {
	s := serve(t, "1")
	c := s.dial(t)
	if _, err := c.Write([]byte("GET / HTTP/1.0\r\n\r\n\x00\xff")); err != nil {
		t.Fatal(err)
	}
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got := c.line(t); got != "1" {
		t.Errorf("got %q", got)
	}
	s.set("2")
	if got := c.line(t); got != "2" {
		t.Errorf("after its input ended: %q", got)
	}
}

func TestEnd(t *testing.T) {
	s := serve(t, strings.Repeat("z", 1<<20)) // which nobody can take at once
	var all []*client
	for range 10 {
		all = append(all, s.dial(t))
	}
	all[0].CloseWrite()
	for _, c := range all {
		if _, err := c.in.ReadByte(); err != nil {
			t.Fatal(err)
		}
	}
	at := time.Now()
	s.end()
	err := <-s.done
	s.done <- err
	if d := time.Since(at); err != nil || d > time.Second {
		t.Errorf("ended after %v: %v", d, err)
	}
	if _, err := net.Dial("unix", s.path); err == nil {
		t.Error("it still listens")
	}
}

func TestAListenerThatFails(t *testing.T) {
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "events"))
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if err := Serve(t.Context(), l, &board{}); err == nil {
		t.Error("no error")
	}
	// One that fails now and then is tried again.
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		p.fail = 3
		ctx, end := context.WithCancel(t.Context())
		done := make(chan error, 1)
		b := &board{}
		b.set("1")
		go func() { done <- Serve(ctx, p, b) }()
		got, err := bufio.NewReader(p.dial()).ReadString('\n')
		if got != "1\n" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
		end()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestOnLines holds what is one line to one line.
func TestOneLine(t *testing.T) {
	for in, want := range map[string]string{"": "", "a": "a\n", "a\nb\n": "a b \n"} {
		if got := string(terminated([]byte(in))); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}

// pipes is a listener in memory, for a test with time of its own.
type pipes struct {
	conns chan net.Conn
	quit  chan struct{}
	once  sync.Once
	fail  int // so many calls of Accept
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), quit: make(chan struct{})} }

func (p *pipes) dial() net.Conn {
	a, b := net.Pipe()
	p.conns <- a
	return b
}

func (p *pipes) Accept() (net.Conn, error) {
	if p.fail > 0 {
		p.fail--
		return nil, os.NewSyscallError("accept4", fmt.Errorf("too many open files"))
	}
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.quit:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.quit) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Net: "unix"} }
