package client

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/offlineimap/offlineimapd/dbus/api"
)

func TestAddress(t *testing.T) {
	dir := t.TempDir()
	l, err := net.Listen("unix", filepath.Join(dir, "bus"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	tests := []struct {
		name string
		env  map[string]string
		want string
		err  error
	}{
		{"said", map[string]string{"DBUS_SESSION_BUS_ADDRESS": "unix:path=/x", "XDG_RUNTIME_DIR": dir}, "unix:path=/x", nil},
		{"the manager's", map[string]string{"XDG_RUNTIME_DIR": dir}, "unix:path=" + dir + "/bus", nil},
		{"never launched", map[string]string{"DBUS_SESSION_BUS_ADDRESS": "autolaunch:", "XDG_RUNTIME_DIR": dir}, "unix:path=" + dir + "/bus", nil},
		{"nothing", nil, "", ErrNoBus},
		{"no socket", map[string]string{"XDG_RUNTIME_DIR": t.TempDir()}, "", ErrNoBus},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Address(func(k string) string { return tt.env[k] })
			if got != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("got %q, %v; want %q, %v", got, err, tt.want, tt.err)
			}
		})
	}
}

func TestNoBus(t *testing.T) {
	for _, address := range []string{"unix:path=/nonexistent/bus", "nonsense", "", "unix:"} {
		if _, err := ConnectTo(deadline(t), address); !errors.Is(err, ErrNoBus) {
			t.Errorf("%q: got %v", address, err)
		}
	}
}

// A bus that accepts and says nothing must not hold anybody for ever.
func TestSilentBus(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bus")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := ConnectTo(ctx, "unix:path="+path); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestNotRunning(t *testing.T) {
	c, _ := connect(t)
	ctx := deadline(t)
	if _, err := c.Describe(ctx); !errors.Is(err, ErrNotRunning) {
		t.Errorf("Describe: %v", err)
	}
	// Nothing on this bus says how to start it.
	if _, err := c.Starting().Sync(ctx, "", SyncOptions{}); !errors.Is(err, ErrNotRunning) {
		t.Errorf("Sync: %v", err)
	}
	if on, err := c.Running(ctx); on || err != nil {
		t.Errorf("Running: %v, %v", on, err)
	}
}

