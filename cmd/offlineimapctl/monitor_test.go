package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/service"
	"github.com/offlineimap/offlineimapd/service/event"
)

func TestMonitor(t *testing.T) {
	s := start(t, plain())
	c := s.begin("monitor")
	s.shows(s.out, "home: idle\n")
	s.daemon.change(func(st *service.Status) {
		st.Accounts[0].State, st.Accounts[0].Reason = service.AccountConnecting, hostile
	})
	s.shows(s.out, "work: connecting (x")
	id := s.daemon.job(service.Job{ID: 9, Account: "work"})
	s.daemon.end(id, service.ResultFailed, service.Failure{Code: service.Offline, Text: "no route"}, nil)
	s.shows(s.out, "work: failed: no route\n")
	id = s.daemon.job(service.Job{ID: 10, Account: "home"})
	s.daemon.end(id, service.ResultDone, service.Failure{}, did(nil))
	s.shows(s.out, "home: done: 3 downloaded")
	s.daemon.events.Send(event.Event{Kind: event.NewMail, Account: "home", Folder: hostile, Count: 2})
	s.shows(s.out, "2 new mails\n")
	s.daemon.events.Send(event.Event{Kind: event.ProblemRaised, Code: "held", Account: "home", Severity: "error", Text: "a plan waits"})
	s.shows(s.out, "home: problem: a plan waits\n")
	s.daemon.events.Send(event.Event{Kind: event.ProblemCleared, Code: "held", Account: "home"})
	s.shows(s.out, "home: problem solved: held\n")
	s.daemon.events.Send(event.Event{Kind: event.Reloading, Active: true})
	s.shows(s.out, "offlineimapd: reading the configuration\n")

	s.leave()
	s.shows(s.out, "offlineimapd: went away; waiting for it\n")
	s.serve(troubled())
	s.shows(s.out, "offlineimapd: running\n")
	s.shows(s.out, "日本: paused (until 14:00 (in 2 h))\n")
	s.signals <- os.Interrupt
	s.ends(c, exitInterrupted)
	clean(t, s.out.String())
	for line := range strings.Lines(s.out.String()) {
		if !strings.HasPrefix(line, "12:00:00  ") {
			t.Errorf("a line without its time: %q", line)
		}
	}
}

