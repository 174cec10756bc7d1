package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/internal/testenv"
)

// filters sets filterheaders.
func (p *person) filters(names string) {
	p.t.Helper()
	b, err := os.ReadFile(p.config())
	p.must(err)
	p.must(os.WriteFile(p.config(), bytes.Replace(b, []byte("[Account work]"), []byte("[Account work]\nfilterheaders = "+names), 1), 0o600))
}

const filtered = "X-Secret, Message-ID, x-status"

// secret makes a mail that loses fields on its way to the server: n%3 is 0 for one
// that has a Message-ID, 1 for one that has none, and 2 for one with nothing to
// lose and a Message-ID or none.
func secret(n int) []byte {
	b := body(n)
	if n%3 != 0 {
		b = bytes.Replace(b, fmt.Appendf(nil, "Message-ID: <%d@example.org>\r\n", n), nil, 1)
	}
	if n%3 != 2 {
		b = slices.Concat([]byte("X-SECRET: one\r\n two\r\n"), bytes.Replace(b, []byte("Subject"), []byte("X-Status: RO\r\nSubject"), 1), []byte("X-Secret: in the text\r\n"))
	}
	return b
}

// sentSecret is what of it arrives.
func sentSecret(n int) []byte {
	b := secret(n)
	for _, field := range []string{"X-SECRET: one\r\n two\r\n", "X-Status: RO\r\n", fmt.Sprintf("Message-ID: <%d@example.org>\r\n", n)} {
		b = bytes.Replace(b, []byte(field), nil, 1)
	}
	return b
}

// subjects lists the mails of a side's INBOX by their hashes.
func (p *person) contents(remote bool) string { return strings.Join(p.hashes(remote), "\n") }

func hashesOf(mails ...[]byte) string {
	var out []string
	for _, m := range mails {
		out = append(out, testenv.SHA256(m))
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

// filterer is a person with two mails that came from the server, with the fields in
// them, and four that are to go up.
func filterer(t testing.TB, srv *testenv.Server) (p *person, here, there string) {
	p = newPerson(t, srv)
	p.filters(filtered)
	m := p.mailer()
	m.Append("INBOX", secret(300), time.Time{})
	m.Append("INBOX", secret(301), time.Time{})
	p.sync()
	a, b := [][]byte{secret(300), secret(301)}, [][]byte{secret(300), secret(301)}
	for n := 30; n < 34; n++ {
		p.write("INBOX", n, "S", secret(n))
		a, b = append(a, secret(n)), append(b, sentSecret(n))
	}
	return p, hashesOf(a...), hashesOf(b...)
}

// Fields that filterheaders names do not go up, and nothing else is altered; the
// files here keep them, and none is sent again, nor downloaded, whatever is lost
// here of what both sides agreed on.
func TestFilterHeaders(t *testing.T) {
	t.Parallel()
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	p, here, there := filterer(t, srv)
	quiet := func(what string) {
		t.Helper()
		if c := p.sync(); c.Downloaded+c.Uploaded+c.RemovedLocal+c.RemovedRemote > 0 {
			t.Errorf("%s: it did %+v", what, c)
		}
		if got := p.contents(false); got != here {
			t.Fatalf("%s: the Maildir: %s", what, difference(got, here))
		}
		if got := p.contents(true); got != there {
			t.Fatalf("%s: the server: %s", what, difference(got, there))
		}
	}
	if c := p.sync(); c.Uploaded != 4 {
		t.Fatalf("it did %+v", c)
	}
	quiet("again")

	p.must(os.RemoveAll(filepath.Join(p.dir, "state")))
	quiet("without the state")

	files, err := filepath.Glob(filepath.Join(p.root(), "INBOX", "*", "*,U=*"))
	p.must(err)
	if len(files) != 6 {
		t.Fatalf("there are %v", files)
	}
	for i, f := range files {
		p.must(os.Rename(f, filepath.Join(p.root(), "INBOX", "cur", fmt.Sprintf("%d.other:2,S", i))))
	}
	p.must(os.RemoveAll(filepath.Join(p.dir, "state")))
	quiet("without the state and with other names")

	// Twins: a copy of a file with the UID in its name is a mail of its own.
	f := p.file("INBOX", 3)
	p.must(os.WriteFile(filepath.Join(filepath.Dir(f), "1"+filepath.Base(f)), secret(45), 0o600))
	p.must(os.RemoveAll(filepath.Join(p.dir, "state")))
	if c := p.sync(); c.Uploaded != 1 || c.Downloaded+c.RemovedLocal+c.RemovedRemote != 0 {
		t.Errorf("with another file of the same UID it did %+v", c)
	}

	p.unlink("INBOX", 4)
	if c := p.sync(); c.RemovedRemote != 1 || c.Uploaded+c.Downloaded+c.RemovedLocal != 0 {
		t.Errorf("after one was removed here it did %+v", c)
	}
}

// However an upload is cut off, no mail is doubled, although what the server has is
// not what the file has.
func TestFilterHeadersCutOff(t *testing.T) {
	t.Parallel()
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	proxy := testenv.Proxy(t, srv.Addr(), testenv.ProxyOptions{})
	before, here, there := filterer(t, srv)
	cut := func(addr string) *person {
		p := before.clone(t)
		p.through(addr)
		p.filters(filtered)
		return p
	}
	whole := cut(proxy.Addr())
	whole.sync()
	exchanges := int(proxy.Stats().Exchanges)

	after := func(p *person, what string) {
		t.Helper()
		p.through(srv.Addr())
		p.filters(filtered)
		if status, _, errs := p.run(); status != exitOK {
			t.Fatalf("%s: the next run ended with %d: %s", what, status, errs)
		}
		if got := p.contents(true); got != there {
			t.Fatalf("%s: the server: %s", what, difference(got, there))
		}
		if got := p.contents(false); got != here {
			t.Fatalf("%s: the Maildir: %s", what, difference(got, here))
		}
		if c := p.sync(); c.Any() {
			t.Fatalf("%s: something was left to do: %+v", what, c)
		}
	}
	for n := 1; n <= exchanges; n++ {
		for _, w := range []testenv.Where{testenv.Before, testenv.Inside, testenv.After} {
			p := cut(proxy.Addr())
			proxy.Reset()
			p.killed(0, func(kill func()) { proxy.DoAt(n, w, kill) })
			after(p, fmt.Sprintf("killed %s exchange %d", w, n))
		}
	}
	for step, on := 1, true; on; step++ {
		p := cut(srv.Addr())
		on = p.killed(step, nil)
		after(p, fmt.Sprintf("killed at step %d of the state", step))
	}
}
