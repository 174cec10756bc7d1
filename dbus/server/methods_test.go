package server

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/offlineimap/offlineimapd/dbus/api"
	"github.com/offlineimap/offlineimapd/service"
)

type options = map[string]dbus.Variant

func v(x any) dbus.Variant { return dbus.MakeVariant(x) }

const (
	manager = api.ManagerInterface + "."
	account = api.AccountInterface + "."
)

var (
	homePath = api.AccountPathOf("home")
	workPath = api.AccountPathOf("work-2")
)

// TestCalls calls every method, and wants the daemon to be asked for just that.
func TestCalls(t *testing.T) {
	s := start(t, example())
	c := s.client()
	job := func(id uint32) dbus.ObjectPath { return dbus.ObjectPath(api.JobPathOf(id)) }
	tests := []struct {
		path, method string
		args         []any
		asked        string // "": nothing
		want         []any
	}{
		{api.Path, manager + "SyncNow", []any{"", options{}}, `sync "" {Folders:[] Full:false DryRun:false EvenIfPaused:false Reason:}`,
			[]any{[]dbus.ObjectPath{job(7), job(8)}}},
		{api.Path, manager + "SyncNow", []any{"home", options{"folders": v([]string{"INBOX", "a b"}), "full": v(true), "dry-run": v(false),
			"even-if-paused": v(true), "reason": v("a key was pressed")}},
			`sync "home" {Folders:[INBOX a b] Full:true DryRun:false EvenIfPaused:true Reason:a key was pressed}`, []any{[]dbus.ObjectPath{job(7)}}},
		{workPath, account + "SyncNow", []any{options{"dry-run": v(true)}},
			`sync "work-2" {Folders:[] Full:false DryRun:true EvenIfPaused:false Reason:}`, []any{job(7)}},
		{api.Path, manager + "Pause", []any{"", uint64(0)}, `pause "" 0s`, nil},
		{api.Path, manager + "Pause", []any{"home", uint64(2500000)}, `pause "home" 2.5s`, nil},
		{workPath, account + "Pause", []any{uint64(1)}, `pause "work-2" 1µs`, nil},
		{api.Path, manager + "Resume", []any{""}, `resume ""`, nil},
		{workPath, account + "Resume", nil, `resume "work-2"`, nil},
		{api.Path, manager + "CancelJob", []any{uint32(7)}, `cancel 7`, nil},
		{api.JobPathOf(7), api.JobInterface + ".Cancel", nil, `cancel 7`, nil},
		{api.Path, manager + "Reload", nil, `reload`, nil},
		{workPath, account + "Approve", []any{"tok"}, `approve "work-2" "tok"`, []any{job(9)}},
		{api.Path, manager + "GetAccount", []any{"work-2"}, "", []any{dbus.ObjectPath(workPath)}},
		{api.Path, manager + "GetJob", []any{uint32(5)}, "", []any{job(5)}},
		{api.Path, manager + "ListAccounts", nil, "", []any{[][]any{
			{"home", dbus.ObjectPath(homePath), "idle", "done", "", uint64(1700000100000000)},
			{"work-2", dbus.ObjectPath(workPath), "syncing", "", "no route", uint64(0)}}}},
		{api.Path, manager + "ListJobs", nil, "", []any{[][]any{
			{uint32(5), job(5), "home", "sync", "finished"}, {uint32(7), job(7), "work-2", "full", "running"}}}},
		{api.Path, manager + "ListProblems", nil, "", []any{[][]any{
			{"held", "work-2", "error", "a plan waits", uint64(1700000050000000), "offlineimapctl approve work-2", "tok"}}}},
		{workPath, account + "ListFolders", []any{options{}}, "", []any{[][]any{}}},
		{homePath, account + "ListFolders", []any{options{}}, "", []any{[][]any{
			{"INBOX", "INBOX", uint32(12), uint32(2), uint64(1700000100000000), options{}},
			{"Sp\uFFFDm", "Sp\uFFFDm", uint32(0), uint32(0), uint64(0), options{}}}}},
		{workPath, account + "ListHolds", nil, "", []any{[][]any{
			{"tok", "INBOX", "mass-deletion", "900 of 1000 mails would go", uint64(1700000050000000)}}}},
		{homePath, account + "ListHolds", nil, "", []any{[][]any{}}},
		{api.Path, api.PeerInterface + ".Ping", nil, "", nil},
		{"/nowhere", api.PeerInterface + ".Ping", nil, "", nil},
	}
	for _, tt := range tests {
		got := c.must(tt.path, tt.method, tt.args...)
		if len(got) != len(tt.want) || len(got) > 0 && !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s%v at %s returns %#v, not %#v", tt.method, tt.args, tt.path, got, tt.want)
		}
		i := strings.LastIndex(tt.method, ".")
		if sig := dbus.SignatureOf(got...).String(); sig != methods[tt.method[:i]][tt.method[i+1:]].out && !strings.Contains(sig, "av") {
			t.Errorf("%s returns the types %s", tt.method, sig)
		}
		if asked := strings.Join(s.daemon.took(), "; "); asked != tt.asked {
			t.Errorf("%s%v at %s asked the daemon for %q, not %q", tt.method, tt.args, tt.path, asked, tt.asked)
		}
	}
	if id, _ := c.must(api.Path, api.PeerInterface+".GetMachineId")[0].(string); len(id) != 32 {
		t.Errorf("the machine's id is %q", id)
	}
}

