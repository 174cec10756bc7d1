package imap

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/offlineimap/offlineimapd/sync/mail"
)

// BenchmarkFetch reads 5000 mails of 4 kB from a server that only writes.
func BenchmarkFetch(b *testing.B) {
	const n = 5000
	body := strings.Repeat("Some line of text that fills the mail\r\n", 100)
	var sb strings.Builder
	uids := make([]mail.UID, n)
	for i := range n {
		uids[i] = mail.UID(i + 1)
		fmt.Fprintf(&sb, "* %d FETCH (UID %[1]d FLAGS (\\Seen) %s BODY[] {%d}\r\n%s)\r\n", i+1, atDate, len(body), body)
	}
	f := (&fake{slices: true, answer: turns(map[string][]string{"SELECT": {opened(7, n+1, 10, n)}, "UID FETCH": {sb.String() + "OK done"}})}).serve(b)
	s := f.store(nil)
	b.SetBytes(int64(n * len(body)))
	b.ReportAllocs()
	for b.Loop() {
		got := 0
		err := s.Open("Box", false).Fetch(b.Context(), refs(uids), func(_ mail.Mail, r io.Reader) error {
			got++
			_, err := io.Copy(io.Discard, r)
			return err
		})
		if err != nil || got != n {
			b.Fatalf("%d mails, %v", got, err)
		}
	}
}

// BenchmarkPut uploads 1000 mails of 4 kB in one MULTIAPPEND.
func BenchmarkPut(b *testing.B) {
	body := bytes.Repeat([]byte("Some line of text that fills the mail\r\n"), 100)
	f := (&fake{greeting: multi}).serve(b)
	s := f.store(nil)
	b.SetBytes(int64(1000 * len(body)))
	b.ReportAllocs()
	var r bytes.Reader
	for b.Loop() {
		w := s.Open("Box", false).Begin()
		for range 1000 {
			r.Reset(body)
			if err := w.Put(b.Context(), mail.Mail{Flags: mail.Seen, Size: int64(len(body))}, &r); err != nil {
				b.Fatal(err)
			}
		}
		if err := s.Commit(b.Context(), w); err != nil || w.Err() != nil {
			b.Fatal(err, w.Err())
		}
		f.mu.Lock()
		f.said = nil
		f.mu.Unlock()
	}
}
