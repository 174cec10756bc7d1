package wire

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/offlineimap/offlineimapd/sync/store"
)

// sasl is a mechanism made of its parts.
type sasl struct {
	mech string
	ir   []byte
	next func(challenge []byte) ([]byte, error)
}

func (s *sasl) Start() (string, []byte, error)        { return s.mech, s.ir, nil }
func (s *sasl) Next(challenge []byte) ([]byte, error) { return s.next(challenge) }

func TestAuthenticate(t *testing.T) {
	none := func([]byte) ([]byte, error) { return nil, errors.New("unexpected challenge") }
	for _, tt := range []struct {
		name, caps string
		sasl       *sasl
		script     func(t *testing.T, p *peer)
		want       string // in the error
		class      store.Class
		dead       bool
	}{
		{"initial response", "SASL-IR", &sasl{"PLAIN", []byte("\x00a\x00b"), none}, func(t *testing.T, p *peer) {
			p.say("%s OK in\r\n", p.want("AUTHENTICATE PLAIN AGEAYg=="))
		}, "", 0, false},
		{"empty initial response", "SASL-IR", &sasl{"EXTERNAL", []byte{}, none}, func(t *testing.T, p *peer) {
			p.say("%s OK in\r\n", p.want("AUTHENTICATE EXTERNAL ="))
		}, "", 0, false},
		{"without SASL-IR", "", &sasl{"PLAIN", []byte("\x00a\x00b"), none}, func(t *testing.T, p *peer) {
			a := p.want("AUTHENTICATE PLAIN")
			p.say("+ \r\n")
			p.want2("AGEAYg==")
			p.say("%s OK in\r\n", a)
		}, "", 0, false},
		{"empty without SASL-IR", "", &sasl{"EXTERNAL", []byte{}, none}, func(t *testing.T, p *peer) {
			a := p.want("AUTHENTICATE EXTERNAL")
			p.say("+\r\n")
			p.want2("")
			p.say("%s OK in\r\n", a)
		}, "", 0, false},
		{"challenges", "SASL-IR", &sasl{"X", nil, func(b []byte) ([]byte, error) { return append(b, '!'), nil }}, func(t *testing.T, p *peer) {
			a := p.want("AUTHENTICATE X")
			p.say("+ YQ==\r\n")
			p.want2("YSE=")
			p.say("* OK working\r\n+ \r\n")
			p.want2("IQ==")
			p.say("%s OK in\r\n", a)
		}, "", 0, false},
		{"empty answer", "SASL-IR", &sasl{"X", []byte("a"), func([]byte) ([]byte, error) { return nil, nil }}, func(t *testing.T, p *peer) {
			a := p.want("AUTHENTICATE X YQ==")
			p.say("+ eyJzdGF0dXMiOiI0MDEifQ==\r\n")
			p.want2("")
			p.say("%s NO [AUTHENTICATIONFAILED] bad token\r\n", a)
		}, "bad token", store.Auth, false},
		{"refused without code", "SASL-IR", &sasl{"X", []byte("a"), none}, func(t *testing.T, p *peer) {
			p.say("%s NO no\r\n", p.want("AUTHENTICATE X YQ=="))
		}, "no", store.Auth, false},
		{"server in trouble", "SASL-IR", &sasl{"X", []byte("a"), none}, func(t *testing.T, p *peer) {
			p.say("%s NO [UNAVAILABLE] later\r\n", p.want("AUTHENTICATE X YQ=="))
		}, "later", store.Temporary, false},
		{"aborted", "SASL-IR", &sasl{"X", []byte("a"), none}, func(t *testing.T, p *peer) {
			a := p.want("AUTHENTICATE X YQ==")
			p.say("+ YQ==\r\n")
			p.want2("*")
			p.say("%s BAD aborted\r\n", a)
		}, "unexpected challenge", store.Auth, false},
		{"let in without proof", "SASL-IR", &sasl{"X", []byte("a"), none}, func(t *testing.T, p *peer) {
			a := p.want("AUTHENTICATE X YQ==")
			p.say("+ YQ==\r\n")
			p.want2("*")
			p.say("%s OK come in anyway\r\n", a)
		}, "unexpected challenge", store.Auth, true},
		{"unreadable challenge", "SASL-IR", &sasl{"X", []byte("a"), none}, func(t *testing.T, p *peer) {
			a := p.want("AUTHENTICATE X YQ==")
			p.say("+ ???\r\n")
			p.want2("*")
			p.say("%s BAD aborted\r\n", a)
		}, "base64", store.Auth, false},
		{"no mechanism", "", &sasl{"X\r\nA1 LOGOUT", nil, none}, nil, "cannot be said", store.Local, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := scripted(t, tt.caps, func(p *peer) {
				if tt.script != nil {
					tt.script(t, p)
				}
				if tag, _ := p.line(); tag != "" {
					p.say("%s OK\r\n", tag)
				}
				p.quiet()
			})
			err := c.Authenticate(context.Background(), tt.sasl)
			if (err != nil) != (tt.want != "") || err != nil && (!strings.Contains(err.Error(), tt.want) || store.ClassOf(err) != tt.class) {
				t.Errorf("got %v (%v)", err, store.ClassOf(err))
			}
			if tt.dead != (c.Err() != nil) {
				t.Errorf("the connection: %v", c.Err())
			}
			if err == nil && len(c.Caps()) != 0 {
				t.Error("the capabilities from before the login are still believed")
			}
			if !tt.dead {
				run(t, c, nil, Noop())
			}
		})
	}
}

func TestLogin(t *testing.T) {
	ctx := context.Background()
	c := scripted(t, "LITERAL+", func(p *peer) {
		a := p.want(`LOGIN "a\"b" {3+}`)
		p.octets(3)
		p.want2("")
		p.say("%s NO [AUTHENTICATIONFAILED] wrong\r\n", a)
		a = p.want(`LOGIN "a" "b"`)
		p.say("* CAPABILITY IMAP4rev1 QRESYNC\r\n%s OK\r\n", a)
		p.quiet()
	})
	if err := c.Login(ctx, `a"b`, "\xc3\xbcx"); store.ClassOf(err) != store.Auth || !strings.Contains(err.Error(), "wrong") {
		t.Errorf("got %v", err)
	}
	if err := c.Login(ctx, "a", "b"); err != nil || !c.Caps().Has("QRESYNC") {
		t.Errorf("got %v, %v", err, c.Caps())
	}
	c = scripted(t, "LOGINDISABLED", func(p *peer) {
		if tag, _ := p.line(); tag != "" {
			t.Error("a password was sent although LOGIN is disabled")
		}
	})
	if err := c.Login(ctx, "a", "b"); store.ClassOf(err) != store.Config {
		t.Errorf("got %v", err)
	}
}
