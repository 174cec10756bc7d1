package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/offlineimap/offlineimapd/sync/engine"
	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
	"github.com/offlineimap/offlineimapd/sync/store/storetest"
)

// result finds what was reported of a mailbox.
func result(r *engine.Report, name string) engine.Folder {
	for _, f := range r.Folders {
		if f.Name == name {
			return f
		}
	}
	return engine.Folder{}
}

// Mailboxes with the local separator in their names are synced both ways, and a
// folder that is made here with an escape is made there under the name that it
// stands for.
func TestNamesWithTheLocalSeparator(t *testing.T) {
	p := newPair(t, storetest.Options{})
	for _, f := range []string{"v1.2", "Lists/foo.bar", "v1%2E2", "v1/2"} {
		p.must(p.remote.Create(f))
		p.add(p.remote, f, 3, 0)
	}
	p.must(p.local.Create("Work.my%2Eown"))
	p.add(p.local, "Work.my%2Eown", 2, 0)
	for range 2 {
		p.sync()
		if got := p.folders(p.local); got != "INBOX Lists Lists.foo%2Ebar Work Work.my%2Eown v1 v1%252E2 v1%2E2 v1.2" {
			t.Fatalf("here are %s", got)
		}
		if got := p.folders(p.remote); got != "INBOX Lists Lists/foo.bar Work Work/my.own v1 v1%2E2 v1.2 v1/2" {
			t.Fatalf("on the server are %s", got)
		}
	}
	p.remove(p.local, "v1%2E2", 1)
	p.remove(p.remote, "v1%2E2", 2)
	p.add(p.local, "Lists.foo%2Ebar", 1, mail.Flagged)
	p.sync()
	for local, want := range map[string]int{"v1%2E2": 2, "v1%252E2": 1, "v1.2": 3, "Lists.foo%2Ebar": 4, "Work.my%2Eown": 2} {
		if got := p.count(p.local, local); got != want {
			t.Errorf("%d mails are in %q, want %d", got, local, want)
		}
	}
	for remote, want := range map[string]int{"v1.2": 2, "v1%2E2": 1, "v1/2": 3, "Lists/foo.bar": 4, "Work/my.own": 2} {
		if got := p.count(p.remote, remote); got != want {
			t.Errorf("%d mails are in %q there, want %d", got, remote, want)
		}
	}
}

// A mailbox whose name has what looks like an escape stays in the folder that it
// had, known or not, while no other needs it.
func TestNamesThatLookLikeEscapes(t *testing.T) {
	p := newPair(t, storetest.Options{})
	p.must(p.remote.Create("v1%2E2"))
	p.must(p.local.Create("v1%2E2"))
	p.add(p.local, "v1%2E2", 2, 0)
	p.sync()
	if l, r := p.folders(p.local), p.folders(p.remote); l != "INBOX v1%2E2" || r != "INBOX v1%2E2" || p.count(p.remote, "v1%2E2") != 2 {
		t.Fatalf("here are %s, there %s", l, r)
	}
	p.must(p.remote.Create("v1.2"))
	p.add(p.remote, "v1.2", 1, 0)
	for range 2 {
		f := result(p.sync(), "v1.2")
		if f.Result != engine.Skipped || !strings.Contains(f.Problems[0].Text, `"v1%2E2" belongs to "v1%2E2"`) {
			t.Errorf("%+v", f)
		}
	}
	if got := p.count(p.local, "v1%2E2"); got != 2 {
		t.Errorf("%d mails are here", got)
	}
}

// A pair that is known under another name stays.
func TestKnownNameStays(t *testing.T) {
	p := newPair(t, storetest.Options{})
	p.must(p.remote.Create("v1.2"))
	p.add(p.remote, "v1.2", 3, 0)
	p.policy.Names.There = translate("v1.2", "v1.2.", "v1%2E2", "v1.2.") // as it was before there were escapes
	p.sync()
	p.policy.Names.There = nil
	r := p.sync()
	if got := p.folders(p.local); got != "INBOX v1.2." && got != "INBOX v1 v1.2 v1.2." || r.Counts.Any() {
		t.Errorf("here are %s; %+v", got, r.Counts)
	}
}

