package testenv

import (
	"bufio"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// script is a server that answers line by line, for what a real one never does.
func script(t *testing.T, greeting string, answer func(line string) string) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer nc.Close()
				fmt.Fprint(nc, greeting)
				for in := bufio.NewScanner(nc); in.Scan(); {
					fmt.Fprint(nc, answer(in.Text()))
				}
			}()
		}
	}()
	return ln.Addr().String()
}

// caller is a connection that sends what it likes.
type caller struct {
	t  *testing.T
	nc net.Conn
	in *bufio.Reader
}

func call(t *testing.T, addr string) *caller {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	_ = nc.SetDeadline(time.Now().Add(20 * time.Second))
	return &caller{t, nc, bufio.NewReader(nc)}
}

func (c *caller) say(format string, args ...any) {
	c.t.Helper()
	if _, err := fmt.Fprintf(c.nc, format, args...); err != nil {
		c.t.Fatal(err)
	}
}

// hear reads up to the line that starts with prefix.
func (c *caller) hear(prefix string) string {
	c.t.Helper()
	var all strings.Builder
	for {
		line, err := c.in.ReadString('\n')
		all.WriteString(line)
		if err != nil {
			c.t.Fatalf("waiting for %q: %v after %q", prefix, err, all.String())
		}
		if strings.HasPrefix(line, prefix) {
			return all.String()
		}
	}
}

// end reads up to the end of the connection.
func (c *caller) end() string {
	c.t.Helper()
	b := new(strings.Builder)
	if _, err := bufio.NewReader(c.in).WriteTo(b); err != nil && strings.Contains(err.Error(), "timeout") {
		c.t.Fatalf("the connection does not end: %v", err)
	}
	return b.String()
}

// fake is a T that keeps what it is told instead of failing.
type fake struct {
	*testing.T
	mu     sync.Mutex
	errors []string
}

func (f *fake) Errorf(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.errors = append(f.errors, fmt.Sprintf(format, args...))
}

func (f *fake) told() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.errors)
}

func TestProxyIsTransparent(t *testing.T) {
	for _, o := range []ProxyOptions{{}, {Raw: true}, {RTT: 2 * time.Millisecond}, {RTT: 2 * time.Millisecond, Raw: true}} {
		for name, s := range map[string]*Server{"memory": Memory(t), "dovecot": Dovecot(t, DovecotOptions{})} {
			p := Proxy(t, s.Addr(), o)
			user, pass := s.NewUser()
			m := Client(t, p.Addr(), user, pass)
			large := LargeMail("large", 3<<20).Bytes()
			m.Append("INBOX", []byte(mail1), now, `\Seen`)
			m.Append("INBOX", large, now)
			want := Client(t, s.Addr(), user, pass).Messages("INBOX")
			got := m.Messages("INBOX")
			if len(got) != 2 || got[1].Size != int64(len(large)) || fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s %+v: %v, not %v", name, o, got, want)
			}
			st := p.Stats()
			if st.Connections != 1 || st.Up < int64(len(large)) || st.Down < int64(len(large)) {
				t.Errorf("%s %+v: %+v", name, o, st)
			}
			m.Close()
		}
	}
}

// What is tested is the count of round trips, not the clock: the machine may be
// busy. A pipelined burst takes one round trip however much it is, and a dialogue
// takes one for each step.
func TestProxyDelays(t *testing.T) {
	const rtt = 60 * time.Millisecond
	addr := script(t, "* OK hello\r\n", func(line string) string {
		return strings.Repeat("x", 10000) + "\r\n" + line + " done\r\n"
	})
	p := Proxy(t, addr, ProxyOptions{RTT: rtt, Raw: true})
	near := func(what string, took, want time.Duration) {
		t.Helper()
		// A busy machine adds to it, but not what 200 single delays would.
		if took < want || took > want+40*rtt {
			t.Errorf("%s took %v, not %v", what, took, want)
		}
	}
	t0 := time.Now()
	c := call(t, p.Addr())
	c.hear("* OK")
	near("connecting", time.Since(t0), 2*rtt)
	t0 = time.Now()
	for i := range 200 {
		c.say("a%d\r\n", i)
	}
	c.hear("a199 done")
	near("a burst", time.Since(t0), rtt)
	if st := p.Stats(); st.RoundTrips < 1 || st.RoundTrips > 3 {
		t.Errorf("a burst counts %d round trips", st.RoundTrips)
	}
	p.Reset()
	t0 = time.Now()
	for i := range 5 {
		c.say("b%d\r\n", i)
		c.hear(fmt.Sprintf("b%d done", i))
	}
	near("a dialogue", time.Since(t0), 5*rtt)
	if st := p.Stats(); st.RoundTrips != 5 || st.Up != 20 {
		t.Errorf("a dialogue of 5 counts %+v", st)
	}
}

