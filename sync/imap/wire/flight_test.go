package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"github.com/offlineimap/offlineimapd/sync/store"
)

// TestFlight sends commands at once, and matches answers in any order.
func TestFlight(t *testing.T) {
	c := scripted(t, "", func(p *peer) {
		a := p.want(`SELECT "a\"b\\c"`)
		b := p.want("UID FETCH 1:3,5 (UID FLAGS) (CHANGEDSINCE 9 VANISHED)")
		d := p.want(`UID STORE 4 (UNCHANGEDSINCE 7) +FLAGS.SILENT (\Seen x)`)
		p.say("%s NO [TRYCREATE] no such\r\n* 1 EXISTS\r\n%s OK [MODIFIED 4:5] Conditional STORE failed\r\n%s BAD what\r\n", b, d, a)
		p.quiet()
	})
	r := &recorder{}
	rs, err := c.Run(context.Background(), r.handler(),
		Select(`a"b\c`, SelectOptions{}),
		UIDFetch(imap.UIDSet{{Start: 1, Stop: 3}, {Start: 5, Stop: 5}}, "(UID FLAGS)", FetchOptions{ChangedSince: 9, Vanished: true}),
		UIDStore(imap.UIDSetNum(4), "+FLAGS.SILENT", []imap.Flag{imap.FlagSeen, "x"}, 7))
	if err != nil {
		t.Fatal(err)
	}
	if rs[0].Kind != "BAD" || rs[1].Code != "TRYCREATE" || rs[1].Text != "no such" || rs[2].Modified().String() != "4:5" {
		t.Errorf("got %v", rs)
	}
	if store.ClassOf(rs[0].Err()) != store.Protocol || store.ClassOf(rs[1].Err()) != store.Refused || rs[2].Err() != nil {
		t.Errorf("errors %v %v %v", rs[0].Err(), rs[1].Err(), rs[2].Err())
	}
	var ie *imap.Error
	if !errors.As(rs[1].Err(), &ie) || ie.Code != imap.ResponseCodeTryCreate {
		t.Errorf("no imap.Error in %v", rs[1].Err())
	}
	if r.String() != "exists 1" {
		t.Errorf("handler got %s", r)
	}
	if s := c.Stats(); s.Flights != 2 { // the greeting, and one
		t.Errorf("%d flights", s.Flights)
	}
}

// TestOwnHandlers gives data to the command that is the oldest open one, and
// ESEARCH to the one that it names.
func TestOwnHandlers(t *testing.T) {
	c := scripted(t, "", func(p *peer) {
		a, _ := p.line()
		b, _ := p.line()
		p.say("* 1 EXISTS\r\n* ESEARCH (TAG \"%s\") UID ALL 5\r\n%s OK\r\n* 2 EXISTS\r\n* SEARCH 6\r\n%s OK\r\n", b, a, b)
		p.quiet()
	})
	all, first, second := &recorder{}, &recorder{}, &recorder{}
	one, two := Noop(), UIDSearch("ALL", "ALL")
	one.Handler = &Handler{Exists: first.handler().Exists}
	two.Handler = &Handler{Search: second.handler().Search}
	run(t, c, all.handler(), one, two)
	if first.String() != "exists 1" || all.String() != "exists 2" || len(second.lines) != 2 ||
		!strings.HasPrefix(second.lines[0], "search 5 ") || !strings.HasPrefix(second.lines[1], "search 6 ") {
		t.Errorf("first %s\nsecond %s\nall %s", first, second, all)
	}
}

