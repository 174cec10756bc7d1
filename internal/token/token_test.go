package token

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// server answers each request for a token with the next of some answers, the last
// of them again and again.
func server(t *testing.T, answers ...string) (url_ string, asked *[]url.Values) {
	asked = &[]url.Values{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		*asked = append(*asked, r.PostForm)
		a := answers[min(len(*asked), len(answers))-1]
		status := http.StatusOK
		if strings.Contains(a, `"error"`) {
			status = http.StatusBadRequest
		}
		if a == "down" {
			status, a = http.StatusServiceUnavailable, ""
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		fmt.Fprint(w, a)
	}))
	t.Cleanup(s.Close)
	return s.URL, asked
}

func get(t *testing.T, s *Source, want string) {
	t.Helper()
	if got, err := s.Token(t.Context()); err != nil || got != want {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
}

func TestRefresh(t *testing.T) {
	u, asked := server(t, `{"access_token":"one","expires_in":3600,"token_type":"Bearer"}`,
		`{"access_token":"two","expires_in":3600,"token_type":"Bearer","refresh_token":"r2"}`,
		`{"access_token":"three","expires_in":3600,"token_type":"Bearer"}`)
	s := New(Options{Access: "given", Refresh: "r1", ClientID: "id", ClientSecret: "secret", URL: u})
	get(t, s, "given")
	s.Refused("given")
	get(t, s, "one")
	get(t, s, "one")
	s.Refused("given") // old news
	get(t, s, "one")
	s.Refused("one")
	get(t, s, "two")
	s.Refused("two")
	get(t, s, "three")
	if len(*asked) != 3 {
		t.Fatalf("the server was asked %d times", len(*asked))
	}
	first, third := (*asked)[0], (*asked)[2]
	if first.Get("grant_type") != "refresh_token" || first.Get("refresh_token") != "r1" || first.Get("client_id") != "id" || first.Get("client_secret") != "secret" {
		t.Errorf("it was asked %v", first)
	}
	if third.Get("refresh_token") != "r2" {
		t.Errorf("the new refresh token is not used: %v", third)
	}
}

func TestHalfOfItsLife(t *testing.T) {
	u, asked := server(t, `{"access_token":"short","expires_in":2,"token_type":"Bearer"}`, `{"access_token":"next","token_type":"Bearer"}`)
	s := New(Options{Refresh: "r", URL: u})
	get(t, s, "short")
	s.renewal = time.Now().Add(-time.Millisecond)
	get(t, s, "next")
	get(t, s, "next")
	if len(*asked) != 2 {
		t.Errorf("the server was asked %d times", len(*asked))
	}
}

func TestFailures(t *testing.T) {
	for answer, want := range map[string]error{
		`{"error":"invalid_grant","error_description":"Token has been revoked."}`: ErrRevoked,
		`{"error":"invalid_client"}`: ErrRefused,
	} {
		u, _ := server(t, answer)
		s := New(Options{Refresh: "hunter2", ClientID: "id", ClientSecret: "swordfish", URL: u})
		_, err := s.Token(t.Context())
		if !errors.Is(err, want) {
			t.Errorf("%s: %v", answer, err)
		}
		if text := fmt.Sprint(err); strings.Contains(text, "hunter2") || strings.Contains(text, "swordfish") {
			t.Errorf("a secret is told: %v", err)
		}
	}
	u, _ := server(t, "down")
	s := New(Options{Refresh: "hunter2", URL: u})
	if _, err := s.Token(t.Context()); err == nil || errors.Is(err, ErrRefused) || errors.Is(err, ErrRevoked) {
		t.Errorf("a server that is down: %v", err)
	}
	s = New(Options{Refresh: "hunter2", URL: "http://127.0.0.1:1/"})
	if _, err := s.Token(t.Context()); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("no server: %v", err)
	}
	s = New(Options{Access: "only"})
	get(t, s, "only")
	s.Refused("only")
	if _, err := s.Token(t.Context()); !errors.Is(err, ErrSpent) || s.Renewable() {
		t.Errorf("a token that was refused: %v", err)
	}
}

// A server that does not answer is waited for as long as a client waits.
func TestDeaf(t *testing.T) {
	var asked atomic.Int32
	end := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1); <-end }))
	defer s.Close()
	defer close(end)
	src := New(Options{Refresh: "r", URL: s.URL, Client: &http.Client{Timeout: 50 * time.Millisecond}})
	if _, err := src.Token(t.Context()); err == nil {
		t.Error("there is a token")
	}
	if asked.Load() == 0 {
		t.Error("nobody was asked")
	}
}
