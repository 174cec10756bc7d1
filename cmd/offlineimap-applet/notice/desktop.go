package notice

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/offlineimap/offlineimapd/cmd/offlineimap-applet/plain"
)

const (
	busName  = "org.freedesktop.Notifications"
	busPath  = dbus.ObjectPath("/org/freedesktop/Notifications")
	busOwner = "org.freedesktop.DBus"
)

// answer is how long the server may take for one; the caller waits.
const answer = 5 * time.Second

// last is how long an answer is waited for when there is no more time: what is
// shown by then must be known, to be withdrawn.
const last = time.Second / 2

// wake is the least time between two attempts to have a server started.
const wake = 30 * time.Second

// Options are what a Desktop is made of.
type Options struct {
	Conn *dbus.Conn
	App  string // name of the program, for people
	Icon string // of the theme
	// Entry is the name of the desktop file, without .desktop.
	Entry  string
	Failed func(error) // told that the server refuses
}

// Desktop shows notes. It keeps going when the server is absent, or another one
// comes in its place.
type Desktop struct {
	o       Options
	board   *board
	owner   string // unique name of the server; "": there is none
	known   bool   // what follows is that of owner
	actions bool
	markup  bool
	woken   time.Time
	tokens  map[uint32]string // told for a notification, until its button follows
}

// New makes a Desktop, and has the bus send the signals that Signal wants.
func New(ctx context.Context, o Options) (*Desktop, error) {
	d := &Desktop{o: o, tokens: map[uint32]string{}}
	d.board = newBoard(d, o.Failed)
	for _, m := range [][]dbus.MatchOption{
		{dbus.WithMatchSender(busOwner), dbus.WithMatchInterface(busOwner), dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, busName)},
		{dbus.WithMatchSender(busName), dbus.WithMatchInterface(busName), dbus.WithMatchObjectPath(busPath)},
	} {
		if err := o.Conn.AddMatchSignalContext(ctx, m...); err != nil {
			return nil, fmt.Errorf("listen to the notification server: %w", err)
		}
	}
	// An error says that there is none yet.
	_ = o.Conn.BusObject().CallWithContext(ctx, busOwner+".GetNameOwner", 0, busName).Store(&d.owner)
	return d, nil
}

// Show says which notes should be shown from now on, in this order.
func (d *Desktop) Show(notes []Note) { d.board.show(notes) }

// Flush makes it so as far as it may by now, and returns when to call it again;
// zero is not before Show or Signal.
func (d *Desktop) Flush(ctx context.Context) time.Time { return d.board.flush(ctx) }

// Reopen shows a note again that was closed by pressing one of its buttons.
func (d *Desktop) Reopen(key string) { d.board.reopen(key) }

// Close withdraws everything.
func (d *Desktop) Close(ctx context.Context) {
	for _, id := range d.board.ids() {
		_ = d.close(ctx, id)
	}
	d.board.lost()
}

// Signal takes a signal of the connection, and returns a button that was pressed.
func (d *Desktop) Signal(sig *dbus.Signal) (Invoked, bool) {
	if sig.Name == busOwner+".NameOwnerChanged" && sig.Sender == busOwner {
		var name, before, after string
		if dbus.Store(sig.Body, &name, &before, &after) == nil && name == busName && after != d.owner {
			d.owner, d.known = after, false
			clear(d.tokens)
			d.board.lost()
		}
		return Invoked{}, false
	}
	if d.owner == "" || sig.Sender != d.owner || sig.Path != busPath {
		return Invoked{}, false
	}
	var id uint32
	var text string
	switch sig.Name {
	case busName + ".NotificationClosed":
		var reason uint32
		if dbus.Store(sig.Body, &id, &reason) == nil && reason != closedByCall {
			d.board.closed(id)
		}
	case busName + ".ActivationToken":
		if dbus.Store(sig.Body, &id, &text) != nil {
			break
		}
		if _, e := d.board.byID(id); e != nil { // others have notifications, too
			d.tokens[id] = text
		}
	case busName + ".ActionInvoked":
		if dbus.Store(sig.Body, &id, &text) != nil {
			break
		}
		token := d.tokens[id]
		delete(d.tokens, id)
		if key, ok := d.board.pressed(id); ok {
			return Invoked{Key: key, Action: text, Token: token}, true
		}
	}
	return Invoked{}, false
}

// closedByCall is the reason of NotificationClosed that follows our own call.
const closedByCall = 3

// ready has the bus start a server where there is none, without waiting for it:
// its name appears, or does not.
func (d *Desktop) ready(ctx context.Context) bool {
	if d.owner == "" {
		if now := time.Now(); now.Sub(d.woken) >= wake {
			d.woken = now
			d.o.Conn.BusObject().Go(busOwner+".StartServiceByName", dbus.FlagNoReplyExpected, nil, busName, uint32(0))
		}
		return false
	}
	if !d.known {
		var caps []string
		if err := d.call(ctx, "GetCapabilities").Store(&caps); err != nil {
			caps = nil // the least there can be
		}
		d.known, d.actions, d.markup = true, slices.Contains(caps, "actions"), slices.Contains(caps, "body-markup")
	}
	return true
}

// call goes to the very server that is known, not to whoever has its name by
// then: an ID of one means nothing to another.
func (d *Desktop) call(ctx context.Context, member string, args ...any) *dbus.Call {
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), answer)
	defer cancel()
	defer context.AfterFunc(ctx, func() {
		select {
		case <-time.After(last):
			cancel()
		case <-limited.Done():
		}
	})()
	return d.o.Conn.Object(d.owner, busPath).CallWithContext(limited, busName+"."+member, 0, args...)
}

func (d *Desktop) notify(ctx context.Context, n Note, replaces uint32, quiet bool) (uint32, error) {
	body, actions := n.Body, []string{}
	if d.actions {
		for _, a := range n.Actions {
			actions = append(actions, a.Key, a.Label)
		}
	} else if n.Instead != "" {
		body += "\n" + n.Instead
	}
	if d.markup {
		body = plain.Markup(body)
	}
	hints := map[string]dbus.Variant{
		"urgency":       dbus.MakeVariant(byte(n.Urgency)),
		"desktop-entry": dbus.MakeVariant(d.o.Entry),
	}
	if n.Category != "" {
		hints["category"] = dbus.MakeVariant(n.Category)
	}
	if n.Resident {
		hints["resident"] = dbus.MakeVariant(true)
	}
	if quiet {
		hints["suppress-sound"] = dbus.MakeVariant(true)
	}
	expire := int32(-1)
	if n.Stay {
		expire = 0
	}
	var id uint32
	err := d.call(ctx, "Notify", d.o.App, replaces, d.o.Icon, n.Summary, body, actions, hints, expire).Store(&id)
	if err != nil {
		return 0, fmt.Errorf("show a notification: %w", err)
	}
	return id, nil
}

// close ignores what the server says: it answers with an error where the
// notification is closed already.
func (d *Desktop) close(ctx context.Context, id uint32) error {
	_ = d.call(ctx, "CloseNotification", id)
	return nil
}
