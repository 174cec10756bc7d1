package testenv

import (
	"io"
	"log"
	"net"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
)

// Memory starts go-imap's in-memory server, which announces IMAP4rev1 and
// IMAP4rev2 as go-imap's own program does.
func Memory(t T) *Server {
	t.Helper()
	mem := imapmemserver.New()
	s := &Server{t: t}
	s.addUser = func(user, pass string) {
		u := imapmemserver.NewUser(user, pass)
		if err := u.Create("INBOX", nil); err != nil {
			t.Fatalf("in-memory server: create INBOX: %v", err)
		}
		mem.AddUser(u)
	}
	var srv *imapserver.Server
	served := make(chan struct{})
	s.stop = func() {
		if srv == nil {
			return
		}
		srv.Close()
		<-served
		srv = nil
	}
	s.start = func() {
		if srv != nil {
			return
		}
		at := s.addr
		if at == "" {
			at = "127.0.0.1:0"
		}
		ln, err := net.Listen("tcp", at)
		if err != nil {
			t.Fatalf("in-memory server: %v", err)
		}
		s.addr = ln.Addr().String()
		now := imapserver.New(&imapserver.Options{
			NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
				return mem.NewSession(), nil, nil
			},
			Caps:         imap.CapSet{imap.CapIMAP4rev1: {}, imap.CapIMAP4rev2: {}},
			InsecureAuth: true,
			Logger:       log.New(io.Discard, "", 0),
		})
		done := make(chan struct{})
		go func() { defer close(done); _ = now.Serve(ln) }()
		srv, served = now, done
	}
	s.start()
	t.Cleanup(s.stop)
	return s
}
