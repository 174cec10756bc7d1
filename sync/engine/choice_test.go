package engine_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/offlineimap/offlineimapd/sync/engine"
	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store/storetest"
)

func without(out ...string) func(string) (bool, error) {
	return func(name string) (bool, error) { return !slices.Contains(out, name), nil }
}

func translate(pairs ...string) func(string) (string, error) {
	return func(name string) (string, error) {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1], nil
			}
		}
		return name, nil
	}
}

func (p *pairOf) folders(w *storetest.World) string {
	fs := w.Folders()
	slices.Sort(fs)
	return strings.Join(fs, " ")
}

func TestFoldersLeftOut(t *testing.T) {
	p := newPair(t, storetest.Options{})
	for _, f := range []string{"Lists", "Spam", "Work"} {
		p.must(p.remote.Create(f))
		p.add(p.remote, f, 3, 0)
	}
	p.must(p.local.Create("Notes"))
	p.add(p.local, "Notes", 2, 0)
	p.policy.Choice = engine.Choice{Remote: without("Spam"), Local: without("Notes")}
	r := p.sync()
	if got := p.folders(p.local); got != "INBOX Lists Notes Work" {
		t.Errorf("here are %s", got)
	}
	if got := p.folders(p.remote); got != "INBOX Lists Spam Work" {
		t.Errorf("on the server are %s", got)
	}
	if got := strings.Join(reported(r), " "); got != "INBOX Lists Work" {
		t.Errorf("reported: %s", got)
	}
}

// A local folder whose mailbox the server's filter rejects is not created there.
func TestRejectedMailboxIsNotCreated(t *testing.T) {
	p := newPair(t, storetest.Options{})
	p.must(p.local.Create("Old"))
	p.policy.Choice.Remote = without("Old")
	p.sync()
	if got := p.folders(p.remote); got != "INBOX" {
		t.Errorf("on the server are %s", got)
	}
}

// What happened while a folder was left out is carried over afterwards.
func TestFolderLeftOutComesBack(t *testing.T) {
	for _, side := range []string{"server", "local"} {
		p := several(t, 6, "Work")
		p.policy.Choice.Remote = without("Work")
		if side == "local" {
			p.policy.Choice = engine.Choice{Local: without("Work")}
		}
		p.remove(p.remote, "Work", 1)
		p.remove(p.local, "Work", 2)
		p.add(p.remote, "Work", 1, mail.Flagged)
		p.sync()
		if l, r := p.count(p.local, "Work"), p.count(p.remote, "Work"); l != 4 || r != 6 {
			t.Errorf("%s: left out, it has %d here and %d there", side, l, r)
		}
		p.policy.Choice = engine.Choice{}
		p.sync()
		if l, r := contents(p.local, "."), contents(p.remote, "/"); l != r {
			t.Errorf("%s: here\n%s\nthere\n%s", side, l, r)
		}
	}
}

// A filter that fails is no answer: the folder is reported, and not touched.
func TestFilterFails(t *testing.T) {
	p := several(t, 6, "Work", "Lists")
	p.policy.Choice.Remote = func(name string) (bool, error) {
		if name == "Work" {
			return false, errors.New("NameError: name 'wrok' is not defined")
		}
		return true, nil
	}
	p.remove(p.local, "Work", 1)
	p.add(p.remote, "Lists", 1, 0)
	p.move("Lists", "Work", 0)
	r := p.sync()
	if got := p.count(p.remote, "Lists"); got != 7 {
		t.Errorf("%d mails are left on the server of those where one was moved into a folder that cannot go on", got)
	}
	if got := p.count(p.local, "Lists"); got != 6 {
		t.Errorf("%d mails are here", got)
	}
	i := slices.IndexFunc(r.Folders, func(f engine.Folder) bool { return f.Name == "Work" })
	if i < 0 || r.Folders[i].Result != engine.Failed || !strings.Contains(r.Folders[i].Problems[0].Text, "'wrok'") {
		t.Errorf("reported: %+v", r.Folders)
	}
}

// A mail that is moved into a folder which is never uploaded has left the server.
func TestMovedIntoAFolderLeftOut(t *testing.T) {
	p := several(t, 6, "Work")
	p.must(p.local.Create("Archive"))
	p.policy.Choice.Local = without("Archive")
	p.move("Work", "Archive", 0)
	p.sync()
	if got := p.count(p.remote, "Work"); got != 5 {
		t.Errorf("%d mails are on the server", got)
	}
	if got := p.folders(p.remote); got != "INBOX Work" || p.count(p.local, "Archive") != 1 {
		t.Errorf("on the server are %s", got)
	}
}

