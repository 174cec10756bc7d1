package server

import (
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/offlineimap/offlineimapd/dbus/api"
	"github.com/offlineimap/offlineimapd/service"
)

// pair is the type (ss).
type pair struct{ Name, Text string }

// reportProperty is the one that costs something to make.
const reportProperty = "Report"

// properties returns those of an object's own interface, and false where the
// object does not have it.
func (s *Server) properties(st *service.Status, o object, iface string) (map[string]any, bool) {
	if !o.has(iface) {
		return nil, false
	}
	switch iface {
	case api.ManagerInterface:
		return managerProperties(s.o, st), true
	case api.AccountInterface:
		return accountProperties(o.account), true
	case api.JobInterface:
		p := jobProperties(o.job)
		p[reportProperty] = report(o.job)
		return p, true
	case api.LogControlInterface:
		return logProperties(s.o.LogControl), true
	}
	return map[string]any{}, true
}

func managerProperties(o Options, st *service.Status) map[string]any {
	unseen, active := 0, 0
	for i := range st.Accounts {
		unseen += st.Accounts[i].Unseen
	}
	for i := range st.Jobs {
		if st.Jobs[i].State != service.JobFinished {
			active++
		}
	}
	features := make([]string, 0, len(o.Features))
	for _, f := range o.Features {
		features = append(features, text(f))
	}
	return map[string]any{
		"Version":          text(o.Version),
		"InterfaceVersion": uint32(api.InterfaceVersion),
		"Features":         features,
		"State":            text(string(st.State)),
		"StateText":        text(st.Text),
		"Paused":           st.Paused,
		"PausedUntilUSec":  usec(st.PausedUntil),
		"Online":           st.Online,
		"NAccounts":        count32(len(st.Accounts)),
		"NJobs":            count32(active),
		"Unseen":           count32(unseen),
		"NProblems":        count32(len(st.Problems)),
		"LastSyncUSec":     usec(st.LastSync),
		"ConfigPath":       text(st.ConfigPath),
		"ConfigLoadedUSec": usec(st.ConfigLoaded),
	}
}

func accountProperties(a *service.Account) map[string]any {
	job := dbus.ObjectPath("/")
	if a.Job != 0 {
		job = dbus.ObjectPath(api.JobPathOf(a.Job))
	}
	return map[string]any{
		"Name":            text(a.Name),
		"State":           text(string(a.State)),
		"StateReason":     text(a.Reason),
		"Enabled":         a.Enabled,
		"Paused":          a.Paused,
		"PausedUntilUSec": usec(a.PausedUntil),
		"Host":            text(a.Host),
		"User":            text(a.User),
		"Root":            text(a.Root),
		"CurrentJob":      job,
		"LastStartUSec":   usec(a.LastStart),
		"LastSyncUSec":    usec(a.LastSync),
		"LastResult":      text(string(a.LastResult)),
		"LastError":       failurePair(a.LastError),
		"Failures":        count32(a.Failures),
		"NextSyncUSec":    usec(a.NextSync),
		"Folders":         count32(len(a.Folders)),
		"Messages":        count32(a.Messages),
		"Unseen":          count32(a.Unseen),
		"Fresh":           count32(a.Fresh),
		"HaltToken":       text(a.HaltToken),
	}
}

// jobProperties returns all but the report.
func jobProperties(j *service.Job) map[string]any {
	progress := 0.0
	if j.Total > 0 {
		progress = min(1, float64(max(0, j.Done))/float64(j.Total))
	}
	return map[string]any{
		"Id":            j.ID,
		"Account":       dbus.ObjectPath(api.AccountPathOf(j.Account)),
		"AccountName":   text(j.Account),
		"Kind":          text(string(j.Kind)),
		"Trigger":       text(string(j.Trigger)),
		"State":         text(string(j.State)),
		"Phase":         text(string(j.Phase)),
		"Folder":        text(j.Folder),
		"Progress":      progress,
		"ProgressValid": j.Total > 0,
		"Done":          count64(j.Done),
		"Total":         count64(j.Total),
		"Bytes":         uint64(max(0, j.Bytes)),
		"StartUSec":     usec(j.Started),
		"Cancelable":    j.State != service.JobFinished,
		"Result":        text(string(j.Result)),
		"Error":         failurePair(j.Failure),
	}
}

func failurePair(f service.Failure) pair {
	if f == (service.Failure{}) {
		return pair{}
	}
	return pair{Name: errorName(f.Code), Text: text(f.Text)}
}

// usec is a time as the interface has it: microseconds since the epoch, 0 for
// never.
func usec(t time.Time) uint64 {
	if t.IsZero() {
		return 0
	}
	return uint64(max(0, t.UnixMicro()))
}
