package testenv

import (
	"fmt"
	"sync/atomic"
)

// Server is an IMAP server on 127.0.0.1 that lives as long as the test.
type Server struct {
	t             T
	addr, tlsAddr string
	caFile        string
	home          string // the users' homes are below it
	users         atomic.Int64
	addUser       func(user, pass string)
	start, stop   func()
}

// Addr returns host:port of the plain port.
func (s *Server) Addr() string { return s.addr }

// TLSAddr returns host:port of the port that speaks TLS from the start.
func (s *Server) TLSAddr() string { return s.tlsAddr }

// CAFile returns the PEM file with the certificate to trust.
func (s *Server) CAFile() string { return s.caFile }

// NewUser makes a user with an empty INBOX, that no other call returns.
func (s *Server) NewUser() (user, pass string) {
	user, pass = fmt.Sprintf("user%d", s.users.Add(1)), "pass"
	if s.addUser != nil {
		s.addUser(user, pass)
	}
	return user, pass
}

// MailHome returns the directory that holds all of a user's mail (Dovecot). It
// exists once the user has logged in.
func (s *Server) MailHome(user string) string { return s.home + "/" + user }

// Stop ends the server and with it all its connections. Stopping a stopped
// server does nothing.
func (s *Server) Stop() { s.t.Helper(); s.stop() }

// Start starts a stopped server again, on the same ports with the same mail.
func (s *Server) Start() { s.t.Helper(); s.start() }
