package config

import (
	"net"
	"slices"
	"strconv"
	"strings"
)

var proxyTypes = []string{"SOCKS5", "SOCKS4", "HTTP"}

// proxies reads proxy, and authproxy, which is the same where it is not written,
// and none where it is empty. OfflineIMAP calls the server directly where it cannot
// read one; that is what somebody who has one must not happen to.
func (v view) proxies(a *Account) {
	a.Proxy, _ = v.proxy("proxy")
	written := false
	if a.AuthProxy, written = v.proxy("authproxy"); !written {
		a.AuthProxy = a.Proxy
	}
}

func (v view) proxy(name string) (p Proxy, written bool) {
	s, written := v.text(name)
	if strings.TrimSpace(s) == "" {
		return p, written
	}
	const hint = "write TYPE:HOST:PORT, such as SOCKS5:localhost:1080"
	kind, addr, ok := strings.Cut(strings.TrimSpace(s), ":")
	kind = strings.ToUpper(kind)
	host, port, err := net.SplitHostPort(addr)
	n, perr := strconv.Atoi(port)
	switch {
	case !ok || err != nil || host == "" || perr != nil || n < 1 || n > 65535:
		v.wrong(name, valueHint(s, hint), "%q is no proxy", s)
	case !slices.Contains(proxyTypes, kind):
		v.wrong(name, "write one of "+strings.Join(proxyTypes, ", "), "%q is no type of a proxy", kind)
	default:
		return Proxy{kind, net.JoinHostPort(host, port)}, written
	}
	return Proxy{}, written
}
