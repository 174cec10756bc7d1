package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/internal/config"
	"github.com/offlineimap/offlineimapd/internal/testenv"
	"github.com/offlineimap/offlineimapd/service"
	"github.com/offlineimap/offlineimapd/sync/engine"
)

// provider gives access tokens for refresh tokens, and tells a mail server whose
// they are. It knows the client that may ask.
type provider struct {
	*httptest.Server
	mu     sync.Mutex
	tokens map[string]string // user of each token that is good
	grants map[string]string // user of each refresh token
	asked  int               // for tokens
}

func newProvider(t *testing.T) *provider {
	p := &provider{tokens: map[string]string{}, grants: map[string]string{}}
	mux := http.NewServeMux()
	say := func(w http.ResponseWriter, status int, v map[string]any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v)
	}
	mux.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.asked++
		user := p.grants[r.PostFormValue("refresh_token")]
		switch {
		case r.PostFormValue("client_id") != "app" || r.PostFormValue("client_secret") != "s3cret":
			say(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
		case user == "":
			say(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant", "error_description": "Token has been revoked."})
		default:
			token := fmt.Sprintf("token-%d", p.asked)
			p.tokens[token] = user
			say(w, http.StatusOK, map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": 3600})
		}
	})
	mux.HandleFunc("/introspect", func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		user := p.tokens[r.PostFormValue("token")]
		say(w, http.StatusOK, map[string]any{"active": user != "", "username": user})
	})
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

// revoke makes all tokens void.
func (p *provider) revoke() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.tokens)
}

// Accounts log in with access tokens: with one that is given, one that a helper
// gives, and one that a provider gives for a refresh token. A secret is in no
// message.
func TestTokens(t *testing.T) {
	t.Parallel()
	at := newProvider(t)
	srv := testenv.Dovecot(t, testenv.DovecotOptions{OAuth: at.URL + "/introspect"})
	refresh := "oauth2_client_id = app\noauth2_client_secret = s3cret\noauth2_request_url = " + at.URL + "/token\noauth2_refresh_token = r-USER"
	for _, tc := range []struct {
		name, more string
		status     int
		want       string // of what is said
	}{
		{"given", "oauth2_access_token = a-USER", 0, ""},
		{"from a helper", "auth_mechanisms = XOAUTH2\noauth2_access_token_eval = 'a-' + 'USER' + '\\n'", 0, ""},
		{"refreshed", refresh, 0, ""},
		{"given, expired, refreshed", refresh + "\noauth2_access_token = old", 0, ""},
		{"expired", "oauth2_access_token = old", 1, "it may have expired"},
		{"none", "oauth2_access_token_eval = None", 1, "there is no access token: the expressions for it give none"},
		{"revoked", strings.Replace(refresh, "r-USER", "r-nobody", 1), 1, "the refresh token is not valid any more"},
		{"another client", strings.Replace(refresh, "s3cret", "wr0ng", 1), 1, "check oauth2_client_id"},
		{"no provider", strings.Replace(refresh, at.URL, "http://127.0.0.1:1", 1), 1, "ask http://127.0.0.1:1/token for a token"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newPerson(t, srv)
			at.mu.Lock()
			at.tokens["a-"+p.user], at.grants["r-"+p.user] = p.user, p.user
			at.mu.Unlock()
			p.mailer().Append("INBOX", body(1), time.Time{})
			p.more = strings.ReplaceAll(tc.more, "USER", p.user)
			p.configure()
			b, err := os.ReadFile(p.config())
			p.must(err)
			p.must(os.WriteFile(p.config(), regexp.MustCompile("(?m)^remotepass = .*$").ReplaceAll(b, nil), 0o600))
			status, out, errs := p.run()
			if status != tc.status || tc.want == "" && !strings.Contains(out, "1 downloaded") || !strings.Contains(out+errs, tc.want) {
				t.Errorf("status %d\n%s%s", status, out, errs)
			}
			for _, secret := range []string{"s3cret", "wr0ng", "r-nobody", "r-" + p.user, "a-" + p.user} {
				if strings.Contains(out+errs, secret) {
					t.Errorf("%q is told: %s%s", secret, out, errs)
				}
			}
		})
	}
}

// A token that runs out while the daemon goes on is replaced, and one that was got
// is used as long as it is good.
func TestTokensOfADaemon(t *testing.T) {
	t.Parallel()
	at := newProvider(t)
	srv := testenv.Dovecot(t, testenv.DovecotOptions{OAuth: at.URL + "/introspect", Config: "auth_cache_size = 0\n"})
	p := newPerson(t, srv)
	at.grants["r"] = p.user
	p.more = "oauth2_client_id = app\noauth2_client_secret = s3cret\noauth2_request_url = " + at.URL + "/token\noauth2_refresh_token = r"
	p.configure()
	b, err := os.ReadFile(p.config())
	p.must(err)
	p.must(os.WriteFile(p.config(), regexp.MustCompile("(?m)^remotepass = .*$").ReplaceAll(b, nil), 0o600))
	run := p.runner()
	for i := 1; i <= 3; i++ {
		p.mailer().Append("INBOX", body(i), time.Time{})
		if n := run(); n != 1 {
			t.Fatalf("run %d brings %d mails", i, n)
		}
		if i == 2 {
			if at.asked != 1 {
				t.Errorf("after two runs the provider was asked %d times", at.asked)
			}
			at.revoke()
		}
	}
	if at.asked != 2 {
		t.Errorf("the provider was asked %d times", at.asked)
	}
}

// runner runs the account as the daemon does, again and again, and tells how many
// mails each run brought.
func (p *person) runner() func() int {
	p.t.Helper()
	cfg, _, err := config.Load(p.config())
	p.must(err)
	ev := evaluator(cfg, func(string) {})
	p.t.Cleanup(func() { ev.Close() })
	r := &runner{cfg: cfg, account: cfg.Accounts[0], names: new(atomic.Uint64), python: ev, patience: p.patience}
	return func() int {
		p.t.Helper()
		out, err := r.Run(p.t.Context(), service.Order{Trigger: service.TriggerTimer, Observe: func(engine.Event) {}, Note: func(string) {}})
		if err != nil {
			p.t.Fatal(err)
		}
		return out.Report.Counts.Downloaded
	}
}
