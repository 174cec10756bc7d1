package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/dbus/api"
	"github.com/offlineimap/offlineimapd/dbus/client"
	"github.com/offlineimap/offlineimapd/internal/testenv"
	"github.com/offlineimap/offlineimapd/service"
	"github.com/offlineimap/offlineimapd/sync/engine"
	"github.com/offlineimap/offlineimapd/sync/guard"
)

func TestTargets(t *testing.T) {
	tests := []struct {
		args []string
		want []target
		bad  bool
	}{
		{nil, []target{{}}, false},
		{[]string{"work"}, []target{{account: "work"}}, false},
		{[]string{"work/INBOX", "home", "work/Lists/go"}, []target{{"work", []string{"INBOX", "Lists/go"}}, {account: "home"}}, false},
		{[]string{"work/INBOX", "work"}, []target{{account: "work"}}, false},
		{[]string{"work", "work/INBOX"}, []target{{account: "work"}}, false},
		{[]string{"work/a", "work/a"}, []target{{"work", []string{"a"}}}, false},
		{[]string{"work//a"}, []target{{"work", []string{"/a"}}}, false},
		{[]string{"w*/a"}, []target{{"w*", []string{"a"}}}, false},
		{[]string{""}, nil, true},
		{[]string{"/INBOX"}, nil, true},
		{[]string{"work/"}, nil, true},
	}
	for _, tt := range tests {
		got, err := targets(tt.args)
		if (err != nil) != tt.bad || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%q: got %+v, %v; want %+v", tt.args, got, err, tt.want)
		}
		if status, _ := statusOf(err); tt.bad && status != exitUsage {
			t.Errorf("%q: status %d", tt.args, status)
		}
	}
}

// did is the report of a run.
func did(change func(*engine.Report)) *engine.Report {
	r := &engine.Report{Account: "work", Result: engine.Synced, Seconds: 1.234, Counts: engine.Counts{Downloaded: 3, Uploaded: 1, Bytes: 4000},
		Folders: []engine.Folder{{Name: "INBOX", Result: engine.Synced, Counts: engine.Counts{Downloaded: 3, Uploaded: 1}}, {Name: "Old", Result: engine.Unchanged}}}
	if change != nil {
		change(r)
	}
	return r
}

func dry(r *engine.Report) {
	r.DryRun, r.Result = true, engine.Planned
	r.Folders[0].Result, r.Folders[0].CreatedLocal = engine.Planned, true
	r.Folders[0].Plan = &engine.Plan{Download: "4:6", Upload: []string{"1700000000.M1.host:2,S" + hostile}, RemoveRemote: strings.Repeat("1,3,5,", 40) + "7"}
	r.Folders[0].Counts.RemovedRemote = 121
	r.Folders = append(r.Folders, engine.Folder{Name: hostile, Result: engine.Planned, Counts: engine.Counts{FlagsLocal: 1}, Plan: &engine.Plan{FlagsLocal: "9"}})
}

func partly(r *engine.Report) {
	r.Result = engine.Failed
	r.Notes = []string{"the server is slow"}
	r.Folders[0].Problems = []engine.Problem{{Class: "refused", Text: "message 7: " + hostile, Hint: "delete it on the server"}}
	r.Folders[0].Notes = []string{"took long"}
	r.Folders[0].Result = engine.Failed
}

func held(r *engine.Report) {
	r.Result = engine.Held
	h := &guard.Hold{Token: "aaaaaaaaaaaa", Reasons: []guard.Reason{{Code: guard.Emptied, Side: guard.Remote, Text: "All 4 mails are gone.\nIf that is right, run again with --approve INBOX."}}}
	other := *h
	other.Token = "bbbbbbbbbbbb"
	r.Folders[0].Hold, r.Folders[0].Result = h, engine.Held
	r.Folders[1].Hold, r.Folders[1].Result = h, engine.Held
	r.Folders = append(r.Folders, engine.Folder{Name: "Old", Hold: &other, Result: engine.Held})
}

