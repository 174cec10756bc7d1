package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/offlineimap/offlineimapd/internal/testenv"
	"github.com/offlineimap/offlineimapd/service"
)

// TestHostileTexts has a daemon whose accounts, folders and problems are as bad
// as can be.
func TestHostileTexts(t *testing.T) {
	d := newDesk(t, "actions", "body-markup")
	d.status.Accounts[0].Name = "w\x1b[2J<b>"
	d.both()
	d.mail("w\x1b[2J<b>", "a\u202e\n</body><img src=x>&amp;"+strings.Repeat("f", 1000), 1)
	d.problem(held("home", "t", "\x07\x1b]0;title\x07<a href='x'>click</a>\nsecond line"))
	n := d.One("New mail for w[2J<b>")
	if !strings.HasPrefix(n.Body, "1 new mail in a &lt;/body&gt;&lt;img src=x&gt;&amp;amp;fff") || len(n.Body) > 200 {
		t.Errorf("body: %q", n.Body)
	}
	n = d.One("home: a change waits for you")
	if n.Body != "]0;title&lt;a href='x'&gt;click&lt;/a&gt; second line" {
		t.Errorf("body: %q", n.Body)
	}
}

// TestDaemonRestarts starts without a daemon, and loses it for a while.
func TestDaemonRestarts(t *testing.T) {
	d := newDesk(t, "actions")
	d.start()
	d.until("the applet waits", func() bool { return strings.Contains(d.log.String(), "waiting for it") })
	d.come()
	d.await("agent", 1)
	d.mail("work", "INBOX", 2)
	d.problem(held("work", "t", "12 mails are gone."))
	n := d.One("12 mails are gone.")
	d.One("2 new mails in INBOX")
	before := len(d.Calls())

	d.leave()
	d.Invoke(n.ID, actionApprove, "")
	d.One("work: nothing was approved", "offlineimapd is not running")
	// It knows nothing until its first run has ended.
	d.set(func(st *service.Status) {
		st.Problems = nil
		a := st.Account("work")
		a.LastResult, a.Fresh, a.State, a.HaltToken, a.Holds = "", 0, service.AccountConnecting, "", nil
	})
	d.come()
	d.await("agent", 2)
	d.mail("home", "INBOX", 1)
	d.One("New mail for home") // so the applet has asked the new daemon
	if got := len(d.Calls()); got != before+2 {
		t.Errorf("%d calls, not one for the word and one for home: %+v", got-before, d.Calls()[before:])
	}
	d.One("12 mails are gone.")
	d.set(func(st *service.Status) {
		a := st.Account("work")
		a.LastResult, a.Fresh, a.State = service.ResultDone, 1, service.AccountIdle
	})
	d.One("work", "1 new mail in INBOX")
	d.Wait("no plan any more", func(list []testenv.Notification) bool {
		return !slices.ContainsFunc(list, func(n testenv.Notification) bool { return strings.Contains(n.Body, "12 mails") })
	})
}

// TestDesktopRestarts loses the notification server, and begins without one.
func TestDesktopRestarts(t *testing.T) {
	d := newDesk(t, "actions")
	d.Stop()
	d.both()
	d.mail("work", "INBOX", 2)
	d.problem(needed("home", "There is none."))
	d.Start()
	d.One("2 new mails in INBOX")
	old := d.One("home needs a password")
	d.Stop()
	d.mail("work", "INBOX", 1)
	d.Start()
	d.One("3 new mails in INBOX")
	if n := d.One("home needs a password"); n.Updates > 0 || n.ID == 0 {
		t.Errorf("after %d: %+v", old.ID, n)
	}
	d.fresh("work", 0)
	d.solve("home")
	d.None()
}

// TestEnd withdraws everything when the applet is told to end.
func TestEnd(t *testing.T) {
	d := newDesk(t, "actions")
	d.both()
	d.mail("work", "INBOX", 2)
	d.problem(held("home", "t", "12 mails are gone."))
	d.One("2 new mails")
	d.One("12 mails are gone.")
	d.stop()
	if code := d.ended(); code != exitOK {
		t.Errorf("exit status %d", code)
	}
	d.None()
}

func TestBusGoes(t *testing.T) {
	d := newDesk(t)
	d.both()
	d.mail("work", "INBOX", 1)
	d.One("1 new mail")
	d.bus.Stop()
	if code := d.ended(); code != exitError {
		t.Errorf("exit status %d", code)
	}
	if code := run(t.Context(), nil, surroundings{getenv: func(string) string { return "" }}, d.log, d.log); code != exitError {
		t.Errorf("without a bus: exit status %d", code)
	}
}

func TestTwice(t *testing.T) {
	d := newDesk(t)
	d.both()
	other := *d
	other.start()
	if code := other.ended(); code != exitTwice {
		t.Errorf("exit status %d", code)
	}
}