// TestRefused has calls that do not reach the daemon.
func TestRefused(t *testing.T) {
	s := start(t, example())
	c := s.client()
	const no = api.ErrorPrefix
	long := strings.Repeat("x", mostText+1)
	tests := []struct {
		name, path, method string
		args               []any
		text               string // a part of it
	}{
		{api.ErrorInvalidArgs, api.Path, manager + "SyncNow", []any{"home", options{"ful": v(true)}}, `"ful"`},
		{api.ErrorInvalidArgs, api.Path, manager + "SyncNow", []any{"home", options{"full": v("yes")}}, `"full" is a boolean (b), not of the type s`},
		{api.ErrorInvalidArgs, api.Path, manager + "SyncNow", []any{"home", options{"folders": v("INBOX")}}, `"folders"`},
		{api.ErrorInvalidArgs, api.Path, manager + "SyncNow", []any{"home", options{"folders": v([]string{})}}, `"folders"`},
		{api.ErrorInvalidArgs, api.Path, manager + "SyncNow", []any{"home", options{"folders": v([]string{long})}}, `"folders"`},
		{api.ErrorInvalidArgs, api.Path, manager + "SyncNow", []any{"home", options{"reason": v(long)}}, `"reason"`},
		{api.ErrorInvalidArgs, api.Path, manager + "SyncNow", []any{"home", options{"reason": v(uint32(1))}}, `"reason"`},
		{api.ErrorInvalidArgs, api.Path, manager + "SyncNow", []any{"home"}, "arguments"},
		{api.ErrorInvalidArgs, api.Path, manager + "SyncNow", nil, "no arguments"},
		{api.ErrorInvalidArgs, api.Path, manager + "SyncNow", []any{uint32(1), options{}}, "ua{sv}"},
		{api.ErrorInvalidArgs, api.Path, manager + "Status", []any{"now"}, "no arguments"},
		{api.ErrorInvalidArgs, api.Path, manager + "Pause", []any{"home", uint64(math.MaxUint64)}, "too long"},
		{api.ErrorInvalidArgs, workPath, account + "Approve", []any{""}, "token"},
		{api.ErrorInvalidArgs, workPath, account + "Approve", []any{long}, "token"},
		{api.ErrorInvalidArgs, workPath, account + "ListFolders", []any{options{"deep": v(true)}}, `"deep"`},
		{api.ErrorInvalidArgs, api.Path, manager + "RegisterAgent", []any{dbus.ObjectPath("/a"), options{"x": v(true)}}, `"x"`},
		{api.ErrorInvalidArgs, api.Path, manager + "RegisterAgent", []any{dbus.ObjectPath("/a"), options{"accounts": v("work")}}, "as"},
		{api.ErrorInvalidArgs, api.Path, manager + "RegisterAgent", []any{dbus.ObjectPath("/a"), options{"accounts": v([]string{})}}, "names no account"},
		{api.ErrorInvalidArgs, api.Path, manager + "UnregisterAgent", []any{dbus.ObjectPath("/a")}, "no agent"},
		{no + "NoSuchAccount", api.Path, manager + "SyncNow", []any{"wrok", options{}}, `"wrok"`},
		{no + "NoSuchAccount", api.Path, manager + "Pause", []any{"wrok", uint64(0)}, `"wrok"`},
		{no + "NoSuchAccount", api.Path, manager + "Resume", []any{"wrok"}, `"wrok"`},
		{no + "NoSuchAccount", api.Path, manager + "GetAccount", []any{""}, `""`},
		{no + "NoSuchAccount", api.Path, manager + "GetAccount", []any{strings.Repeat("é", 5000)}, "and more"},
		{no + "NoSuchAccount", api.AccountPathOf("wrok"), account + "Resume", nil, `"wrok"`},
		{no + "NoSuchAccount", api.AccountPathOf("wrok"), api.IntrospectableInterface + ".Introspect", nil, `"wrok"`},
		{no + "NoSuchJob", api.Path, manager + "GetJob", []any{uint32(6)}, "6"},
		{no + "NoSuchJob", api.Path, manager + "CancelJob", []any{uint32(6)}, "6"},
		{no + "NoSuchJob", api.JobPathOf(6), api.JobInterface + ".Cancel", nil, "6"},
		{no + "NoSuchJob", api.JobPathOf(6), api.PropertiesInterface + ".GetAll", []any{api.JobInterface}, "6"},
		{api.ErrorUnknownObject, "/nowhere", api.IntrospectableInterface + ".Introspect", nil, "/nowhere"},
		{api.ErrorUnknownObject, api.JobPath + "/x", api.JobInterface + ".Cancel", nil, "/x"},
		{api.ErrorUnknownObject, api.AccountPath + "/__", account + "Resume", nil, "__"},
		{api.ErrorUnknownInterface, api.Path, account + "Resume", nil, api.AccountInterface},
		{api.ErrorUnknownInterface, homePath, api.ObjectManagerInterface + ".GetManagedObjects", nil, homePath},
		{api.ErrorUnknownInterface, api.AccountPath, api.PropertiesInterface + ".GetAll", []any{""}, api.AccountPath},
		{api.ErrorUnknownMethod, api.Path, manager + "Explode", nil, "Explode"},
		{api.ErrorUnknownMethod, api.Path, api.PeerInterface + ".Explode", nil, "Explode"},
	}
	for _, tt := range tests {
		said := c.fails(tt.name, tt.path, tt.method, tt.args...)
		if !strings.Contains(said[0], tt.text) || len(said[0]) > 300 {
			t.Errorf("%s%.80v at %s says %q, without %q", tt.method, tt.args, tt.path, said[0], tt.text)
		}
	}
	if hint := c.fails(no+"NoSuchAccount", api.Path, manager+"Resume", "wrok")[1]; hint != `the accounts are "home" "work-2"` {
		t.Errorf("the hint is %q", hint)
	}
	if asked := s.daemon.took(); len(asked) > 0 {
		t.Errorf("the daemon was asked for %q", asked)
	}
}

