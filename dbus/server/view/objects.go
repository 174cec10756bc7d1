package view

import (
	"github.com/offlineimap/offlineimapd/dbus/api"
	"github.com/offlineimap/offlineimapd/service"
)

// Object is one whose properties change: the manager, an account or a job.
type Object struct {
	Path      string
	Interface string           // its own
	Account   *service.Account // nil: it is none
	Job       *service.Job     // nil: it is none
}

// Manager is the object of the daemon itself.
func Manager() Object { return Object{Path: api.Path, Interface: api.ManagerInterface} }

// Account is the object of an account.
func Account(a *service.Account) Object {
	return Object{Path: api.AccountPathOf(a.Name), Interface: api.AccountInterface, Account: a}
}

// Job is the object of a job.
func Job(j *service.Job) Object {
	return Object{Path: api.JobPathOf(j.ID), Interface: api.JobInterface, Job: j}
}

// Managed are the objects below the manager: the accounts, then the jobs.
func Managed(st *service.Status) []Object {
	out := make([]Object, 0, len(st.Accounts)+len(st.Jobs))
	for i := range st.Accounts {
		out = append(out, Account(&st.Accounts[i]))
	}
	for i := range st.Jobs {
		out = append(out, Job(&st.Jobs[i]))
	}
	return out
}

// Constants are the properties that stay.
type Constants struct {
	Version  string
	Features []string
}

// Light returns the properties of an object but for a job's report, which costs
// something to make.
func (o Object) Light(c Constants, st *service.Status) map[string]any {
	switch {
	case o.Account != nil:
		return accountProperties(o.Account)
	case o.Job != nil:
		return jobProperties(o.Job)
	}
	return managerProperties(c, st)
}

// Properties returns all properties of an object.
func (o Object) Properties(c Constants, st *service.Status) map[string]any {
	p := o.Light(c, st)
	if o.Job != nil {
		p[ReportProperty] = Report(o.Job)
	}
	return p
}
