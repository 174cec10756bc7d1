package dial

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/offlineimap/offlineimapd/sync/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// certificate makes a self-signed one for name that ends at notAfter.
func certificate(t *testing.T, name string, notAfter time.Time) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: notAfter, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// pair returns both ends of a TCP connection.
func pair(t *testing.T) (a, b net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if a, err = net.Dial("tcp", ln.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if b, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	return a, b
}

// handshake has a client with cfg meet a server that shows cert.
func handshake(t *testing.T, cfg *tls.Config, cert tls.Certificate) error {
	t.Helper()
	a, b := pair(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s := tls.Server(b, &tls.Config{Certificates: []tls.Certificate{cert}})
		if s.Handshake() == nil {
			io.Copy(io.Discard, s)
		}
		b.Close()
	}()
	err := tls.Client(a, cfg).HandshakeContext(t.Context())
	a.Close()
	<-done
	return err
}

func TestTrust(t *testing.T) {
	cert := certificate(t, "mail.example", time.Now().Add(time.Hour))
	old := certificate(t, "mail.example", time.Now().Add(-time.Hour))
	der := cert.Certificate[0]
	s1, s224, s256, s384, s512 := sha1.Sum(der), sha256.Sum224(der), sha256.Sum256(der), sha512.Sum384(der), sha512.Sum512(der)
	colons := func(b []byte) string {
		var parts []string
		for _, c := range b {
			parts = append(parts, fmt.Sprintf("%02X", c))
		}
		return strings.Join(parts, ":")
	}
	ca := filepath.Join(t.TempDir(), "ca.pem")
	var file []byte
	for _, c := range []tls.Certificate{cert, old} {
		file = append(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]})...)
	}
	if err := os.WriteFile(ca, file, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name  string
		trust Trust
		cert  tls.Certificate
		hint  string // of the refusal; "": accepted
	}{
		{"the file", Trust{ServerName: "mail.example", CAFile: ca}, cert, ""},
		{"the file, another name", Trust{ServerName: "other.example", CAFile: ca}, cert, "remotehost"},
		{"the file, expired", Trust{ServerName: "mail.example", CAFile: ca}, old, "clock"},
		{"the system's roots", Trust{ServerName: "mail.example"}, cert, "cert_fingerprint = " + hex.EncodeToString(s256[:])},
		{"SHA-1", Trust{ServerName: "x", Pins: []string{hex.EncodeToString(s1[:])}}, cert, ""},
		{"SHA-224", Trust{ServerName: "x", Pins: []string{colons(s224[:])}}, cert, ""},
		{"SHA-256, second", Trust{ServerName: "x", Pins: []string{hex.EncodeToString(s1[:19]) + "00", " " + colons(s256[:])}}, cert, ""},
		{"SHA-384", Trust{ServerName: "x", Pins: []string{hex.EncodeToString(s384[:])}}, cert, ""},
		{"SHA-512", Trust{ServerName: "x", Pins: []string{strings.ToUpper(hex.EncodeToString(s512[:]))}}, cert, ""},
		{"a pin that suffices beside a file", Trust{ServerName: "other", CAFile: ca, Pins: []string{hex.EncodeToString(s1[:])}}, cert, ""},
		{"a pin and a file, both asked for", Trust{ServerName: "mail.example", CAFile: ca, Chain: true, Pins: []string{hex.EncodeToString(s1[:])}}, cert, ""},
		{"a pin that does not suffice", Trust{ServerName: "other.example", CAFile: ca, Chain: true, Pins: []string{hex.EncodeToString(s1[:])}}, cert, "remotehost"},
		{"another pin, though the file would do", Trust{ServerName: "mail.example", CAFile: ca, Pins: []string{hex.EncodeToString(s1[:])}}, old, "cert_fingerprint = "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cfg, err := tc.trust.Config()
			if err != nil {
				t.Fatal(err)
			}
			err = handshake(t, cfg, tc.cert)
			if tc.hint == "" {
				if err != nil {
					t.Fatalf("refused: %v", err)
				}
				return
			}
			if err == nil {
				t.Fatal("accepted")
			}
			var se *store.Error
			if !errors.As(HandshakeError("mail.example", err), &se) || se.Class != store.Config || !strings.Contains(se.Hint, tc.hint) {
				t.Errorf("error %v, want class config and a hint with %q", se, tc.hint)
			}
		})
	}
}

