package strip

import (
	"bytes"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

func TestStrip(t *testing.T) {
	f := New("X-Spam", " x-label ", "", "Bcc")
	for _, c := range []struct{ name, in, want string }{
		{"nothing to do", "A: b\n\ntext\n", "A: b\n\ntext\n"},
		{"one", "A: b\nX-Spam: yes\nC: d\n\ntext\n", "A: b\nC: d\n\ntext\n"},
		{"any case, all of them", "x-SPAM: yes\nA: b\nX-spam:no\nX-LABEL:\n\n", "A: b\n\n"},
		{"with what continues it", "X-Spam: yes\n maybe\n\tno\nA: b\n c\n\n X-Spam: x\n", "A: b\n c\n\n X-Spam: x\n"},
		{"a line of white space continues too", "X-Spam: yes\n \t\nA: b\n \n\n", "A: b\n \n\n"},
		{"names that begin alike", "X-Spam-Status: a\nX-Spa: b\nX: c\nX-Spamm : d\n\n", "X-Spam-Status: a\nX-Spa: b\nX: c\nX-Spamm : d\n\n"},
		{"white space before the colon", "X-Spam \t : a\nBcc : b\nC : d\n\n", "C : d\n\n"},
		{"in the text", "A: b\n\nX-Spam: yes\n\nBcc: me\n", "A: b\n\nX-Spam: yes\n\nBcc: me\n"},
		{"in the header of a part", "Content-Type: multipart/mixed; boundary=x\n\n--x\nX-Spam: yes\n\n--x--\n", "Content-Type: multipart/mixed; boundary=x\n\n--x\nX-Spam: yes\n\n--x--\n"},
		{"no text", "A: b\nX-Spam: yes\n", "A: b\n"},
		{"no line end", "A: b\nX-Spam: yes", "A: b\n"},
		{"a name at the end", "A: b\nX-Spam", "A: b\nX-Spam"},
		{"nothing is left", "X-Spam: yes\n", ""},
		{"nothing at all", "", ""},
		{"only an empty line", "\n", "\n"},
		{"no header", "\nX-Spam: yes\n", "\nX-Spam: yes\n"},
		{"a mailbox's line before it", "From a@example.org Mon Feb 2\nX-Spam: yes\nA: b\n\n", "From a@example.org Mon Feb 2\nA: b\n\n"},
		{"the same, quoted", ">From a@example.org\nX-Spam: yes\n\n", ">From a@example.org\n\n"},
		{"the same, later", "A: b\nFrom here on\nX-Spam: yes\n\n", "A: b\nFrom here on\nX-Spam: yes\n\n"},
		{"text without an empty line before", "A: b\nHello you\nX-Spam: yes\n", "A: b\nHello you\nX-Spam: yes\n"},
		{"a line that is no field", "A: b\nnothing\nX-Spam: yes\n", "A: b\nnothing\nX-Spam: yes\n"},
		{"a name that is none", "A: b\nX\xc3\xa9: c\nX-Spam: yes\n", "A: b\nX\xc3\xa9: c\nX-Spam: yes\n"},
		{"no name", "A: b\n: c\nX-Spam: yes\n", "A: b\n: c\nX-Spam: yes\n"},
		{"begins with white space", " a\nX-Spam: yes\n\n", " a\n\n"},
		{"a CR in a value", "A: b\rX-Spam: yes\nX-Spam: c\rd\nE: f\n\n", "A: b\rX-Spam: yes\nE: f\n\n"},
		{"a line that begins with a CR", "A: b\n\rX-Spam: yes\nX-Spam: yes\n", "A: b\n\rX-Spam: yes\nX-Spam: yes\n"},
		{"NUL", "A: \x00\nX-Spam: \x00\nB: c\n\n\x00", "A: \x00\nB: c\n\n\x00"},
		{"a name longer than any", strings.Repeat("y", 5000) + ": a\nX-Spam: b\n" + strings.Repeat("y", 5000) + "\nX-Spam: c\n", strings.Repeat("y", 5000) + ": a\n" + strings.Repeat("y", 5000) + "\nX-Spam: c\n"},
		{"long values", "X-Spam: " + strings.Repeat("y", 50000) + "\n " + strings.Repeat("z", 50000) + "\nA: b\n\n", "A: b\n\n"},
	} {
		for _, wire := range []bool{false, true} {
			in, want := c.in, c.want
			if wire {
				in, want = strings.ReplaceAll(in, "\n", "\r\n"), strings.ReplaceAll(want, "\n", "\r\n")
			}
			for how, r := range map[string]io.Reader{
				"whole":       strings.NewReader(in),
				"octets":      iotest.OneByteReader(strings.NewReader(in)),
				"with EOF":    iotest.DataErrReader(strings.NewReader(in)),
				"half of all": iotest.HalfReader(strings.NewReader(in)),
			} {
				got, err := io.ReadAll(iotest.OneByteReader(f.Reader(r)))
				if err != nil || string(got) != want {
					t.Errorf("%s, %s, CRLF %v: %.200q, %v; want %.200q", c.name, how, wire, got, err, want)
				}
			}
		}
	}
	if r := strings.NewReader("x"); New("", " ").Reader(r) != io.Reader(r) {
		t.Error("without names a mail should pass as it is")
	}
	if f.Has("x-spam ") || !f.Has("X-SPAM") || (*Fields)(nil).Has("x") {
		t.Error("Has is wrong about names")
	}
}

// What comes out does not depend on the pieces that came in, is a mail that nothing
// more can be taken out of, and else has all lines of the one that went in.
func TestStripAnything(t *testing.T) {
	f := New("X", "Yy")
	rapid.Check(t, func(t *rapid.T) {
		in := []byte(strings.Join(rapid.SliceOf(rapid.SampledFrom([]string{
			"X", "x", "Yy", "yY", "Z", ":", " ", "\t", "\r", "\n", "\r\n", "a", "From ", "\x00", "é", "X: 1\n", "Yy:\r\n", "Z: 2\n", " c\n",
		})).Draw(t, "in"), ""))
		want, err := io.ReadAll(f.Reader(bytes.NewReader(in)))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(f.Reader(iotest.OneByteReader(bytes.NewReader(in))))
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("in octets %q, %v; whole %q", got, err, want)
		}
		again, _ := io.ReadAll(f.Reader(bytes.NewReader(got)))
		if !bytes.Equal(again, got) && !reborn(in) {
			t.Fatalf("%q becomes %q and then %q", in, got, again)
		}
		rest := bytes.SplitAfter(in, []byte("\n"))
		for _, l := range bytes.SplitAfter(got, []byte("\n")) {
			for len(l) > 0 && len(rest) > 0 && !bytes.Equal(rest[0], l) {
				rest = rest[1:]
			}
			if len(l) > 0 && len(rest) == 0 {
				t.Fatalf("%q becomes %q, in which %q is new or out of order", in, got, l)
			}
			if len(l) > 0 {
				rest = rest[1:]
			}
		}
	})
}

// reborn tells whether what follows the first fields may stand at the start, where
// it means something else: a mailbox's line.
func reborn(in []byte) bool { return bytes.Contains(in, []byte("From ")) }

// An error of the source is told, after what came before it.
func TestStripBrokenOff(t *testing.T) {
	f := New("X")
	got, err := io.ReadAll(f.Reader(io.MultiReader(strings.NewReader("A: b\nX: 1\nC"), iotest.ErrReader(io.ErrUnexpectedEOF))))
	if err != io.ErrUnexpectedEOF || string(got) != "A: b\nC" {
		t.Errorf("%q, %v", got, err)
	}
}

// A header of any size is not kept.
func TestStripMemory(t *testing.T) {
	line := []byte("X: " + strings.Repeat("y", 997) + "\n")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	n, err := io.Copy(struct{ io.Writer }{io.Discard}, New("X").Reader(&endless{line: line, left: 100_000}))
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; n != 0 || err != nil || got > 8<<20 { // of 100 MB
		t.Errorf("%d octets, %v; took %d octets of memory", n, err, got)
	}
}

type endless struct {
	line []byte
	left int
}

func (e *endless) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	e.left--
	return copy(p, e.line), nil
}
