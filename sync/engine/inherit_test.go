package engine_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/offlineimap/offlineimapd/sync/engine"
	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store/storetest"
)

// testament is what another program left: rows by local name.
type testament struct {
	validity map[string]uint32
	rows     map[string][]mail.Entry
	err      error
	asked    atomic.Int64
}

func (h *testament) String() string { return "the other program's state" }

func (h *testament) Inherit(_ context.Context, p engine.FolderPair, all []engine.FolderPair) (*engine.Inherited, error) {
	h.asked.Add(1)
	if !slices.Contains(all, p) {
		return nil, fmt.Errorf("%v is not among %v", p, all)
	}
	if h.err != nil || h.rows[p.Local] == nil {
		return nil, h.err
	}
	return &engine.Inherited{File: "file of " + p.Local, UIDValidity: h.validity[p.Remote], Rows: h.rows[p.Local]}, nil
}

// changesOver makes both sides what another program left when they were in step:
// its rows are known, and the base is not.
func (p *pairOf) changesOver() *testament {
	p.t.Helper()
	h := &testament{validity: map[string]uint32{}, rows: map[string][]mail.Entry{}}
	for _, f := range p.local.Folders() {
		ms, err := p.local.List(f)
		p.must(err)
		for _, m := range ms {
			if m.UID != 0 {
				h.rows[f] = append(h.rows[f], mail.Entry{UID: m.UID, Flags: m.Flags})
			}
		}
		slices.SortFunc(h.rows[f], func(a, b mail.Entry) int { return int(a.UID) - int(b.UID) })
	}
	ms, err := p.remote.Store().Survey(context.Background())
	p.must(err)
	for _, m := range ms {
		h.validity[m.Name] = m.Stamp.UIDValidity
	}
	p.state += "new"
	p.heritage = h
	return h
}

func (p *pairOf) byUID(w *storetest.World, uid mail.UID) storetest.Mail {
	p.t.Helper()
	ms, err := w.List("INBOX")
	p.must(err)
	i := slices.IndexFunc(ms, func(m storetest.Mail) bool { return m.UID == uid })
	if i < 0 {
		p.t.Fatalf("no mail with UID %d", uid)
	}
	return ms[i]
}

func inherited(t *testing.T, o storetest.Options, sc scenario) *pairOf {
	p := newPair(t, o)
	p.add(p.remote, "INBOX", 12, mail.Seen)
	p.sync()
	p.changesOver()
	sc.change(p)
	return p
}

// What another program left does what our own base would have done: the same
// mails cross, and the same are removed.
func TestInheritedLikeOwn(t *testing.T) {
	for name, o := range servers {
		for _, sc := range scenarios {
			t.Run(name+"/"+sc.name, func(t *testing.T) {
				own := started(t, o, sc)
				want := own.sync().Counts
				p := inherited(t, o, sc)
				r := p.sync()
				got := r.Counts
				got.Paired = 0
				if got != want {
					t.Errorf("got  %+v\nwant %+v", got, want)
				}
				if a := r.Folders[0].Adopted; a == nil || a.File != "file of INBOX" || a.Mails < 10 {
					t.Errorf("adopted %+v", a)
				}
				if len(r.Notes) != 1 || !strings.HasPrefix(r.Notes[0], "adopted 1") || !strings.HasSuffix(r.Notes[0], " mails in 1 folders from the other program's state") {
					t.Errorf("notes %q", r.Notes)
				}
				if got, want := subjects(p.remote), subjects(own.remote); got != want {
					t.Errorf("the server has\n%s\nwant\n%s", got, want)
				}
				asked := p.heritage.(*testament).asked.Load()
				p.inStep()
				if n := p.heritage.(*testament).asked.Load(); n != asked {
					t.Errorf("asked %d times more once the base knew it all", n-asked)
				}
			})
		}
	}
}

// A dry run plans what a run does, and changes nothing.
func TestInheritedDryRun(t *testing.T) {
	for _, sc := range scenarios {
		t.Run(sc.name, func(t *testing.T) {
			p := inherited(t, storetest.Options{}, sc)
			p.dryRun = true
			l, r := contents(p.local, "."), contents(p.remote, "/")
			planned := p.sync().Counts
			if contents(p.local, ".") != l || contents(p.remote, "/") != r {
				t.Fatal("something was changed")
			}
			p.dryRun = false
			done := p.sync().Counts
			done.Bytes = 0
			if planned != done {
				t.Errorf("planned %+v\ndone    %+v", planned, done)
			}
		})
	}
}

// An interrupted run is taken up where it was, as without an inheritance.
func TestInheritedCutOff(t *testing.T) {
	for _, name := range []string{"modern"} {
		for _, sc := range scenarios {
			t.Run(name+"/"+sc.name, func(t *testing.T) {
				whole := inherited(t, servers[name], sc)
				lf, rf := &storetest.Faults{}, &storetest.Faults{}
				if _, err := whole.run(lf, rf); err != nil {
					t.Fatal(err)
				}
				want := subjects(whole.remote)
				cut := func(local bool, step int, after bool) {
					p := inherited(t, servers[name], sc)
					f := &storetest.Faults{Step: step, After: after, Dead: true}
					if local {
						p.run(f, nil)
					} else {
						p.run(nil, f)
					}
					p.sync()
					p.sync()
					if got := subjects(p.remote); got != want {
						t.Fatalf("cut at step %d (local %v, after %v): the server has\n%s\nwant\n%s", step, local, after, got, want)
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