func TestProxyCounts(t *testing.T) {
	s := Dovecot(t, DovecotOptions{})
	p := Proxy(t, s.Addr(), ProxyOptions{})
	var lines []string
	p.OnExchange(func(n int, line string) { lines = append(lines, fmt.Sprintf("%d %s", n, line)) })
	c := call(t, p.Addr())
	c.hear("* OK")
	c.say("a LOGIN {1+}\r\nu {4}\r\n")
	c.hear("+")
	c.say("pass\r\n")
	c.hear("a OK")
	c.say("b NOOP\r\nc APPEND INBOX {10+}\r\nd NOOP\r\n\r\n\r\ne IDLE\r\n")
	c.hear("+ idling")
	c.say("DONE\r\n")
	c.hear("e OK")
	c.say("f AUTHENTICATE PLAIN\r\n")
	c.hear("f BAD")
	c.say("g APPEND nowhere {300000000}\r\n") // refused: no literal follows
	c.hear("g NO")
	c.say("h NOOP\r\n")
	c.hear("h OK")
	want := []string{"1 a LOGIN ", "2 b NOOP", "3 c APPEND INBOX ", "4 e IDLE", "5 f AUTHENTICATE PLAIN", "6 g APPEND nowhere ", "7 h NOOP"}
	if !slices.Equal(lines, want) {
		t.Errorf("exchanges %q", lines)
	}
	if st := p.Stats(); st.Exchanges != 7 {
		t.Errorf("%+v", st)
	}
}

func TestProxyCuts(t *testing.T) {
	body := "Subject: long\r\n\r\n" + strings.Repeat("0123456789abcde\r\n", 1000)
	for _, rtt := range []time.Duration{0, 10 * time.Millisecond} {
		for _, where := range []Where{Before, Inside, After} {
			for _, pipelined := range []bool{false, true} {
				// A command that nobody has read when the line is cut makes the kernel
				// throw away what a busy client has yet to read (RST): then once more.
				scenario := func(t *testing.T, try int) bool {
					s := Memory(t)
					user, pass := s.NewUser()
					arrange := Client(t, s.Addr(), user, pass)
					arrange.Append("INBOX", []byte(body), now)
					p := Proxy(t, s.Addr(), ProxyOptions{RTT: rtt})
					killed := make(chan bool, 1)
					p.DoAt(4, where, func() { killed <- true })
					c := call(t, p.Addr())
					c.hear("* OK")
					c.say("a LOGIN %s %s\r\n", user, pass)
					c.hear("a OK")
					var got string
					if pipelined {
						c.say("b SELECT INBOX\r\nc UID STORE 1 +FLAGS (\\Seen)\r\nd UID FETCH 1 (UID BODY.PEEK[])\r\ne UID STORE 1 +FLAGS (\\Draft)\r\n")
						got = c.end()
					} else {
						c.say("b SELECT INBOX\r\n")
						c.hear("b OK")
						c.say("c UID STORE 1 +FLAGS (\\Seen)\r\n")
						c.hear("c OK")
						c.say("d UID FETCH 1 (UID BODY.PEEK[])\r\n")
						got = c.end()
					}
					if pipelined && where != Before && !strings.Contains(got, "c OK") {
						if try < 3 {
							return false
						}
						t.Errorf("the answers before are lost: %.300q", got)
					}
					_, literal, _ := strings.Cut(got, fmt.Sprintf("{%d}\r\n", len(body)))
					switch {
					case where == Inside && literal != body[:len(body)/2]:
						t.Errorf("%d octets of %d: %.100q", len(literal), len(body), got)
					case where != Inside && strings.Contains(got, "BODY"):
						t.Errorf("%.300q", got)
					}
					select {
					case <-killed:
					default:
						t.Error("the function was not called")
					}
					if st := p.Stats(); st.Faults != 1 {
						t.Errorf("%+v", st)
					}
					p.Reset()
					Client(t, p.Addr(), user, pass).Messages("INBOX") // cut only once
					return true
				}
				t.Run(fmt.Sprint(rtt, where, pipelined), func(t *testing.T) {
					for try := 0; !scenario(t, try); try++ {
					}
				})
			}
		}
	}
}

