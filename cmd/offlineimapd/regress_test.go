package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/internal/testenv"
)

// inboxSum is what file names carry of the folder INBOX.
const inboxSum = "7e33429f656f1e6e9d79b29c3f82c57e"

// arrive has mails of these numbers come into INBOX on the server.
func (p *person) arrive(from, to int, flags ...string) {
	p.t.Helper()
	m := p.mailer()
	defer m.Close()
	for n := from; n <= to; n++ {
		m.Append("INBOX", body(n), time.Time{}, flags...)
	}
}

// place puts a mail into INBOX/cur under a name that a program gave it before.
func (p *person) place(name string, n int) {
	p.t.Helper()
	text := strings.ReplaceAll(string(body(n)), "\r\n", "\n")
	p.must(os.WriteFile(filepath.Join(p.root(), "INBOX", "cur", name), []byte(text), 0o600))
}

// holds checks that INBOX has the mails of these numbers on both sides, each
// once, with the same flags, and no others.
func (p *person) holds(want ...int) {
	p.t.Helper()
	numbers := map[string]int{}
	for _, n := range want {
		numbers[testenv.SHA256(body(n))[:16]] = n
	}
	for side, lines := range map[string]string{"locally": p.local(), "on the server": p.remote()} {
		count := map[int]int{}
		var wrong []string
		for line := range strings.SplitSeq(lines, "\n") {
			folder, rest, _ := strings.Cut(line, " ")
			hash, _, _ := strings.Cut(rest, " ")
			n, known := numbers[hash]
			switch {
			case folder != "INBOX":
			case !known:
				wrong = append(wrong, "unexpected "+hash)
			default:
				count[n]++
			}
		}
		for _, n := range want {
			if count[n] != 1 {
				wrong = append(wrong, fmt.Sprintf("mail %d %d×", n, count[n]))
			}
		}
		if len(wrong) > 0 {
			sort.Strings(wrong)
			p.t.Fatalf("%s %d things are wrong: %s", side, len(wrong), strings.Join(wrong[:min(len(wrong), 12)], ", "))
		}
	}
	if l, r := p.local(), p.remote(); l != r {
		p.t.Fatalf("not in step: %s", difference(l, r))
	}
}

// numbers lists from to to.
func numbers(from, to int, more ...int) []int {
	for n := from; n <= to; n++ {
		more = append(more, n)
	}
	return more
}

// appends tells which exchanges of a run of p carry mails to the server.
func (p *person) appends(proxy *testenv.ProxyT) []int {
	p.t.Helper()
	var mu sync.Mutex
	var at []int
	proxy.Reset()
	proxy.OnExchange(func(n int, line string) {
		if strings.Contains(line, " APPEND ") {
			mu.Lock()
			defer mu.Unlock()
			at = append(at, n)
		}
	})
	p.through(proxy.Addr())
	p.sync()
	proxy.OnExchange(nil)
	proxy.Reset()
	mu.Lock()
	defer mu.Unlock()
	if len(at) == 0 {
		p.t.Fatal("nothing was uploaded")
	}
	return at
}

// A file of another computer carries a UID that the server gives to a new mail
// of its own: these are two mails, and both sides get both.
func TestForeignFileWithTheNextUID(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	p := newPerson(t, srv)
	p.arrive(0, 4)
	p.sync()
	p.place("1795390000_0.1.elsewhere,U=6,FMD5="+inboxSum+":2,S", 77)
	m := p.mailer()
	if uid := m.Append("INBOX", body(88), time.Time{}); uid != 6 {
		t.Fatalf("the new mail has the UID %d", uid)
	}
	p.sync()
	p.holds(numbers(0, 4, 77, 88)...)
	p.inStep()
}

// A mail reader moves a file from one account to another, and keeps its name,
// as mail readers do: it goes from the one server to the other, and the mail
// that has the same UID there stays.
func TestMovedToAnotherAccount(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	a, b := newPerson(t, srv), newPerson(t, srv)
	a.arrive(0, 7, `\Seen`)
	b.arrive(100, 107, `\Seen`)
	together(a, b)
	a.sync()
	file := a.file("INBOX", 3)
	target := filepath.Join(b.root(), "INBOX", "cur", filepath.Base(file))
	if _, err := os.Lstat(target); err == nil {
		t.Errorf("there are two mails of the name %s, so that moving one replaces the other", filepath.Base(file))
		target = filepath.Join(filepath.Dir(target), "1"+filepath.Base(file))
	}
	a.must(os.Rename(file, target))
	for range 2 {
		a.sync()
		a.holds(0, 1, 3, 4, 5, 6, 7)
		b.holds(numbers(100, 107, 2)...)
	}
}

