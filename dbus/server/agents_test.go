package server

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/offlineimap/offlineimapd/dbus/api"
	"github.com/offlineimap/offlineimapd/dbus/server/agents"
	"github.com/offlineimap/offlineimapd/service"
)

// person is an agent of a test.
type person struct {
	*client
	path dbus.ObjectPath

	mu     sync.Mutex
	heard  []string
	answer func() (map[string]dbus.Variant, *dbus.Error)
}

func (s *setting) person(path string, answer func() (map[string]dbus.Variant, *dbus.Error)) *person {
	s.t.Helper()
	return s.client().person(path, answer)
}

func (c *client) person(path string, answer func() (map[string]dbus.Variant, *dbus.Error)) *person {
	c.t.Helper()
	p := &person{client: c, path: dbus.ObjectPath(path), answer: answer}
	err := c.ExportMethodTable(map[string]any{
		"RequestSecret": func(account, kind, host, user string, hints map[string]dbus.Variant) (map[string]dbus.Variant, *dbus.Error) {
			p.note("asked for %s of %s (%s@%s, retry %v)", kind, account, user, host, hints[api.HintRetry].Value())
			p.mu.Lock()
			answer := p.answer
			p.mu.Unlock()
			return answer()
		},
		"Cancel":  func(reason string) *dbus.Error { p.note("cancel: %s", reason); return nil },
		"Release": func() *dbus.Error { p.note("release"); return nil },
	}, p.path, api.AgentInterface)
	if err != nil {
		c.t.Fatal(err)
	}
	return p
}

// now changes what the agent answers.
func (p *person) now(answer func() (map[string]dbus.Variant, *dbus.Error)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = answer
}

func (p *person) note(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heard = append(p.heard, fmt.Sprintf(format, args...))
}

func (p *person) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.heard, "; ")
}

func (p *person) register() {
	p.t.Helper()
	p.must(api.Path, manager+"RegisterAgent", p.path, options{})
}

func secret(s string) func() (map[string]dbus.Variant, *dbus.Error) {
	return func() (map[string]dbus.Variant, *dbus.Error) { return options{api.AnswerSecret: v(s)}, nil }
}

func answers(m map[string]dbus.Variant) func() (map[string]dbus.Variant, *dbus.Error) {
	return func() (map[string]dbus.Variant, *dbus.Error) { return m, nil }
}

func refuses(name string) func() (map[string]dbus.Variant, *dbus.Error) {
	return func() (map[string]dbus.Variant, *dbus.Error) { return nil, dbus.NewError(name, []any{"hunter2"}) }
}

var question = service.Question{Account: "work-2", Kind: "password", Host: "mail.example.com", User: "a.b", Retry: true}

// ask asks, and returns the secret or the code of the error.
func (s *setting) ask(ctx context.Context) (string, service.Code) {
	secret, err := s.server.Ask(ctx, question)
	if err == nil {
		return secret, ""
	}
	var se *service.Error
	if !errors.As(err, &se) {
		s.t.Errorf("Ask fails with %T: %v", err, err)
	}
	if strings.Contains(err.Error(), "hunter2") {
		s.t.Errorf("the error tells the secret: %v", err)
	}
	return secret, service.CodeOf(err)
}

// TestAskForSomeAccounts: who syncs one account is not asked about another.
func TestAskForSomeAccounts(t *testing.T) {
	s := start(t, example())
	only := func(p *person, accounts ...string) {
		t.Helper()
		p.must(api.Path, manager+"RegisterAgent", p.path, options{api.AgentAccounts: v(accounts)})
	}
	applet, other, mine := s.person("/applet", secret("of the desktop")), s.person("/other", secret("wrong")), s.person("/mine", secret("hunter2"))
	applet.register()
	only(mine, "home", question.Account)
	only(other, "home")
	if got, code := s.ask(t.Context()); got != "hunter2" || code != "" {
		t.Errorf("%q, %s", got, code)
	}
	if said := other.said(); said != "" {
		t.Errorf("an agent for another account was asked: %s", said)
	}
	only(mine, "home") // it changes its mind
	if got, _ := s.ask(t.Context()); got != "of the desktop" {
		t.Errorf("%q", got)
	}
}

