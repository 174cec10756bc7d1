package engine_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/offlineimap/offlineimapd/sync/engine"
	"github.com/offlineimap/offlineimapd/sync/guard"
	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
	"github.com/offlineimap/offlineimapd/sync/store/storetest"
)

// token runs and returns what the folder, or the account, is held for.
func (p *pairOf) token(folder string, code guard.Code) string {
	p.t.Helper()
	r := p.sync()
	i := slices.IndexFunc(r.Folders, func(f engine.Folder) bool { return f.Name == folder })
	if i < 0 || r.Folders[i].Hold == nil {
		p.t.Fatalf("%s is not held: %+v", folder, r)
	}
	h := r.Folders[i].Hold
	if !slices.ContainsFunc(h.Reasons, func(r guard.Reason) bool { return r.Code == code }) || h.Token == "" {
		p.t.Fatalf("%s is held for %+v, want %s", folder, h, code)
	}
	return h.Token
}

// place is where a local tree lies: its mark, and whether it is there.
type place struct {
	store.Store
	id   *string
	gone *bool
}

func (p place) Identity() (string, bool, error) { return *p.id, !*p.gone, nil }
func (p place) SetIdentity(id string) error     { *p.id, *p.gone = id, false; return nil }
func (p place) Root() string                    { return "/mail" }

// placed is an account whose local tree lies somewhere.
type placed struct {
	*pairOf
	id   string
	gone bool
}

func newPlaced(t *testing.T) *placed {
	p := &placed{pairOf: newPair(t, storetest.Options{})}
	p.wrap = func(s store.Store) store.Store { return place{s, &p.id, &p.gone} }
	p.remoteID = "me at home"
	for _, f := range []string{"Work", "Rest"} {
		p.must(p.remote.Create(f))
	}
	p.add(p.remote, "Work", 30, mail.Seen)
	p.add(p.remote, "Rest", 30, mail.Seen)
	p.add(p.remote, "INBOX", 3, 0)
	p.sync()
	return p
}

