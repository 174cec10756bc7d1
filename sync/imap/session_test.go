package imap

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/offlineimap/offlineimapd/internal/testenv"
	"github.com/offlineimap/offlineimapd/sync/imap/dial"
	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
)

func surveyed(t *testing.T, s *Store) error {
	t.Helper()
	_, err := s.Survey(t.Context())
	return err
}

func hint(err error) string {
	var e *store.Error
	if errors.As(err, &e) {
		return e.Hint
	}
	return ""
}

func TestChooseMechanism(t *testing.T) {
	for _, tc := range []struct {
		caps    string
		allowed []Mechanism
		want    string // the command, or a part of the error
	}{
		{"AUTH=PLAIN AUTH=CRAM-MD5", []Mechanism{AuthCramMD5, AuthPlain, AuthLogin}, "AUTHENTICATE CRAM-MD5"},
		{"AUTH=PLAIN AUTH=CRAM-MD5 SASL-IR", []Mechanism{AuthPlain, AuthCramMD5}, "AUTHENTICATE PLAIN AGpvZQBzZWNyZXQ="},
		{"AUTH=PLAIN", []Mechanism{AuthLogin, AuthPlain}, "LOGIN"},
		{"", []Mechanism{AuthCramMD5, AuthPlain, AuthLogin}, "LOGIN"},
		{"LOGINDISABLED AUTH=PLAIN SASL-IR", []Mechanism{AuthLogin, AuthPlain}, "AUTHENTICATE PLAIN"},
		{"LOGINDISABLED AUTH=XOAUTH2", []Mechanism{AuthLogin, AuthPlain}, "none of the mechanisms allowed (LOGIN, PLAIN) is offered by the server (XOAUTH2)"},
		{"LOGINDISABLED STARTTLS", []Mechanism{AuthPlain, AuthLogin}, "none of the mechanisms"},
	} {
		f := (&fake{greeting: "* OK [CAPABILITY IMAP4rev1 " + tc.caps + "] hello"}).serve(t)
		f.answer = func(cmd string) string {
			if strings.HasPrefix(cmd, "AUTHENTICATE") || strings.HasPrefix(cmd, "LOGIN") {
				return "NO [AUTHENTICATIONFAILED] no"
			}
			return ""
		}
		s := f.store(func(o *Options) { o.Auth.Mechanisms = tc.allowed })
		err := surveyed(t, s)
		tries := f.commands("^(AUTHENTICATE|LOGIN )")
		if strings.HasPrefix(tc.want, "none") {
			if store.ClassOf(err) != store.Config || !strings.Contains(err.Error(), tc.want) || len(tries) > 0 {
				t.Errorf("%q: %v after %q, want %q", tc.caps, err, tries, tc.want)
			}
			continue
		}
		if store.ClassOf(err) != store.Auth || len(tries) != 1 || !strings.HasPrefix(tries[0], tc.want) {
			t.Errorf("%q: %v after %q, want one %s", tc.caps, err, tries, tc.want)
		}
		// A refused password is not tried again, by nobody.
		if err := surveyed(t, s); store.ClassOf(err) != store.Auth || hint(err) == "" {
			t.Errorf("the second time: %v (%s)", err, hint(err))
		}
		if _, err := s.Open("INBOX", false).Scan(t.Context(), mail.Known{}); store.ScopeOf(err) != store.ScopeStore {
			t.Errorf("a scan without a login stops only its folder: %v", err)
		}
		if n := len(f.commands("^(AUTHENTICATE|LOGIN )")); n != 1 {
			t.Errorf("%q: the password was tried %d times", tc.caps, n)
		}
	}
}

// The example of RFC 2195, section 2.
func TestCramMD5(t *testing.T) {
	got, err := cramMD5{"tim", "tanstaaftanstaaf"}.Next([]byte("<1896.697170952@postoffice.reston.mci.net>"))
	if want := "tim b913a602c7eda7a495b4e6e7334d3890"; err != nil || string(got) != want {
		t.Errorf("%s %v, want %s", got, err, want)
	}
	_, ir, err := plain{"boss", "joe", "secret"}.Start()
	if want := "Ym9zcwBqb2UAc2VjcmV0"; err != nil || base64.StdEncoding.EncodeToString(ir) != want {
		t.Errorf("PLAIN: %q %v", ir, err)
	}
	if _, _, err := (plain{"", "j\x00oe", "secret"}).Start(); err == nil {
		t.Error("PLAIN took a NUL")
	}
}

// far is a connection that comes from elsewhere.
type far struct{ net.Conn }

func (far) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 143} }

