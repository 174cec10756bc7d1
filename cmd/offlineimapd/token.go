package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/offlineimap/offlineimapd/internal/config"
	"github.com/offlineimap/offlineimapd/internal/python"
	"github.com/offlineimap/offlineimapd/internal/token"
	"github.com/offlineimap/offlineimapd/sync/imap"
	"github.com/offlineimap/offlineimapd/sync/imap/dial"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// passwordless tells whether an account logs in with a token and nothing else.
func passwordless(m *config.IMAP) bool {
	return m.OAuth.Configured() && m.PassEval.Source == "" && m.Password == (config.Secret{})
}

// bearer keeps an account's source of access tokens from run to run, as long as
// the configuration gives the same for it.
type bearer struct {
	mu     sync.Mutex
	from   token.Options
	source *token.Source
	client *http.Client // what to ask with, where there is a proxy
}

// through returns a client that makes its connections by way of a proxy, and nil
// where there is none.
func (b *bearer) through(p config.Proxy) *http.Client {
	if p.Addr == "" {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.client == nil {
		b.client = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
			DisableKeepAlives: true, // one question an hour
			DialContext: func(ctx context.Context, _, addr string) (net.Conn, error) {
				host, port, err := net.SplitHostPort(addr)
				if err != nil {
					return nil, err
				}
				n, err := strconv.Atoi(port)
				if err != nil {
					return nil, err
				}
				return dial.Through(ctx, dial.Proxy(p), host, n, 0)
			},
		}}
	}
	return b.client
}

// authorise adds to how to log in what the configuration says of tokens.
func (b *bearer) authorise(ctx context.Context, ev *python.Evaluator, m *config.IMAP, by config.Proxy, auth *imap.Auth) error {
	if !m.OAuth.Configured() {
		return nil
	}
	o := token.Options{URL: m.OAuth.RequestURL, Client: b.through(by)}
	for _, v := range []struct {
		to      *string
		literal string
		eval    config.Expression
	}{
		{&o.Access, m.OAuth.AccessToken.Literal, m.OAuth.AccessTokenEval},
		{&o.Refresh, m.OAuth.RefreshToken.Literal, m.OAuth.RefreshTokenEval},
		{&o.ClientID, m.OAuth.ClientID, m.OAuth.ClientIDEval},
		{&o.ClientSecret, m.OAuth.ClientSecret.Literal, m.OAuth.ClientSecretEval},
	} {
		if *v.to = v.literal; v.literal != "" || v.eval.Source == "" {
			continue
		}
		s, err := textOrNone(ctx, ev, v.eval)
		if err != nil {
			return err
		}
		*v.to = strings.TrimRight(s, "\r\n")
	}
	if o.URL == "" {
		o.Refresh = ""
	}
	if o.Access == "" && o.Refresh == "" {
		if passwordless(m) {
			return &store.Error{Class: store.Auth, Scope: store.ScopeStore, Err: errors.New("there is no access token: the expressions for it give none"),
				Hint: "run what gets the token by hand, and see what it says"}
		}
		return nil
	}
	source := b.of(o)
	auth.Token = func(ctx context.Context) (string, error) {
		t, err := source.Token(ctx)
		return t, classed(err)
	}
	auth.TokenRefused = func(t string) bool {
		source.Refused(t)
		return source.Renewable()
	}
	if passwordless(m) {
		auth.Mechanisms = []imap.Mechanism{imap.AuthXOAuth2}
	}
	return nil
}

func (b *bearer) of(o token.Options) *token.Source {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.source == nil || b.from != o {
		b.from, b.source = o, token.New(o)
	}
	return b.source
}

// classed says what kind of failure it is not to get a token.
func classed(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, token.ErrRevoked):
		return &store.Error{Class: store.Auth, Scope: store.ScopeStore, Err: err, Hint: "give consent again with the program that got the refresh token, and write the new one into the configuration"}
	case errors.Is(err, token.ErrRefused):
		return &store.Error{Class: store.Auth, Scope: store.ScopeStore, Err: err, Hint: "check oauth2_client_id, oauth2_client_secret and oauth2_request_url"}
	case errors.Is(err, token.ErrSpent):
		return &store.Error{Class: store.Auth, Scope: store.ScopeStore, Err: err, Hint: "write oauth2_refresh_token and what goes with it, or oauth2_access_token_eval, which is asked in each run"}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	}
	return store.Fail(store.Offline, store.ScopeStore, err)
}