// OfflineIMAP leaves an empty folder where a mailbox has the local separator in its
// name. It does not go up, unless somebody puts a mail into it.
func TestLeftovers(t *testing.T) {
	p := newPair(t, storetest.Options{})
	p.must(p.remote.Create("v1.2"))
	p.add(p.remote, "v1.2", 3, 0)
	p.must(p.local.Create("v1.2"))
	for i := range 3 {
		f := result(p.sync(), "v1/2")
		told := len(f.Notes) == 1 && strings.Contains(f.Notes[0], `"v1.2" is empty`)
		if f.Result != engine.Unchanged || told != (i == 0) {
			t.Fatalf("%+v", f)
		}
	}
	if got := p.folders(p.remote); got != "INBOX v1 v1.2" { // v1 is here too, above it
		t.Fatalf("on the server are %s", got)
	}
	p.add(p.local, "v1.2", 1, 0)
	p.sync()
	if got := p.folders(p.remote); got != "INBOX v1 v1.2 v1/2" || p.count(p.remote, "v1/2") != 1 || p.count(p.local, "v1%2E2") != 3 {
		t.Errorf("on the server are %s", got)
	}
}

// Nothing that another program knew is believed of a mailbox that it left alone,
// and such a mailbox keeps nothing from the one whose record it would share.
func TestNothingIsInheritedOfTheIgnored(t *testing.T) {
	p := newPair(t, storetest.Options{})
	p.must(p.remote.Create("v1.2"))
	p.must(p.local.Create("v1%2E2"))
	h := &askedHeritage{}
	p.heritage = h
	p.sync()
	for _, pair := range slices.Concat(h.asked, h.all) {
		if pair.Remote == "v1.2" {
			t.Errorf("asked about %v", pair)
		}
	}
	if len(h.asked) != 0 && len(h.all) == 0 {
		t.Errorf("nothing else was told")
	}
}

type askedHeritage struct {
	mu         sync.Mutex
	asked, all []engine.FolderPair
}

func (h *askedHeritage) Inherit(_ context.Context, p engine.FolderPair, all []engine.FolderPair) (*engine.Inherited, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked, h.all = append(h.asked, p), all
	return nil, nil
}

func (h *askedHeritage) String() string { return "nobody's" }

// oneCase is a file system that takes upper and lower case for the same.
type oneCase struct{ store.Store }

func (o oneCase) Create(ctx context.Context, name string) error {
	boxes, err := o.Survey(ctx)
	if err != nil {
		return err
	}
	for _, b := range boxes {
		if strings.EqualFold(b.Name, name) {
			return nil
		}
	}
	return o.Store.Create(ctx, name)
}

// Two mailboxes never share a directory, whichever of them comes first.
func TestFileSystemWithoutCase(t *testing.T) {
	for _, first := range []string{"", "archive", "Archive"} {
		p := newPair(t, storetest.Options{})
		p.wrap = func(s store.Store) store.Store { return oneCase{s} }
		if first != "" {
			p.must(p.remote.Create(first))
			p.add(p.remote, first, 2, 0)
			p.sync()
		}
		for _, f := range []string{"Archive", "archive"} {
			if f != first {
				p.must(p.remote.Create(f))
			}
			p.add(p.remote, f, 2, 0)
		}
		var kept, refused []string
		for range 3 {
			kept, refused = nil, nil
			for _, f := range p.sync().Folders {
				switch {
				case f.Result == engine.Skipped && strings.Contains(f.Problems[0].Text, `"Archive"`) && strings.Contains(f.Problems[0].Text, `"archive"`):
					refused = append(refused, f.Name)
				case f.Name != "INBOX":
					kept = append(kept, f.Name)
				}
			}
		}
		if len(kept) != 1 || len(refused) != 1 || first != "" && kept[0] != first {
			t.Fatalf("after %q, %v is kept and %v refused", first, kept, refused)
		}
		if l, r := p.count(p.local, kept[0]), p.count(p.remote, kept[0]); l != r {
			t.Errorf("after %q: %d mails are here, and %d there", first, l, r)
		}
		if n := p.count(p.remote, refused[0]); n != 2 {
			t.Errorf("after %q: %d mails are in the mailbox that was refused", first, n)
		}
	}
}

// oneSpelling is a server that takes upper and lower case for the same.
type oneSpelling struct{ store.Store }

func (o oneSpelling) Create(ctx context.Context, name string) error {
	boxes, err := o.Survey(ctx)
	if err != nil {
		return err
	}
	for _, b := range boxes {
		if strings.EqualFold(b.Name, name) && b.Name != name {
			return store.Fail(store.Config, store.ScopeFolder, fmt.Errorf("create %q: for the server it is %q", name, b.Name))
		}
	}
	return o.Store.Create(ctx, name)
}

