package wire

import (
	"context"
	"net"
	"testing"

	"github.com/emersion/go-imap/v2"

	"github.com/offlineimap/offlineimapd/internal/testenv"
)

func dialServer(t testing.TB, addr string, o Options) *Conn {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(context.Background(), nc, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestSmoke(t *testing.T) {
	s := testenv.Dovecot(t, testenv.DovecotOptions{})
	u, pw := s.NewUser()
	c := dialServer(t, s.Addr(), Options{Log: func(d byte, l string) { t.Logf("%c %s", d, l) }})
	if err := c.Login(context.Background(), u, pw); err != nil {
		t.Fatal(err)
	}
	if err := c.Compress(context.Background()); err != nil {
		t.Fatal(err)
	}
	run(t, c, nil, Select("INBOX", SelectOptions{}), UIDFetch(imap.UIDSet{{Start: 1}}, "(UID FLAGS)", FetchOptions{}))
}
