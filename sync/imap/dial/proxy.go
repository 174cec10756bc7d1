package dial

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"golang.org/x/net/proxy"

	"github.com/offlineimap/offlineimapd/sync/store"
)

// Proxy is a host that connections are made through. It looks names up itself,
// so that nobody here learns which server is called.
type Proxy struct {
	Type string // SOCKS5 (RFC 1928), SOCKS4 (as 4a, which takes names) or HTTP (CONNECT, RFC 9110, section 9.3.6)
	Addr string // host and port
}

// Through connects to host and port by way of a proxy; within timeout, where that
// is not 0, and ctx.
func Through(ctx context.Context, p Proxy, host string, port int, timeout time.Duration) (net.Conn, error) {
	if timeout <= 0 {
		timeout = 30 * time.Second
	}
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	nc, err := p.connect(limited, host, port)
	switch {
	case err == nil:
		return nc, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case limited.Err() != nil:
		err = fmt.Errorf("it does not answer within %s", timeout)
	}
	return nil, store.Fail(store.Offline, store.ScopeStore, fmt.Errorf("connect to %s through the proxy %s: %w", host, p.Addr, err))
}

func (p Proxy) connect(ctx context.Context, host string, port int) (net.Conn, error) {
	target := net.JoinHostPort(host, strconv.Itoa(port))
	var d net.Dialer
	if p.Type == "SOCKS5" {
		s, err := proxy.SOCKS5("tcp", p.Addr, nil, &d)
		if err != nil {
			return nil, err
		}
		return s.(proxy.ContextDialer).DialContext(ctx, "tcp", target)
	}
	nc, err := d.DialContext(ctx, "tcp", p.Addr)
	if err != nil {
		return nil, err
	}
	// What the proxy has to say is waited for no longer than ctx allows.
	stop := context.AfterFunc(ctx, func() { _ = nc.SetDeadline(time.Unix(1, 0)) })
	var through net.Conn
	if p.Type == "SOCKS4" {
		through, err = nc, socks4(nc, host, port)
	} else {
		through, err = connectHTTP(nc, target)
	}
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = nc.Close()
		return nil, err
	}
	return through, nil
}

// socks4 asks for a connection as SOCKS 4 does, and where host is a name as its
// extension 4a does: with an address that cannot be, and the name behind it.
func socks4(nc net.Conn, host string, port int) error {
	ip := net.ParseIP(host).To4()
	named := ip == nil
	if named {
		ip = net.IPv4(0, 0, 0, 1).To4()
	}
	req := append(binary.BigEndian.AppendUint16([]byte{4, 1}, uint16(port)), ip...)
	req = append(req, 0) // no user
	if named {
		req = append(append(req, host...), 0)
	}
	if _, err := nc.Write(req); err != nil {
		return err
	}
	var answer [8]byte
	if _, err := io.ReadFull(nc, answer[:]); err != nil {
		return err
	}
	if answer[0] != 0 || answer[1] != 90 {
		return fmt.Errorf("it refuses (%d)", answer[1])
	}
	return nil
}

func connectHTTP(nc net.Conn, target string) (net.Conn, error) {
	req := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: target}, Host: target, Header: http.Header{}}
	if err := req.Write(nc); err != nil {
		return nil, err
	}
	r := bufio.NewReader(nc)
	res, err := http.ReadResponse(r, req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode/100 != 2 {
		return nil, fmt.Errorf("it answers %s", res.Status)
	}
	return &buffered{nc, r}, nil
}

// buffered reads first what came along with the proxy's answer.
type buffered struct {
	net.Conn
	r *bufio.Reader
}

func (b *buffered) Read(p []byte) (int, error) { return b.r.Read(p) }
