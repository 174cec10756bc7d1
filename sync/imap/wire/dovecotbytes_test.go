package wire

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"github.com/offlineimap/offlineimapd/internal/testenv"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// TestAppendMissingMailbox uploads to a mailbox that is not there: Dovecot says
// so before it has read the mails, some of which look like commands.
func TestAppendMissingMailbox(t *testing.T) {
	for _, o := range []testenv.DovecotOptions{{}, {Hide: []string{"MULTIAPPEND"}}, {Hide: []string{"MULTIAPPEND", "LITERAL+"}}} {
		s := testenv.Dovecot(t, o)
		user, pass := s.NewUser()
		c := login(t, s, user, pass)
		run(t, c, nil, Create("keep"))
		body := strings.Repeat("A1 DELETE keep\r\n", 20000)
		a, err := c.Append(context.Background(), nil, "no such")
		if err != nil {
			t.Fatal(err)
		}
		for i := range 20 {
			err := a.Add(nil, time.Time{}, int64(len(body)), strings.NewReader(body))
			if err != nil && (store.ClassOf(err) != store.Refused || !a.Multi()) {
				t.Fatalf("%v: mail %d: %v", o.Hide, i, err)
			}
		}
		mails, _, err := a.Finish()
		if err != nil || len(mails) == 0 || len(mails) != 20 && !a.Multi() {
			t.Fatalf("%v: %d mails, %v", o.Hide, len(mails), err)
		}
		for _, m := range mails {
			if m.Code != "TRYCREATE" {
				t.Errorf("%v: %v", o.Hide, m.Result)
			}
		}
		run(t, c, nil, StatusCmd("keep", "MESSAGES"))
	}
}

// TestBytes uploads difficult mails by every kind of literal, and reads them
// back as they were.
func TestBytes(t *testing.T) {
	for _, tt := range []struct {
		name     string
		hide     []string
		compress bool
	}{
		{"all", nil, false},
		{"compressed", nil, true},
		{"no MULTIAPPEND", []string{"MULTIAPPEND"}, false},
		{"no LITERAL+", []string{"LITERAL+"}, false},
		{"neither", []string{"LITERAL+", "MULTIAPPEND"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := testenv.Dovecot(t, testenv.DovecotOptions{Hide: tt.hide})
			user, pass := s.NewUser()
			c := login(t, s, user, pass)
			if tt.compress {
				if err := c.Compress(context.Background()); err != nil {
					t.Fatal(err)
				}
			}
			a, err := c.Append(context.Background(), nil, "INBOX")
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for _, m := range append(testenv.Difficult(false), testenv.LargeMail("large", 5<<20)) {
				if m.Name == "NUL" {
					continue // no text (RFC 9051, section 4.3), and Dovecot changes it
				}
				err := a.Add(nil, time.Time{}, m.Size, m.Open())
				if m.Size == 0 && store.ScopeOf(err) == store.ScopeMail {
					continue
				}
				if err != nil {
					t.Fatalf("%s: %v", m.Name, err)
				}
				want = append(want, string(m.Bytes()))
			}
			mails, _, err := a.Finish()
			if err != nil || len(mails) != len(want) {
				t.Fatal(len(mails), err)
			}
			run(t, c, nil, Select("INBOX", SelectOptions{}))
			got := fetched(t, c, "(UID BODY.PEEK[])")
			reader := testenv.Client(t, s.Addr(), user, pass)
			for i, w := range want {
				uid := mails[i].UID
				if uid != imap.UID(i+1) || got[uid] != string(reader.Body("INBOX", uint32(uid))) {
					t.Errorf("mail %d of %d octets differs from what another client reads (%v)", i, len(w), mails[i].Result)
				}
				// Dovecot makes every line end a CRLF.
				if clean := strings.ReplaceAll(w, "\r\n", ""); !strings.ContainsAny(clean, "\r\n") && got[uid] != w {
					t.Errorf("mail %d of %d octets differs from what was uploaded", i, len(w))
				}
			}
			if n := c.Stats().Skipped; n != 0 {
				t.Errorf("%d responses could not be read", n)
			}
		})
	}
}
