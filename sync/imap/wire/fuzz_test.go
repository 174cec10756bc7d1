package wire

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/emersion/go-imap/v2"
	"pgregory.net/rapid"
)

// FuzzResponses feeds anything as the answer to a command. It must neither
// panic nor hang, a body must have the octets that were announced, and what is
// handed out must be sane.
func FuzzResponses(f *testing.F) {
	for _, s := range []string{
		"* 1 FETCH (UID 1 FLAGS (\\Seen a]b) MODSEQ (5) RFC822.SIZE 7 INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" BODY[HEADER.FIELDS (X)] {3}\r\nabc X (\"a\" {1}\r\nb NIL))",
		"* LIST (\\HasNoChildren) \"/\" {3}\r\na\"b (\"OLDNAME\" (\"x\"))",
		"* STATUS \"x\" (MESSAGES 1 UIDNEXT 2 MAILBOXID (a))",
		"* ESEARCH (TAG \"A1\") UID ALL 1:3,9 COUNT 4", "* SEARCH 5 4 3 (MODSEQ 7)", "* VANISHED (EARLIER) 1:9,12",
		"* OK [PERMANENTFLAGS (\\* a]b)] x", "* NAMESPACE ((\"\" \"/\")) NIL NIL", "* ID (\"a\" NIL)", "A1 NO [MODIFIED 4] x", "+ x",
		"* CAPABILITY IMAP4rev1 X", "* ENABLED X", "* FLAGS ()", "* BYE x", "* FOO ~{3+}\r\nabc",
	} {
		f.Add([]byte(s + "\r\n"))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		c := replayed(t, func() io.Reader { return bytes.NewReader(in) })
		c.log = func(byte, string) {}
		c.trace = c.logLine
		set := func(s imap.UIDSet) {
			for i, r := range s {
				if r.Start == 0 || r.Stop < r.Start || i > 0 && r.Start <= s[i-1].Stop {
					t.Errorf("the set %v", s)
				}
			}
		}
		h := (&recorder{}).handler()
		h.Search = func(s *Search) { set(s.Set) }
		h.Vanished = func(s imap.UIDSet, _ bool) { set(s) }
		h.Body = func(_ *Fetch, _ string, size int64, r io.Reader) error {
			if n, err := io.Copy(io.Discard, r); err == nil && n != size {
				t.Errorf("%d of %d octets", n, size)
			}
			return nil
		}
		if rs, err := c.Run(context.Background(), h, Noop()); err == nil {
			_ = rs[0].Err()
			rs[0].AppendUID()
			rs[0].CopyUID()
			set(rs[0].Modified())
		}
	})
}

// TestStrings reads back whatever was written as a string.
func TestStrings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := strings.Map(func(r rune) rune {
			if r == 0 {
				return 'x'
			}
			return r
		}, rapid.StringN(0, 40, 60).Draw(t, "s"))
		c := &Conn{}
		f := &flight{cmds: []*Command{Create(s)}, first: 1}
		text := strings.ReplaceAll(string(c.encode(f).text), "A1 CREATE ", "")
		l := lexer{br: bufio.NewReader(strings.NewReader(text))}
		if err := l.readLine(); err != nil {
			t.Fatal(err)
		}
		if got, null, err := l.str(); got != s || null || err != nil || l.pos < len(l.line) {
			t.Fatalf("%q became %q: %q, %v", s, text, got, err)
		}
	})
}

// TestSets reads sets in any order, as go-imap would build them.
func TestSets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want imap.UIDSet
		var parts []string
		for range rapid.IntRange(1, 20).Draw(t, "n") {
			a, b := rapid.Uint32Range(1, 50).Draw(t, "a"), rapid.Uint32Range(1, 50).Draw(t, "b")
			if rapid.IntRange(0, 20).Draw(t, "high") == 0 {
				b = 1<<32 - 1
			}
			want.AddRange(imap.UID(a), imap.UID(b))
			parts = append(parts, imap.UIDSet{{Start: imap.UID(a), Stop: imap.UID(b)}}.String())
		}
		got, err := parseSet([]byte(strings.Join(parts, ",")))
		if err != nil || !slices.Equal(got, normalSet(slices.Clone(want))) {
			t.Fatalf("%v: got %v, want %v, %v", parts, got, want, err)
		}
	})
}