func TestSyncResults(t *testing.T) {
	refused := service.Failure{Code: service.AuthenticationFailed, Text: "login refused: " + hostile, Hint: "check the password"}
	tests := []struct {
		golden  string
		result  service.Result
		failure service.Failure
		report  *engine.Report
		kind    service.Kind
		exit    int
		args    []string
	}{
		{"sync", service.ResultDone, service.Failure{}, did(nil), service.KindSync, 0, nil},
		{"sync-nothing", service.ResultDone, service.Failure{}, did(func(r *engine.Report) { r.Counts = engine.Counts{}; r.Folders = r.Folders[1:] }), service.KindSync, 0, nil},
		{"sync-json", service.ResultDone, service.Failure{}, did(nil), service.KindSync, 0, []string{"--json=pretty"}},
		{"sync-dry-run", service.ResultDone, service.Failure{}, did(dry), service.KindDryRun, 0, []string{"--dry-run"}},
		{"sync-partial", service.ResultPartial, service.Failure{Code: service.ServerRefused, Text: "1 folder is not in step"}, did(partly), service.KindSync, exitIncomplete, nil},
		{"sync-held", service.ResultHalted, service.Failure{}, did(held), service.KindSync, exitHalted, nil},
		{"sync-refused", service.ResultFailed, refused, did(func(r *engine.Report) { *r = engine.Report{Problems: []engine.Problem{{Text: refused.Text}}} }), service.KindSync, exitPassword, nil},
		{"sync-offline", service.ResultFailed, service.Failure{Code: service.Offline, Text: "no route"}, nil, service.KindSync, exitOffline, nil},
		{"sync-canceled", service.ResultCanceled, service.Failure{Code: service.Cancelled, Text: "by a person"}, did(nil), service.KindSync, exitJobFailed, nil},
		{"sync-skipped", service.ResultSkipped, service.Failure{Code: service.Paused, Text: "it was paused"}, nil, service.KindSync, exitJobFailed, nil},
	}
	for _, tt := range tests {
		t.Run(tt.golden, func(t *testing.T) {
			s := start(t, plain())
			s.daemon.syncs(func(string, service.Request) ([]uint32, error) {
				id := s.daemon.job(service.Job{ID: 9, Account: "work", Kind: tt.kind})
				s.daemon.change(func(st *service.Status) {
					st.Accounts[0].Holds = []service.Hold{{Token: "aaaaaaaaaaaa", Text: "All 4 mails are gone.\nIf that is right, approve it (offlineimapctl approve work)."}}
				})
				s.daemon.end(id, tt.result, tt.failure, tt.report)
				return []uint32{id}, nil
			})
			if got := s.run(append([]string{"sync", "work"}, tt.args...)...); got != tt.exit {
				t.Errorf("status %d, want %d", got, tt.exit)
			}
			golden(t, tt.golden, s.both())
			clean(t, s.both())
		})
	}
}

func TestSyncAsks(t *testing.T) {
	tests := []struct {
		args []string
		want []string
	}{
		{nil, []string{`sync "" [] full=false dry=false even=false`}},
		{[]string{"work/Lists/go", "work/INBOX", "home", "--full"}, []string{
			`sync "work" [Lists/go INBOX] full=true dry=false even=false`, `sync "home" [] full=true dry=false even=false`}},
		{[]string{"*o*", "--dry-run", "--even-if-paused"}, []string{
			`sync "work" [] full=false dry=true even=true`, `sync "home" [] full=false dry=true even=true`}},
	}
	for _, tt := range tests {
		s := start(t, plain())
		n := uint32(0)
		s.daemon.syncs(func(a string, _ service.Request) ([]uint32, error) {
			n++
			id := s.daemon.job(service.Job{ID: n, Account: a})
			s.daemon.end(id, service.ResultDone, service.Failure{}, nil)
			return []uint32{id}, nil
		})
		if got := s.run(append([]string{"sync"}, tt.args...)...); got != 0 {
			t.Errorf("%v: status %d\n%s", tt.args, got, s.both())
		}
		if got := s.daemon.took(); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%v: asked %q, want %q", tt.args, got, tt.want)
		}
	}
}

func TestSyncFails(t *testing.T) {
	tests := []struct {
		args []string
		exit int
		text string
	}{
		{[]string{"wrok"}, exitNoSuch, "offlineimapctl: there is no account \"wrok\"\nhint: the accounts are \"work\" \"home\"\n"},
		{[]string{"x*"}, exitNoSuch, "offlineimapctl: no account matches \"x*\"\nhint: offlineimapctl list shows all accounts\n"},
		{[]string{"[x"}, exitUsage, "offlineimapctl: pattern \"[x\": syntax error in pattern\n"},
		{[]string{"/x"}, exitUsage, "offlineimapctl: \"/x\" is not ACCOUNT or ACCOUNT/FOLDER\n"},
		{[]string{"--timeout=soon"}, exitUsage, "offlineimapctl: --timeout: \"soon\" is no length of time like 90s, 20min or 2h\n"},
		{[]string{"--json=yaml"}, exitUsage, "offlineimapctl: invalid argument \"yaml\" for \"-j, --json\" flag: it is pretty, short or off\nhint: offlineimapctl --help lists what can be said\n"},
	}
	for _, tt := range tests {
		s := start(t, plain())
		if got := s.run(append([]string{"sync"}, tt.args...)...); got != tt.exit || s.err.String() != tt.text {
			t.Errorf("%v: status %d, want %d, and\n%s", tt.args, got, tt.exit, s.err)
		}
	}
}

