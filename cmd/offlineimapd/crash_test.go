package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/internal/testenv"
)

// body makes a mail in wire form.
func body(n int) []byte {
	return fmt.Appendf(nil, "From: a@example.org\r\nMessage-ID: <%d@example.org>\r\nDate: Mon, 23 Nov 2026 09:00:00 +0000\r\nSubject: mail %d\r\n\r\nText of mail %d.\r\n", n, n, n)
}

func large(n int) []byte {
	return append(body(n), bytes.Repeat([]byte("All work and no play makes Jack a dull boy, says mail.\r\n"), 20_000)...)
}

// write puts a mail into the Maildir as a mail reader does.
func (p *person) write(folder string, n int, flags string, wire []byte) {
	p.t.Helper()
	dir := filepath.Join(p.root(), folder)
	for _, d := range []string{"cur", "new", "tmp"} {
		p.must(os.MkdirAll(filepath.Join(dir, d), 0o700))
	}
	p.must(os.WriteFile(filepath.Join(dir, "cur", fmt.Sprintf("179539%d.R%d.here:2,%s", n, n, flags)), bytes.ReplaceAll(wire, []byte("\r\n"), []byte("\n")), 0o600))
}

// file finds the file of a UID.
func (p *person) file(folder string, uid int) string {
	p.t.Helper()
	all, _ := filepath.Glob(filepath.Join(p.root(), folder, "*", fmt.Sprintf("*,U=%d,*", uid)))
	if len(all) != 1 {
		p.t.Fatalf("UID %d of %s has the files %v", uid, folder, all)
	}
	return all[0]
}

func (p *person) unlink(folder string, uid int) { p.t.Helper(); p.must(os.Remove(p.file(folder, uid))) }

func (p *person) flag(folder string, uid int, flags string) {
	p.t.Helper()
	from := p.file(folder, uid)
	base, _, _ := strings.Cut(filepath.Base(from), ":2,")
	p.must(os.Rename(from, filepath.Join(p.root(), folder, "cur", base+":2,"+flags)))
}

// scenario is a change on two sides that were in step with ten mails.
type scenario struct {
	name   string
	change func(p *person, m *testenv.Mailer)
}

var scenarios = []scenario{
	{"quiet", func(p *person, m *testenv.Mailer) {}},
	{"new", func(p *person, m *testenv.Mailer) {
		for i := range 3 {
			m.Append("INBOX", body(100+i), time.Time{}, `\Flagged`)
			p.write("INBOX", 200+i, "S", body(200+i))
		}
	}},
	{"flags", func(p *person, m *testenv.Mailer) {
		m.Store("INBOX", "2,3", "+FLAGS", `\Seen`, `\Answered`)
		p.flag("INBOX", 3, "F")
		p.flag("INBOX", 5, "DS")
	}},
	{"deleted", func(p *person, m *testenv.Mailer) {
		m.Expunge("INBOX", "1,4")
		p.unlink("INBOX", 4)
		p.unlink("INBOX", 6)
		p.unlink("INBOX", 7)
	}},
	{"both sides", func(p *person, m *testenv.Mailer) {
		m.Append("INBOX", body(100), time.Time{})
		p.write("INBOX", 200, "", body(200))
		p.write("Lists", 201, "R", body(201))
		m.Store("INBOX", "2", "+FLAGS", `\Seen`)
		p.flag("INBOX", 2, "F")
		m.Expunge("INBOX", "8")
		p.unlink("INBOX", 9)
		p.unlink("Lists", 1)
	}},
	{"folders", func(p *person, m *testenv.Mailer) {
		m.Create("Work/2026")
		m.Append("Work/2026", body(100), time.Time{}, `\Seen`)
		p.write("Private", 200, "S", body(200))
		p.write("Private.old", 201, "", body(201))
	}},
	{"large", func(p *person, m *testenv.Mailer) {
		m.Append("INBOX", large(100), time.Time{})
		p.write("INBOX", 200, "S", large(200))
		p.write("INBOX", 201, "S", body(201))
	}},
}

// started is a person whose sides were in step before the scenario.
func started(t testing.TB, srv *testenv.Server, sc scenario) *person {
	t.Helper()
	p := newPerson(t, srv)
	sc.begin(p)
	return p
}

// begin brings both sides of a new person in step, and then applies the scenario.
func (sc scenario) begin(p *person) {
	p.t.Helper()
	m := p.mailer()
	defer m.Close()
	for i := range 10 {
		m.Append("INBOX", body(i), time.Time{})
	}
	m.Create("Lists")
	for i := range 3 {
		m.Append("Lists", body(50+i), time.Time{}, `\Seen`)
	}
	p.sync()
	sc.change(p, m)
}

// Whatever cuts a run off, wherever, the next ones reach the end that an
// undisturbed run reaches: nothing lost, nothing doubled.
func TestCutOffEverywhere(t *testing.T) {
	t.Parallel()
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	for _, sc := range scenarios {
		t.Run(sc.name, func(t *testing.T) {
			t.Parallel()
			proxy := testenv.Proxy(t, srv.Addr(), testenv.ProxyOptions{})
			before := started(t, srv, sc)

			whole := before.clone(t)
			whole.through(proxy.Addr())
			whole.sync()
			exchanges := int(proxy.Stats().Exchanges)
			want := whole.local()
			whole.inStep()

			after := func(p *person, what string) {
				t.Helper()
				p.through(srv.Addr())
				status, out, errs := p.run()
				if status != exitOK {
					t.Fatalf("%s: the next run ended with %d: %s", what, status, errs)
				}
				if r := p.remote(); r != want {
					t.Fatalf("%s: on the server: %s\n%s%s", what, difference(r, want), out, errs)
				}
				if l := p.local(); l != want {
					t.Fatalf("%s: %s", what, difference(l, want))
				}
				p.inStep()
			}
			for n := 1; n <= exchanges; n++ {
				for _, w := range []testenv.Where{testenv.Before, testenv.Inside, testenv.After} {
					p := before.clone(t)
					p.through(proxy.Addr())
					proxy.Reset()
					proxy.CutAt(n, w)
					p.run()
					after(p, fmt.Sprintf("cut %s exchange %d", w, n))

					p = before.clone(t)
					p.through(proxy.Addr())
					proxy.Reset()
					p.killed(0, func(kill func()) { proxy.DoAt(n, w, kill) })
					after(p, fmt.Sprintf("killed %s exchange %d", w, n))
				}
			}
			for step, on := 1, true; on; step++ {
				p := before.clone(t)
				on = p.killed(step, nil)
				after(p, fmt.Sprintf("killed at step %d of the state", step))
			}
		})
	}
}
