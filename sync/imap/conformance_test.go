package imap

import (
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/offlineimap/offlineimapd/internal/testenv"
	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
	"github.com/offlineimap/offlineimapd/sync/store/storetest"
)

func TestMain(m *testing.M) {
	// go-imap's server may lose a goroutine for good where a client is gone.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/emersion/go-imap/v2/imapserver.(*Conn).serve"))
}

var keywords = map[byte]string{'a': "$Label1", 'b': "NonJunk"}

// options are those of most tests: a plain connection to addr.
func options(addr, user, pass string) Options {
	return Options{
		Host: "localhost",
		Dial: func(ctx context.Context) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", addr)
		},
		Auth: Auth{
			User:       user,
			Password:   func(context.Context) (string, error) { return pass, nil },
			Mechanisms: []Mechanism{AuthCramMD5, AuthPlain, AuthLogin},
		},
		Expunge:  true,
		Keywords: keywords,
		Timeout:  10 * time.Second,
	}
}

func TestConformanceDovecot(t *testing.T) {
	conform(t, testenv.Dovecot(t, testenv.DovecotOptions{}), nil, nil)
}

func TestConformanceMemory(t *testing.T) {
	conform(t, testenv.Memory(t), nil, func(e *storetest.Env, _ *Options) { e.Rebuilds = true })
}

func TestConformanceCompressed(t *testing.T) {
	conform(t, testenv.Dovecot(t, testenv.DovecotOptions{}), nil, func(_ *storetest.Env, o *Options) { o.Compress = true })
}

// A server that lacks what makes things quick comes to the same.
func TestConformanceWithout(t *testing.T) {
	d := testenv.Dovecot(t, testenv.DovecotOptions{})
	for _, without := range [][]string{
		{"UIDPLUS", "MULTIAPPEND", "SASL-IR"},
		{"QRESYNC", "LITERAL+", "ID"},
		{"UIDPLUS", "LITERAL+", "CONDSTORE", "LIST-EXTENDED", "ESEARCH", "MULTIAPPEND", "ENABLE", "UNSELECT", "NAMESPACE", "MOVE"},
	} {
		t.Run(strings.Join(without, " "), func(t *testing.T) { conform(t, d, without, nil) })
	}
}

func conform(t *testing.T, srv *testenv.Server, without []string, change func(*storetest.Env, *Options)) {
	storetest.Run(t, func(t testing.TB) storetest.Env {
		user, pass := srv.NewUser()
		addr := srv.Addr()
		if without != nil {
			addr = testenv.Proxy(t, addr, testenv.ProxyOptions{Without: without}).Addr()
		}
		o := options(addr, user, pass)
		e := storetest.Env{
			Outside: &other{t: t, m: testenv.Client(t, srv.Addr(), user, pass), bodies: map[string][]byte{}},
			Reopen:  func(testing.TB) store.Store { return New(o) },
			Mask:    mail.SystemFlags | mail.Passed | mail.Letter('a') | mail.Letter('b'),
		}
		if change != nil {
			change(&e, &o)
		}
		e.Store = New(o)
		return e
	})
}

// other is another client of the server, which knows nothing of this package.
type other struct {
	t      testing.TB
	m      *testenv.Mailer
	bodies map[string][]byte // by mailbox and UID, as they never change
}

var flagNames = map[mail.Flags]string{
	mail.Draft: `\Draft`, mail.Flagged: `\Flagged`, mail.Passed: "$Forwarded", mail.Replied: `\Answered`, mail.Seen: `\Seen`,
	mail.Trashed: `\Deleted`, mail.Letter('a'): "$label1", mail.Letter('b'): "NONJUNK",
}

func toNames(f mail.Flags) []string {
	var names []string
	for _, g := range slices.Sorted(maps.Keys(flagNames)) {
		if f&g != 0 {
			names = append(names, flagNames[g])
		}
	}
	return names
}

func toFlags(names []string) (f mail.Flags) {
	for _, n := range names {
		for g, name := range flagNames {
			if strings.EqualFold(n, name) {
				f |= g
			}
		}
	}
	return f
}

func (o *other) Create(folder string) error { o.m.Create(folder); return nil }

func (o *other) Add(folder string, flags mail.Flags, body []byte) error {
	o.m.Append(folder, body, time.Unix(1_600_000_000, 0), toNames(flags)...)
	return nil
}

func (o *other) SetFlags(folder string, m storetest.Mail, flags mail.Flags) error {
	o.m.Store(folder, m.ID, "FLAGS", toNames(flags)...)
	return nil
}

func (o *other) Remove(folder string, m storetest.Mail) error {
	o.m.Store(folder, m.ID, "+FLAGS", `\Deleted`)
	o.m.Expunge(folder, m.ID)
	return nil
}

func (o *other) List(folder string) ([]storetest.Mail, error) {
	var ms []storetest.Mail
	for _, m := range o.m.Messages(folder) {
		at := fmt.Sprint(folder, " ", m.UID)
		if _, ok := o.bodies[at]; !ok {
			o.bodies[at] = o.m.Body(folder, m.UID)
		}
		ms = append(ms, storetest.Mail{ID: fmt.Sprint(m.UID), UID: mail.UID(m.UID), Flags: toFlags(m.Flags), Body: slices.Clone(o.bodies[at])})
	}
	return ms, nil
}
