package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/internal/testenv"
)

// TestMail is new mail from its coming until it has been read elsewhere.
func TestMail(t *testing.T) {
	d := newDesk(t, "actions")
	d.both()
	d.mail("work", "INBOX", 2)
	first := d.One("New mail for work", "2 new mails in INBOX")
	if first.Hints["category"] != "email.arrived" || first.Hints["desktop-entry"] != "org.offlineimap.applet" ||
		first.Hints["urgency"] != byte(1) || len(first.Actions) != 0 {
		t.Errorf("shown: %+v", first)
	}
	d.mail("work", "Lists", 1)
	if n := d.One("3 new mails in INBOX, Lists"); n.ID != first.ID {
		t.Errorf("notification %d was not replaced, but %d shown", first.ID, n.ID)
	}
	d.mail("home", "INBOX", 1)
	d.One("New mail for home", "1 new mail in INBOX")
	d.fresh("work", 1)
	if n := d.One("work", "1 new mail"); n.ID != first.ID || n.Hints["suppress-sound"] != true {
		t.Errorf("after two were read: %+v", n)
	}
	d.fresh("work", 0)
	d.Wait("only home's", func(list []testenv.Notification) bool {
		return len(list) == 1 && strings.Contains(list[0].Summary, "home")
	})
	d.fresh("home", 0)
	d.None()
	for _, c := range d.Calls() {
		if c.Shown != nil && len(d.Calls()) > 8 {
			t.Errorf("too much was said: %+v", d.Calls())
			break
		}
	}
}

// TestDismissed leaves alone what its reader put away, until there is more.
func TestDismissed(t *testing.T) {
	d := newDesk(t)
	d.both()
	d.mail("work", "INBOX", 3)
	d.Dismiss(d.One("3 new mails").ID)
	d.fresh("work", 2)
	d.mail("home", "INBOX", 1) // to know when the applet has seen it all
	d.One("home")
	d.Wait("nothing of work's", func(list []testenv.Notification) bool { return len(list) == 1 })
	d.mail("work", "INBOX", 1)
	d.One("work", "3 new mails")
}

// TestMailer has a click start the mail program, with the token for its window.
func TestMailer(t *testing.T) {
	d := newDesk(t, "actions")
	d.program("my-mailer", `echo "$# $1 $2 $XDG_ACTIVATION_TOKEN" >"$out"`)
	d.both("--mailer=my-mailer  -a $(b)")
	d.mail("work", "INBOX", 1)
	n := d.One("1 new mail")
	if !slices.Equal(n.Actions, []string{"default", "Open"}) {
		t.Errorf("actions: %q", n.Actions)
	}
	d.Invoke(n.ID, "default", "token-7")
	if got := d.said("my-mailer"); got != "2 -a $(b) token-7\n" {
		t.Errorf("the mail program was given %q", got)
	}
}

func TestNoMailer(t *testing.T) {
	d := newDesk(t, "actions")
	d.both("--mailer=not-there")
	d.mail("work", "INBOX", 1)
	d.Invoke(d.One("1 new mail").ID, "default", "")
	d.One("work: the mail program cannot be started")
}

// TestFlood has a thousand mails come one by one.
func TestFlood(t *testing.T) {
	d := newDesk(t)
	d.both()
	start := time.Now()
	for range 1000 {
		d.mail("work", "INBOX", 1)
	}
	d.One("1000 new mails in INBOX")
	if n := len(d.Calls()); n > 2+int(time.Since(start)/time.Second) {
		t.Errorf("%d updates in %s", n, time.Since(start))
	}
}
