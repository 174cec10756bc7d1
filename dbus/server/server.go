package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/offlineimap/offlineimapd/dbus/api"
	"github.com/offlineimap/offlineimapd/dbus/server/agents"
	"github.com/offlineimap/offlineimapd/dbus/server/bus"
	"github.com/offlineimap/offlineimapd/dbus/server/publish"
	"github.com/offlineimap/offlineimapd/dbus/server/view"
	"github.com/offlineimap/offlineimapd/service"
)

// Why Serve ended before its context did.
var (
	ErrNoBus     = errors.New("there is no session bus")
	ErrBusLost   = errors.New("the session bus was lost")
	ErrNameTaken = errors.New("another offlineimapd owns " + api.BusName + " on the session bus")
)

// Options are what a Server is made of.
type Options struct {
	Daemon     service.Daemon
	Version    string     // of the program
	Features   []string   // for programs: what this build can do
	LogControl LogControl // nil: there is no such object
	Log        *slog.Logger
	Ready      func() // called when the name is ours; may be nil
}

// Server shows a daemon on a bus, one at a time.
type Server struct {
	o      Options
	agents *agents.Registry
	cache  cache
	gate   gate

	// working ends when calls are not to be worked on any more.
	working atomic.Pointer[context.Context]
}

// The waits at the end of Serve, which together are under a second.
const (
	farewell = 200 * time.Millisecond // for agents and the bus to say goodbye
	ending   = 400 * time.Millisecond // for calls at work to end
)

// nameLimit is how long the bus may take to give us the name.
const nameLimit = 25 * time.Second

// eventsKept is how many events wait for the publisher before it has to look at
// the Status instead.
const eventsKept = 256

// New makes a Server.
func New(o Options) *Server {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Server{o: o, agents: agents.New(o.Log)}
}

func (s *Server) constants() view.Constants {
	return view.Constants{Version: s.o.Version, Features: s.o.Features}
}

// Ask asks the clients that registered for it; it is a service.Asker.
func (s *Server) Ask(ctx context.Context, q service.Question) (string, error) {
	return s.agents.Ask(ctx, q)
}

// Serve answers and signals on a bus, "" being the session bus of the user,
// until ctx ends; then it returns nil. Otherwise its error is ErrNoBus,
// ErrNameTaken or ErrBusLost, with more about it.
func (s *Server) Serve(ctx context.Context, address string) error {
	events := s.o.Daemon.Subscribe(eventsKept)
	defer events.Close()

	// Calls and the publisher end in their own order, after ctx.
	working, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	s.working.Store(&working)
	conn, err := bus.Dial(ctx, address, bus.Handlers{Call: s.take, Signal: s.signal})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoBus, err)
	}
	s.agents.Use(conn)
	published := make(chan struct{})
	defer func() {
		stopWork()
		s.agents.Use(nil)
		conn.Close()
		<-published
		s.gate.wait(ending)
	}()

	// What is there when the name becomes ours is no news; what comes later is.
	p := publish.New(publish.Options{Status: s.o.Daemon.Status, Constants: s.constants(), Emit: conn.Emit, Log: s.o.Log})
	if err := takeName(ctx, conn); err != nil {
		close(published)
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	if s.o.Ready != nil {
		s.o.Ready()
	}
	go func() {
		defer close(published)
		p.Run(working, events.C())
	}()
	select {
	case <-ctx.Done():
	case <-conn.Done():
		return fmt.Errorf("%w: %w", ErrBusLost, conn.Err())
	}

	// The last values go out while the name is still ours; agents believe nobody
	// who does not own it.
	stopWork()
	select {
	case <-published:
	case <-time.After(ending):
		return nil // the bus takes nothing more
	}
	bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
	defer cancel()
	s.agents.Release(bye)
	if err := conn.ReleaseName(bye, api.BusName); err != nil {
		s.o.Log.Debug("the bus did not take the name back", "error", err)
	}
	s.gate.wait(farewell) // for callers to hear that it ends, before the connection does
	return nil
}

// takeName takes the name of the daemon.
func takeName(ctx context.Context, conn *bus.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, nameLimit)
	defer cancel()
	switch err := conn.RequestName(ctx, api.BusName); {
	case err == nil:
		return nil
	case errors.Is(err, bus.ErrNameTaken):
		return ErrNameTaken
	default:
		return fmt.Errorf("%w: %w", ErrBusLost, err)
	}
}

// signal hears who left the bus.
func (s *Server) signal(sig *bus.Signal) {
	if name := sig.Left(); name != "" {
		s.agents.Left(name)
	}
}
