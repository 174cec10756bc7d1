package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"github.com/offlineimap/offlineimapd/sync/store"
)

var testDate = time.Date(2024, 2, 3, 4, 5, 6, 0, time.FixedZone("", 3600))

// appendAll uploads mails and returns what Finish said.
func appendAll(t *testing.T, c *Conn, name string, mails ...string) []Appended {
	t.Helper()
	a, err := c.Append(context.Background(), nil, name)
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range mails {
		if err := a.Add([]imap.Flag{imap.FlagSeen}, testDate, int64(len(m)), strings.NewReader(m)); err != nil {
			t.Fatalf("mail %d: %v", i, err)
		}
	}
	got, _, err := a.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func appended(as []Appended) string {
	var sb strings.Builder
	for _, a := range as {
		fmt.Fprintf(&sb, "%s/%d/%d ", a.Kind, a.Validity, a.UID)
	}
	return strings.TrimSpace(sb.String())
}

// TestAppend checks every octet of an upload with each kind of literal, and
// with and without MULTIAPPEND.
func TestAppend(t *testing.T) {
	const head = ` (\Seen) " 3-Feb-2024 04:05:06 +0100" `
	long := strings.Repeat("m", 5000)
	for _, tt := range []struct {
		caps   string
		name   string
		mails  []string
		script func(p *peer)
		want   string
	}{
		{"LITERAL+ MULTIAPPEND", "box", []string{"one", "three"}, func(p *peer) {
			a := p.want(`APPEND "box"` + head + "{3+}")
			p.octets(3)
			p.want2(head + "{5+}")
			p.octets(5)
			p.want2("")
			p.say("%s OK [APPENDUID 9 7,3] done\r\n", a)
		}, "OK/9/7 OK/9/3"},
		{"LITERAL+", "box", []string{"one", "three"}, func(p *peer) {
			a := p.want(`APPEND "box"` + head + "{3+}")
			p.octets(3)
			p.want2("")
			b := p.want(`APPEND "box"` + head + "{5+}")
			p.octets(5)
			p.want2("")
			p.say("%s NO [TOOBIG] no\r\n%s OK [APPENDUID 9 8] done\r\n", a, b)
		}, "NO/0/0 OK/9/8"},
		{"LITERAL- MULTIAPPEND", "box", []string{"one", long, "three"}, func(p *peer) {
			a := p.want(`APPEND "box"` + head + "{3+}")
			p.octets(3)
			p.want2(head + "{5000}")
			p.say("+\r\n")
			p.octets(5000)
			p.want2(head + "{5+}")
			p.octets(5)
			p.want2("")
			p.say("%s OK [APPENDUID 9 1:3] done\r\n", a)
		}, "OK/9/1 OK/9/2 OK/9/3"},
		{"", "box", []string{"one", "three"}, func(p *peer) {
			a := p.want(`APPEND "box"` + head + "{3}")
			p.say("* 1 EXISTS\r\n+ go\r\n")
			p.octets(3)
			p.want2("")
			b := p.want(`APPEND "box"` + head + "{5}")
			p.say("%s OK [APPENDUID 9 1]\r\n+ go\r\n", a)
			p.octets(5)
			p.want2("")
			p.say("%s OK done\r\n", b)
		}, "OK/9/1 OK/0/0"},
		{"MULTIAPPEND", "box", []string{"one"}, func(p *peer) {
			a := p.want(`APPEND "box"` + head + "{3}")
			p.say("%s NO [TRYCREATE] no such\r\n", a)
			p.say("%s OK\r\n", p.want("NOOP"))
		}, "NO/0/0"},
		{"", "box", []string{"one", "three"}, func(p *peer) {
			a := p.want(`APPEND "box"` + head + "{3}")
			p.say("%s NO [TRYCREATE] no such\r\n", a)
			a = p.want(`APPEND "box"` + head + "{5}")
			p.say("+ now\r\n")
			p.octets(5)
			p.want2("")
			p.say("%s OK [APPENDUID 1 2] now it is there\r\n", a)
		}, "NO/0/0 OK/1/2"},
		{"", "b\xfcx", []string{"one", "three"}, func(p *peer) {
			a := p.want("APPEND {3}")
			p.say("+\r\n")
			p.octets(3)
			p.want2(head + "{3}")
			p.say("+\r\n")
			p.octets(3)
			p.want2("")
			b := p.want("APPEND {3}")
			p.say("%s OK\r\n%s NO not again\r\n", a, b)
			p.say("%s OK\r\n", p.want("NOOP"))
		}, "OK/0/0 NO/0/0"},
		{"LITERAL+ MULTIAPPEND", "b\xfcx", []string{"one"}, func(p *peer) {
			a := p.want("APPEND {3+}")
			p.octets(3)
			p.want2(head + "{3+}")
			p.octets(3)
			p.want2("")
			p.say("%s OK [APPENDUID 0 x] nonsense\r\n", a)
		}, "OK/0/0"},
		{"LITERAL+ MULTIAPPEND", "box", []string{"one", "two"}, func(p *peer) {
			a := p.want(`APPEND "box"` + head + "{3+}")
			p.octets(3)
			p.want2(head + "{3+}")
			p.octets(3)
			p.want2("")
			p.say("%s OK [APPENDUID 9 4:40] too many\r\n", a)
		}, "OK/0/0 OK/0/0"},
	} {
		c := scripted(t, tt.caps, func(p *peer) {
			tt.script(p)
			for tag, _ := p.line(); tag != ""; tag, _ = p.line() {
				p.say("%s OK\r\n", tag)
			}
		})
		if got := appended(appendAll(t, c, tt.name, tt.mails...)); got != tt.want {
			t.Errorf("%q %q: got %s, want %s", tt.caps, tt.name, got, tt.want)
		}
		run(t, c, nil, Noop())
	}
}

// TestAppendEarlyNo has a server refuse in the middle of what it must still
// read. Nothing of a mail may be left over to be taken for commands, and the
// connection stays usable.
func TestAppendEarlyNo(t *testing.T) {
	const n = 300
	for _, caps := range []string{"LITERAL+ MULTIAPPEND", "LITERAL+"} {
		refused := make(chan struct{})
		c := scripted(t, caps, func(p *peer) {
			a, _ := p.line()
			p.say("%s NO [OVERQUOTA] full\r\n", a)
			p.octets(n)
			time.Sleep(20 * time.Millisecond) // that the client knows
			close(refused)
			p.octets(n)
			p.want2("")
			for {
				tag, rest := p.line()
				if tag == "" {
					return
				}
				if strings.HasPrefix(rest, "APPEND") {
					p.octets(2 * n)
					p.want2("")
				} else if rest != "NOOP" {
					t.Errorf("the server was told %q", rest)
				}
				p.say("%s OK\r\n", tag)
			}
		})
		a, err := c.Append(context.Background(), nil, "box")
		if err != nil {
			t.Fatal(err)
		}
		// The mail comes in two halves; between them the answer arrives.
		body := strings.Repeat("A1 DELETE INBOX\r\n", n/16) + strings.Repeat("x", 2*n)
		body = body[:n]
		half := io.MultiReader(strings.NewReader(body), waiting(func() {
			_ = c.flush()
			<-refused
		}), strings.NewReader(body))
		a.buf = make([]byte, copyBuffer)
		if err := a.begin(); err != nil {
			t.Fatal(err)
		}
		if err := a.add("", 2*n, half); err != nil {
			t.Fatal(err)
		}
		err = a.Add(nil, time.Time{}, 2*n, strings.NewReader(body+body))
		if a.Multi() {
			if store.ClassOf(err) != store.Refused || store.ScopeOf(err) != store.ScopeFolder {
				t.Errorf("the next Add: %v", err)
			}
		} else if err != nil {
			t.Error(err)
		}
		got, _, err := a.Finish()
		if err != nil {
			t.Fatal(err)
		}
		want := "NO/0/0"
		if !a.Multi() {
			want += " OK/0/0"
		}
		if appended(got) != want || got[0].Code != "OVERQUOTA" {
			t.Errorf("%s: got %s", caps, appended(got))
		}
		run(t, c, nil, Noop())
	}
}

// waiting is a reader without octets that does something when it is read.
type waiting func()

func (w waiting) Read([]byte) (int, error) { w(); return 0, io.EOF }

// failing is a mail that cannot be read.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// TestAppendBadMail has mails that are not what they were announced as. A small
// one costs nothing else; with a large one the connection is closed before the
// server has its last octet.
func TestAppendBadMail(t *testing.T) {
	gone := store.Fail(store.Local, store.ScopeMail, errors.New("file is gone"))
	for _, size := range []int64{1, 2, 1000, copyBuffer - 1, copyBuffer, 200000} {
		for _, tt := range []struct {
			name string
			r    io.Reader
		}{
			{"shorter", io.LimitReader(filler('x'), size-1)},
			{"longer", io.LimitReader(filler('x'), size+1)},
			{"unreadable", failing{gone}},
			{"unreadable at the end", io.MultiReader(io.LimitReader(filler('x'), size), failing{gone})},
		} {
			t.Run(fmt.Sprintf("%d %s", size, tt.name), func(t *testing.T) {
				c := scripted(t, "LITERAL+ MULTIAPPEND", func(p *peer) {
					a, rest := p.line()
					if a == "" {
						return
					}
					if !strings.HasSuffix(rest, "{3+}") {
						t.Errorf("got %q", rest)
					}
					p.octets(3)
					if l, _ := p.r.ReadString('\n'); l == "\r\n" {
						p.say("%s OK [APPENDUID 1 2]\r\n", a)
						p.quiet()
						return
					}
					if k, _ := io.Copy(io.Discard, p.r); k >= size {
						t.Errorf("the server has %d octets of a bad mail of %d", k, size)
					}
				})
				a, err := c.Append(context.Background(), nil, "box")
				if err != nil {
					t.Fatal(err)
				}
				if err := a.Add(nil, time.Time{}, 3, strings.NewReader("one")); err != nil {
					t.Fatal(err)
				}
				err = a.Add(nil, time.Time{}, size, tt.r)
				if err == nil || store.ClassOf(err) != store.Local {
					t.Fatalf("got %v", err)
				}
				if strings.HasPrefix(tt.name, "unreadable") && !errors.Is(err, gone) {
					t.Errorf("got %v", err)
				}
				mails, _, ferr := a.Finish()
				if size < copyBuffer {
					if store.ScopeOf(err) != store.ScopeMail || ferr != nil || appended(mails) != "OK/1/2" {
						t.Errorf("got %v, then %s %v", err, appended(mails), ferr)
					}
				} else if store.ScopeOf(err) != store.ScopeFolder || ferr == nil || c.Err() == nil {
					t.Errorf("got %v, then %v", err, ferr)
				}
			})
		}
	}
}

// TestAppendRefusals has what cannot be uploaded at all.
func TestAppendRefusals(t *testing.T) {
	c := scripted(t, "LITERAL+ MULTIAPPEND", func(p *peer) {
		p.say("%s OK\r\n", p.want("NOOP"))
		p.quiet()
	})
	ctx := context.Background()
	if _, err := c.Append(ctx, nil, "a\x00b"); err == nil {
		t.Error("a name with NUL was taken")
	}
	a, err := c.Append(ctx, nil, "box")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Append(ctx, nil, "box"); err == nil {
		t.Error("two uploads at once")
	}
	for _, err := range []error{
		a.Add(nil, time.Time{}, 0, strings.NewReader("")),
		a.Add(nil, time.Time{}, -1, strings.NewReader("x")),
		a.Add(nil, time.Time{}, 1<<40, filler('x')),
		a.Add([]imap.Flag{"a b"}, time.Time{}, 1, strings.NewReader("x")),
	} {
		if err == nil || store.ScopeOf(err) != store.ScopeMail {
			t.Errorf("got %v", err)
		}
	}
	if mails, _, err := a.Finish(); len(mails) != 0 || err != nil {
		t.Errorf("%v %v", mails, err)
	}
	a.Abort()
	if err := a.Add(nil, time.Time{}, 1, strings.NewReader("x")); err == nil {
		t.Error("Add after Finish")
	}
	a, err = c.Append(ctx, nil, "box")
	if err != nil {
		t.Fatal(err)
	}
	a.Abort()
	run(t, c, nil, Noop())
}

// TestAppendAhead sends commands in the same flight, with and without mails.
func TestAppendAhead(t *testing.T) {
	c := scripted(t, "LITERAL+", func(p *peer) {
		a := p.want(`CREATE "box"`)
		b := p.want("CREATE {1+}")
		p.octets(1)
		p.want2("")
		d, _ := p.line()
		p.octets(3)
		p.want2("")
		p.say("%s OK\r\n* 5 EXISTS\r\n%s NO exists\r\n%s OK\r\n", a, b, d)
		p.say("%s OK\r\n", p.want("NOOP"))
		// The same without LITERAL+.
		a = p.want("CREATE {1}")
		p.say("+\r\n")
		p.octets(1)
		p.want2("")
		p.say("%s OK\r\n", a)
		d, _ = p.line()
		p.say("+\r\n")
		p.octets(3)
		p.want2("")
		p.say("%s OK\r\n", d)
		p.quiet()
	})
	ctx := context.Background()
	r := &recorder{}
	a, err := c.Append(ctx, r.handler(), "box", Create("box"), Create("\xfc"))
	if err != nil {
		t.Fatal(err)
	}
	before := c.Stats().Flights
	if err := a.Add(nil, time.Time{}, 3, strings.NewReader("one")); err != nil {
		t.Fatal(err)
	}
	mails, ahead, err := a.Finish()
	if err != nil || appended(mails) != "OK/0/0" || !ahead[0].OK() || ahead[1].Kind != "NO" || r.String() != "exists 5" {
		t.Errorf("%s %v %v %s", appended(mails), ahead, err, r)
	}
	if n := c.Stats().Flights - before; n != 1 {
		t.Errorf("%d flights", n)
	}
	a, err = c.Append(ctx, nil, "box", Noop())
	if err != nil {
		t.Fatal(err)
	}
	if mails, ahead, err = a.Finish(); err != nil || len(mails) != 0 || !ahead[0].OK() {
		t.Errorf("%v %v %v", mails, ahead, err)
	}
	c.caps = nil
	a, err = c.Append(ctx, nil, "box", Create("\xfc"))
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Add(nil, time.Time{}, 3, strings.NewReader("one")); err != nil {
		t.Fatal(err)
	}
	if mails, ahead, err = a.Finish(); err != nil || appended(mails) != "OK/0/0" || !ahead[0].OK() {
		t.Errorf("%v %v %v", mails, ahead, err)
	}
}

// TestCodes reads the codes of UIDPLUS and CONDSTORE.
func TestCodes(t *testing.T) {
	v, src, dst, ok := Result{Kind: "OK", Code: "COPYUID", Arg: "38505 304,319:320 3956:3958"}.CopyUID()
	if got := fmt.Sprint(v, src, dst, ok); got != "38505 [304 319 320] [3956 3957 3958] true" {
		t.Errorf("got %s", got)
	}
	for _, arg := range []string{"", "1", "1 2", "0 1 2", "1 2 3:4", "1 2 *", "x 1 2", "1 1:4294967295 1:4294967295"} {
		if _, _, _, ok := ParseCopyUID(arg); ok {
			t.Errorf("COPYUID %q was read", arg)
		}
	}
	for _, arg := range []string{"", "1", "1 2 3", "0 1", "4294967296 1", "1 0", "1 1:*", "1 4294967296"} {
		if _, _, ok := (Result{Kind: "OK", Code: "APPENDUID", Arg: arg}).AppendUID(); ok {
			t.Errorf("APPENDUID %q was read", arg)
		}
	}
	if (Result{Kind: "OK", Code: "MODIFIED", Arg: "x"}).Modified() != nil || (Result{Kind: "OK", Code: "READ-ONLY"}).Modified() != nil {
		t.Error("a MODIFIED out of nothing")
	}
}
