package client

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/godbus/dbus/v5"

	"github.com/offlineimap/offlineimapd/dbus/api"
)

// Agent is who the daemon asks for secrets.
type Agent interface {
	// RequestSecret asks a person. Its context ends when the answer is not wanted
	// any more. An error tells the daemon that there will be none.
	RequestSecret(ctx context.Context, q Question) (string, error)
	// Release says that the daemon will not ask any more.
	Release()
}

// Question is what the daemon wants to know.
type Question struct {
	Account string
	Kind    string // "password"; others may come
	Host    string
	User    string
	Retry   bool // the answer before was refused
}

// Registration is an Agent that is exported on the bus.
type Registration struct {
	client *Client
	path   dbus.ObjectPath
	agent  Agent

	mu      sync.Mutex
	pending map[*context.CancelCauseFunc]bool // of the questions that are being asked
	closed  bool
}

// ErrCancelled is the cause of the context of a RequestSecret whose answer is
// not wanted any more.
var ErrCancelled = errors.New("the question was taken back")

// ExportAgent makes a reachable at a path of the caller's choice, for Register.
// Only who owns the daemon's name on the bus is answered.
func (c *Client) ExportAgent(path string, a Agent) (*Registration, error) {
	r := &Registration{client: c, path: dbus.ObjectPath(path), agent: a, pending: map[*context.CancelCauseFunc]bool{}}
	err := c.export(r.path, api.AgentInterface, map[string]any{"RequestSecret": r.request, "Cancel": r.cancel, "Release": r.release})
	if err == nil {
		doc := api.Introspection([]string{api.AgentInterface, api.IntrospectableInterface, api.PeerInterface}, nil)
		err = c.export(r.path, api.IntrospectableInterface, map[string]any{
			"Introspect": func() (string, *dbus.Error) { return doc, nil }})
	}
	if err != nil {
		return nil, fmt.Errorf("export the agent: %w", err)
	}
	return r, nil
}

// Register tells the daemon of the agent, which is to be asked for these accounts
// only, or, without any, for all. The daemon forgets it when it ends, so this is
// called again after Came.
func (r *Registration) Register(ctx context.Context, accounts ...string) error {
	options := map[string]dbus.Variant{}
	if len(accounts) > 0 {
		options[api.AgentAccounts] = dbus.MakeVariant(accounts)
	}
	return r.client.call(ctx, api.Path, manager+"RegisterAgent", r.path, options).store()
}

// Unregister tells the daemon to ask somebody else. The agent stays exported.
func (r *Registration) Unregister(ctx context.Context) error {
	return r.client.call(ctx, api.Path, manager+"UnregisterAgent", r.path).store()
}

// Close takes back what is being asked, and the agent from the bus.
func (r *Registration) Close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.takeBack()
	_ = r.client.export(r.path, api.AgentInterface, nil)
	_ = r.client.export(r.path, api.IntrospectableInterface, nil)
}

// export is done by one at a time: godbus looks into its table without a lock.
func (l *link) export(path dbus.ObjectPath, iface string, methods map[string]any) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.conn.ExportMethodTable(methods, path, iface)
}

func (r *Registration) takeBack() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for cancel := range r.pending {
		(*cancel)(ErrCancelled)
	}
}

// daemon tells whether the sender of a call owns the daemon's name.
func (r *Registration) daemon(sender dbus.Sender) *dbus.Error {
	var owner string
	err := r.client.conn.BusObject().Call("org.freedesktop.DBus.GetNameOwner", 0, api.BusName).Store(&owner)
	if err != nil || owner != string(sender) {
		return dbus.NewError(busPrefix+"AccessDenied", []any{"only the daemon is answered"})
	}
	return nil
}

func (r *Registration) request(sender dbus.Sender, account, kind, host, user string, hints map[string]dbus.Variant) (map[string]dbus.Variant, *dbus.Error) {
	if err := r.daemon(sender); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(r.client.conn.Context())
	r.mu.Lock()
	if r.closed {
		cancel(ErrCancelled)
	}
	r.pending[&cancel] = true
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		delete(r.pending, &cancel)
		r.mu.Unlock()
		cancel(nil)
	}()
	retry, _ := hints[api.HintRetry].Value().(bool)
	secret, err := r.agent.RequestSecret(ctx, Question{Account: account, Kind: kind, Host: host, User: user, Retry: retry})
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		code := CodeCancelled
		if c := Code(err); c != "" {
			code = c
		}
		return nil, dbus.NewError(api.ErrorPrefix+code, []any{err.Error()})
	}
	return map[string]dbus.Variant{api.AnswerSecret: dbus.MakeVariant(secret)}, nil
}

func (r *Registration) cancel(sender dbus.Sender, reason string) *dbus.Error {
	if err := r.daemon(sender); err != nil {
		return err
	}
	r.takeBack()
	return nil
}

func (r *Registration) release(sender dbus.Sender) *dbus.Error {
	if err := r.daemon(sender); err != nil {
		return err
	}
	r.takeBack()
	r.agent.Release()
	return nil
}
