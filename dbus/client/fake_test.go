package client

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"go.uber.org/goleak"

	"github.com/offlineimap/offlineimapd/dbus/api"
	"github.com/offlineimap/offlineimapd/internal/testenv"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// daemon is as much of a daemon as a client can tell: it answers from tables.
type daemon struct {
	t    *testing.T
	conn *dbus.Conn

	mu    sync.Mutex
	calls []string                                               // members with their arguments, in order
	jobs  map[uint32]map[string]dbus.Variant                     // properties
	props map[dbus.ObjectPath]map[string]map[string]dbus.Variant // of other objects, by interface
	sync  func(account string, options map[string]dbus.Variant) ([]dbus.ObjectPath, *dbus.Error)
	fail  map[string]*dbus.Error // by member
	agent dbus.BusObject
}

// newDaemon puts a daemon on the bus.
func newDaemon(t *testing.T, address string) *daemon {
	t.Helper()
	conn, err := dbus.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	d := &daemon{t: t, conn: conn, jobs: map[uint32]map[string]dbus.Variant{},
		props: map[dbus.ObjectPath]map[string]map[string]dbus.Variant{}, fail: map[string]*dbus.Error{}}
	t.Cleanup(d.leave)
	for _, o := range []struct {
		path, iface string
		methods     map[string]any
	}{
		{api.Path, api.ManagerInterface, d.manager()},
		{d.accountPath("work-2"), api.AccountInterface, d.account()},
	} {
		if err := conn.ExportMethodTable(o.methods, dbus.ObjectPath(o.path), o.iface); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{api.Path, d.accountPath("work-2"), api.LogControlPath} {
		d.properties(path, conn.ExportMethodTable)
	}
	// godbus cannot export while it answers, so all jobs are there from the start.
	d.properties(api.JobPath, conn.ExportSubtreeMethodTable)
	if err := conn.ExportSubtreeMethodTable(map[string]any{"Cancel": func(m dbus.Message) *dbus.Error {
		return d.called("Job.Cancel ", m.Headers[dbus.FieldPath].Value())
	}}, api.JobPath, api.JobInterface); err != nil {
		t.Fatal(err)
	}
	if r, err := conn.RequestName(api.BusName, dbus.NameFlagDoNotQueue); err != nil || r != dbus.RequestNameReplyPrimaryOwner {
		t.Fatalf("the name: %v, %v", r, err)
	}
	return d
}

func (d *daemon) properties(path string, export func(map[string]any, dbus.ObjectPath, string) error) {
	d.t.Helper()
	get := map[string]any{"GetAll": d.getAll, "Get": d.get, "Set": d.set}
	if err := export(get, dbus.ObjectPath(path), "org.freedesktop.DBus.Properties"); err != nil {
		d.t.Error(err)
	}
}

// leave takes the daemon off the bus, as a crash does.
func (d *daemon) leave() { d.conn.Close() }

func (d *daemon) accountPath(string) string { return api.AccountPathOf("work-2") }

func (d *daemon) called(member string, args ...any) *dbus.Error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls = append(d.calls, fmt.Sprint(append([]any{member}, args...)...))
	return d.fail[member]
}

