package testenv

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var now = time.Date(2026, 2, 3, 4, 5, 6, 0, time.FixedZone("", 3600))

const mail1 = "Subject: one\r\n\r\nbody\r\n"

// exercise does what every test relies on, with any server.
func exercise(t *testing.T, s *Server) {
	t.Helper()
	user, pass := s.NewUser()
	m := Client(t, s.Addr(), user, pass)
	uid := m.Append("INBOX", []byte(mail1), now, `\Seen`, `\Flagged`)
	if uid == 0 {
		t.Error("no UID from APPEND")
	}
	m.Append("INBOX", []byte("Subject: two\r\n\r\n"), time.Time{})
	m.Create("Sub")
	m.Append("Sub", []byte(mail1), now)
	m.Store("INBOX", fmt.Sprint(uid), "-FLAGS", `\Seen`)
	m.Store("INBOX", fmt.Sprint(uid), "+FLAGS", `\Answered`)
	if got := string(m.Body("INBOX", uid)); got != mail1 {
		t.Errorf("body %q", got)
	}
	all := m.Snapshot()
	if len(all) != 2 || len(all["INBOX"]) != 2 || len(all["Sub"]) != 1 {
		t.Fatalf("snapshot %v", all)
	}
	first := all["INBOX"][0]
	if !slices.Equal(first.Flags, []string{`\Answered`, `\Flagged`}) || !first.Date.Equal(now) || first.UID != uid {
		t.Errorf("mail %v", first)
	}
	if first.SHA256 != all["Sub"][0].SHA256 || first.SHA256 == all["INBOX"][1].SHA256 {
		t.Errorf("hashes %v", all)
	}
	m.Expunge("INBOX", fmt.Sprint(uid))
	if got := m.Messages("INBOX"); len(got) != 1 || got[0].UID == uid {
		t.Errorf("after expunge %v", got)
	}
	m.Rename("Sub", "Other")
	m.Subscribe("Other")
	if got := m.Mailboxes(); !slices.Equal(got, []string{"INBOX", "Other"}) {
		t.Errorf("mailboxes %q", got)
	}
	m.Delete("Other")
	if got := m.Mailboxes(); !slices.Equal(got, []string{"INBOX"}) {
		t.Errorf("mailboxes %q", got)
	}
	other, _ := s.NewUser()
	if other == user || len(Client(t, s.Addr(), other, pass).Messages("INBOX")) != 0 {
		t.Error("a new user is not new")
	}
}

func TestMemory(t *testing.T) {
	s := Memory(t)
	exercise(t, s)
	at := s.Addr()
	s.Stop()
	s.Start()
	if s.Addr() != at {
		t.Errorf("address changed from %s to %s", at, s.Addr())
	}
	exercise(t, s)
}

func TestDovecot(t *testing.T) {
	for _, o := range []DovecotOptions{{}, {Format: "maildir", Separator: ".", Fsync: "optimized"}} {
		t.Run(o.Format, func(t *testing.T) { exercise(t, Dovecot(t, o)) })
	}
}

func TestDovecotRestarts(t *testing.T) {
	s := Dovecot(t, DovecotOptions{})
	user, pass := s.NewUser()
	m := Client(t, s.Addr(), user, pass)
	m.Append("INBOX", []byte(mail1), now)
	m.Close()
	for range 2 {
		s.Stop()
		if greets(s.Addr()) {
			t.Fatal("still there after Stop")
		}
		s.Start()
		m := Client(t, s.Addr(), user, pass)
		if got := m.Messages("INBOX"); len(got) != 1 {
			t.Errorf("after a restart %v", got)
		}
		m.Close()
	}
	if _, err := os.Stat(s.MailHome(user)); err != nil {
		t.Error(err)
	}
}

