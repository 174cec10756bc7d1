package imap

import (
	"context"
	"crypto/hmac"
	"crypto/md5"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	goimap "github.com/emersion/go-imap/v2"

	"github.com/offlineimap/offlineimapd/sync/imap/dial"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// login uses the first allowed mechanism that the server offers, once.
func (x *session) login(ctx context.Context) error {
	a := &x.s.o.Auth
	x.before = x.c.Caps()
	m, err := choose(x.before, a.usable())
	if err != nil {
		return err
	}
	what, ask := "password", a.Password
	if m == AuthXOAuth2 {
		what, ask = "access token", a.Token
	}
	pass, err := ask(ctx)
	if err != nil {
		return fmt.Errorf("get the %s of %s: %w", what, a.User, err)
	}
	switch m {
	case AuthXOAuth2:
		err = x.bear(ctx, pass)
	case AuthPlain:
		err = x.c.Authenticate(ctx, plain{a.Identity, a.User, pass})
	case AuthCramMD5:
		err = x.c.Authenticate(ctx, cramMD5{a.User, pass})
	case AuthLogin:
		err = x.c.Login(ctx, a.User, pass)
	}
	if err == nil {
		return nil
	}
	var no *goimap.Error
	if errors.As(err, &no) && (no.Code == "" || no.Code == goimap.ResponseCodeAlert) && tooMany(no.Text) {
		return &store.Error{Class: store.Temporary, Scope: store.ScopeStore, Err: fmt.Errorf("log in as %s: %w", a.User, err),
			Hint: "lower maxconnections, or close other mail programs"}
	}
	if store.ClassOf(err) == store.Auth {
		hint := "check user name and password; the server may want a password made for this program"
		if m == AuthXOAuth2 {
			hint = "the server does not take the access token: it may have expired, or be for another user or purpose"
		}
		return &store.Error{Class: store.Auth, Scope: store.ScopeStore, Err: fmt.Errorf("log in as %s: %w", a.User, err), Hint: hint}
	}
	return err
}

// bear logs in with an access token, and where it has expired with the next.
func (x *session) bear(ctx context.Context, token string) error {
	a := &x.s.o.Auth
	err := x.c.Authenticate(ctx, &xoauth2{user: a.User, token: token})
	if store.ClassOf(err) != store.Auth || a.TokenRefused == nil || !a.TokenRefused(token) {
		return err
	}
	next, terr := a.Token(ctx)
	if terr != nil {
		return fmt.Errorf("get another access token of %s: %w", a.User, terr)
	}
	return x.c.Authenticate(ctx, &xoauth2{user: a.User, token: next})
}

// usable leaves out the mechanism that there is no token for.
func (a *Auth) usable() []Mechanism {
	if a.Token != nil {
		return a.Mechanisms
	}
	return slices.DeleteFunc(slices.Clone(a.Mechanisms), func(m Mechanism) bool { return m == AuthXOAuth2 })
}

// choose picks a mechanism. A server that names no mechanism at all has LOGIN
// unless it says otherwise (RFC 3501, section 6.2.3).
func choose(caps goimap.CapSet, allowed []Mechanism) (Mechanism, error) {
	for _, m := range allowed {
		if m == AuthLogin && !has(caps, goimap.CapLoginDisabled) || m != AuthLogin && has(caps, goimap.Cap("AUTH="+m)) {
			return m, nil
		}
	}
	offered := []string{}
	for c := range caps {
		if name, ok := strings.CutPrefix(string(c), "AUTH="); ok {
			offered = append(offered, name)
		}
	}
	if !has(caps, goimap.CapLoginDisabled) {
		offered = append(offered, string(AuthLogin))
	}
	slices.Sort(offered)
	e := &store.Error{Class: store.Config, Scope: store.ScopeStore, Hint: "set auth_mechanisms to one that the server offers",
		Err: fmt.Errorf("none of the mechanisms allowed (%s) is offered by the server (%s)", join(allowed), strings.Join(offered, ", "))}
	if len(offered) == 0 {
		e.Hint = "the server offers none on this connection: it may want TLS (ssl = yes, or starttls = yes)"
	}
	return "", e
}

func join(ms []Mechanism) string {
	names := make([]string, len(ms))
	for i, m := range ms {
		names[i] = string(m)
	}
	return strings.Join(names, ", ")
}

// plain is RFC 4616.
type plain struct{ identity, user, pass string }

func (p plain) Start() (string, []byte, error) {
	if strings.ContainsRune(p.identity+p.user+p.pass, 0) {
		return "", nil, errors.New("a NUL octet in user name or password")
	}
	return "PLAIN", []byte(p.identity + "\x00" + p.user + "\x00" + p.pass), nil
}

func (plain) Next([]byte) ([]byte, error) {
	return nil, errors.New("the server asks on, which PLAIN does not have")
}

// cramMD5 is RFC 2195.
type cramMD5 struct{ user, pass string }

func (cramMD5) Start() (string, []byte, error) { return "CRAM-MD5", nil, nil }

func (c cramMD5) Next(challenge []byte) ([]byte, error) {
	h := hmac.New(md5.New, []byte(c.pass))
	h.Write(challenge)
	return []byte(c.user + " " + hex.EncodeToString(h.Sum(nil))), nil
}

// xoauth2 sends a token. A server that refuses it says why in a challenge, which
// wants an empty answer before the refusal itself.
type xoauth2 struct {
	user, token string
	refused     bool
}

func (o *xoauth2) Start() (string, []byte, error) {
	if strings.ContainsAny(o.user+o.token, "\x00\x01") {
		return "", nil, errors.New("a control character in user name or token")
	}
	return "XOAUTH2", []byte("user=" + o.user + "\x01auth=Bearer " + o.token + "\x01\x01"), nil
}

func (o *xoauth2) Next([]byte) ([]byte, error) {
	if o.refused {
		return nil, errors.New("the server asks on, which XOAUTH2 does not have")
	}
	o.refused = true
	return []byte{}, nil
}

// isHandshake tells whether an error is one about certificates or TLS records.
func isHandshake(err error) bool {
	var (
		pin    *dial.PinError
		record tls.RecordHeaderError
		verify *tls.CertificateVerificationError
		name   x509.HostnameError
	)
	return errors.As(err, &pin) || errors.As(err, &record) || errors.As(err, &verify) || errors.As(err, &name)
}
