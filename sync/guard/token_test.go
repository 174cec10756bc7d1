package guard_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/offlineimap/offlineimapd/sync/guard"
	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/merge"
	"pgregory.net/rapid"
)

// in returns the input after n mails of a folder are gone from one side, with
// a change to it.
func in(n, goneLocally, goneRemotely int, change ...func(*guard.Input)) guard.Input {
	i := after(n, goneLocally, goneRemotely)
	i.Name = i.Folder
	for _, c := range change {
		c(&i)
	}
	return i
}

func validity(i *guard.Input)  { i.Now.UIDValidity++ }
func backwards(i *guard.Input) { i.Now.UIDNext = 3 }

// holds are plans no two of which are alike.
func holds() map[string]*guard.Hold {
	return map[string]*guard.Hold{
		"emptied here":            guard.Check(in(40, 40, 0)),
		"emptied there":           guard.Check(in(40, 0, 40)),
		"smaller, emptied here":   guard.Check(in(39, 39, 0)),
		"many here":               guard.Check(in(40, 30, 0)),
		"one more here":           guard.Check(in(40, 31, 0)),
		"many there":              guard.Check(in(40, 0, 30)),
		"many here, one there":    guard.Check(in(40, 30, 1)),
		"many here, of a folder":  guard.Check(in(40, 30, 0, func(i *guard.Input) { i.Name = "Work" })),
		"many here, of a mailbox": guard.Check(in(40, 30, 0, func(i *guard.Input) { i.Known.UIDValidity, i.Now.UIDValidity = 9, 9 })),
		"replaced":                guard.Check(in(40, 0, 0, validity)),
		"replaced by a third":     guard.Check(in(40, 0, 0, validity, validity)),
		"another was replaced":    guard.Check(in(40, 0, 0, validity, func(i *guard.Input) { i.Known.UIDValidity = 5 })),
		"a folder was replaced":   guard.Check(in(40, 0, 0, validity, func(i *guard.Input) { i.Name = "Work" })),
		"backwards":               guard.Check(in(40, 0, 0, backwards)),
		"backwards from further":  guard.Check(in(50, 0, 0, backwards)),
		"a folder backwards":      guard.Check(in(40, 0, 0, backwards, func(i *guard.Input) { i.Name = "Work" })),
		"unlisted":                guard.Missing("Work", "Work", 12, 1, 20),
		"unlisted, another":       guard.Missing("Work", "Wörk", 12, 1, 20), // a name may be shown like another
		"unlisted, one more":      guard.Missing("Work", "Work", 13, 1, 20),
		"unlisted with others":    guard.Missing("Work", "Work", 12, 19, 20),
		"root missing":            guard.Root("/m", "a", "", true),
		"root unmarked":           guard.Root("/m", "a", "", false),
		"root foreign":            guard.Root("/m", "a", "b", false),
		"root foreign, a third":   guard.Root("/m", "a", "c", false),
		"root foreign, another":   guard.Root("/m", "b", "c", false),
		"root foreign, elsewhere": guard.Root("/n", "a", "b", false),
		"account":                 guard.Account("me at a", "me at b"),
		"account, a third":        guard.Account("me at a", "me at c"),
		"account, and back":       guard.Account("me at b", "me at a"),
		"account and root":        guard.Both(guard.Account("me at a", "me at b"), guard.Root("/m", "a", "b", false)),
		"account and other root":  guard.Both(guard.Account("me at a", "me at b"), guard.Root("/m", "a", "c", false)),
		"other account and root":  guard.Both(guard.Account("me at a", "me at c"), guard.Root("/m", "a", "b", false)),
	}
}

// A token is for one plan, and no other plan has it.
func TestTokens(t *testing.T) {
	all, again := holds(), holds()
	form := regexp.MustCompile(`^[0-9a-f]{12}$`)
	of := map[string]string{}
	for name, h := range all {
		switch {
		case h == nil:
			t.Errorf("%s: not held", name)
			continue
		case !form.MatchString(h.Token):
			t.Errorf("%s: the token is %q", name, h.Token)
		case again[name].Token != h.Token:
			t.Errorf("%s: the token is %s, then %s", name, h.Token, again[name].Token)
		}
		if other, twice := of[h.Token]; twice {
			t.Errorf("%s and %s have the same token", name, other)
		}
		of[h.Token] = name
	}
}

