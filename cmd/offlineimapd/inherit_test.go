package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/internal/testenv"
	"github.com/offlineimap/offlineimapd/sync/engine"
	"github.com/offlineimap/offlineimapd/sync/names"
)

// changer is a person who has used OfflineIMAP up to now.
type changer struct {
	*person
	local map[string]string // the local name of each mailbox
}

const mailsEach = 50

func (c changer) mail(box, n int) []byte {
	b := body(1000*box + n)
	if n%10 == 0 { // nothing but its Date identifies it
		b = bytes.Replace(b, fmt.Appendf(nil, "Message-ID: <%d@example.org>\r\n", 1000*box+n), nil, 1)
	}
	return b
}

// offlineIMAP runs OfflineIMAP once and returns its log.
func (c changer) offlineIMAP() string {
	c.t.Helper()
	cmd := exec.Command("offlineimap", "-o", "-u", "basic", "-c", c.config())
	cmd.Env = append(os.Environ(), "HOME="+c.dir, "PYTHONWARNINGS=ignore")
	out, err := cmd.CombinedOutput()
	if err != nil {
		c.t.Fatalf("offlineimap (Debian package offlineimap3): %v\n%s", err, out)
	}
	return string(out)
}

// holds tells what a side holds, by the names that people see.
func (c changer) holds() (local, remote string) {
	c.t.Helper()
	var l, r []string
	for f, files := range testenv.MaildirSnapshot(c.t, c.root()) {
		for _, m := range files {
			if m.Sub != "tmp" {
				l = append(l, fmt.Sprintf("%s %s %s", f, m.SHA256[:16], m.Flags))
			}
		}
	}
	m := c.mailer()
	defer m.Close()
	for f, mails := range m.Snapshot() {
		for _, m := range mails {
			r = append(r, fmt.Sprintf("%s %s %s", c.local[f], m.SHA256[:16], letters(m.Flags)))
		}
	}
	slices.Sort(l)
	slices.Sort(r)
	return strings.Join(l, "\n"), strings.Join(r, "\n")
}

// agree checks that both sides hold the same.
func (c changer) agree() {
	c.t.Helper()
	if l, r := c.holds(); l != r {
		c.t.Fatalf("not in step: %s", difference(l, r))
	}
}

