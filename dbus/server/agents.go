package server

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/godbus/dbus/v5"

	"github.com/offlineimap/offlineimapd/dbus/api"
	"github.com/offlineimap/offlineimapd/dbus/server/bus"
)

// The most agents: in all, and of one sender.
const (
	mostAgents       = 16
	mostAgentsSender = 4
)

// agent is an object of a client that can be asked for secrets.
type agent struct {
	owner string // unique name on the bus
	path  string
}

// agents are those that registered, the latest last. Each has one Watch of its
// owner.
type agents struct {
	mu  sync.Mutex
	all []agent
}

// add makes a the one that is asked first; fresh where it was not there before.
func (g *agents) add(a agent) (fresh bool, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if i := slices.Index(g.all, a); i >= 0 {
		g.all = append(slices.Delete(g.all, i, i+1), a)
		return false, nil
	}
	n := 0
	for _, o := range g.all {
		if o.owner == a.owner {
			n++
		}
	}
	if n >= mostAgentsSender || len(g.all) >= mostAgents {
		return false, standard(api.ErrorLimitsExceeded, "at most %d agents can be registered, and %d by one client", mostAgents, mostAgentsSender)
	}
	g.all = append(g.all, a)
	return true, nil
}

// remove tells whether a was there.
func (g *agents) remove(a agent) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := slices.Index(g.all, a)
	if i >= 0 {
		g.all = slices.Delete(g.all, i, i+1)
	}
	return i >= 0
}

// left forgets all agents of an owner, and returns how many there were.
func (g *agents) left(owner string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	before := len(g.all)
	g.all = slices.DeleteFunc(g.all, func(a agent) bool { return a.owner == owner })
	return before - len(g.all)
}

// inOrder returns the agents as they are to be asked.
func (g *agents) inOrder() []agent {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := slices.Clone(g.all)
	slices.Reverse(out)
	return out
}

func (g *agents) forget() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all = nil
}

// release tells all agents that they will not be asked any more, and gives them
// until ctx ends to hear of it.
func (g *agents) release(ctx context.Context, conn *bus.Conn) {
	var told sync.WaitGroup
	for _, a := range g.inOrder() {
		told.Go(func() { _, _ = conn.Call(ctx, a.owner, a.path, api.AgentInterface, "Release") })
	}
	told.Wait()
	g.forget()
}

func registerAgent(ctx context.Context, r *request) ([]any, error) {
	path := r.Body[0].(dbus.ObjectPath)
	if err := noOptions(r.Body[1].(map[string]dbus.Variant)); err != nil {
		return nil, err
	}
	s := r.server
	conn := s.conn.Load()
	if conn == nil || !strings.HasPrefix(r.Sender, ":") {
		return nil, standard("org.freedesktop.DBus.Error.Disconnected", "there is no bus to ask over")
	}
	a := agent{owner: r.Sender, path: string(path)}
	fresh, err := s.agents.add(a)
	if err != nil {
		return nil, err
	}
	if fresh {
		err := conn.Watch(ctx, a.owner)
		here := false
		if err == nil {
			// Who left before the bus was told to watch is not signalled any more.
			here, err = conn.HasOwner(ctx, a.owner)
		}
		if !here {
			// Taking back a Watch that is none is an error that nobody hears.
			s.agents.remove(a)
			conn.Unwatch(a.owner)
			return nil, err
		}
	}
	s.o.Log.Debug("an agent registered", "owner", a.owner, "path", a.path)
	r.then = s.o.Daemon.AgentArrived
	return nil, nil
}

func unregisterAgent(_ context.Context, r *request) ([]any, error) {
	a := agent{owner: r.Sender, path: string(r.Body[0].(dbus.ObjectPath))}
	if !r.server.agents.remove(a) {
		return nil, invalid("you have registered no agent at %s", brief(a.path))
	}
	if conn := r.server.conn.Load(); conn != nil {
		conn.Unwatch(a.owner)
	}
	return nil, nil
}
