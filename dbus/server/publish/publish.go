package publish

import (
	"context"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/offlineimap/offlineimapd/dbus/api"
	"github.com/offlineimap/offlineimapd/dbus/server/view"
	"github.com/offlineimap/offlineimapd/service"
	"github.com/offlineimap/offlineimapd/service/event"
	"github.com/offlineimap/offlineimapd/service/health"
	"github.com/offlineimap/offlineimapd/sync/engine"
)

const (
	// pace is the time between two looks at a Status that merely changed.
	pace = time.Second / 3
	// rate is how many PropertiesChanged an object emits in a second at most. The
	// last of them is kept for changes that come with an event.
	rate = 4
)

// Emitter sends a signal. Its error is one of the signal, or final.
type Emitter func(path, iface, member string, values ...any) error

// Options are what a Publisher is made of.
type Options struct {
	Status    func() *service.Status
	Constants view.Constants
	Emit      Emitter
	Log       *slog.Logger
}

// Publisher turns the events of a daemon into signals: the properties that
// changed first, then what happened. What it has told is compared with the
// Status, so that nothing is told twice, and nothing is missing although events
// were lost.
type Publisher struct {
	o Options

	objects   map[string]*shown // by path
	jobs      map[uint32]bool   // that JobNew told of; true: JobRemoved as well
	problems  []health.Problem
	reloading bool

	queue  []event.Event // not told yet
	dirty  bool          // the Status may be another one
	lost   bool          // events are missing
	looked time.Time     // when the Status was last compared
}

// shown is what was last told of an object.
type shown struct {
	iface      string
	properties map[string]any
	report     *engine.Report
	hint       string
	sent       []time.Time // of the last PropertiesChanged, up to rate of them
}

// due is when the object may emit again.
func (s *shown) due(news bool) time.Time {
	most := rate - 1
	if news {
		most = rate
	}
	if len(s.sent) < most {
		return time.Time{}
	}
	return s.sent[len(s.sent)-most].Add(time.Second)
}

// New makes one that takes for told what the Status has now.
func New(o Options) *Publisher {
	p := &Publisher{o: o, objects: map[string]*shown{}, jobs: map[uint32]bool{}}
	st := o.Status()
	for _, obj := range published(st) {
		p.objects[obj.Path] = p.show(st, obj)
	}
	for i := range st.Jobs {
		p.jobs[st.Jobs[i].ID] = st.Jobs[i].State == service.JobFinished
	}
	p.problems = st.Problems
	return p
}

// published are all objects of a Status.
func published(st *service.Status) []view.Object {
	return append([]view.Object{view.Manager()}, view.Managed(st)...)
}

func (p *Publisher) show(st *service.Status, o view.Object) *shown {
	s := &shown{iface: o.Interface, properties: o.Light(p.o.Constants, st)}
	if o.Job != nil {
		s.report, s.hint = o.Job.Report, o.Job.Failure.Hint
	}
	return s
}

// Run tells what happens until ctx ends, and then what is left.
func (p *Publisher) Run(ctx context.Context, events <-chan event.Event) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		select {
		case e, ok := <-events:
			if !ok {
				events = nil // the daemon has ended; its last Status counts
			}
			p.note(e, ok)
		case <-timer.C:
		case <-ctx.Done():
			for more := true; more; {
				select {
				case e, ok := <-events:
					p.note(e, ok)
					more = ok
				default:
					more = false
				}
			}
			p.pass(time.Now(), true)
			return
		}
		for more := true; more && events != nil; {
			select {
			case e, ok := <-events:
				p.note(e, ok)
				if !ok {
					events = nil
				}
			default:
				more = false
			}
		}
		timer.Reset(p.pass(time.Now(), false))
	}
}

// note takes an event; ok is false for the end of them.
func (p *Publisher) note(e event.Event, ok bool) {
	switch {
	case !ok || e.Kind == event.Changed:
		p.dirty = true
	case e.Kind == event.Lost:
		p.dirty, p.lost = true, true
	default:
		p.dirty = true
		p.queue = append(p.queue, e)
	}
}

