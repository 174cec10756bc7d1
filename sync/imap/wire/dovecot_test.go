package wire

import (
	"bytes"
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"github.com/offlineimap/offlineimapd/internal/testenv"
	"github.com/offlineimap/offlineimapd/sync/store"
)

func dialServer(t testing.TB, addr string, o Options) *Conn {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(context.Background(), nc, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// login opens a session of a user.
func login(t testing.TB, s *testenv.Server, user, pass string) *Conn {
	t.Helper()
	c := dialServer(t, s.Addr(), Options{Progress: 20 * time.Second})
	if err := c.Login(context.Background(), user, pass); err != nil {
		t.Fatal(err)
	}
	if len(c.Caps()) == 0 {
		if _, err := c.Run(context.Background(), nil, Capability()); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func all() imap.UIDSet { return imap.UIDSet{{Start: 1}} }

// fetched lists every mail of the selected mailbox, by UID.
func fetched(t *testing.T, c *Conn, items string) map[imap.UID]string {
	t.Helper()
	got := map[imap.UID]string{}
	run(t, c, &Handler{
		Fetch: func(f *Fetch) error {
			if _, ok := got[f.UID]; !ok {
				got[f.UID] = fmt.Sprint(f.Flags)
			}
			return nil
		},
		Body: func(f *Fetch, _ string, _ int64, r io.Reader) error {
			var sb strings.Builder
			_, err := io.Copy(&sb, r)
			got[f.UID] = sb.String()
			return err
		},
	}, UIDFetch(all(), items, FetchOptions{}))
	return got
}

// TestDovecot runs every command against a real server, plain and compressed.
func TestDovecot(t *testing.T) {
	s := testenv.Dovecot(t, testenv.DovecotOptions{})
	for _, compress := range []bool{false, true} {
		t.Run(fmt.Sprintf("compress=%v", compress), func(t *testing.T) { session(t, s, compress) })
	}
}

func session(t *testing.T, s *testenv.Server, compress bool) {
	ctx := context.Background()
	user, pass := s.NewUser()
	c, other := login(t, s, user, pass), login(t, s, user, pass)
	for _, k := range []imap.Cap{imap.CapQResync, imap.CapMultiAppend, imap.CapListStatus, imap.CapNotify, imap.CapMove} {
		if !c.Caps().Has(k) {
			t.Fatalf("this Dovecot lacks %s: %v", k, c.Caps())
		}
	}
	if compress {
		for _, k := range []*Conn{c, other} {
			if err := k.Compress(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}

	// Names of all sorts, in one flight with a MULTIAPPEND.
	const odd = "a \"b\\c&APw-"
	r := &recorder{}
	a, err := c.Append(ctx, r.handler(), odd, Enable(imap.CapQResync), Create(odd), Create("Drafts"), Namespace(), ID("name", "offlineimapd", "version", "0"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		body := strings.Repeat(fmt.Sprintf("Subject: %d\r\n\r\nhello\r\n", i), 300*i+1)
		if err := a.Add([]imap.Flag{imap.FlagSeen, "mine"}, testDate, int64(len(body)), strings.NewReader(body)); err != nil {
			t.Fatal(err)
		}
	}
	mails, ahead, err := a.Finish()
	if err != nil || len(mails) != 10 || mails[9].UID != 10 || mails[0].Validity == 0 || !ahead[1].OK() {
		t.Fatalf("%v %v %v", appended(mails), ahead, err)
	}
	if got := r.String(); !strings.Contains(got, "enabled [QRESYNC]") || !strings.Contains(got, "namespace [{ 47}]") || !strings.Contains(got, "name:Dovecot") {
		t.Errorf("got %s", got)
	}

	// The survey.
	r = &recorder{}
	before := c.Stats().Flights
	run(t, c, r.handler(), ListCmd("", "*", ListOptions{
		Return: []string{"SPECIAL-USE", "SUBSCRIBED"}, Status: []string{"MESSAGES", "UIDNEXT", "UIDVALIDITY", "HIGHESTMODSEQ"}}))
	if c.Stats().Flights != before+1 {
		t.Error("more than one round trip")
	}
	want := fmt.Sprintf("status %q messages=true/10 unseen=false/0 next=11 validity=%d modseq=", odd, mails[0].Validity)
	if !strings.Contains(r.String(), fmt.Sprintf("list %q delim='/'", odd)) || !strings.Contains(r.String(), want) || !strings.Contains(r.String(), `list "INBOX"`) {
		t.Errorf("got %s", r)
	}

	// SELECT with what another session changes, and what QRESYNC says of it.
	var validity, modseq uint64
	code := func(name, arg string) {
		switch name {
		case "UIDVALIDITY":
			_, _ = fmt.Sscan(arg, &validity)
		case "HIGHESTMODSEQ":
			_, _ = fmt.Sscan(arg, &modseq)
		}
	}
	run(t, c, &Handler{Code: code}, Select(odd, SelectOptions{CondStore: true}), Unselect())
	deleted := []imap.Flag{imap.FlagDeleted}
	run(t, other, nil, Select(odd, SelectOptions{}), UIDStore(imap.UIDSetNum(3, 4), "+FLAGS.SILENT", deleted, 0), UIDExpunge(imap.UIDSetNum(3, 4, 5)),
		UIDStore(imap.UIDSetNum(7), "-FLAGS", []imap.Flag{imap.FlagSeen}, 0))
	r = &recorder{}
	run(t, c, &Handler{Vanished: r.handler().Vanished, Fetch: r.handler().Fetch},
		Select(odd, SelectOptions{QResync: &QResync{Validity: uint32(validity), ModSeq: modseq, KnownUIDs: imap.UIDSet{{Start: 1, Stop: 10}}}}))
	if got := r.String(); !strings.HasPrefix(got, "vanished 3:4 earlier=true\nfetch seq=5 uid=7 flags=[mine] modseq=") {
		t.Errorf("QRESYNC: %s", got)
	}
	r = &recorder{}
	run(t, c, &Handler{Vanished: r.handler().Vanished, Fetch: r.handler().Fetch}, UIDFetch(all(), "(UID FLAGS)", FetchOptions{ChangedSince: modseq, Vanished: true}))
	if got := r.String(); !strings.HasPrefix(got, "vanished 3:4 earlier=true\nfetch seq=5 uid=7 flags=[mine] modseq=") {
		t.Errorf("CHANGEDSINCE: %s", got)
	}

	// Conditional STORE, ESEARCH, COPY, MOVE.
	if rs := run(t, c, nil, UIDStore(imap.UIDSetNum(7, 8), "+FLAGS", []imap.Flag{imap.FlagFlagged}, modseq)); rs[0].Modified().String() != "7" {
		t.Errorf("UNCHANGEDSINCE: %v", rs[0])
	}
	r = &recorder{}
	run(t, c, &Handler{Search: r.handler().Search}, UIDSearch("ALL", "ALL", "COUNT"), UIDSearch("NOT SEEN"))
	if r.String() != "search 1:2,5:10 uid=true count=true/8 min=0 max=0 modseq=0\nsearch 7 uid=true count=false/0 min=0 max=0 modseq=0" {
		t.Errorf("search: %s", r)
	}
	rs := run(t, c, nil, UIDCopy(imap.UIDSetNum(1, 2), "Drafts"))
	if _, src, dst, ok := rs[0].CopyUID(); !ok || fmt.Sprint(src, dst) != "[1 2] [1 2]" {
		t.Errorf("COPYUID: %v", rs[0])
	}
	r = &recorder{}
	run(t, c, r.handler(), UIDMove(imap.UIDSetNum(10), "Drafts"))
	if !strings.Contains(r.String(), "code COPYUID") || !strings.Contains(r.String(), "vanished 10 earlier=false") {
		t.Errorf("MOVE: %s", r)
	}

	// IDLE and NOTIFY.
	wake := make(chan struct{})
	r = &recorder{}
	h := r.handler()
	seen := 0
	h.Vanished = func(set imap.UIDSet, _ bool) {
		r.put("vanished %s", set)
		if seen++; seen == 1 {
			close(wake)
		}
	}
	changed := make(chan error, 1)
	run(t, c, nil, UIDStore(imap.UIDSetNum(9), "+FLAGS", deleted, 0))
	run(t, other, nil, Noop())
	go func() {
		time.Sleep(50 * time.Millisecond)
		_, err := other.Run(ctx, nil, UIDExpunge(imap.UIDSetNum(9)))
		changed <- err
	}()
	if err := c.Idle(ctx, h, 10*time.Second, wake); err != nil || seen == 0 {
		t.Errorf("idle: %v\n%s", err, r)
	}
	if err := <-changed; err != nil {
		t.Error(err)
	}
	run(t, c, nil, Notify("SET (selected (MessageNew (UID FLAGS) MessageExpunge FlagChange)) (personal (MessageNew MessageExpunge FlagChange MailboxName))"))
	wake = make(chan struct{})
	go func() {
		time.Sleep(50 * time.Millisecond)
		_, err := other.Run(ctx, nil, UIDCopy(imap.UIDSetNum(1), "INBOX"))
		changed <- err
	}()
	noticed := ""
	if err := c.Idle(ctx, &Handler{Status: func(s *Status) { noticed = s.Mailbox; close(wake) }}, 10*time.Second, wake); err != nil || noticed != "INBOX" {
		t.Errorf("notify: %q, %v", noticed, err)
	}
	if err := <-changed; err != nil {
		t.Error(err)
	}

	// The rest of the verbs, and what is refused.
	run(t, c, nil, Notify("NONE"), StatusCmd("INBOX", "MESSAGES"), Subscribe(odd), Rename("Drafts", "D"), Delete("D"), Check(), Noop(), Expunge(), Logout())
	if c.Stats().Skipped != 0 || other.Stats().Skipped != 0 {
		t.Errorf("%d responses could not be read", c.Stats().Skipped+other.Stats().Skipped)
	}
	got, err := other.Run(ctx, nil, Select("no such", SelectOptions{}), Select(odd, SelectOptions{ReadOnly: true}))
	if err != nil || store.ClassOf(got[0].Err()) != store.Refused || got[1].Code != "READ-ONLY" {
		t.Errorf("%v %v", got, err)
	}
}

// TestDovecotTLS uses STARTTLS, TLS from the start, and a SASL mechanism.
func TestDovecotTLS(t *testing.T) {
	s := testenv.Dovecot(t, testenv.DovecotOptions{TLS: true})
	pem, err := os.ReadFile(s.CAFile())
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	cfg := tlsConfig("127.0.0.1", pool)
	ctx := context.Background()
	user, pass := s.NewUser()
	start := dialServer(t, s.Addr(), Options{})
	if err := start.StartTLS(ctx, cfg); err != nil {
		t.Fatal(err)
	}
	if _, err := start.Run(ctx, nil, Capability()); err != nil {
		t.Fatal(err)
	}
	wrong := &sasl{mech: "PLAIN", ir: []byte("\x00" + user + "\x00wrong")}
	if err := start.Authenticate(ctx, wrong); store.ClassOf(err) != store.Auth {
		t.Errorf("a wrong password: %v", err)
	}
	for _, c := range []*Conn{start, dialServer(t, s.TLSAddr(), Options{TLS: cfg})} {
		if err := c.Authenticate(ctx, &sasl{mech: "PLAIN", ir: []byte("\x00" + user + "\x00" + pass)}); err != nil {
			t.Fatal(err)
		}
		if !c.Caps().Has(imap.CapQResync) {
			t.Error("no capabilities after the login")
		}
		body := []byte(strings.Repeat("x\r\n", 1<<20))
		a, err := c.Append(ctx, nil, "INBOX")
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Add(nil, time.Time{}, int64(len(body)), bytes.NewReader(body)); err != nil {
			t.Fatal(err)
		}
		mails, _, err := a.Finish()
		if err != nil {
			t.Fatal(err)
		}
		run(t, c, nil, Select("INBOX", SelectOptions{}))
		if got := fetched(t, c, "(UID BODY.PEEK[])"); got[mails[0].UID] != string(body) {
			t.Error("the mail differs")
		}
	}
}

// TestMemory speaks with another server than Dovecot.
func TestMemory(t *testing.T) {
	s := testenv.Memory(t)
	user, pass := s.NewUser()
	c := login(t, s, user, pass)
	mails := appendAll(t, c, "INBOX", "Subject: a\r\n\r\none\r\n", "Subject: b\r\n\r\n"+strings.Repeat("x", 10000))
	if len(mails) != 2 || mails[1].UID != 2 {
		t.Fatalf("got %s", appended(mails))
	}
	run(t, c, nil, Select("INBOX", SelectOptions{}))
	if got := fetched(t, c, "(UID BODY.PEEK[])"); len(got) != 2 || len(got[2]) != 10014 {
		t.Errorf("got %v", got)
	}
	if n := c.Stats().Skipped; n != 0 {
		t.Errorf("%d responses could not be read", n)
	}
}

// TestProxyCuts cuts the connection at every exchange of a session.
func TestProxyCuts(t *testing.T) {
	s := testenv.Dovecot(t, testenv.DovecotOptions{})
	user, pass := s.NewUser()
	appendAll(t, login(t, s, user, pass), "INBOX", strings.Repeat("x", 100000), "two")
	p := testenv.Proxy(t, s.Addr(), testenv.ProxyOptions{})
	work := func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		nc, err := net.Dial("tcp", p.Addr())
		if err != nil {
			return err
		}
		c, err := New(ctx, nc, Options{Progress: 5 * time.Second})
		if err != nil {
			return err
		}
		defer c.Close()
		if err := c.Login(ctx, user, pass); err != nil {
			return err
		}
		h := &Handler{Body: func(_ *Fetch, _ string, _ int64, r io.Reader) error { _, err := io.Copy(io.Discard, r); return err }}
		if _, err := c.Run(ctx, h, Select("INBOX", SelectOptions{}), UIDFetch(all(), "(UID BODY.PEEK[])", FetchOptions{})); err != nil {
			return err
		}
		a, err := c.Append(ctx, nil, "INBOX")
		if err != nil {
			return err
		}
		if err := a.Add(nil, time.Time{}, 100000, io.LimitReader(filler('x'), 100000)); err != nil {
			return err
		}
		_, _, err = a.Finish()
		return err
	}
	if err := work(); err != nil {
		t.Fatal(err)
	}
	cuts := 0
	for _, where := range []testenv.Where{testenv.Before, testenv.Inside, testenv.After} {
		for n := 1; ; n++ {
			p.Reset()
			p.CutAt(n, where)
			start := time.Now()
			err := work()
			if err == nil {
				break
			}
			cuts++
			if store.ClassOf(err) != store.Offline && store.ClassOf(err) != store.Temporary {
				t.Errorf("cut %v exchange %d: %v (%v)", where, n, err, store.ClassOf(err))
			}
			if d := time.Since(start); d > 3*time.Second {
				t.Errorf("cut %v exchange %d: noticed after %v", where, n, d)
			}
			if n > 50 {
				t.Fatal("no end")
			}
		}
	}
	if cuts < 8 {
		t.Errorf("only %d cuts", cuts)
	}
}
