package main

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/internal/testenv"
)

// Somebody goes back to OfflineIMAP, and comes again. In the folder of a mailbox
// that OfflineIMAP ignores it keeps another one, whose UIDs it writes into the
// names of the files; and it takes a flag off that it does not know. Neither is
// anything that was done to the mails.
func TestThereAndBackAndThere(t *testing.T) {
	t.Parallel()
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	c := changer{newPerson(t, srv), nil}
	m := c.mailer()
	m.Create("rel 1.0")
	for n := 1; n <= 12; n++ {
		m.Append("rel 1.0", body(n), time.Time{}, map[bool][]string{true: {`\Seen`}, false: {`\Flagged`}}[n%2 == 0]...)
		m.Append("INBOX", body(100+n), time.Time{}, `\Seen`, "$Forwarded")
	}
	m.Expunge("rel 1.0", "1:3")
	c.sync()
	c.unlink("rel 1%2E0", 6) // a removal is pending when OfflineIMAP comes
	held := func() string {
		var out []string
		for _, box := range []string{"rel 1.0", "INBOX"} {
			for _, m := range m.Messages(box) {
				slices.Sort(m.Flags)
				out = append(out, fmt.Sprint(box, " ", m.UID, " ", m.SHA256[:12], " ", m.Flags))
			}
		}
		return strings.Join(out, "\n")
	}
	before := held()
	for range 2 {
		for range 2 {
			// It fails of itself over such names, once it has done its part.
			cmd := exec.Command("offlineimap", "-1", "-o", "-u", "basic", "-c", c.config())
			cmd.Env = append(os.Environ(), "HOME="+c.dir, "PYTHONWARNINGS=ignore")
			if out, err := cmd.CombinedOutput(); !strings.Contains(string(out), "Syncing INBOX") {
				t.Fatalf("offlineimap (Debian package offlineimap3): %v\n%s", err, out)
			}
		}
		for range 2 {
			if status, out, errs := c.run(); status != exitOK {
				t.Fatalf("status %d: %s%s", status, out, errs)
			}
			if now := held(); now != before {
				t.Fatalf("the server has lost and got %s", difference(before, now))
			}
		}
		for _, f := range testenv.MaildirSnapshot(t, c.root())["INBOX"] {
			if !strings.Contains(f.Flags, "P") {
				t.Fatalf("a mail that was passed on: %+v", f)
			}
		}
	}
	if n := c.sync(); n.Any() {
		t.Errorf("it does not come to rest: %+v", n)
	}
	// What a person takes off is off.
	c.flag("INBOX", 5, "S")
	if n := c.sync(); n.FlagsRemote != 1 {
		t.Errorf("a flag that was taken off: %+v", n)
	}
}