// pass tells what may be told by now, all of it where that is the last chance,
// and returns how long there is nothing to do unless something happens.
func (p *Publisher) pass(now time.Time, all bool) time.Duration {
	const never = time.Hour
	if !p.dirty {
		return never
	}
	if wait := p.looked.Add(pace).Sub(now); wait > 0 && len(p.queue) == 0 && !p.lost && !all {
		return wait
	}
	p.looked = now
	st := p.o.Status()
	if p.lost {
		p.lost = false
		p.queue = append(p.queue, p.missing(st)...)
	}
	held, wait := p.tellProperties(st, now, all)
	for len(p.queue) > 0 && !held[api.JobPathOf(p.queue[0].Job)] && !held[api.AccountPathOf(p.queue[0].Account)] {
		p.tell(st, p.queue[0])
		p.queue = p.queue[1:]
	}
	if len(p.queue) == 0 {
		p.queue = nil
		p.tellRemoved(st)
	}
	p.dirty = len(held) > 0 || len(p.queue) > 0
	p.problems = st.Problems
	if !p.dirty {
		return never
	}
	return max(wait, time.Millisecond)
}

// tellProperties emits what is new and what changed. It returns what has to wait
// and for how long.
func (p *Publisher) tellProperties(st *service.Status, now time.Time, all bool) (held map[string]bool, wait time.Duration) {
	news := map[string]bool{}
	for _, e := range p.queue {
		news[api.Path] = true
		news[api.JobPathOf(e.Job)] = true
		news[api.AccountPathOf(e.Account)] = true
	}
	held, wait = map[string]bool{}, time.Second
	for _, o := range published(st) {
		before, now2 := p.objects[o.Path], p.show(st, o)
		if before == nil {
			p.objects[o.Path] = now2
			props := maps.Clone(now2.properties)
			if o.Job != nil {
				props[view.ReportProperty] = view.Report(o.Job)
			}
			p.signal(api.Path, api.ObjectManagerInterface, "InterfacesAdded",
				dbus.ObjectPath(o.Path), map[string]map[string]any{now2.iface: props})
			continue
		}
		changed := difference(before.properties, now2.properties)
		if before.report != now2.report || before.hint != now2.hint {
			changed[view.ReportProperty] = view.Report(o.Job)
		}
		if len(changed) == 0 {
			continue
		}
		if due := before.due(news[o.Path]); due.After(now) && !all {
			held[o.Path] = true
			wait = min(wait, due.Sub(now))
			continue
		}
		now2.sent = append(before.sent, now)
		if len(now2.sent) > rate {
			now2.sent = slices.Delete(now2.sent, 0, len(now2.sent)-rate)
		}
		p.objects[o.Path] = now2
		p.signal(o.Path, api.PropertiesInterface, "PropertiesChanged", now2.iface, changed, []string{})
	}
	return held, wait
}

// difference returns what of the properties is another now.
func difference(before, now map[string]any) map[string]any {
	changed := map[string]any{}
	for name, v := range now {
		if !reflect.DeepEqual(before[name], v) {
			changed[name] = v
		}
	}
	return changed
}

// tellRemoved emits which objects are gone.
func (p *Publisher) tellRemoved(st *service.Status) {
	here := map[string]bool{}
	for _, o := range published(st) {
		here[o.Path] = true
	}
	for _, path := range slices.Sorted(maps.Keys(p.objects)) {
		if !here[path] {
			p.signal(api.Path, api.ObjectManagerInterface, "InterfacesRemoved", dbus.ObjectPath(path), []string{p.objects[path].iface})
			delete(p.objects, path)
		}
	}
	for id, ended := range p.jobs {
		if ended && st.Job(id) == nil {
			delete(p.jobs, id)
		}
	}
}

func (p *Publisher) signal(path, iface, member string, values ...any) {
	if err := p.o.Emit(path, iface, member, values...); err != nil {
		// A lost bus ends Serve; anything else is a fault worth a line.
		p.o.Log.Debug("a signal was not sent", "member", member, "error", err)
	}
}
