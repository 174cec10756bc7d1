package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/internal/testenv"
)

// sides tells the numbers of the mails of INBOX, here and on the server, each with
// its flags.
func (p *person) sides() (here, there string) {
	p.t.Helper()
	numbers := map[string]int{}
	for n := range 30 {
		numbers[testenv.SHA256(body(n))[:16]] = n
	}
	tell := func(lines string) string {
		var out []string
		for line := range strings.SplitSeq(lines, "\n") {
			if w := strings.Split(line, " "); w[0] == "INBOX" {
				out = append(out, fmt.Sprintf("%02d%s", numbers[w[1]], w[2]))
			}
		}
		slices.Sort(out)
		return strings.Join(out, " ")
	}
	return tell(p.local()), tell(p.remote())
}

// Options that keep changes from crossing: what each promises, over several runs,
// and that both sides come together once it is gone.
func TestOneWay(t *testing.T) {
	t.Parallel()
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	seed := newPerson(t, srv)
	seed.arrive(1, 8)
	seed.sync()
	for _, tc := range []struct {
		name, here, there     string // options
		wantHere, wantThere   string
		folderHere, fromThere bool // a new folder of one side comes to the other
		after                 string
	}{
		{"neither", "", "", "04F 05S 06 07 08 11 12", "04F 05S 06 07 08 11 12", true, true, "04F 05S 06 07 08 11 12"},
		{"the local side is read only", "readonly = yes", "", "03 04 05S 06 07 08 11", "04F 05S 06 07 08 11 12", true, false, "04F 05S 06 07 08 11 12"},
		{"the server is read only", "", "readonly = yes", "04F 05S 06 07 08 11 12", "01 02 04F 05 06 07 08 12", false, true, "04F 05S 06 07 08 11 12"},
		{"what is deleted here stays there", "sync_deletes = no", "", "04F 05S 06 07 08 11 12", "01 02 04F 05S 06 07 08 11 12", true, true, ""},
		{"what is deleted there stays here", "", "sync_deletes = no", "03 04F 05S 06 07 08 11 12", "04F 05S 06 07 08 11 12", true, true, ""},
		{"no folders here", "createfolders = no", "", "04F 05S 06 07 08 11 12", "04F 05S 06 07 08 11 12", true, false, "04F 05S 06 07 08 11 12"},
		{"no folders there", "", "createfolders = no", "04F 05S 06 07 08 11 12", "04F 05S 06 07 08 11 12", false, true, "04F 05S 06 07 08 11 12"},
		{"nothing is expunged", "", "expunge = no", "04F 05S 06 07 08 11 12", "01T 02T 04F 05S 06 07 08 11 12", true, true, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := seed.clone(t)
			p.moreLocal, p.more = tc.here, tc.there
			p.configure()
			p.unlink("INBOX", 1)
			p.unlink("INBOX", 2)
			p.flag("INBOX", 5, "S")
			p.write("INBOX", 11, "", body(11))
			p.write("new here", 13, "", body(13))
			m := p.mailer()
			m.Expunge("INBOX", "3")
			m.Store("INBOX", "4", "+FLAGS", `\Flagged`)
			m.Append("INBOX", body(12), time.Time{})
			m.Create("new there")
			m.Append("new there", body(14), time.Time{})
			for range 3 {
				if status, out, errs := p.run(); status != exitOK {
					t.Fatalf("status %d: %s%s", status, errs, out)
				}
				if here, there := p.sides(); here != tc.wantHere || there != tc.wantThere {
					t.Fatalf("here  %s\n want %s\nthere %s\n want %s", here, tc.wantHere, there, tc.wantThere)
				}
				if got := slices.Contains(m.Mailboxes(), "new here"); got != tc.folderHere {
					t.Errorf("a folder that is new here is on the server: %t", got)
				}
				if got := exists(filepath.Join(p.root(), "new there")); got != tc.fromThere {
					t.Errorf("a folder that is new on the server is here: %t", got)
				}
			}
			p.more, p.moreLocal = "", ""
			p.configure()
			p.sync()
			if here, there := p.sides(); tc.after != "" && (here != tc.after || there != tc.after) {
				t.Errorf("without the option here is %s and there %s, want %s", here, there, tc.after)
			}
		})
	}
}