func TestNamesTranslated(t *testing.T) {
	p := newPair(t, storetest.Options{})
	for _, f := range []string{"[Gmail]/All Mail", "[Gmail]/Sent Mail", "Work/x"} {
		p.must(p.remote.Create(f))
		p.add(p.remote, f, 3, 0)
	}
	p.must(p.local.Create("sent"))
	p.add(p.local, "sent", 1, 0)
	p.must(p.local.Create("fresh"))
	p.add(p.local, "fresh", 1, 0)
	p.policy.Names.There = translate("[Gmail]/All Mail", "archive", "[Gmail]/Sent Mail", "sent", "Local", "fresh")
	p.policy.Names.Back = translate("archive", "[Gmail].All Mail", "sent", "[Gmail].Sent Mail", "fresh", "Local")
	p.sync()
	if got := p.folders(p.local); got != "INBOX Work Work.x [Gmail] archive fresh sent" {
		t.Errorf("here are %s", got)
	}
	if got := p.folders(p.remote); got != "INBOX Local Work Work/x [Gmail] [Gmail]/All Mail [Gmail]/Sent Mail" {
		t.Errorf("on the server are %s", got)
	}
	if got := p.count(p.remote, "[Gmail]/Sent Mail"); got != 4 {
		t.Errorf("%d mails are in Sent Mail", got)
	}
}

// Two mailboxes with one local folder, and functions that are not inverse: the
// folder concerned is reported and nothing is made.
func TestNamesThatCannotBe(t *testing.T) {
	p := newPair(t, storetest.Options{})
	p.must(p.remote.Create("A"))
	p.must(p.remote.Create("B"))
	p.add(p.remote, "A", 2, 0)
	p.add(p.remote, "B", 2, 0)
	p.must(p.local.Create("C"))
	p.policy.Names.There = translate("A", "both", "B", "both", "Mail/C", "Mail/Mail/C")
	p.policy.Names.Back = translate("C", "Mail.C")
	var why []string
	for range 3 {
		why = nil
		for _, f := range p.sync().Folders {
			if f.Result == engine.Skipped {
				why = append(why, f.Problems[0].Text)
			}
		}
	}
	if len(why) != 2 || !strings.Contains(strings.Join(why, " "), "belongs to") || !strings.Contains(strings.Join(why, " "), "not inverse") {
		t.Errorf("reported: %q", why)
	}
	if l, r := p.folders(p.local), p.folders(p.remote); l != "C INBOX both" || r != "A B INBOX" {
		t.Errorf("here are %s; on the server are %s", l, r)
	}
}

// A nametrans that was changed takes effect where the directory is moved, and
// nothing crosses for it.
func TestNameTranslatedAnew(t *testing.T) {
	p := several(t, 6, "Work")
	p.policy.Names = engine.Policy{}.Names
	p.policy.Names.There = translate("Work", "Arbeit")
	p.policy.Names.Back = translate("Arbeit", "Work")
	p.sync()
	if got := p.folders(p.local); got != "INBOX Work" {
		t.Errorf("here are %s", got)
	}
	p.must(p.local.Create("Arbeit"))
	for p.count(p.local, "Work") > 0 {
		p.move("Work", "Arbeit", 0)
	}
	p.must(p.local.Drop("Work"))
	p.sync()
	p.sync()
	if l, r := p.folders(p.local), p.folders(p.remote); l != "Arbeit INBOX" || r != "INBOX Work" {
		t.Errorf("here are %s; on the server are %s", l, r)
	}
	if l, r := p.count(p.local, "Arbeit"), p.count(p.remote, "Work"); l != 6 || r != 6 {
		t.Errorf("%d mails are here, %d there", l, r)
	}
}

// A nametrans that fails touches nothing of a folder that was synced before.
func TestNameTranslationFails(t *testing.T) {
	p := several(t, 6, "Work")
	p.policy.Names.Back = func(name string) (string, error) {
		if name == "Work" {
			return "", errors.New("python3 has died")
		}
		return name, nil
	}
	p.add(p.remote, "Work", 1, 0)
	p.remove(p.local, "Work", 1)
	r := p.sync()
	i := slices.IndexFunc(r.Folders, func(f engine.Folder) bool { return f.Name == "Work" })
	if i < 0 || r.Folders[i].Result != engine.Failed || !strings.Contains(r.Folders[i].Problems[0].Text, "has died") {
		t.Errorf("reported: %+v", r.Folders)
	}
	if l, there := p.count(p.local, "Work"), p.count(p.remote, "Work"); l != 5 || there != 7 {
		t.Errorf("%d mails are here, %d there", l, there)
	}
}
