package publish

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/offlineimap/offlineimapd/dbus/api"
	"github.com/offlineimap/offlineimapd/service"
	"github.com/offlineimap/offlineimapd/service/event"
	"github.com/offlineimap/offlineimapd/service/health"
	"github.com/offlineimap/offlineimapd/sync/engine"
)

// sent is a signal that a publisher emitted.
type sent struct {
	at           time.Duration // since the publisher began
	path, member string
	values       []any
}

func (s sent) changed() map[string]any {
	if s.member != "PropertiesChanged" {
		return nil
	}
	return s.values[1].(map[string]any)
}

// short is how tests write a signal down.
func (s sent) short() string {
	name := strings.TrimPrefix(s.path, api.Path)
	switch s.member {
	case "PropertiesChanged":
		return name + " changed"
	case "InterfacesAdded", "InterfacesRemoved":
		return fmt.Sprint(s.member, " ", strings.TrimPrefix(string(s.values[0].(dbus.ObjectPath)), api.Path))
	case "JobNew":
		return fmt.Sprint(s.member, " ", s.values[0])
	case "JobRemoved":
		return fmt.Sprint(s.member, " ", s.values[0], " ", s.values[3])
	case "Completed":
		return fmt.Sprint(name, " completed ", s.values[0])
	}
	return s.member
}

// press is a publisher whose signals a test reads, in a bubble of synctest.
type press struct {
	status atomic.Pointer[service.Status]
	events event.Broadcaster
	t      *testing.T
	begun  time.Time
	press  sync.Mutex
	out    []sent
	stuck  chan struct{} // the bus takes nothing until its end; nil: it takes all
	end    func()
}

func newPress(t *testing.T, st *service.Status, kept int) *press {
	p := &press{t: t, begun: time.Now()}
	p.status.Store(st)
	events := p.events.Subscribe(kept)
	ctx, cancel := context.WithCancel(context.Background())
	pub := New(Options{Status: p.status.Load, Emit: p.emit, Log: slog.New(slog.DiscardHandler)})
	done := make(chan struct{})
	go func() {
		defer close(done)
		pub.Run(ctx, events.C())
	}()
	p.end = func() {
		cancel()
		<-done
	}
	return p
}

// change puts a changed copy of the Status in force, then tells of it.
func (p *press) change(edit func(*service.Status), events ...event.Event) {
	st := *p.status.Load()
	st.Accounts, st.Jobs, st.Problems = slices.Clone(st.Accounts), slices.Clone(st.Jobs), slices.Clone(st.Problems)
	edit(&st)
	st.Serial++
	p.status.Store(&st)
	p.events.Send(event.Event{Kind: event.Changed})
	for _, e := range events {
		p.events.Send(e)
	}
}

