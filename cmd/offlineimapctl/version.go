package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/offlineimap/offlineimapd/dbus/api"
	"github.com/offlineimap/offlineimapd/dbus/client"
)

func (a *app) versionVerb() *cobra.Command {
	return a.verb("version", "Show the versions of this program and of the daemon", cobra.NoArgs, a.version)
}

// versions is the document that version writes.
type versions struct {
	Version   int    `json:"version"` // of the document
	Client    string `json:"client"`
	Daemon    string `json:"daemon,omitempty"` // absent: not running
	Interface uint64 `json:"interface,omitempty"`
}

func (a *app) version(ctx context.Context, _ []string) error {
	v := versions{Version: 1, Client: versionText()}
	c, err := a.bus(ctx)
	if err == nil {
		var p client.Properties
		if p, err = c.Manager(ctx); err == nil {
			v.Daemon, v.Interface = p.Text("Version"), p.Count("InterfaceVersion")
		}
	}
	if a.wantsJSON() {
		return a.document(v)
	}
	a.say("offlineimapctl %s\n", v.Client)
	switch {
	case err == nil:
		a.say("offlineimapd %s, %s version %d\n", v.Daemon, api.BusName, v.Interface)
	case errors.Is(err, client.ErrNotRunning), errors.Is(err, client.ErrNoBus):
		a.say("offlineimapd: not running\n")
	default:
		return err
	}
	return nil
}