// What is held goes on by the token of that very plan: not by another's, not by
// the one from before the plan changed, and nothing else goes on with it.
func TestTokens(t *testing.T) {
	for _, c := range []struct {
		name   string
		folder string
		code   guard.Code
		change func(p *placed) // makes for the hold
		more   func(p *placed) // makes another plan of it
		// whole: what is held is the account, of which nothing goes on.
		whole bool
		left  int // mails in Work on the server once it was approved
	}{
		{name: "emptied locally", folder: "Work", code: guard.Emptied, left: 1,
			change: func(p *placed) { p.remove(p.local, "Work", 30) },
			more: func(p *placed) {
				p.must(p.remote.Remove("Work", p.at(p.remote, "Work", 3)))
				p.add(p.local, "Work", 1, 0)
			}},
		{name: "emptied remotely", folder: "Work", code: guard.Emptied, left: 0,
			change: func(p *placed) { p.remove(p.remote, "Work", 30) },
			more:   func(p *placed) { p.remove(p.local, "Work", 1) }},
		{name: "half gone locally", folder: "Work", code: guard.ManyRemoved, left: 13,
			change: func(p *placed) { p.remove(p.local, "Work", 16) },
			more:   func(p *placed) { p.remove(p.local, "Work", 1) }},
		{name: "half gone remotely", folder: "Work", code: guard.ManyRemoved, left: 13,
			change: func(p *placed) { p.remove(p.remote, "Work", 16) },
			more:   func(p *placed) { p.remove(p.remote, "Work", 1) }},
		{name: "half gone locally, and then one there", folder: "Work", code: guard.ManyRemoved, left: 13,
			change: func(p *placed) { p.remove(p.local, "Work", 16) },
			more:   func(p *placed) { p.must(p.remote.Remove("Work", p.at(p.remote, "Work", 29))) }},
		{name: "renumbered", folder: "Work", code: guard.Validity, left: 30,
			change: func(p *placed) { p.must(p.remote.Renumber("Work")) },
			more:   func(p *placed) { p.must(p.remote.Renumber("Work")) }},
		{name: "made anew unsaid", folder: "Work", code: guard.Backwards, left: 31,
			change: func(p *placed) { p.must(p.remote.Rewind("Work")); p.add(p.remote, "Work", 1, 0) },
			more:   nil}, // it is the same mailbox, however often
		{name: "not listed", folder: "Work", code: guard.Unlisted, left: 30,
			change: func(p *placed) { p.must(p.remote.Drop("Work")) },
			more:   nil}, // what the base says of it does not change
		{name: "many not listed", folder: "Work", code: guard.ManyMissing, left: 31,
			change: func(p *placed) {
				for _, f := range []string{"a", "b", "c"} {
					p.must(p.remote.Create(f))
				}
				p.sync()
				for _, f := range []string{"a", "b", "c", "Work"} {
					p.must(p.remote.Drop(f))
				}
			},
			more: func(p *placed) { // it comes back, and is lost again with other mails in it
				p.must(p.remote.Create("Work"))
				p.approve = []string{"Work"}
				p.sync()
				p.approve = nil
				p.add(p.local, "Work", 1, 0)
				p.sync()
				p.must(p.remote.Drop("Work"))
			}},
		{name: "root missing", folder: "INBOX", code: guard.RootMissing, whole: true, left: 30,
			change: func(p *placed) { p.gone = true; p.id = "" },
			more:   func(p *placed) { p.gone = false }},
		{name: "root foreign", folder: "INBOX", code: guard.RootForeign, whole: true, left: 30,
			change: func(p *placed) { p.id = "foreign" },
			more:   func(p *placed) { p.id = "more foreign" }},
		{name: "another account", folder: "INBOX", code: guard.OtherRemote, whole: true, left: 30,
			change: func(p *placed) { p.remoteID = "you at home" },
			more:   func(p *placed) { p.remoteID = "they at home" }},
		{name: "another account, and then a foreign root", folder: "INBOX", code: guard.OtherRemote, whole: true, left: 30,
			change: func(p *placed) { p.remoteID = "you at home" },
			more:   func(p *placed) { p.id = "foreign" }},
		{name: "a foreign root, and then another account", folder: "INBOX", code: guard.RootForeign, whole: true, left: 30,
			change: func(p *placed) { p.id = "foreign" },
			more:   func(p *placed) { p.remoteID = "you at home" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlaced(t)
			c.change(p)
			first := p.token(c.folder, c.code)
			held := func(why string) string {
				t.Helper()
				l, r := contents(p.local, "."), contents(p.remote, "/")
				now := p.token(c.folder, c.code)
				if l != contents(p.local, ".") || r != contents(p.remote, "/") {
					t.Fatalf("%s: what is held was changed", why)
				}
				return now
			}
			if now := held("no approval"); now != first {
				t.Errorf("nothing changed, and the token is %s, then %s", first, now)
			}
			p.tokens = []string{"", "0123456789ab", strings.ToUpper(first) + "x", c.folder, "Work", "/"}
			held("another token")
			if !c.whole { // the same plan for another folder
				p.tokens = nil
				p.remove(p.local, "Rest", 30)
				p.tokens = []string{p.token("Rest", guard.Emptied)}
				q := contents(p.local, ".")
				if r := p.sync(); r.Result != engine.Held || q != contents(p.local, ".") {
					t.Fatalf("approved of Rest, and it ended %s", r.Result)
				}
				if p.count(p.remote, "Rest") != 0 {
					t.Fatal("Rest was not approved by its token")
				}
			}
			p.tokens = nil
			if now := p.token(c.folder, c.code); now != first {
				t.Errorf("nothing changed in it, and the token is %s, then %s", first, now)
			}
			if c.more != nil {
				c.more(p)
				p.tokens = []string{first}
				r := p.sync()
				i := slices.IndexFunc(r.Folders, func(f engine.Folder) bool { return f.Name == c.folder })
				if h := r.Folders[i].Hold; h == nil || h.Token == first {
					t.Fatalf("the plan is another, and goes on by the old token: %+v", r.Folders[i])
				} else {
					first = h.Token
				}
			}
			// Others go on meanwhile, and what arrives changes nothing.
			if !c.whole {
				p.add(p.remote, "INBOX", 1, 0)
			}
			p.tokens = []string{"0123456789ab", first}
			if r := p.sync(); r.Result == engine.Failed || slices.ContainsFunc(r.Folders, func(f engine.Folder) bool { return f.Name == c.folder && f.Hold != nil }) {
				t.Fatalf("not approved by its token: %+v", r)
			}
			p.tokens = nil
			if p.code(c.code) {
				t.Fatal("it is held again")
			}
			if c.code == guard.ManyMissing {
				p.approve = []string{"a", "b", "c"}
				p.sync()
				p.approve = nil
			}
			p.inStep()
			if n := p.count(p.remote, "Work"); n != c.left {
				t.Errorf("%d mails are left in Work, want %d", n, c.left)
			}
		})
	}
}

