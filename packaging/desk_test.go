package packaging

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/dbus/api"
	"github.com/offlineimap/offlineimapd/internal/testenv"
)

// desk is a booted machine with the package, a mail server, and an ordinary
// user whose configuration has accounts on that server.
type desk struct {
	*testenv.Machine
	t        testing.TB
	imap     *testenv.Server
	accounts []string
}

// helperPath is where the helper is within a desk.
const helperPath = "/srv/helper"

// newDesk sets up accounts, each a user of the same name on the server, and
// starts nothing.
func newDesk(t testing.TB, accounts ...string) *desk {
	t.Helper()
	b := built(t)
	m := testenv.Boot(t, testenv.BootOptions{Deb: b.deb, Bind: map[string]string{helperPath: b.helper}})
	d := &desk{Machine: m, t: t, imap: m.Dovecot(testenv.DovecotOptions{Format: "maildir"}), accounts: accounts}
	d.put(configPath, config(accounts...))
	return d
}

const configPath = ".config/offlineimap/config"

// config writes a configuration. Accounts run every half a minute, so that the
// longest wait after failures is half a minute too.
func config(accounts ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "[general]\naccounts = %s\nmaxsyncaccounts = 3\n", strings.Join(accounts, ","))
	for _, a := range accounts {
		fmt.Fprintf(&b, `
[Account %[1]s]
localrepository = %[1]s-here
remoterepository = %[1]s-there
autorefresh = 0.5

[Repository %[1]s-here]
type = Maildir
localfolders = ~/Mail/%[1]s

[Repository %[1]s-there]
type = IMAP
remotehost = 127.0.0.1
remoteport = 10143
ssl = no
remoteuser = %[1]s
remotepass = pass
`, a)
	}
	return b.String()
}

// put writes a file below the user's home.
func (d *desk) put(path, text string) {
	d.t.Helper()
	d.do("mkdir -p " + filepath.Dir(path))
	full := d.Path(filepath.Join(d.Home(), path))
	if err := os.WriteFile(full, []byte(text), 0o600); err != nil {
		d.t.Fatal(err)
	}
	uid, gid := d.Owner()
	if err := os.Chown(full, uid, gid); err != nil {
		d.t.Fatal(err)
	}
}

// dropIn changes the service for this user.
func (d *desk) dropIn(lines ...string) {
	d.t.Helper()
	d.put(".config/systemd/user/offlineimapd.service.d/test.conf", strings.Join(lines, "\n")+"\n")
	d.do("systemctl --user daemon-reload")
}

// do runs a script as the user, that has to succeed, and returns what it said.
func (d *desk) do(script string) string {
	d.t.Helper()
	out, exit := d.User(script)
	if exit != 0 {
		d.t.Fatalf("$ %s\n%s(exit status %d)", script, out, exit)
	}
	return strings.TrimSpace(out)
}

// fails runs a script as the user that has to end with a status, and returns
// what it said.
func (d *desk) fails(want int, script string) string {
	d.t.Helper()
	out, exit := d.User(script)
	if exit != want {
		d.t.Errorf("$ %s\n%s(exit status %d, not %d)", script, out, exit, want)
	}
	return strings.TrimSpace(out)
}

// property asks the user's manager about the service.
func (d *desk) property(name string) string {
	d.t.Helper()
	return d.do("systemctl --user show offlineimapd -P " + name)
}

// start enables and starts the service and waits until all accounts are in step.
func (d *desk) start() {
	d.t.Helper()
	d.do("systemctl --user enable --now offlineimapd")
	d.within(20*time.Second, "the first run of all accounts", d.settled)
}

// settled tells whether every account is in step and at rest.
func (d *desk) settled() bool {
	s, ok := d.status()
	if !ok || len(s.Accounts) != len(d.accounts) {
		return false
	}
	return !slices.ContainsFunc(s.Accounts, func(a api.Account) bool { return a.State != "idle" || a.LastSync == nil })
}