// TestLiterals sends what cannot be quoted, with and without waiting.
func TestLiterals(t *testing.T) {
	const name = "Entw\xfcrfe"
	t.Run("LITERAL+", func(t *testing.T) {
		c := scripted(t, "LITERAL+", func(p *peer) {
			a := p.want("CREATE {8+}")
			if s := p.octets(10); s != name+"\r\n" {
				t.Errorf("got %q", s)
			}
			p.say("%s OK\r\n", a)
			p.quiet()
		})
		run(t, c, nil, Create(name))
	})
	t.Run("synchronising", func(t *testing.T) {
		c := scripted(t, "", func(p *peer) {
			a := p.want("NOOP")
			b := p.want("RENAME {8}")
			p.say("* 1 EXISTS\r\n%s OK\r\n+ go on\r\n", a)
			if s := p.octets(8); s != name {
				t.Errorf("got %q", s)
			}
			p.want2(" {8}")
			p.say("+\r\n")
			p.octets(8)
			p.want2("")
			d := p.want("NOOP")
			p.say("%s OK\r\n%s OK\r\n", b, d)
			p.quiet()
		})
		run(t, c, nil, Noop(), Rename(name, name), Noop())
		if f := c.Stats().Flights; f != 4 {
			t.Errorf("%d flights", f)
		}
	})
	t.Run("refused", func(t *testing.T) {
		c := scripted(t, "LITERAL-", func(p *peer) {
			a := p.want("RENAME {5000}")
			p.say("%s NO too long\r\n", a)
			b := p.want("NOOP")
			p.say("%s OK\r\n", b)
			p.quiet()
		})
		rs, err := c.Run(context.Background(), nil, Rename(strings.Repeat("\xfc", 5000), strings.Repeat("\xfc", 5001)), Noop())
		if err != nil || rs[0].Kind != "NO" || !rs[1].OK() {
			t.Errorf("%v %v", rs, err)
		}
	})
}

// want2 reads the rest of a line behind a literal.
func (p *peer) want2(want string) {
	p.t.Helper()
	l, _ := p.r.ReadString('\n')
	if got := strings.TrimRight(l, "\r\n"); got != want {
		p.t.Errorf("behind the literal the client sent %q, want %q", got, want)
	}
}

// TestUnwritable refuses what would be understood as something else.
func TestUnwritable(t *testing.T) {
	c := scripted(t, "", func(p *peer) {
		p.say("%s OK\r\n", p.want("NOOP"))
		p.quiet()
	})
	set := imap.UIDSetNum(1)
	for _, k := range []*Command{
		UIDFetch(nil, "(UID)", FetchOptions{}), UIDExpunge(nil), UIDStore(nil, "FLAGS", nil, 0), UIDCopy(nil, "x"),
		UIDFetch(set, "(UID)\r\nA1 DELETE INBOX", FetchOptions{}), UIDSearch("ALL\n"), Create("a\x00b"), Notify("NONE\r"),
		UIDStore(set, "FLAGS", []imap.Flag{"a b"}, 0), UIDStore(set, "FLAGS", []imap.Flag{"\\"}, 0), UIDStore(set, "FLAGS", []imap.Flag{""}, 0),
		UIDStore(set, "FLAGS", []imap.Flag{"a)"}, 0), UIDStore(set, "FLAGS", []imap.Flag{"\\Seen\r\nA1 LOGOUT"}, 0),
	} {
		if _, err := c.Run(context.Background(), nil, Noop(), k); err == nil {
			t.Errorf("%s: no error", k.forLog())
		}
	}
	run(t, c, nil, Noop())
}

// TestManyCommands sends more than all buffers hold to a server that answers
// each command at length before it reads the next.
func TestManyCommands(t *testing.T) {
	const n = 5000
	answer := strings.Repeat("* 1 FETCH (FLAGS (\\Seen))\r\n", 40)
	c := scripted(t, "", func(p *peer) {
		for range n {
			tag, _ := p.line()
			p.say("%s%s OK\r\n", answer, tag)
		}
	})
	cmds := make([]*Command, n)
	for i := range cmds {
		cmds[i] = UIDStore(imap.UIDSetNum(imap.UID(i+1)), "+FLAGS", []imap.Flag{imap.FlagSeen}, 0)
	}
	got := 0
	run(t, c, &Handler{Fetch: func(*Fetch) error { got++; return nil }}, cmds...)
	if got != 40*n {
		t.Errorf("%d responses", got)
	}
}