// TestErrors passes on what the daemon says.
func TestErrors(t *testing.T) {
	s := start(t, example())
	c := s.client()
	tests := []struct {
		err        error
		name, text string
		hint       string
	}{
		{&service.Error{Code: service.Paused, Err: errors.New("home is paused"), Hint: "resume it"}, "Paused", "home is paused", "resume it"},
		{&service.Error{Code: service.ConfigInvalid, Err: errors.New("line 3:\xff no")}, "ConfigInvalid", "line 3:\uFFFD no", ""},
		{&service.Error{Code: "Unheard", Err: errors.New("what?")}, "Internal", "what?", ""},
		{errors.New("plain"), "ServerRefused", "plain", ""},
	}
	for _, tt := range tests {
		s.daemon.set(func(f *fake) { f.next = tt.err })
		said := c.fails(api.ErrorPrefix+tt.name, api.Path, manager+"Reload")
		if said[0] != tt.text || said[1] != tt.hint {
			t.Errorf("%v is told as %q", tt.err, said)
		}
	}
}

// TestPanic has a fault end one call, and nothing else.
func TestPanic(t *testing.T) {
	s := start(t, example())
	c := s.client()
	s.daemon.set(func(f *fake) { f.fault = true })
	c.fails(api.ErrorPrefix+"Internal", api.Path, manager+"Reload")
	s.daemon.set(func(f *fake) { f.fault = false })
	c.must(api.Path, manager+"Reload")
	if !strings.Contains(s.log.String(), "the daemon is broken") || !strings.Contains(s.log.String(), "stack=") {
		t.Errorf("the log has %s", s.log)
	}
}