// code tells whether Work or INBOX is held for a code.
func (p *pairOf) code(code guard.Code) bool {
	for _, f := range p.sync().Folders {
		if f.Hold != nil && (f.Name == "Work" || f.Name == "INBOX") && f.Hold.Reasons[0].Code == code {
			return true
		}
	}
	return false
}

// Two folders that lose the same, and whose names look the same, are two.
func TestTokenMeansOneFolder(t *testing.T) {
	names := []string{"&ANw-ber", "Über"} // both are shown as the latter
	for what, change := range map[string]func(p *pairOf, f string){
		"emptied":  func(p *pairOf, f string) { p.remove(p.local, f, 20) },
		"unlisted": func(p *pairOf, f string) { p.must(p.remote.Drop(f)) },
	} {
		t.Run(what, func(t *testing.T) {
			p := several(t, 20, names...)
			for _, f := range names {
				change(p, f)
			}
			was := contents(p.remote, "/")
			var tokens []string
			for _, f := range p.sync().Folders {
				if f.Hold != nil && f.Name == "Über" {
					tokens = append(tokens, f.Hold.Token)
				}
			}
			if len(tokens) != 2 || tokens[0] == tokens[1] {
				t.Fatalf("the tokens are %q", tokens)
			}
			p.tokens = tokens[:1]
			r := p.sync()
			held := 0
			for _, f := range r.Folders {
				if f.Hold != nil {
					held++
				}
			}
			if held != 1 || was == contents(p.remote, "/") {
				t.Errorf("one of two was approved, and %d are held: %+v", held, r)
			}
		})
	}
}

// A token is for a run of its folder only.
func TestTokenOfAFolderLeftOut(t *testing.T) {
	p := several(t, 20, "Work")
	p.remove(p.local, "Work", 20)
	p.tokens = []string{p.token("Work", guard.Emptied)}
	p.only = []string{"INBOX"}
	p.sync()
	if n := p.count(p.remote, "Work"); n != 20 {
		t.Fatalf("%d mails are left in a folder that was not named", n)
	}
	p.only = []string{"Work"}
	p.sync()
	if n := p.count(p.remote, "Work"); n != 0 {
		t.Errorf("%d mails are left", n)
	}
}

// A dry run shows the token by which a run goes on.
func TestTokenOfADryRun(t *testing.T) {
	p := several(t, 20, "Work")
	p.remove(p.local, "Work", 20)
	p.dryRun = true
	p.tokens = []string{p.token("Work", guard.Emptied)}
	if r := p.sync(); r.Result != engine.Planned || r.Counts.RemovedRemote != 20 {
		t.Errorf("%+v", r)
	}
	p.dryRun = false
	if r := p.sync(); r.Counts.RemovedRemote != 20 {
		t.Errorf("%+v", r)
	}
}

// A plan that is made again, because some of its mails have no place on the
// server, is looked at again.
func TestPlanMadeAgainIsHeld(t *testing.T) {
	p := several(t, 30, "Work")
	p.must(p.put("Work", 900, storetest.Mail{Body: p.mail()})) // nobody knows of a mail 900
	p.wrap = func(s store.Store) store.Store {
		return &fleeting{Store: s, folder: "Work", after: 2, gone: func() {
			for p.count(p.local, "Work") > 0 {
				p.remove(p.local, "Work", 1)
			}
		}}
	}
	r := p.sync()
	if n := p.count(p.remote, "Work"); n != 30 || r.Result != engine.Held {
		t.Fatalf("%d mails are left on the server, and the run ended %s: %+v", n, r.Result, r)
	}
}

// fleeting is a store of which a folder is emptied before it is read for the
// time that comes after so many.
type fleeting struct {
	store.Store
	folder string
	after  int
	gone   func()
}

func (s *fleeting) Open(name string, readOnly bool) store.Folder {
	f := s.Store.Open(name, readOnly)
	if name != s.folder {
		return f
	}
	return fleetingFolder{f, s}
}

type fleetingFolder struct {
	store.Folder
	s *fleeting
}

func (f fleetingFolder) Scan(ctx context.Context, k mail.Known) (*mail.Snapshot, error) {
	if f.s.after--; f.s.after == -1 {
		f.s.gone()
	}
	return f.Folder.Scan(ctx, k)
}
