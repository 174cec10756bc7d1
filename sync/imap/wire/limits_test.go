package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"github.com/offlineimap/offlineimapd/sync/store"
)

// replay is a connection whose server answers every command with the same.
type replay struct {
	data  func() io.Reader // what comes before the tagged answer
	queue []io.Reader
}

func newReplay(data func() io.Reader) *replay {
	return &replay{data: data, queue: []io.Reader{strings.NewReader("* PREAUTH hi\r\n")}}
}

func (r *replay) Read(p []byte) (int, error) {
	for len(r.queue) > 0 {
		n, err := r.queue[0].Read(p)
		if err == io.EOF {
			r.queue = r.queue[1:]
			if n == 0 {
				continue
			}
		}
		return n, nil
	}
	return 0, os.ErrDeadlineExceeded
}

func (r *replay) Write(p []byte) (int, error) {
	for _, line := range bytes.Split(bytes.TrimSuffix(p, []byte("\r\n")), []byte("\r\n")) {
		tag, _, _ := strings.Cut(string(line), " ")
		r.queue = append(r.queue, r.data(), strings.NewReader(tag+" OK done\r\n"))
	}
	return len(p), nil
}

func (r *replay) Close() error                     { return nil }
func (r *replay) LocalAddr() net.Addr              { return nil }
func (r *replay) RemoteAddr() net.Addr             { return nil }
func (r *replay) SetDeadline(time.Time) error      { return nil }
func (r *replay) SetReadDeadline(time.Time) error  { return nil }
func (r *replay) SetWriteDeadline(time.Time) error { return nil }

