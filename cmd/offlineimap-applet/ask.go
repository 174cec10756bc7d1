package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/offlineimap/offlineimapd/cmd/offlineimap-applet/plain"
	"github.com/offlineimap/offlineimapd/cmd/offlineimap-applet/prompt"
	"github.com/offlineimap/offlineimapd/dbus/client"
)

// agentPath is where the daemon finds the agent on our connection.
const agentPath = "/org/offlineimap/applet/agent"

// Codes that an agent answers with.
const (
	codeCancelled   = client.CodeCancelled     // the person does not want to
	codeUnavailable = "CredentialsUnavailable" // nobody could be asked
)

const kindOfPassword = "password"

// asker answers the daemon's questions, one after the other: two prompts at a
// time would take each other's keys.
type asker struct {
	env     prompt.Environment
	log     *logger
	turn    chan struct{} // holds one value while a prompt is open
	changed chan struct{} // gets a value, if it has none, when asks answers otherwise

	mu     sync.Mutex
	asking map[string]int          // questions that wait for an answer or their turn, by account
	end    context.CancelCauseFunc // of life
	life   context.Context         // ends with the daemon that asks
}

func newAsker(env prompt.Environment, log *logger) *asker {
	a := &asker{env: env, log: log, turn: make(chan struct{}, 1), changed: make(chan struct{}, 1), asking: map[string]int{}}
	a.life, a.end = context.WithCancelCause(context.Background())
	return a
}

var errDaemonLeft = errors.New("the daemon that asked is gone")

// drop closes all prompts: the daemon that asked is not there any more.
func (a *asker) drop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.end(errDaemonLeft)
	a.life, a.end = context.WithCancelCause(context.Background())
}

// asks tells whether the password of an account is being asked for.
func (a *asker) asks(account string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.asking[account] > 0
}

// count adds n to the questions about an account.
func (a *asker) count(account string, n int) {
	a.mu.Lock()
	if a.asking[account] += n; a.asking[account] == 0 {
		delete(a.asking, account)
	}
	a.mu.Unlock()
	select {
	case a.changed <- struct{}{}:
	default:
	}
}

// finish waits until the last prompt has ended, or ctx. No other one is opened.
func (a *asker) finish(ctx context.Context) {
	select {
	case a.turn <- struct{}{}:
	case <-ctx.Done():
	}
}

// Release is client.Agent's. The daemon asks again after the next registration.
func (a *asker) Release() {}

// RequestSecret is client.Agent's.
func (a *asker) RequestSecret(ctx context.Context, q client.Question) (string, error) {
	a.mu.Lock()
	life := a.life
	a.mu.Unlock()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(life, func() { cancel(context.Cause(life)) })()

	account := plain.Line(q.Account, maxName)
	if q.Kind != kindOfPassword {
		return "", &client.Error{Code: codeUnavailable, Text: fmt.Sprintf("there is no way to ask for a secret of the kind %q here", plain.Line(q.Kind, maxName))}
	}
	a.count(q.Account, 1)
	defer a.count(q.Account, -1)
	select {
	case a.turn <- struct{}{}:
		defer func() { <-a.turn }()
	case <-ctx.Done():
		return "", &client.Error{Code: codeCancelled, Text: context.Cause(ctx).Error()}
	}
	secret, err := prompt.Ask(ctx, a.env, question(q))
	switch {
	case err == nil:
		a.log.noticef("%s: a password was entered", account)
		return secret, nil
	case errors.Is(err, prompt.ErrUnavailable):
		a.log.errorf("%s: a password is wanted, but %v", account, err)
		return "", &client.Error{Code: codeUnavailable, Text: err.Error()}
	}
	a.log.noticef("%s: no password was entered: %v", account, err)
	return "", &client.Error{Code: codeCancelled, Text: err.Error()}
}

func question(q client.Question) prompt.Question {
	account, host, user := plain.Line(q.Account, maxName), plain.Line(q.Host, 2*maxName), plain.Line(q.User, 2*maxName)
	text := fmt.Sprintf("Password of %s at %s, for the account %s:", user, host, account)
	if q.Retry {
		text = "The server refused the last answer. " + text
	}
	return prompt.Question{Title: "Password for " + account, Text: text}
}
