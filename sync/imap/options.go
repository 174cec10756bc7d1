package imap

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"time"

	"github.com/offlineimap/offlineimapd/sync/names"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// Security says how a connection is protected.
type Security int

// The ways. TLS that cannot be had is an error, never done without.
const (
	Plain       Security = iota // what Dial gives is used as it is
	ImplicitTLS                 // TLS before the first word
	StartTLS                    // TLS by STARTTLS
)

// Mechanism is a way to log in.
type Mechanism string

// The mechanisms.
const (
	AuthPlain Mechanism = "PLAIN" // RFC 4616
	AuthLogin Mechanism = "LOGIN" // the LOGIN command
	// AuthXOAuth2 takes an access token in place of a password, where Auth.Token is
	// not nil (https://developers.google.com/gmail/imap/xoauth2-protocol).
	AuthXOAuth2 Mechanism = "XOAUTH2"
	AuthCramMD5 Mechanism = "CRAM-MD5" // RFC 2195
)

// Auth is what a session logs in with.
type Auth struct {
	User     string
	Identity string // on whose behalf (PLAIN only); "": the user's own
	// Password is asked once for each session, by several at once.
	Password func(ctx context.Context) (string, error)
	// Token is Password for XOAUTH2; nil: there is no token to be had.
	Token func(ctx context.Context) (string, error)
	// TokenRefused is told of a token that the server did not take, and says whether
	// it is worth trying another one, once; nil: it is not.
	TokenRefused func(token string) bool
	// Mechanisms are those allowed, the best first. The first that the server
	// offers is used, once: a wrong password must not be tried three times over.
	Mechanisms []Mechanism
}

// Options say how to use a server.
type Options struct {
	Host string // for the table of quirks and for messages
	// Dial opens a connection to the server.
	Dial     func(ctx context.Context) (net.Conn, error)
	Security Security
	TLS      *tls.Config // for ImplicitTLS and StartTLS
	Auth     Auth
	// MaxConnections bounds the sessions at a time; 0: 4.
	MaxConnections int
	Compress       bool // COMPRESS=DEFLATE where offered
	// Expunge removes for good what is to be removed; otherwise it is marked
	// \Deleted only.
	Expunge bool
	// Keywords has the IMAP keyword for each letter a to z that stands for one.
	Keywords       map[byte]string
	Reference      string // of LIST
	SubscribedOnly bool
	// Timeout bounds every read and write that makes no progress; 0: 60 s.
	Timeout time.Duration
	// Log receives the protocol without secrets and bodies ('C', 'S' and a line);
	// from several goroutines at once. May be nil.
	Log func(dir byte, line string)
	// OnText receives what a person should see: the server's ALERTs, and that
	// it takes fewer connections. From several goroutines at once. May be nil.
	OnText func(text string)
}

const defaultConnections = 4

// Store is an account on a server. See store.Store.
type Store struct {
	o     Options
	flags *flagTable
	pool  *pool
	seen  seen
	// lacking is done when it was told that keywords are not kept.
	lacking sync.Once
	// layout is what was learned of the server; whoever takes it puts it back at once.
	layout chan layout
}

type layout struct {
	separator byte
	spelled   names.Spellings // mailboxes listed, and made since; used within learn only
	qresync   bool            // the server has confirmed ENABLE QRESYNC once
	noQResync bool            // it announced QRESYNC and does not understand it
}

// learn changes the layout.
func (s *Store) learn(f func(*layout)) {
	l := <-s.layout
	f(&l)
	s.layout <- l
}

func (s *Store) learned() layout {
	l := <-s.layout
	s.layout <- l
	return l
}

var _ store.Store = (*Store)(nil)

// New returns a store that has not connected yet.
func New(o Options) *Store {
	if o.MaxConnections <= 0 {
		o.MaxConnections = defaultConnections
	}
	if o.OnText == nil {
		o.OnText = func(string) {}
	}
	s := &Store{o: o, flags: newFlagTable(o.Keywords), seen: newSeen(), layout: make(chan layout, 1)}
	s.layout <- layout{spelled: names.NewSpellings(0)}
	s.pool = newPool(o.MaxConnections, s.connect, o.OnText)
	return s
}

// Properties tells how many sessions the server took so far as allowed.
func (s *Store) Properties() store.Properties {
	return store.Properties{AssignsUIDs: true, Parallel: s.pool.size(), Separator: s.learned().separator}
}

// Open returns a handle to a mailbox. It holds nothing between its calls.
func (s *Store) Open(name string, readOnly bool) store.Folder {
	return &folder{s: s, name: canonical(name), readOnly: readOnly}
}

// Close logs all sessions out. It waits for the answers for a moment only: a
// server that gets the command will act upon it.
func (s *Store) Close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, farewell)
	defer cancel()
	sessions := s.pool.close()
	done := make(chan struct{}, len(sessions))
	for _, x := range sessions {
		go func() {
			x.logout(ctx)
			done <- struct{}{}
		}()
	}
	for range sessions {
		<-done
	}
	return nil
}

const farewell = 200 * time.Millisecond