func TestNoPasswordInTheClear(t *testing.T) {
	f := (&fake{greeting: "* OK [CAPABILITY " + fakeCaps + "] hello"}).serve(t)
	s := f.store(func(o *Options) {
		d := o.Dial
		o.Dial = func(ctx context.Context) (net.Conn, error) {
			nc, err := d(ctx)
			return far{nc}, err
		}
	})
	if err := surveyed(t, s); store.ClassOf(err) != store.Config || !strings.Contains(hint(err), "ssl = yes") {
		t.Errorf("%v, hint %q", err, hint(err))
	}
	if c := f.commands(""); len(c) > 0 {
		t.Errorf("the server was told %q", c)
	}
}

func TestTLS(t *testing.T) {
	d := testenv.Dovecot(t, testenv.DovecotOptions{TLS: true})
	user, pass := d.NewUser()
	for _, tc := range []struct {
		name     string
		security Security
		addr     string
		trust    dial.Trust
		class    store.Class
		ok       bool
	}{
		{"STARTTLS", StartTLS, d.Addr(), dial.Trust{ServerName: "localhost", CAFile: d.CAFile()}, 0, true},
		{"TLS", ImplicitTLS, d.TLSAddr(), dial.Trust{ServerName: "localhost", CAFile: d.CAFile()}, 0, true},
		{"another name", ImplicitTLS, d.TLSAddr(), dial.Trust{ServerName: "mail.example", CAFile: d.CAFile()}, store.Config, false},
		{"a pin that fails", StartTLS, d.Addr(), dial.Trust{ServerName: "localhost", Pins: []string{strings.Repeat("ab", 32)}}, store.Config, false},
		{"TLS to the plain port", ImplicitTLS, d.Addr(), dial.Trust{ServerName: "localhost"}, store.Config, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := options(tc.addr, user, pass)
			var err error
			if o.TLS, err = tc.trust.Config(); err != nil {
				t.Fatal(err)
			}
			o.Security = tc.security
			err = surveyed(t, closing(t, New(o)))
			if tc.ok != (err == nil) || err != nil && (store.ClassOf(err) != tc.class || hint(err) == "") {
				t.Errorf("%v (%v), hint %q", err, store.ClassOf(err), hint(err))
			}
		})
	}
}

// A server that does not do STARTTLS gets no password.
func TestStartTLSIsNotOptional(t *testing.T) {
	f := (&fake{greeting: "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hello"}).serve(t)
	f.answer = func(cmd string) string {
		if cmd == "STARTTLS" {
			return "BAD what?"
		}
		return ""
	}
	cfg, _ := dial.Trust{ServerName: "localhost"}.Config()
	if err := surveyed(t, f.store(func(o *Options) { o.Security, o.TLS = StartTLS, cfg })); err == nil {
		t.Error("it went on without")
	}
	if c := f.commands("^(LOGIN|AUTH)"); len(c) > 0 {
		t.Errorf("the server was told %q", c)
	}
}

func TestPreauthTunnel(t *testing.T) {
	o := options("", "", "")
	o.Dial = func(ctx context.Context) (net.Conn, error) {
		return dial.Tunnel(ctx, `printf '* PREAUTH [CAPABILITY IMAP4rev1] hi\r\n'
			while read -r tag cmd; do
				case $cmd in LIST*) printf '* LIST () "/" INBOX\r\n';; STATUS*) printf '* STATUS INBOX (MESSAGES 3 UIDNEXT 9 UIDVALIDITY 1)\r\n';; esac
				printf '%s OK done\r\n' $tag
			done`)
	}
	boxes, err := closing(t, New(o)).Survey(t.Context())
	must(t, err)
	if len(boxes) != 1 || boxes[0].Stamp.Messages != 3 || boxes[0].Stamp.Sure {
		t.Errorf("%+v", boxes)
	}
}

// What the server wants people to read reaches them, and the reason for which
// it hangs up too.
func TestTextsReachPeople(t *testing.T) {
	f := (&fake{greeting: "* PREAUTH [ALERT] The disk is nearly full"}).serve(t)
	f.answer = func(cmd string) string {
		if strings.HasPrefix(cmd, "LIST") {
			return "* BYE Going down for maintenance"
		}
		return ""
	}
	var said []string
	err := surveyed(t, f.store(func(o *Options) { o.OnText = func(s string) { said = append(said, s) } }))
	if err == nil || !strings.Contains(err.Error(), "maintenance") {
		t.Errorf("%v", err)
	}
	if !slices.ContainsFunc(said, func(s string) bool { return strings.Contains(s, "nearly full") }) {
		t.Errorf("said: %q", said)
	}
}