func TestSyncDoesNotBlock(t *testing.T) {
	s := start(t, plain())
	s.daemon.syncs(func(string, service.Request) ([]uint32, error) {
		return []uint32{s.daemon.job(service.Job{ID: 4, Account: "work"}), s.daemon.job(service.Job{ID: 5, Account: "home"})}, nil
	})
	if got := s.run("sync", "--no-block"); got != 0 || s.out.String() != "work: job 4\nhome: job 5\n" {
		t.Errorf("status %d\n%s", got, s.both())
	}
	s.newApp()
	if got := s.run("sync", "--no-block", "-j"); got != 0 {
		t.Errorf("status %d", got)
	}
	var d jobsDocument
	if err := json.Unmarshal([]byte(s.out.String()), &d); err != nil || len(d.Jobs) != 2 || d.Jobs[1].Account != "home" {
		t.Errorf("%v: %s", err, s.out)
	}
}

// running starts a sync whose job goes on until somebody ends it.
func running(t *testing.T, grace time.Duration) (*setting, <-chan int) {
	t.Helper()
	s := start(t, plain())
	s.terminal(80)
	s.app.grace = grace
	s.daemon.syncs(func(string, service.Request) ([]uint32, error) {
		return []uint32{s.daemon.job(service.Job{ID: 9, Account: "work", Phase: service.PhaseConnecting})}, nil
	})
	c := s.begin("sync", "work")
	s.shows(s.err, "work: connecting")
	return s, c
}

func TestProgress(t *testing.T) {
	s, c := running(t, time.Hour)
	s.until("a bar", func() bool {
		s.later.Add(int64(time.Second))
		s.daemon.change(func(st *service.Status) {
			j := st.Job(9)
			j.Phase, j.Folder, j.Total, j.Bytes = service.PhaseApplying, "a"+hostile, 120, 5e6
			j.Done++
		})
		return strings.Contains(s.err.String(), "/120")
	})
	s.daemon.end(9, service.ResultDone, service.Failure{}, did(nil))
	s.ends(c, 0)
	for _, r := range s.err.String() {
		if r == '\u009b' || r == 7 || r == '\u202e' {
			t.Errorf("%q reached the terminal: %q", r, s.err)
		}
	}
	if !strings.HasSuffix(s.err.String(), "\r\x1b[K") {
		t.Errorf("the line was left: %q", s.err)
	}
	if !strings.Contains(s.out.String(), "3 downloaded") {
		t.Errorf("no result: %q", s.out)
	}
}

// The first Ctrl-C leaves the job running and says so; the program ends soon.
func TestCtrlCOnce(t *testing.T) {
	s, c := running(t, time.Millisecond)
	s.signals <- os.Interrupt
	s.ends(c, exitInterrupted)
	if !strings.Contains(s.err.String(), "the daemon goes on with job 9; press Ctrl-C again now to cancel") {
		t.Errorf("it says %s", s.err)
	}
	if s.daemon.Status().Job(9).State != service.JobRunning || len(s.daemon.took()) != 1 {
		t.Errorf("the daemon was asked %q", s.daemon.took())
	}
}

// The second one cancels it, and shows what became of it.
func TestCtrlCTwice(t *testing.T) {
	s, c := running(t, time.Hour)
	s.daemon.onCancel(func(id uint32) {
		s.daemon.end(id, service.ResultCanceled, service.Failure{Code: service.Cancelled, Text: "by a person"}, nil)
	})
	s.signals <- os.Interrupt
	s.shows(s.err, "press Ctrl-C again")
	s.signals <- os.Interrupt
	s.ends(c, exitInterrupted)
	if got := s.daemon.took(); got[len(got)-1] != "cancel 9" {
		t.Errorf("the daemon was asked %q", got)
	}
	if !strings.Contains(s.out.String(), "canceled: by a person") {
		t.Errorf("it shows %s", s.out)
	}
}

