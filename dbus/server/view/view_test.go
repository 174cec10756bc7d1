package view

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/godbus/dbus/v5"
	"pgregory.net/rapid"

	"github.com/offlineimap/offlineimapd/dbus/api"
	"github.com/offlineimap/offlineimapd/service"
	"github.com/offlineimap/offlineimapd/sync/engine"
)

func TestText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := string(rapid.SliceOf(rapid.Byte()).Draw(t, "text"))
		got := Text(s)
		if !utf8.ValidString(got) || strings.Contains(got, "\x00") {
			t.Fatalf("%q became %q", s, got)
		}
		if utf8.ValidString(s) && !strings.Contains(s, "\x00") && got != s {
			t.Fatalf("%q became %q without need", s, got)
		}
	})
}

func TestNumbers(t *testing.T) {
	if USec(time.Time{}) != 0 || USec(time.Unix(-5, 0)) != 0 || USec(time.Unix(3, 2000)) != 3000002 {
		t.Error("times are not in microseconds since the epoch")
	}
	if Count(-1) != 0 || Count(7) != 7 || Count(math.MaxInt) != 1<<31 {
		t.Error("counts are not bounded")
	}
}

// TestAnything has Statuses of any content become values of the interface's
// types: nothing that an account is called or a server says may end the
// connection.
func TestAnything(t *testing.T) {
	types := map[string]map[string]string{}
	for _, iface := range []string{api.ManagerInterface, api.AccountInterface, api.JobInterface} {
		parsed, err := api.Parse(iface)
		if err != nil {
			t.Fatal(err)
		}
		types[iface] = map[string]string{}
		for _, p := range parsed.Properties {
			types[iface][p.Name] = p.Type
		}
	}
	text := rapid.Custom(func(t *rapid.T) string { return string(rapid.SliceOfN(rapid.Byte(), 0, 8).Draw(t, "text")) })
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int()
		failure := service.Failure{Code: service.Code(text.Draw(t, "code")), Text: text.Draw(t, "why"), Hint: text.Draw(t, "hint")}
		st := &service.Status{Text: text.Draw(t, "status"), ConfigPath: text.Draw(t, "path"),
			LastSync: time.UnixMicro(rapid.Int64().Draw(t, "time")),
			Accounts: []service.Account{{Name: text.Draw(t, "name"), Reason: text.Draw(t, "reason"), Root: text.Draw(t, "root"),
				Messages: n.Draw(t, "messages"), Unseen: n.Draw(t, "unseen"), LastError: failure, Job: rapid.Uint32().Draw(t, "job")}},
			Jobs: []service.Job{{ID: rapid.Uint32().Draw(t, "id"), Account: text.Draw(t, "account"), Folder: text.Draw(t, "folder"),
				Done: n.Draw(t, "done"), Total: n.Draw(t, "total"), Bytes: rapid.Int64().Draw(t, "bytes"), Failure: failure,
				Report: &engine.Report{Account: text.Draw(t, "reported"), Seconds: rapid.Float64().Draw(t, "seconds"),
					Folders: []engine.Folder{{Name: text.Draw(t, "in"), Result: engine.Failed}}}}},
		}
		for _, o := range append([]Object{Manager()}, Managed(st)...) {
			if !dbus.ObjectPath(o.Path).IsValid() {
				t.Fatalf("the path %q", o.Path)
			}
			p := o.Properties(Constants{Version: text.Draw(t, "version"), Features: []string{text.Draw(t, "feature")}}, st)
			for name, want := range types[o.Interface] {
				if got := dbus.MakeVariant(p[name]).Signature().String(); got != want {
					t.Fatalf("%s.%s is of the type %s, not %s", o.Interface, name, got, want)
				}
			}
			if len(p) != len(types[o.Interface]) {
				t.Fatalf("%s has the properties %v", o.Interface, p)
			}
			valid(t, p)
			if progress, ok := p["Progress"].(float64); ok && !(progress >= 0 && progress <= 1) {
				t.Fatalf("progress of %v", progress)
			}
		}
	})
}

// valid looks for texts that the bus would not take.
func valid(t *rapid.T, v any) {
	switch v := v.(type) {
	case string:
		if Text(v) != v {
			t.Fatalf("the text %q", v)
		}
	case []string:
		for _, s := range v {
			valid(t, s)
		}
	case Failed:
		valid(t, v.Name)
		valid(t, v.Text)
	case dbus.ObjectPath:
		if !v.IsValid() {
			t.Fatalf("the path %q", v)
		}
	case map[string]any:
		for _, e := range v {
			valid(t, e)
		}
	}
}

func TestReport(t *testing.T) {
	if r := Report(nil); len(r) != 0 {
		t.Errorf("of no job: %v", r)
	}
	if r := Report(&service.Job{Failure: service.Failure{Hint: "do"}}); len(r) != 1 || r[api.ReportHint] != "do" {
		t.Errorf("of a job that did not run: %v", r)
	}
	j := &service.Job{Report: &engine.Report{Account: "a", Seconds: 2.5, Counts: engine.Counts{Downloaded: 3, RemovedRemote: 1, Bytes: 9},
		Folders: []engine.Folder{
			{Name: "same", Result: engine.Unchanged},
			{Name: "noted", Result: engine.Unchanged, Notes: []string{"look"}},
			{Name: "new", Result: engine.Synced},
		}}}
	r := Report(j)
	for key, want := range map[string]any{api.ReportDownloaded: uint64(3), api.ReportRemovedRemote: uint64(1), api.ReportUploaded: uint64(0),
		api.ReportBytes: uint64(9), api.ReportSeconds: 2.5, api.ReportFolders: uint64(3)} {
		if r[key] != want {
			t.Errorf("%s is %v, not %v", key, r[key], want)
		}
	}
	var doc engine.Report
	if err := json.Unmarshal([]byte(r[api.ReportDocument].(string)), &doc); err != nil {
		t.Fatal(err)
	}
	if len(doc.Folders) != 2 || doc.Folders[0].Name != "noted" || doc.Folders[1].Name != "new" || len(j.Report.Folders) != 3 {
		t.Errorf("the document has %+v of %+v", doc.Folders, j.Report.Folders)
	}
}
