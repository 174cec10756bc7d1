package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/internal/testenv"
)

const twoKeywords = "customflag_a = $Label1\ncustomflag_b = Work"

// flags lists the flags of the mails in INBOX by UID, of the server in any case of
// letters.
func (p *person) flags(remote bool) string {
	p.t.Helper()
	var out []string
	if remote {
		m := p.mailer()
		defer m.Close()
		for _, x := range m.Messages("INBOX") {
			for i, f := range x.Flags {
				x.Flags[i] = strings.ToLower(f)
			}
			slices.Sort(x.Flags)
			out = append(out, fmt.Sprintf("%d %s", x.UID, strings.Join(x.Flags, " ")))
		}
	} else {
		for _, f := range testenv.MaildirSnapshot(p.t, p.root())["INBOX"] {
			out = append(out, fmt.Sprintf("%d %s", f.UID, f.Flags))
		}
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

func (p *person) wantFlags(what string, local, remote []string) {
	p.t.Helper()
	for i, want := range [][]string{local, remote} {
		if d := difference(p.flags(i == 1), strings.Join(want, "\n")); d != "" {
			p.t.Errorf("%s: %s: %s", what, []string{"here", "on the server"}[i], d)
		}
	}
}

// A keyword is its letter in both directions, whatever its case; what has no partner
// on the other side stays where it is.
func TestKeywords(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	p := newPerson(t, srv)
	p.moreLocal = twoKeywords
	p.configure()
	m := p.mailer()
	m.Append("INBOX", body(1), time.Time{}, "$label1", "NonJunk")
	m.Append("INBOX", body(2), time.Time{}, `\Seen`)
	m.Append("INBOX", body(3), time.Time{}, "$Forwarded", "WORK", `\Seen`)
	m.Append("INBOX", body(4), time.Time{}, "NonJunk")
	p.write("INBOX", 5, "PSaz", body(5))
	p.sync()
	p.wantFlags("at first",
		[]string{"1 a", "2 S", "3 PSb", "4 ", "5 PSaz"},
		[]string{"1 $label1 nonjunk", `2 \seen`, `3 $forwarded \seen work`, "4 nonjunk", `5 $forwarded $label1 \seen`})
	if c := p.sync(); c.Any() {
		t.Errorf("again: %+v", c)
	}

	p.flag("INBOX", 1, "")     // $Label1 goes
	p.flag("INBOX", 2, "PSbz") // three come, one of which has no keyword
	m.Store("INBOX", "3", "-FLAGS", "work", "$forwarded")
	m.Store("INBOX", "4", "+FLAGS", "$LABEL1")
	p.flag("INBOX", 4, "b")
	m.Store("INBOX", "5", "+FLAGS", `\Flagged`, "Other")
	p.sync()
	p.wantFlags("after changes on both sides",
		[]string{"1 ", "2 PSbz", "3 S", "4 ab", "5 FPSaz"},
		[]string{"1 nonjunk", `2 $forwarded \seen work`, `3 \seen`, "4 $label1 nonjunk work", `5 $forwarded $label1 \flagged \seen other`})
	if c := p.sync(); c.Any() {
		t.Errorf("again: %+v", c)
	}

	p.flag("INBOX", 5, "S")
	p.sync()
	p.wantFlags("letters taken away",
		[]string{"1 ", "2 PSbz", "3 S", "4 ab", "5 S"},
		[]string{"1 nonjunk", `2 $forwarded \seen work`, `3 \seen`, "4 $label1 nonjunk work", `5 \seen other`})
	if c := p.sync(); c.Any() {
		t.Errorf("again: %+v", c)
	}

	// Without the state they are united.
	p.must(os.RemoveAll(filepath.Join(p.dir, "state")))
	m.Store("INBOX", "1", "+FLAGS", "Work")
	p.flag("INBOX", 3, "Sa")
	p.sync()
	p.wantFlags("without the state",
		[]string{"1 b", "2 PSbz", "3 Sa", "4 ab", "5 S"},
		[]string{"1 nonjunk work", `2 $forwarded \seen work`, `3 $label1 \seen`, "4 $label1 nonjunk work", `5 \seen other`})
}

// withoutKeywords goes between the program and a server, which then lets nobody set
// new keywords.
func withoutKeywords(t *testing.T, server string) (addr string) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			s, err := net.Dial("tcp", server)
			if err != nil {
				c.Close()
				return
			}
			go func() {
				io.Copy(s, c)
				s.Close()
			}()
			go func() {
				defer c.Close()
				for in := bufio.NewReader(s); ; {
					line, err := in.ReadBytes('\n')
					if bytes.Contains(line, []byte("[PERMANENTFLAGS")) {
						line = bytes.Replace(line, []byte(` \*)`), []byte(")"), 1)
					}
					if _, e := c.Write(line); err != nil || e != nil {
						return
					}
				}
			}()
		}
	}()
	return ln.Addr().String()
}