// Letters in file names are keywords on the server, both ways; what has no
// counterpart stays where it is.
func TestCustomFlags(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	p := newPerson(t, srv)
	p.moreLocal = "customflag_a = $Junk\ncustomflag_b = Work"
	p.configure()
	p.arrive(1, 6)
	p.sync()
	m := p.mailer()
	m.Store("INBOX", "1", "+FLAGS", "$Junk", `\Seen`, "Other")
	p.flag("INBOX", 2, "FSb")
	p.flag("INBOX", 3, "Sz")
	m.Store("INBOX", "4", "+FLAGS", "Work")
	p.flag("INBOX", 4, "a")
	p.write("INBOX", 7, "ab", body(7))
	m.Append("INBOX", body(8), time.Time{}, "$Junk")
	is := func(want ...string) {
		t.Helper()
		var got []string
		for _, mail := range m.Messages("INBOX") {
			flags := slices.DeleteFunc(slices.Clone(mail.Flags), func(f string) bool { return strings.EqualFold(f, `\Recent`) })
			slices.Sort(flags)
			_, letters, _ := strings.Cut(filepath.Base(p.file("INBOX", int(mail.UID))), ":2,")
			got = append(got, fmt.Sprintf("%d %s %s", mail.UID, letters, strings.Join(flags, " ")))
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
	p.sync()
	is(`1 Sa $Junk Other \Seen`, `2 FSb Work \Flagged \Seen`, `3 Sz \Seen`, `4 ab $Junk Work`, "5  ", "6  ", "7 a $Junk", "8 ab $Junk Work")
	if c := p.sync(); c.Any() {
		t.Errorf("the next run did something: %+v", c)
	}
	p.flag("INBOX", 2, "S")
	m.Store("INBOX", "1", "-FLAGS", "$Junk")
	m.Store("INBOX", "4", "-FLAGS", "Work")
	p.flag("INBOX", 4, "b")
	p.sync()
	is(`1 S Other \Seen`, `2 S \Seen`, `3 Sz \Seen`, "4  ", "5  ", "6  ", "7 a $Junk", "8 ab $Junk Work")
	if c := p.sync(); c.Any() {
		t.Errorf("the next run did something: %+v", c)
	}
}

// Files are named as Windows can have them, from the first mail on, and
// OfflineIMAP takes them for what they are.
func TestWindowsNames(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	c := changer{newPerson(t, srv), map[string]string{"INBOX": "INBOX"}}
	c.settings(map[string]string{"[Account work]": "maildir-windows-compatible = yes"})
	c.arrive(1, 2)
	c.arrive(3, 4, `\Seen`, `\Flagged`)
	c.sync()
	c.write("INBOX", 5, "", body(5))
	c.must(os.Rename(filepath.Join(c.root(), "INBOX", "cur", "1795395.R5.here:2,"), filepath.Join(c.root(), "INBOX", "cur", "1795395.R5.here!2,R")))
	for range 2 {
		c.sync()
	}
	files, err := filepath.Glob(filepath.Join(c.root(), "INBOX", "*", "*"))
	c.must(err)
	flags := map[string]int{}
	for _, f := range files {
		_, letters, ok := strings.Cut(filepath.Base(f), "!2,")
		if !ok || strings.Contains(filepath.Base(f), ":") {
			t.Errorf("a file is called %s", f)
		}
		flags[letters]++
	}
	if len(files) != 5 || flags[""] != 2 || flags["FS"] != 2 || flags["R"] != 1 {
		t.Errorf("the files are %q", files)
	}
	if log := c.offlineIMAP(); len(transfers(log)) > 0 {
		t.Errorf("OfflineIMAP had something to do:\n%s", strings.Join(transfers(log), "\n"))
	}
	c.agree()
	if n := c.sync(); n.Any() {
		t.Errorf("something was left to do: %+v", n)
	}
}
