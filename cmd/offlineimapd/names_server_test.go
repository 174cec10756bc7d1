package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/internal/testenv"
)

// Only what LIST gives below reference is synced, and what is made is made there.
func TestReferenceOfList(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	for _, tc := range []struct {
		name, more, moreLocal string
		dirs, made            string // here, and what becomes of folders "neu" and "Mail.here"
	}{
		{"as it is", "reference = Mail", "", "Mail.x Mail.y.z", "Mail/here"},
		{"stripped", "reference = Mail/\nnametrans = lambda f: re.sub('^Mail/', '', f)", "nametrans = lambda f: f", "x y.z", "Mail/Mail/here Mail/neu"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newPerson(t, srv)
			p.more, p.moreLocal = tc.more, tc.moreLocal
			p.configure()
			m := p.mailer()
			for i, box := range []string{"Mail/x", "Mail/y/z", "other"} {
				m.Create(box)
				m.Append(box, body(i), time.Time{})
			}
			if c := p.sync(); c.Downloaded != 2 || p.dirs() != tc.dirs {
				t.Fatalf("%+v; here are %s", c, p.dirs())
			}
			p.makeFolder("neu")
			p.makeFolder("Mail.here")
			c := changer{person: p}
			c.write("neu", 1, "S", body(50))
			for range 2 {
				p.run()
			}
			var made []string
			for box := range strings.SplitSeq(p.mailboxes(), " ") {
				if strings.HasSuffix(box, "neu") || strings.HasSuffix(box, "here") {
					made = append(made, box)
				}
			}
			if got := strings.Join(made, " "); got != tc.made {
				t.Errorf("made there: %s", got)
			}
			status, out, errs := p.run("--json")
			if refused := strings.Contains(out, "reference = Mail"); status != exitOK || refused != (tc.name == "as it is") {
				t.Errorf("status %d: %s%s", status, out, errs)
			}
			if again := p.dirs(); strings.Count(again, "neu") != 1 {
				t.Errorf("here are %s", again)
			}
		})
	}
}

// subscribedonly leaves out what nobody subscribed to, folderincludes brings it
// back by name, and what is made is subscribed to.
func TestSubscribedAndIncluded(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	p := newPerson(t, srv)
	p.more = "subscribedonly = yes\nfolderincludes = ['unsub', 'nix', 'sub', 'sub/x', 'lists.debian']\nsep = #"
	p.configure()
	m := p.mailer()
	for i, box := range []string{"sub/x", "unsub", "neither", "lists.debian"} {
		m.Create(box)
		m.Append(box, body(i), time.Time{})
	}
	m.Subscribe("sub/x")
	status, out, errs := p.run("--json")
	if c := p.counts(out); status != exitOK || c.Downloaded != 3 || p.dirs() != "lists%2Edebian sub.x unsub" {
		t.Fatalf("status %d: %+v; here are %s\n%s%s", status, c, p.dirs(), out, errs)
	}
	for _, name := range []string{"nix", "sub"} {
		if !strings.Contains(out, fmt.Sprintf(`folderincludes has \"%s\"`, name)) {
			t.Errorf("not a word about %s: %s", name, out)
		}
	}
	if !strings.Contains(errs, "sep") {
		t.Errorf("not a word about sep: %s", errs)
	}
	p.makeFolder("neu")
	p.sync()
	if got := m.Command(`LSUB "" "*"`); !strings.Contains(strings.Join(got, "\n"), "neu") {
		t.Errorf("subscribed to: %q", got)
	}
	if c := p.sync(); c.Any() {
		t.Errorf("a run with nothing to do: %+v", c)
	}
	// With a filter they are let through as well.
	p.more += "\nfolderfilter = lambda f: f == 'INBOX'"
	p.configure()
	m.Append("unsub", body(20), time.Time{})
	m.Append("sub/x", body(21), time.Time{})
	m.Append("neu", body(22), time.Time{})
	if c := p.sync(); c.Downloaded != 2 {
		t.Errorf("with a filter: %+v", c)
	}
}

// What would loop, or share a folder, is told with all names, and nothing is made.
func TestNamesThatDoNotFit(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	p := newPerson(t, srv)
	p.more = "nametrans = lambda f: {'A': 'both', 'B': 'both'}.get(f, re.sub('^Mail/', '', f))"
	p.moreLocal = "nametrans = lambda f: 'INBOX' if f == 'INBOX' else 'Post.' + f"
	p.configure()
	m := p.mailer()
	for i, box := range []string{"A", "B", "Mail/x"} {
		m.Create(box)
		m.Append(box, body(i), time.Time{})
	}
	p.makeFolder("loop")
	for range 3 {
		status, out, errs := p.run()
		for _, want := range []string{
			`folder "loop" would be the mailbox "Post/loop", and that one would be kept in "Post.loop": nametrans of the two repositories are not inverse`,
			`its local folder "both" belongs to "A" already`,
		} {
			if status != exitOK || !strings.Contains(out+errs, want) {
				t.Errorf("status %d, without %s:\n%s%s", status, want, out, errs)
			}
		}
	}
	if l, r := p.dirs(), p.mailboxes(); l != "INBOX both loop x" || r != "A B INBOX Mail/x" {
		t.Errorf("here are %s; there are %s", l, r)
	}
	if _, err := os.Stat(p.root() + "/Post.loop"); err == nil {
		t.Error("the loop has begun")
	}
}
