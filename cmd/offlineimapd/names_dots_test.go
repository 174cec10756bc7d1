package main

import (
	"crypto/md5"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/internal/testenv"
)

// dirs are the local folders, relative to the root.
func (p *person) dirs() string {
	p.t.Helper()
	var out []string
	for f := range testenv.MaildirSnapshot(p.t, p.root()) {
		out = append(out, f)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func (p *person) mailboxes() string {
	p.t.Helper()
	m := p.mailer()
	defer m.Close()
	all := m.Mailboxes()
	slices.Sort(all)
	return strings.Join(all, " ")
}

// stamped checks that file names carry the MD5 of a name.
func (p *person) stamped(folder, visible string) {
	p.t.Helper()
	sum := md5.Sum([]byte(visible))
	want := ",FMD5=" + hex.EncodeToString(sum[:])
	for _, f := range testenv.MaildirSnapshot(p.t, p.root())[folder] {
		if !strings.Contains(f.Name, want) {
			p.t.Errorf("%s/%s has not the MD5 of %q", folder, f.Name, visible)
		}
	}
}

func (p *person) makeFolder(name string) {
	p.t.Helper()
	for _, sub := range []string{"cur", "new", "tmp"} {
		p.must(os.MkdirAll(filepath.Join(p.root(), name, sub), 0o700))
	}
}

// A mailbox with the local separator in its name, which OfflineIMAP ignores: it is
// synced under a name that leads back to it, with and without a nametrans that
// makes dots of its own; what OfflineIMAP left behind does not go up, and what it
// has synced is not transferred again.
func TestNamesWithDots(t *testing.T) {
	t.Parallel()
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	for _, tc := range []struct {
		name, local, remote string
		dot                 string // before each local name
		before, after       string // local folders after OfflineIMAP and after us
	}{
		{"plain", "", "", "",
			"INBOX Lists.foo.bar Lists.plain v1.2",
			"INBOX Lists.foo%2Ebar Lists.foo.bar Lists.plain v1%2E2 v1.2"},
		{"Maildir++", `nametrans = lambda f: re.sub(r'^\.', '', f)`, `nametrans = lambda f: re.sub('^', '.', f)`, ".",
			".INBOX .Lists.foo.bar .Lists.plain .v1.2",
			".INBOX .Lists.foo%2Ebar .Lists.foo.bar .Lists.plain .v1%2E2 .v1.2"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newPerson(t, srv)
			p.moreLocal, p.more = tc.local, tc.remote
			p.configure()
			m := p.mailer()
			boxes := []string{"INBOX", "v1.2", "Lists/foo.bar", "Lists/plain"}
			for i, box := range boxes {
				if box != "INBOX" {
					m.Create(box)
				}
				for n := range 5 {
					m.Append(box, body(10*i+n), time.Time{})
				}
			}
			changer{person: p}.offlineIMAP()
			if got := p.dirs(); got != tc.before {
				t.Fatalf("OfflineIMAP makes %s", got)
			}

			if c := p.sync(); c.Downloaded != 10 || c.Uploaded != 0 {
				t.Fatalf("the first run: %+v", c)
			}
			there := "INBOX Lists/foo.bar Lists/plain v1.2"
			if l, r := p.dirs(), p.mailboxes(); l != tc.after || r != there {
				t.Fatalf("here are %s; there are %s", l, r)
			}
			p.stamped(tc.dot+"v1%2E2", "v1%2E2")
			p.stamped(tc.dot+"Lists.foo%2Ebar", "Lists.foo%2Ebar")
			p.stamped(tc.dot+"Lists.plain", "Lists.plain")

			// Both ways, and quiet afterwards.
			c := changer{person: p}
			c.unlink(tc.dot+"v1%2E2", 2)
			c.flag(tc.dot+"v1%2E2", 3, "F")
			m.Expunge("Lists/foo.bar", "1")
			c.write(tc.dot+"Lists.foo%2Ebar", 1, "S", body(77))
			if n := p.sync(); n.Uploaded != 1 || n.RemovedRemote != 1 || n.RemovedLocal != 1 || n.FlagsRemote != 1 || n.Downloaded != 0 {
				t.Errorf("both ways: %+v", n)
			}
			if n := p.sync(); n.Any() {
				t.Errorf("a run with nothing to do: %+v", n)
			}

			// Names are no less good without a state.
			p.must(os.RemoveAll(filepath.Join(p.dir, "state", "Account-work", "offlineimapd.sqlite")))
			if n := p.sync("--approve", "/"); n.Downloaded+n.Uploaded+n.RemovedLocal+n.RemovedRemote != 0 {
				t.Errorf("without a state: %+v", n)
			}

			// A person's own folders.
			p.makeFolder(tc.dot + "Work.my%2Eown")
			p.sync()
			if got := p.mailboxes(); got != "INBOX Lists/foo.bar Lists/plain Work/my.own v1.2" {
				t.Errorf("there are %s", got)
			}
		})
	}
}

// With sep = / a dot is a letter like any other, and names that cannot be
// directories are refused, each alone, while the others are synced.
func TestNamesNested(t *testing.T) {
	t.Parallel()
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	p := newPerson(t, srv)
	p.moreLocal = "sep = /"
	p.configure()
	m := p.mailer()
	long := strings.Repeat("x", 256)
	for i, box := range []string{"v1.2", "a/b.c", "a/cur", "new", "x/tmp/y", "a%2Fb"} {
		m.Create(box)
		m.Append(box, body(i), time.Time{})
	}
	status, out, errs := p.run("--json")
	if status != exitOK {
		t.Fatalf("status %d: %s%s", status, errs, out)
	}
	if got := p.dirs(); got != "INBOX a%2Fb a/b.c v1.2" {
		t.Errorf("here are %s", got)
	}
	for _, name := range []string{"a/cur", "new", "x/tmp/y"} {
		if !strings.Contains(out, `mailbox \"`+name+`\" would be kept in`) {
			t.Errorf("not a word about %s: %s", name, out)
		}
	}
	// Here, too.
	p.makeFolder(long[:250] + "/" + long[:250])
	p.makeFolder("v2.0")
	p.sync()
	if got := p.mailboxes(); !strings.Contains(got, "v2.0") {
		t.Errorf("there are %s", got)
	}
}

// A server with dots between levels, and local names with slashes.
func TestNamesOnADottedServer(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{Separator: "."})
	p := newPerson(t, srv)
	p.mailer().Create("a.b")
	p.makeFolder("c%2Fd")
	p.makeFolder("e%2Ef")
	status, out, errs := p.run()
	// Dovecot takes no slash in a name, which is told; nothing else is disturbed.
	if status != exitError || !strings.Contains(out+errs, `"c/d"`) {
		t.Errorf("status %d: %s%s", status, out, errs)
	}
	if l, r := p.dirs(), p.mailboxes(); l != "INBOX a.b c%2Fd e%2Ef" || r != "INBOX a.b e%2Ef" {
		t.Errorf("here are %s; there are %s", l, r)
	}
}