func TestMembers(t *testing.T) {
	c, address := connect(t)
	d := newDaemon(t, address)
	ctx := deadline(t)
	d.onSync(func(string, map[string]dbus.Variant) ([]dbus.ObjectPath, *dbus.Error) {
		return []dbus.ObjectPath{d.jobPath(7), d.jobPath(8)}, nil
	})
	d.job(7, map[string]dbus.Variant{"State": dbus.MakeVariant("running"), "Done": dbus.MakeVariant(uint64(4))})
	d.has(api.Path, api.ManagerInterface, map[string]dbus.Variant{"NJobs": dbus.MakeVariant(uint32(2)), "LastSyncUSec": dbus.MakeVariant(uint64(1e15))})
	d.has(d.accountPath(""), api.AccountInterface, map[string]dbus.Variant{
		"CurrentJob": dbus.MakeVariant(d.jobPath(7)),
		"LastError":  dbus.MakeVariant(struct{ A, B string }{api.ErrorPrefix + "Offline", "no route"}),
	})
	d.has(api.LogControlPath, api.LogControlInterface, map[string]dbus.Variant{"LogLevel": dbus.MakeVariant("info")})
	at := time.UnixMicro(1e15)

	got := map[string]any{}
	note := func(name string, v any, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		got[name] = v
	}
	refs, err := c.Sync(ctx, "work-2", SyncOptions{Folders: []string{"a/b"}, Full: true, Reason: "r"})
	ids := []uint32{}
	for _, r := range refs {
		ids = append(ids, r.ID)
	}
	note("Sync", ids, err)
	status, err := c.Status(ctx)
	note("Status", status["state"], err)
	doc, err := c.Describe(ctx)
	note("Describe", doc.Accounts[0].Name, err)
	note("Pause", nil, c.Pause(ctx, "work-2", 90*time.Second))
	note("Pause a little", nil, c.Pause(ctx, "", time.Nanosecond))
	note("Resume", nil, c.Resume(ctx, ""))
	accounts, err := c.ListAccounts(ctx)
	note("ListAccounts", accounts[0].LastError.Text, err)
	jobs, err := c.ListJobs(ctx)
	note("ListJobs", jobs, err)
	note("Cancel", nil, c.Cancel(ctx, 7))
	note("CancelByObject", nil, c.CancelByObject(ctx, 7))
	note("Reload", nil, c.Reload(ctx))
	problems, err := c.ListProblems(ctx)
	note("ListProblems", problems, err)
	p, err := c.Manager(ctx)
	note("Manager", []any{p.Count("NJobs"), p.Time("LastSyncUSec").Equal(at)}, err)
	p, err = c.Account(ctx, "work-2")
	note("Account", []any{p.Text("CurrentJob"), *p.Failure("LastError")}, err)
	folders, err := c.ListFolders(ctx, "work-2")
	note("ListFolders", folders[0].Extra, err)
	holds, err := c.ListHolds(ctx, "work-2")
	note("ListHolds", holds, err)
	ref, err := c.Approve(ctx, "work-2", "tok")
	note("Approve", ref.ID, err)
	ref, err = c.SyncAccount(ctx, "work-2", SyncOptions{DryRun: true})
	note("SyncAccount", ref.ID, err)
	note("PauseAccount", nil, c.PauseAccount(ctx, "work-2", 0))
	note("ResumeAccount", nil, c.ResumeAccount(ctx, "work-2"))
	job, err := c.Job(ctx, 7)
	note("Job", []any{job.ID, job.Account, job.Done}, err)
	level, err := c.LogLevel(ctx)
	note("LogLevel", level, err)
	note("SetLogLevel", nil, c.SetLogLevel(ctx, "debug"))

	want := map[string]any{
		"Sync": []uint32{7, 8}, "Status": "idle", "Describe": "work-2",
		"Pause": nil, "Pause a little": nil, "Resume": nil, "ListAccounts": "refused",
		"ListJobs": []api.Job{{ID: 7, Account: "work-2", Kind: "full", State: "running"}},
		"Cancel":   nil, "CancelByObject": nil, "Reload": nil,
		"ListProblems": []api.Problem{{Code: "held", Account: "work-2", Severity: "error", Text: "would remove all", Since: at, Fix: "offlineimapctl approve work-2", Token: "tok"}},
		"Manager":      []any{uint64(2), true},
		"Account":      []any{api.JobPath + "/7", api.Failure{Code: "Offline", Text: "no route"}},
		"ListFolders":  map[string]any{"later": true},
		"ListHolds":    []api.Hold{{Token: "tok", Folder: "Lists/go", Code: "mass-deletion", Text: "would remove 12 of 12", Since: at}},
		"Approve":      uint32(7), "SyncAccount": uint32(7), "PauseAccount": nil, "ResumeAccount": nil,
		"Job": []any{uint32(7), "work-2", 4}, "LogLevel": "info", "SetLogLevel": nil,
	}
	for name, w := range want {
		if !reflect.DeepEqual(got[name], w) {
			t.Errorf("%s: got %#v, want %#v", name, got[name], w)
		}
	}
	log := strings.Join(d.log(), "\n")
	for _, call := range []string{
		`SyncNow work-2 map[folders:["a/b"] full:true reason:"r"]`, "Pause work-2 90000000", "Pause  1", "CancelJob 7",
		"Account.Approve tok", "Account.SyncNow map[dry-run:true]", "Job.Cancel /org/offlineimap/Daemon1/job/7",
		"Set /org/freedesktop/LogControl1 org.freedesktop.LogControl1 LogLevel debug",
	} {
		if !slices.Contains(strings.Split(log, "\n"), call) {
			t.Errorf("the daemon was not called like this: %s\n%s", call, log)
		}
	}
}

