package ui

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/sync/engine"
	"github.com/offlineimap/offlineimapd/sync/guard"
	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is otherwise (go test ./internal/ui -update writes it anew):\n%s\nwant:\n%s", name, got, want)
	}
}

// pass is one that meets everything there is to tell.
func pass(u *UI) {
	a := u.Account("A", Repo{"L", "Maildir"}, Repo{"R", "IMAP"})
	a.Begin()
	a.Hook("Calling hook: echo hi")
	a.Hook("Hook return code: 0")
	a.Connecting("imap.example.org", 993)
	inbox := engine.Event{Folder: "INBOX", Local: "X.INBOX", Visible: "X/INBOX"}
	lists := engine.Event{Folder: "Lists/go", Local: "Lists.go", Visible: "Lists/go"}
	say := func(e engine.Event, kind engine.EventKind, fill func(*engine.Event)) {
		e.Kind = kind
		if fill != nil {
			fill(&e)
		}
		a.Event(e)
	}
	on := func(side string, done, total int, uids ...mail.UID) func(*engine.Event) {
		return func(e *engine.Event) { e.Side, e.Done, e.Total, e.UIDs = side, done, total, mail.SetOf(uids...) }
	}
	say(inbox, engine.FolderEntered, nil)
	say(inbox, engine.FolderCreated, on(guard.Local, 0, 0))
	say(lists, engine.FolderEntered, nil)
	say(lists, engine.FolderCreated, on(guard.Remote, 0, 0))
	say(inbox, engine.FolderStarted, on("", 0, 5))
	say(inbox, engine.FolderProgress, on(guard.Local, 2, 3, 1, 2))
	say(lists, engine.FolderStarted, on("", 0, 1))
	say(lists, engine.FolderProgress, on(guard.Local, 1, 1, 7))
	say(inbox, engine.FolderProgress, on(guard.Local, 1, 3, 9))
	say(inbox, engine.FolderProgress, on(guard.Remote, 2, 2))
	say(inbox, engine.FlagAdded, func(e *engine.Event) {
		on(guard.Local, 2, 0, 4, 5)(e)
		e.Flags = mail.Seen
	})
	say(lists, engine.FlagRemoved, func(e *engine.Event) {
		on(guard.Remote, 1, 0, 6)(e)
		e.Flags = mail.Flagged
	})
	say(inbox, engine.MailsRemoved, on(guard.Local, 3, 0, 10, 11, 13))
	say(inbox, engine.FolderEnded, nil)
	say(lists, engine.FolderEnded, nil)
	for _, quiet := range []string{"Quiet", "Bad\x1b[2J\nname"} {
		e := engine.Event{Folder: quiet, Local: quiet, Visible: quiet}
		say(e, engine.FolderQuiet, nil)
		say(e, engine.FolderEnded, nil)
	}
	again := engine.Event{Folder: "Again", Local: "Again", Visible: "Again"}
	say(again, engine.FolderEntered, nil)
	say(again, engine.FolderReplaced, func(e *engine.Event) { e.Was, e.Is = 17, 18 })
	say(again, engine.FolderEnded, nil)
	say(engine.Event{Folder: "Not entered"}, engine.FolderEnded, nil)
	say(lists, engine.MailsRemoved, on(guard.Remote, 2, 0, 3, 4))
	hold := guard.Check(guard.Input{Folder: "Again", Name: "Again", Base: 5, Known: mail.Stamp{UIDValidity: 17}, Now: mail.Stamp{UIDValidity: 18}})
	report := &engine.Report{
		Account: "A", Notes: []string{"a note"},
		Folders: []engine.Folder{
			{Name: "Again", Local: "Again", Result: engine.Held, Hold: hold},
			{Name: "INBOX", Local: "X.INBOX", Result: engine.Failed, Problems: []engine.Problem{
				{Class: "refused", Text: "the server does not take\x07 it\nat all", Hint: "make room", UID: 12},
				{Class: "local", Text: "no space left on device"},
			}},
			{Name: "Odd", Local: "Odd", Result: engine.Skipped, Problems: []engine.Problem{{Text: `its local folder "Odd" belongs to "odd" already`}}},
			{Name: "Only here", Local: "Only here", Result: engine.Skipped, Problems: []engine.Problem{{
				Text: "it does not exist on the server, and readonly forbids to make it", Err: fmt.Errorf("and %w", engine.ErrForbidden)}}},
		},
	}
	a.Report(report)
	a.Done(65 * time.Second)
	a.Sleeping(10*time.Second, 5*time.Minute)
	a.Sleeping(10*time.Second, 4*time.Minute+50*time.Second)

	// The next pass has the same to say of what is held, and says it once.
	a.Begin()
	a.Tunnel("ssh -q host imapd")
	planned := engine.Event{Folder: "INBOX", Local: "X.INBOX", Visible: "X/INBOX", Planned: true}
	say(planned, engine.FolderEntered, nil)
	say(planned, engine.FolderCreated, on(guard.Local, 0, 0))
	say(planned, engine.FolderStarted, on("", 0, 4))
	say(planned, engine.FolderProgress, on(guard.Local, 2, 2, 14, 15))
	say(planned, engine.FolderProgress, on(guard.Remote, 2, 2))
	say(planned, engine.MailsRemoved, on(guard.Remote, 1, 0, 2))
	say(planned, engine.FlagAdded, func(e *engine.Event) {
		on(guard.Remote, 1, 0, 3)(e)
		e.Flags = mail.Seen
	})
	say(planned, engine.FolderEnded, nil)
	report.Problems = []engine.Problem{{Class: "offline", Text: "dial: no route to host"}, {Class: "cancelled", Text: "interrupted; the next run goes on from here"}}
	a.Report(report)
	a.Done(0)
	a.Close()
	u.Warn("a warning\x1b[31m of the program")
	u.Debug("imap", "A1 LOGIN")
	u.Debug("maildir", "nobody asked for this")
	u.Error("", &store.Error{Class: store.Config, Err: errors.New("The account 'nix' does not exist"), Hint: "write accounts = A"})
}

