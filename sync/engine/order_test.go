package engine_test

import (
	"slices"
	"testing"

	"github.com/offlineimap/offlineimapd/sync/engine"
	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
	"github.com/offlineimap/offlineimapd/sync/store/storetest"
)

// begun makes a run, and returns the folders in the order in which they were
// looked into.
func (p *pairOf) begun() (folders []string) {
	p.t.Helper()
	p.watch = func(e engine.Event) {
		if e.Kind == engine.FolderEntered || e.Kind == engine.FolderQuiet {
			folders = append(folders, e.Folder)
		}
	}
	p.full = true
	p.sync()
	return folders
}

func TestOrder(t *testing.T) {
	p := newPair(t, storetest.Options{Parallel: 1, Separator: '/'})
	for i, f := range []string{"a", "b", "G&AOQ-ste"} {
		p.must(p.remote.Create(f))
		p.add(p.remote, f, i, 0)
	}
	p.policy.Names.UTF8 = true
	var asked []string
	order := func(places map[string]int) func([]string) map[string]int {
		return func(mailboxes []string) map[string]int {
			asked = mailboxes
			return places
		}
	}
	for _, tc := range []struct {
		name   string
		places map[string]int
		want   []string
	}{
		{"as it says", map[string]int{"b": 0, "Gäste": 1, "INBOX": 2, "a": 3}, []string{"b", "Gäste", "INBOX", "a"}},
		{"as the engine likes where it does not say", map[string]int{"b": -1}, []string{"b", "INBOX", "Gäste", "a"}},
		{"as the engine likes", nil, []string{"INBOX", "Gäste", "b", "a"}},
	} {
		p.policy.Order = order(tc.places)
		for _, f := range []string{"b", "G&AOQ-ste", "G&AOQ-ste"} {
			p.add(p.remote, f, 1, 0)
		}
		if got := p.begun(); !slices.Equal(got, tc.want) {
			t.Errorf("%s: the order is %q, want %q", tc.name, got, tc.want)
		}
		slices.Sort(asked)
		if want := []string{"Gäste", "INBOX", "a", "b"}; !slices.Equal(asked, want) {
			t.Errorf("%s: asked about %q, want %q", tc.name, asked, want)
		}
	}
}

// opened counts how often a store's folders are opened.
type opened struct {
	store.Store
	n *int
}

func (o opened) Open(name string, readOnly bool) store.Folder {
	*o.n++
	return o.Store.Open(name, readOnly)
}

// Mails of a folder that come by one session are written by one hand.
func TestOneSession(t *testing.T) {
	p := newPair(t, storetest.Options{Parallel: 4})
	p.policy.OneSession = true
	n := 0
	p.wrap = func(s store.Store) store.Store { return opened{s, &n} }
	p.add(p.remote, "INBOX", 1000, 0)
	p.sync()
	if n != 2 { // to read it, and to write it
		t.Errorf("the folder was opened %d times", n)
	}
	p.inStep()
}

func TestUnseen(t *testing.T) {
	p := newPair(t, storetest.Options{})
	p.add(p.remote, "INBOX", 3, 0)
	for _, want := range []int{3, 0, 2} {
		if r := p.sync(); r.Folders[0].Unseen != want {
			t.Errorf("%d unseen mails were brought, want %d", r.Folders[0].Unseen, want)
		}
		if want == 0 {
			p.add(p.remote, "INBOX", 2, 0)
			p.add(p.remote, "INBOX", 1, mail.Seen)
		}
	}
}
