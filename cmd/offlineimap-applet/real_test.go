package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/dbus/client"
	"github.com/offlineimap/offlineimapd/internal/testenv"
)

// realDaemon starts offlineimapd on the desk's bus, with the account work that
// has no password, and returns a way to have it sync.
func realDaemon(t *testing.T, d *desk, addr, user string) (sync func()) {
	t.Helper()
	dir := t.TempDir()
	program, config := filepath.Join(dir, "offlineimapd"), filepath.Join(dir, "config")
	if out, err := exec.Command("go", "build", "-o", program, "../offlineimapd").CombinedOutput(); err != nil {
		t.Fatalf("build offlineimapd: %v\n%s", err, out)
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf(`[general]
accounts = work
metadata = %[1]s/state
[Account work]
localrepository = here
remoterepository = there
[Repository here]
type = Maildir
localfolders = %[1]s/Mail
[Repository there]
type = IMAP
remotehost = %[2]s
remoteport = %[3]s
remoteuser = %[4]s
ssl = no
starttls = no
`, dir, host, port, user)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-c", config)
	cmd.Env = append(os.Environ(), "DBUS_SESSION_BUS_ADDRESS="+d.bus.Addr())
	out := &logBuffer{}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("the daemon said:\n%s", out.String())
		}
	})
	c, err := client.ConnectTo(t.Context(), d.bus.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return func() {
		t.Helper()
		if _, err := c.SyncAndWait(t.Context(), "work", client.SyncOptions{}, nil); err != nil {
			t.Logf("sync: %v", err)
		}
	}
}

// TestRealDaemon has nothing made up but the person: Dovecot, offlineimapd, the
// applet and what they say to each other.
func TestRealDaemon(t *testing.T) {
	d := newDesk(t, "actions", "body-markup")
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	user, pass := srv.NewUser()
	mail := testenv.Client(t, srv.Addr(), user, pass)
	for i := range 12 {
		mail.Append("INBOX", fmt.Appendf(nil, "Message-ID: <%d@example.org>\r\nSubject: secret plans\r\n\r\nText %d.\r\n", i, i), time.Time{}, `\Seen`)
	}

	// The person closes the first prompt, and answers the second, which they ask for.
	d.program("zenity", `echo asked >>"$out"; [ "$(wc -l <"$out")" -gt 1 ] || exit 1; echo `+pass)
	d.start()
	sync := realDaemon(t, d, srv.Addr(), user)
	n := d.One("work needs a password")
	d.Invoke(n.ID, actionEnter, "")
	d.until("the password is entered", func() bool { return strings.Contains(d.log.String(), "work: a password was entered") })
	d.None()

	sync()
	mail.Append("INBOX", []byte("Message-ID: <new@example.org>\r\nSubject: secret plans\r\n\r\nNew.\r\n"), time.Time{})
	sync()
	n = d.One("New mail for work", "1 new mail in INBOX")
	if strings.Contains(n.Body+n.Summary, "secret") {
		t.Errorf("the subject is shown: %+v", n)
	}
	mail.Store("INBOX", "1:*", "+FLAGS", `\Seen`)
	sync()
	d.None()

	// Somebody removes everything, and the person says that it is all right.
	mail.Expunge("INBOX", "1:*")
	sync()
	n = d.One("work: a change waits for you", "INBOX")
	if !slices.Contains(n.Actions, actionApprove) {
		t.Errorf("shown: %+v", n)
	}
	d.Invoke(n.ID, actionApprove, "")
	d.None()
}
