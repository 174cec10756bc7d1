package guard_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/offlineimap/offlineimapd/sync/guard"
	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/merge"
	"pgregory.net/rapid"
)

// after returns the input for a folder of n mails of which the first gone are
// missing from the local side, or from the remote one.
func after(n, goneLocally, goneRemotely int) guard.Input {
	var base, local, remote []mail.Entry
	for i := range n {
		e := mail.Entry{UID: mail.UID(i + 1)}
		base = append(base, e)
		if i >= goneLocally {
			local = append(local, e)
		}
		if i < n-goneRemotely {
			remote = append(remote, e)
		}
	}
	plan := merge.Merge(base,
		&mail.Snapshot{Full: true, Entries: local, Mask: mail.AllFlags},
		&mail.Snapshot{Full: true, Entries: remote, Mask: mail.AllFlags},
		merge.Options{LocalDeletes: true, RemoteDeletes: true})
	st := mail.Stamp{UIDValidity: 7, UIDNext: mail.UID(n + 1)}
	return guard.Input{Folder: "INBOX", Base: n, Plan: plan, Known: st, Now: st}
}

func codes(h *guard.Hold) string {
	if h == nil {
		return ""
	}
	var s []string
	for _, r := range h.Reasons {
		s = append(s, fmt.Sprintf("%s %s", r.Side, r.Code))
	}
	return strings.Join(s, ", ")
}

func TestRemovals(t *testing.T) {
	for _, c := range []struct {
		n, local, remote int
		want             string
	}{
		{0, 0, 0, ""},
		{100, 0, 0, ""},
		{1, 1, 0, ""}, // the only mail, dealt with
		{1, 0, 1, ""},
		{2, 2, 0, "local folder-emptied"},
		{2, 0, 2, "remote folder-emptied"},
		{2, 1, 1, ""}, // each side removed another one
		{16, 15, 0, "local many-removals"},
		{12, 10, 0, ""},
		{12, 11, 0, "local many-removals"},
		{22, 11, 0, ""}, // exactly half
		{21, 11, 0, "local many-removals"},
		{21, 0, 11, "remote many-removals"},
		{1000, 500, 0, ""},
		{1000, 501, 0, "local many-removals"},
		{1000, 0, 1000, "remote folder-emptied"},
		{40, 20, 20, ""},
		{1000, 1000, 1000, ""}, // removed on both sides: nothing is left to do
	} {
		if got := codes(guard.Check(after(c.n, c.local, c.remote))); got != c.want {
			t.Errorf("of %d mails %d gone locally and %d remotely: held for %q, want %q", c.n, c.local, c.remote, got, c.want)
		}
	}
}

func TestReplaced(t *testing.T) {
	known := mail.Stamp{UIDValidity: 7, UIDNext: 100}
	for _, c := range []struct {
		base       int
		known, now mail.Stamp
		want       string
	}{
		{5, known, known, ""},
		{5, known, mail.Stamp{UIDValidity: 7, UIDNext: 101}, ""},
		{5, known, mail.Stamp{UIDValidity: 8, UIDNext: 100}, "remote uidvalidity-changed"},
		{5, known, mail.Stamp{UIDValidity: 6, UIDNext: 1}, "remote uidvalidity-changed"},
		{5, known, mail.Stamp{UIDValidity: 7, UIDNext: 99}, "remote uidnext-backwards"},
		{0, known, mail.Stamp{UIDValidity: 8, UIDNext: 1}, ""}, // nothing to lose, nothing to mix up
		{5, known, mail.Stamp{UIDValidity: 7}, ""},             // a server that tells no UIDNEXT
		{5, mail.Stamp{}, known, ""},
		{5, known, mail.Stamp{}, ""},
	} {
		in := guard.Input{Folder: "INBOX", Base: c.base, Known: c.known, Now: c.now}
		if got := codes(guard.Check(in)); got != c.want {
			t.Errorf("%d mails, %+v, then %+v: held for %q, want %q", c.base, c.known, c.now, got, c.want)
		}
	}
	in := after(100, 100, 0)
	in.Now.UIDValidity++
	if got := codes(guard.Check(in)); got != "remote uidvalidity-changed" {
		t.Errorf("another mailbox and all mails gone: held for %q", got)
	}
}

// KeepDeleted only marks, but a folder of marked mails is a lost one too.
func TestMarksCountAsRemovals(t *testing.T) {
	var base []mail.Entry
	for i := range 30 {
		base = append(base, mail.Entry{UID: mail.UID(i + 1)})
	}
	plan := merge.Merge(base,
		&mail.Snapshot{Full: true, Mask: mail.AllFlags},
		&mail.Snapshot{Full: true, Entries: base, Mask: mail.AllFlags},
		merge.Options{LocalDeletes: true, KeepDeleted: true})
	if got := codes(guard.Check(guard.Input{Folder: "INBOX", Base: 30, Plan: plan})); got != "local folder-emptied" {
		t.Errorf("held for %q", got)
	}
}