func TestStatusAndDescribe(t *testing.T) {
	s := start(t, example())
	c := s.client()
	for range 2 { // the second answer comes from the cache
		st := c.must(api.Path, manager+"Status")[0].(options)
		for key, sig := range map[string]string{"state": "s", "text": "s", "paused": "b", "online": "b", "accounts": "a(soss)", "jobs": "a(uos)", "problems": "a(ssss)"} {
			if st[key].Signature().String() != sig {
				t.Errorf("Status has %s as %v", key, st[key])
			}
		}
		var d api.Document
		if err := json.Unmarshal([]byte(c.must(api.Path, manager+"Describe")[0].(string)), &d); err != nil {
			t.Fatal(err)
		}
		if want := Document(s.daemon.Status()); !reflect.DeepEqual(d, want) {
			t.Errorf("Describe gives %+v instead of %+v", d, want)
		}
	}
	s.daemon.change(func(st *service.Status) { st.Text = "something \x00 else" })
	if st := c.must(api.Path, manager+"Status")[0].(options); st["text"].Value() != "something \uFFFD else" {
		t.Errorf("after a change, Status says %v", st["text"])
	}
	golden(t, "document", string(func() []byte { b, _ := json.MarshalIndent(Document(example()), "", "  "); return append(b, '\n') }()))
}

func TestLogControl(t *testing.T) {
	s := start(t, example())
	c := s.client()
	set := func(name string, value any) []any {
		return []any{api.LogControlInterface, name, v(value)}
	}
	const setter = api.PropertiesInterface + ".Set"
	c.must(api.LogControlPath, setter, set("LogLevel", "debug")...)
	if got := c.must(api.LogControlPath, api.PropertiesInterface+".Get", api.LogControlInterface, "LogLevel")[0].(dbus.Variant); got.Value() != "debug" {
		t.Errorf("the level is %v", got)
	}
	c.must(api.LogControlPath, setter, set("LogTarget", "journal")...)
	c.fails(api.ErrorInvalidArgs, api.LogControlPath, setter, set("LogTarget", "null")...)
	c.fails(api.ErrorInvalidArgs, api.LogControlPath, setter, set("LogLevel", "loud")...)
	c.fails(api.ErrorInvalidArgs, api.LogControlPath, setter, set("LogLevel", uint32(7))...)
	c.fails(api.ErrorPropertyReadOnly, api.LogControlPath, setter, set("SyslogIdentifier", "me")...)
	if !strings.Contains(s.log.String(), "level of the log was changed") {
		t.Errorf("the log has %s", s.log)
	}
}

// TestNoInterface has the first interface that knows the method answer.
func TestNoInterface(t *testing.T) {
	s := start(t, example())
	c := s.client()
	msg := func(member string) *dbus.Message {
		return &dbus.Message{Type: dbus.TypeMethodCall, Headers: map[dbus.HeaderField]dbus.Variant{
			dbus.FieldDestination: v(api.BusName), dbus.FieldPath: v(dbus.ObjectPath(api.Path)), dbus.FieldMember: v(member)}}
	}
	for member, want := range map[string]string{"Describe": "", "Introspect": "", "Explode": api.ErrorUnknownMethod} {
		select {
		case call := <-c.Send(msg(member), make(chan *dbus.Call, 1)).Done:
			var de dbus.Error
			if errors.As(call.Err, &de); de.Name != want {
				t.Errorf("%s without an interface: %v", member, call.Err)
			}
		case <-time.After(10 * time.Second):
			t.Errorf("%s without an interface is not answered", member)
		}
	}
}