func TestAsk(t *testing.T) {
	s := start(t, example())
	ctx := context.Background()
	wants := func(what, secret string, code service.Code) {
		t.Helper()
		if got, gotCode := s.ask(ctx); got != secret || gotCode != code {
			t.Errorf("%s: %q, %s", what, got, gotCode)
		}
	}
	wants("nobody is there", "", service.CredentialsUnavailable)
	first := s.person("/one", secret("hunter2"))
	first.register()
	eventually(t, "the daemon hears of the agent", func() bool {
		s.daemon.mu.Lock()
		defer s.daemon.mu.Unlock()
		return s.daemon.arrived == 1
	})
	wants("one agent", "hunter2", "")
	if got := first.said(); got != "asked for password of work-2 (a.b@mail.example.com, retry true)" {
		t.Errorf("the agent heard %q", got)
	}
	second := s.person("/two", secret("second"))
	second.register()
	wants("the last is asked first", "second", "")
	for name, answer := range map[string]func() (map[string]dbus.Variant, *dbus.Error){
		"an error":       refuses("org.example.Broken"),
		"no secret":      answers(options{}),
		"an empty one":   secret(""),
		"another type":   answers(options{api.AnswerSecret: v(uint32(7))}),
		"a huge one":     secret(strings.Repeat("x", 64<<10+1)),
		"unknown method": refuses(api.ErrorUnknownMethod),
	} {
		second.now(answer)
		wants(name, "hunter2", "")
	}
	second.now(refuses(api.ErrorPrefix + "Cancelled"))
	wants("the person refuses", "", service.Cancelled)
	first.register()
	wants("registered again, the first is asked first", "hunter2", "")
	first.must(api.Path, manager+"UnregisterAgent", first.path)
	second.now(secret("second"))
	wants("one took itself back", "second", "")
	first.fails(api.ErrorInvalidArgs, api.Path, manager+"UnregisterAgent", first.path)
	second.fails(api.ErrorInvalidArgs, api.Path, manager+"UnregisterAgent", first.path)
	second.Close()
	eventually(t, "who left is forgotten", func() bool { return s.server.agents.Len() == 0 })
	wants("all are gone", "", service.CredentialsUnavailable)
	if strings.Contains(s.log.String(), "hunter2") {
		t.Errorf("the log tells the secret:\n%s", s.log)
	}
}

// TestAskCancelled takes a question back.
func TestAskCancelled(t *testing.T) {
	s := start(t, example())
	wait := make(chan struct{})
	defer close(wait)
	p := s.person("/one", func() (map[string]dbus.Variant, *dbus.Error) {
		<-wait
		return nil, nil
	})
	p.register()
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(50*time.Millisecond, cancel)
	if got, code := s.ask(ctx); code != service.Cancelled {
		t.Errorf("a question that was taken back: %q, %s", got, code)
	}
	eventually(t, "the agent hears of it", func() bool { return strings.Contains(p.said(), "cancel: the answer is not needed any more") })
}

// TestAgentLeaves has an agent leave in the middle of a question.
func TestAgentLeaves(t *testing.T) {
	s := start(t, example())
	s.person("/one", secret("first")).register()
	wait := make(chan struct{})
	defer close(wait)
	var p *person
	p = s.person("/two", func() (map[string]dbus.Variant, *dbus.Error) {
		p.Close()
		<-wait
		return nil, nil
	})
	p.register()
	if got, code := s.ask(context.Background()); got != "first" {
		t.Errorf("after one left: %q, %s", got, code)
	}
	eventually(t, "who left is forgotten", func() bool { return s.server.agents.Len() == 1 })
}

func TestTooManyAgents(t *testing.T) {
	s := start(t, example())
	one := s.client()
	for i := range agents.MostPerOwner {
		one.must(api.Path, manager+"RegisterAgent", dbus.ObjectPath(fmt.Sprintf("/p%d", i)), options{})
	}
	one.must(api.Path, manager+"RegisterAgent", dbus.ObjectPath("/p0"), options{}) // is there already
	one.fails(api.ErrorLimitsExceeded, api.Path, manager+"RegisterAgent", dbus.ObjectPath("/more"), options{})
	for range agents.Most/agents.MostPerOwner - 1 {
		c := s.client()
		for i := range agents.MostPerOwner {
			c.must(api.Path, manager+"RegisterAgent", dbus.ObjectPath(fmt.Sprintf("/p%d", i)), options{})
		}
	}
	other := s.client()
	other.fails(api.ErrorLimitsExceeded, api.Path, manager+"RegisterAgent", dbus.ObjectPath("/p"), options{})
	one.Close()
	eventually(t, "there is room again", func() bool { return s.server.agents.Len() == agents.Most-agents.MostPerOwner })
	other.must(api.Path, manager+"RegisterAgent", dbus.ObjectPath("/p"), options{})
}

// TestRelease tells agents that the daemon ends, while it still owns its name.
func TestRelease(t *testing.T) {
	s := start(t, example())
	p := s.person("/one", secret("x"))
	p.register()
	stuck := s.client() // registers what answers nothing
	stuck.must(api.Path, manager+"RegisterAgent", dbus.ObjectPath("/none"), options{})
	begun := time.Now()
	s.end()
	if err := <-s.result; err != nil {
		t.Errorf("Serve: %v", err)
	}
	if d := time.Since(begun); d > time.Second {
		t.Errorf("the end took %v", d)
	}
	eventually(t, "the agent is released", func() bool { return p.said() == "release" })
	if got, code := s.ask(context.Background()); code != service.CredentialsUnavailable {
		t.Errorf("after the end: %q, %s", got, code)
	}
}
