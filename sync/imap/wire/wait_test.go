package wire

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/sync/store"
)

// soon fails the test where f takes longer than a second.
func soon(t *testing.T, what string, f func()) {
	t.Helper()
	start := time.Now()
	f()
	if d := time.Since(start); d > 3*time.Second { // under one, on a machine that has nothing else to do
		t.Errorf("%s took %v", what, d)
	}
}

// TestContext ends every kind of waiting.
func TestContext(t *testing.T) {
	silent := func(p *peer) { p.quiet() }
	stuck := func(p *peer) { time.Sleep(4 * time.Second) } // reads nothing either
	for _, tt := range []struct {
		name   string
		script func(p *peer)
		f      func(ctx context.Context, c *Conn) error
	}{
		{"run", silent, func(ctx context.Context, c *Conn) error { _, err := c.Run(ctx, nil, Noop()); return err }},
		{"login", silent, func(ctx context.Context, c *Conn) error { return c.Login(ctx, "a", "b") }},
		{"literal", silent, func(ctx context.Context, c *Conn) error { _, err := c.Run(ctx, nil, Create("\xff")); return err }},
		{"starttls", silent, func(ctx context.Context, c *Conn) error { return c.StartTLS(ctx, nil) }},
		{"handshake", func(p *peer) { p.say("%s OK\r\n", p.want("STARTTLS")); p.quiet() },
			func(ctx context.Context, c *Conn) error { return c.StartTLS(ctx, tlsConfig("x", nil)) }},
		{"compress", silent, func(ctx context.Context, c *Conn) error { return c.Compress(ctx) }},
		{"idle not begun", silent, func(ctx context.Context, c *Conn) error { return c.Idle(ctx, nil, time.Hour, nil) }},
		{"idle", func(p *peer) { p.line(); p.say("+ idling\r\n"); p.quiet() },
			func(ctx context.Context, c *Conn) error { return c.Idle(ctx, nil, time.Hour, nil) }},
		{"large flight", stuck, func(ctx context.Context, c *Conn) error {
			cmds := make([]*Command, 10000)
			k := UIDSearch("TEXT " + strings.Repeat("x", 1000))
			for i := range cmds {
				cmds[i] = k
			}
			_, err := c.Run(ctx, nil, cmds...)
			return err
		}},
		{"body", func(p *peer) { p.line(); p.say("* 1 FETCH (BODY[] {1000}\r\nabc"); p.quiet() },
			func(ctx context.Context, c *Conn) error {
				_, err := c.Run(ctx, &Handler{Body: func(_ *Fetch, _ string, _ int64, r io.Reader) error {
					_, err := io.Copy(io.Discard, r)
					return err
				}}, Noop())
				return err
			}},
		{"append", stuck, func(ctx context.Context, c *Conn) error {
			a, err := c.Append(ctx, nil, "x")
			if err != nil {
				return err
			}
			return a.Add(nil, time.Time{}, 1<<30, filler('x'))
		}},
		{"append, the end", silent, func(ctx context.Context, c *Conn) error {
			a, err := c.Append(ctx, nil, "x")
			if err != nil {
				return err
			}
			if err := a.Add(nil, time.Time{}, 3, strings.NewReader("abc")); err != nil {
				return err
			}
			_, _, err = a.Finish()
			return err
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := scripted(t, "LITERAL+", tt.script)
			if tt.name == "literal" {
				c.caps = nil
			}
			ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
			defer cancel()
			var err error
			soon(t, tt.name, func() { err = tt.f(ctx, c) })
			if store.ClassOf(err) != store.Cancelled {
				t.Errorf("got %v", err)
			}
			if c.Err() == nil {
				t.Error("the connection is thought to be alive")
			}
			if _, err := c.Run(context.Background(), nil, Noop()); err == nil || store.ClassOf(err) != store.Offline {
				t.Errorf("the next command: %v", err)
			}
		})
	}
	t.Run("before", func(t *testing.T) {
		c := scripted(t, "", answering(""))
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := c.Run(ctx, nil, Noop()); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		run(t, c, nil, Noop())
	})
	t.Run("greeting", func(t *testing.T) {
		nc := dialScript(t, func(p *peer) { p.quiet() })
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		defer cancel()
		soon(t, "the greeting", func() {
			if _, err := New(ctx, nc, Options{}); store.ClassOf(err) != store.Cancelled {
				t.Errorf("got %v", err)
			}
		})
	})
}

// TestProgress gives up on a server that is silent, but not on a slow one.
func TestProgress(t *testing.T) {
	o := Options{Progress: 100 * time.Millisecond}
	t.Run("silent", func(t *testing.T) {
		c := scriptedWith(t, o, "", func(p *peer) { p.quiet() })
		_, err := c.Run(context.Background(), nil, Noop())
		if store.ClassOf(err) != store.Offline || !strings.Contains(err.Error(), "100ms") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("slow", func(t *testing.T) {
		c := scriptedWith(t, o, "", func(p *peer) {
			tag, _ := p.line()
			for _, b := range []byte(tag + " OK done\r\n") {
				time.Sleep(30 * time.Millisecond)
				p.say("%c", b)
			}
		})
		run(t, c, nil, Noop())
	})
	t.Run("it does not read", func(t *testing.T) {
		c := scriptedWith(t, o, "LITERAL+", func(p *peer) { time.Sleep(400 * time.Millisecond) })
		a, err := c.Append(context.Background(), nil, "x")
		if err != nil {
			t.Fatal(err)
		}
		soon(t, "giving up", func() { err = a.Add(nil, time.Time{}, 1<<30, filler('x')) })
		if store.ClassOf(err) != store.Offline || c.Err() == nil {
			t.Errorf("got %v", err)
		}
	})
	t.Run("it reads slowly", func(t *testing.T) {
		c := scriptedWith(t, o, "LITERAL+", func(p *peer) {
			buf := make([]byte, 1<<20)
			for n := 0; n < 4<<20; {
				time.Sleep(20 * time.Millisecond)
				k, err := p.r.Read(buf)
				if n += k; err != nil {
					t.Error(err)
					return
				}
				if n >= 4<<20 {
					break
				}
			}
			p.say("A1 OK\r\n")
			p.quiet()
		})
		_ = c.link.Conn.(*net.TCPConn).SetWriteBuffer(4096)
		a, err := c.Append(context.Background(), nil, "x")
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Add(nil, time.Time{}, 4<<20, io.LimitReader(filler('x'), 4<<20)); err != nil {
			t.Fatal(err)
		}
		a.Abort()
	})
}
