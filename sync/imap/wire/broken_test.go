package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
)

var errBroken = errors.New("broken pipe")

// brokenConn can be read, but no longer written once it is broken.
type brokenConn struct {
	net.Conn
	broken atomic.Bool
}

func (b *brokenConn) Write(p []byte) (int, error) {
	if b.broken.Load() {
		return 0, errBroken
	}
	return b.Conn.Write(p)
}

// TestLastWords has the server close its reading side: what it said before is
// what people need, whatever was being written; and where it said nothing,
// the failure itself.
func TestLastWords(t *testing.T) {
	ctx := context.Background()
	for _, tt := range []struct {
		name string
		f    func(c *Conn, b *brokenConn) error
	}{
		{"run", func(c *Conn, _ *brokenConn) error { _, err := c.Run(ctx, nil, Noop()); return err }},
		{"large flight", func(c *Conn, _ *brokenConn) error {
			_, err := c.Run(ctx, nil, UIDSearch("TEXT "+strings.Repeat("x", 2*blindWrite)), Noop())
			return err
		}},
		{"large flight, and a literal", func(c *Conn, _ *brokenConn) error {
			_, err := c.Run(ctx, nil, UIDSearch("TEXT "+strings.Repeat("x", 2*blindWrite)), Create("\xff"))
			return err
		}},
		{"idle", func(c *Conn, _ *brokenConn) error { return c.Idle(ctx, nil, time.Hour, nil) }},
		{"authenticate", func(c *Conn, _ *brokenConn) error { return c.Authenticate(ctx, &sasl{mech: "X"}) }},
		{"append", func(c *Conn, _ *brokenConn) error {
			a, err := c.Append(ctx, nil, "box")
			if err != nil {
				return err
			}
			return a.Add(nil, time.Time{}, 1<<20, filler('x'))
		}},
		{"append, the end", func(c *Conn, b *brokenConn) error {
			b.broken.Store(false)
			c.setCaps("LITERAL+")
			a, err := c.Append(ctx, nil, "box")
			if err != nil {
				return err
			}
			if err := a.Add(nil, time.Time{}, 3, strings.NewReader("one")); err != nil {
				return err
			}
			b.broken.Store(true)
			_, _, err = a.Finish()
			return err
		}},
		{"append, ahead", func(c *Conn, _ *brokenConn) error {
			a, err := c.Append(ctx, nil, "box", Create("\xff"))
			if err != nil {
				return err
			}
			return a.Add(nil, time.Time{}, 3, strings.NewReader("one"))
		}},
		{"append, nothing", func(c *Conn, _ *brokenConn) error {
			a, err := c.Append(ctx, nil, "box", Noop())
			if err != nil {
				return err
			}
			_, _, err = a.Finish()
			return err
		}},
	} {
		for _, bye := range []string{"", "* BYE idle for too long\r\n"} {
			t.Run(fmt.Sprint(tt.name, bye != ""), func(t *testing.T) {
				t.Parallel()
				b := &brokenConn{Conn: dialScript(t, func(p *peer) {
					p.say("* OK hi\r\n")
					p.say("%s", bye)
					p.quiet()
				})}
				c, err := New(ctx, b, Options{Progress: 10 * time.Second})
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				b.broken.Store(true)
				start := time.Now()
				err = tt.f(c, b)
				if d := time.Since(start); d > 3*time.Second {
					t.Errorf("it took %v", d)
				}
				if err == nil || c.Err() == nil || bye != "" && !strings.Contains(err.Error(), "idle for too long") || bye == "" && !errors.Is(err, errBroken) {
					t.Errorf("got %v", err)
				}
			})
		}
	}
}

// TestBodyWriter hands a body to a writer that fails, or takes less than all.
func TestBodyWriter(t *testing.T) {
	for _, w := range []io.Writer{shortWriter{}, lyingWriter{}} {
		c := scripted(t, "", answering("* 1 FETCH (UID 1 BODY[] {3}\r\nabc)\r\n"))
		var got error
		run(t, c, &Handler{Body: func(_ *Fetch, _ string, _ int64, r io.Reader) error {
			_, got = io.Copy(w, r)
			return nil
		}}, Noop())
		if got == nil {
			t.Errorf("%T: no error", w)
		}
	}
}

type shortWriter struct{}

func (shortWriter) Write(p []byte) (int, error) { return len(p) - 1, nil }

type lyingWriter struct{}

func (lyingWriter) Write(p []byte) (int, error) { return len(p) + 1, nil }

// TestWords has what is small and used by all.
func TestWords(t *testing.T) {
	l := List{Attrs: []imap.MailboxAttr{"\\Noselect", "\\x-own"}}
	if !l.Has(imap.MailboxAttrNoSelect) || !l.Has("\\X-Own") || l.Has(imap.MailboxAttrSent) {
		t.Error("Has")
	}
	for want, r := range map[string]Result{
		"NO no":                    {Kind: "NO", Text: "no"},
		"OK [READ-ONLY] so":        {Kind: "OK", Code: "READ-ONLY", Text: "so"},
		"OK [APPENDUID 1 2] there": {Kind: "OK", Code: "APPENDUID", Arg: "1 2", Text: "there"},
	} {
		if r.String() != want {
			t.Errorf("got %q, want %q", r, want)
		}
	}
	for want, k := range map[string]*Command{
		`LSUB "" "*"`: ListCmd("", "*", ListOptions{Lsub: true}),
		`LIST (SUBSCRIBED) "" "*" RETURN (CHILDREN)`:     ListCmd("", "*", ListOptions{Select: []string{"SUBSCRIBED"}, Return: []string{"CHILDREN"}}),
		`LIST "" "%" RETURN (STATUS (MESSAGES UIDNEXT))`: ListCmd("", "%", ListOptions{Status: []string{"MESSAGES", "UIDNEXT"}}),
		"ID NIL":                     ID(),
		`ID ("name" "x")`:            ID("name", "x", "odd"),
		`EXAMINE "a" (CONDSTORE)`:    Select("a", SelectOptions{ReadOnly: true, CondStore: true}),
		`SELECT "a" (QRESYNC (1 2))`: Select("a", SelectOptions{CondStore: true, QResync: &QResync{Validity: 1, ModSeq: 2}}),
		"UID STORE 1 FLAGS ()":       UIDStore(imap.UIDSetNum(1), "FLAGS", nil, 0),
	} {
		if got := k.forLog(); got != want || k.err != nil {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if got := clean([]byte(strings.Repeat("x", 998) + "ü\x01y")); len(got) > 1000 || !strings.HasSuffix(got, "ü") {
		t.Errorf("got %d octets, ending in %q", len(got), got[len(got)-5:])
	}
	if d := parseDate("01-Jan-2024 00:00:00 +9999"); !d.IsZero() {
		t.Errorf("a date out of nothing: %v", d)
	}
}
