package client

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/godbus/dbus/v5"

	"github.com/offlineimap/offlineimapd/dbus/api"
)

// Event is one of the types below, as the daemon sent it.
type Event any

// The events.
type (
	// JobNew says that there is a job.
	JobNew struct {
		ID      uint32
		Account string
	}
	// JobRemoved says that a job has ended; it can be looked at for half a minute.
	JobRemoved struct {
		ID      uint32
		Account string
		Result  string
		Report  Report
		when    dbus.Sequence
	}
	// NewMail says that mails came that nobody has seen.
	NewMail struct {
		Account, Folder string
		Count           uint32
		Details         map[string]any
	}
	// ProblemRaised says that something needs a person, or lasts.
	ProblemRaised struct{ Code, Account, Severity, Text string }
	// ProblemCleared says that it does no more.
	ProblemCleared struct{ Code, Account string }
	// Reloading says that the configuration is being read, or was.
	Reloading struct{ Active bool }
	// ManagerChanged has those properties of the daemon that changed.
	ManagerChanged struct{ Changed Properties }
	// AccountChanged has those properties of an account that changed.
	AccountChanged struct {
		Account string
		Changed Properties
	}
	// JobChanged has those properties of a job that changed.
	JobChanged struct {
		ID      uint32
		Changed Properties
	}
	// Came says that the daemon is on the bus now. What was known of it before may
	// be wrong.
	Came struct{}
	// Went says that it is not any more.
	Went struct{ when dbus.Sequence }
)

// Subscription gives the events from the moment Subscribe returned, in the order
// in which the bus delivered them, for as long as it takes to read them.
type Subscription struct {
	events chan Event
	done   chan struct{}
	once   sync.Once
	client *Client
	raw    chan *dbus.Signal
}

// C gives the events. It is closed by Close, and when the connection is lost.
func (s *Subscription) C() <-chan Event { return s.events }

// Close ends the subscription; closing it twice does nothing.
func (s *Subscription) Close() {
	s.once.Do(func() {
		s.client.conn.RemoveSignal(s.raw)
		close(s.done)
	})
}

// matches are the rules that bring the events. Those that name the daemon as the
// sender are about its connection only, whoever else sends such a signal.
func matches() [][]dbus.MatchOption {
	return [][]dbus.MatchOption{
		{dbus.WithMatchSender(api.BusName), dbus.WithMatchPathNamespace(api.Path)},
		{dbus.WithMatchSender("org.freedesktop.DBus"), dbus.WithMatchInterface("org.freedesktop.DBus"),
			dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, api.BusName)},
	}
}

// Subscribe makes a subscription. It needs no daemon: Came tells of one.
func (c *Client) Subscribe(ctx context.Context) (*Subscription, error) {
	s := &Subscription{
		events: make(chan Event, 16),
		done:   make(chan struct{}),
		client: c,
		raw:    make(chan *dbus.Signal, 64),
	}
	c.conn.Signal(s.raw)
	go s.translate()
	err := c.match(ctx)
	if err == nil && !c.conn.Connected() {
		err = fmt.Errorf("%w: the connection was lost", ErrNoBus)
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// match tells the bus once which signals to send; they are for every
// subscription on the connection.
func (l *link) match(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.matched {
		return nil
	}
	for _, m := range matches() {
		if err := l.conn.AddMatchSignalContext(ctx, m...); err != nil {
			return failure(ctx, "AddMatch", err)
		}
	}
	l.matched = true
	return nil
}

// translate turns signals into events until the subscription or the connection
// ends.
func (s *Subscription) translate() {
	defer close(s.events)
	for {
		select {
		case <-s.done:
			return
		case <-s.client.conn.Context().Done():
			return
		case sig, ok := <-s.raw:
			if !ok {
				return
			}
			for _, e := range eventsOf(sig) {
				select {
				case s.events <- e:
				case <-s.done:
					return
				case <-s.client.conn.Context().Done():
					return
				}
			}
		}
	}
}

// eventsOf translates a signal. What this version does not know, or what has
// other arguments than it should, is no event.
func eventsOf(sig *dbus.Signal) []Event {
	switch sig.Name {
	case "org.freedesktop.DBus.NameOwnerChanged":
		var name, before, after string
		if dbus.Store(sig.Body, &name, &before, &after) != nil || name != api.BusName {
			return nil
		}
		var es []Event
		if before != "" {
			es = append(es, Went{sig.Sequence})
		}
		if after != "" {
			es = append(es, Came{})
		}
		return es
	case api.PropertiesInterface + ".PropertiesChanged":
		if e := changed(sig); e != nil {
			return []Event{e}
		}
		return nil
	}
	member, ok := strings.CutPrefix(sig.Name, manager)
	if !ok || sig.Path != api.Path {
		return nil
	}
	if e := managerEvent(member, sig.Body, sig.Sequence); e != nil {
		return []Event{e}
	}
	return nil
}

func managerEvent(member string, body []any, when dbus.Sequence) Event {
	var path dbus.ObjectPath
	var details map[string]dbus.Variant
	var err error
	var out Event
	switch member {
	case "JobNew":
		var e JobNew
		err = dbus.Store(body, &e.ID, &path, &e.Account)
		out = e
	case "JobRemoved":
		var e JobRemoved
		err = dbus.Store(body, &e.ID, &path, &e.Account, &e.Result, &details)
		e.Report, e.when = reportOf(nativeMap(details)), when
		out = e
	case "NewMail":
		var e NewMail
		err = dbus.Store(body, &e.Account, &e.Folder, &e.Count, &details)
		e.Details = nativeMap(details)
		out = e
	case "ProblemRaised":
		var e ProblemRaised
		err = dbus.Store(body, &e.Code, &e.Account, &e.Severity, &e.Text)
		out = e
	case "ProblemCleared":
		var e ProblemCleared
		err = dbus.Store(body, &e.Code, &e.Account)
		out = e
	case "Reloading":
		var e Reloading
		err = dbus.Store(body, &e.Active)
		out = e
	}
	if err != nil {
		return nil
	}
	return out
}

func changed(sig *dbus.Signal) Event {
	var iface string
	var values map[string]dbus.Variant
	var gone []string
	if dbus.Store(sig.Body, &iface, &values, &gone) != nil {
		return nil
	}
	p := Properties(nativeMap(values))
	switch iface {
	case api.ManagerInterface:
		if sig.Path == api.Path {
			return ManagerChanged{p}
		}
	case api.AccountInterface:
		if name, ok := api.AccountAt(string(sig.Path)); ok {
			return AccountChanged{name, p}
		}
	case api.JobInterface:
		if id, ok := api.JobAt(string(sig.Path)); ok {
			return JobChanged{id, p}
		}
	}
	return nil
}

// Running tells whether the daemon is on the bus.
func (c *Client) Running(ctx context.Context) (bool, error) {
	var has bool
	call := c.conn.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.NameHasOwner", 0, api.BusName)
	err := call.Store(&has)
	return has, failure(ctx, "NameHasOwner", err)
}

// Ping asks the daemon for a sign of life.
func (c *Client) Ping(ctx context.Context) error {
	return c.call(ctx, api.Path, api.PeerInterface+".Ping").store()
}
