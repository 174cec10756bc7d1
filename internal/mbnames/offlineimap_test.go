package mbnames

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/internal/pyexpr"
	"github.com/offlineimap/offlineimapd/internal/testenv"
)

// theirConfig wants the home directory, the port, and the two users.
const theirConfig = `
[general]
accounts = Work, home
metadata = %[1]s/state

[mbnames]
enabled = yes
filename = ~/mailboxes
header = "# generated\n" + "mailboxes "
peritem = "+%%(accountname)-6s|%%(foldername)12.11s|%%(localfolders)s|%%(foldername)a" 100%%%%
sep = " \\\n  "
footer = "\n"
folderfilter = lambda account, folder: folder != 'Trash' and not re.match('MY.Tr', folder)
sort_keyfunc = lambda d: (d['foldername'] != 'INBOX', -len(d['foldername']), d['accountname'].lower())

[Account Work]
localrepository = LW
remoterepository = RW
utf8foldernames = yes
[Repository LW]
type = Maildir
localfolders = ~/Mail/Work
nametrans = lambda n: n if n == 'INBOX' else n.replace('MY.', '', 1).replace('"', "'")
[Repository RW]
type = IMAP
remotehost = 127.0.0.1
remoteport = %[2]s
ssl = no
starttls = no
remoteuser = %[3]s
remotepass = pass
nametrans = lambda n: n if n == 'INBOX' else 'MY/' + n.replace("'", '"')

[Account home]
localrepository = LH
remoterepository = RH
[Repository LH]
type = Maildir
localfolders = ~/Mail/Löcal
[Repository RH]
type = IMAP
remotehost = 127.0.0.1
remoteport = %[2]s
ssl = no
starttls = no
remoteuser = %[4]s
remotepass = pass
`

// TestOfflineIMAP has Debian's OfflineIMAP and this package make the same list, and
// each go on with what the other left.
func TestOfflineIMAP(t *testing.T) {
	home := t.TempDir()
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	fill := func(folders ...string) string {
		user, pass := srv.NewUser()
		m := testenv.Client(t, srv.Addr(), user, pass)
		defer m.Close()
		m.Append("INBOX", []byte("Subject: x\r\nDate: Mon, 1 Jan 2024 00:00:00 +0000\r\nMessage-ID: <1@example.org>\r\n\r\nx\r\n"), time.Now())
		for _, f := range folders {
			m.Create(f)
		}
		return user
	}
	work := fill("Lists/foo", "G&AOQ-ste", "two words", "say 'hi'", "100%", "Trash", "&2D3eAA-")
	private := fill("G&AOQ-ste", "Trash", "a_b")
	config := filepath.Join(home, "config")
	put(t, config, fmt.Sprintf(theirConfig, home, srv.Addr()[strings.LastIndex(srv.Addr(), ":")+1:], work, private))
	offlineIMAP := func() {
		t.Helper()
		cmd := exec.Command("offlineimap", "-1", "-o", "-u", "basic", "-c", config)
		cmd.Env = append(os.Environ(), "HOME="+home, "PYTHONWARNINGS=ignore", "LC_ALL=C.UTF-8")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("offlineimap (Debian package offlineimap3): %v\n%s", err, out)
		}
	}
	options := func(base string) Options {
		return Options{
			Dir: filepath.Join(base, "state", "mbnames"), File: filepath.Join(base, "mailboxes"),
			Header: "# generated\nmailboxes ", Sep: " \\\n  ", Footer: "\n",
			PerItem: `"+%(accountname)-6s|%(foldername)12.11s|%(localfolders)s|%(foldername)a" 100%%`,
			Filter: func(_ context.Context, account, folder string) (bool, error) {
				return folder != "Trash" && !strings.HasPrefix(folder, "MY.Tr"), nil
			},
			SortKey: func(_ context.Context, it Item) (any, error) {
				return pyexpr.Tuple{it.Folder != "INBOX", -int64(len([]rune(it.Folder))), strings.ToLower(it.Account)}, nil
			},
			Warn: func(text string) { t.Errorf("warning: %s", text) },
		}
	}
	// OfflineIMAP's order of a run: without regard to case.
	runs := func(w *Writer) {
		t.Helper()
		ctx := context.Background()
		for _, err := range []error{
			w.Record(ctx, "Work", home+"/Mail/Work", []string{"INBOX", "MY.100%", "MY.Gäste", "MY.Lists.foo", `MY.say "hi"`, "MY.Trash", "MY.two words", "MY.😀"}),
			w.Record(ctx, "home", home+"/Mail/Löcal", []string{"a_b", "G&AOQ-ste", "INBOX", "Trash"}),
			w.Write(ctx),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	files := []string{"mailboxes", "state/mbnames/Work.json", "state/mbnames/home.json"}

	offlineIMAP()
	ours := t.TempDir()
	runs(newWriter(t, options(ours)))
	theirs := map[string]string{}
	for _, f := range files {
		theirs[f] = read(t, filepath.Join(home, f))
		if got := read(t, filepath.Join(ours, f)); got != theirs[f] {
			t.Errorf("%s: ours is\n%s\ntheirs\n%s", f, got, theirs[f])
		}
	}
	if list := theirs["mailboxes"]; strings.Count(list, "\n") != 11 || !strings.Contains(list, `say "hi"`) || !strings.Contains(list, "😀") || strings.Contains(list, "Trash") {
		t.Errorf("the list is not what the test is for:\n%s", list)
	}

	// Ours, where theirs are: nothing to do, so nothing is touched.
	past := time.Now().Add(-time.Hour).Truncate(time.Second)
	for _, f := range files {
		if err := os.Chtimes(filepath.Join(home, f), past, past); err != nil {
			t.Fatal(err)
		}
	}
	runs(newWriter(t, options(home)))
	for _, f := range files {
		if st, err := os.Stat(filepath.Join(home, f)); err != nil || !st.ModTime().Equal(past) {
			t.Errorf("%s was written: %v", f, err)
		}
	}

	// Theirs, where ours are.
	for _, f := range files {
		put(t, filepath.Join(home, f), read(t, filepath.Join(ours, f)))
	}
	offlineIMAP()
	for _, f := range files {
		if got := read(t, filepath.Join(home, f)); got != theirs[f] {
			t.Errorf("%s: after both programs it is\n%s\nwas\n%s", f, got, theirs[f])
		}
	}
}