// A command is carried out although its answer is cut or lost.
func TestProxyCutsAnswersOnly(t *testing.T) {
	s := Dovecot(t, DovecotOptions{})
	for _, where := range []Where{Before, Inside, After} {
		user, pass := s.NewUser()
		p := Proxy(t, s.Addr(), ProxyOptions{})
		c := call(t, p.Addr())
		c.hear("* OK")
		c.say("a LOGIN %s %s\r\n", user, pass)
		c.hear("a OK")
		p.Reset()
		p.CutAt(1, where)
		c.say("b APPEND INBOX {3}\r\n")
		if where != Before {
			c.hear("+ ")
			c.say("abc\r\n")
		}
		if got := c.end(); strings.Contains(got, "b OK") != (where == Inside) || strings.Contains(got, "\n") {
			t.Errorf("%v: got %q", where, got)
		}
		list := Client(t, s.Addr(), user, pass).Messages("INBOX")
		if (len(list) == 1) != (where != Before) {
			t.Errorf("%v: stored %v", where, list)
		}
	}
}

func TestProxyStallsAndRefuses(t *testing.T) {
	addr := script(t, "* OK hello\r\n", func(line string) string { return line + " done\r\n" })
	p := Proxy(t, addr, ProxyOptions{})
	c := call(t, p.Addr())
	c.hear("* OK")
	p.Stall(true)
	p.Stall(true)
	c.say("a x\r\n")
	_ = c.nc.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if line, err := c.in.ReadString('\n'); err == nil {
		t.Errorf("%q came through", line)
	}
	_ = c.nc.SetReadDeadline(time.Now().Add(10 * time.Second))
	p.Stall(false)
	c.hear("a x done")
	p.Refuse(true)
	if got := call(t, p.Addr()).end(); got != "" {
		t.Errorf("refused with %q", got)
	}
	c.say("b x\r\n")
	c.hear("b x done")
	p.Refuse(false)
	p.CutAll()
	c.end()
	call(t, p.Addr()).hear("* OK")
}

func TestProxyWithout(t *testing.T) {
	s := Dovecot(t, DovecotOptions{})
	tests := []struct{ without, command, after string }{
		{"UIDPLUS", "UID EXPUNGE 1", "EXPUNGE"},
		{"CONDSTORE", "UID FETCH 1:* (FLAGS) (CHANGEDSINCE 1)", "UID FETCH 1:* (FLAGS)"},
		{"CONDSTORE", "ENABLE CONDSTORE", "ENABLE UTF8=ACCEPT"},
		{"CONDSTORE", "SELECT INBOX (CONDSTORE)", "SELECT INBOX"},
		{"CONDSTORE", "SELECT INBOX (QRESYNC (1 1))", "SELECT INBOX"},
		{"CONDSTORE", "STATUS INBOX (HIGHESTMODSEQ)", "STATUS INBOX (UIDNEXT)"},
		{"QRESYNC", "ENABLE QRESYNC", "ENABLE CONDSTORE"},
		{"LIST-STATUS", `LIST "" "*" RETURN (SUBSCRIBED STATUS (MESSAGES))`, `LIST "" "*" RETURN (SUBSCRIBED)`},
		{"LIST-EXTENDED", `LIST "" "*" RETURN (SUBSCRIBED)`, `LIST "" "*"`},
		{"MOVE", "UID MOVE 1 INBOX", "UID COPY 1 INBOX"},
		{"ESEARCH", "UID SEARCH RETURN (ALL) ALL", "UID SEARCH ALL"},
		{"NAMESPACE", "NAMESPACE", "NOOP"},
		{"COMPRESS=DEFLATE", "COMPRESS DEFLATE", "NOOP"},
		{"IDLE", "IDLE", "CHECK"},
		{"ID", "ID NIL", "NOOP"},
		{"UNSELECT", "UNSELECT", "CLOSE"},
		{"NOTIFY", "NOTIFY NONE", "NOOP"},
	}
	for _, tt := range tests {
		t.Run(tt.command, func(t *testing.T) {
			f := &fake{T: t}
			p := Proxy(f, s.Addr(), ProxyOptions{Without: []string{tt.without}})
			user, pass := s.NewUser()
			m := Client(t, p.Addr(), user, pass)
			if caps := m.Command("CAPABILITY")[0]; slices.Contains(strings.Fields(caps), tt.without) {
				t.Errorf("announced: %s", caps)
			}
			if uid := m.Append("INBOX", []byte(mail1), now); (uid == 0) != (tt.without == "UIDPLUS") {
				t.Errorf("APPENDUID %d", uid)
			}
			lines := m.Command("SELECT INBOX")
			if tt.without == "CONDSTORE" && strings.Contains(strings.Join(lines, "\n"), "MODSEQ") {
				t.Errorf("SELECT said %q", lines)
			}
			if got := m.Command(tt.after); !strings.Contains(got[len(got)-1], " OK") || len(f.told()) != 0 {
				t.Errorf("%s: %q, %q", tt.after, got, f.told())
			}
			if got := m.Command(tt.command); len(got) != 1 || !strings.Contains(got[0], " BAD") || len(f.told()) != 1 {
				t.Errorf("%s: %q, %q", tt.command, got, f.told())
			}
			if got := m.Command("NOOP"); !strings.Contains(got[len(got)-1], " OK") {
				t.Errorf("afterwards: %q", got)
			}
		})
	}
}

