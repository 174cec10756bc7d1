package server

import (
	"context"

	"github.com/godbus/dbus/v5"

	"github.com/offlineimap/offlineimapd/dbus/api"
	"github.com/offlineimap/offlineimapd/dbus/server/view"
)

// named returns the name in the first argument, "" being all accounts.
func (r *request) named() (string, error) {
	name := r.Body[0].(string)
	if name != "" && r.status.Account(name) == nil {
		return "", noAccount(r.status, name)
	}
	return name, nil
}

func syncNow(ctx context.Context, r *request) ([]any, error) {
	name, err := r.named()
	if err != nil {
		return nil, err
	}
	ids, err := r.sync(ctx, name, r.Body[1].(map[string]dbus.Variant))
	if err != nil {
		return nil, err
	}
	paths := make([]dbus.ObjectPath, 0, len(ids))
	for _, id := range ids {
		paths = append(paths, dbus.ObjectPath(api.JobPathOf(id)))
	}
	return []any{paths}, nil
}

func (r *request) sync(ctx context.Context, account string, options map[string]dbus.Variant) ([]uint32, error) {
	want, err := syncRequest(options)
	if err != nil {
		return nil, err
	}
	return r.server.o.Daemon.Sync(ctx, account, want)
}

func status(_ context.Context, r *request) ([]any, error) {
	b, err := r.server.cache.statusOf(r.status)
	return []any{b}, err
}

func describe(_ context.Context, r *request) ([]any, error) {
	b, err := r.server.cache.describeOf(r.status)
	return []any{b}, err
}

func pause(ctx context.Context, r *request) ([]any, error) {
	name, err := r.named()
	if err != nil {
		return nil, err
	}
	d, err := duration(r.Body[1].(uint64))
	if err != nil {
		return nil, err
	}
	return nil, r.server.o.Daemon.Pause(ctx, name, d)
}

func resume(ctx context.Context, r *request) ([]any, error) {
	name, err := r.named()
	if err != nil {
		return nil, err
	}
	return nil, r.server.o.Daemon.Resume(ctx, name)
}

func listAccounts(_ context.Context, r *request) ([]any, error) {
	type row struct {
		Name                 string
		Path                 dbus.ObjectPath
		State, Result, Error string
		LastSync             uint64
	}
	out := make([]row, 0, len(r.status.Accounts))
	for i := range r.status.Accounts {
		a := &r.status.Accounts[i]
		out = append(out, row{view.Text(a.Name), dbus.ObjectPath(api.AccountPathOf(a.Name)), view.Text(string(a.State)),
			view.Text(string(a.LastResult)), view.Text(a.LastError.Text), view.USec(a.LastSync)})
	}
	return []any{out}, nil
}

func getAccount(_ context.Context, r *request) ([]any, error) {
	name := r.Body[0].(string)
	if r.status.Account(name) == nil {
		return nil, noAccount(r.status, name)
	}
	return []any{dbus.ObjectPath(api.AccountPathOf(name))}, nil
}

func listJobs(_ context.Context, r *request) ([]any, error) {
	type row struct {
		ID                   uint32
		Path                 dbus.ObjectPath
		Account, Kind, State string
	}
	out := make([]row, 0, len(r.status.Jobs))
	for i := range r.status.Jobs {
		j := &r.status.Jobs[i]
		out = append(out, row{j.ID, dbus.ObjectPath(api.JobPathOf(j.ID)), view.Text(j.Account), view.Text(string(j.Kind)), view.Text(string(j.State))})
	}
	return []any{out}, nil
}

func getJob(_ context.Context, r *request) ([]any, error) {
	id := r.Body[0].(uint32)
	if r.status.Job(id) == nil {
		return nil, noJob(id)
	}
	return []any{dbus.ObjectPath(api.JobPathOf(id))}, nil
}

func cancelJob(ctx context.Context, r *request) ([]any, error) {
	id := r.Body[0].(uint32)
	if r.status.Job(id) == nil {
		return nil, noJob(id)
	}
	return nil, r.server.o.Daemon.Cancel(ctx, id)
}

func reload(ctx context.Context, r *request) ([]any, error) {
	return nil, r.server.o.Daemon.Reload(ctx)
}

func listProblems(_ context.Context, r *request) ([]any, error) {
	type row struct {
		Code, Account, Severity, Text string
		Since                         uint64
		Fix, Token                    string
	}
	out := make([]row, 0, len(r.status.Problems))
	for _, p := range r.status.Problems {
		out = append(out, row{view.Text(string(p.Code)), view.Text(p.Account), view.Text(string(p.Severity)), view.Text(p.Text),
			view.USec(p.Since), view.Text(p.Fix), view.Text(p.Token)})
	}
	return []any{out}, nil
}

func registerAgent(ctx context.Context, r *request) ([]any, error) {
	path := r.Body[0].(dbus.ObjectPath)
	accounts, err := agentAccounts(r.Body[1].(map[string]dbus.Variant))
	if err != nil {
		return nil, err
	}
	if err := r.server.agents.Register(ctx, r.Sender, string(path), accounts); err != nil {
		return nil, err
	}
	r.then = func() { r.server.o.Daemon.AgentArrived(accounts) }
	return nil, nil
}

func unregisterAgent(_ context.Context, r *request) ([]any, error) {
	path := string(r.Body[0].(dbus.ObjectPath))
	if !r.server.agents.Unregister(r.Sender, path) {
		return nil, invalid("you have registered no agent at %s", brief(path))
	}
	return nil, nil
}