func replayed(t testing.TB, data func() io.Reader) *Conn {
	t.Helper()
	c, err := New(context.Background(), newReplay(data), Options{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// filler gives the same octet for ever.
type filler byte

func (f filler) Read(p []byte) (int, error) {
	if len(p) > 0 {
		p[0] = byte(f)
	}
	for n := 1; n < len(p); n *= 2 { // by copying: the race detector looks at every store
		copy(p[n:], p[:n])
	}
	return len(p), nil
}

// between wraps n octets of filling.
func between(before string, n int64, fill byte, after string) func() io.Reader {
	return func() io.Reader {
		return io.MultiReader(strings.NewReader(before), io.LimitReader(filler(fill), n), strings.NewReader(after))
	}
}

// allocated runs f and returns the octets it allocated.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestSizes lets a server claim and send absurd sizes. None may be allocated,
// and unless nobody can tell where the next response begins, it costs
// only the response.
func TestSizes(t *testing.T) {
	const next = "\r\n* 7 EXISTS\r\n"
	for _, tt := range []struct {
		name   string
		data   func() io.Reader
		broken bool   // the connection ends, as a protocol error
		alloc  uint64 // the most it may allocate
	}{
		{"literal beyond 63 bits", between("* 1 FETCH (UID 1 BODY[] {99999999999999999999}\r\n", 0, 'x', ""), true, 1 << 20},
		{"literal of 63 bits", between("* 1 FETCH (UID 1 BODY[] {9223372036854775800}\r\n", 0, 'x', ""), true, 1 << 20},
		{"literal of 63 bits in LIST", between("* LIST () \"/\" {9223372036854775800}\r\n", 0, 'x', ""), true, 1 << 20},
		{"literal of 63 bits nowhere", between("* FOO {9223372036854775800}\r\n", 0, 'x', ""), true, 1 << 20},
		{"literal of 100 MB as a name", between("* LIST () \"/\" {104857600}\r\n", 100<<20, 'x', next), false, 1 << 20},
		{"literal of 100 MB as a value", between("* 1 FETCH (UID 1 X {104857600}\r\n", 100<<20, 'x', ")"+next), false, 1 << 20},
		{"literal of 100 MB in what is unknown", between("* FOO {104857600}\r\n", 100<<20, 'x', next), false, 1 << 20},
		{"a body of 100 MB that nobody reads", between("* 1 FETCH (UID 1 BODY[] {104857600}\r\n", 100<<20, 'x', ")"+next), false, 1 << 20},
		{"a line of 70 MB", between("* 1 FETCH (UID 1 X ", 70<<20, 'x', ")"+next), false, 64 << 20},
		{"a line of 70 MB of nothing", between("", 70<<20, '\x00', next), false, 64 << 20},
		{"a line of 70 MB of lists", between("* 1 FETCH (UID 1 X ", 70<<20, '(', next), false, 64 << 20},
		{"a line of 20 MB with a literal", between("* 1 FETCH (UID 1 X ", 20<<20, 'x', " BODY[] {12}\r\n* 8 EXISTS\r\n)"+next), false, 64 << 20},
		{"a quoted string of 20 MB", between("* LIST () \"/\" \"", 20<<20, 'x', "\""+next), false, 64 << 20},
		{"a line of 4 GB", between("* OK ", 4<<30, 'x', next), true, 64 << 20},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := &recorder{}
			c := replayed(t, tt.data)
			h := &Handler{Exists: r.handler().Exists}
			var err error
			if n := allocated(func() { _, err = c.Run(context.Background(), h, Noop()) }); n > tt.alloc {
				t.Errorf("%d octets were allocated", n)
			}
			switch {
			case tt.broken && (store.ClassOf(err) != store.Protocol || c.Err() == nil):
				t.Errorf("got %v, want a protocol error", err)
			case !tt.broken && (err != nil || r.String() != "exists 7"):
				t.Errorf("got %v, and %q of what follows", err, r)
			}
		})
	}
}

// TestLongAnswers reads the answers that are long in a large mailbox, and whose
// loss would look like a mailbox without mails.
func TestLongAnswers(t *testing.T) {
	const n = 1_000_000 // scattered, 9 MB
	var sb strings.Builder
	for i := range n {
		fmt.Fprintf(&sb, ",%d", 10_000_000+2*i)
	}
	set := sb.String()[1:]
	for _, line := range []string{
		"* ESEARCH (TAG \"A1\") UID ALL " + set,
		"* SEARCH " + strings.ReplaceAll(set, ",", " "),
		"* VANISHED (EARLIER) " + set,
	} {
		got := 0
		h := &Handler{
			Search:   func(s *Search) { got = len(s.Set) },
			Vanished: func(s imap.UIDSet, _ bool) { got = len(s) },
		}
		c := replayed(t, func() io.Reader { return strings.NewReader(line + "\r\n") })
		run(t, c, h, Noop())
		if got != n || c.Stats().Skipped != 0 {
			t.Errorf("%.20s: got %d of %d UIDs", line, got, n)
		}
	}
}

// TestWrongLength sends a body that is shorter or longer than announced: its
// reader must not end as if all were well, and other mails must not suffer.
func TestWrongLength(t *testing.T) {
	for _, tt := range []struct{ name, in string }{
		{"too short", "* 1 FETCH (UID 1 BODY[] {14}\r\nabc)\r\n* 2 EXISTS\r\n* 3 EXISTS\r\n"},
		{"too long", "* 1 FETCH (UID 1 BODY[] {3}\r\nabcdef)\r\n* 3 EXISTS\r\n"},
	} {
		for _, how := range []string{"Read", "WriteTo"} {
			r := &recorder{}
			h := r.handler()
			var got error
			h.Body = func(_ *Fetch, _ string, _ int64, rd io.Reader) error {
				if how == "Read" {
					_, got = io.ReadAll(rd)
				} else {
					_, got = rd.(io.WriterTo).WriteTo(io.Discard)
				}
				return got
			}
			c := scripted(t, "", answering(tt.in))
			run(t, c, h, Noop())
			if store.ScopeOf(got) != store.ScopeMail || got == nil {
				t.Errorf("%s, %s: the body's reader ended with %v", tt.name, how, got)
			}
			if r.String() != "exists 3" || c.Stats().Skipped == 0 {
				t.Errorf("%s, %s: got %s, %d skipped", tt.name, how, r, c.Stats().Skipped)
			}
		}
	}
}

// TestCutBody closes the connection in a body.
func TestCutBody(t *testing.T) {
	for _, how := range []string{"Read", "WriteTo", "nothing"} {
		var got error
		h := &Handler{Body: func(_ *Fetch, _ string, _ int64, rd io.Reader) error {
			switch how {
			case "Read":
				_, got = io.ReadAll(rd)
			case "WriteTo":
				_, got = rd.(io.WriterTo).WriteTo(io.Discard)
			}
			return nil // a handler that does not notice
		}}
		c := scripted(t, "", func(p *peer) {
			p.line()
			p.say("* 1 FETCH (UID 1 BODY[] {20}\r\nabc")
		})
		_, err := c.Run(context.Background(), h, Noop())
		if store.ClassOf(err) != store.Offline || c.Err() == nil {
			t.Errorf("%s: got %v", how, err)
		}
		if how != "nothing" && !errors.Is(got, io.ErrUnexpectedEOF) {
			t.Errorf("%s: the body's reader ended with %v", how, got)
		}
	}
}

// TestBodyReaders reads bodies in all the ways a consumer may.
func TestBodyReaders(t *testing.T) {
	text := strings.Repeat("0123456789abcde\n", 20000) // larger than any buffer
	c := scripted(t, "", func(p *peer) {
		for {
			tag, _ := p.line()
			if tag == "" {
				return
			}
			p.say("* 1 FETCH (BODY[] {%d}\r\n%s UID 5)\r\n* 1 FETCH (UID 6 BODY[] {%d}\r\n%s)\r\n%s OK\r\n", len(text), text, len(text), text, tag)
		}
	})
	var kept io.Reader
	for _, tt := range []struct {
		name string
		read func(io.Reader) (string, error)
		want string
	}{
		{"all", func(r io.Reader) (string, error) { b, err := io.ReadAll(r); return string(b), err }, text},
		{"octet by octet", func(r io.Reader) (string, error) {
			var sb strings.Builder
			p := make([]byte, 1)
			for range 100 {
				n, err := r.Read(p)
				if err != nil {
					return "", err
				}
				sb.Write(p[:n])
			}
			return sb.String(), nil
		}, text[:100]},
		{"copied", func(r io.Reader) (string, error) {
			var b bytes.Buffer
			_, err := io.Copy(&b, r)
			return b.String(), err
		}, text},
		{"begun and copied", func(r io.Reader) (string, error) {
			var b bytes.Buffer
			if _, err := io.CopyN(&b, r, 7); err != nil {
				return "", err
			}
			_, err := r.(io.WriterTo).WriteTo(&b)
			return b.String(), err
		}, text},
		{"not at all", func(io.Reader) (string, error) { return "", nil }, ""},
		{"kept", func(r io.Reader) (string, error) { kept = r; return "", nil }, ""},
	} {
		var uids []uint32
		run(t, c, &Handler{
			Body: func(f *Fetch, _ string, size int64, r io.Reader) error {
				got, err := tt.read(r)
				if got != tt.want || err != nil || size != int64(len(text)) {
					t.Errorf("%s: %d octets, %v", tt.name, len(got), err)
				}
				return nil
			},
			Fetch: func(f *Fetch) error { uids = append(uids, uint32(f.UID)); return nil },
		}, Noop())
		if fmt.Sprint(uids) != "[5 6]" {
			t.Errorf("%s: UIDs %v", tt.name, uids)
		}
	}
	if n, err := kept.Read(make([]byte, 10)); n != 0 || err == nil || err == io.EOF {
		t.Errorf("a body was read after its handler: %d, %v", n, err)
	}
}
