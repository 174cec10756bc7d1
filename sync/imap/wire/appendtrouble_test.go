package wire

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

// TestAppendBothWays uploads to a server that sends more than all buffers hold
// before it reads on.
func TestAppendBothWays(t *testing.T) {
	const n = 4 << 20
	noise := strings.Repeat("* OK Still here, and here, and here\r\n", 1000)
	c := scripted(t, "LITERAL+ MULTIAPPEND", func(p *peer) {
		a, _ := p.line()
		for range 400 {
			p.say("%s", noise)
		}
		if k, _ := io.CopyN(io.Discard, p.r, n); k != n {
			t.Error("the mail is cut")
		}
		p.want2("")
		p.say("%s OK\r\n", a)
		p.quiet()
	})
	got := 0
	a, err := c.Append(context.Background(), &Handler{Text: func(string, string, string) { got++ }}, "box")
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Add(nil, time.Time{}, n, io.LimitReader(filler('x'), n)); err != nil {
		t.Fatal(err)
	}
	if mails, _, err := a.Finish(); err != nil || appended(mails) != "OK/0/0" || got != 400000 {
		t.Errorf("%v %v, %d lines", mails, err, got)
	}
}

// TestAppendPatience uploads from a source that is slower than the limit on
// the server's silence: the server says nothing because it waits for us.
func TestAppendPatience(t *testing.T) {
	for _, caps := range []string{"LITERAL+ MULTIAPPEND", "LITERAL+", "MULTIAPPEND"} {
		c := scriptedWith(t, Options{Progress: 50 * time.Millisecond}, caps, func(p *peer) {
			tag := ""
			for {
				l, err := p.r.ReadString('\n')
				if err != nil {
					return
				}
				if strings.HasPrefix(l, "A") {
					tag, _, _ = strings.Cut(l, " ")
				}
				switch {
				case strings.HasSuffix(l, "{3+}\r\n"):
					p.octets(3)
				case strings.HasSuffix(l, "{3}\r\n"):
					p.say("+\r\n")
					p.octets(3)
				default:
					p.say("%s OK\r\n", tag)
				}
			}
		})
		a, err := c.Append(context.Background(), nil, "box")
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			time.Sleep(100 * time.Millisecond)
			if err := a.Add(nil, time.Time{}, 3, strings.NewReader("one")); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(100 * time.Millisecond)
		mails, _, err := a.Finish()
		if err != nil || appended(mails) != "OK/0/0 OK/0/0 OK/0/0" {
			t.Errorf("%s: %s %v", caps, appended(mails), err)
		}
		run(t, c, nil, Noop())
	}
}

// TestAppendCut cuts the connection while a mail goes out.
func TestAppendCut(t *testing.T) {
	c := scripted(t, "LITERAL+", func(p *peer) {
		p.line()
		p.octets(100000)
		p.say("* BYE out of disk\r\n")
	})
	a, err := c.Append(context.Background(), nil, "box")
	if err != nil {
		t.Fatal(err)
	}
	soon(t, "the end", func() { err = a.Add(nil, time.Time{}, 1<<30, filler('x')) })
	if err == nil || !strings.Contains(err.Error(), "out of disk") || c.Err() == nil {
		t.Errorf("got %v", err)
	}
	if _, _, err2 := a.Finish(); err2 != err {
		t.Errorf("Finish: %v", err2)
	}
	a.Abort()

	c = scripted(t, "LITERAL+", func(p *peer) { p.quiet() })
	if a, err = c.Append(context.Background(), nil, "box"); err != nil {
		t.Fatal(err)
	}
	if err := a.Add(nil, time.Time{}, 3, strings.NewReader("one")); err != nil {
		t.Fatal(err)
	}
	soon(t, "Abort", a.Abort)
	if c.Err() == nil {
		t.Error("the connection lives after Abort")
	}

	mine := errors.New("mine")
	c = scripted(t, "LITERAL+", func(p *peer) { p.line(); p.say("* 1 FETCH (UID 1)\r\n"); p.quiet() })
	if a, err = c.Append(context.Background(), &Handler{Fetch: func(*Fetch) error { return mine }}, "box"); err != nil {
		t.Fatal(err)
	}
	if err := a.Add(nil, time.Time{}, 3, strings.NewReader("one")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := a.Finish(); err != mine {
		t.Errorf("got %v", err)
	}
}