func TestMissing(t *testing.T) {
	for _, c := range []struct {
		unlisted, known int
		want            string
	}{
		{1, 1, "remote folder-unlisted"},
		{3, 4, "remote folder-unlisted"},
		{4, 8, "remote folder-unlisted"},
		{4, 7, "remote folders-unlisted, remote folder-unlisted"},
		{50, 50, "remote folders-unlisted, remote folder-unlisted"},
	} {
		if got := codes(guard.Missing("Work", "Work", 12, c.unlisted, c.known)); got != c.want {
			t.Errorf("%d of %d: held for %q, want %q", c.unlisted, c.known, got, c.want)
		}
	}
}

func TestRoot(t *testing.T) {
	if got := codes(guard.Root("/home/a/Mail", "m", "", true)); got != "local root-missing" {
		t.Errorf("missing: %q", got)
	}
	if got := codes(guard.Root("/home/a/Mail", "m", "", false)); got != "local root-foreign" {
		t.Errorf("foreign: %q", got)
	}
}

// Whatever a server calls its folders, the text is one printable line and names
// the way on as a shell reads it.
func TestTexts(t *testing.T) {
	for name, word := range map[string]string{
		"INBOX":         "INBOX",
		"Arbeit/Jürgen": "Arbeit/Jürgen",
		"Sent Items":    "'Sent Items'",
		"it's":          `'it'\''s'`,
		"-rf":           "'-rf'",
		"":              "''",
		"a\x1b[2Jb":     `$'a\x1b[2Jb'`,
		"tab\t'q'":      `$'tab\t\'q\''`,
	} {
		in := after(40, 30, 0)
		in.Folder = name
		moved := in
		moved.Now.UIDValidity++
		back := in
		back.Now.UIDNext--
		emptied, far := after(40, 40, 0), after(40, 0, 30)
		emptied.Folder, far.Folder = name, name
		for _, h := range []*guard.Hold{
			guard.Check(in), guard.Check(moved), guard.Check(back), guard.Check(emptied), guard.Check(far),
			guard.Missing(name, name, 1, 1, 9),
		} {
			s := h.String()
			if !strings.Contains(s, "--approve "+word) {
				t.Errorf("%q: no --approve %s in: %s", name, word, s)
			}
			if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
				t.Errorf("%q: control characters in %q", name, s)
			}
		}
	}
	if s := guard.Missing("Work", "Work", 1, 4, 4).String(); strings.Count(s, "\n") != 1 || !strings.Contains(s, "(1 mail)") {
		t.Errorf("two reasons: %q", s)
	}
}

// A plan that passes leaves, on each side, half of the folder or removes few
// mails, and never the last of two.
func TestNothingLargePasses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 200).Draw(t, "mails")
		in := after(n, rapid.IntRange(0, n).Draw(t, "gone locally"), rapid.IntRange(0, n).Draw(t, "gone remotely"))
		if guard.Check(in) != nil {
			return
		}
		p := in.Plan
		for side, removed := range map[string]int{"local": len(p.RemoveLocal), "remote": len(p.RemoveRemote)} {
			if removed > 10 && removed > p.Base-removed {
				t.Fatalf("%d of %d mails would go from the %s side", removed, p.Base, side)
			}
			if removed >= 2 && removed == p.Base {
				t.Fatalf("all %d mails would go from the %s side", p.Base, side)
			}
		}
	})
}

// The advice to move a folder away would lose what is only there.
func TestHoldTellsOfNewMails(t *testing.T) {
	in := after(40, 40, 0)
	if s := guard.Check(in).String(); strings.Contains(s, "only cop") {
		t.Errorf("of no new mails: %s", s)
	}
	in.Plan.Upload = []mail.Fresh{{Key: "a"}, {Key: "b"}}
	if s := guard.Check(in).String(); !strings.Contains(s, "2 mails in it are new") {
		t.Errorf("of two new mails: %s", s)
	}
}

func TestReplacedIsRemembered(t *testing.T) {
	st := mail.Stamp{UIDValidity: 7, UIDNext: 100}
	if got := codes(guard.Check(guard.Input{Folder: "INBOX", Base: 5, Known: st, Now: st, Replaced: true})); got != "remote uidnext-backwards" {
		t.Errorf("held for %q", got)
	}
	if got := codes(guard.Account("me at a", "me at b")); got != "remote other-account" {
		t.Errorf("held for %q", got)
	}
}