// theirs lists OfflineIMAP's files with their contents and times.
func (c changer) theirs() string {
	c.t.Helper()
	all := ""
	for _, dir := range []string{"Account-work/LocalStatus", "Account-work/LocalStatus-sqlite", "Repository-here", "Repository-there"} {
		if path := filepath.Join(c.dir, "state", dir); exists(path) {
			all += c.tree(path)
		}
	}
	return all
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// toPlain writes OfflineIMAP's databases down as its older files.
func (c changer) toPlain(format int) {
	c.t.Helper()
	script := `
import os, sqlite3, sys
account, format = sys.argv[1], int(sys.argv[2])
old, new = os.path.join(account, "LocalStatus-sqlite"), os.path.join(account, "LocalStatus")
os.makedirs(new, exist_ok=True)
for name in os.listdir(old):
    with open(os.path.join(new, name), "w") as out:
        out.write("OFFLINEIMAP LocalStatus CACHE DATA - DO NOT MODIFY - FORMAT %d\n" % format)
        for uid, flags, mtime, labels in sqlite3.connect(os.path.join(old, name)).execute("SELECT id, flags, mtime, labels FROM status"):
            out.write("%d:%s\n" % (uid, flags) if format == 1 else "%d|%s|%d|%s\n" % (uid, flags, mtime, labels or ""))
    os.unlink(os.path.join(old, name))
os.rmdir(old)
`
	if out, err := exec.Command("python3", "-c", script, filepath.Join(c.dir, "state", "Account-work"), strconv.Itoa(format)).CombinedOutput(); err != nil {
		c.t.Fatalf("python3 (Debian package python3): %v\n%s", err, out)
	}
}

// bodies counts the mails whose bodies a program asks for, through a proxy.
func (c changer) bodies() (count func() int) {
	proxy := testenv.Proxy(c.t, c.srv.Addr(), testenv.ProxyOptions{})
	c.through(proxy.Addr())
	var mu sync.Mutex
	n := 0
	asks := regexp.MustCompile(`UID FETCH ([0-9:,]+) .*BODY(\.PEEK)?\[\]`)
	proxy.OnExchange(func(_ int, line string) {
		if m := asks.FindStringSubmatch(line); m != nil {
			mu.Lock()
			defer mu.Unlock()
			for _, r := range strings.Split(m[1], ",") {
				first, last, isRange := strings.Cut(r, ":")
				a, _ := strconv.Atoi(first)
				b := a
				if isRange {
					b, _ = strconv.Atoi(last)
				}
				n += b - a + 1
			}
		}
	})
	return func() int {
		mu.Lock()
		defer mu.Unlock()
		was := n
		n = 0
		return was
	}
}

// deleting is a line about mails; there are others, about flags.
var deleting = regexp.MustCompile(`Deleting \d+ messages`)

// transfers are the lines of OfflineIMAP's log that tell of mails that were
// copied or removed.
func transfers(log string) (lines []string) {
	for l := range strings.SplitSeq(log, "\n") {
		if strings.Contains(l, "Copy message") || deleting.MatchString(l) || strings.Contains(l, "ERROR") {
			lines = append(lines, l)
		}
	}
	return lines
}

// report runs our program and returns the report of the account.
func (c changer) report() (r struct {
	engine.Report
	text string
}) {
	c.t.Helper()
	status, out, errs := c.run("--json")
	if status != exitOK {
		c.t.Fatalf("status %d: %s%s", status, errs, out)
	}
	var d struct{ Accounts []engine.Report }
	c.must(json.Unmarshal([]byte(out), &d))
	r.Report, r.text = d.Accounts[0], out
	return r
}

// Somebody used OfflineIMAP, both sides have changed since, and the successor
// goes on: what changed is carried over, removals included, and nothing else
// crosses. Then OfflineIMAP finds everything in place, and so do we again.
func TestChangeover(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	boxes := []string{"INBOX", "Sent", "Lists/go", "Lists/rust", "Archive/2025", "G&AOQ-ste"}
	for _, tc := range []struct {
		name   string
		sep    string
		utf8   bool
		format int  // of plain files; 0: databases
		trans  bool // with a nametrans on each side, and a filter
	}{
		{"databases, side by side", ".", false, 0, false},
		{"databases, nested, UTF-8, translated", "/", true, 0, true},
		{"plain 1, side by side, UTF-8, translated", ".", true, 1, true},
		{"plain 2, nested", "/", false, 2, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := changer{newPerson(t, srv), map[string]string{"Lists": "Lists"}}
			c.moreLocal = "sep = " + tc.sep
			if tc.trans {
				c.moreLocal += "\nnametrans = lambda f: re.sub(r'^[.]?L([./])', r'Lists\\1', f)"
				c.more = "nametrans = lambda f: re.sub('^Lists/', 'L/', f)\nfolderfilter = lambda f: f not in ['Spam', 'Lists']"
			}
			configure := func() {
				c.configure()
				if tc.utf8 {
					b, err := os.ReadFile(c.config())
					c.must(err)
					c.must(os.WriteFile(c.config(), bytes.Replace(b, []byte("[Account work]"), []byte("[Account work]\nutf8foldernames = yes"), 1), 0o600))
				}
			}
			configure()
			m := c.mailer()
			for i, box := range boxes {
				name := strings.ReplaceAll(box, "/", tc.sep)
				if tc.utf8 {
					name = names.Display(name)
				}
				if tc.trans {
					name = strings.Replace(name, "Lists", "L", 1)
				}
				c.local[box] = name
				if box != "INBOX" {
					m.Create(box)
				}
				for n := 1; n <= mailsEach; n++ {
					m.Append(box, c.mail(i, n), time.Time{}, map[bool][]string{true: {`\Seen`}}[n%2 == 0]...)
				}
			}
			if tc.trans {
				m.Create("Spam")
			}
			c.offlineIMAP()
			c.agree()
			if tc.format > 0 {
				c.toPlain(tc.format)
			}

			for i, box := range boxes {
				f := c.local[box]
				c.unlink(f, 5)
				c.unlink(f, 6)
				m.Expunge(box, "11,12")
				c.flag(f, 15, "FS")
				c.flag(f, 16, "") // was Seen
				m.Store(box, "20", "+FLAGS", `\Answered`)
				c.flag(f, 25, "S")
				m.Store(box, "25", "+FLAGS", `\Flagged`)
				c.write(f, 100+i, "S", c.mail(i, 101))
				m.Append(box, c.mail(i, 102), time.Time{})
			}
			moved := c.file("INBOX", 30)
			c.must(os.Rename(moved, filepath.Join(c.root(), "Sent", "cur", filepath.Base(moved))))

			before := c.theirs()
			count := c.bodies()
			addr := c.addr
			configure()
			r := c.report()
			want := engine.Counts{Downloaded: 6, Uploaded: 7, FlagsLocal: 12, FlagsRemote: 18, RemovedLocal: 12, RemovedRemote: 13,
				Paired: 6*(mailsEach-4) - 1, Bytes: r.Counts.Bytes}
			if r.Counts != want {
				t.Errorf("got  %+v\nwant %+v", r.Counts, want)
			}
			if n := count(); n != 6 {
				t.Errorf("%d bodies were fetched, want those of 6 new mails", n)
			}
			if !strings.Contains(r.text, fmt.Sprintf("adopted %d mails in 6 folders from OfflineIMAP's state in %s", 6*mailsEach, filepath.Join(c.dir, "state", "Account-work"))) {
				t.Errorf("the report does not say what was adopted: %s", r.text)
			}
			if after := c.theirs(); after != before {
				t.Errorf("OfflineIMAP's files were changed: %s", difference(after, before))
			}
			c.agree()
			for _, f := range []string{"Spam", "Lists"} {
				if tc.trans && exists(filepath.Join(c.root(), f)) {
					t.Errorf("a folder is here that the filter leaves out: %s", f)
				}
			}

			for range 2 { // there, and back
				if log := c.offlineIMAP(); len(transfers(log)) > 0 {
					t.Errorf("OfflineIMAP had something to do:\n%s", strings.Join(transfers(log), "\n"))
				}
				count()
				c.agree()
				c.addr = addr
				if r := c.report(); r.Counts.Any() || count() != 0 {
					t.Errorf("something was left to do: %+v", r.Counts)
				}
			}

			// OfflineIMAP carries changes over, and what it did is no news to us.
			m.Append("INBOX", c.mail(0, 103), time.Time{})
			c.write("Sent", 200, "", c.mail(1, 104))
			c.unlink("Sent", 7)
			m.Expunge("INBOX", "8")
			c.flag("INBOX", 9, "R")
			c.offlineIMAP()
			c.agree()
			count()
			if r := c.report(); r.Counts.Downloaded+r.Counts.Uploaded+r.Counts.RemovedLocal+r.Counts.RemovedRemote != 0 || count() != 0 {
				t.Errorf("what OfflineIMAP did was done again: %+v", r.Counts)
			}
			c.agree()
		})
	}
}