// Somebody tidies up and removes an empty tmp or new: the folder is still the
// same folder, nothing crosses, and the next mail finds its place.
func TestEmptyDirectoryTidiedAway(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	for _, sub := range []string{"tmp", "new"} {
		t.Run(sub, func(t *testing.T) {
			p := newPerson(t, srv)
			p.arrive(0, 5, `\Seen`)
			p.sync()
			there := p.remote()
			p.must(os.Remove(filepath.Join(p.root(), "INBOX", sub)))
			if c := p.sync(); c.Any() {
				t.Fatalf("something was done: %+v", c)
			}
			if r := p.remote(); r != there {
				t.Fatalf("the server changed: %s", difference(r, there))
			}
			p.arrive(50, 50)
			if c := p.sync(); c.Downloaded != 1 || c.Uploaded != 0 {
				t.Fatalf("one mail was to come: %+v", c)
			}
			p.holds(numbers(0, 5, 50)...)
			p.inStep()
		})
	}
}

// The program is killed amid many uploads and started again at once, while the
// server may still be storing what it got: no mail is there twice, none is lost.
func TestKilledWhileUploading(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	const many = 300
	ready := func(t *testing.T) *person {
		t.Helper()
		p := newPerson(t, srv)
		p.patience = patience // of the program itself: these are many mails for a busy server
		p.arrive(1000, 1000)
		p.sync()
		for n := range many {
			p.write("INBOX", n, "S", body(n))
		}
		return p
	}
	after := func(p *person) {
		p.t.Helper()
		p.through(srv.Addr())
		p.sync()
		p.holds(numbers(0, many-1, 1000)...)
		if c := p.sync(); c.Any() {
			p.t.Fatalf("a run with nothing to do did something: %+v", c)
		}
	}
	at := ready(t).appends(testenv.Proxy(t, srv.Addr(), testenv.ProxyOptions{}))[0]
	for _, w := range []testenv.Where{testenv.Before, testenv.Inside, testenv.After} {
		t.Run(w.String()+" the upload", func(t *testing.T) {
			t.Parallel()
			p, proxy := ready(t), testenv.Proxy(t, srv.Addr(), testenv.ProxyOptions{})
			p.through(proxy.Addr())
			if !p.killed(0, func(kill func()) { proxy.DoAt(at, w, kill) }) {
				t.Fatal("it was not killed")
			}
			after(p)
		})
	}
	for _, d := range []time.Duration{10, 20, 30, 40} {
		t.Run(fmt.Sprintf("%d ms after the start", d), func(t *testing.T) {
			t.Parallel()
			p := ready(t)
			p.killed(0, func(kill func()) {
				time.Sleep(d * time.Millisecond)
				kill()
			})
			after(p)
		})
	}
	for _, d := range []time.Duration{1, 6} {
		t.Run(fmt.Sprintf("%d ms after the upload began", d), func(t *testing.T) {
			t.Parallel()
			p, proxy := ready(t), testenv.Proxy(t, srv.Addr(), testenv.ProxyOptions{})
			p.through(proxy.Addr())
			begun := make(chan struct{}, 100)
			proxy.OnExchange(func(_ int, line string) {
				if strings.Contains(line, " APPEND ") {
					begun <- struct{}{}
				}
			})
			p.killed(0, func(kill func()) {
				select {
				case <-begun:
					time.Sleep(d * time.Millisecond)
				case <-time.After(20 * time.Second):
					t.Error("it never uploaded")
				}
				kill()
			})
			after(p)
		})
	}
}

// A file with a UID of another time is uploaded, and the line breaks before the
// server's answer arrives: the next run finds the mail there by itself.
func TestCutOffUploadOfAFileWithAnOldUID(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	proxy := testenv.Proxy(t, srv.Addr(), testenv.ProxyOptions{})
	ready := func() *person {
		p := newPerson(t, srv)
		p.arrive(0, 2)
		p.sync()
		p.place("111_0.1.h,U=1000,FMD5="+inboxSum+":2,S", 77)
		return p
	}
	at := ready().appends(proxy)[0]
	p := ready()
	p.through(proxy.Addr())
	proxy.CutAt(at, testenv.After)
	p.run()
	if proxy.Stats().Faults != 1 || strings.Count(p.remote(), "\n") != 3 {
		t.Fatalf("the cut was not after the upload: %s", p.remote())
	}
	p.through(srv.Addr())
	p.sync()
	p.holds(0, 1, 2, 77)
	p.inStep()
}

