package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// The programs, as they are called in the report.
const (
	ours        = "offlineimapd"
	mbsync      = "mbsync"
	offlineIMAP = "OfflineIMAP"
	rawLoop     = "raw loop" // no synchroniser: the floor of a first sync
)

var programNames = []string{ours, mbsync, offlineIMAP}

// seat is one program with an account and a Maildir tree of its own.
type seat struct {
	program    string
	user, pass string
	dir        string // for all of it
	mail       string // the Maildir tree
	argv       []string
	touched    time.Time // when the tree was last changed, by whomever
}

// newSeat writes the configuration of a program for the account that is
// reached at addr. durable is off only to prepare what is not measured.
func newSeat(e *env, o options, program, addr, user, pass string, durable bool) *seat {
	s := &seat{program: program, user: user, pass: pass, dir: e.TempDir()}
	s.mail = filepath.Join(s.dir, "mail")
	for _, sub := range []string{"mail", "state"} {
		if err := os.MkdirAll(filepath.Join(s.dir, sub), 0o700); err != nil {
			e.Fatalf("%v", err)
		}
	}
	s.configure(e, o, addr, durable)
	return s
}

// configure writes the configuration anew, for another address or durability.
func (s *seat) configure(e *env, o options, addr string, durable bool) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		e.Fatalf("%v", err)
	}
	file := filepath.Join(s.dir, "config")
	var config string
	switch s.program {
	case mbsync:
		config = s.mbsyncConfig(host, port, durable)
		s.argv = []string{"mbsync", "-q", "-c", file, "-a"}
	case offlineIMAP:
		config = s.offlineIMAPConfig(host, port, durable)
		s.argv = []string{"offlineimap", "-o", "-u", "quiet", "-c", file}
	case ours:
		config = s.offlineIMAPConfig(host, port, durable)
		s.argv = []string{o.binary, "--once", "-c", file}
	case rawLoop:
		self, err := os.Executable()
		if err != nil {
			e.Fatalf("%v", err)
		}
		s.argv = []string{self, rawLoopVerb, addr, s.user, s.pass, s.mail}
		return
	}
	if _, err := exec.LookPath(s.argv[0]); err != nil {
		e.Fatalf("%v; make bench builds or installs what is missing", err)
	}
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		e.Fatalf("%v", err)
	}
}

// Only what must be said is said: all else is each program's default.

func (s *seat) mbsyncConfig(host, port string, durable bool) string {
	lines := []string{
		"IMAPAccount bench", "Host " + host, "Port " + port, "User " + s.user, "Pass " + s.pass, "SSLType None", "AuthMechs LOGIN", "",
		"IMAPStore far", "Account bench", "",
		"MaildirStore near", "Path " + s.mail + "/", "Inbox " + s.mail + "/INBOX", "SubFolders Verbatim", "",
		"Channel bench", "Far :far:", "Near :near:", "Patterns *", "Create Both", "Expunge Both", "SyncState " + s.dir + "/state/",
	}
	if !durable {
		lines = append([]string{"FSync no", ""}, lines...)
	}
	return strings.Join(lines, "\n") + "\n"
}

func (s *seat) offlineIMAPConfig(host, port string, durable bool) string {
	return fmt.Sprintf(`[general]
accounts = bench
metadata = %s/state
fsync = %v

[Account bench]
localrepository = near
remoterepository = far

[Repository near]
type = Maildir
localfolders = %s

[Repository far]
type = IMAP
remotehost = %s
remoteport = %s
ssl = no
starttls = no
remoteuser = %s
remotepass = %s
`, s.dir, durable, s.mail, host, port, s.user, s.pass)
}
