package dial

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/sync/store"
)

// fake is a proxy that reads until what was said ends as it should, and answers.
func fake(t *testing.T, end, answer string) (addr string, said chan string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	said = make(chan string, 1)
	go func() {
		nc, err := ln.Accept()
		if err != nil {
			return
		}
		defer nc.Close()
		r := bufio.NewReader(nc)
		var got []byte
		for !strings.HasSuffix(string(got), end) {
			b, err := r.ReadByte()
			if err != nil {
				return
			}
			got = append(got, b)
		}
		said <- string(got)
		io.WriteString(nc, answer)
		io.Copy(io.Discard, r)
	}()
	return ln.Addr().String(), said
}

func TestThrough(t *testing.T) {
	for _, tc := range []struct {
		name, kind, host, end, answer string
		said, greeting, err           string
	}{
		{"a name", "SOCKS4", "mail.example", "mail.example\x00", "\x00\x5a\x00\x00\x00\x00\x00\x00* OK\r\n", "\x04\x01\x03\xe1\x00\x00\x00\x01\x00mail.example\x00", "* OK\r\n", ""},
		{"an address", "SOCKS4", "192.0.2.7", "\x07\x00", "\x00\x5a\x00\x00\x00\x00\x00\x00* OK\r\n", "\x04\x01\x03\xe1\xc0\x00\x02\x07\x00", "* OK\r\n", ""},
		{"refused", "SOCKS4", "mail.example", "mail.example\x00", "\x00\x5b\x00\x00\x00\x00\x00\x00", "", "", "it refuses (91)"},
		{"cut", "SOCKS4", "mail.example", "mail.example\x00", "\x00", "", "", "through the proxy"},
		{"web", "HTTP", "mail.example", "\r\n\r\n", "HTTP/1.1 200 Connection established\r\n\r\n* OK\r\n", "CONNECT mail.example:993 HTTP/1.1\r\n", "* OK\r\n", ""},
		{"web, an address", "HTTP", "2001:db8::1", "\r\n\r\n", "HTTP/1.0 200 OK\r\nX: y\r\n\r\n* OK\r\n", "CONNECT [2001:db8::1]:993 HTTP/1.1\r\n", "* OK\r\n", ""},
		{"web, refused", "HTTP", "mail.example", "\r\n\r\n", "HTTP/1.1 403 Filtered\r\nContent-Length: 0\r\n\r\n", "", "", "it answers 403 Filtered"},
		{"web, no web", "HTTP", "mail.example", "\r\n\r\n", "SSH-2.0-x\r\n", "", "", "through the proxy"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			addr, said := fake(t, tc.end, tc.answer)
			nc, err := Through(t.Context(), Proxy{tc.kind, addr}, tc.host, 993, time.Second)
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) || store.ClassOf(err) != store.Offline {
					t.Errorf("%v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer nc.Close()
			if got := <-said; !strings.HasPrefix(got, tc.said) {
				t.Errorf("it was asked %q", got)
			}
			b := make([]byte, len(tc.greeting))
			if _, err := io.ReadFull(nc, b); err != nil || string(b) != tc.greeting {
				t.Errorf("%q, %v", b, err)
			}
		})
	}
}

// A proxy that says nothing is waited for as long as is allowed, or until nobody
// wants it any more.
func TestThroughADeafProxy(t *testing.T) {
	for _, kind := range []string{"SOCKS5", "SOCKS4", "HTTP"} {
		addr, _ := fake(t, "never", "")
		if _, err := Through(t.Context(), Proxy{kind, addr}, "h", 993, 50*time.Millisecond); store.ClassOf(err) != store.Offline || err == nil {
			t.Errorf("%s: %v", kind, err)
		}
		addr, _ = fake(t, "never", "")
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(20*time.Millisecond, cancel)
		began := time.Now()
		if _, err := Through(ctx, Proxy{kind, addr}, "h", 993, time.Minute); !errors.Is(err, context.Canceled) || time.Since(began) > 10*time.Second {
			t.Errorf("%s, canceled: %v", kind, err)
		}
	}
}
