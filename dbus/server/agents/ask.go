package agents

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/offlineimap/offlineimapd/dbus/api"
	"github.com/offlineimap/offlineimapd/dbus/server/bus"
	"github.com/offlineimap/offlineimapd/dbus/server/view"
	"github.com/offlineimap/offlineimapd/service"
)

const (
	// askLimit is how long one agent may take: a person has to come and type.
	askLimit = 3 * time.Minute
	// longestSecret bounds an answer, in octets: tokens can be long.
	longestSecret = 64 << 10
)

// Ask asks the agents for a secret, the one that registered last first; it is a
// service.Asker. Neither the secret nor what an agent says is ever logged.
func (g *Registry) Ask(ctx context.Context, q service.Question) (string, error) {
	conn, all := g.inOrder()
	all = slices.DeleteFunc(all, func(a agent) bool { return len(a.accounts) > 0 && !slices.Contains(a.accounts, q.Account) })
	if conn != nil {
		for _, a := range all {
			secret, err := ask(ctx, conn, a, q)
			if err == nil {
				return secret, nil
			}
			if ctx.Err() != nil {
				return "", &service.Error{Code: service.Cancelled, Err: fmt.Errorf("ask for the %s of %q: %w", q.Kind, q.Account, context.Cause(ctx))}
			}
			var be *bus.Error
			if errors.As(err, &be) && be.Name == view.ErrorName(service.Cancelled) {
				return "", &service.Error{Code: service.Cancelled, Err: fmt.Errorf("the question for the %s of %q was turned down", q.Kind, q.Account)}
			}
			g.log.Debug("an agent did not answer a question", "owner", a.owner, "reason", reason(err))
			if conn.Err() != nil {
				break
			}
		}
	}
	err := fmt.Errorf("there is nobody to ask for the %s of %q", q.Kind, q.Account)
	if len(all) > 0 {
		err = fmt.Errorf("nobody answered the question for the %s of %q", q.Kind, q.Account)
	}
	return "", &service.Error{Code: service.CredentialsUnavailable, Err: err}
}

// reason is what may be logged of an agent's error: its name.
func reason(err error) string {
	var be *bus.Error
	if errors.As(err, &be) {
		return be.Name
	}
	return err.Error()
}

// ask asks one agent. Where the question is not waited for any longer, the agent
// hears that, so that its window closes.
func ask(ctx context.Context, conn *bus.Conn, a agent, q service.Question) (string, error) {
	limited, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	hints := map[string]dbus.Variant{api.HintRetry: dbus.MakeVariant(q.Retry)}
	body, err := conn.Call(limited, a.owner, a.path, api.AgentInterface, "RequestSecret",
		view.Text(q.Account), view.Text(q.Kind), view.Text(q.Host), view.Text(q.User), hints)
	if limited.Err() != nil && err != nil {
		why := "the answer is not needed any more"
		if ctx.Err() == nil {
			why = "it took too long"
		}
		_ = conn.Tell(a.owner, a.path, api.AgentInterface, "Cancel", why)
	}
	if err != nil {
		return "", err
	}
	if len(body) != 1 {
		return "", errors.New("the answer has another shape")
	}
	answer, _ := body[0].(map[string]dbus.Variant)
	secret, ok := answer[api.AnswerSecret].Value().(string)
	if !ok || secret == "" || len(secret) > longestSecret {
		return "", errors.New("the answer has no secret, or not a fit one")
	}
	return secret, nil
}