// What changes nothing for the one who approves does not change the token: new
// mails on either side, and what else the server says of a mailbox.
func TestTokenOutlivesNewMails(t *testing.T) {
	for name, base := range map[string]guard.Input{
		"removals": in(40, 30, 0), "replaced": in(40, 0, 0, validity), "backwards": in(40, 0, 0, backwards),
	} {
		want := guard.Check(base).Token
		later := base
		p := *base.Plan
		p.Download = append(p.Download, mail.Entry{UID: 900})
		p.Upload = append(p.Upload, mail.Fresh{Key: "a"})
		later.Plan = &p
		later.Now.UIDNext += 2
		later.Now.Messages += 2
		later.Now.ModSeq += 2
		if got := guard.Check(later).Token; got != want {
			t.Errorf("%s: the token is %s, and after a new mail %s", name, want, got)
		}
	}
	// It was seen in an earlier run, and the UIDs have caught up since.
	i := in(40, 0, 0, backwards)
	was := guard.Check(i).Token
	i.Replaced, i.Now.UIDNext = true, 500
	if got := guard.Check(i).Token; got != was {
		t.Errorf("the token is %s, and once the UIDs have caught up %s", was, got)
	}
}

// Where removing is marking, the marks are what is approved.
func TestTokenOfMarks(t *testing.T) {
	plan := func(gone int) *merge.Plan {
		var base, local []mail.Entry
		for i := range 30 {
			e := mail.Entry{UID: mail.UID(i + 1)}
			if base = append(base, e); i >= gone {
				local = append(local, e)
			}
		}
		return merge.Merge(base,
			&mail.Snapshot{Full: true, Entries: local, Mask: mail.AllFlags},
			&mail.Snapshot{Full: true, Entries: base, Mask: mail.AllFlags},
			merge.Options{LocalDeletes: true, KeepDeleted: true})
	}
	a := guard.Check(guard.Input{Folder: "INBOX", Base: 30, Plan: plan(20)})
	b := guard.Check(guard.Input{Folder: "INBOX", Base: 30, Plan: plan(21)})
	if a.Token == b.Token {
		t.Error("20 marks and 21 have the same token")
	}
}

// Two plans for one folder have the same token only if they remove the same.
func TestTokenMeansThePlan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(who string) guard.Input {
			n := rapid.IntRange(20, 40).Draw(t, who+": mails")
			return in(n, rapid.IntRange(0, n).Draw(t, who+": gone locally"), rapid.IntRange(0, n).Draw(t, who+": gone remotely"))
		}
		a, b := draw("one"), draw("other")
		ha, hb := guard.Check(a), guard.Check(b)
		if ha == nil || hb == nil {
			return
		}
		removes := func(i guard.Input) string {
			return mail.SetOf(i.Plan.RemoveLocal...).String() + " " + mail.SetOf(i.Plan.RemoveRemote...).String()
		}
		if ha.Token == hb.Token && (removes(a) != removes(b) || codes(ha) != codes(hb)) {
			t.Fatalf("one token for %q, held for %s, and %q, held for %s", removes(a), codes(ha), removes(b), codes(hb))
		}
	})
}

// Ask stands once in every text, save in the one that is about other folders.
func TestAsk(t *testing.T) {
	all := holds()
	for _, name := range []string{"Sent Items", "a\x1b[2Jb", "it's", "/", "-"} {
		odd := func(i *guard.Input) { i.Folder = name }
		all["emptied "+name] = guard.Check(in(40, 40, 0, odd))
		all["many "+name] = guard.Check(in(40, 0, 30, odd))
		all["replaced "+name] = guard.Check(in(40, 0, 0, odd, validity))
		all["remembered "+name] = guard.Check(in(40, 0, 0, odd, func(i *guard.Input) { i.Replaced = true }))
		all["unlisted "+name] = guard.Missing(name, name, 1, 9, 9)
		all["new mails "+name] = guard.Check(in(40, 40, 0, odd, func(i *guard.Input) { i.Plan.Upload = []mail.Fresh{{Key: "a"}} }))
	}
	for name, h := range all {
		if !strings.HasPrefix(h.Ask, "run again with --approve ") {
			t.Errorf("%s: Ask is %q", name, h.Ask)
		}
		for _, r := range h.Reasons {
			want := 1
			if r.Code == guard.ManyMissing {
				want = 0
			}
			if n := strings.Count(r.Text, h.Ask); n != want {
				t.Errorf("%s: Ask stands %d times in: %s", name, n, r.Text)
			}
			if left := strings.ReplaceAll(r.Text, h.Ask, "approve it"); strings.Contains(left, "--approve") {
				t.Errorf("%s: a command line is left in: %s", name, left)
			}
		}
	}
}

func TestBoth(t *testing.T) {
	a, r := guard.Account("me at a", "me at b"), guard.Root("/m", "a", "b", false)
	if guard.Both(a, nil) != a || guard.Both(nil, r) != r || guard.Both(nil, nil) != nil {
		t.Error("one alone is not what is held for")
	}
	if got := codes(guard.Both(a, r)); got != "remote other-account, local root-foreign" {
		t.Errorf("held for %q", got)
	}
	if len(a.Reasons) != 1 || len(r.Reasons) != 1 {
		t.Error("what was joined was changed")
	}
}
