package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/offlineimap/offlineimapd/dbus/api"
	"github.com/offlineimap/offlineimapd/service/health"
)

func needed(account, text string) health.Problem {
	return health.Problem{Code: health.PasswordNeeded, Account: account, Severity: health.Error, Text: text, Fix: "offlineimapctl sync " + account}
}

// TestPassword is the way from the account that needs a password to the answer.
func TestPassword(t *testing.T) {
	d := newDesk(t, "actions")
	d.program("zenity", `printf '%s\n' "$@" >"$out"; while [ ! -e "$out.go" ]; do sleep 0.01; done; echo 'sesame %&<'`)
	d.both()
	d.problem(needed("work", "The server refused it."))
	n := d.One("work needs a password", "The server refused it.")
	if n.Hints["urgency"] != byte(2) || !slices.Equal(n.Actions, []string{actionEnter, "Enter password"}) || n.Expire != 0 {
		t.Errorf("shown: %+v", n)
	}
	d.Invoke(n.ID, actionEnter, "")
	d.await("sync work", 1)

	// The run that was asked for asks in its turn.
	answer := make(chan string, 1)
	go func() { answer <- d.askFor(t.Context(), "work") }()
	if args := d.said("zenity"); !strings.Contains(args, "--text=Password of me at mail.example.org, for the account work:\n") ||
		!strings.Contains(args, "--hide-text\n") {
		t.Errorf("zenity was given %q", args)
	}
	d.None() // while the question is on the screen
	if err := os.WriteFile(filepath.Join(d.dir, "zenity.out.go"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if got := <-answer; got != "sesame %&<" {
		t.Errorf("the daemon was told %q", got)
	}
	d.solve("work")
	d.jobEnds("work")
	d.None()
	for _, where := range []string{d.log.String(), d.said("zenity")} {
		if strings.Contains(where, "sesame") {
			t.Errorf("the secret is in %q", where)
		}
	}
}

// TestNoPassword has every way of not answering.
func TestNoPassword(t *testing.T) {
	tests := []struct{ name, zenity, want string }{
		{"closed", "exit 1", "error Cancelled"},
		{"broken", "exit 255", "error CredentialsUnavailable"},
		{"not there", "", "error CredentialsUnavailable"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := newDesk(t, "actions")
			if tt.zenity != "" {
				d.program("zenity", tt.zenity)
			}
			d.both()
			d.problem(needed("work", "There is none."))
			n := d.One("work needs a password")
			if got := d.askFor(t.Context(), "work"); got != tt.want {
				t.Errorf("the daemon was told %q, not %q", got, tt.want)
			}
			// Without a program to ask with, the note says what else to do.
			if tt.zenity == "" {
				if !strings.Contains(n.Body, "offlineimapctl sync work") || len(n.Actions) != 0 {
					t.Errorf("shown: %+v", n)
				}
				return
			}
			d.One("work needs a password")
		})
	}
}

// TestTakenBack has questions end without an answer: by the daemon's word, with
// the daemon, with the applet. The prompt goes with them.
func TestTakenBack(t *testing.T) {
	d := newDesk(t)
	d.program("zenity", `echo $$ >"$out"; exec sleep 1000`)
	d.both()
	gone := func(pid string) {
		t.Helper()
		d.until("the prompt is closed", func() bool {
			_, err := os.Stat("/proc/" + strings.TrimSpace(pid))
			return err != nil
		})
		if err := os.Remove(filepath.Join(d.dir, "zenity.out")); err != nil {
			t.Fatal(err)
		}
	}
	ask := func() (pid string, cancel func(), answer chan string) {
		ctx, cancel := context.WithCancel(t.Context())
		answer = make(chan string, 1)
		go func() { answer <- d.askFor(ctx, "work") }()
		return d.said("zenity"), cancel, answer
	}
	pid, cancel, answer := ask()
	cancel()
	<-answer
	gone(pid)

	pid, cancel, answer = ask()
	d.leave()
	<-answer
	gone(pid)
	cancel()

	d.come()
	d.await("agent", 2)
	pid, cancel, answer = ask()
	d.stop()
	if code := d.ended(); code != exitOK {
		t.Errorf("exit status %d", code)
	}
	if _, err := os.Stat("/proc/" + strings.TrimSpace(pid)); err == nil {
		t.Error("the prompt outlives the applet")
	}
	<-answer
	cancel()
}

// TestOneAtATime has two accounts ask at once.
func TestOneAtATime(t *testing.T) {
	d := newDesk(t)
	d.program("zenity", `echo >>"$out"; [ "$(wc -l <"$out")" = 1 ] || exit 3; sleep 0.1; : >"$out"; echo yes`)
	d.both()
	var all sync.WaitGroup
	for _, account := range []string{"work", "home", "work"} {
		all.Go(func() {
			if got := d.askFor(t.Context(), account); got != "yes" {
				t.Errorf("%s: %q", account, got)
			}
		})
	}
	all.Wait()
}

// TestStranger calls the agent as the daemon would.
func TestStranger(t *testing.T) {
	d := newDesk(t)
	d.program("zenity", `echo asked >"$out"; echo secret`)
	d.both()
	c, err := dbus.Connect(d.bus.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var names []string
	if err := c.BusObject().Call("org.freedesktop.DBus.ListNames", 0).Store(&names); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		var answer map[string]dbus.Variant
		call := c.Object(name, agentPath).Call(api.AgentInterface+".RequestSecret", dbus.FlagNoAutoStart, "work", "password", "h", "u", map[string]dbus.Variant{})
		if call.Store(&answer) == nil {
			t.Errorf("%s answered %v", name, answer)
		}
	}
	if _, err := os.Stat(filepath.Join(d.dir, "zenity.out")); err == nil {
		t.Error("a stranger had a prompt opened")
	}
}
