package imap

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/internal/testenv"
	"github.com/offlineimap/offlineimapd/sync/store"
)

func TestDescribe(t *testing.T) {
	d := testenv.Dovecot(t, testenv.DovecotOptions{})
	user, pass := d.NewUser()
	s := closing(t, New(options(d.Addr(), user, pass)))
	got, err := s.Describe(t.Context())
	must(t, err)
	if !strings.Contains(got.Greeting, "ready") || !slices.Contains(got.Capabilities, "QRESYNC") || !slices.IsSorted(got.Capabilities) {
		t.Errorf("%+v", got)
	}
}

// What a person names is removed with its mails, and nothing else; what is not
// there is an error.
func TestDelete(t *testing.T) {
	d := testenv.Dovecot(t, testenv.DovecotOptions{})
	user, pass := d.NewUser()
	m := testenv.Client(t, d.Addr(), user, pass)
	m.Create("Old")
	m.Create("Older")
	m.Append("Old", letter(1), time.Time{})
	s := closing(t, New(options(d.Addr(), user, pass)))
	must(t, s.Delete(t.Context(), "Old"))
	boxes, err := s.Survey(t.Context())
	must(t, err)
	has := func(name string) bool {
		return slices.ContainsFunc(boxes, func(b store.Mailbox) bool { return b.Name == name })
	}
	if has("Old") || !has("Older") || !has("INBOX") {
		t.Errorf("%+v", boxes)
	}
	if err := s.Delete(t.Context(), "Old"); err == nil || !strings.Contains(err.Error(), `"Old"`) {
		t.Errorf("deleted once more: %v", err)
	}
}