func (d *daemon) manager() map[string]any {
	return map[string]any{
		"SyncNow": func(account string, o map[string]dbus.Variant) ([]dbus.ObjectPath, *dbus.Error) {
			if err := d.called("SyncNow ", account, " ", o); err != nil {
				return nil, err
			}
			d.mu.Lock()
			sync := d.sync
			d.mu.Unlock()
			return sync(account, o)
		},
		"Status": func() (map[string]dbus.Variant, *dbus.Error) {
			return map[string]dbus.Variant{"state": dbus.MakeVariant("idle"), "paused": dbus.MakeVariant(true)}, d.called("Status")
		},
		"Describe": func() (string, *dbus.Error) {
			b, _ := json.Marshal(api.Document{Version: 1, State: "idle", Accounts: []api.Account{{Name: "work-2", State: "idle"}}})
			return string(b), d.called("Describe")
		},
		"Pause":  func(account string, usec uint64) *dbus.Error { return d.called("Pause ", account, " ", usec) },
		"Resume": func(account string) *dbus.Error { return d.called("Resume ", account) },
		"ListAccounts": func() ([]struct {
			Name   string
			Path   dbus.ObjectPath
			State  string
			Result string
			Error  string
			Last   uint64
		}, *dbus.Error) {
			return []struct {
				Name   string
				Path   dbus.ObjectPath
				State  string
				Result string
				Error  string
				Last   uint64
			}{{"work-2", dbus.ObjectPath(d.accountPath("")), "backoff", "failed", "refused", 1e15}}, d.called("ListAccounts")
		},
		"GetAccount": func(name string) (dbus.ObjectPath, *dbus.Error) {
			if name != "work-2" {
				return "/", dbus.NewError(api.ErrorPrefix+"NoSuchAccount", []any{"account \"" + name + "\" does not exist", "did you mean \"work-2\"?"})
			}
			return dbus.ObjectPath(d.accountPath(name)), nil
		},
		"ListJobs": func() ([]struct {
			ID                   uint32
			Path                 dbus.ObjectPath
			Account, Kind, State string
		}, *dbus.Error) {
			return []struct {
				ID                   uint32
				Path                 dbus.ObjectPath
				Account, Kind, State string
			}{{7, d.jobPath(7), "work-2", "full", "running"}}, d.called("ListJobs")
		},
		"GetJob": func(id uint32) (dbus.ObjectPath, *dbus.Error) {
			d.mu.Lock()
			defer d.mu.Unlock()
			if d.jobs[id] == nil {
				return "/", dbus.NewError(api.ErrorPrefix+"NoSuchJob", []any{fmt.Sprintf("job %d does not exist", id)})
			}
			return d.jobPath(id), nil
		},
		"CancelJob": func(id uint32) *dbus.Error { return d.called("CancelJob ", id) },
		"Reload":    func() *dbus.Error { return d.called("Reload") },
		"ListProblems": func() ([]struct {
			Code, Account, Severity, Text string
			Since                         uint64
			Fix, Token                    string
		}, *dbus.Error) {
			return []struct {
				Code, Account, Severity, Text string
				Since                         uint64
				Fix, Token                    string
			}{{"held", "work-2", "error", "would remove all", 1e15, "offlineimapctl approve work-2", "tok"}}, d.called("ListProblems")
		},
		"RegisterAgent": func(sender dbus.Sender, path dbus.ObjectPath, o map[string]dbus.Variant) *dbus.Error {
			d.mu.Lock()
			d.agent = d.conn.Object(string(sender), path)
			d.mu.Unlock()
			return d.called("RegisterAgent ", path)
		},
		"UnregisterAgent": func(path dbus.ObjectPath) *dbus.Error { return d.called("UnregisterAgent ", path) },
	}
}

func (d *daemon) account() map[string]any {
	return map[string]any{
		"SyncNow": func(o map[string]dbus.Variant) (dbus.ObjectPath, *dbus.Error) {
			return d.jobPath(7), d.called("Account.SyncNow ", o)
		},
		"Pause":  func(usec uint64) *dbus.Error { return d.called("Account.Pause ", usec) },
		"Resume": func() *dbus.Error { return d.called("Account.Resume") },
		"ListFolders": func(o map[string]dbus.Variant) ([]struct {
			Local, Remote    string
			Messages, Unseen uint32
			Last             uint64
			Extra            map[string]dbus.Variant
		}, *dbus.Error) {
			return []struct {
				Local, Remote    string
				Messages, Unseen uint32
				Last             uint64
				Extra            map[string]dbus.Variant
			}{{"INBOX", "INBOX", 12, 3, 1e15, map[string]dbus.Variant{"later": dbus.MakeVariant(true)}}}, d.called("Account.ListFolders")
		},
		"ListHolds": func() ([]struct {
			Token, Folder, Code, Text string
			Since                     uint64
		}, *dbus.Error) {
			return []struct {
				Token, Folder, Code, Text string
				Since                     uint64
			}{{"tok", "Lists/go", "mass-deletion", "would remove 12 of 12", 1e15}}, d.called("Account.ListHolds")
		},
		"Approve": func(token string) (dbus.ObjectPath, *dbus.Error) {
			return d.jobPath(7), d.called("Account.Approve ", token)
		},
	}
}

