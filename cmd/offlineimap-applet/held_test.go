package main

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/offlineimap/offlineimapd/internal/testenv"
	"github.com/offlineimap/offlineimapd/service"
	"github.com/offlineimap/offlineimapd/service/health"
)

func held(account, token, text string) health.Problem {
	return health.Problem{Code: health.Held, Account: account, Severity: health.Error, Token: token, Text: text, Fix: "offlineimapctl approve " + account}
}

// TestHeld approves a plan, and only that one.
func TestHeld(t *testing.T) {
	d := newDesk(t, "actions", "body-markup")
	d.both()
	d.problem(held("work", "t1", "All 12 mails of <INBOX> & co are gone."))
	n := d.One("work: a change waits for you", "All 12 mails of &lt;INBOX&gt; &amp; co are gone.")
	if n.Hints["urgency"] != byte(2) || n.Hints["resident"] != true || !slices.Equal(n.Actions, []string{actionApprove, "Approve", actionShow, "Show"}) {
		t.Errorf("shown: %+v", n)
	}
	d.problem(held("work", "t2", "Trash is another mailbox."))
	d.One("Trash is another mailbox.")
	d.Invoke(n.ID, actionApprove, "")
	d.await("approve work t1", 1)
	d.solve("work")
	d.jobEnds("work")
	d.None()
	d.await("approve work t2", 0)
}

// TestStale approves a plan that is another one by then.
func TestStale(t *testing.T) {
	d := newDesk(t, "actions")
	d.refuse["approve work old"] = &service.Error{Code: service.NoSuchHold, Err: os.ErrNotExist}
	d.both()
	d.problem(held("work", "old", "12 mails are gone."))
	n := d.One("12 mails are gone.")
	d.set(func(st *service.Status) { // no event tells the applet
		st.Problems = []health.Problem{held("work", "new", "13 mails are gone.")}
	})
	d.Invoke(n.ID, actionApprove, "")
	d.await("approve work old", 1)
	d.One("work: the plan has changed", "Nothing was approved")
	n = d.One("13 mails are gone.")
	d.Wait("no old plan", func(list []testenv.Notification) bool { return len(list) == 2 })
	d.Invoke(n.ID, actionApprove, "")
	d.await("approve work new", 1)
}

// TestApproveFails has the note come back although its server closed it.
func TestApproveFails(t *testing.T) {
	d := newDesk(t, "actions")
	d.refuse["approve work t"] = &service.Error{Code: service.ShuttingDown, Err: context.Canceled}
	d.both()
	d.problem(held("work", "t", "12 mails are gone."))
	n := d.One("12 mails are gone.")
	d.Invoke(n.ID, actionApprove, "")
	d.One("work: nothing was approved")
	d.Dismiss(n.ID) // as servers do that do not know "resident"
	d.One("12 mails are gone.")
}

// TestShow shows everything there is to know of a plan.
func TestShow(t *testing.T) {
	d := newDesk(t, "actions")
	d.both()
	d.problem(held("work", "t", "12 mails "+strings.Repeat("of a long list ", 60)+"are gone."))
	n := d.One("work: a change waits for you")
	d.Invoke(n.ID, actionShow, "")
	d.One("are gone.", "offlineimapctl approve work")
	d.solve("work")
	d.None()
}

func TestShowInTerminal(t *testing.T) {
	d := newDesk(t, "actions")
	d.program("offlineimapctl", "")
	d.program("x-terminal-emulator", `printf '%s\n' "$@" >"$out"`)
	d.both()
	d.problem(held("work", "t", "12 mails are gone."))
	n := d.One("work: a change waits for you")
	d.Invoke(n.ID, actionShow, "")
	if got := d.said("x-terminal-emulator"); got != "-e\nsh\n-c\n"+terminalScript+"\n" {
		t.Errorf("the terminal was given %q", got)
	}
	d.program("x-terminal-emulator", "exit 1")
	d.Invoke(n.ID, actionShow, "")
	d.One("12 mails are gone.", "offlineimapctl approve work")
}