// parse reads the XML of an interface.
func parse(t *testing.T, iface string) *api.Interface {
	t.Helper()
	i, err := api.Parse(iface)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// emit holds every signal against the XML.
func (p *press) emit(path, iface, member string, values ...any) error {
	if p.stuck != nil {
		<-p.stuck
	}
	i := parse(p.t, iface)
	at := slices.IndexFunc(i.Signals, func(s api.Signal) bool { return s.Name == member })
	if at < 0 {
		p.t.Errorf("%s.%s is not in the XML", iface, member)
	} else if got := dbus.SignatureOf(values...).String(); got != i.Signals[at].Signature() {
		p.t.Errorf("%s.%s has the types %s, in the XML %s", iface, member, got, i.Signals[at].Signature())
	}
	p.press.Lock()
	defer p.press.Unlock()
	p.out = append(p.out, sent{time.Since(p.begun), path, member, values})
	return nil
}

// took returns what was emitted since the last call.
func (p *press) took() []sent {
	synctest.Wait()
	p.press.Lock()
	defer p.press.Unlock()
	out := p.out
	p.out = nil
	return out
}

func (p *press) wants(want ...string) {
	p.t.Helper()
	p.equal(p.took(), want...)
}

func (p *press) equal(signals []sent, want ...string) {
	p.t.Helper()
	var got []string
	for _, s := range signals {
		got = append(got, s.short())
	}
	if !slices.Equal(got, want) {
		p.t.Errorf("emitted:\n\t%s\ninstead of\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// one is a Status with one idle account.
func one() *service.Status {
	return &service.Status{State: service.StateIdle, Accounts: []service.Account{{Name: "a", State: service.AccountIdle}}}
}

func begin(id uint32) func(*service.Status) {
	return func(st *service.Status) {
		st.State = service.StateSyncing
		st.Accounts[0].State, st.Accounts[0].Job = service.AccountSyncing, id
		st.Jobs = append(st.Jobs, service.Job{ID: id, Account: "a", State: service.JobRunning})
	}
}

func finish(id uint32) func(*service.Status) {
	return func(st *service.Status) {
		st.State = service.StateIdle
		st.Accounts[0].State, st.Accounts[0].Job, st.Accounts[0].LastResult = service.AccountIdle, 0, service.ResultDone
		j := st.Job(id)
		j.State, j.Result, j.Report = service.JobFinished, service.ResultDone, &engine.Report{Account: "a"}
	}
}

func drop(id uint32) func(*service.Status) {
	return func(st *service.Status) {
		st.Jobs = slices.DeleteFunc(st.Jobs, func(j service.Job) bool { return j.ID == id })
	}
}

func jobNew(id uint32) event.Event { return event.Event{Kind: event.JobNew, Job: id, Account: "a"} }

func jobEnd(id uint32) event.Event {
	return event.Event{Kind: event.JobRemoved, Job: id, Account: "a", Result: "done"}
}

// TestLifeOfAJob has everything once, in the order that clients rely on.
func TestLifeOfAJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPress(t, one(), 64)
		defer p.end()
		p.wants()
		p.change(begin(3), jobNew(3))
		p.wants(" changed", "/account/a changed", "InterfacesAdded /job/3", "JobNew 3")
		p.change(func(st *service.Status) { st.Jobs[0].Done = 1 })
		p.wants()
		time.Sleep(pace)
		p.wants("/job/3 changed")
		p.change(finish(3), jobEnd(3), event.Event{Kind: event.NewMail, Account: "a", Folder: "INBOX", Count: 2})
		out := p.took()
		if len(out) != 6 || out[2].changed()["Report"] == nil || out[2].changed()["State"] != "finished" || len(out[2].changed()) != 4 {
			t.Errorf("the end of the job: %v", out)
		}
		p.equal(out, " changed", "/account/a changed", "/job/3 changed", "/job/3 completed done", "JobRemoved 3 done", "NewMail")
		time.Sleep(30 * time.Second)
		p.change(drop(3))
		p.wants("InterfacesRemoved /job/3")
		p.change(func(st *service.Status) {
			st.Accounts = append(st.Accounts, service.Account{Name: "b"})
			st.Problems = []health.Problem{{Code: health.Held, Account: "b"}}
		}, event.Event{Kind: event.Reloading, Active: true}, event.Event{Kind: event.ProblemRaised, Code: "held", Account: "b", Severity: "error"},
			event.Event{Kind: event.ProblemCleared, Code: "held", Account: "b"}, event.Event{Kind: event.Reloading})
		p.wants(" changed", "InterfacesAdded /account/b", "Reloading", "ProblemRaised", "ProblemCleared", "Reloading")
		time.Sleep(time.Hour)
		p.wants()
	})
}

// TestCoalescing changes a job and its account a thousand times a second, with
// an event now and then.
func TestCoalescing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := one()
		begin(3)(st)
		p := newPress(t, st, 4096)
		defer p.end()
		const seconds = 10
		for i := range seconds * 1000 {
			var events []event.Event
			if i%100 == 50 {
				events = append(events, event.Event{Kind: event.NewMail, Account: "a", Folder: "INBOX", Count: i})
			}
			p.change(func(st *service.Status) {
				st.Jobs[0].Done = i
				st.Accounts[0].Messages = i
				st.Text = fmt.Sprint(i)
			}, events...)
			time.Sleep(time.Millisecond)
		}
		last := time.Since(p.begun)
		time.Sleep(10 * time.Second)
		out := p.took()
		times, mails, shown := map[string][]time.Duration{}, 0, map[string]any{}
		for _, s := range out {
			if s.member == "NewMail" {
				mails++
				// The number of mails is the one of that moment, or a later one: properties first.
				if m := shown["Messages"]; m == nil || m.(uint32) < s.values[2].(uint32) {
					t.Errorf("NewMail of %v when the account said %v", s.values[2], m)
				}
			}
			for name, v := range s.changed() {
				shown[name] = v
			}
			if s.member == "PropertiesChanged" {
				times[s.path] = append(times[s.path], s.at)
			}
		}
		if mails != seconds*10 {
			t.Errorf("%d of %d events came", mails, seconds*10)
		}
		if shown["Done"] != uint64(seconds*1000-1) || shown["Messages"] != uint32(seconds*1000-1) || shown["StateText"] != fmt.Sprint(seconds*1000-1) {
			t.Errorf("the last values are %v", shown)
		}
		for path, at := range times {
			if len(at) < 2*seconds || at[len(at)-1] > last+time.Second {
				t.Errorf("%s changed %d times, at last after %v", path, len(at), at[len(at)-1])
			}
			for i := rate; i < len(at); i++ {
				if at[i]-at[i-rate] < time.Second {
					t.Errorf("%s changed %d times within a second: %v", path, rate+1, at[i-rate:i+1])
				}
			}
		}
	})
}

