package maildir

import (
	"bytes"
	"io"
	"testing"

	"github.com/offlineimap/offlineimapd/internal/testenv"
	"github.com/offlineimap/offlineimapd/sync/mail"
)

// Real mails and odd ones leave the Maildir as they came.
func TestCorpus(t *testing.T) {
	s := newStore(t, Options{})
	f := newFolder(t, s, "INBOX")
	corpus := testenv.Corpus(t)
	w := f.Begin()
	defer w.Discard()
	var refs []mail.Ref
	for i, c := range corpus {
		refs = append(refs, mail.Ref{UID: mail.UID(i + 1)})
		if err := w.Put(t.Context(), mail.Mail{Ref: refs[i], Size: c.Size}, c.Open()); err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
	}
	commitAll(t, s, w)
	n := 0
	err := f.Fetch(t.Context(), refs, func(m mail.Mail, r io.Reader) error {
		n++
		c := corpus[m.Ref.UID-1]
		got, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		if int64(len(got)) != m.Size || !bytes.Equal(got, crlf(c.Bytes())) {
			t.Errorf("%s: %d octets announced, %d came, and differ", c.Name, m.Size, len(got))
		}
		return nil
	})
	if err != nil || n != len(corpus) {
		t.Errorf("%d of %d mails: %v", n, len(corpus), err)
	}
}
