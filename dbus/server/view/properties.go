package view

import (
	"github.com/godbus/dbus/v5"

	"github.com/offlineimap/offlineimapd/dbus/api"
	"github.com/offlineimap/offlineimapd/service"
)

// ReportProperty is the property that Light leaves out.
const ReportProperty = "Report"

func managerProperties(c Constants, st *service.Status) map[string]any {
	unseen, active := 0, 0
	for i := range st.Accounts {
		unseen += st.Accounts[i].Unseen
	}
	for i := range st.Jobs {
		if st.Jobs[i].State != service.JobFinished {
			active++
		}
	}
	features := make([]string, 0, len(c.Features))
	for _, f := range c.Features {
		features = append(features, Text(f))
	}
	return map[string]any{
		"Version":          Text(c.Version),
		"InterfaceVersion": uint32(api.InterfaceVersion),
		"Features":         features,
		"State":            Text(string(st.State)),
		"StateText":        Text(st.Text),
		"Paused":           st.Paused,
		"PausedUntilUSec":  USec(st.PausedUntil),
		"Online":           st.Online,
		"NAccounts":        Count(len(st.Accounts)),
		"NJobs":            Count(active),
		"Unseen":           Count(unseen),
		"NProblems":        Count(len(st.Problems)),
		"LastSyncUSec":     USec(st.LastSync),
		"ConfigPath":       Text(st.ConfigPath),
		"ConfigLoadedUSec": USec(st.ConfigLoaded),
	}
}

func accountProperties(a *service.Account) map[string]any {
	job := dbus.ObjectPath("/")
	if a.Job != 0 {
		job = dbus.ObjectPath(api.JobPathOf(a.Job))
	}
	return map[string]any{
		"Name":            Text(a.Name),
		"State":           Text(string(a.State)),
		"StateReason":     Text(a.Reason),
		"Enabled":         a.Enabled,
		"Paused":          a.Paused,
		"PausedUntilUSec": USec(a.PausedUntil),
		"Host":            Text(a.Host),
		"User":            Text(a.User),
		"Root":            Text(a.Root),
		"CurrentJob":      job,
		"LastStartUSec":   USec(a.LastStart),
		"LastSyncUSec":    USec(a.LastSync),
		"LastResult":      Text(string(a.LastResult)),
		"LastError":       Failure(a.LastError),
		"Failures":        Count(a.Failures),
		"NextSyncUSec":    USec(a.NextSync),
		"Folders":         Count(len(a.Folders)),
		"Messages":        Count(a.Messages),
		"Unseen":          Count(a.Unseen),
		"Fresh":           Count(a.Fresh),
		"HaltToken":       Text(a.HaltToken),
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
		"AccountName":   Text(j.Account),
		"Kind":          Text(string(j.Kind)),
		"Trigger":       Text(string(j.Trigger)),
		"State":         Text(string(j.State)),
		"Phase":         Text(string(j.Phase)),
		"Folder":        Text(j.Folder),
		"Progress":      progress,
		"ProgressValid": j.Total > 0,
		"Done":          count64(j.Done),
		"Total":         count64(j.Total),
		"Bytes":         uint64(max(0, j.Bytes)),
		"StartUSec":     USec(j.Started),
		"Cancelable":    j.State != service.JobFinished,
		"Result":        Text(string(j.Result)),
		"Error":         Failure(j.Failure),
	}
}
