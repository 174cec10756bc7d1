package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/sync/engine"
	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/state"
	"github.com/offlineimap/offlineimapd/sync/store"
	"github.com/offlineimap/offlineimapd/sync/store/storetest"
)

// pairOf is an account in memory: a tree that carries UIDs, a server that
// assigns them, and a state on the disk.
type pairOf struct {
	t             *testing.T
	local, remote *storetest.World
	state         string
	policy        engine.Policy
	approve       []string
	tokens        []string
	only          []string
	full          bool
	dryRun        bool
	remoteID      string
	heritage      engine.Heritage
	wrap          func(store.Store) store.Store // stands before the local store
	wrapRemote    func(store.Store) store.Store
	watch         engine.Observer
	serial        int
}

func newPair(t *testing.T, remote storetest.Options) *pairOf {
	p := &pairOf{
		t: t, local: storetest.NewWorld(storetest.Options{Carries: true, Separator: '.'}), remote: storetest.NewWorld(remote),
		state:  filepath.Join(t.TempDir(), "state"),
		policy: engine.Policy{CreateLocal: true, CreateRemote: true, LocalDeletes: true, RemoteDeletes: true},
	}
	p.must(p.remote.Create("INBOX"))
	return p
}

func (p *pairOf) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// mail makes a mail unlike any other; bodies end lines as on the wire.
func (p *pairOf) mail() []byte {
	p.serial++
	return fmt.Appendf(nil, "Message-ID: <%d@test>\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\nSubject: %d\r\n\r\nHello\r\n", p.serial, p.serial)
}

func (p *pairOf) add(w *storetest.World, folder string, n int, flags mail.Flags) {
	p.t.Helper()
	for range n {
		p.must(w.Add(folder, flags, p.mail()))
	}
}

func (p *pairOf) at(w *storetest.World, folder string, i int) storetest.Mail {
	p.t.Helper()
	ms, err := w.List(folder)
	p.must(err)
	return ms[i]
}

func (p *pairOf) remove(w *storetest.World, folder string, n int) {
	p.t.Helper()
	for range n {
		p.must(w.Remove(folder, p.at(w, folder, 0)))
	}
}

// run makes one run; lf and rf stand before the stores where they are not nil.
func (p *pairOf) run(lf, rf *storetest.Faults) (*engine.Report, error) {
	p.t.Helper()
	ctx := context.Background()
	db, err := state.Open(ctx, p.state, state.Options{Account: "test", ReadOnly: p.dryRun})
	p.must(err)
	defer func() { p.must(db.Close()) }()
	local, remote := p.local.Store(), p.remote.Store()
	if lf != nil {
		local = storetest.WithFaults(local, lf)
	}
	if rf != nil {
		remote = storetest.WithFaults(remote, rf)
	}
	if p.wrap != nil {
		local = p.wrap(local)
	}
	if p.wrapRemote != nil {
		remote = p.wrapRemote(remote)
	}
	return engine.Run(ctx, engine.Request{
		Account: "test", Local: local, Remote: remote, State: db, Policy: p.policy,
		Approve: p.approve, ApproveTokens: p.tokens, Only: p.only, Full: p.full, DryRun: p.dryRun,
		RemoteID: p.remoteID, Inherit: p.heritage, NewID: func() string { return "id" }, Now: time.Now,
	}, p.watch)
}

func (p *pairOf) sync() *engine.Report {
	p.t.Helper()
	r, err := p.run(nil, nil)
	if err != nil {
		p.t.Fatalf("run: %v", err)
	}
	return r
}

// contents tells what a side holds, for people to compare.
func contents(w *storetest.World, sep string) string {
	var out []string
	for _, f := range w.Folders() {
		ms, _ := w.List(f)
		var lines []string
		for _, m := range ms {
			lines = append(lines, fmt.Sprintf("  %d %s %s", m.UID, m.Flags, subject(m.Body)))
		}
		sort.Strings(lines)
		out = append(out, strings.ReplaceAll(f, sep, "/")+"\n"+strings.Join(lines, "\n"))
	}
	sort.Strings(out)
	return strings.Join(out, "\n")
}