// Where a server keeps no keywords the letters stay in the files, none is sent, and
// that is said once; all other flags are carried over.
func TestKeywordsNotKept(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	p := newPerson(t, srv)
	p.moreLocal = twoKeywords + "\nnametrans = lambda f: f"
	p.more = "usecompression = no"
	p.through(withoutKeywords(t, srv.Addr()))
	m := p.mailer()
	m.Append("INBOX", body(1), time.Time{})
	m.Append("INBOX", body(2), time.Time{}, `\Seen`)
	p.sync()
	p.flag("INBOX", 1, "FPa")
	p.flag("INBOX", 2, "b")
	p.write("INBOX", 3, "PSab", body(3))
	p.write("Other", 4, "Sa", body(4))
	for range 2 {
		status, out, errs := p.run()
		if n := strings.Count(out+errs, "lets nobody set the keywords $Label1, Work"); status != exitOK || n > 1 || n == 0 && strings.Contains(out, "uploaded") {
			t.Errorf("status %d, said %d times: %s%s", status, n, out, errs)
		}
		p.wantFlags("letters", []string{"1 FPa", "2 b", "3 PSab"}, []string{`1 \flagged`, "2 ", `3 \seen`})
	}
	m.Store("INBOX", "1:3", "+FLAGS", `\Answered`)
	p.sync()
	p.wantFlags("after a change there", []string{"1 FPRa", "2 Rb", "3 PRSab"}, []string{`1 \answered \flagged`, `2 \answered`, `3 \answered \seen`})

	// As soon as it keeps them, they go there.
	p.through(srv.Addr())
	m.Store("INBOX", "2", "+FLAGS", `\Draft`)
	p.sync()
	p.wantFlags("when it keeps them", []string{"1 FPRa", "2 DRb", "3 PRSab"},
		[]string{`1 $forwarded $label1 \answered \flagged`, `2 \answered \draft work`, `3 $forwarded $label1 \answered \seen work`})
}

// A tree with names of both kinds is read whichever kind is written, in both
// directions.
func TestNamesOfBothKinds(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	for _, windows := range []string{"yes", "no"} {
		p := newPerson(t, srv)
		p.filters("X-None\nmaildir-windows-compatible = " + windows)
		m := p.mailer()
		m.Append("INBOX", body(1), time.Time{}, `\Seen`)
		m.Append("INBOX", body(2), time.Time{})
		p.sync()
		sep := map[string]string{"yes": "!2,", "no": ":2,"}[windows]
		other := map[string]string{"yes": ":2,", "no": "!2,"}[windows]
		cur := filepath.Join(p.root(), "INBOX", "cur")
		p.must(os.WriteFile(filepath.Join(cur, "3.own"+sep+"FS"), body(3), 0o600))
		p.must(os.WriteFile(filepath.Join(cur, "4.other"+other+"RS"), body(4), 0o600))
		f := p.file("INBOX", 1)
		p.must(os.Rename(f, strings.Replace(f, sep, other, 1)+"D"))
		m.Store("INBOX", "2", "+FLAGS", `\Flagged`)
		p.sync()
		p.wantFlags(windows, []string{"1 DS", "2 F", "3 FS", "4 RS"}, []string{`1 \draft \seen`, `2 \flagged`, `3 \flagged \seen`, `4 \answered \seen`})
		for uid := 2; uid <= 4; uid++ {
			if f := p.file("INBOX", uid); !strings.Contains(f, sep) || strings.Contains(f, other) {
				t.Errorf("%s: %d is named %s", windows, uid, f)
			}
		}
		if c := p.sync(); c.Any() {
			t.Errorf("%s, again: %+v", windows, c)
		}
	}
}
