package client

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/offlineimap/offlineimapd/dbus/api"
	"github.com/offlineimap/offlineimapd/internal/testenv"
)

func subscribe(t *testing.T, c *Client) *Subscription {
	t.Helper()
	s, err := c.Subscribe(deadline(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func next(t *testing.T, s *Subscription) Event {
	t.Helper()
	select {
	case e := <-s.C():
		return e
	case <-time.After(within):
		t.Fatal("no event came")
		return nil
	}
}

func TestEvents(t *testing.T) {
	c, address := connect(t)
	s := subscribe(t, c)
	d := newDaemon(t, address)
	path := dbus.ObjectPath(d.accountPath(""))
	none := map[string]dbus.Variant{}
	d.emit(api.Path, manager+"JobNew", uint32(7), d.jobPath(7), "work-2")
	d.emit(api.Path, manager+"Unheard", uint32(7))
	d.emit(api.Path, manager+"NewMail", uint32(7)) // other arguments than it should have
	d.emit("/elsewhere", manager+"Reloading", true)
	d.emit(api.Path, manager+"NewMail", "work-2", "INBOX", uint32(2), map[string]dbus.Variant{"more": dbus.MakeVariant("x")})
	d.emit(api.Path, manager+"ProblemRaised", "held", "work-2", "error", "text")
	d.emit(api.Path, manager+"ProblemCleared", "held", "work-2")
	d.emit(api.Path, manager+"Reloading", true)
	d.emit(string(path), "org.freedesktop.DBus.Properties.PropertiesChanged", api.AccountInterface,
		map[string]dbus.Variant{"State": dbus.MakeVariant("syncing")}, []string{})
	d.emit(api.Path, "org.freedesktop.DBus.Properties.PropertiesChanged", api.ManagerInterface,
		map[string]dbus.Variant{"NJobs": dbus.MakeVariant(uint32(1))}, []string{})
	d.emit(string(d.jobPath(7)), "org.freedesktop.DBus.Properties.PropertiesChanged", api.JobInterface,
		map[string]dbus.Variant{"Done": dbus.MakeVariant(uint64(5))}, []string{})
	d.emit(api.Path, manager+"JobRemoved", uint32(7), d.jobPath(7), "work-2", "done", none)
	d.leave()
	want := []Event{
		Came{}, JobNew{7, "work-2"}, NewMail{"work-2", "INBOX", 2, map[string]any{"more": "x"}},
		ProblemRaised{"held", "work-2", "error", "text"}, ProblemCleared{"held", "work-2"}, Reloading{true},
		AccountChanged{"work-2", Properties{"State": "syncing"}}, ManagerChanged{Properties{"NJobs": uint32(1)}},
		JobChanged{7, Properties{"Done": uint64(5)}}, JobRemoved{ID: 7, Account: "work-2", Result: "done"}, Went{},
	}
	for _, w := range want {
		e := next(t, s)
		switch x := e.(type) {
		case Went:
			x.when = 0
			e = x
		case JobRemoved:
			x.when = 0
			e = x
		}
		if !reflect.DeepEqual(e, w) {
			t.Errorf("got %#v, want %#v", e, w)
		}
	}
	s.Close()
	s.Close()
	for range s.C() {
	}
	again := subscribe(t, c)
	newDaemon(t, address)
	if e := next(t, again); e != (Came{}) {
		t.Errorf("a second subscription got %#v", e)
	}
	c.Close()
	for range again.C() {
	}
}

// Somebody else on the bus may send what looks like the daemon's.
func TestForeignSignals(t *testing.T) {
	c, address := connect(t)
	d := newDaemon(t, address)
	s := subscribe(t, c)
	other, err := dbus.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := other.Emit(api.Path, manager+"NewMail", "x", "x", uint32(1), map[string]dbus.Variant{}); err != nil {
		t.Fatal(err)
	}
	// Whatever other sent was there before its answer.
	if err := other.BusObject().Call("org.freedesktop.DBus.GetId", 0).Err; err != nil {
		t.Fatal(err)
	}
	d.emit(api.Path, manager+"Reloading", true)
	if e := next(t, s); e != (Reloading{true}) {
		t.Errorf("got %#v", e)
	}
}

func TestWait(t *testing.T) {
	failed := map[string]dbus.Variant{
		"Error":  dbus.MakeVariant(struct{ A, B string }{api.ErrorPrefix + "Offline", "no route"}),
		"Report": dbus.MakeVariant(map[string]dbus.Variant{api.ReportHint: dbus.MakeVariant("wait"), api.ReportUploaded: dbus.MakeVariant(uint64(2))}),
	}
	tests := []struct {
		name string
		// what happens while SyncNow is answered, and after it was
		during, after func(d *daemon)
		want          []Job
		err           error
	}{
		{"ends later", nil, func(d *daemon) { d.end(7, "failed", failed) }, []Job{{
			Job:    api.Job{ID: 7, Account: "work-2", State: "finished", Result: "failed", Error: &api.Failure{Code: "Offline", Text: "no route", Hint: "wait"}},
			Report: Report{Uploaded: 2, Hint: "wait"},
		}}, nil},
		{"ends before the answer", func(d *daemon) { d.end(7, "done", nil) }, nil, []Job{{
			Job: api.Job{ID: 7, Account: "work-2", State: "finished", Result: "done"}}}, nil},
		{"its object is gone", func(d *daemon) { d.removed(7, "partial"); d.forget(7) }, nil, []Job{{
			Job: api.Job{ID: 7, Account: "work-2", State: "finished", Result: "partial"}, Report: Report{Downloaded: 3}}}, nil},
		{"a job of an earlier daemon had its ID", func(d *daemon) { d.removed(7, "failed") }, func(d *daemon) { d.end(7, "done", nil) }, []Job{{
			Job: api.Job{ID: 7, Account: "work-2", State: "finished", Result: "done"}}}, nil},
		{"others end", nil, func(d *daemon) { d.job(8, nil); d.end(8, "failed", nil); d.end(7, "done", nil) }, []Job{{
			Job: api.Job{ID: 7, Account: "work-2", State: "finished", Result: "done"}}}, nil},
		{"the daemon goes", nil, func(d *daemon) { d.leave() }, nil, ErrGone},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, address := connect(t)
			d := newDaemon(t, address)
			d.onSync(func(string, map[string]dbus.Variant) ([]dbus.ObjectPath, *dbus.Error) {
				d.job(7, map[string]dbus.Variant{"State": dbus.MakeVariant("running")})
				if tt.during != nil {
					tt.during(d)
				}
				return []dbus.ObjectPath{d.jobPath(7)}, nil
			})
			s := subscribe(t, c)
			refs, err := c.Sync(deadline(t), "work-2", SyncOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if tt.after != nil {
				tt.after(d)
			}
			jobs, err := c.Wait(deadline(t), s, refs, nil)
			if !errors.Is(err, tt.err) {
				t.Fatalf("got %v, want %v", err, tt.err)
			}
			for i, w := range tt.want {
				if jobs[i] == nil || !reflect.DeepEqual(*jobs[i], w) {
					t.Errorf("got %+v, want %+v", jobs[i], w)
				}
			}
		})
	}
}

func (d *daemon) forget(id uint32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.jobs, id)
}

// A daemon that left before the job was made took no job of ours with it.
func TestWaitAcrossARestartBefore(t *testing.T) {
	c, address := connect(t)
	s := subscribe(t, c)
	newDaemon(t, address).leave()
	for {
		if on, err := c.Running(deadline(t)); err != nil {
			t.Fatal(err)
		} else if !on {
			break
		}
	}
	d := newDaemon(t, address)
	d.onSync(func(string, map[string]dbus.Variant) ([]dbus.ObjectPath, *dbus.Error) {
		d.job(7, map[string]dbus.Variant{"State": dbus.MakeVariant("running")})
		return []dbus.ObjectPath{d.jobPath(7)}, nil
	})
	refs, err := c.Sync(deadline(t), "", SyncOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var seen []Event
	jobs, err := c.Wait(deadline(t), s, refs, func(e Event) {
		seen = append(seen, e)
		if _, ok := e.(JobChanged); ok && len(seen) > 0 {
			d.end(7, "done", nil)
		}
	})
	if err != nil || jobs[0] == nil || jobs[0].Result != "done" {
		t.Errorf("got %v, %v after %#v", jobs, err, seen)
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	c, address := connect(t)
	d := newDaemon(t, address)
	d.job(7, map[string]dbus.Variant{"State": dbus.MakeVariant("running")})
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err := c.Wait(ctx, subscribe(t, c), []Ref{{ID: 7}}, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestSyncAndWait(t *testing.T) {
	c, address := connect(t)
	d := newDaemon(t, address)
	d.onSync(func(account string, _ map[string]dbus.Variant) ([]dbus.ObjectPath, *dbus.Error) {
		if account != "work-2" {
			return nil, dbus.NewError(api.ErrorPrefix+"NoSuchAccount", nil)
		}
		d.job(7, nil)
		d.end(7, "done", nil)
		return []dbus.ObjectPath{d.jobPath(7)}, nil
	})
	if jobs, err := c.SyncAndWait(deadline(t), "work-2", SyncOptions{}, nil); err != nil || jobs[0].Result != "done" {
		t.Errorf("got %v, %v", jobs, err)
	}
	if _, err := c.SyncAndWait(deadline(t), "x", SyncOptions{}, nil); Code(err) != "NoSuchAccount" {
		t.Errorf("got %v", err)
	}
}

// A bus that breaks ends everything at once.
func TestTheBusBreaks(t *testing.T) {
	bus := testenv.NewBus(t, "")
	c, err := ConnectTo(deadline(t), bus.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	d := newDaemon(t, bus.Addr())
	d.job(7, map[string]dbus.Variant{"State": dbus.MakeVariant("running")})
	s := subscribe(t, c)
	result := make(chan error, 1)
	go func() {
		_, err := c.Wait(deadline(t), s, []Ref{{ID: 7}}, nil)
		result <- err
	}()
	bus.Stop()
	if err := <-result; !errors.Is(err, ErrNoBus) {
		t.Errorf("Wait: %v", err)
	}
	if _, err := c.Describe(deadline(t)); !errors.Is(err, ErrNoBus) {
		t.Errorf("Describe: %v", err)
	}
	for range s.C() { // until the connection has noticed
	}
	if _, err := c.Subscribe(deadline(t)); !errors.Is(err, ErrNoBus) {
		t.Errorf("Subscribe: %v", err)
	}
	if _, err := ConnectTo(deadline(t), bus.Addr()); !errors.Is(err, ErrNoBus) {
		t.Errorf("ConnectTo: %v", err)
	}
}

// Nobody has to read a subscription: the daemon and other calls go on.
func TestSlowSubscriber(t *testing.T) {
	c, address := connect(t)
	s := subscribe(t, c)
	d := newDaemon(t, address)
	for range 500 {
		d.emit(api.Path, manager+"Reloading", true)
	}
	d.emit(api.Path, manager+"Reloading", false)
	if _, err := c.Describe(deadline(t)); err != nil {
		t.Fatal(err)
	}
	for n := 0; ; n++ {
		if e := next(t, s); e == (Reloading{false}) {
			if n != 501 { // and Came
				t.Errorf("%d events came before the last", n)
			}
			break
		}
	}
}
