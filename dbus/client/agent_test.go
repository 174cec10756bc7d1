package client

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/offlineimap/offlineimapd/dbus/api"
)

// person answers for as long as a test wants.
type person struct {
	ask      func(ctx context.Context, q Question) (string, error)
	released chan bool
}

func (p person) RequestSecret(ctx context.Context, q Question) (string, error) { return p.ask(ctx, q) }
func (p person) Release()                                                      { p.released <- true }

func TestAgent(t *testing.T) {
	c, address := connect(t)
	d := newDaemon(t, address)
	asked := make(chan Question, 4)
	p := person{released: make(chan bool, 1)}
	p.ask = func(ctx context.Context, q Question) (string, error) {
		asked <- q
		switch q.Account {
		case "work":
			return "geheim", nil
		case "slow":
			<-ctx.Done()
			return "too late", nil
		}
		return "", errors.New("not now")
	}
	r, err := c.ExportAgent("/agent", p)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.Register(deadline(t)); err != nil {
		t.Fatal(err)
	}
	agent := d.registered()
	request := func(o dbus.BusObject, account string) *dbus.Call {
		return o.Go(api.AgentInterface+".RequestSecret", 0, nil, account, "password", "imap.example.org", "eva",
			map[string]dbus.Variant{api.HintRetry: dbus.MakeVariant(true)})
	}
	var doc string
	if err := agent.Call(api.IntrospectableInterface+".Introspect", 0).Store(&doc); err != nil || !strings.Contains(doc, "RequestSecret") {
		t.Errorf("Introspect: %v\n%s", err, doc)
	}
	var answer map[string]dbus.Variant
	if err := (<-request(agent, "work").Done).Store(&answer); err != nil || answer[api.AnswerSecret].Value() != "geheim" {
		t.Errorf("got %v, %v", answer, err)
	}
	if q := <-asked; q != (Question{"work", "password", "imap.example.org", "eva", true}) {
		t.Errorf("asked %+v", q)
	}
	if err := (<-request(agent, "home").Done).Err; named(err) != api.ErrorPrefix+"Cancelled" || err.Error() != "not now" {
		t.Errorf("got %v", err)
	}
	<-asked

	slow := request(agent, "slow")
	<-asked
	if err := agent.Call(api.AgentInterface+".Cancel", 0, "enough").Err; err != nil {
		t.Error(err)
	}
	if err := (<-slow.Done).Err; named(err) != api.ErrorPrefix+"Cancelled" {
		t.Errorf("got %v", err)
	}

	other, err := dbus.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	err = (<-request(other.Object(agent.Destination(), "/agent"), "work").Done).Err
	if !strings.HasSuffix(named(err), "AccessDenied") || len(asked) > 0 {
		t.Errorf("somebody else got %v", err)
	}

	if err := agent.Call(api.AgentInterface+".Release", 0).Err; err != nil {
		t.Error(err)
	}
	<-p.released
	if err := r.Unregister(deadline(t)); err != nil {
		t.Error(err)
	}
	r.Close()
	if err := (<-request(agent, "work").Done).Err; err == nil {
		t.Error("answered after Close")
	}
}

func named(err error) string {
	var e dbus.Error
	errors.As(err, &e)
	return e.Name
}
