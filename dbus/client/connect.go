package client

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/offlineimap/offlineimapd/dbus/api"
)

// Client is a connection to the session bus. Its methods may be called from any
// goroutine. Those that take a context end with it, and after some time of their
// own where it has no deadline.
type Client struct {
	*link
	start bool
}

// link is what clients on the same connection share.
type link struct {
	conn *dbus.Conn

	mu      sync.Mutex
	matched bool // the bus sends the daemon's signals
}

// Address returns the address of the session bus: DBUS_SESSION_BUS_ADDRESS, else
// the socket of the user's manager below XDG_RUNTIME_DIR. No bus is ever started
// for it. The error is ErrNoBus.
func Address(getenv func(string) string) (string, error) {
	if a := getenv("DBUS_SESSION_BUS_ADDRESS"); a != "" && !strings.HasPrefix(a, "autolaunch:") {
		return a, nil
	}
	dir := getenv("XDG_RUNTIME_DIR")
	if dir == "" {
		return "", fmt.Errorf("%w: neither DBUS_SESSION_BUS_ADDRESS nor XDG_RUNTIME_DIR is set", ErrNoBus)
	}
	path := filepath.Join(dir, "bus")
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("%w: %w", ErrNoBus, err)
	}
	return "unix:path=" + dbus.EscapeBusAddressValue(path), nil
}

// Connect connects to the session bus. It does not start the daemon, and does
// not need it. The error is ErrNoBus, or that of ctx.
func Connect(ctx context.Context) (*Client, error) {
	address, err := Address(os.Getenv)
	if err != nil {
		return nil, err
	}
	return ConnectTo(ctx, address)
}

// ConnectTo connects to the bus at an address as in DBUS_SESSION_BUS_ADDRESS.
func ConnectTo(ctx context.Context, address string) (*Client, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errPatience)
	defer cancel()
	// A context that ended would close the connection later on, so it is only tied
	// to ctx until the bus has said hello.
	life, end := context.WithCancel(context.Background())
	stop := context.AfterFunc(ctx, end)
	conn, err := dbus.Connect(address, dbus.WithContext(life), dbus.WithSignalHandler(dbus.NewSequentialSignalHandler()))
	if !stop() && err == nil {
		conn.Close()
		err = context.Cause(ctx)
	}
	if err != nil {
		end()
		if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, errPatience) {
			return nil, cause
		}
		return nil, fmt.Errorf("%w: %w", ErrNoBus, err)
	}
	return &Client{link: &link{conn: conn}}, nil
}

// Close ends the connection, and with it all Subscriptions and Agents.
func (c *Client) Close() error { return c.conn.Close() }

// Starting returns a client on the same connection whose calls have the bus
// start the daemon where it does not run.
func (c *Client) Starting() *Client { return &Client{link: c.link, start: true} }

// How long the daemon may take over an answer. Reload reads the configuration
// first, which may ask Python; a daemon that must be started reads it as well.
const (
	patience     = 25 * time.Second
	longPatience = 2 * time.Minute
)

var errPatience = errors.New("no answer in time")

func (c *Client) call(ctx context.Context, path, member string, args ...any) *reply {
	return c.callFor(ctx, patience, path, member, args...)
}

// reply is the answer to one call.
type reply struct {
	ctx    context.Context
	member string
	call   *dbus.Call
}

// callFor calls a member, with its interface, of the object at path, and waits
// no longer than limit where ctx sets no deadline.
func (c *Client) callFor(ctx context.Context, limit time.Duration, path, member string, args ...any) *reply {
	inner := ctx
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		inner, cancel = context.WithTimeoutCause(ctx, limit, errPatience)
		defer cancel()
	}
	flags := dbus.FlagNoAutoStart
	if c.start {
		flags = 0
	}
	o := c.conn.Object(api.BusName, dbus.ObjectPath(path))
	return &reply{ctx: ctx, member: member, call: o.CallWithContext(inner, member, flags, args...)}
}

// store takes the answer apart.
func (r *reply) store(out ...any) error {
	return failure(r.ctx, r.member, r.call.Store(out...))
}
