package server

import (
	"context"
	"os"
	"strings"

	"github.com/godbus/dbus/v5"

	"github.com/offlineimap/offlineimapd/dbus/api"
	"github.com/offlineimap/offlineimapd/dbus/server/view"
)

// methods are all that can be called, by interface. The XML says the same, which
// a test holds against it.
var methods = map[string]map[string]method{
	api.ManagerInterface: {
		"SyncNow":         {in: "sa{sv}", out: "ao", limit: workLimit, do: syncNow},
		"Status":          {out: "a{sv}", do: status},
		"Describe":        {out: "s", do: describe},
		"Pause":           {in: "st", limit: workLimit, do: pause},
		"Resume":          {in: "s", limit: workLimit, do: resume},
		"ListAccounts":    {out: "a(sossst)", do: listAccounts},
		"GetAccount":      {in: "s", out: "o", do: getAccount},
		"ListJobs":        {out: "a(uosss)", do: listJobs},
		"GetJob":          {in: "u", out: "o", do: getJob},
		"CancelJob":       {in: "u", limit: workLimit, do: cancelJob},
		"Reload":          {limit: reloadLimit, do: reload},
		"ListProblems":    {out: "a(sssstss)", do: listProblems},
		"RegisterAgent":   {in: "oa{sv}", limit: workLimit, do: registerAgent},
		"UnregisterAgent": {in: "o", limit: workLimit, do: unregisterAgent},
	},
	api.AccountInterface: {
		"SyncNow":     {in: "a{sv}", out: "o", limit: workLimit, do: accountSyncNow},
		"Pause":       {in: "t", limit: workLimit, do: accountPause},
		"Resume":      {limit: workLimit, do: accountResume},
		"ListFolders": {in: "a{sv}", out: "a(ssuuta{sv})", do: listFolders},
		"ListHolds":   {out: "a(sssst)", do: listHolds},
		"Approve":     {in: "s", out: "o", limit: workLimit, do: approve},
	},
	api.JobInterface: {
		"Cancel": {limit: workLimit, do: jobCancel},
	},
	api.PropertiesInterface: {
		"Get":    {in: "ss", out: "v", do: get},
		"GetAll": {in: "s", out: "a{sv}", do: getAll},
		"Set":    {in: "ssv", do: set},
	},
	api.IntrospectableInterface: {
		"Introspect": {out: "s", do: introspect},
	},
	api.PeerInterface: {
		"Ping":         {do: func(context.Context, *request) ([]any, error) { return nil, nil }},
		"GetMachineId": {out: "s", do: machineID},
	},
	api.ObjectManagerInterface: {
		"GetManagedObjects": {out: "a{oa{sa{sv}}}", do: managedObjects},
	},
	api.LogControlInterface: {},
}

func introspect(_ context.Context, r *request) ([]any, error) {
	return []any{r.server.introspect(r.status, r.object)}, nil
}

func machineID(context.Context, *request) ([]any, error) {
	for _, path := range []string{"/etc/machine-id", "/var/lib/dbus/machine-id"} {
		if b, err := os.ReadFile(path); err == nil {
			return []any{view.Text(strings.TrimSpace(string(b)))}, nil
		}
	}
	return nil, standard("org.freedesktop.DBus.Error.FileNotFound", "this machine has no id")
}

func get(_ context.Context, r *request) ([]any, error) {
	iface, name := r.Body[0].(string), r.Body[1].(string)
	all, err := r.properties(iface, name)
	if err != nil {
		return nil, err
	}
	return []any{dbus.MakeVariant(all[name])}, nil
}

// properties returns those of an interface, which must have one of that name;
// "" stands for the interface that is the object's own.
func (r *request) properties(iface, name string) (map[string]any, error) {
	if iface == "" {
		iface = r.object.Interface
	}
	all, ok := r.server.properties(r.status, r.object, iface)
	if !ok {
		return nil, standard(api.ErrorUnknownInterface, "%s has no interface %s", r.Path, brief(iface))
	}
	if _, ok := all[name]; !ok && name != "" {
		return nil, standard(api.ErrorUnknownProperty, "%s has no property %s", iface, brief(name))
	}
	return all, nil
}

func getAll(_ context.Context, r *request) ([]any, error) {
	all, err := r.properties(r.Body[0].(string), "")
	if err != nil {
		return nil, err
	}
	return []any{all}, nil
}

func set(_ context.Context, r *request) ([]any, error) {
	iface, name, value := r.Body[0].(string), r.Body[1].(string), r.Body[2].(dbus.Variant)
	if name == "" {
		return nil, standard(api.ErrorUnknownProperty, "a property without a name")
	}
	if _, err := r.properties(iface, name); err != nil {
		return nil, err
	}
	if r.object.has(api.LogControlInterface) {
		return nil, r.server.setLog(name, value.Value())
	}
	return nil, standard(api.ErrorPropertyReadOnly, "%s cannot be set", name)
}

func managedObjects(_ context.Context, r *request) ([]any, error) {
	out := map[dbus.ObjectPath]map[string]map[string]any{}
	for _, o := range view.Managed(r.status) {
		out[dbus.ObjectPath(o.Path)] = map[string]map[string]any{o.Interface: o.Properties(r.server.constants(), r.status)}
	}
	return []any{out}, nil
}