// TestQuick wants the end of a short job told at once.
func TestQuick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPress(t, one(), 64)
		defer p.end()
		p.change(begin(3), jobNew(3))
		synctest.Wait()
		p.change(func(st *service.Status) { st.Jobs[0].Done = 1 })
		time.Sleep(20 * time.Millisecond)
		p.change(finish(3), jobEnd(3))
		out := p.took()
		if last := out[len(out)-1]; last.member != "JobRemoved" || last.at > 20*time.Millisecond {
			t.Errorf("the last signal is %s after %v", last.short(), last.at)
		}
	})
}

// TestLost has a bus that is stuck while everything happens.
func TestLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := one()
		begin(1)(st)
		st.Problems = []health.Problem{{Code: health.Held, Account: "a", Token: "x"}}
		p := newPress(t, st, 4)
		defer p.end()
		stuck := make(chan struct{})
		p.stuck = stuck
		p.change(begin(2), jobNew(2)) // its first signal is stuck
		synctest.Wait()
		p.change(finish(2), jobEnd(2))
		p.change(begin(4), jobNew(4))
		p.change(begin(5), jobNew(5), event.Event{Kind: event.NewMail, Account: "a"})
		p.change(finish(5), jobEnd(5))
		p.change(drop(1), jobEnd(1)) // stuck for longer than jobs are kept
		p.change(func(st *service.Status) {
			st.Problems = []health.Problem{{Code: health.DiskTrouble, Account: "a", Severity: health.Error, Text: "full"}}
		}, event.Event{Kind: event.ProblemCleared, Code: "held", Account: "a"}, event.Event{Kind: event.ProblemRaised, Code: "disk", Account: "a"})
		close(stuck)
		time.Sleep(10 * time.Second)
		var got []string
		for _, s := range p.took() {
			if s.member != "PropertiesChanged" && !strings.HasPrefix(s.member, "Interfaces") {
				got = append(got, s.short())
			}
		}
		want := []string{"JobNew 2", "/job/2 completed done", "JobRemoved 2 done", "JobNew 4", "JobNew 5", "/job/5 completed done", "JobRemoved 5 done",
			"/job/1 completed failed", "JobRemoved 1 failed", "ProblemCleared", "ProblemRaised"}
		if !slices.Equal(got, want) {
			t.Errorf("told:\n\t%s\ninstead of\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
		}
		// Nobody is told twice.
		p.change(finish(4), jobNew(4), jobEnd(4), jobEnd(4))
		out := p.took()
		if n := len(out); out[n-1].short() != "JobRemoved 4 done" || out[n-2].short() != "/job/4 completed done" || strings.HasPrefix(out[n-3].member, "Job") {
			t.Errorf("then: %v", out)
		}
	})
}

// TestEnds has a daemon that ends before its transport, and one that does not.
func TestEnds(t *testing.T) {
	for _, first := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			p := newPress(t, one(), 64)
			p.change(begin(3), jobNew(3))
			p.took()
			p.change(func(st *service.Status) { st.Jobs[0].Done = 1 })
			p.change(func(st *service.Status) { st.Jobs[0].Done = 2 })
			if first {
				p.change(finish(3), jobEnd(3))
				p.events.Close()
				synctest.Wait()
			} else {
				p.change(finish(3))
				p.events.Send(jobEnd(3))
			}
			p.end()
			out := p.took()
			if len(out) == 0 || out[len(out)-1].short() != "JobRemoved 3 done" {
				t.Errorf("at the end: %v", out)
			}
		})
	}
}

// TestAllSignals wants every signal of the XML from somewhere.
func TestAllSignals(t *testing.T) {
	emitted := map[string]bool{}
	synctest.Test(t, func(t *testing.T) {
		p := newPress(t, one(), 64)
		p.change(begin(3), jobNew(3))
		synctest.Wait()
		p.change(finish(3), jobEnd(3))
		for _, k := range []event.Kind{event.NewMail, event.ProblemRaised, event.ProblemCleared, event.Reloading} {
			p.events.Send(event.Event{Kind: k})
		}
		synctest.Wait()
		p.change(drop(3))
		p.end()
		for _, s := range p.took() {
			emitted[s.member] = true
		}
	})
	for _, iface := range slices.Concat(api.Own, api.Standard) {
		for _, s := range parse(t, iface).Signals {
			if !emitted[s.Name] {
				t.Errorf("nothing emits %s.%s", iface, s.Name)
			}
		}
	}
}