func subject(body []byte) string {
	_, rest, _ := bytes.Cut(body, []byte("Subject: "))
	s, _, _ := bytes.Cut(rest, []byte("\r\n"))
	return string(s)
}

// inStep checks that both sides hold the same, and that another run has
// nothing to do.
func (p *pairOf) inStep() {
	p.t.Helper()
	l, r := contents(p.local, "."), contents(p.remote, "/")
	if l != r {
		p.t.Fatalf("not in step:\nlocal:\n%s\nremote:\n%s", l, r)
	}
	for range 2 {
		if rep := p.sync(); rep.Counts.Any() {
			p.t.Fatalf("a run with nothing to do did something: %+v", rep.Counts)
		}
	}
	if again := contents(p.remote, "/"); again != r {
		p.t.Fatalf("a run with nothing to do changed the server:\n%s\nwas:\n%s", again, r)
	}
}

// scenario arranges a change on sides that are in step.
type scenario struct {
	name   string
	change func(p *pairOf)
}

var scenarios = []scenario{
	{"quiet", func(p *pairOf) {}},
	{"new remotely", func(p *pairOf) { p.add(p.remote, "INBOX", 3, mail.Seen) }},
	{"new locally", func(p *pairOf) { p.add(p.local, "INBOX", 3, mail.Seen|mail.Flagged) }},
	{"new on both", func(p *pairOf) { p.add(p.local, "INBOX", 2, 0); p.add(p.remote, "INBOX", 2, mail.Replied) }},
	{"flags remotely", func(p *pairOf) {
		p.must(p.remote.SetFlags("INBOX", p.at(p.remote, "INBOX", 1), mail.Seen|mail.Flagged))
	}},
	{"flags locally", func(p *pairOf) {
		p.must(p.local.SetFlags("INBOX", p.at(p.local, "INBOX", 1), mail.Seen|mail.Replied))
	}},
	{"flags on both", func(p *pairOf) {
		p.must(p.local.SetFlags("INBOX", p.at(p.local, "INBOX", 1), mail.Replied))
		p.must(p.remote.SetFlags("INBOX", p.at(p.remote, "INBOX", 1), mail.Flagged))
	}},
	{"removed remotely", func(p *pairOf) { p.remove(p.remote, "INBOX", 2) }},
	{"removed locally", func(p *pairOf) { p.remove(p.local, "INBOX", 2) }},
	{"removed on both", func(p *pairOf) {
		l, r := p.at(p.local, "INBOX", 0), p.at(p.remote, "INBOX", 0)
		p.must(p.local.Remove("INBOX", l))
		p.must(p.remote.Remove("INBOX", r))
	}},
	{"removed here, flagged there", func(p *pairOf) {
		p.must(p.local.Remove("INBOX", p.at(p.local, "INBOX", 0)))
		p.must(p.remote.SetFlags("INBOX", p.at(p.remote, "INBOX", 0), mail.Flagged))
	}},
	{"folders", func(p *pairOf) {
		p.must(p.remote.Create("Lists/go"))
		p.add(p.remote, "Lists/go", 2, 0)
		p.must(p.local.Create("Work.old"))
		p.add(p.local, "Work.old", 2, mail.Seen)
		p.must(p.local.Create("empty"))
	}},
	{"everything", func(p *pairOf) {
		p.add(p.local, "INBOX", 3, mail.Draft)
		p.add(p.remote, "INBOX", 3, 0)
		p.remove(p.remote, "INBOX", 1)
		ms, _ := p.local.List("INBOX")
		i := slices.IndexFunc(ms, func(m storetest.Mail) bool { return m.UID == 5 })
		p.must(p.local.Remove("INBOX", ms[i]))
		p.must(p.local.SetFlags("INBOX", p.at(p.local, "INBOX", 9), mail.Seen))
		p.must(p.remote.SetFlags("INBOX", p.at(p.remote, "INBOX", 6), mail.Flagged))
	}},
	{"the same mail twice", func(p *pairOf) {
		b := p.mail()
		p.must(p.local.Add("INBOX", 0, b))
		p.must(p.local.Add("INBOX", 0, b))
		p.must(p.local.Add("INBOX", 0, nil))
	}},
}