// What OfflineIMAP knew is believed of mailboxes whose names are, or seem to be, of
// the kind, and of those that share a file of its with one that it ignores.
func TestNamesAdopted(t *testing.T) {
	t.Parallel()
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	p := newPerson(t, srv)
	m := p.mailer()
	for i, box := range []string{"w%2E2", "v1/2", "v1.2"} {
		m.Create(box)
		for n := range 10 {
			m.Append(box, body(100*i+n), time.Time{})
		}
	}
	c := changer{person: p}
	c.offlineIMAP()
	if got := p.dirs(); got != "INBOX v1.2 w%2E2" {
		t.Fatalf("OfflineIMAP makes %s", got)
	}
	c.unlink("v1.2", 3)
	c.unlink("w%2E2", 4)
	r := c.report()
	if n := r.Counts; n.Downloaded != 10 || n.Uploaded != 0 || n.RemovedRemote != 2 {
		t.Errorf("the first run: %+v", n)
	}
	if got := p.dirs(); got != "INBOX v1%2E2 v1.2 w%2E2" {
		t.Errorf("here are %s", got)
	}
	for _, f := range r.Folders {
		if want := map[string]int{"v1/2": 10, "w%2E2": 10}[f.Name]; (f.Adopted == nil) != (want == 0) || f.Adopted != nil && f.Adopted.Mails != want {
			t.Errorf("%s: adopted %+v, want %d; %v", f.Name, f.Adopted, want, f.Notes)
		}
	}
	if n := p.sync(); n.Any() {
		t.Errorf("a run with nothing to do: %+v", n)
	}
}
