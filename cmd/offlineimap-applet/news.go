package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/offlineimap/offlineimapd/cmd/offlineimap-applet/notice"
	"github.com/offlineimap/offlineimapd/cmd/offlineimap-applet/plain"
	"github.com/offlineimap/offlineimapd/dbus/api"
)

// Words of the daemon that matter here.
const (
	codePassword     = "password-needed"
	codeHeld         = "held"
	codeUnconfigured = "unconfigured"
	severityError    = "error" // does not go on without a person
	stateAuth        = "auth-required"
	stateDisabled    = "disabled"
)

// kind is what an item is about.
type kind int

const (
	kindMail kind = iota
	kindPassword
	kindHeld
	kindProblem // any other that needs a person
	kindText    // the whole text of a held plan
	kindWord    // an answer to something the person did
)

// item is a note and what its buttons are about.
type item struct {
	notice.Note
	kind    kind
	account string
	token   string // of what Approve approves
	whole   string // what Show shows
}

// news turns what the daemon says into items. It has no clock and reaches
// nothing.
type news struct {
	canAsk  bool // there is a program to ask for passwords with
	canOpen bool // there is a mail program to start

	items    map[string][]item // by account
	accounts []string          // in the order of the configuration
	arrivals map[string]*arrivals
	texts    map[string]item // by the key of what they are about
	words    map[string]word // by account
	serial   int             // grows with every text and word
}

// arrivals is what is known of new mails that nobody has seen.
type arrivals struct {
	fresh       int
	folders     []string // that new mail came into, in that order
	rose, heard int      // mails in all, by the number and by the daemon's word
}

// word is an item that goes by itself.
type word struct {
	item
	until time.Time
}

func newNews() *news {
	return &news{items: map[string][]item{}, arrivals: map[string]*arrivals{}, texts: map[string]item{}, words: map[string]word{}}
}

// How much of a text is shown (characters).
const (
	maxName    = 60
	maxSummary = 140
	maxBody    = 500
	maxWhole   = 4000
)

// maxHolds is how many held plans of one account have a note each.
const maxHolds = 3

// maxProblems is how many notes there are about other problems of one account.
const maxProblems = 2

// maxFolders is how many folders a note about new mail names.
const maxFolders = 4

// newMail hears that mails came into a folder.
func (n *news) newMail(account, folder string, count int) {
	a := n.of(account)
	a.heard += count
	if folder = plain.Line(folder, maxName); folder != "" && !slices.Contains(a.folders, folder) {
		a.folders = append(a.folders, folder)
	}
}

func (n *news) of(account string) *arrivals {
	a := n.arrivals[account]
	if a == nil {
		a = &arrivals{}
		n.arrivals[account] = a
	}
	return a
}

// update takes what the daemon says is. Of an account whose first run since the
// daemon started has not ended, what was known before holds still.
func (n *news) update(doc *api.Document) {
	before := n.items
	n.items, n.accounts = map[string][]item{}, nil
	for i := range doc.Accounts {
		a := &doc.Accounts[i]
		unsure := a.LastResult == "" && a.Enabled && !a.Paused && a.State != stateDisabled
		var items []item
		if mail, ok := n.mail(a, unsure); ok {
			items = append(items, mail)
		}
		items = append(items, n.password(a, doc.Problems)...)
		items = append(items, n.held(a, doc.Problems)...)
		items = append(items, n.others(a.Name, doc.Problems)...)
		if unsure {
			for _, old := range before[a.Name] {
				if !slices.ContainsFunc(items, func(it item) bool { return it.Key == old.Key }) {
					items = append(items, old)
				}
			}
		}
		n.items[a.Name] = items
		n.accounts = append(n.accounts, a.Name)
	}
	n.items[""] = n.others("", doc.Problems)
	n.accounts = append(n.accounts, "")
	for account := range n.arrivals {
		if !slices.Contains(n.accounts, account) {
			delete(n.arrivals, account)
		}
	}
	for key := range n.texts {
		if _, ok := n.find(key); !ok {
			delete(n.texts, key)
		}
	}
}

// absent forgets what only the daemon could mend. New mail remains new.
func (n *news) absent() {
	for account, items := range n.items {
		n.items[account] = slices.DeleteFunc(slices.Clone(items), func(it item) bool { return it.kind != kindMail })
	}
	clear(n.texts)
}

func (n *news) mail(a *api.Account, unsure bool) (item, bool) {
	if a.Fresh == 0 {
		if !unsure {
			delete(n.arrivals, a.Name)
		}
		return item{}, false
	}
	is := n.of(a.Name)
	is.rose += max(0, a.Fresh-is.fresh)
	is.fresh = a.Fresh
	body := "1 new mail"
	if a.Fresh != 1 {
		body = fmt.Sprintf("%d new mails", a.Fresh)
	}
	// Once some of several folders' mails are read, nobody knows of which.
	if len(is.folders) == 1 || len(is.folders) > 0 && a.Fresh == is.rose {
		body += " in " + list(is.folders, maxFolders)
	}
	it := item{kind: kindMail, account: a.Name, Note: notice.Note{
		Key:      "mail " + a.Name,
		Summary:  "New mail for " + plain.Line(a.Name, maxName),
		Body:     body,
		Urgency:  notice.Normal,
		Category: "email.arrived",
		Level:    max(is.rose, is.heard),
	}}
	if n.canOpen {
		it.Actions = []notice.Action{{Key: notice.DefaultAction, Label: "Open"}}
	}
	return it, true
}

// list names the first few of several.
func list(names []string, most int) string {
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most-1], ", "), len(names)-most+1)
	}
	return strings.Join(names, ", ")
}

// Keys of actions.
const (
	actionEnter   = "enter-password"
	actionApprove = "approve"
	actionShow    = "show"
)

