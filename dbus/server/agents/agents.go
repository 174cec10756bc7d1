package agents

import (
	"context"
	"log/slog"
	"slices"
	"sync"

	"github.com/offlineimap/offlineimapd/dbus/api"
	"github.com/offlineimap/offlineimapd/dbus/server/bus"
)

// The most agents: in all, and of one owner.
const (
	Most         = 16
	MostPerOwner = 4
)

// agent is an object of a client that can be asked for secrets.
type agent struct {
	owner    string // unique name on the bus
	path     string
	accounts []string // that it can be asked for; none: all
}

// is tells whether a and o are one object.
func (a agent) is(o agent) bool { return a.owner == o.owner && a.path == o.path }

// Registry is who can be asked.
type Registry struct {
	log *slog.Logger

	mu   sync.Mutex
	conn *bus.Conn // nil: there is no bus
	all  []agent   // the latest last; each has one Watch of its owner
}

// New makes a Registry with nobody in it.
func New(log *slog.Logger) *Registry { return &Registry{log: log} }

// Use has agents asked over conn from now on, those of another connection not any
// more; nil is none.
func (g *Registry) Use(conn *bus.Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.conn, g.all = conn, nil
}

// Register makes an agent the one that is asked first, for the given accounts or,
// without any, for all. An error is one for its owner.
func (g *Registry) Register(ctx context.Context, owner, path string, accounts []string) error {
	a := agent{owner: owner, path: path, accounts: accounts}
	conn, fresh, err := g.add(a)
	if err != nil || !fresh {
		return err
	}
	err = conn.Watch(ctx, owner)
	here := false
	if err == nil {
		// Who left before the bus was told to watch is not signalled any more.
		here, err = conn.HasOwner(ctx, owner)
	}
	if !here {
		// Taking back a Watch that is none is an error that nobody hears.
		g.remove(a)
		conn.Unwatch(owner)
		return err
	}
	g.log.Debug("an agent registered", "owner", owner, "path", path)
	return nil
}

// add tells whether a was not there before.
func (g *Registry) add(a agent) (conn *bus.Conn, fresh bool, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.conn == nil {
		return nil, false, bus.ErrClosed
	}
	if i := slices.IndexFunc(g.all, a.is); i >= 0 {
		g.all = append(slices.Delete(g.all, i, i+1), a)
		return g.conn, false, nil
	}
	n := 0
	for _, o := range g.all {
		if o.owner == a.owner {
			n++
		}
	}
	if n >= MostPerOwner || len(g.all) >= Most {
		return nil, false, &bus.Error{Name: api.ErrorLimitsExceeded, Text: "too many agents are registered"}
	}
	g.all = append(g.all, a)
	return g.conn, true, nil
}

func (g *Registry) remove(a agent) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := slices.IndexFunc(g.all, a.is)
	if i >= 0 {
		g.all = slices.Delete(g.all, i, i+1)
	}
	return i >= 0
}

// Unregister tells whether there was such an agent.
func (g *Registry) Unregister(owner, path string) bool {
	if !g.remove(agent{owner: owner, path: path}) {
		return false
	}
	if conn, _ := g.inOrder(); conn != nil {
		conn.Unwatch(owner)
	}
	return true
}

// Left forgets the agents of an owner who is not on the bus any more.
func (g *Registry) Left(owner string) {
	g.mu.Lock()
	before := len(g.all)
	g.all = slices.DeleteFunc(g.all, func(a agent) bool { return a.owner == owner })
	n, conn := before-len(g.all), g.conn
	g.mu.Unlock()
	if n == 0 {
		return
	}
	g.log.Debug("an agent left the bus", "owner", owner)
	if conn != nil {
		for range n {
			conn.Unwatch(owner)
		}
	}
}

// Len is how many agents there are.
func (g *Registry) Len() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.all)
}

// inOrder returns the agents as they are to be asked.
func (g *Registry) inOrder() (*bus.Conn, []agent) {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := slices.Clone(g.all)
	slices.Reverse(out)
	return g.conn, out
}

// Release tells all agents that they will not be asked any more, and gives them
// until ctx ends to hear of it.
func (g *Registry) Release(ctx context.Context) {
	conn, all := g.inOrder()
	if conn == nil {
		return
	}
	var told sync.WaitGroup
	for _, a := range all {
		told.Go(func() { _, _ = conn.Call(ctx, a.owner, a.path, api.AgentInterface, "Release") })
	}
	told.Wait()
}
