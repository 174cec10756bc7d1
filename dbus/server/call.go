package server

import (
	"context"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/offlineimap/offlineimapd/dbus/api"
	"github.com/offlineimap/offlineimapd/dbus/server/bus"
	"github.com/offlineimap/offlineimapd/dbus/server/view"
	"github.com/offlineimap/offlineimapd/service"
)

// How long the daemon may take over one call.
const (
	workLimit   = 30 * time.Second
	reloadLimit = 2 * time.Minute
)

// request is a call on its way through a method.
type request struct {
	*bus.Call
	server *Server
	status *service.Status
	object object
	then   func() // called once the answer is out
}

// method is one of an interface. Without a limit it only looks, and is answered
// at once, in the order of the calls; with one, the daemon is asked for
// something, which may take that long.
type method struct {
	in, out string // signatures
	limit   time.Duration
	do      func(ctx context.Context, r *request) ([]any, error)
}

// take handles a call that came in, on the goroutine that reads the bus: while a
// slow bus is written to, nothing more is read, and nothing piles up.
func (s *Server) take(c *bus.Call) {
	s.guarded(c, func() {
		r, m, err := s.find(c)
		switch {
		case err != nil:
			c.Fail(answerTo(err))
		case m.limit == 0:
			s.perform(context.Background(), r, m)
		case (*s.working.Load()).Err() != nil:
			c.Fail(&bus.Error{Name: view.ErrorName(service.ShuttingDown), Text: "the daemon is about to end"})
		case !s.gate.enter(c.Sender):
			c.Fail(&bus.Error{Name: api.ErrorLimitsExceeded, Text: "too many calls are being worked on; wait for their answers first"})
		default:
			go func() {
				defer s.gate.leave(c.Sender)
				s.guarded(c, func() { s.work(r, m) })
			}()
		}
	})
}

// guarded answers a call whose handling panics: that is a fault of ours, and
// takes down nothing but the call.
func (s *Server) guarded(c *bus.Call, f func()) {
	defer func() {
		if v := recover(); v != nil {
			// The arguments may be secret, the stack has no texts.
			s.o.Log.Error("a call over the bus failed because of a fault in offlineimapd",
				"interface", c.Interface, "member", c.Member, "fault", fmt.Sprintf("%.200v", v), "stack", string(debug.Stack()))
			c.Fail(&bus.Error{Name: view.ErrorName(service.Internal), Text: "a fault in offlineimapd; the log has more"})
		}
	}()
	f()
}

// work performs a call that the daemon has to do something for.
func (s *Server) work(r *request, m method) {
	ctx, cancel := context.WithTimeout(*s.working.Load(), m.limit)
	defer cancel()
	s.perform(ctx, r, m)
}

func (s *Server) perform(ctx context.Context, r *request, m method) {
	out, err := m.do(ctx, r)
	if err == nil {
		if body, ok := encoded(out); ok {
			r.ReplyBody(body)
		} else {
			err = r.Reply(out...)
		}
	}
	if err != nil {
		if ctx.Err() == context.Canceled {
			err = coded(service.ShuttingDown, "", "the daemon is about to end")
		}
		answer := answerTo(err)
		if answer.Name == view.ErrorName(service.Internal) {
			s.o.Log.Warn("a call over the bus was not answered as it should", "interface", r.Interface, "member", r.Member, "error", err)
		}
		r.Fail(answer)
		return
	}
	if r.then != nil {
		r.then()
	}
}

// encoded returns the body, where the result is one that was encoded before.
func encoded(out []any) (*bus.Body, bool) {
	if len(out) != 1 {
		return nil, false
	}
	b, ok := out[0].(*bus.Body)
	return b, ok
}

// find finds out what is called, and holds the arguments against it.
func (s *Server) find(c *bus.Call) (*request, method, error) {
	st := s.o.Daemon.Status()
	if c.Interface == api.PeerInterface { // of the connection, whatever the path
		return s.checked(&request{Call: c, server: s, status: st}, c.Interface, c.Member)
	}
	o, err := s.lookup(st, c.Path)
	if err != nil {
		return nil, method{}, err
	}
	r := &request{Call: c, server: s, status: st, object: o}
	if c.Interface != "" {
		return s.checked(r, c.Interface, c.Member)
	}
	// Without an interface, the first one that has such a method is meant.
	for _, i := range append(o.interfaces[:len(o.interfaces):len(o.interfaces)], everywhere...) {
		if _, ok := methods[i][c.Member]; ok {
			return s.checked(r, i, c.Member)
		}
	}
	return nil, method{}, standard(api.ErrorUnknownMethod, "%s has no method %s", c.Path, brief(c.Member))
}

func (s *Server) checked(r *request, iface, member string) (*request, method, error) {
	if iface != api.PeerInterface && !r.object.has(iface) {
		return nil, method{}, standard(api.ErrorUnknownInterface, "%s has no interface %s", r.Path, brief(iface))
	}
	m, ok := methods[iface][member]
	if !ok {
		return nil, method{}, standard(api.ErrorUnknownMethod, "%s has no method %s", iface, brief(member))
	}
	if r.Signature != m.in {
		return nil, method{}, invalid("%s takes %s, not %s", member, spelled(m.in), spelled(r.Signature))
	}
	return r, m, nil
}

func spelled(signature string) string {
	if signature == "" {
		return "no arguments"
	}
	return "arguments of the types " + strings.TrimSpace(signature)
}