func (d *daemon) jobPath(id uint32) dbus.ObjectPath {
	return dbus.ObjectPath(api.JobPathOf(id))
}

// job makes or changes a job, and says so.
func (d *daemon) job(id uint32, p map[string]dbus.Variant) {
	d.t.Helper()
	d.mu.Lock()
	if d.jobs[id] == nil {
		d.jobs[id] = map[string]dbus.Variant{"Id": dbus.MakeVariant(id), "AccountName": dbus.MakeVariant("work-2")}
	}
	all := map[string]dbus.Variant{}
	for k, v := range d.jobs[id] {
		all[k] = v
	}
	for k, v := range p {
		all[k] = v
	}
	d.jobs[id] = all
	d.mu.Unlock()
	d.emit(string(d.jobPath(id)), "org.freedesktop.DBus.Properties.PropertiesChanged", api.JobInterface, p, []string{})
}

// onSync says how SyncNow is answered.
func (d *daemon) onSync(answer func(account string, options map[string]dbus.Variant) ([]dbus.ObjectPath, *dbus.Error)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sync = answer
}

// has gives an object properties.
func (d *daemon) has(path, iface string, p map[string]dbus.Variant) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.props[dbus.ObjectPath(path)] = map[string]map[string]dbus.Variant{iface: p}
}

// registered is the agent that the daemon was told of.
func (d *daemon) registered() dbus.BusObject {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.agent
}

// end ends a job as the service does: its properties first, then the signal.
func (d *daemon) end(id uint32, result string, p map[string]dbus.Variant) {
	d.t.Helper()
	all := map[string]dbus.Variant{"State": dbus.MakeVariant("finished"), "Result": dbus.MakeVariant(result)}
	for k, v := range p {
		all[k] = v
	}
	d.job(id, all)
	d.removed(id, result)
}

func (d *daemon) removed(id uint32, result string) {
	d.t.Helper()
	d.emit(api.Path, manager+"JobRemoved", id, d.jobPath(id), "work-2", result,
		map[string]dbus.Variant{api.ReportDownloaded: dbus.MakeVariant(uint64(3))})
}

func (d *daemon) emit(path, name string, args ...any) {
	d.t.Helper()
	if err := d.conn.Emit(dbus.ObjectPath(path), name, args...); err != nil {
		d.t.Errorf("emit %s: %v", name, err)
	}
}

func (d *daemon) getAll(m dbus.Message, iface string) (map[string]dbus.Variant, *dbus.Error) {
	path := m.Headers[dbus.FieldPath].Value().(dbus.ObjectPath)
	d.mu.Lock()
	defer d.mu.Unlock()
	if id, ok := api.JobAt(string(path)); ok && iface == api.JobInterface && d.jobs[id] != nil {
		return d.jobs[id], nil
	}
	if p := d.props[path][iface]; p != nil {
		return p, nil
	}
	return nil, dbus.NewError(busPrefix+"UnknownInterface", []any{"no"})
}

func (d *daemon) get(m dbus.Message, iface, name string) (dbus.Variant, *dbus.Error) {
	path := m.Headers[dbus.FieldPath].Value().(dbus.ObjectPath)
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.props[path][iface][name], nil
}

func (d *daemon) set(m dbus.Message, iface, name string, v dbus.Variant) *dbus.Error {
	return d.called("Set ", m.Headers[dbus.FieldPath].Value(), " ", iface, " ", name, " ", v.Value())
}

func (d *daemon) log() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.calls...)
}

// within is how long anything in a test may take.
const within = 10 * time.Second

func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), within)
	t.Cleanup(cancel)
	return ctx
}

// connect gives a client on a bus with nobody else on it.
func connect(t *testing.T) (*Client, string) {
	t.Helper()
	address := testenv.Bus(t)
	c, err := ConnectTo(deadline(t), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c, address
}
