package wire

import (
	"bufio"
	"compress/flate"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/sync/store"
)

// testCert returns a certificate for 127.0.0.1 and a pool that trusts it.
func testCert(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

func tlsConfig(name string, roots *x509.CertPool) *tls.Config {
	return &tls.Config{ServerName: name, RootCAs: roots, MinVersion: tls.VersionTLS12}
}

// over puts TLS above the server's end.
func (p *peer) over(cert tls.Certificate) *peer {
	nc := tls.Server(p.nc, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12})
	return &peer{t: p.t, nc: nc, r: bufio.NewReader(nc)}
}

func TestStartTLS(t *testing.T) {
	cert, pool := testCert(t)
	c := scripted(t, "STARTTLS LOGINDISABLED", func(p *peer) {
		p.say("* OK [ALERT] not to be believed\r\n%s OK go\r\n", p.want("STARTTLS"))
		p = p.over(cert)
		p.say("%s OK\r\n", p.want("NOOP"))
		p.quiet()
	})
	if err := c.StartTLS(context.Background(), tlsConfig("127.0.0.1", pool)); err != nil {
		t.Fatal(err)
	}
	if len(c.Caps()) != 0 || c.Greeting() != "" || len(c.Alerts()) != 0 || c.TLS() == nil {
		t.Error("something from before TLS is still believed")
	}
	run(t, c, nil, Noop())
}

