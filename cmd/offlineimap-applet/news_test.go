package main

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/offlineimap/offlineimapd/dbus/api"
)

// account makes an account that a run left in step.
func account(name string, change ...func(*api.Account)) api.Account {
	a := api.Account{Name: name, State: "idle", Enabled: true, Host: "mail.example.org", LastResult: "done"}
	for _, f := range change {
		f(&a)
	}
	return a
}

func fresh(n int) func(*api.Account)        { return func(a *api.Account) { a.Fresh = n } }
func state(s string) func(*api.Account)     { return func(a *api.Account) { a.State = s } }
func noRunYet(a *api.Account)               { a.LastResult = "" }
func haltToken(s string) func(*api.Account) { return func(a *api.Account) { a.HaltToken = s } }

func nobody(string) bool { return false }

// shown is what is to be shown, in short.
func shown(n *news) string {
	notes, _ := n.notes(time.Unix(0, 0), nobody)
	var all []string
	for _, note := range notes {
		s := note.Summary + ": " + note.Body
		for _, a := range note.Actions {
			s += " [" + a.Label + "]"
		}
		all = append(all, s)
	}
	return strings.Join(all, "; ")
}

func TestNews(t *testing.T) {
	password := api.Problem{Code: codePassword, Account: "work", Text: "The server refused the password.", Fix: "offlineimapctl sync work"}
	hold := func(folder string) api.Problem {
		return api.Problem{Code: codeHeld, Account: "work", Text: "All mails of " + folder + " are gone.", Token: "t-" + folder, Fix: "offlineimapctl approve work t-" + folder}
	}
	const holdButtons = " [Approve] [Show]"
	type step struct {
		mail     []string // folders that a mail came into
		accounts []api.Account
		problems []api.Problem
		want     string
	}
	tests := []struct {
		name  string
		steps []step
	}{
		{"the number falls with what is read", []step{
			{accounts: []api.Account{account("work")}},
			{mail: []string{"INBOX", "INBOX", "Lists"}, accounts: []api.Account{account("work", fresh(3))}, want: "New mail for work: 3 new mails in INBOX, Lists"},
			{accounts: []api.Account{account("work", fresh(1))}, want: "New mail for work: 1 new mail"},
			{accounts: []api.Account{account("work")}},
			{mail: []string{"Sent"}, accounts: []api.Account{account("work", fresh(1))}, want: "New mail for work: 1 new mail in Sent"},
		}},
		{"many folders", []step{
			{mail: []string{"a", "b", "c", "d", "e", "f"}, accounts: []api.Account{account("work", fresh(6))}, want: "New mail for work: 6 new mails in a, b, c and 3 more"},
		}},
		{"mail of before the applet", []step{
			{accounts: []api.Account{account("work", fresh(2)), account("home")}, want: "New mail for work: 2 new mails"},
		}},
		{"a password", []step{
			{accounts: []api.Account{account("work", state(stateAuth)), account("home")}, problems: []api.Problem{password},
				want: "work needs a password: The server refused the password. [Enter password]"},
			{accounts: []api.Account{account("work", state("syncing")), account("home")}, problems: []api.Problem{password},
				want: "work needs a password: The server refused the password. [Enter password]"},
			{accounts: []api.Account{account("work"), account("home")}},
			{accounts: []api.Account{account("work", state(stateAuth))}, want: "work needs a password: Without it nothing is synchronised with mail.example.org. [Enter password]"},
		}},
		{"another account's password", []step{
			{accounts: []api.Account{account("home")}, problems: []api.Problem{password}},
		}},
		{"held plans", []step{
			{accounts: []api.Account{account("work", haltToken("all"))}, problems: []api.Problem{hold("a"), hold("b")},
				want: "work: a change waits for you: All mails of a are gone." + holdButtons + "; work: a change waits for you: All mails of b are gone." + holdButtons},
			{accounts: []api.Account{account("work", haltToken("all"))}, problems: []api.Problem{hold("a"), hold("b"), hold("c"), hold("d")},
				want: "work: 4 changes wait for you: All mails of a are gone.\nand 3 more [Approve all] [Show]"},
			{accounts: []api.Account{account("work")}},
		}},
		{"a daemon that has just started", []step{
			{mail: []string{"INBOX"}, accounts: []api.Account{account("work", fresh(1), state(stateAuth))}, problems: []api.Problem{hold("a")},
				want: "New mail for work: 1 new mail in INBOX; work needs a password: Without it nothing is synchronised with mail.example.org. [Enter password]; work: a change waits for you: All mails of a are gone." + holdButtons},
			{accounts: []api.Account{account("work", noRunYet)},
				want: "New mail for work: 1 new mail in INBOX; work needs a password: Without it nothing is synchronised with mail.example.org. [Enter password]; work: a change waits for you: All mails of a are gone." + holdButtons},
			{accounts: []api.Account{account("work", noRunYet, fresh(2))},
				want: "New mail for work: 2 new mails in INBOX; work needs a password: Without it nothing is synchronised with mail.example.org. [Enter password]; work: a change waits for you: All mails of a are gone." + holdButtons},
			{accounts: []api.Account{account("work")}},
		}},
		{"other problems", []step{
			{accounts: []api.Account{account("work")}, problems: []api.Problem{
				{Code: "certificate-untrusted", Account: "work", Severity: "error", Text: "Nobody vouches for it.", Fix: "cert_fingerprint = ..."},
				{Code: "server-unreachable", Account: "work", Severity: "warning", Text: "Tried again."},
				{Code: "config-rejected", Severity: "error", Text: "Line 3."},
				{Code: "unconfigured", Severity: "error", Text: "There is no configuration."},
			}, want: "work needs you: Nobody vouches for it.\ncert_fingerprint = ...; offlineimapd needs you: Line 3."},
			{accounts: []api.Account{account("work")}},
		}},
		{"an account that is taken out", []step{
			{mail: []string{"INBOX"}, accounts: []api.Account{account("work", fresh(1))}, want: "New mail for work: 1 new mail in INBOX"},
			{},
			{accounts: []api.Account{account("work", fresh(1))}, want: "New mail for work: 1 new mail"},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n := newNews()
			n.canAsk = true
			for i, s := range tt.steps {
				for _, folder := range s.mail {
					n.newMail("work", folder, 1)
				}
				n.update(&api.Document{Accounts: s.accounts, Problems: s.problems})
				if got := shown(n); got != s.want {
					t.Fatalf("step %d shows\n%s\nnot\n%s", i, got, s.want)
				}
			}
		})
	}
}

