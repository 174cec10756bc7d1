package dial

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/offlineimap/offlineimapd/sync/store"
)

// Trust says which certificate a server may show. Its zero value trusts the
// roots of the system.
type Trust struct {
	ServerName string   // checked against the certificate, and sent as SNI
	CAFile     string   // PEM file of the roots to trust instead of the system's
	Pins       []string // SHA-1, -224, -256, -384 or -512 of the certificate in hex; case, colons and blanks do not matter
	// Chain demands a trusted chain and the right name besides one of the Pins.
	Chain bool
	// ClientCert and ClientKey are PEM files; both or neither.
	ClientCert, ClientKey string
	MinVersion            uint16 // of TLS; 0: the default of crypto/tls
}

// Config returns the TLS configuration for t. Its errors are of class Config.
//
// A certificate with one of the Pins is accepted for that alone, unless Chain
// is set: who pins has looked at this very certificate, and chain, name and
// dates say nothing more.
func (t Trust) Config() (*tls.Config, error) {
	cfg := &tls.Config{
		ServerName: t.ServerName,
		MinVersion: t.MinVersion,
		// Later sessions of a run need no second proof of the certificate.
		ClientSessionCache: tls.NewLRUClientSessionCache(8),
	}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, config(fmt.Errorf("read sslcacertfile: %w", err))
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, config(fmt.Errorf("sslcacertfile %s holds no certificate in PEM form", t.CAFile))
		}
	}
	if t.ClientCert != "" || t.ClientKey != "" {
		pair, err := tls.LoadX509KeyPair(t.ClientCert, t.ClientKey)
		if err != nil {
			return nil, config(fmt.Errorf("read sslclientcert and sslclientkey: %w", err))
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	if len(t.Pins) > 0 {
		pins := make([]string, len(t.Pins))
		for i, p := range t.Pins {
			var err error
			if pins[i], err = cleanPin(p); err != nil {
				return nil, config(err)
			}
		}
		cfg.InsecureSkipVerify = !t.Chain // VerifyConnection does it, for resumed sessions too
		cfg.VerifyConnection = func(cs tls.ConnectionState) error { return checkPins(pins, cs) }
	}
	return cfg, nil
}

func config(err error) error { return store.Fail(store.Config, store.ScopeStore, err) }

// cleanPin returns the lower-case hex digits of a fingerprint.
func cleanPin(s string) (string, error) {
	p := strings.ToLower(strings.NewReplacer(":", "", " ", "", "\t", "").Replace(s))
	if _, err := hex.DecodeString(p); err != nil {
		return "", fmt.Errorf("cert_fingerprint %q is not hexadecimal", s)
	}
	switch len(p) / 2 {
	case sha1.Size, sha256.Size224, sha256.Size, sha512.Size384, sha512.Size:
		return p, nil
	}
	return "", fmt.Errorf("cert_fingerprint %q has %d hex digits, not the 40, 56, 64, 96 or 128 of SHA-1, -224, -256, -384 or -512", s, len(p))
}

// PinError says that the server's certificate is not one of those pinned.
type PinError struct {
	SHA256 string // of the certificate it showed
}

func (e *PinError) Error() string {
	return "the server's certificate has none of the configured fingerprints; its SHA-256 is " + e.SHA256
}

func checkPins(pins []string, cs tls.ConnectionState) error {
	if len(cs.PeerCertificates) == 0 {
		return errors.New("the server showed no certificate")
	}
	der := cs.PeerCertificates[0].Raw
	s1, s224, s256, s384, s512 := sha1.Sum(der), sha256.Sum224(der), sha256.Sum256(der), sha512.Sum384(der), sha512.Sum512(der)
	for _, sum := range [][]byte{s1[:], s224[:], s256[:], s384[:], s512[:]} {
		if slices.Contains(pins, hex.EncodeToString(sum)) {
			return nil
		}
	}
	return &PinError{SHA256: hex.EncodeToString(s256[:])}
}
