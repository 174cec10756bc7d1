package server

import (
	"time"

	"github.com/offlineimap/offlineimapd/dbus/api"
	"github.com/offlineimap/offlineimapd/service"
)

// Document returns a Status in the shape that clients read.
func Document(st *service.Status) api.Document {
	d := api.Document{
		Version: 1, State: string(st.State), Text: st.Text, Paused: st.Paused, PausedUntil: moment(st.PausedUntil),
		Online: st.Online, ConfigPath: st.ConfigPath, ConfigLoaded: moment(st.ConfigLoaded), LastSync: moment(st.LastSync),
		Accounts: make([]api.Account, 0, len(st.Accounts)),
		Jobs:     make([]api.Job, 0, len(st.Jobs)),
		Problems: make([]api.Problem, 0, len(st.Problems)),
	}
	for i := range st.Accounts {
		a := &st.Accounts[i]
		out := api.Account{
			Name: a.Name, State: string(a.State), Reason: a.Reason, Enabled: a.Enabled, Paused: a.Paused,
			PausedUntil: moment(a.PausedUntil), Host: a.Host, User: a.User, Root: a.Root, Job: a.Job,
			LastStart: moment(a.LastStart), LastSync: moment(a.LastSync), LastResult: string(a.LastResult),
			LastError: failure(a.LastError), Failures: a.Failures, NextSync: moment(a.NextSync), Folders: len(a.Folders),
			Messages: a.Messages, Unseen: a.Unseen, Fresh: a.Fresh, HaltToken: a.HaltToken,
		}
		for _, h := range a.Holds {
			out.Holds = append(out.Holds, api.Hold{Token: h.Token, Folder: h.Folder, Code: h.Code, Text: h.Text, Since: h.Since})
		}
		d.Accounts = append(d.Accounts, out)
	}
	for i := range st.Jobs {
		j := &st.Jobs[i]
		d.Jobs = append(d.Jobs, api.Job{
			ID: j.ID, Account: j.Account, Kind: string(j.Kind), Trigger: string(j.Trigger), Reason: j.Reason, Folders: j.Folders,
			State: string(j.State), Phase: string(j.Phase), Folder: j.Folder, Done: j.Done, Total: j.Total, Bytes: j.Bytes,
			Created: j.Created, Started: moment(j.Started), Ended: moment(j.Ended), Result: string(j.Result), Error: failure(j.Failure),
		})
	}
	for _, p := range st.Problems {
		d.Problems = append(d.Problems, api.Problem{Code: string(p.Code), Account: p.Account, Severity: string(p.Severity),
			Text: p.Text, Fix: p.Fix, Token: p.Token, Since: p.Since})
	}
	return d
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func failure(f service.Failure) *api.Failure {
	if f == (service.Failure{}) {
		return nil
	}
	return &api.Failure{Code: string(f.Code), Text: f.Text, Hint: f.Hint}
}
