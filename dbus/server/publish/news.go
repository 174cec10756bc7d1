package publish

import (
	"slices"

	"github.com/godbus/dbus/v5"

	"github.com/offlineimap/offlineimapd/dbus/api"
	"github.com/offlineimap/offlineimapd/dbus/server/view"
	"github.com/offlineimap/offlineimapd/service"
	"github.com/offlineimap/offlineimapd/service/event"
	"github.com/offlineimap/offlineimapd/service/health"
)

// tell emits the signals of one event.
func (p *Publisher) tell(st *service.Status, e event.Event) {
	switch e.Kind {
	case event.JobNew:
		p.jobNew(e)
	case event.JobRemoved:
		p.jobRemoved(st, e)
	case event.NewMail:
		p.manager("NewMail", view.Text(e.Account), view.Text(e.Folder), view.Count(e.Count), map[string]any{})
	case event.ProblemRaised:
		p.manager("ProblemRaised", view.Text(e.Code), view.Text(e.Account), view.Text(e.Severity), view.Text(e.Text))
	case event.ProblemCleared:
		p.manager("ProblemCleared", view.Text(e.Code), view.Text(e.Account))
	case event.Reloading:
		p.reloading = e.Active
		p.manager("Reloading", e.Active)
	}
}

func (p *Publisher) manager(member string, values ...any) {
	p.signal(api.Path, api.ManagerInterface, member, values...)
}

func (p *Publisher) jobNew(e event.Event) {
	if _, told := p.jobs[e.Job]; told {
		return
	}
	p.jobs[e.Job] = false
	p.manager("JobNew", e.Job, dbus.ObjectPath(api.JobPathOf(e.Job)), view.Text(e.Account))
}

// jobRemoved tells the end of a job: on the job for who looks at it, and on the
// manager for who waits.
func (p *Publisher) jobRemoved(st *service.Status, e event.Event) {
	p.jobNew(e) // nothing ends that did not begin
	if p.jobs[e.Job] {
		return
	}
	p.jobs[e.Job] = true
	path := api.JobPathOf(e.Job)
	j := st.Job(e.Job)
	failure := view.Failed{}
	switch {
	case j != nil:
		failure = view.Failure(j.Failure)
	case e.Result == string(service.ResultFailed):
		failure = view.Failed{Name: view.ErrorName(service.Internal), Text: "how the job ended is not known"}
	}
	p.signal(path, api.JobInterface, "Completed", view.Text(e.Result), failure.Name, failure.Text, view.Report(j))
	p.manager("JobRemoved", e.Job, dbus.ObjectPath(path), view.Text(e.Account), view.Text(e.Result), view.Report(j))
}

// missing finds out what happened while events were lost. New mails are the one
// thing that a Status does not tell.
func (p *Publisher) missing(st *service.Status) []event.Event {
	var out []event.Event
	for i := range st.Jobs {
		j := &st.Jobs[i]
		out = append(out, event.Event{Kind: event.JobNew, Job: j.ID, Account: j.Account})
		if j.State == service.JobFinished {
			out = append(out, event.Event{Kind: event.JobRemoved, Job: j.ID, Account: j.Account, Result: string(j.Result)})
		}
	}
	gone := []uint32{}
	for id, ended := range p.jobs {
		if !ended && st.Job(id) == nil {
			gone = append(gone, id)
		}
	}
	slices.Sort(gone)
	for _, id := range gone {
		e := event.Event{Kind: event.JobRemoved, Job: id, Result: string(service.ResultFailed)}
		if s := p.objects[api.JobPathOf(id)]; s != nil {
			e.Account, _ = s.properties["AccountName"].(string)
		}
		out = append(out, e)
	}
	for _, q := range p.problems {
		if !slices.ContainsFunc(st.Problems, func(r health.Problem) bool { return same(q, r) }) {
			out = append(out, event.Event{Kind: event.ProblemCleared, Code: string(q.Code), Account: q.Account})
		}
	}
	for _, q := range st.Problems {
		if !slices.ContainsFunc(p.problems, func(r health.Problem) bool { return same(q, r) }) {
			out = append(out, event.Event{Kind: event.ProblemRaised, Code: string(q.Code), Account: q.Account,
				Severity: string(q.Severity), Text: q.Text})
		}
	}
	if p.reloading {
		out = append(out, event.Event{Kind: event.Reloading})
	}
	return out
}

func same(a, b health.Problem) bool {
	return a.Code == b.Code && a.Account == b.Account && a.Token == b.Token
}