func TestErrors(t *testing.T) {
	c, address := connect(t)
	d := newDaemon(t, address)
	tests := []struct {
		name string
		sent *dbus.Error
		want error // *Error by value, or errors.Is
	}{
		{"ours", dbus.NewError(api.ErrorPrefix+"ConfigInvalid", []any{"line 3: no"}), &Error{Code: "ConfigInvalid", Text: "line 3: no"}},
		{"with a hint", dbus.NewError(api.ErrorPrefix+"ConfigInvalid", []any{"no", "do this"}), &Error{Code: "ConfigInvalid", Text: "no", Hint: "do this"}},
		{"without a text", dbus.NewError(api.ErrorPrefix+"Busy", nil), &Error{Code: "Busy"}},
		{"the bus'", dbus.NewError(busPrefix+"InvalidArgs", []any{"no such option"}), &Error{Code: CodeInvalidArgs, Text: "no such option"}},
		{"somebody's", dbus.NewError("com.example.Error", []any{"x"}), &Error{Code: CodeInternal, Text: "org.offlineimap.Daemon1.Manager.Reload: com.example.Error: x"}},
		{"unknown", dbus.NewError(busPrefix+"ServiceUnknown", []any{"x"}), ErrNotRunning},
		{"not started", dbus.NewError(busPrefix+"Spawn.ChildExited", []any{"status 1"}), &Error{Code: CodeNotStarted,
			Text: "the bus could not start the daemon: status 1", Hint: "systemctl --user status offlineimapd says why"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d.mu.Lock()
			d.fail["Reload"] = tt.sent
			d.mu.Unlock()
			err := c.Reload(deadline(t))
			var e *Error
			if errors.As(err, &e) {
				if !reflect.DeepEqual(tt.want, e) {
					t.Errorf("got %#v, want %#v", e, tt.want)
				}
				return
			}
			if !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
	if _, err := c.Account(deadline(t), "wrok"); Code(err) != "NoSuchAccount" {
		t.Errorf("got %v", err)
	}
	if _, err := c.Job(deadline(t), 99); Code(err) != "NoSuchJob" {
		t.Errorf("got %v", err)
	}
}

func TestGoneDuringACall(t *testing.T) {
	c, address := connect(t)
	d := newDaemon(t, address)
	d.onSync(func(string, map[string]dbus.Variant) ([]dbus.ObjectPath, *dbus.Error) {
		d.leave()
		return nil, nil
	})
	if _, err := c.Sync(deadline(t), "", SyncOptions{}); !errors.Is(err, ErrGone) {
		t.Errorf("got %v", err)
	}
}

func TestCallEndsWithItsContext(t *testing.T) {
	c, address := connect(t)
	d := newDaemon(t, address)
	hold := make(chan struct{})
	defer close(hold)
	d.onSync(func(string, map[string]dbus.Variant) ([]dbus.ObjectPath, *dbus.Error) {
		<-hold
		return nil, nil
	})
	ctx, cancel := context.WithTimeoutCause(context.Background(), 20*time.Millisecond, errors.New("enough"))
	defer cancel()
	if _, err := c.Sync(ctx, "", SyncOptions{}); err == nil || err.Error() != "enough" {
		t.Errorf("got %v", err)
	}
	if r := c.callFor(context.Background(), 20*time.Millisecond, api.Path, manager+"SyncNow", "", map[string]dbus.Variant{}); !errors.Is(r.store(), ErrNoAnswer) {
		t.Errorf("got %v", r.store())
	}
	c.Close()
	if _, err := c.Describe(deadline(t)); !errors.Is(err, ErrNoBus) {
		t.Errorf("after Close: %v", err)
	}
}