func TestDovecotIsGoneAfterTheTest(t *testing.T) {
	var addr, dir string
	t.Run("inner", func(t *testing.T) {
		s := Dovecot(t, DovecotOptions{})
		addr, dir = s.Addr(), filepath.Dir(s.MailHome(""))
		Client(t, addr, "idle", "pass")
	})
	if greets(addr) {
		t.Error("the server still answers")
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("the directory is still there")
	}
	procs, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, p := range procs {
		if b, _ := os.ReadFile(p); strings.Contains(string(b), filepath.Dir(dir)+"/") {
			t.Errorf("still running: %q", b)
		}
	}
}

func TestDovecotAnnounces(t *testing.T) {
	caps := func(o DovecotOptions) []string {
		line := Client(t, Dovecot(t, o).Addr(), "u", "pass").Command("CAPABILITY")[0]
		return strings.Fields(line)
	}
	all := caps(DovecotOptions{})
	for _, c := range []string{"CONDSTORE", "QRESYNC", "UIDPLUS", "LITERAL+", "LIST-STATUS", "MULTIAPPEND", "NOTIFY", "COMPRESS=DEFLATE", "MOVE", "ESEARCH"} {
		if !slices.Contains(all, c) {
			t.Errorf("%s is missing in %q", c, all)
		}
	}
	less := caps(DovecotOptions{Hide: []string{"UIDPLUS", "CONDSTORE", "COMPRESS=DEFLATE"}})
	if len(less) != len(all)-3 || slices.Contains(less, "UIDPLUS") {
		t.Errorf("hidden: %q of %q", less, all)
	}
}

func TestDovecotTLS(t *testing.T) {
	s := Dovecot(t, DovecotOptions{TLS: true})
	exercise(t, s)
	pem, err := os.ReadFile(s.CAFile())
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	nc, err := tls.Dial("tcp", s.TLSAddr(), &tls.Config{RootCAs: pool})
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	line := make([]byte, 100)
	if n, err := nc.Read(line); err != nil || !strings.HasPrefix(string(line[:n]), "* OK") {
		t.Errorf("greeting %q, %v", line[:n], err)
	}
	greeting := Client(t, s.Addr(), "u", "pass").Command("NOOP")
	if len(greeting) != 1 {
		t.Errorf("noop %q", greeting)
	}
}

// TestCorpusSurvives puts every mail on a server and reads it back; what
// Dovecot refuses or changes is written down here.
func TestCorpusSurvives(t *testing.T) {
	m := Client(t, Dovecot(t, DovecotOptions{Format: "maildir"}).Addr(), "u", "pass")
	seen := map[string]bool{}
	for _, c := range Corpus(t) {
		if seen[c.Name] {
			t.Errorf("two mails are called %s", c.Name)
		}
		seen[c.Name] = true
		body := c.Bytes()
		if int64(len(body)) != c.Size {
			t.Errorf("%s: %d octets, not %d", c.Name, len(body), c.Size)
		}
		if c.Name == "empty" {
			continue // NO Can't save a zero byte message
		}
		want := newLFHash()
		_, _ = want.Write([]byte(strings.ReplaceAll(string(body), "\x00", "\x80")))
		m.Append("INBOX", body, now)
		list := m.Messages("INBOX")
		if len(list) != 1 || list[0].SHA256 != want.Sum() {
			t.Errorf("%s: not the same: %v", c.Name, list)
		}
		m.Expunge("INBOX", "1:*")
	}
	if n := len(seen); n < 150 {
		t.Errorf("only %d mails", n)
	}
}

func TestLargeMail(t *testing.T) {
	c := LargeMail("x", 300<<10)
	a, b := c.Bytes(), c.Bytes()
	if int64(len(a)) != c.Size || string(a) != string(b) {
		t.Errorf("%d and %d octets", len(a), len(b))
	}
	if lines := slices.Sorted(strings.SplitSeq(string(a), "\r\n")); len(slices.Compact(lines)) < 3900 {
		t.Errorf("its lines repeat: %d", len(slices.Compact(lines)))
	}
}
