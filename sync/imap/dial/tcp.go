package dial

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/offlineimap/offlineimapd/sync/store"
)

// Family is the kind of address to use.
type Family string

// The families. With Any both are tried side by side (RFC 8305).
const (
	Any  Family = "tcp"
	IPv4 Family = "tcp4"
	IPv6 Family = "tcp6"
)

// Options say where a server is.
type Options struct {
	Host    string
	Port    int
	Family  Family        // "": Any
	Timeout time.Duration // for name lookup and connection; 0: 30 s
}

// Server connects to a server by TCP. Errors are of class Offline.
func Server(ctx context.Context, o Options) (net.Conn, error) {
	if o.Timeout <= 0 {
		o.Timeout = 30 * time.Second
	}
	if o.Family == "" {
		o.Family = Any
	}
	addr := net.JoinHostPort(o.Host, strconv.Itoa(o.Port))
	d := net.Dialer{Timeout: o.Timeout}
	nc, err := d.DialContext(ctx, string(o.Family), addr)
	if err != nil {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("connect to %s: %w", addr, ctx.Err())
		}
		return nil, store.Fail(store.Offline, store.ScopeStore, fmt.Errorf("connect to %s: %w", addr, err))
	}
	return nc, nil
}

// HandshakeError classes the error of a TLS handshake with host: what a
// person must settle is Config, all else Offline.
func HandshakeError(host string, err error) error {
	wrapped := fmt.Errorf("TLS with %s: %w", host, err)
	var (
		pin     *PinError
		record  tls.RecordHeaderError
		verify  *tls.CertificateVerificationError
		invalid x509.CertificateInvalidError
	)
	switch {
	case errors.As(err, &pin):
		return &store.Error{Class: store.Config, Scope: store.ScopeStore, Err: wrapped,
			Hint: "if the server really has a new certificate, set cert_fingerprint = " + pin.SHA256}
	case errors.As(err, &record):
		return &store.Error{Class: store.Config, Scope: store.ScopeStore, Err: wrapped,
			Hint: "the server does not speak TLS on this port: check remoteport (993 with ssl = yes; 143 with ssl = no and starttls = yes)"}
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return &store.Error{Class: store.Config, Scope: store.ScopeStore, Err: wrapped,
			Hint: "check the clock of this machine; if it is right, the server's certificate must be renewed"}
	case errors.As(err, &verify):
		return &store.Error{Class: store.Config, Scope: store.ScopeStore, Err: wrapped,
			Hint: "check remotehost, or trust the server by sslcacertfile = FILE" + shown(verify)}
	}
	return store.Fail(store.Offline, store.ScopeStore, wrapped)
}

// shown tells which certificate a server showed, for a person to compare it
// with what its owner says.
func shown(e *tls.CertificateVerificationError) string {
	if len(e.UnverifiedCertificates) == 0 {
		return ""
	}
	sum := sha256.Sum256(e.UnverifiedCertificates[0].Raw)
	return ", or the very certificate that it showed by cert_fingerprint = " + hex.EncodeToString(sum[:]) + ", once you have compared that with what its owner says"
}
