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
	"syscall"
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
			if f == "Spam" {
				continue // nobody wants it here
			}
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

// older writes OfflineIMAP's databases down as earlier releases had them: as
// databases of version 1, or as the plain files of format 1 or 2, which version 8
// cannot write.
func (c changer) older(form string) {
	c.t.Helper()
	script := `
import os, sqlite3, sys
account, form = sys.argv[1:]
old, new = os.path.join(account, "LocalStatus-sqlite"), os.path.join(account, "LocalStatus")
if form.startswith("plain"):
    os.makedirs(new, exist_ok=True)
for name in os.listdir(old):
    path = os.path.join(old, name)
    rows = sqlite3.connect(path).execute("SELECT id, flags, mtime, labels FROM status").fetchall()
    os.unlink(path)
    if form == "database 1":
        db = sqlite3.connect(path)
        db.execute("CREATE TABLE metadata (key VARCHAR(50) PRIMARY KEY, value VARCHAR(128))")
        db.execute("CREATE TABLE status (id INTEGER PRIMARY KEY, flags VARCHAR(50))")
        db.execute("INSERT INTO metadata VALUES ('db_version', '1')")
        db.executemany("INSERT INTO status VALUES (?, ?)", [r[:2] for r in rows])
        db.commit()
        continue
    with open(os.path.join(new, name), "w") as out:
        out.write("OFFLINEIMAP LocalStatus CACHE DATA - DO NOT MODIFY - FORMAT %s\n" % form[-1])
        for uid, flags, mtime, labels in rows:
            out.write("%d:%s\n" % (uid, flags) if form == "plain 1" else "%d|%s|%d|%s\n" % (uid, flags, mtime, labels or ""))
if form.startswith("plain"):
    os.rmdir(old)
`
	if out, err := exec.Command("python3", "-c", script, filepath.Join(c.dir, "state", "Account-work"), form).CombinedOutput(); err != nil {
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

// boxes hold 1,000 mails: names of one level and of three, with blanks, and in
// letters that only modified UTF-7 can write.
var boxes = []string{
	"INBOX", "Sent", "Sent Items", "Drafts", "Lists/go", "Lists/go/announce", "Lists/rust",
	"Archive/2024/Q1", "Archive/2025", "G&AOQ-ste", "Privat/Entw&APw-rfe alt", "&BBIERQQ+BDQETwRJBDgENQ-",
}

// amount is how many mails a box holds.
func amount(box int) int {
	if box == 0 {
		return 120
	}
	return 80
}

// filled makes a person whose boxes are full, and who has never synced.
func filled(t *testing.T, srv *testenv.Server) changer {
	c := changer{newPerson(t, srv), nil}
	m := c.mailer()
	defer m.Close()
	for i, box := range boxes {
		if box != "INBOX" {
			m.Create(box)
		}
		for n := 1; n <= amount(i); n++ {
			m.Append(box, c.mail(i, n), time.Time{}, map[bool][]string{true: {`\Seen`}}[n%2 == 0]...)
		}
	}
	m.Create("Spam")
	m.Append("Spam", body(1), time.Time{})
	return c
}

// quickDir makes a directory in memory where the system has a place for that:
// OfflineIMAP waits for the disk some thousand times.
func quickDir(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "offlineimapd-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// files tells which mails there are here, and that they are the same files.
func (c changer) files() map[string]string {
	c.t.Helper()
	all := map[string]string{}
	c.must(filepath.WalkDir(c.root(), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.Contains(path, ",U=") {
			return err
		}
		info, err := d.Info()
		if err == nil {
			all[path] = fmt.Sprint(info.Sys().(*syscall.Stat_t).Ino, info.ModTime())
		}
		return err
	}))
	return all
}

// Somebody used OfflineIMAP, both sides have changed since, and the successor
// goes on: what changed is carried over, removals included, and nothing else
// crosses. Then OfflineIMAP finds everything in place, and so do we again.
func TestChangeover(t *testing.T) {
	t.Parallel()
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	seed := filled(t, srv)
	for _, tc := range []struct {
		name  string
		sep   string
		utf8  bool
		form  string // of OfflineIMAP's state; "": as version 8 writes it
		trans bool   // with a nametrans on each side, and a filter
	}{
		{"databases, side by side", ".", false, "", false},
		{"databases of version 1, nested, UTF-8, translated", "/", true, "database 1", true},
		{"plain 1, side by side, UTF-8, translated", ".", true, "plain 1", true},
		{"plain 2, nested", "/", false, "plain 2", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := *seed.person
			c := changer{&p, map[string]string{}}
			c.t, c.dir = t, quickDir(t)
			c.user, c.pass = srv.NewUser()
			copyTree(t, srv.MailHome(seed.user), srv.MailHome(c.user))
			c.moreLocal = "sep = " + tc.sep
			if tc.trans {
				c.moreLocal += "\nnametrans = lambda f: re.sub(r'^[.]?L([./])', r'Lists\\1', f)"
				c.more = "nametrans = lambda f: re.sub('^Lists/', 'L/', f)\nfolderfilter = lambda f: f not in ['Spam', 'Lists']\n"
			} else {
				c.more = "folderfilter = lambda f: f != 'Spam'\n"
			}
			c.more += "maxconnections = 3\n"
			configure := func() {
				c.configure()
				if tc.utf8 {
					b, err := os.ReadFile(c.config())
					c.must(err)
					c.must(os.WriteFile(c.config(), bytes.Replace(b, []byte("[Account work]"), []byte("[Account work]\nutf8foldernames = yes"), 1), 0o600))
				}
			}
			configure()
			for _, box := range boxes {
				name := strings.ReplaceAll(box, "/", tc.sep)
				if tc.utf8 {
					name = names.Display(name)
				}
				if tc.trans {
					name = strings.Replace(name, "Lists", "L", 1)
				}
				c.local[box] = name
			}
			c.offlineIMAP()
			c.agree()
			if tc.form != "" {
				c.older(tc.form)
			}

			m := c.mailer()
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
				c.write(f, 100+i, "S", c.mail(i, 901))
				m.Append(box, c.mail(i, 902), time.Time{})
			}
			moved := c.file("INBOX", 30)
			c.must(os.Rename(moved, filepath.Join(c.root(), "Sent", "cur", filepath.Base(moved))))

			before, files := c.theirs(), c.files()
			count := c.bodies()
			addr := c.addr
			configure()
			r := c.report()
			n := len(boxes)
			want := engine.Counts{Downloaded: n, Uploaded: n + 1, FlagsLocal: 2 * n, FlagsRemote: 3 * n, RemovedLocal: 2 * n, RemovedRemote: 2*n + 1,
				Paired: 1000 - 4*n - 1, Bytes: r.Counts.Bytes}
			if r.Counts != want {
				t.Errorf("got  %+v\nwant %+v", r.Counts, want)
			}
			if got := count(); got != n {
				t.Errorf("%d bodies were fetched, want those of %d new mails", got, n)
			}
			if !strings.Contains(r.text, fmt.Sprintf("adopted 1000 mails in %d folders from OfflineIMAP's state in %s", n, filepath.Join(c.dir, "state", "Account-work"))) {
				t.Errorf("the report does not say what was adopted: %s", r.text)
			}
			if after := c.theirs(); after != before {
				t.Errorf("OfflineIMAP's files were changed: %s", difference(after, before))
			}
			c.agree()
			touched := 0
			now := c.files()
			for path, file := range files {
				if now[path] != file {
					touched++
				}
			}
			// Two are removed and two get flags, and the one that was moved gets a UID.
			if touched != 4*n+1 {
				t.Errorf("%d files of mails are not what they were, want %d", touched, 4*n+1)
			}
			for _, f := range []string{"Spam", "Lists"} {
				if (tc.trans || f == "Spam") && exists(filepath.Join(c.root(), f)) {
					t.Errorf("a folder is here that the filter leaves out: %s", f)
				}
			}

			for range 2 { // there, and back
				if log := c.offlineIMAP(); len(transfers(log)) > 0 || count() != 0 {
					t.Errorf("OfflineIMAP had something to do:\n%s", strings.Join(transfers(log), "\n"))
				}
				c.agree()
				c.addr = addr
				if r := c.report(); r.Counts.Any() || count() != 0 {
					t.Errorf("something was left to do: %+v", r.Counts)
				}
			}

			// OfflineIMAP carries changes over, and what it did is no news to us.
			m.Append("INBOX", c.mail(0, 903), time.Time{})
			c.write("Sent", 200, "", c.mail(1, 904))
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