var servers = map[string]storetest.Options{
	"modern":              {},
	"without CONDSTORE":   {Plain: true},
	"without UIDPLUS":     {Silent: true},
	"without MULTIAPPEND": {Eager: true},
	"plain":               {Plain: true, Silent: true, Eager: true},
}

func started(t *testing.T, o storetest.Options, sc scenario) *pairOf {
	p := newPair(t, o)
	p.add(p.remote, "INBOX", 12, mail.Seen)
	p.sync()
	sc.change(p)
	return p
}

func TestScenarios(t *testing.T) {
	for name, o := range servers {
		for _, sc := range scenarios {
			t.Run(name+"/"+sc.name, func(t *testing.T) {
				t.Parallel()
				p := started(t, o, sc)
				if r := p.sync(); r.Result == engine.Failed || r.Result == engine.Held {
					t.Fatalf("%+v", r)
				}
				p.inStep()
			})
		}
	}
}

// Folders that are all cut into chunks at once do not wait for each other.
func TestManyLargeFolders(t *testing.T) {
	for _, parallel := range []int{1, 2, 4} {
		p := newPair(t, storetest.Options{Parallel: parallel})
		for i := range 9 {
			f := fmt.Sprintf("F%d", i)
			p.must(p.remote.Create(f))
			p.add(p.remote, f, 130*(i%3+1), 0)
		}
		done := make(chan *engine.Report, 1)
		go func() {
			r, _ := p.run(nil, nil)
			done <- r
		}()
		select {
		case r := <-done:
			if r.Counts.Downloaded != 9*260 {
				t.Fatalf("%+v", r.Counts)
			}
		case <-time.After(time.Minute):
			t.Fatal("the run does not end")
		}
		p.inStep()
	}
}

// Every run is cut off at every step, before the step and after it; what the
// next run makes of it is what an undisturbed one makes.
func TestCutOffEverywhere(t *testing.T) {
	for name, o := range servers {
		for _, sc := range scenarios {
			t.Run(name+"/"+sc.name, func(t *testing.T) {
				t.Parallel()
				whole := started(t, o, sc)
				lf, rf := &storetest.Faults{}, &storetest.Faults{}
				if _, err := whole.run(lf, rf); err != nil {
					t.Fatal(err)
				}
				want := subjects(whole.remote)
				cut := func(local bool, step int, after bool) {
					p := started(t, o, sc)
					f := &storetest.Faults{Step: step, After: after, Dead: true}
					var err error
					if local {
						_, err = p.run(f, nil)
					} else {
						_, err = p.run(nil, f)
					}
					if f.Struck() && err != nil && !errors.Is(err, storetest.ErrFault) {
						t.Fatalf("cut at step %d (local %v, after %v): %v", step, local, after, err)
					}
					p.sync()
					p.sync()
					if got := subjects(p.remote); got != want {
						t.Fatalf("cut at step %d %v (local %v, after %v): the server has\n%s\nwant\n%s", step, f.Steps()[len(f.Steps())-1], local, after, got, want)
					}
					p.inStep()
				}
				for _, after := range []bool{false, true} {
					for i := range lf.Steps() {
						cut(true, i+1, after)
					}
					for i := range rf.Steps() {
						cut(false, i+1, after)
					}
				}
			})
		}
	}
}

// subjects tells what a side holds, UIDs aside: an interrupted upload may get
// others.
func subjects(w *storetest.World) string {
	var out []string
	for _, f := range w.Folders() {
		ms, _ := w.List(f)
		for _, m := range ms {
			out = append(out, fmt.Sprintf("%s %s %s", f, subject(m.Body), m.Flags))
		}
	}
	sort.Strings(out)
	return strings.Join(out, "\n")
}