// A job that ends between the two is shown, and the status still tells of Ctrl-C.
func TestCtrlCAndDone(t *testing.T) {
	s, c := running(t, time.Hour)
	s.signals <- os.Interrupt
	s.shows(s.err, "press Ctrl-C again")
	s.daemon.end(9, service.ResultDone, service.Failure{}, did(nil))
	s.ends(c, exitInterrupted)
	if !strings.Contains(s.out.String(), "3 downloaded") {
		t.Errorf("it shows %s", s.out)
	}
}

func TestTerminated(t *testing.T) {
	s, c := running(t, time.Hour)
	s.signals <- syscall.SIGTERM
	s.ends(c, exitInterrupted)
	if s.daemon.Status().Job(9).State != service.JobRunning {
		t.Error("the job was canceled")
	}
}

func TestSyncTimesOut(t *testing.T) {
	s := start(t, plain())
	s.daemon.syncs(func(string, service.Request) ([]uint32, error) {
		done := s.daemon.job(service.Job{ID: 8, Account: "home"})
		s.daemon.end(done, service.ResultDone, service.Failure{}, did(nil))
		return []uint32{s.daemon.job(service.Job{ID: 9, Account: "work"}), done}, nil
	})
	if got := s.run("sync", "--timeout=100ms"); got != exitTimeout {
		t.Errorf("status %d", got)
	}
	if !strings.Contains(s.err.String(), "timed out; the daemon goes on") || !strings.Contains(s.out.String(), "home: 3 downloaded") {
		t.Errorf("it says %s", s.both())
	}
}

func TestDaemonVanishes(t *testing.T) {
	s, c := running(t, time.Hour)
	s.leave()
	s.ends(c, exitNotRunning)
	if !strings.Contains(s.err.String(), "offlineimapctl: the daemon went away\n") {
		t.Errorf("it says %q", s.err)
	}
}

func TestBusVanishes(t *testing.T) {
	s := start(t, plain())
	s.daemon.syncs(func(string, service.Request) ([]uint32, error) {
		return []uint32{s.daemon.job(service.Job{ID: 9, Account: "work"})}, nil
	})
	s.serverMayFail()
	c := s.begin("sync")
	s.until("the job", func() bool { return s.daemon.Status().Job(9) != nil })
	s.bus.Stop()
	s.ends(c, exitFailure)
}

// At a terminal, the daemon's question for a password is asked there.
func TestPassword(t *testing.T) {
	s := start(t, plain())
	s.terminal(80)
	asked := make(chan string, 1)
	s.app.Secret = func(_ context.Context, prompt string) (string, error) {
		asked <- prompt
		return "geheim", nil
	}
	answer := make(chan string, 1)
	s.daemon.syncs(func(string, service.Request) ([]uint32, error) {
		id := s.daemon.job(service.Job{ID: 9, Account: "work"})
		go func() {
			secret, err := s.daemon.asks(context.Background(), service.Question{Account: "work", Kind: "password", Host: "imap.example.org", User: "eva", Retry: true})
			if err != nil {
				secret = err.Error()
			}
			answer <- secret
			s.daemon.end(id, service.ResultDone, service.Failure{}, did(nil))
		}()
		return []uint32{id}, nil
	})
	s.ends(s.begin("sync", "work"), 0)
	if got := <-answer; got != "geheim" {
		t.Errorf("the daemon heard %q", got)
	}
	if got := <-asked; got != "That was refused. Password of eva at imap.example.org (account work): " {
		t.Errorf("asked %q", got)
	}
	if strings.Contains(s.both(), "geheim") {
		t.Error("the password was shown")
	}
}

// Ctrl-C at the question takes back the question, and not the job.
func TestCtrlCAtThePassword(t *testing.T) {
	s := start(t, plain())
	s.terminal(80)
	asking := make(chan bool)
	s.app.Secret = func(ctx context.Context, _ string) (string, error) {
		asking <- true
		<-ctx.Done()
		return "", context.Cause(ctx)
	}
	s.daemon.syncs(func(string, service.Request) ([]uint32, error) {
		id := s.daemon.job(service.Job{ID: 9, Account: "work"})
		go func() {
			_, err := s.daemon.asks(context.Background(), service.Question{Account: "work", Kind: "password"})
			s.daemon.end(id, service.ResultFailed, service.Failure{Code: service.CodeOf(err), Text: "no password"}, nil)
		}()
		return []uint32{id}, nil
	})
	c := s.begin("sync", "work")
	<-asking
	s.signals <- os.Interrupt
	s.ends(c, exitJobFailed) // the code is Cancelled
	if strings.Contains(s.err.String(), "Ctrl-C") {
		t.Errorf("it says %s", s.err)
	}
}