func TestTrustConfigErrors(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tr := range []Trust{
		{CAFile: empty},
		{CAFile: empty + "-not-there"},
		{Pins: []string{"xyz"}},
		{Pins: []string{"abcd"}},
		{Pins: []string{""}},
		{ClientCert: empty},
	} {
		if _, err := tr.Config(); store.ClassOf(err) != store.Config {
			t.Errorf("%+v: %v", tr, err)
		}
	}
}

func TestHandshakeWithoutTLS(t *testing.T) {
	a, b := pair(t)
	go func() {
		io.WriteString(b, "* OK IMAP4rev1 ready\r\n")
		io.Copy(io.Discard, b)
	}()
	err := tls.Client(a, &tls.Config{ServerName: "x"}).Handshake()
	a.Close()
	b.Close()
	var se *store.Error
	if !errors.As(HandshakeError("x", err), &se) || se.Class != store.Config || !strings.Contains(se.Hint, "remoteport") {
		t.Errorf("%v", err)
	}
}

func TestServer(t *testing.T) {
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := ln.Addr().(*net.TCPAddr).Port
	nc, err := Server(t.Context(), Options{Host: "localhost", Port: port, Family: IPv4})
	if err != nil {
		t.Fatal(err)
	}
	nc.Close()
	if _, err := Server(t.Context(), Options{Host: "127.0.0.1", Port: port, Family: IPv6}); store.ClassOf(err) != store.Offline {
		t.Errorf("IPv6 only to an IPv4 address: %v", err)
	}
	ln.Close()
	if _, err := Server(t.Context(), Options{Host: "127.0.0.1", Port: port}); store.ClassOf(err) != store.Offline || !strings.Contains(err.Error(), strconv.Itoa(port)) {
		t.Errorf("nobody listens: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Server(ctx, Options{Host: "127.0.0.1", Port: port}); store.ClassOf(err) != store.Cancelled {
		t.Errorf("cancelled: %v", err)
	}
}

func TestTunnelCarries(t *testing.T) {
	nc, err := Tunnel(t.Context(), "echo '* PREAUTH hello'; exec cat")
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	r := bufio.NewReader(nc)
	if l, err := r.ReadString('\n'); err != nil || l != "* PREAUTH hello\n" {
		t.Fatalf("%q %v", l, err)
	}
	fmt.Fprintf(nc, "a NOOP\r\n")
	if l, err := r.ReadString('\n'); err != nil || l != "a NOOP\r\n" {
		t.Fatalf("%q %v", l, err)
	}
	nc.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	if _, err := r.ReadByte(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a read past its deadline: %v", err)
	}
	nc.SetDeadline(time.Now().Add(20 * time.Millisecond))
	for err = nil; err == nil; _, err = nc.Write(make([]byte, 1<<16)) {
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a write past its deadline: %v", err)
	}
}

func TestTunnelSaysWhyItEnded(t *testing.T) {
	nc, err := Tunnel(t.Context(), "echo noise >&2; echo 'ssh: no route to host' >&2; exit 255")
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	_, err = nc.Read(make([]byte, 1))
	if !errors.Is(err, io.EOF) || !strings.Contains(err.Error(), "exit status 255: ssh: no route to host") {
		t.Errorf("%v", err)
	}
}

func TestTunnelFloodsStandardError(t *testing.T) {
	nc, err := Tunnel(t.Context(), "head -c 1000000 /dev/zero >&2; echo done")
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	nc.SetReadDeadline(time.Now().Add(5 * time.Second))
	if b, _ := io.ReadAll(nc); string(b) != "done\n" {
		t.Errorf("%q", b)
	}
}

// A command that ignores everything but SIGKILL, and its children, are gone
// soon after Close.
func TestTunnelCloseEndsTheGroup(t *testing.T) {
	nc, err := Tunnel(t.Context(), `trap "" TERM; sleep 60 & echo $!; while :; do sleep 60; done`)
	if err != nil {
		t.Fatal(err)
	}
	l, err := bufio.NewReader(nc).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	child, _ := strconv.Atoi(strings.TrimSpace(l))
	start := time.Now()
	nc.Close()
	if d := time.Since(start); d > time.Second {
		t.Errorf("Close took %v", d)
	}
	for i := 0; syscall.Kill(child, 0) == nil; i++ {
		if stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", child)); err != nil || strings.Contains(string(stat), ") Z ") {
			break
		}
		if i == 50 {
			t.Fatalf("the child %d lives on", child)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
