package testenv

// Server is an IMAP server on 127.0.0.1 that lives as long as the test.
type Server struct{}

// Addr returns host:port of the plain port.
func (s *Server) Addr() string { return "" }

// NewUser makes a user with an empty INBOX, that no other call returns.
func (s *Server) NewUser() (user, pass string) { return "", "" }

// DovecotOptions say how this Dovecot differs from the usual one.
type DovecotOptions struct {
	Config     string   // more configuration, read last
	Hide       []string // capabilities that are not announced, although they work; see ProxyOptions.Without
	Capability string   // what is announced instead of everything
	Format     string   // mailbox format: "sdbox" (default) or "maildir"
	Separator  string   // of the namespace: "/" (default) or "."
	Fsync      string   // mail_fsync: "never" (default), "optimized" (Dovecot's own default) or "always"
	TLS        bool     // STARTTLS on the plain port, and a port for TLS from the start
}

// Dovecot starts a Dovecot of its own for t.
func Dovecot(t T, o DovecotOptions) *Server { t.Fatalf("not yet"); return nil }

// TLSAddr returns host:port of the port that speaks TLS from the start.
func (s *Server) TLSAddr() string { return "" }

// CAFile returns the PEM file with the certificate to trust.
func (s *Server) CAFile() string { return "" }

// MailHome returns the directory that holds all of a user's mail (Dovecot).
func (s *Server) MailHome(user string) string { return "" }

// Stop ends the server, all its connections with it; Start starts it again on
// the same ports with the same mail.
func (s *Server) Stop() {}

// Start starts a stopped server again.
func (s *Server) Start() {}

// Memory starts go-imap's in-memory server.
func Memory(t T) *Server { t.Fatalf("not yet"); return nil }