// TestLevel says when new mail that was put away comes back: when there is more.
func TestLevel(t *testing.T) {
	n := newNews()
	level := func(count int, heard ...int) int {
		for _, h := range heard {
			n.newMail("work", "INBOX", h)
		}
		n.update(&api.Document{Accounts: []api.Account{account("work", fresh(count))}})
		notes, _ := n.notes(time.Time{}, nobody)
		return notes[0].Level
	}
	first := level(3, 3)
	if l := level(1); l != first {
		t.Errorf("read elsewhere: level %d after %d", l, first)
	}
	second := level(2)
	if second <= first {
		t.Errorf("one more: level %d after %d", second, first)
	}
	if l := level(2, 1); l != second {
		t.Errorf("the word of what the number told already: level %d after %d", l, second)
	}
	if l := level(2, 1); l <= second {
		t.Errorf("one read and one more at once: level %d after %d", l, second)
	}
}

func TestAbsent(t *testing.T) {
	n := newNews()
	n.update(&api.Document{Accounts: []api.Account{account("work", fresh(1), state(stateAuth))}})
	n.absent()
	if got := shown(n); got != "New mail for work: 1 new mail" {
		t.Errorf("without a daemon: %s", got)
	}
}

func TestNoPrompter(t *testing.T) {
	n := newNews()
	n.update(&api.Document{Accounts: []api.Account{account("work", state(stateAuth))},
		Problems: []api.Problem{{Code: codePassword, Account: "work", Text: "Refused.", Fix: "offlineimapctl sync work"}}})
	if got := shown(n); got != "work needs a password: Refused.\nofflineimapctl sync work" {
		t.Errorf("without a program to ask with: %s", got)
	}
}