// Nobody is asked any more once the job has ended, and the terminal is as before
// when the program ends.
func TestEndAtThePassword(t *testing.T) {
	s := start(t, plain())
	s.terminal(80)
	asking, restored := make(chan bool), false
	s.app.Secret = func(ctx context.Context, _ string) (string, error) {
		asking <- true
		<-ctx.Done()
		time.Sleep(20 * time.Millisecond)
		restored = true
		return "", context.Cause(ctx)
	}
	s.daemon.syncs(func(string, service.Request) ([]uint32, error) {
		id := s.daemon.job(service.Job{ID: 9, Account: "work"})
		go func() {
			_, _ = s.daemon.asks(context.Background(), service.Question{Account: "work", Kind: "password"})
		}()
		return []uint32{id}, nil
	})
	c := s.begin("sync", "work")
	<-asking
	s.daemon.end(9, service.ResultFailed, service.Failure{Code: service.CredentialsUnavailable, Text: "nobody answered"}, nil)
	s.ends(c, exitPassword)
	if !restored {
		t.Error("the program ended in the middle of the question")
	}
}

func TestBar(t *testing.T) {
	job := func(account, state, phase, folder string, done, total int) *client.Job {
		return &client.Job{Job: api.Job{Account: account, State: state, Phase: phase, Folder: folder, Done: done, Total: total, Bytes: int64(done) * 1e6}}
	}
	tests := []struct {
		jobs []*client.Job
		n    int
		want string
	}{
		{[]*client.Job{job("work", "waiting", "", "", 0, 0)}, 1, "work: waiting 0/0 "},
		{[]*client.Job{job("work", "running", "scanning", "", 0, 0)}, 1, "work: scanning 0/0 "},
		{[]*client.Job{job("work", "running", "applying", "INBOX", 3, 9)}, 1, "work/INBOX 3/9 3.0 MB"},
		{[]*client.Job{job("work", "running", "applying", "INBOX", 3, 9), job("home", "running", "applying", "x", 1, 2)}, 3, "2 of 3 accounts: work, home 4/11 4.0 MB"},
	}
	for _, tt := range tests {
		b := bar(tt.jobs, tt.n)
		if got := strings.TrimLeft(b.Label, "") + " " + strings.Join([]string{itoa(b.Done) + "/" + itoa(b.Total), b.Note}, " "); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

func itoa(n int) string { return number(n).Text }

func TestNobodyToAsk(t *testing.T) {
	p := &prompter{}
	_, err := p.RequestSecret(context.Background(), client.Question{Kind: "oauth2-consent"})
	var e *client.Error
	if !errors.As(err, &e) || e.Code != cannotAsk {
		t.Errorf("got %v", err)
	}
}

// A bus that cannot start the daemon says so, and Ctrl-C does not wait for it.
func TestNotStarted(t *testing.T) {
	activated := func(command string) *setting {
		dir := t.TempDir()
		text := "[D-BUS Service]\nName=" + api.BusName + "\nExec=/bin/sh -c '" + command + "'\n"
		if err := os.WriteFile(filepath.Join(dir, api.BusName+".service"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		s := &setting{t: t, bus: testenv.NewBus(t, dir)}
		s.newApp()
		s.terminal(80)
		return s
	}
	s := activated("exit 70")
	if got := s.run("sync"); got != exitNotRunning || !strings.Contains(s.err.String(), "offlineimapctl: the bus could not start the daemon") {
		t.Errorf("status %d\n%s", got, s.both())
	}
	if s.newApp(); s.run("status") != exitNotRunning || strings.Contains(s.both(), "could not start") {
		t.Errorf("status tried to start it:\n%s", s.both())
	}
	s = activated("exec sleep 3")
	c := s.begin("sync")
	time.Sleep(100 * time.Millisecond)
	began := time.Now()
	s.signals <- os.Interrupt
	s.ends(c, exitInterrupted)
	if d := time.Since(began); d > 2*time.Second {
		t.Errorf("it took %v", d)
	}
}

func TestNothingToSync(t *testing.T) {
	for _, args := range [][]string{{"sync"}, {"sync", "--no-block"}} {
		s := start(t, plain())
		if got := s.run(args...); got != exitJobFailed || !strings.Contains(s.err.String(), "there is no account to sync") {
			t.Errorf("%v: status %d, %s", args, got, s.both())
		}
	}
}