// TestHandlerError ends the call with the handler's own error.
func TestHandlerError(t *testing.T) {
	mine := store.Fail(store.Local, store.ScopeStore, errors.New("disk full"))
	for _, h := range []*Handler{
		{Fetch: func(*Fetch) error { return mine }},
		{Body: func(*Fetch, string, int64, io.Reader) error { return mine }},
	} {
		c := scripted(t, "", answering("* 1 FETCH (UID 1 BODY[] {3}\r\nabc)\r\n"))
		_, err := c.Run(context.Background(), h, Noop())
		if err != mine || c.Err() == nil {
			t.Errorf("got %v", err)
		}
	}
}

// TestBye keeps what the server says at the end.
func TestBye(t *testing.T) {
	t.Run("in the middle", func(t *testing.T) {
		c := scripted(t, "", func(p *peer) { p.line(); p.say("* BYE Server shutting down.\r\n") })
		_, err := c.Run(context.Background(), nil, Noop())
		if err == nil || !strings.Contains(err.Error(), "Server shutting down.") || store.ClassOf(err) != store.Temporary {
			t.Errorf("got %v", err)
		}
		if c.Bye() != "Server shutting down." {
			t.Errorf("Bye is %q", c.Bye())
		}
	})
	t.Run("before", func(t *testing.T) {
		said := make(chan struct{})
		c := scripted(t, "", func(p *peer) {
			p.say("* BYE idle for too long\r\n")
			_ = p.nc.(*net.TCPConn).CloseWrite()
			close(said)
			p.quiet()
		})
		<-said
		if _, err := c.Run(context.Background(), nil, Noop()); err == nil || !strings.Contains(err.Error(), "idle for too long") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("greeting", func(t *testing.T) {
		nc := dialScript(t, func(p *peer) { p.say("* BYE Too many connections\r\n") })
		if _, err := New(context.Background(), nc, Options{}); err == nil || !strings.Contains(err.Error(), "Too many connections") || store.ClassOf(err) != store.Temporary {
			t.Errorf("got %v", err)
		}
	})
	t.Run("logout", func(t *testing.T) {
		c := scripted(t, "", func(p *peer) {
			a := p.want("LOGOUT")
			p.say("* BYE bye\r\n%s OK\r\n", a)
		})
		run(t, c, nil, Logout())
	})
}

// TestGreeting takes servers that talk before, and names what is no server.
func TestGreeting(t *testing.T) {
	for _, tt := range []struct {
		in, greeting string
		preauth      bool
		caps         int
		class        store.Class
	}{
		{in: "* OK ready\r\n", greeting: "ready"},
		{in: "* ok [capability imap4rev1 IDLE] ready\r\n", greeting: "ready", caps: 2},
		{in: "* PREAUTH [ALERT] hi\r\n", greeting: "hi", preauth: true},
		{in: "Welcome to our host\r\n\r\n* OK ready\r\n", greeting: "ready"},
		{in: "HTTP/1.1 400 Bad Request\r\n\r\n", class: store.Protocol},
		{in: strings.Repeat("220 smtp\r\n", 100), class: store.Protocol},
		{in: "", class: store.Offline},
	} {
		nc := dialScript(t, func(p *peer) { p.say("%s", tt.in) })
		c, err := New(context.Background(), nc, Options{})
		if err != nil {
			if store.ClassOf(err) != tt.class || tt.class == store.Protocol && !strings.Contains(err.Error(), tt.in[:3]) {
				t.Errorf("%q: %v", tt.in, err)
			}
			continue
		}
		if c.Greeting() != tt.greeting || c.Preauth() != tt.preauth || len(c.Caps()) != tt.caps {
			t.Errorf("%q: %q %v %v", tt.in, c.Greeting(), c.Preauth(), c.Caps())
		}
		if tt.preauth && fmt.Sprint(c.Alerts(), c.Alerts()) != "[hi] []" {
			t.Error("the alert is lost")
		}
		c.Close()
	}
}

// TestCaps follows what the server announces.
func TestCaps(t *testing.T) {
	c := scripted(t, "IDLE", answering("* CAPABILITY IMAP4rev1 NAMESPACE literal+ AUTH=PLAIN\r\n"))
	if !c.Caps().Has(imap.CapIdle) {
		t.Error("the greeting's capabilities are lost")
	}
	run(t, c, nil, Capability())
	for _, k := range []imap.Cap{imap.CapIMAP4rev1, imap.CapNamespace, imap.CapLiteralPlus, imap.AuthCap("PLAIN")} {
		if !c.Caps().Has(k) {
			t.Errorf("no %s", k)
		}
	}
	if c.Caps().Has(imap.CapIdle) {
		t.Error("IDLE is still there")
	}
}

// TestBusy refuses a second method at the same time.
func TestBusy(t *testing.T) {
	c := scripted(t, "", answering("* 1 EXISTS\r\n"))
	var inner error
	run(t, c, &Handler{Exists: func(uint32) { _, inner = c.Run(context.Background(), nil, Noop()) }}, Noop())
	if inner == nil {
		t.Error("a handler could run a command")
	}
	run(t, c, nil, Noop())
	c.Close()
	if _, err := c.Run(context.Background(), nil, Noop()); store.ClassOf(err) != store.Offline {
		t.Errorf("after Close: %v", err)
	}
}

// TestLog writes no secret and no mail into the log.
func TestLog(t *testing.T) {
	var log bytes.Buffer
	o := Options{Progress: 5 * time.Second, Log: func(dir byte, line string) { fmt.Fprintf(&log, "%c %s\n", dir, line) }}
	c := scriptedWith(t, o, "SASL-IR LITERAL+ MULTIAPPEND", func(p *peer) {
		a, _ := p.line()
		p.say("%s OK [CAPABILITY IMAP4rev1 SASL-IR LITERAL+]\r\n", a)
		a, _ = p.line()
		p.say("+ c2VjcmV0\r\n")
		_, _ = p.r.ReadString('\n')
		p.say("%s OK [CAPABILITY IMAP4rev1 LITERAL+ MULTIAPPEND]\r\n", a)
		a, _ = p.line()
		p.say("* 1 FETCH (UID 1 BODY[] {6}\r\nsecret BODY[1] \"secret \\\" x\" FLAGS ())\r\n* 2 FETCH (UID 2 RFC822 \"secret\")\r\n* FOO {6}\r\nsecret \"secret\"\r\n%s OK\r\n", a)
		a, _ = p.line()
		p.octets(6)
		p.octets(2)
		p.say("%s OK\r\n", a)
		a, _ = p.line()
		p.octets(6)
		p.say("%s OK %s\r\n", a, strings.Repeat("x", 5000))
		p.quiet()
	})
	ctx := context.Background()
	if err := c.Login(ctx, "secretuser", "secret\"\\"); err != nil {
		t.Fatal(err)
	}
	if err := c.Authenticate(ctx, &sasl{mech: "X", ir: []byte("secret"), next: func([]byte) ([]byte, error) { return []byte("secret"), nil }}); err != nil {
		t.Fatal(err)
	}
	run(t, c, nil, Noop())
	a, err := c.Append(ctx, nil, "box")
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Add([]imap.Flag{imap.FlagSeen}, time.Time{}, 6, strings.NewReader("secret")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := a.Finish(); err != nil {
		t.Fatal(err)
	}
	run(t, c, nil, Create("secre\xff"))
	text := log.String()
	for _, bad := range []string{"secre", "c2VjcmV0"} {
		if strings.Contains(text, bad) {
			t.Errorf("the log has %q:\n%s", bad, text)
		}
	}
	for _, good := range []string{"S * OK [CAPABILITY", "C A1 LOGIN *** ***\n", "C A2 AUTHENTICATE X ***\n", "S + ***\n", "C ***\n",
		"S * 1 FETCH (UID 1 BODY[] {6}\n", "S  BODY[1] \"***\" FLAGS ())\n", "C A4 APPEND \"box\"\n", "C  (\\Seen) {6}\n", "C A5 CREATE {6}\n", "octets)\n"} {
		if !strings.Contains(text, good) {
			t.Errorf("the log lacks %q:\n%s", good, text)
		}
	}
}