func TestProxyWithoutLiterals(t *testing.T) {
	s := Dovecot(t, DovecotOptions{})
	user, pass := s.NewUser()
	login := func(without string) (*fake, *caller) {
		f := &fake{T: t}
		c := call(t, Proxy(f, s.Addr(), ProxyOptions{Without: []string{without}}).Addr())
		c.hear("* OK")
		c.say("a LOGIN %s %s\r\n", user, pass)
		c.hear("a OK")
		return f, c
	}
	f, c := login("LITERAL+")
	c.say("b APPEND INBOX {3}\r\n")
	c.hear("+ ")
	c.say("abc\r\n")
	c.hear("b OK")
	c.say("c APPEND INBOX {3+}\r\nabc\r\n")
	if got := c.end(); !strings.HasPrefix(got, "c BAD") || len(f.told()) != 1 {
		t.Errorf("%q, %q", got, f.told())
	}
	f, c = login("MULTIAPPEND")
	c.say("b APPEND {5+}\r\nINBOX (\\Seen) {3+}\r\nabc\r\n")
	c.hear("b OK")
	c.say("c APPEND INBOX {3+}\r\nabc (\\Seen) {3+}\r\nabc\r\n")
	if got := c.end(); !strings.HasPrefix(got, "c BAD") || len(f.told()) != 1 {
		t.Errorf("%q, %q", got, f.told())
	}
	if got := Client(t, s.Addr(), user, pass).Messages("INBOX"); len(got) != 2 {
		t.Errorf("stored %v", got)
	}
}

func TestWithoutEditsAnswers(t *testing.T) {
	w, err := newWithout([]string{"CONDSTORE", "UIDPLUS"})
	if err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string]string{
		"* OK [CAPABILITY IMAP4rev1 IMAP4rev2 UIDPLUS QRESYNC ID condstore] hi\r\n": "* OK [CAPABILITY IMAP4rev1 ID] hi\r\n",
		"* CAPABILITY IMAP4rev1 UIDPLUS\r\n":                                        "* CAPABILITY IMAP4rev1\r\n",
		"* OK [HIGHESTMODSEQ 5] Highest\r\n":                                        "",
		"* OK [NOMODSEQ] None\r\n":                                                  "",
		"a OK [APPENDUID 1 2:3] Done\r\n":                                           "a OK Done\r\n",
		"* OK [COPYUID 1 2 3] Moved\r\n":                                            "* OK Moved\r\n",
		"* LIST () \"/\" \"[APPENDUID 1 2] x\"\r\n":                                 "* LIST () \"/\" \"[APPENDUID 1 2] x\"\r\n",
		"* OK [UIDNEXT 5] Next\r\n":                                                 "* OK [UIDNEXT 5] Next\r\n",
	} {
		if got := string(w.edit([]byte(in))); got != want {
			t.Errorf("%q became %q, not %q", in, got, want)
		}
	}
	if _, err := newWithout([]string{"SORT"}); err == nil {
		t.Error("SORT is not known, but no error")
	}
}

func TestWithoutIMAP4rev2(t *testing.T) {
	s := Memory(t)
	user, pass := s.NewUser()
	m := Client(t, Proxy(t, s.Addr(), ProxyOptions{Without: []string{"UIDPLUS"}}).Addr(), user, pass)
	if caps := strings.Fields(m.Command("CAPABILITY")[0]); slices.Contains(caps, "IMAP4rev2") || slices.Contains(caps, "UIDPLUS") || !slices.Contains(caps, "IMAP4rev1") {
		t.Errorf("%q", caps)
	}
}