func (n *news) password(a *api.Account, problems []api.Problem) []item {
	i := slices.IndexFunc(problems, func(p api.Problem) bool { return p.Code == codePassword && p.Account == a.Name })
	if i < 0 && a.State != stateAuth {
		return nil
	}
	text, fix := a.Reason, ""
	if i >= 0 {
		text, fix = problems[i].Text, problems[i].Fix
	}
	if text == "" {
		text = fmt.Sprintf("Without it nothing is synchronised with %s.", a.Host)
	}
	it := item{kind: kindPassword, account: a.Name, Note: notice.Note{
		Key:      "password " + a.Name,
		Summary:  plain.Line(a.Name, maxName) + " needs a password",
		Body:     plain.Line(text, maxBody),
		Urgency:  notice.Critical,
		Instead:  plain.Line(fix, maxBody),
		Stay:     true,
		Resident: true,
	}}
	if n.canAsk {
		it.Actions = []notice.Action{{Key: actionEnter, Label: "Enter password"}}
	} else if it.Instead != "" {
		it.Body, it.Instead = it.Body+"\n"+it.Instead, ""
	}
	return []item{it}
}

func (n *news) held(a *api.Account, problems []api.Problem) []item {
	var items []item
	var texts, wholes []string
	for _, p := range problems {
		if p.Code != codeHeld || p.Account != a.Name || p.Token == "" {
			continue
		}
		text := plain.Line(p.Text, maxBody)
		whole := plain.Text(p.Text, maxWhole)
		if fix := plain.Line(p.Fix, maxBody); fix != "" {
			whole += "\n" + fix
		}
		texts, wholes = append(texts, text), append(wholes, whole)
		items = append(items, n.hold(a, p.Token, "Approve", text, whole, plain.Line(p.Fix, maxBody)))
	}
	if len(items) <= maxHolds || a.HaltToken == "" {
		return items[:min(len(items), maxHolds)]
	}
	// So many would bury the screen.
	all := n.hold(a, a.HaltToken, "Approve all", "", plain.Text(strings.Join(wholes, "\n\n"), maxWhole), "offlineimapctl problems shows all of them")
	all.Summary = plain.Line(fmt.Sprintf("%s: %d changes wait for you", plain.Line(a.Name, maxName), len(items)), maxSummary)
	all.Body = plain.Text(texts[0], maxBody) + fmt.Sprintf("\nand %d more", len(items)-1)
	return []item{all}
}

func (n *news) hold(a *api.Account, token, approve, text, whole, fix string) item {
	return item{kind: kindHeld, account: a.Name, token: token, whole: whole, Note: notice.Note{
		Key:     "held " + a.Name + " " + token,
		Summary: plain.Line(a.Name, maxName) + ": a change waits for you",
		Body:    text,
		Urgency: notice.Critical,
		Instead: fix,
		Actions: []notice.Action{{Key: actionApprove, Label: approve}, {Key: actionShow, Label: "Show"}},
		Stay:    true, Resident: true,
	}}
}

// others returns the problems of an account, "" being the daemon, that are none
// of the above and do not go away by themselves. Who has not configured anything
// yet is left in peace.
func (n *news) others(account string, problems []api.Problem) []item {
	var items []item
	for _, p := range problems {
		if p.Account != account || p.Severity != severityError || p.Code == codePassword || p.Code == codeHeld || p.Code == codeUnconfigured {
			continue
		}
		name := "offlineimapd"
		if account != "" {
			name = plain.Line(account, maxName)
		}
		body := plain.Line(p.Text, maxBody)
		if fix := plain.Line(p.Fix, maxBody); fix != "" {
			body += "\n" + fix
		}
		items = append(items, item{kind: kindProblem, account: account, Note: notice.Note{
			Key:     "problem " + p.Code + " " + account,
			Summary: name + " needs you",
			Body:    body,
			Urgency: notice.Normal,
		}})
	}
	return items[:min(len(items), maxProblems)]
}

// find returns the item of a key that the daemon's word is behind.
func (n *news) find(key string) (item, bool) {
	for _, items := range n.items {
		for _, it := range items {
			if it.Key == key {
				return it, true
			}
		}
	}
	return item{}, false
}

// show has the whole text of an item shown until that goes.
func (n *news) show(it item) {
	n.serial++
	n.texts[it.Key] = item{kind: kindText, account: it.account, Note: notice.Note{
		Key:     "text " + it.Key,
		Summary: it.Summary,
		Body:    it.whole,
		Urgency: notice.Normal,
		Stay:    true,
		Level:   n.serial,
	}}
}

// say has an answer shown, until a time.
func (n *news) say(account, summary, body string, until time.Time) {
	n.serial++
	n.words[account] = word{until: until, item: item{kind: kindWord, account: account, Note: notice.Note{
		Key:     "word " + account,
		Summary: plain.Line(summary, maxSummary),
		Body:    plain.Line(body, maxBody),
		Urgency: notice.Normal,
		Level:   n.serial,
	}}}
}

// notes returns all there is to show, and when that changes by itself; zero is
// never. The password of an account that asks tells of is being asked for: nobody
// needs to be told.
func (n *news) notes(now time.Time, asks func(account string) bool) (notes []notice.Note, next time.Time) {
	for _, account := range n.accounts {
		for _, it := range n.items[account] {
			if it.kind == kindPassword && asks(account) {
				continue
			}
			notes = append(notes, it.Note)
			if text, ok := n.texts[it.Key]; ok {
				notes = append(notes, text.Note)
			}
		}
	}
	for account, w := range n.words {
		if !w.until.After(now) {
			delete(n.words, account)
			continue
		}
		notes = append(notes, w.Note)
		if next.IsZero() || w.until.Before(next) {
			next = w.until
		}
	}
	return notes, next
}
