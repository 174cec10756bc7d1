package token

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
)

// ErrRevoked says that the refresh token is no longer good for anything
// (invalid_grant, RFC 6749, section 5.2): a person must give consent again.
var ErrRevoked = errors.New("the refresh token is not valid any more")

// ErrRefused says that the token server refuses the request for another reason,
// which trying again does not change.
var ErrRefused = errors.New("the token server refuses the request")

// Options say where tokens come from. Access, where not "", is used until it is
// refused; after that, or without it, the server at URL is asked, if there is a
// Refresh.
type Options struct {
	Access                          string
	Refresh, ClientID, ClientSecret string
	URL                             string
	Client                          *http.Client // nil: one that waits half a minute
}

// Source gives tokens. It may be used by several goroutines at once.
type Source struct {
	mu      sync.Mutex
	o       Options
	access  string
	renewal time.Time // when to ask for another; zero: when it is refused
}

// limit is how long a token server may take to answer.
const limit = 30 * time.Second

// New returns a source that has asked nobody yet.
func New(o Options) *Source {
	if o.Client == nil {
		o.Client = &http.Client{Timeout: limit}
	}
	return &Source{o: o, access: o.Access}
}

// Token returns a token that is good as far as anybody knows. What the server
// gave is kept for half of its life.
func (s *Source) Token(ctx context.Context) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.access != "" && (s.renewal.IsZero() || now.Before(s.renewal)) {
		return s.access, nil
	}
	if s.o.Refresh == "" {
		return "", fmt.Errorf("%w, and there is no refresh token to get another with", ErrSpent)
	}
	c := oauth2.Config{
		ClientID: s.o.ClientID, ClientSecret: s.o.ClientSecret,
		Endpoint: oauth2.Endpoint{TokenURL: s.o.URL, AuthStyle: oauth2.AuthStyleInParams},
	}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, s.o.Client)
	t, err := c.TokenSource(ctx, &oauth2.Token{RefreshToken: s.o.Refresh}).Token()
	if err != nil {
		return "", s.explain(ctx, err)
	}
	s.access, s.renewal = t.AccessToken, time.Time{}
	if t.RefreshToken != "" {
		s.o.Refresh = t.RefreshToken // servers that give another one may take the old one no more
	}
	if !t.Expiry.IsZero() {
		s.renewal = now.Add(t.Expiry.Sub(now) / 2)
	}
	return s.access, nil
}

// ErrSpent says that the only token there was has been refused.
var ErrSpent = errors.New("the access token was refused")

// Refused tells the source that a server does not take a token. The next one will
// be another.
func (s *Source) Refused(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.access == token {
		s.access = ""
	}
}

// Renewable tells whether there is another token to be had than the one that was
// given.
func (s *Source) Renewable() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.o.Refresh != ""
}

// explain keeps of an error what has no secret in it.
func (s *Source) explain(ctx context.Context, err error) error {
	var r *oauth2.RetrieveError
	if !errors.As(err, &r) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("ask %s for a token: %w", s.o.URL, err)
	}
	said := strings.TrimSpace(r.ErrorCode + " " + r.ErrorDescription)
	if said == "" && r.Response != nil {
		said = r.Response.Status
	}
	kind := ErrRefused
	switch {
	case r.ErrorCode == "invalid_grant":
		kind = ErrRevoked
	case r.Response != nil && (r.Response.StatusCode >= 500 || r.Response.StatusCode == http.StatusTooManyRequests):
		return fmt.Errorf("ask %s for a token: it answers %s", s.o.URL, said)
	}
	return fmt.Errorf("ask %s for a token: %w (%s)", s.o.URL, kind, said)
}
