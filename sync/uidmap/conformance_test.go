package uidmap

import (
	"context"
	"fmt"
	"maps"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/offlineimap/offlineimapd/internal/testenv"
	"github.com/offlineimap/offlineimapd/sync/imap"
	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
	"github.com/offlineimap/offlineimapd/sync/store/storetest"
)

func TestMain(m *testing.M) {
	// go-imap's server may lose a goroutine for good where a client is gone.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/emersion/go-imap/v2/imapserver.(*Conn).serve"))
}

func options(addr, user, pass string) imap.Options {
	return imap.Options{
		Host: "localhost",
		Dial: func(ctx context.Context) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", addr)
		},
		Auth: imap.Auth{
			User:       user,
			Password:   func(context.Context) (string, error) { return pass, nil },
			Mechanisms: []imap.Mechanism{imap.AuthCramMD5, imap.AuthPlain, imap.AuthLogin},
		},
		Expunge: true,
		Timeout: 10 * time.Second,
	}
}

func newMap(t testing.TB) *Map {
	t.Helper()
	m, err := Open(context.Background(), filepath.Join(t.TempDir(), "map.sqlite"), false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

func TestConformanceDovecot(t *testing.T) {
	conform(t, testenv.Dovecot(t, testenv.DovecotOptions{}), nil, false)
}

func TestConformanceMemory(t *testing.T) { conform(t, testenv.Memory(t), nil, true) }

// A server that tells no UIDs of what it stores, and stores mails one by one.
func TestConformanceWithout(t *testing.T) {
	conform(t, testenv.Dovecot(t, testenv.DovecotOptions{}), []string{"UIDPLUS", "MULTIAPPEND", "CONDSTORE", "QRESYNC"}, false)
}

func conform(t *testing.T, srv *testenv.Server, without []string, rebuilds bool) {
	storetest.Run(t, func(t testing.TB) storetest.Env {
		user, pass := srv.NewUser()
		addr := srv.Addr()
		if without != nil {
			addr = testenv.Proxy(t, addr, testenv.ProxyOptions{Without: without}).Addr()
		}
		m := newMap(t)
		open := func() *Store { return New(imap.New(options(addr, user, pass)), m, Options{ID: "test"}) }
		return storetest.Env{
			Store:    open(),
			Outside:  &other{t: t, m: testenv.Client(t, srv.Addr(), user, pass), pairs: m, bodies: map[string][]byte{}},
			Reopen:   func(testing.TB) store.Store { return open() },
			Rebuilds: rebuilds,
		}
	})
}

// other is another client of the server. The UIDs that it tells are those of the
// map.
type other struct {
	t      testing.TB
	m      *testenv.Mailer
	pairs  *Map
	bodies map[string][]byte // by mailbox and UID, as they never change
}

var flagNames = map[mail.Flags]string{
	mail.Draft: `\Draft`, mail.Flagged: `\Flagged`, mail.Passed: "$Forwarded", mail.Replied: `\Answered`, mail.Seen: `\Seen`, mail.Trashed: `\Deleted`,
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
	remote := map[mail.UID]mail.UID{}
	b, err := o.pairs.find(context.Background(), "test", folder)
	if err != nil {
		return nil, err
	}
	if b != nil {
		if err := o.pairs.each(context.Background(), b, func(p Pair) { remote[p.Local] = p.Remote }); err != nil {
			return nil, err
		}
	}
	var ms []storetest.Mail
	for _, m := range o.m.Messages(folder) {
		at := fmt.Sprint(folder, " ", m.UID)
		if _, ok := o.bodies[at]; !ok {
			o.bodies[at] = o.m.Body(folder, m.UID)
		}
		ms = append(ms, storetest.Mail{ID: fmt.Sprint(m.UID), UID: remote[mail.UID(m.UID)], Flags: toFlags(m.Flags), Body: slices.Clone(o.bodies[at])})
	}
	return ms, nil
}