// status is what the daemon tells, and false where it does not run.
func (d *desk) status() (*api.Document, bool) {
	d.t.Helper()
	out, exit := d.User("offlineimapctl status --json=short 2>/dev/null")
	if exit != 0 {
		return nil, false
	}
	var doc api.Document
	if err := json.Unmarshal([]byte(out), &doc); err != nil {
		d.t.Fatalf("offlineimapctl status --json: %v\n%s", err, out)
	}
	return &doc, true
}

// account is the first account in what the daemon tells.
func (d *desk) account() api.Account {
	d.t.Helper()
	doc, ok := d.status()
	if !ok || len(doc.Accounts) == 0 {
		return api.Account{State: "not running"}
	}
	return doc.Accounts[0]
}

// within waits until something has come true.
func (d *desk) within(limit time.Duration, what string, true func() bool) {
	d.t.Helper()
	for end := time.Now().Add(limit); !true(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			out, _ := d.User("offlineimapctl status; systemctl --user status offlineimapd")
			d.t.Fatalf("not within %s: %s\n%s", limit, what, out)
		}
	}
}

func mail(subject string) []byte {
	return fmt.Appendf(nil, "From: a@example.org\r\nSubject: %s\r\nMessage-ID: <%s@example.org>\r\n\r\n%s\r\n", subject, subject, subject)
}

// deliver brings mails into an account's INBOX on the server.
func (d *desk) deliver(account string, subjects ...string) {
	d.t.Helper()
	m := d.Client(d.imap.Addr(), account, "pass")
	defer m.Close()
	for _, s := range subjects {
		m.Append("INBOX", mail(s), time.Time{})
	}
}

// fill brings so many mails into a folder on the server at once, as other
// programs on the server would, by files in its Maildirs.
func (d *desk) fill(account, folder, name string, mails int) {
	d.t.Helper()
	dir := filepath.Join(d.imap.MailHome(account), "mail")
	if folder != "INBOX" {
		dir = filepath.Join(dir, "."+folder)
	}
	must := func(err error) {
		d.t.Helper()
		if err != nil {
			d.t.Fatal(err)
		}
	}
	const nobody = 65534
	for _, sub := range []string{"cur", "new", "tmp"} {
		must(os.MkdirAll(filepath.Join(dir, sub), 0o700))
		must(os.Chown(filepath.Join(dir, sub), nobody, nobody))
	}
	for up := dir; up != filepath.Dir(d.imap.MailHome(account)); up = filepath.Dir(up) {
		must(os.Chown(up, nobody, nobody))
	}
	for i := range mails {
		subject := fmt.Sprintf("%s-%s-%s-%d", account, folder, name, i)
		path := filepath.Join(dir, "new", subject)
		must(os.WriteFile(path, bytes.ReplaceAll(mail(subject), []byte("\r"), nil), 0o600))
		must(os.Chown(path, nobody, nobody))
	}
}

// here returns the hashes of the mails in an account's INBOX on disk, there
// those on the server.
func (d *desk) here(account string) []string {
	d.t.Helper()
	var all []string
	for _, f := range testenv.MaildirSnapshot(d.t, d.Path(filepath.Join(d.Home(), "Mail", account)))["INBOX"] {
		if f.Sub != "tmp" {
			all = append(all, f.SHA256)
		}
	}
	slices.Sort(all)
	return all
}

func (d *desk) there(account string) []string {
	d.t.Helper()
	m := d.Client(d.imap.Addr(), account, "pass")
	defer m.Close()
	var all []string
	for _, msg := range m.Messages("INBOX") {
		all = append(all, msg.SHA256)
	}
	slices.Sort(all)
	return all
}

// inStep wants both sides of an account to have the same mails, each once, and
// so many of them.
func (d *desk) inStep(account string, mails int) {
	d.t.Helper()
	here, there := d.here(account), d.there(account)
	if !slices.Equal(here, there) || len(here) != mails {
		d.t.Errorf("%s: %d mails here and %d on the server, not the same %d", account, len(here), len(there), mails)
	}
}
