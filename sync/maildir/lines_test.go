package maildir

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"github.com/offlineimap/offlineimapd/sync/mail"
)

// body draws octets in which line ends of every kind are common, and sizes on
// both sides of the buffer's.
func body(t *rapid.T) []byte {
	parts := rapid.SampledFrom([][]string{
		{"\r\n", "x", "word"},
		{"\r\n", "\n", "\r", "x"},
		{"\r\r\n", "\r\n", "x"},
		{"\r\r\n", "\n", "\r", "text"},
		{"\n", "x\x00\xff"},
		{"\r"},
		{"\r\n"},
	}).Draw(t, "parts")
	one := rapid.SliceOfN(rapid.SampledFrom(parts), 0, 40).Draw(t, "body")
	b := []byte{}
	for _, p := range one {
		b = append(b, p...)
	}
	if rapid.IntRange(0, 3).Draw(t, "large") == 0 && len(b) > 0 {
		pad := rapid.IntRange(0, len(b)).Draw(t, "pad")
		n := rapid.IntRange(0, 3).Draw(t, "times")*bufferSize + pad
		b = append(bytes.Repeat(b, n/len(b)+1), b...)
	}
	return b
}

// crlf makes every bare LF a CRLF.
func crlf(b []byte) []byte {
	return bytes.ReplaceAll(bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n"))
}

// What comes from the wire goes back to it as it was.
func TestThereAndBack(t *testing.T) {
	s := newStore(t, Options{})
	f := newFolder(t, s, "INBOX")
	uid := mail.UID(0)
	rapid.Check(t, func(t *rapid.T) {
		wire := body(t)
		uid++
		w := f.Begin()
		defer w.Discard()
		size := int64(len(wire))
		if rapid.Bool().Draw(t, "size unknown") {
			size = -1
		}
		r := io.Reader(bytes.NewReader(wire))
		if rapid.Bool().Draw(t, "small reads") {
			r = &halves{r}
		}
		if err := w.Put(t.Context(), mail.Mail{Ref: mail.Ref{UID: uid}, Size: size}, r); err != nil {
			t.Fatal(err)
		}
		if err := s.Commit(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		var got []byte
		err := f.Fetch(t.Context(), []mail.Ref{{UID: uid}}, func(m mail.Mail, r io.Reader) (err error) {
			got, err = io.ReadAll(r)
			if m.Size != int64(len(got)) {
				t.Errorf("%d octets announced, %d came", m.Size, len(got))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, crlf(wire)) {
			t.Fatalf("%.200q\ncame back as\n%.200q", wire, got)
		}
		w = f.Begin()
		if err := w.Remove(t.Context(), []mail.UID{uid}); err != nil {
			t.Fatal(err)
		}
		if err := s.Commit(t.Context(), w); err != nil {
			t.Fatal(err)
		}
	})
}

// halves reads in small pieces, of which the last comes with the end.
type halves struct{ r io.Reader }

func (h *halves) Read(p []byte) (int, error) {
	n, err := h.r.Read(p[:(len(p)+1)/2])
	if err == nil && n == 0 {
		err = io.EOF
	}
	return n, err
}

// What another program wrote goes to the wire as the whole file says.
func TestFileToWire(t *testing.T) {
	for _, c := range []struct{ file, wire string }{
		{"", ""},
		{"x", "x"},
		{"a\nb\n", "a\r\nb\r\n"},
		{"a\r\nb\r\n", "a\r\nb\r\n"},
		{"a\r\nb\n", "a\r\r\nb\r\n"}, // as many: a file with LF, and a stray CR
		{"a\r\nb\r\nc\n", "a\r\nb\r\nc\r\n"},
		{"a\rb\n", "a\rb\r\n"},
		{"a\r", "a\r"},
		{"\r\n", "\r\n"},
		{"\n", "\r\n"},
		{"\r\r\n", "\r\r\n"},
		{"\r\n\n\n", "\r\r\n\r\n\r\n"},
	} {
		s := newStore(t, Options{})
		f := newFolder(t, s, "INBOX")
		if err := os.WriteFile(filepath.Join(s.root, "INBOX", "cur", "x"), []byte(c.file), 0o600); err != nil {
			t.Fatal(err)
		}
		got := fetchAll(t, f, mail.Ref{Key: "x"})
		if got["x"] != c.wire {
			t.Errorf("%q goes out as %q, want %q", c.file, got["x"], c.wire)
		}
	}
}

// What is in the file for what came by the wire.
func TestWireToFile(t *testing.T) {
	for _, c := range []struct{ wire, file string }{
		{"", ""},
		{"\r", "\r"},
		{"a\r\nb", "a\nb"},
		{"a\nb\r\n", "a\nb\n"},
		{"a\rb\r\n", "a\rb\n"},
		{"a\r\r\nb\r\n", "a\r\nb\n"},
		{"a\r\r\n\r\r\nb\r\n", "a\r\r\n\r\r\nb\r\n"}, // else it would come back without the second CR
		{"\r\r\n", "\r\r\n"},
		{"\r\r\n\n", "\r\n\n"},
	} {
		s := newStore(t, golden(Options{}))
		f := newFolder(t, s, "INBOX")
		putAll(t, s, f, 1, c.wire)
		got, err := os.ReadFile(filepath.Join(s.root, "INBOX/new/1795393443_0.17914.vm,U=1,FMD5=7e33429f656f1e6e9d79b29c3f82c57e:2,"))
		if err != nil || string(got) != c.file {
			t.Errorf("%q is stored as %q, want %q (%v)", c.wire, got, c.file, err)
		}
	}
}