func (o oneSpelling) Find(context.Context, []string) ([]store.Mailbox, map[string]error, error) {
	return nil, nil, errors.New("not asked for")
}

func TestServerWithoutCase(t *testing.T) {
	p := newPair(t, storetest.Options{})
	p.wrapRemote = func(s store.Store) store.Store { return oneSpelling{s} }
	p.must(p.remote.Create("Archive"))
	p.add(p.remote, "Archive", 2, 0)
	p.must(p.local.Create("archive"))
	p.add(p.local, "archive", 1, 0)
	for range 3 {
		f := result(p.sync(), "archive")
		if f.Result != engine.Skipped || f.CreatedRemote || !strings.Contains(f.Problems[0].Text, `"Archive"`) || !strings.Contains(f.Problems[0].Text, `"archive"`) {
			t.Fatalf("%+v", f)
		}
	}
	if got := p.folders(p.local); got != "Archive INBOX archive" || p.count(p.local, "archive") != 1 || p.count(p.local, "Archive") != 2 || p.count(p.remote, "Archive") != 2 {
		t.Errorf("here are %s", got)
	}
}

// found is a server that shows some mailboxes only to who asks for them.
type found struct {
	store.Store
	w      *storetest.World
	hidden []string
}

func (f found) Survey(ctx context.Context) ([]store.Mailbox, error) {
	all, err := f.Store.Survey(ctx)
	return slices.DeleteFunc(all, func(b store.Mailbox) bool { return slices.Contains(f.hidden, b.Name) }), err
}

func (f found) Find(ctx context.Context, names []string) (out []store.Mailbox, missing map[string]error, err error) {
	all, err := f.Store.Survey(ctx)
	missing = map[string]error{}
	for _, n := range names {
		if i := slices.IndexFunc(all, func(b store.Mailbox) bool { return b.Name == n }); i >= 0 {
			out = append(out, all[i])
		} else {
			missing[n] = errors.New("there is no such mailbox")
		}
	}
	return out, missing, err
}

// What folderincludes names and the server does not list is asked for; what is not
// there is told by name, and stops nothing.
func TestIncludes(t *testing.T) {
	p := newPair(t, storetest.Options{})
	p.wrapRemote = func(s store.Store) store.Store {
		return found{s, p.remote, []string{"debian.user", "Gr&APYA3w-e", "private"}}
	}
	for _, f := range []string{"debian.user", "Gr&APYA3w-e", "private", "Work"} {
		p.must(p.remote.Create(f))
		p.add(p.remote, f, 2, 0)
	}
	p.policy.Names.UTF8 = true
	p.policy.Choice.Includes = []string{"debian.user", "Größe", "Work", "nowhere", "inbox", "debian.user", "", "a\x00b"}
	for range 2 {
		r := p.sync()
		if got := p.folders(p.local); got != "Größe INBOX Work debian%2Euser" {
			t.Fatalf("here are %s", got)
		}
		for _, name := range []string{"nowhere", "", `a\x00b`} {
			if f := result(r, name); f.Result != engine.Skipped || !strings.Contains(f.Problems[0].Text, fmt.Sprintf("folderincludes has %q", name)) {
				t.Errorf("%+v", f)
			}
		}
		if len(r.Folders) != 7 {
			t.Errorf("%d folders are reported", len(r.Folders))
		}
	}
	// One that is gone is like any other that is gone: a person is asked.
	p.wrapRemote = func(s store.Store) store.Store { return found{s, p.remote, []string{"private"}} }
	p.must(p.remote.Drop("debian.user"))
	if f := result(p.sync(), "debian.user"); f.Result != engine.Held || p.count(p.local, "debian%2Euser") != 2 {
		t.Errorf("%+v", f)
	}
}

// What is made here goes below reference, if that is where all mailboxes are.
func TestReferencePutsFolders(t *testing.T) {
	for reference, want := range map[string]string{"Mail": "INBOX Mail Mail/fresh Mail/x Other", "~/Mail/": "INBOX Mail Mail/x Other fresh"} {
		p := newPair(t, storetest.Options{})
		p.must(p.remote.Create("Mail/x"))
		p.must(p.remote.Create("Other"))
		p.must(p.local.Create("fresh"))
		p.policy.Choice.Includes = []string{"Other"}
		p.policy.Names.Reference = reference
		p.policy.Names.There = func(name string) (string, error) { return strings.TrimPrefix(name, "Mail/"), nil }
		p.sync()
		if got := p.folders(p.remote); got != want {
			t.Errorf("reference = %s: on the server are %s", reference, got)
		}
	}
}
