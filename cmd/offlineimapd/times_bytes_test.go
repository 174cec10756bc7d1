package main

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/internal/testenv"
)

// altered are mails that OfflineIMAP 8 alters, or cannot store, because it takes them
// apart and puts them together again; and some that it leaves as they are.
func altered() map[string]string {
	const head = "From: a@example.org\r\nMIME-Version: 1.0\r\n"
	const mixed = head + "Content-Type: multipart/mixed; boundary=\"x\"\r\n\r\n"
	inner := base64.StdEncoding.EncodeToString([]byte("Subject: inner\r\n\r\ntext\r\n"))
	return map[string]string{
		"a CR alone":                        head + "\r\none\rtwo\r\n",
		"a form feed in the header":         head + "X-A: one\ftwo\r\n\r\ntext\r\n",
		"a file separator in the header":    head + "X-A: one\x1ctwo\x1d\x1e\x85\r\n\r\ntext\r\n",
		"a vertical tab in the header":      head + "X-A: one\vtwo\r\n\r\ntext\r\n",
		"nothing behind the colon":          head + "X-A:one\r\nX-B:\r\nX-C: \r\n\r\ntext\r\n",
		"two spaces behind the colon":       head + "X-A:  one\r\nX-B:   \r\n\r\ntext\r\n",
		"a tab behind the colon":            head + "X-A:\tone\r\nX-B: \ttwo\r\n\r\ntext\r\n",
		"white space before the colon":      head + "X-A : one\r\n\r\ntext\r\n",
		"junk in the header":                head + "no field at all\r\nX-A: one\r\n\r\ntext\r\n",
		"a mailbox's line first":            "From a@example.org Mon Feb  2 03:04:05 2026\r\n" + head + "\r\ntext\r\n",
		"no closing boundary":               mixed + "--x\r\n\r\none\r\n--x\r\n\r\ntwo\r\n",
		"a boundary with spaces, unquoted":  head + "Content-Type: multipart/mixed; boundary=one two\r\n\r\n--one two\r\n\r\ntext\r\n--one two--\r\n",
		"blanks behind boundaries":          mixed + "--x \t\r\n\r\none\r\n--x--  \r\n",
		"a mail in base64":                  mixed + "--x\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n" + inner + "\r\n--x--\r\n",
		"no empty line behind the header":   head + "Subject: all\r\n",
		"no start boundary, and 8-bit text": mixed + "\xe4\xf6\xfc\r\n--x--\r\n",
		"only LF":                           "\r\n",
		"folded":                            head + "Subject: one\r\n two\r\n\tthree\r\n \r\n\r\ntext\r\n",
		"encoded words":                     head + "Subject: =?utf-8?Q?=C3=A4?= =?x-none?B?!!?=\r\n\r\ntext\r\n",
		"raw UTF-8":                         head + "Subject: \xc3\xa4\r\n\r\n\xc3\xa4\r\n",
		"raw Latin-1":                       head + "Subject: \xe4\r\n\r\n\xe4\r\n",
		"a line of 20,000 octets":           head + "X-A: " + strings.Repeat("y", 20000) + "\r\n\r\n" + strings.Repeat("z", 20000) + "\r\n",
		"the same field again":              head + "Subject: a\r\nSubject: b\r\nMessage-ID: <a\r\nMessage-ID: b>\r\nDate: never\r\n\r\ntext\r\n",
		"a text of blank lines":             head + "\r\n\r\n\r\n \r\n\r\n",
		"CRLF in base64 and dots":           head + "Content-Transfer-Encoding: base64\r\n\r\n" + inner + "=\r\n.\r\n..\r\n",
	}
}

// What OfflineIMAP 8 alters goes down and up as it is, octet by octet, with the
// options on that look into headers.
func TestBytesThatOfflineIMAPAlters(t *testing.T) {
	one := testenv.Dovecot(t, testenv.DovecotOptions{Format: "maildir"})
	two := testenv.Dovecot(t, testenv.DovecotOptions{Format: "maildir"})
	p := newPerson(t, one)
	p.moreLocal = "utime_from_header = yes\nfilename_use_mail_timestamp = yes"
	p.configure()
	p.filters("X-Not-There")
	m := p.mailer()
	var down, up []string
	files := map[string]bool{}
	for _, text := range altered() {
		m.Append("INBOX", []byte(text), time.Time{})
		down = append(down, testenv.SHA256([]byte(text)))
		files[strings.ReplaceAll(text, "\r\n", "\n")] = true
	}
	slices.Sort(down)
	if got := p.hashes(true); !slices.Equal(got, down) {
		t.Fatal("the server has altered something")
	}
	p.sync()
	if got := p.hashes(false); !slices.Equal(got, down) {
		t.Errorf("the Maildir: %s", difference(strings.Join(got, "\n"), strings.Join(down, "\n")))
	}
	all, err := filepath.Glob(filepath.Join(p.root(), "INBOX", "*", "*,U=*"))
	p.must(err)
	for _, f := range all {
		b, err := os.ReadFile(f)
		p.must(err)
		if !files[string(b)] {
			t.Errorf("%s is none of the mails: %.200q", f, b)
		}
	}
	if len(all) != len(files) {
		t.Errorf("%d files, want %d", len(all), len(files))
	}

	// To another server, without what would be found again; some in the form of the
	// wire, as other programs may leave them.
	q := newPerson(t, two)
	q.moreLocal = p.moreLocal
	q.configure()
	q.filters("X-Not-There")
	n := 0
	for _, text := range altered() {
		n++
		q.write("INBOX", n, "S", []byte(text))
		up = append(up, testenv.SHA256([]byte(text)))
	}
	const wire = "From: a@example.org\r\nX-A:  one\r\nX-Not-There: x\r\n\r\ntext\r\n"
	q.must(os.WriteFile(filepath.Join(q.root(), "INBOX", "cur", "wire.1.here:2,"), []byte(wire), 0o600))
	up = append(up, testenv.SHA256(bytes.Replace([]byte(wire), []byte("X-Not-There: x\r\n"), nil, 1)))
	slices.Sort(up)
	q.sync()
	if got := q.hashes(true); !slices.Equal(got, up) {
		t.Errorf("the other server: %s", difference(strings.Join(got, "\n"), strings.Join(up, "\n")))
	}
	if c := q.sync(); c.Any() {
		t.Errorf("again: %+v", c)
	}
}
