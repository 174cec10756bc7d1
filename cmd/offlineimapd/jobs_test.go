package main

import (
	"crypto/md5"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/internal/testenv"
)

// fields reads what --info says: one line each of what it tells, and the folders
// of both sides. Capabilities have no order.
func fields(t *testing.T, text string) (told []string, folders [2][]string) {
	t.Helper()
	side := -1
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		switch {
		case line == "Folderlist:":
			side++
		case side >= 0 && strings.HasPrefix(line, " "):
			folders[min(side, 1)] = append(folders[min(side, 1)], line)
		case strings.HasPrefix(line, "Server capabilities"):
			all := regexp.MustCompile(`'([^']+)'`).FindAllString(strings.ToUpper(line), -1)
			slices.Sort(all)
			told = append(told, strings.Join(all, " "))
		case strings.HasPrefix(line, "Server welcome string"):
			if !strings.Contains(line, "Dovecot (Debian) ready.") && !strings.Contains(line, "ready.") {
				t.Errorf("the greeting is %s", line)
			}
		case strings.HasPrefix(line, "Remote repository"), strings.HasPrefix(line, "Local repository"), strings.HasPrefix(line, "Host"),
			strings.HasPrefix(line, "Server "), strings.HasPrefix(line, "Establishing"), strings.Contains(line, "= "):
			told = append(told, line)
		}
	}
	slices.Sort(folders[1]) // OfflineIMAP has them as the directory does
	if len(told) < 6 || len(folders[0]) == 0 || len(folders[1]) == 0 {
		t.Errorf("too little was said: %s", text)
	}
	return told, folders
}

func TestInfo(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	for _, expressions := range []bool{false, true} {
		p := newPerson(t, srv)
		m := p.mailer()
		for _, box := range []string{"Sent", "Lists/go", "Lists/rust", "Spam", "archive"} {
			m.Create(box)
		}
		m.Append("INBOX", body(1), time.Time{})
		if expressions {
			p.more = "nametrans = lambda f: re.sub('^Lists/', 'L/', f)\nfolderfilter = lambda f: f not in ['Spam', 'Lists/rust']\nfolderincludes = ['Sent']"
			p.moreLocal = "nametrans = lambda f: re.sub('^L[.]', 'Lists/', f)\nfolderfilter = lambda f: f != 'archive'"
			p.configure()
		}
		if c := p.call("-c", p.config(), "-o").started(); c.status() != 0 {
			t.Fatal(c.all())
		}
		before := p.tree(p.dir)
		ours := p.call("-c", p.config(), "--info").started()
		if s := ours.status(); s != 0 || ours.out.String() != "" {
			t.Fatalf("status %d: %s", s, ours.all())
		}
		if after := p.tree(p.dir); after != before {
			t.Errorf("files were changed: %s", difference(before, after))
		}
		theirs := p.callTheirs("-c", p.config(), "--info").started()
		if s := theirs.status(); s != 0 {
			t.Fatalf("status %d: %s", s, theirs.all())
		}
		told, folders := fields(t, ours.err.String())
		want, wantFolders := fields(t, theirs.err.String())
		if !slices.Equal(told, want) {
			t.Errorf("told\n%s\nnot\n%s", strings.Join(told, "\n"), strings.Join(want, "\n"))
		}
		for i := range folders {
			wantFolders[i] = slices.Compact(wantFolders[i]) // those of folderincludes are there twice
			if !slices.Equal(folders[i], wantFolders[i]) {
				t.Errorf("folders\n%s\nnot\n%s", strings.Join(folders[i], "\n"), strings.Join(wantFolders[i], "\n"))
			}
		}
	}
}

func TestDeleteFolder(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	p := newPerson(t, srv)
	m := p.mailer()
	m.Create("Old")
	m.Append("Old", body(1), time.Time{})
	call := func(status int, words string, args ...string) {
		t.Helper()
		c := p.call(append([]string{"-c", p.config()}, args...)...).started()
		if s := c.status(); s != status || !strings.Contains(c.all(), words) {
			t.Errorf("%q: status %d, not %d, and %q: %s", args, s, status, words, c.all())
		}
	}
	call(exitOK, "Copy message", "-o")
	call(exitOK, "[DRYRUN]", "--delete-folder", "Old", "--dry-run")
	if !slices.Contains(m.Mailboxes(), "Old") {
		t.Fatal("a dry run deleted it")
	}
	call(exitOK, "Folder 'Old' deleted.", "--delete-folder=Old")
	if boxes := m.Mailboxes(); slices.Contains(boxes, "Old") || !slices.Contains(boxes, "INBOX") {
		t.Fatalf("there is %q", boxes)
	}
	if len(testenv.MaildirSnapshot(t, p.root())["Old"]) != 1 {
		t.Error("the local folder was changed")
	}
	call(exitError, `no mailbox "Old"`, "--delete-folder=Old")
	call(exitHeld, "HELD", "-o") // as was said
	p.settings(map[string]string{"[general]": "[Account other]\nlocalrepository = here\nremoterepository = there\n[general2]"})
	b, err := os.ReadFile(p.config())
	p.must(err)
	p.must(os.WriteFile(p.config(), []byte("[general]\naccounts = work, other\nmetadata = "+p.dir+"/state\n"+string(b[len("[general]\n"):])), 0o600))
	call(exitError, "-a", "--delete-folder=INBOX")
}

// Names that were made before there was a nametrans get the checksum of the name
// that it gives; then OfflineIMAP and we know the mails again.
func TestMigrateFMD5(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	p := newPerson(t, srv)
	p.more, p.moreLocal = "nametrans = lambda f: re.sub('^Lists/', 'L/', f)", "nametrans = lambda f: re.sub('^L[.]', 'Lists.', f)"
	p.configure()
	m := p.mailer()
	m.Create("Lists/go")
	for i := range 5 {
		m.Append("Lists/go", body(i), time.Time{}, `\Seen`)
	}
	p.sync()
	sum := func(s string) string { return fmt.Sprintf("FMD5=%x", md5.Sum([]byte(s))) }
	count := func(s string) int {
		found, err := filepath.Glob(filepath.Join(p.root(), "L.go", "cur", "*"+s+"*"))
		p.must(err)
		return len(found)
	}
	found, err := filepath.Glob(filepath.Join(p.root(), "L.go", "cur", "*"))
	p.must(err)
	for _, f := range found {
		p.must(os.Rename(f, strings.Replace(f, sum("Lists.go"), sum("L.go"), 1)))
	}
	if count(sum("L.go")) != 5 {
		t.Fatalf("there is %q", found)
	}
	for _, args := range [][]string{{"--dry-run"}, nil} {
		c := p.call(append([]string{"-c", p.config(), "--migrate-fmd5-using-nametrans"}, args...)...).started()
		if s := c.status(); s != 0 || !strings.Contains(c.all(), "5 files renamed") {
			t.Fatalf("status %d: %s", s, c.all())
		}
		if args != nil && count(sum("L.go")) != 5 {
			t.Fatal("a dry run renamed files")
		}
	}
	if count(sum("Lists.go")) != 5 {
		t.Fatalf("%d files have the checksum", count(sum("Lists.go")))
	}
	if c := p.sync(); c.Any() {
		t.Errorf("the next run did %+v", c)
	}
}
