package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/internal/testenv"
)

// hashes lists the contents of a side's INBOX, line ends aside.
func (p *person) hashes(remote bool) []string {
	p.t.Helper()
	var out []string
	if remote {
		m := p.mailer()
		defer m.Close()
		for _, x := range m.Messages("INBOX") {
			out = append(out, x.SHA256)
		}
	} else {
		for _, x := range testenv.MaildirSnapshot(p.t, p.root())["INBOX"] {
			out = append(out, x.SHA256)
		}
	}
	slices.Sort(out)
	return out
}

// Whatever a mail looks like, it goes from a server into the Maildir and from
// there to another server as it is.
func TestBytes(t *testing.T) {
	// Dovecot's own formats store CR CR LF as CR LF, and drop a CR at the end.
	one := testenv.Dovecot(t, testenv.DovecotOptions{Format: "maildir"})
	two := testenv.Dovecot(t, testenv.DovecotOptions{Format: "maildir"})
	p := newPerson(t, one)
	m := p.mailer()
	n := 0
	for _, c := range append(testenv.Corpus(t), testenv.LargeMail("large", testenv.Large)) {
		if c.Size > 0 {
			m.Append("INBOX", c.Bytes(), time.Time{})
			n++
		}
	}
	// No client can store a mail without octets, but a server can have one.
	var cur string
	filepath.WalkDir(one.MailHome(p.user), func(path string, e os.DirEntry, err error) error {
		if err == nil && e.IsDir() && e.Name() == "cur" && cur == "" {
			cur = path
		}
		return err
	})
	const empty = "1795393443.M1P1.empty,S=0,W=0:2,S"
	p.must(os.WriteFile(filepath.Join(cur, empty), nil, 0o666))
	p.must(os.Chmod(filepath.Join(cur, empty), 0o666))
	m.Close()

	if c := p.sync(); c.Downloaded != n+1 {
		t.Fatalf("%d mails came down, want %d", c.Downloaded, n+1)
	}
	here, there := p.hashes(false), p.hashes(true)
	if !slices.Equal(here, there) {
		t.Fatalf("the Maildir differs from the server: %s", difference(strings.Join(here, "\n"), strings.Join(there, "\n")))
	}

	q := newPerson(t, two)
	copyTree(t, p.root(), q.root())
	p.must(os.Remove(filepath.Join(q.root(), ".offlineimapd")))
	status, out, errs := q.run()
	if status != exitError || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, "INBOX") {
		t.Fatalf("all but the empty mail should go up, and that be told: status %d: %s%s", status, out, errs)
	}
	const nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" // SHA-256 of no octets
	here = slices.DeleteFunc(here, func(h string) bool { return h == nothing })
	if up := q.hashes(true); !slices.Equal(up, here) {
		t.Fatalf("the other server differs: %s", difference(strings.Join(up, "\n"), strings.Join(here, "\n")))
	}
}

// The same ends are reached on servers that lack what modern ones have.
func TestPlainServers(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	for name, without := range map[string][]string{
		"UIDPLUS":                 {"UIDPLUS"},
		"LITERAL+":                {"LITERAL+"},
		"CONDSTORE":               {"CONDSTORE", "QRESYNC"},
		"QRESYNC":                 {"QRESYNC"},
		"LIST-STATUS":             {"LIST-STATUS"},
		"MULTIAPPEND":             {"MULTIAPPEND"},
		"ESEARCH":                 {"ESEARCH"},
		"everything of the above": {"UIDPLUS", "LITERAL+", "CONDSTORE", "QRESYNC", "LIST-STATUS", "MULTIAPPEND", "ESEARCH"},
	} {
		t.Run(name, func(t *testing.T) {
			proxy := testenv.Proxy(t, srv.Addr(), testenv.ProxyOptions{Without: without})
			for _, sc := range scenarios {
				t.Run(sc.name, func(t *testing.T) {
					p := newPerson(t, srv)
					p.through(proxy.Addr())
					sc.begin(p)
					p.sync()
					p.inStep()
				})
			}
		})
	}
}