// The stream is one object a line, each with a type; accounts that were not
// asked for are not in it.
func TestMonitorJSON(t *testing.T) {
	s := start(t, nil)
	c := s.begin("monitor", "work", "--json=short")
	s.shows(s.out, "not-running")
	s.serve(plain())
	s.shows(s.out, `"type":"status"`)
	for i, account := range []string{"home", "work"} {
		id := s.daemon.job(service.Job{ID: uint32(9 + i), Account: account})
		s.until("the server to tell of the job", func() bool { return account == "home" || strings.Contains(s.out.String(), "job-new") })
		s.daemon.change(func(st *service.Status) { st.Job(id).Done, st.Job(id).Total = 1, 2 })
		s.until("its progress", func() bool { return account == "home" || strings.Contains(s.out.String(), `"done":1,"total":2`) })
		s.daemon.events.Send(event.Event{Kind: event.NewMail, Account: account, Folder: "INBOX", Count: 2})
		s.daemon.end(id, service.ResultDone, service.Failure{}, did(nil))
	}
	s.shows(s.out, `"job-removed"`)
	s.signals <- os.Interrupt
	s.ends(c, exitInterrupted)
	seen := map[string]int{}
	for line := range strings.Lines(s.out.String()) {
		var e struct {
			Type    string
			Time    time.Time
			Account string
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil || !e.Time.Equal(noon) {
			t.Errorf("%v: %s", err, line)
		}
		if e.Account == "home" {
			t.Errorf("about home: %s", line)
		}
		seen[e.Type]++
	}
	for _, want := range []string{"daemon", "status", "job-new", "job", "job-removed", "new-mail"} {
		if seen[want] == 0 {
			t.Errorf("nothing of type %s in\n%s", want, s.out)
		}
	}
}

// On a terminal, a line at the bottom shows how far running jobs are.
func TestMonitorOnATerminal(t *testing.T) {
	s := start(t, plain())
	s.terminal(80)
	c := s.begin("monitor")
	s.shows(s.out, "idle")
	id := s.daemon.job(service.Job{ID: 9, Account: "work", Phase: service.PhaseApplying, Folder: "INBOX", Total: 120})
	s.until("a bar", func() bool {
		s.later.Add(int64(time.Second))
		s.daemon.change(func(st *service.Status) { st.Job(id).Done++ })
		return strings.Contains(s.out.String(), "work/INBOX")
	})
	s.daemon.end(id, service.ResultDone, service.Failure{}, did(nil))
	s.shows(s.out, "3 downloaded")
	s.signals <- os.Interrupt
	s.ends(c, exitInterrupted)
}

func TestMonitorWithoutABus(t *testing.T) {
	s := start(t, plain())
	s.serverMayFail()
	c := s.begin("monitor")
	s.shows(s.out, "idle")
	s.bus.Stop()
	s.ends(c, exitFailure)
}

func TestWait(t *testing.T) {
	busy := func(st *service.Status) {
		st.Jobs = append(st.Jobs, service.Job{ID: 9, Account: "work", State: service.JobRunning})
	}
	offline := func(st *service.Status) {
		st.Online, st.Accounts[0].State = false, service.AccountOffline
	}
	tests := []struct {
		name   string
		before func(*service.Status) // how it is at the start
		args   []string
		event  func(*daemon) // nil: nothing happens
		exit   int
		out    string
	}{
		{"idle already", nil, nil, nil, 0, ""},
		{"another account's job", busy, []string{"home"}, nil, 0, ""},
		{"idle", busy, []string{"work"}, func(d *daemon) { d.end(9, service.ResultDone, service.Failure{}, nil) }, 0, ""},
		{"never idle", busy, []string{"--timeout=50ms"}, nil, exitTimeout, ""},
		{"online already", nil, []string{"--for=online"}, nil, 0, ""},
		{"online", offline, []string{"--for=online"}, func(d *daemon) {
			d.change(func(st *service.Status) { st.Online, st.Accounts[0].State = true, service.AccountIdle })
		}, 0, ""},
		{"never online", offline, []string{"--for=online", "--timeout=50ms"}, nil, exitTimeout, ""},
		{"mail", nil, []string{"work", "--for=new-mail"}, func(d *daemon) {
			d.events.Send(event.Event{Kind: event.NewMail, Account: "home", Folder: "INBOX", Count: 1})
			d.events.Send(event.Event{Kind: event.NewMail, Account: "work", Folder: "x\x1b", Count: 2})
		}, 0, "work/x\ufffd: 2 new mails\n"},
		{"no such account", nil, []string{"x*"}, nil, exitNoSuch, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			st := plain()
			if tt.before != nil {
				tt.before(st)
			}
			s := start(t, st)
			c := s.begin(append([]string{"wait"}, tt.args...)...)
			if tt.event != nil {
				select {
				case status := <-c:
					t.Fatalf("it did not wait: status %d\n%s", status, s.err)
				case <-time.After(50 * time.Millisecond):
				}
				// Again and again, for it may not wait yet.
				ended := make(chan int, 1)
				s.until("its end", func() bool {
					tt.event(s.daemon)
					select {
					case status := <-c:
						ended <- status
						return true
					case <-time.After(100 * time.Millisecond):
						return false
					}
				})
				c = ended
			}
			s.ends(c, tt.exit)
			if s.out.String() != tt.out {
				t.Errorf("it shows %q", s.out)
			}
		})
	}
}

func TestWaitWhileTheDaemonGoes(t *testing.T) {
	s := start(t, plain())
	c := s.begin("wait", "--for=new-mail")
	time.Sleep(50 * time.Millisecond)
	s.leave()
	s.ends(c, exitNotRunning)
}
