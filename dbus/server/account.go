package server

import (
	"context"

	"github.com/godbus/dbus/v5"

	"github.com/offlineimap/offlineimapd/dbus/api"
	"github.com/offlineimap/offlineimapd/dbus/server/view"
	"github.com/offlineimap/offlineimapd/service"
)

func accountSyncNow(ctx context.Context, r *request) ([]any, error) {
	ids, err := r.sync(ctx, r.object.Account.Name, r.Body[0].(map[string]dbus.Variant))
	if err != nil {
		return nil, err
	}
	if len(ids) == 0 {
		return nil, coded(service.Internal, "", "no job came of the request")
	}
	return []any{dbus.ObjectPath(api.JobPathOf(ids[0]))}, nil
}

func accountPause(ctx context.Context, r *request) ([]any, error) {
	d, err := duration(r.Body[0].(uint64))
	if err != nil {
		return nil, err
	}
	return nil, r.server.o.Daemon.Pause(ctx, r.object.Account.Name, d)
}

func accountResume(ctx context.Context, r *request) ([]any, error) {
	return nil, r.server.o.Daemon.Resume(ctx, r.object.Account.Name)
}

func listFolders(_ context.Context, r *request) ([]any, error) {
	if err := noOptions(r.Body[0].(map[string]dbus.Variant)); err != nil {
		return nil, err
	}
	type row struct {
		Local, Remote    string
		Messages, Unseen uint32
		LastSync         uint64
		Extras           map[string]dbus.Variant
	}
	all := r.object.Account.Folders
	out := make([]row, 0, len(all))
	for i := range all {
		f := &all[i]
		out = append(out, row{view.Text(f.Local), view.Text(f.Remote), view.Count(f.Messages), view.Count(f.Unseen), view.USec(f.LastSync), nil})
	}
	return []any{out}, nil
}

func listHolds(_ context.Context, r *request) ([]any, error) {
	type row struct {
		Token, Folder, Code, Text string
		Since                     uint64
	}
	out := make([]row, 0, len(r.object.Account.Holds))
	for _, h := range r.object.Account.Holds {
		out = append(out, row{view.Text(h.Token), view.Text(h.Folder), view.Text(h.Code), view.Text(h.Text), view.USec(h.Since)})
	}
	return []any{out}, nil
}

func approve(ctx context.Context, r *request) ([]any, error) {
	token := r.Body[0].(string)
	if token == "" || len(token) > mostText {
		return nil, invalid("a token is a text of 1 to %d octets", mostText)
	}
	id, err := r.server.o.Daemon.Approve(ctx, r.object.Account.Name, token)
	if err != nil {
		return nil, err
	}
	return []any{dbus.ObjectPath(api.JobPathOf(id))}, nil
}

func jobCancel(ctx context.Context, r *request) ([]any, error) {
	return nil, r.server.o.Daemon.Cancel(ctx, r.object.Job.ID)
}