func TestErrorClasses(t *testing.T) {
	for answer, want := range map[string]store.Class{
		"NO [UNAVAILABLE] later": store.Temporary,
		"NO [INUSE] locked":      store.Temporary,
		"NO [LIMIT] too much":    store.Temporary,
		"NO Request is throttled. Suggested Backoff Time: 29961 milliseconds": store.Temporary,
		"NO [NONEXISTENT] no such mailbox":                                    store.Refused,
		"NO no such mailbox":                                                  store.Refused,
		"BAD what?":                                                           store.Protocol,
	} {
		f := (&fake{answer: func(cmd string) string {
			if strings.HasPrefix(cmd, "SELECT") {
				return answer
			}
			return ""
		}}).serve(t)
		_, err := f.store(nil).Open("Box", false).Scan(t.Context(), mail.Known{})
		if store.ClassOf(err) != want || store.ScopeOf(err) != store.ScopeFolder || !strings.Contains(err.Error(), `"Box"`) {
			t.Errorf("%s: %v (%v)", answer, err, store.ClassOf(err))
		}
		if strings.Contains(answer, "Backoff") && !strings.Contains(hint(err), "29.961s") {
			t.Errorf("hint %q", hint(err))
		}
	}
}

// However a server refuses further connections, those that there are serve
// everybody, and a person is told once.
func TestFewerConnectionsThanAllowed(t *testing.T) {
	for name, refuse := range map[string]func(f *fake, o *Options){
		"BYE": func(f *fake, _ *Options) {
			f.refuse = func(n int) string {
				if n > 1 {
					return "* BYE Too many connections"
				}
				return ""
			}
		},
		"the dial fails": func(_ *fake, o *Options) {
			d, n := o.Dial, atomic.Int32{}
			o.Dial = func(ctx context.Context) (net.Conn, error) {
				if n.Add(1) > 2 {
					return nil, store.Fail(store.Offline, store.ScopeStore, errors.New("connection refused"))
				}
				return d(ctx)
			}
		},
		"the login fails": func(f *fake, _ *Options) {
			f.greeting = "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] hello"
			var n atomic.Int32
			f.answer = func(cmd string) string {
				if strings.HasPrefix(cmd, "AUTH") && n.Add(1) > 2 {
					return "NO [ALERT] Too many simultaneous connections. (Failure)"
				}
				return ""
			}
		},
		"the login fails as with a wrong password": func(f *fake, _ *Options) {
			f.greeting = "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] hello"
			var n atomic.Int32
			f.answer = func(cmd string) string {
				if strings.HasPrefix(cmd, "AUTH") && n.Add(1) > 2 {
					return "NO [AUTHENTICATIONFAILED] no"
				}
				return ""
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fake{}
			var mu sync.Mutex
			var said []string
			o := options("", "joe", "secret")
			o.Dial = func(ctx context.Context) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "tcp", f.ln.Addr().String())
			}
			refuse(f, &o)
			f.serve(t)
			s := f.store(func(p *Options) {
				*p = o
				o := p
				o.OnText = func(s string) { mu.Lock(); said = append(said, s); mu.Unlock() }
			})
			must(t, surveyed(t, s))
			var wg sync.WaitGroup
			for i := range 8 {
				wg.Go(func() {
					for range 20 {
						if _, err := s.Open(fmt.Sprint("Box", i), false).Scan(t.Context(), mail.Known{}); err != nil {
							t.Error(err)
						}
					}
				})
			}
			wg.Wait()
			if n := s.Properties().Parallel; n > 2 || n < 1 {
				t.Errorf("%d sessions at once, though the server takes 2", n)
			}
			n := 0
			for _, text := range said {
				if strings.Contains(text, "no more than") {
					n++
				}
			}
			if n != 1 {
				t.Errorf("a person was told %q, want it once", said)
			}
		})
	}
}

// A session that died in the pool is replaced where only reading is at stake.
func TestDeadSession(t *testing.T) {
	f := &fake{}
	var kill atomic.Bool
	f.answer = func(cmd string) string {
		if kill.CompareAndSwap(true, false) {
			return "-"
		}
		return ""
	}
	f.serve(t)
	s := f.store(func(o *Options) { o.MaxConnections = 1 })
	must(t, surveyed(t, s))
	kill.Store(true)
	if _, err := s.Open("INBOX", false).Scan(t.Context(), mail.Known{}); err != nil {
		t.Errorf("reading on a dead session: %v", err)
	}
	kill.Store(true)
	_, err := s.Open("INBOX", false).Begin().SetFlags(t.Context(), []mail.FlagChange{{UID: 1, Add: mail.Seen}})
	if err == nil || store.ScopeOf(err) != store.ScopeFolder {
		t.Errorf("writing on a dead session: %v", err)
	}
	must(t, surveyed(t, s))
}