// TestWholeText has it text come, come back when it is asked for again, and go
// with the plan.
func TestWholeText(t *testing.T) {
	n := newNews()
	doc := &api.Document{Accounts: []api.Account{account("work")}, Problems: []api.Problem{
		{Code: codeHeld, Account: "work", Token: "t", Text: "Line one.\nLine two.", Fix: "offlineimapctl approve"}}}
	n.update(doc)
	it, ok := n.find("held work t")
	if !ok {
		t.Fatal("no note")
	}
	n.show(it)
	before, _ := n.notes(time.Time{}, nobody)
	n.show(it)
	after, _ := n.notes(time.Time{}, nobody)
	if len(after) != 2 || after[1].Body != "Line one.\nLine two.\nofflineimapctl approve" || after[1].Level <= before[1].Level {
		t.Errorf("shown: %+v", after)
	}
	n.update(doc)
	if after, _ = n.notes(time.Time{}, nobody); len(after) != 2 {
		t.Errorf("gone too soon: %+v", after)
	}
	n.update(&api.Document{Accounts: []api.Account{account("work")}})
	if got := shown(n); got != "" {
		t.Errorf("still there: %s", got)
	}
}

func TestWords(t *testing.T) {
	n := newNews()
	now := time.Unix(1000, 0)
	n.say("work", "one", "x", now.Add(time.Minute))
	n.say("work", "two", "y", now.Add(time.Hour))
	notes, next := n.notes(now, nobody)
	if len(notes) != 1 || notes[0].Summary != "two" || !next.Equal(now.Add(time.Hour)) {
		t.Errorf("notes %+v until %s", notes, next)
	}
	if notes, next = n.notes(next, nobody); len(notes) != 0 || !next.IsZero() {
		t.Errorf("in the end: %+v, %s", notes, next)
	}
}

// TestHostile has every text of others be as bad as can be.
func TestHostile(t *testing.T) {
	bad := "a\x1b[2J\u202e\x00" + strings.Repeat("ж", 10000)
	n := newNews()
	n.newMail(bad, bad, 1)
	doc := &api.Document{Accounts: []api.Account{{Name: bad, State: bad, Reason: bad, Host: bad, Fresh: 1, HaltToken: bad, LastResult: bad}}}
	for i := range 100 {
		doc.Problems = append(doc.Problems, api.Problem{Code: codeHeld, Account: bad, Token: fmt.Sprint(bad, i), Text: bad, Fix: bad})
	}
	doc.Problems = append(doc.Problems, api.Problem{Code: codePassword, Account: bad, Text: bad, Fix: bad},
		api.Problem{Code: bad, Account: bad, Severity: severityError, Text: bad, Fix: bad})
	n.update(doc)
	for _, it := range n.items[bad] {
		n.show(it)
	}
	n.say(bad, bad, bad, time.Unix(1, 0))
	notes, _ := n.notes(time.Unix(0, 0), nobody)
	if len(notes) != 9 {
		t.Errorf("%d notes", len(notes))
	}
	for _, note := range notes {
		for _, text := range []string{note.Summary, note.Body, note.Instead} {
			if strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && r != '\n' || r == '\u202e' }) || len(text) > 3*maxWhole {
				t.Errorf("a text of %d octets: %.60q", len(text), text)
			}
		}
		if strings.Contains(note.Summary, "\n") {
			t.Errorf("a summary of two lines: %q", note.Summary)
		}
	}
}