// The state is lost, and the server had changed some mails a little when it
// stored them: what is on both sides is recognised all the same.
func TestStateLostAfterTheServerAlteredMails(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{Format: "sdbox"})
	p := newPerson(t, srv)
	p.sync()
	n := 0
	for _, c := range testenv.Difficult(false) {
		// Of the one with nothing but a CR this server keeps nothing at all.
		if c.Size > 0 && c.Name != "only CR" {
			p.write("INBOX", n, "S", c.Bytes())
			n++
		}
	}
	if c := p.sync(); c.Uploaded != n {
		t.Fatalf("%d mails went up, want %d", c.Uploaded, n)
	}
	here, there := p.local(), p.remote()
	files, err := filepath.Glob(filepath.Join(p.dir, "state", "Account-work", "offlineimapd.sqlite*"))
	p.must(err)
	if len(files) == 0 {
		t.Fatal("there is no state to lose")
	}
	for _, f := range files {
		p.must(os.Remove(f))
	}
	for range 2 {
		p.sync()
		if l := p.local(); l != here {
			t.Fatalf("the Maildir changed: %s", difference(l, here))
		}
		if r := p.remote(); r != there {
			t.Fatalf("the server changed: %s", difference(r, there))
		}
	}
}

// One file among good ones cannot be read: the others cross, and the bad one is
// named, once.
func TestUnreadableFile(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	p := newPerson(t, srv)
	p.arrive(0, 4)
	p.sync()
	const name = "1795390001.bad.here"
	bad := filepath.Join(p.root(), "INBOX", "cur", name+":2,S")
	p.must(os.Symlink(t.TempDir(), bad))
	for _, n := range []int{100, 101, 102} {
		p.write("INBOX", n, "S", body(n))
	}
	p.arrive(200, 201)
	p.flag("INBOX", 2, "FS")
	p.flag("INBOX", 3, "R")
	m := p.mailer()
	m.Store("INBOX", "4", "+FLAGS", `\Flagged`)
	status, out, errs := p.run()
	if status != exitError || strings.Count(out+errs, name) != 1 {
		t.Fatalf("one file is to be named once: status %d: %s%s", status, out, errs)
	}
	p.must(os.Remove(bad))
	p.holds(numbers(0, 4, 100, 101, 102, 200, 201)...)
	p.inStep()
}

// maildir-windows-compatible is switched on for a Maildir with files of the
// other kind: their flags are still their flags.
func TestWindowsNamesSwitchedOn(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	p := newPerson(t, srv)
	p.arrive(0, 1)
	p.arrive(2, 3, `\Seen`)
	p.arrive(4, 5, `\Seen`, `\Flagged`, `\Answered`)
	p.sync()
	here, there := p.local(), p.remote()
	text, err := os.ReadFile(p.config())
	p.must(err)
	p.must(os.WriteFile(p.config(), []byte(strings.Replace(string(text), "[Account work]\n", "[Account work]\nmaildir-windows-compatible = yes\n", 1)), 0o600))
	if c := p.sync(); c.Any() {
		t.Errorf("something was done: %+v", c)
	}
	if l := p.local(); l != here {
		t.Errorf("the Maildir changed: %s", difference(l, here))
	}
	if r := p.remote(); r != there {
		t.Fatalf("the server changed: %s", difference(r, there))
	}
	m := p.mailer()
	m.Store("INBOX", "1,3,5", "FLAGS", `\Seen`, `\Draft`)
	p.arrive(6, 7, `\Seen`)
	p.sync()
	p.holds(numbers(0, 7)...)
	p.inStep()
}

// Beside INBOX lies a folder inbox, which on a server would be the same
// mailbox: it is told, and no mail is doubled.
func TestInboxInTwoSpellings(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	for _, known := range []bool{true, false} {
		t.Run(fmt.Sprintf("INBOX synced before: %v", known), func(t *testing.T) {
			p := newPerson(t, srv)
			for n := range 5 {
				p.write("INBOX", n, "S", body(n))
			}
			if known {
				p.sync()
			}
			copyTree(t, filepath.Join(p.root(), "INBOX"), filepath.Join(p.root(), "inbox"))
			p.write("inbox", 99, "S", body(99))
			for range 2 {
				_, out, errs := p.run()
				if !strings.Contains(out+errs, "inbox") {
					t.Errorf("nothing is said of it: %s%s", out, errs)
				}
				for side, all := range map[string][]string{"locally": p.hashes(false), "on the server": p.hashes(true)} {
					if len(slices.Compact(slices.Clone(all))) != len(all) || len(all) < 5 {
						t.Fatalf("%s INBOX has %d mails, some twice: %s", side, len(all), errs)
					}
				}
				if files := testenv.MaildirSnapshot(t, p.root())["inbox"]; len(files) != 6 {
					t.Fatalf("inbox has %d mails, it had 6", len(files))
				}
			}
		})
	}
}
