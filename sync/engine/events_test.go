package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/offlineimap/offlineimapd/sync/engine"
	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store/storetest"
)

// spoken writes an event down for comparison.
func spoken(e engine.Event) string {
	kinds := map[engine.EventKind]string{
		engine.FolderStarted: "started", engine.FolderProgress: "progress", engine.FolderEnded: "ended",
		engine.FolderEntered: "entered", engine.FolderQuiet: "quiet", engine.FolderCreated: "created",
		engine.MailsRemoved: "removed", engine.FlagAdded: "flag+", engine.FlagRemoved: "flag-", engine.FolderReplaced: "replaced",
	}
	words := []string{kinds[e.Kind], e.Folder, e.Local, e.Visible, e.Side, e.UIDs.String(), e.Flags.String()}
	if e.Done+e.Total > 0 {
		words = append(words, fmt.Sprintf("%d/%d", e.Done, e.Total))
	}
	if e.Is != 0 {
		words = append(words, fmt.Sprintf("%d->%d", e.Was, e.Is))
	}
	words = append(words, string(e.Result))
	if e.Planned {
		words = append(words, "planned")
	}
	return strings.Join(slices.DeleteFunc(words, func(w string) bool { return w == "" }), " ")
}

// told makes a run and returns what was said of each folder, folder by folder.
func (p *pairOf) told() string {
	p.t.Helper()
	said := map[string][]string{}
	var names []string
	p.watch = func(e engine.Event) {
		if e.Folder == "Lists" {
			return // the server makes it by itself
		}
		if said[e.Folder] == nil {
			names = append(names, e.Folder)
		}
		said[e.Folder] = append(said[e.Folder], spoken(e))
	}
	p.sync()
	slices.Sort(names)
	var all []string
	for _, n := range names {
		all = append(all, said[n]...)
	}
	return strings.Join(all, "\n")
}

func TestEvents(t *testing.T) {
	p := newPair(t, storetest.Options{Separator: '/'})
	p.must(p.remote.Create("Lists/go"))
	p.add(p.remote, "INBOX", 3, 0)
	p.add(p.remote, "Lists/go", 40, mail.Seen)
	check := func(step, want string) {
		t.Helper()
		if got := p.told(); got != strings.TrimSpace(want) {
			t.Fatalf("%s:\n%s\nwant\n%s", step, got, want)
		}
	}
	p.must(p.local.Create("INBOX"))
	p.dryRun = true
	check("a dry run", `
entered INBOX INBOX INBOX planned
started INBOX INBOX INBOX 0/3 planned
progress INBOX INBOX INBOX local 1:3 3/3 planned
ended INBOX INBOX INBOX planned planned
entered Lists/go Lists.go Lists/go planned
created Lists/go Lists.go Lists/go local planned
started Lists/go Lists.go Lists/go 0/40 planned
progress Lists/go Lists.go Lists/go local 1:40 40/40 planned
ended Lists/go Lists.go Lists/go planned planned`)
	p.dryRun = false
	check("the first run", `
entered INBOX INBOX INBOX
started INBOX INBOX INBOX 0/3
progress INBOX INBOX INBOX local 1:3 3/3
ended INBOX INBOX INBOX synced
entered Lists/go Lists.go Lists/go
created Lists/go Lists.go Lists/go local
started Lists/go Lists.go Lists/go 0/40
progress Lists/go Lists.go Lists/go local 1:32 32/40
progress Lists/go Lists.go Lists/go local 33:40 8/40
ended Lists/go Lists.go Lists/go synced`)
	p.told()
	check("nothing new", `
quiet INBOX INBOX INBOX
ended INBOX INBOX INBOX unchanged
quiet Lists/go Lists.go Lists/go
ended Lists/go Lists.go Lists/go unchanged`)

	p.remove(p.local, "Lists.go", 2)
	p.remove(p.remote, "INBOX", 1)
	p.must(p.remote.SetFlags("INBOX", p.at(p.remote, "INBOX", 0), mail.Flagged|mail.Seen))
	p.must(p.local.SetFlags("Lists.go", p.at(p.local, "Lists.go", 0), 0))
	p.add(p.local, "Lists.go", 2, 0)
	check("changes on both sides", `
entered INBOX INBOX INBOX
flag+ INBOX INBOX INBOX local 2 F 1/0
flag+ INBOX INBOX INBOX local 2 S 1/0
removed INBOX INBOX INBOX local 1 1/0
ended INBOX INBOX INBOX synced
entered Lists/go Lists.go Lists/go
started Lists/go Lists.go Lists/go 0/2
progress Lists/go Lists.go Lists/go remote 2/2
flag- Lists/go Lists.go Lists/go remote 3 S 1/0
ended Lists/go Lists.go Lists/go synced
removed Lists/go Lists.go Lists/go remote 1:2 2/0`)

	p.must(p.remote.Renumber("INBOX"))
	if got := p.told(); !strings.Contains(got, "replaced INBOX INBOX INBOX ") || !strings.Contains(got, "ended INBOX INBOX INBOX held") {
		t.Fatalf("a mailbox replaced:\n%s", got)
	}
}

// An observer that is told of nothing holds nothing up, however much there is to
// say after the folders have ended.
func TestEventsOfRemovals(t *testing.T) {
	p := newPair(t, storetest.Options{})
	const folders = 100
	for i := range folders {
		name := fmt.Sprintf("F%02d", i)
		p.must(p.remote.Create(name))
		p.add(p.remote, name, 3, 0)
	}
	p.sync()
	for i := range folders {
		p.remove(p.local, fmt.Sprintf("F%02d", i), 1)
	}
	if n := strings.Count(p.told(), "removed "); n != folders {
		t.Fatalf("told of %d removals, not of %d", n, folders)
	}
}

// Who was translated can be told from who only has another separator.
func TestEventsOfTranslatedNames(t *testing.T) {
	p := newPair(t, storetest.Options{Separator: '/'})
	p.must(p.remote.Create("Lists/B&APw-cher"))
	p.must(p.remote.Create("Lists/go"))
	p.policy.Names.There = translate("Lists/go", "golang/all")
	p.policy.Names.Back = translate("golang.all", "Lists.go")
	got := p.told()
	for _, want := range []string{"entered Lists/Bücher Lists.B&APw-cher Lists/Bücher", "entered Lists/go golang.all golang/all"} {
		if !strings.Contains(got, want+"\n") {
			t.Errorf("it was not told: %s\n%s", want, got)
		}
	}
}