// TestStartTLSInjection has somebody between write behind the answer, or before
// it: nothing of it may be taken for the server's.
func TestStartTLSInjection(t *testing.T) {
	cert, pool := testCert(t)
	for _, injected := range []string{"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n", "x", "A2 OK [CAPABILITY IMAP4rev1]\r\n"} {
		c := scripted(t, "STARTTLS", func(p *peer) {
			p.say("%s OK go\r\n%s", p.want("STARTTLS"), injected)
			p.over(cert).line()
		})
		err := c.StartTLS(context.Background(), tlsConfig("127.0.0.1", pool))
		if store.ClassOf(err) != store.Safety || c.Err() == nil {
			t.Errorf("%q: %v", injected, err)
		}
	}
	nc := dialScript(t, func(p *peer) {
		p.say("* PREAUTH hello\r\n")
		if tag, _ := p.line(); tag != "" {
			t.Error("something was sent in the clear")
		}
	})
	c, err := New(context.Background(), nc, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.StartTLS(context.Background(), tlsConfig("127.0.0.1", pool)); store.ClassOf(err) != store.Safety || c.Err() == nil {
		t.Errorf("after PREAUTH: %v", err)
	}
}

func TestStartTLSFailures(t *testing.T) {
	cert, pool := testCert(t)
	t.Run("refused", func(t *testing.T) {
		c := scripted(t, "", answeringNo)
		if err := c.StartTLS(context.Background(), tlsConfig("127.0.0.1", pool)); store.ClassOf(err) != store.Refused || c.Err() != nil {
			t.Errorf("got %v, %v", err, c.Err())
		}
	})
	t.Run("wrong name", func(t *testing.T) {
		c := scripted(t, "", func(p *peer) { p.say("%s OK\r\n", p.want("STARTTLS")); p.over(cert).line() })
		if err := c.StartTLS(context.Background(), tlsConfig("imap.example.org", pool)); store.ClassOf(err) != store.Config || c.Err() == nil {
			t.Errorf("got %v", err)
		}
	})
	t.Run("implicit", func(t *testing.T) {
		nc := dialScript(t, func(p *peer) {
			p = p.over(cert)
			p.say("* OK hi\r\n")
			p.say("%s OK\r\n", p.want("NOOP"))
			p.quiet()
		})
		c, err := New(context.Background(), nc, Options{TLS: tlsConfig("127.0.0.1", pool)})
		if err != nil {
			t.Fatal(err)
		}
		run(t, c, nil, Noop())
		if s := c.Stats(); s.In < 300 {
			t.Errorf("%d octets in: the handshake is not counted", s.In)
		}
		c.Close()
	})
	t.Run("no TLS there", func(t *testing.T) {
		nc := dialScript(t, func(p *peer) { p.say("* OK hi, this is in the clear\r\n"); p.quiet() })
		if _, err := New(context.Background(), nc, Options{TLS: tlsConfig("127.0.0.1", pool)}); store.ClassOf(err) != store.Config {
			t.Errorf("got %v", err)
		}
	})
}

func answeringNo(p *peer) {
	for tag, _ := p.line(); tag != ""; tag, _ = p.line() {
		p.say("%s NO no\r\n", tag)
	}
}

// TestCompress has compressed data behind the answer, in the same packet.
func TestCompress(t *testing.T) {
	c := scripted(t, "", func(p *peer) {
		var sb strings.Builder
		sb.WriteString(p.want("COMPRESS DEFLATE") + " OK active\r\n")
		fw, _ := flate.NewWriter(&sb, flate.BestCompression)
		_, _ = fw.Write([]byte("* 5 EXISTS\r\n"))
		_ = fw.Flush()
		p.say("%s", sb.String())
		p.r = bufio.NewReader(flate.NewReader(p.r))
		tag := p.want("NOOP")
		sb.Reset()
		_, _ = fw.Write([]byte(tag + " OK\r\n"))
		_ = fw.Flush()
		p.say("%s", sb.String())
		p.line()
	})
	if err := c.Compress(context.Background()); err != nil {
		t.Fatal(err)
	}
	r := &recorder{}
	run(t, c, r.handler(), Noop())
	if r.String() != "exists 5" {
		t.Errorf("got %s", r)
	}
	c.Close()
	c = scripted(t, "", answeringNo)
	if err := c.Compress(context.Background()); store.ClassOf(err) != store.Refused || c.Err() != nil {
		t.Errorf("got %v", err)
	}
}

// TestIdle ends it in every way.
func TestIdle(t *testing.T) {
	ctx := context.Background()
	idling := func(end string) func(p *peer) {
		return func(p *peer) {
			a := p.want("IDLE")
			p.say("+ idling\r\n* 4 EXISTS\r\n")
			if end == "" {
				if l, _ := p.r.ReadString('\n'); l != "DONE\r\n" {
					t.Errorf("got %q", l)
				}
				p.say("* 5 EXISTS\r\n")
			}
			p.say("%s OK\r\n", a)
			for tag, _ := p.line(); tag != ""; tag, _ = p.line() {
				p.say("%s OK\r\n", tag)
			}
		}
	}
	woken := make(chan struct{})
	close(woken)
	for _, tt := range []struct {
		name string
		end  string
		d    time.Duration
		wake chan struct{}
		want string
	}{
		{"time", "", 400 * time.Millisecond, nil, "exists 4\nexists 5"},
		{"woken", "", time.Hour, woken, "exists 4\nexists 5"},
		{"without a time", "", 0, woken, "exists 4\nexists 5"},
		{"the server ends it", "server", time.Hour, nil, "exists 4"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := &recorder{}
			// Progress is shorter than the silence of an IDLE, and must not matter.
			c := scriptedWith(t, Options{Progress: 300 * time.Millisecond}, "", idling(tt.end))
			if err := c.Idle(ctx, r.handler(), tt.d, tt.wake); err != nil {
				t.Fatal(err)
			}
			if r.String() != tt.want {
				t.Errorf("got %s", r)
			}
			run(t, c, nil, Noop())
		})
	}
	t.Run("refused", func(t *testing.T) {
		c := scripted(t, "", answeringNo)
		if err := c.Idle(ctx, nil, time.Hour, nil); store.ClassOf(err) != store.Refused || c.Err() != nil {
			t.Errorf("got %v", err)
		}
	})
	t.Run("the network is gone", func(t *testing.T) {
		c := scriptedWith(t, Options{Progress: 30 * time.Millisecond}, "", func(p *peer) { p.line(); p.say("+\r\n"); p.quiet() })
		soon(t, "idle", func() {
			if err := c.Idle(ctx, nil, 30*time.Millisecond, nil); store.ClassOf(err) != store.Offline || c.Err() == nil {
				t.Errorf("got %v", err)
			}
		})
	})
	t.Run("closed", func(t *testing.T) {
		c := scripted(t, "", func(p *peer) { p.line(); p.say("+\r\n* BYE restarting\r\n") })
		if err := c.Idle(ctx, nil, time.Hour, nil); err == nil || !strings.Contains(err.Error(), "restarting") {
			t.Errorf("got %v", err)
		}
	})
}