// dated are the times of a log file, and the process of the system's log.
var dated = regexp.MustCompile(`(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d |\[\d+\]: `)

func TestGolden(t *testing.T) {
	for _, tc := range []struct {
		name, config string
		debug        []string
	}{{"basic", "", nil}, {"quiet", "/home/me/my config", nil}, {"ttyui", "", []string{"imap", "nonsense"}}, {"machineui", "", nil}} {
		t.Run(tc.name, func(t *testing.T) {
			var out, errs bytes.Buffer
			log := filepath.Join(t.TempDir(), "log")
			u, err := Open(Options{
				Name: tc.name, Stdout: &out, Stderr: &errs, LogFile: log, Debug: tc.debug, Version: "1.2", Config: tc.config,
				Args: []string{"offlineimapd", "-o", "-k", "Repository_R:remotepass=geheim"},
			})
			if err != nil {
				t.Fatal(err)
			}
			pass(u)
			u.Finish(1)
			got, other := &out, &errs
			if tc.name == "ttyui" {
				got, other = other, got
			}
			if other.Len() > 0 {
				t.Errorf("on the other stream: %s", other)
			}
			golden(t, tc.name+".golden", got.String())
			if tc.name != "basic" {
				return
			}
			b, err := os.ReadFile(log)
			if err != nil {
				t.Fatal(err)
			}
			if n := len(dated.FindAll(b, -1)); n < 30 {
				t.Errorf("only %d lines of the log have a date", n)
			}
			golden(t, "log.golden", dated.ReplaceAllString(string(b), "DATE "))
			if i, err := os.Stat(log); err != nil || i.Mode().Perm() != 0o600 {
				t.Errorf("the log is everybody's: %v %v", i.Mode(), err)
			}
		})
	}
}

// system is a system's log. It returns what has come when it is asked for.
func system(t *testing.T) (path string, got func() string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "log")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	var sb strings.Builder
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 1<<16)
		for {
			n, err := c.Read(buf)
			if err != nil || string(buf[:n]) == "end" {
				return
			}
			sb.Write(buf[:n])
		}
	}()
	return path, func() string {
		end, err := net.Dial("unixgram", path)
		if err == nil {
			_, err = end.Write([]byte("end"))
		}
		if err != nil {
			t.Fatal(err)
		}
		<-done
		c.Close()
		end.Close()
		return sb.String()
	}
}

func TestSyslog(t *testing.T) {
	for _, tc := range []struct {
		name   string
		golden string
	}{{"syslog", "syslog.golden"}, {"quiet", "syslog.golden"}} {
		path, got := system(t)
		var out, errs bytes.Buffer
		u, err := Open(Options{Name: tc.name, Syslog: tc.name != "syslog", Stdout: &out, Stderr: &errs, Version: "1.2", socket: path})
		if err != nil {
			t.Fatal(err)
		}
		pass(u)
		u.Finish(1)
		if tc.name == "syslog" && out.Len()+errs.Len() > 0 {
			t.Errorf("it went elsewhere too: %s%s", &out, &errs)
		}
		golden(t, tc.golden, dated.ReplaceAllString(got(), "[PID]: "))
	}
}

// Without a system log nothing is lost, and nothing fails.
func TestNoSyslog(t *testing.T) {
	for _, name := range []string{"syslog", "basic"} {
		var out, errs bytes.Buffer
		u, err := Open(Options{Name: name, Syslog: true, Stdout: &out, Stderr: &errs, Version: "1.2", socket: filepath.Join(t.TempDir(), "none")})
		if err != nil {
			t.Fatal(err)
		}
		pass(u)
		u.Finish(1)
		got := out.String() + errs.String()
		if !strings.Contains(got, "there is no system log: ") || strings.Count(got, "*** Finished account 'A' in 1:05\n") != 1 {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestNames(t *testing.T) {
	for _, tc := range []struct{ name, want string }{
		{"", "ttyui"}, {"TTYUI", "ttyui"}, {"Noninteractive.Basic", "basic"}, {"Curses.Blinkenlights, TTY.TTYUI, Noninteractive.Quiet", "quiet"},
		{"blinkenlights", "ttyui"}, {"MachineUI", "machineui"}, {"syslog", "syslog"},
		{"ttyui, basic", ""}, {"curses", ""}, {"basic.", ""}, {" ", ""},
	} {
		kind, err := kindOf(tc.name)
		if kind != tc.want || (err == nil) != (tc.want != "") {
			t.Errorf("%q is %q, %v; want %q", tc.name, kind, err, tc.want)
		}
		if err != nil && !strings.Contains(hintOf(err), "ttyui, basic, quiet, syslog, machineui") {
			t.Errorf("%q: the hint is %q", tc.name, hintOf(err))
		}
	}
	var errs bytes.Buffer
	u, err := Open(Options{Name: "Curses.Blinkenlights", Stdout: &errs, Stderr: &errs})
	if err != nil {
		t.Fatal(err)
	}
	u.Finish(0)
	if !strings.Contains(errs.String(), "offlineimapctl monitor") {
		t.Errorf("blinkenlights are shown without a word: %s", &errs)
	}
	if _, err := Open(Options{Name: "basic", LogFile: t.TempDir(), Stdout: &errs, Stderr: &errs}); err == nil || store.ClassOf(err) != store.Config {
		t.Errorf("a log file that is a directory: %v", err)
	}
}
