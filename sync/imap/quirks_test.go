package imap

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/sync/mail"
)

func TestQuirksOf(t *testing.T) {
	for _, tc := range []struct {
		host, greeting string
		want           quirks
	}{
		{"imap.example.org", "Dovecot ready.", quirks{}},
		{"imap.mail.me.com", "", quirks{noQResync: true}},
		{"p42-imap.mail.me.com", "", quirks{}}, // another host, which is not known to do so
		{"P42.IMAP.mail.me.com.", "", quirks{noQResync: true}},
		{"imap.gmail.com", "Gimap ready for requests", quirks{connections: 15}},
		{"notimap.gmail.com", "", quirks{}},
		{"outlook.office365.com", "The Microsoft Exchange IMAP4 service is ready. [QQ==]", quirks{wrongSize: true}},
		{"mail.corp.example", "The Microsoft Exchange IMAP4 service is ready.", quirks{wrongSize: true}},
		{"localhost", "IMAP4rev1 DavMail 6.3.0-3627 server ready", quirks{noStatus: true, wrongSize: true}},
		{"imap.163.com", "Coremail System IMap Server Ready", quirks{id: true}},
	} {
		if got := quirksOf(tc.host, tc.greeting); got != tc.want {
			t.Errorf("%s, %q: %+v, want %+v", tc.host, tc.greeting, got, tc.want)
		}
	}
	for _, q := range quirkTable {
		if q.about == "" || !strings.Contains(q.source, "https://") || q.set == (quirks{}) || len(q.hosts) == 0 && q.greeting == "" {
			t.Errorf("a row lacks something: %+v", q)
		}
		for _, h := range q.hosts {
			if h != strings.ToLower(h) {
				t.Errorf("%s is never matched", h)
			}
		}
	}
}

// What the quirks change in the dialogue.
func TestQuirksInUse(t *testing.T) {
	dialogue := func(greeting, host string) []string {
		f := (&fake{greeting: "* PREAUTH [CAPABILITY " + greeting}).serve(t)
		s := f.store(func(o *Options) { o.Host = host })
		must(t, surveyed(t, s))
		_, err := s.Open("INBOX", false).Scan(t.Context(), mail.Known{Count: 0, Stamp: mail.Stamp{UIDValidity: 7, UIDNext: 1, ModSeq: 5}})
		must(t, err)
		return f.commands("")
	}
	const modern = "IMAP4rev1 ENABLE CONDSTORE QRESYNC ESEARCH] hi"
	has := func(cs []string, part string) bool {
		return slices.ContainsFunc(cs, func(c string) bool { return strings.Contains(c, part) })
	}
	if cs := dialogue(modern, "imap.example.org"); !has(cs, "ENABLE QRESYNC") || !has(cs, "(QRESYNC (7 5))") || has(cs, "ID ") {
		t.Errorf("no quirks: %q", cs)
	}
	// One parameter, as Purelymail wants it.
	for _, c := range dialogue(modern, "imap.purelymail.com") {
		if strings.Contains(c, "CONDSTORE QRESYNC") || strings.Contains(c, "QRESYNC CONDSTORE") {
			t.Errorf("two parameters: %s", c)
		}
	}
	if cs := dialogue(modern, "imap.mail.me.com"); has(cs, "QRESYNC") || !has(cs, "(CONDSTORE)") || !has(cs, "CHANGEDSINCE 5") {
		t.Errorf("iCloud: %q", cs)
	}
	if cs := dialogue("IMAP4rev1] hi", "imap.163.com"); len(cs) < 2 || !strings.HasPrefix(cs[0], `ID ("name"`) {
		t.Errorf("NetEase: %q", cs)
	}
	if cs := dialogue("IMAP4rev1] IMAP4rev1 DavMail 6.3.0-3627 server ready", "localhost"); has(cs, "STATUS") {
		t.Errorf("DavMail: %q", cs)
	}
	if cs := dialogue("IMAP4rev1 IMAP4rev2 ENABLE] hi", "outlook.office365.com"); has(cs, "ENABLE") {
		t.Errorf("Microsoft 365: %q", cs)
	}
	f := (&fake{}).serve(t)
	s := f.store(func(o *Options) { o.Host, o.MaxConnections = "imap.gmail.com", 50 })
	must(t, surveyed(t, s))
	if n := s.Properties().Parallel; n != 15 {
		t.Errorf("Gmail: %d connections", n)
	}
}

// The name in the answer to ID counts as the greeting does.
func TestQuirksByID(t *testing.T) {
	f := (&fake{greeting: "* PREAUTH [CAPABILITY IMAP4rev1 ID] hi", answer: turns(map[string][]string{
		"ID":        {"* ID (\"name\" \"hMailServer\" \"version\" \"5.6\")\r\nOK done"},
		"UID FETCH": {"* 1 FETCH (UID 1 RFC822.SIZE 7 BODY[HEADER.FIELDS (MESSAGE-ID DATE)] {2}\r\n\r\n)\r\nOK done"},
	})}).serve(t)
	s := f.store(nil)
	must(t, surveyed(t, s))
	must(t, s.Open("INBOX", false).Headers(t.Context(), refs([]mail.UID{1}), func(h mail.Header) {
		if h.Size != -1 {
			t.Errorf("size %d, which is not to be trusted", h.Size)
		}
	}))
}

func TestBackoff(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"Request is throttled. Suggested Backoff Time: 299961 milliseconds": 299961 * time.Millisecond,
		"Suggested Backoff Time: 30 seconds":                                30 * time.Second,
		"suggested backoff time 5":                                          5 * time.Millisecond,
		"Suggested Backoff Time: 99999999999999999999":                      0,
		"no": 0,
	} {
		if got, _ := backoff(text); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}
