package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/offlineimap/offlineimapd/cmd/offlineimapctl/term"
	"github.com/offlineimap/offlineimapd/dbus/client"
)

// agentPath is where the daemon finds the prompter on our connection.
const agentPath = "/org/offlineimap/Ctl/agent"

// prompter answers the daemon's questions for passwords, by handing them to who
// owns the terminal.
type prompter struct {
	questions    chan question
	answered     chan struct{}
	registration *client.Registration
}

// question is one that waits for an answer.
type question struct {
	client.Question
	ctx    context.Context
	answer chan<- answer
}

type answer struct {
	secret string
	err    error
}

// cannotAsk is the code that has the daemon ask somebody else.
const cannotAsk = "CredentialsUnavailable"

// RequestSecret is client.Agent's.
func (p *prompter) RequestSecret(ctx context.Context, q client.Question) (string, error) {
	if q.Kind != "password" {
		return "", &client.Error{Code: cannotAsk, Text: fmt.Sprintf("offlineimapctl cannot ask for %q", q.Kind)}
	}
	c := make(chan answer, 1)
	select {
	case p.questions <- question{q, ctx, c}:
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	select {
	case a := <-c:
		return a.secret, a.err
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// Release is client.Agent's; that nobody asks any more changes nothing here.
func (p *prompter) Release() {}

func (p *prompter) close() { p.registration.Close() }

// register offers the terminal for questions, where there is one; else it
// returns nil. That it cannot be offered keeps nothing from being synced.
func (f *follower) register(ctx context.Context) *prompter {
	if !f.a.InTerminal || !f.a.ErrTerminal {
		return nil
	}
	p := &prompter{questions: make(chan question), answered: make(chan struct{}, 1)}
	r, err := f.c.Starting().ExportAgent(agentPath, p)
	if err != nil {
		return nil
	}
	p.registration = r
	if err := r.Register(ctx, f.accounts...); err != nil {
		r.Close()
		return nil
	}
	return p
}

// questions gives those that wait, one at a time.
func (f *follower) questions() <-chan question {
	if f.agent == nil || f.asking != nil {
		return nil
	}
	return f.agent.questions
}

func (f *follower) answered() <-chan struct{} {
	if f.agent == nil {
		return nil
	}
	return f.agent.answered
}

// ask asks on the terminal. Until the answer has come nothing else is written
// there.
func (f *follower) ask(q question) {
	f.clear()
	ctx, cancel := context.WithCancelCause(q.ctx)
	f.asking = cancel
	prompt := fmt.Sprintf("Password of %s at %s (account %s): ", q.User, q.Host, q.Account)
	if q.Retry {
		prompt = "That was refused. " + prompt
	}
	go func() {
		secret, err := f.a.Secret(ctx, prompt)
		if errors.Is(err, term.ErrNoTerminal) {
			err = &client.Error{Code: cannotAsk, Text: err.Error()}
		}
		cancel(nil)
		q.answer <- answer{secret, err}
		f.agent.answered <- struct{}{}
	}()
}
