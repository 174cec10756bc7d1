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
	m, err := choose(x.before, a.Mechanisms)
	if err != nil {
		return err
	}
	pass, err := a.Password(ctx)
	if err != nil {
		return fmt.Errorf("get the password of %s: %w", a.User, err)
	}
	switch m {
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
		return &store.Error{Class: store.Auth, Scope: store.ScopeStore, Err: fmt.Errorf("log in as %s: %w", a.User, err),
			Hint: "check user name and password; the server may want a password made for this program"}
	}
	return err
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
