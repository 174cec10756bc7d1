package imap

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"

	goimap "github.com/emersion/go-imap/v2"

	"github.com/offlineimap/offlineimapd/sync/imap/dial"
	"github.com/offlineimap/offlineimapd/sync/imap/wire"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// session is one connection that is logged in. It belongs to one goroutine at
// a time.
type session struct {
	s      *Store
	c      *wire.Conn
	quirks quirks
	flags  flagReader
	box    box // what is selected

	before             goimap.CapSet // what was announced before the login
	askedCaps, askedID bool
	askedEnable        bool
	qresync            bool // ENABLED has come
	enabled            goimap.CapSet
	garbled            int64 // responses that could not be read, as far as a person was told
}

// connect opens a connection and logs in, in as few round trips as the server
// allows.
func (s *Store) connect(ctx context.Context) (*session, error) {
	nc, err := s.o.Dial(ctx)
	if err != nil {
		return nil, err
	}
	o := wire.Options{Progress: s.o.Timeout, Log: s.o.Log}
	if s.o.Security == ImplicitTLS {
		o.TLS = s.o.TLS
	}
	c, err := wire.New(ctx, nc, o)
	if err != nil {
		return nil, s.unreachable(ctx, err)
	}
	x := &session{s: s, c: c, flags: newFlagReader(s.flags), enabled: goimap.CapSet{}}
	x.quirks = quirksOf(s.o.Host, c.Greeting())
	if err := x.begin(ctx, nc); err != nil {
		// What the server said last is more than that it closed the connection.
		x.pass()
		x.close()
		return nil, s.unreachable(ctx, err)
	}
	if x.quirks.connections > 0 {
		s.pool.restrict(x.quirks.connections)
	}
	x.pass()
	return x, nil
}

// unreachable says which server an error at the start is about.
func (s *Store) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		err = ctx.Err()
	} else if isHandshake(err) {
		return dial.HandshakeError(s.o.Host, err)
	}
	return wrap(store.ScopeStore, err, "connect to %s", s.o.Host)
}

// begin does what lies between the greeting and the first command of use.
func (x *session) begin(ctx context.Context, nc net.Conn) error {
	o := &x.s.o
	if o.Security == StartTLS {
		if err := x.c.StartTLS(ctx, o.TLS); err != nil {
			return fmt.Errorf("starttls: %w", err)
		}
	}
	if !x.c.Preauth() {
		if o.Security == Plain && !private(nc) {
			return &store.Error{Class: store.Config, Scope: store.ScopeStore,
				Err:  errors.New("the connection is not encrypted, and a password must not travel in the clear"),
				Hint: "set ssl = yes, or starttls = yes"}
		}
		if len(x.c.Caps()) == 0 {
			if _, err := x.c.Run(ctx, nil, wire.Capability()); err != nil {
				return err
			}
		}
		if err := x.login(ctx); err != nil {
			return err
		}
	} else {
		x.askedCaps = len(x.c.Caps()) > 0
	}
	if !o.Compress || !has(x.caps(), "COMPRESS=DEFLATE") {
		return nil
	}
	return x.c.Compress(ctx)
}

// private tells whether nobody on the way can read what passes: TLS, this
// machine, or a command of the user's own.
func private(nc net.Conn) bool {
	if _, ok := nc.(interface{ HandshakeContext(context.Context) error }); ok {
		return true
	}
	switch a := nc.RemoteAddr().(type) {
	case *net.TCPAddr:
		return a.IP.IsLoopback()
	case nil:
		return false
	default:
		return a.Network() == "unix" || a.Network() == "pipe"
	}
}

// caps are the capabilities; before the server said what holds after the
// login, those of before, which nearly always hold too.
func (x *session) caps() goimap.CapSet {
	if c := x.c.Caps(); len(c) > 0 {
		return c
	}
	return x.before
}

func (x *session) has(c goimap.Cap) bool { return has(x.caps(), c) }

// condstore tells whether the server has modification sequences.
func (x *session) condstore() bool { return x.has(goimap.CapCondStore) || x.wantsQResync() }

// wantsQResync tells whether QRESYNC is to be used with this server.
func (x *session) wantsQResync() bool {
	return x.has(goimap.CapEnable) && x.has(goimap.CapQResync) && !x.quirks.noQResync && !x.s.learned().noQResync
}

// owed returns commands that go ahead of the next flight, once in a session.
func (x *session) owed() []*wire.Command {
	var cmds []*wire.Command
	if len(x.c.Caps()) == 0 && !x.askedCaps {
		x.askedCaps = true
		cmds = append(cmds, wire.Capability())
	}
	if !x.askedID && (x.quirks.id || x.has(goimap.CapID)) {
		x.askedID = true
		id := wire.ID("name", "offlineimapd")
		id.Handler = &wire.Handler{ID: x.identified}
		cmds = append(cmds, id)
	}
	if !x.askedEnable && x.wantsQResync() {
		x.askedEnable = true
		cmds = append(cmds, wire.Enable(goimap.CapQResync))
	}
	return cmds
}

// identified looks for quirks under the name that a server gives itself.
func (x *session) identified(fields map[string]string) {
	q := quirksOf(x.s.o.Host, x.c.Greeting()+" "+fields["name"]+" "+fields["vendor"])
	x.quirks = q
}

// run sends commands in one flight, what is owed before them, and returns the
// answers to cmds. With an error the session is dead, unless the error says
// that a command cannot be written.
func (x *session) run(ctx context.Context, h *wire.Handler, cmds ...*wire.Command) ([]wire.Result, error) {
	owed := x.owed()
	own := wire.Handler{}
	if h != nil {
		own = *h
	}
	own.Enabled = x.isEnabled
	res, err := x.c.Run(ctx, &own, append(owed, cmds...)...)
	x.pass()
	if err != nil {
		return nil, x.lost(ctx, err)
	}
	return res[len(owed):], nil
}

// isEnabled keeps what ENABLED says (RFC 5161, section 3.2).
func (x *session) isEnabled(caps goimap.CapSet) {
	maps.Copy(x.enabled, caps)
	x.qresync = x.wantsQResync() && has(x.enabled, goimap.CapQResync)
	if x.qresync {
		x.s.learn(func(l *layout) { l.qresync = true })
	}
}

// canQResync tells whether QRESYNC may be used in the next flight: it was
// enabled, or will be at the start of that flight, as it was before with this
// server.
func (x *session) canQResync() bool {
	return x.qresync || !x.askedEnable && x.wantsQResync() && x.s.learned().qresync
}

// lost names the end of the context where that is why a session ended.
func (x *session) lost(ctx context.Context, err error) error {
	if e := ctx.Err(); e != nil && x.dead() {
		return e
	}
	return err
}

// pass hands on what people must see.
func (x *session) pass() {
	for _, text := range x.c.Alerts() {
		x.s.o.OnText(fmt.Sprintf("%s says: %s", x.s.o.Host, text))
	}
	if n := x.c.Stats().Skipped; n > x.garbled {
		x.s.o.OnText(fmt.Sprintf("%d responses of %s could not be read, and were left out", n-x.garbled, x.s.o.Host))
		x.garbled = n
	}
}

func (x *session) dead() bool { return x.c.Err() != nil }

func (x *session) close() { _ = x.c.Close() }

// logout says goodbye in order.
func (x *session) logout(ctx context.Context) {
	if !x.dead() {
		_, _ = x.c.Run(ctx, nil, wire.Logout()) // it ends here in any case
	}
	x.close()
}
