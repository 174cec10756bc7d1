package maildir

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/sync/mail"
)

// large fills a folder with n empty mails that have rested.
func large(b *testing.B, n int) *folder {
	b.Helper()
	s := newStore(b, Options{})
	f := newFolder(b, s, "INBOX")
	for i := range n {
		name := s.freshName(f.scheme, mail.UID(i+1)) + ":2,S"
		fd, err := os.Create(filepath.Join(s.path("INBOX"), "cur", name))
		if err != nil {
			b.Fatal(err)
		}
		fd.Close()
	}
	old := time.Now()
	s.o.Now = func() time.Time { return old.Add(time.Hour) }
	return f
}

func BenchmarkScan200000(b *testing.B) {
	f := large(b, 200_000)
	b.ReportAllocs()
	b.ResetTimer()
	for b.Loop() {
		if snap := scanAll(b, f, mail.Known{Count: 200_000}); len(snap.Entries) != 200_000 {
			b.Fatal(len(snap.Entries))
		}
	}
}

func BenchmarkUnchanged(b *testing.B) {
	f := large(b, 100)
	known := mail.Known{Stamp: scanAll(b, f, mail.Known{}).Stamp}
	b.ReportAllocs()
	for b.Loop() {
		if !scanAll(b, f, known).Unchanged {
			b.Fatal("changed")
		}
	}
}

func BenchmarkPut(b *testing.B) {
	body := bytes.Repeat([]byte("A line of a mail that is about as long as they are in most mails.\r\n"), 75) // 5 kB
	for _, durable := range []bool{false, true} {
		b.Run(fmt.Sprintf("durable=%v", durable), func(b *testing.B) {
			s := newStore(b, Options{Durable: durable})
			f := newFolder(b, s, "INBOX")
			w := f.Begin()
			uid := mail.UID(0)
			r := bytes.NewReader(nil)
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				uid++
				r.Reset(body)
				if err := w.Put(b.Context(), mail.Mail{Ref: mail.Ref{UID: uid}, Size: int64(len(body))}, r); err != nil {
					b.Fatal(err)
				}
				if uid%500 == 0 {
					commitAll(b, s, w)
					w = f.Begin()
				}
			}
			commitAll(b, s, w)
		})
	}
}

func BenchmarkFetch(b *testing.B) {
	s := newStore(b, Options{})
	f := newFolder(b, s, "INBOX")
	body := string(bytes.Repeat([]byte("A line of a mail that is about as long as they are in most mails.\r\n"), 75))
	bodies, refs := make([]string, 1000), make([]mail.Ref, 1000)
	for i := range bodies {
		bodies[i], refs[i].UID = body, mail.UID(i+1)
	}
	putAll(b, s, f, 1, bodies...)
	b.ReportAllocs()
	b.SetBytes(int64(1000 * len(body)))
	for b.Loop() {
		err := f.Fetch(b.Context(), refs, func(_ mail.Mail, r io.Reader) error {
			_, err := io.Copy(io.Discard, r)
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkToFile(b *testing.B) {
	body := bytes.Repeat([]byte("A line of a mail that is about as long as they are in most mails.\r\n"), 1500)
	buf := make([]byte, len(body))
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		copy(buf, body)
		var t tally
		t.toFile(buf, 0)
	}
}
