package packaging

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

const syncNow = "busctl --user call org.offlineimap.Daemon1 /org/offlineimap/Daemon1 org.offlineimap.Daemon1.Manager SyncNow 'sa{sv}' work 0"

// TestEnable is the first thing that anybody does.
func TestEnable(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "work", "home")
	d.deliver("work", "one", "two")
	d.deliver("home", "three")
	if out := d.do("systemctl --user is-enabled offlineimapd || true"); out != "disabled" {
		t.Errorf("after the installation the service is %s", out)
	}
	d.start()
	status := d.do("systemctl --user status offlineimapd")
	for _, want := range []string{`Active: active \(running\)`, `Status: "[^"]+"`, `Loaded: .*; enabled;`, `Docs: man:offlineimapd\(1\)`} {
		if !regexp.MustCompile(want).MatchString(status) {
			t.Errorf("systemctl status has no %s:\n%s", want, status)
		}
	}
	d.inStep("work", 2)
	d.inStep("home", 1)

	d.deliver("work", "four")
	d.do("offlineimapctl sync work")
	d.inStep("work", 3) // on disk when the command has ended

	name := filepath.Join("Mail/work/INBOX/new", "1.M1.here")
	d.put(name, strings.ReplaceAll(string(mail("five")), "\r", ""))
	d.do("offlineimapctl sync work")
	d.inStep("work", 4)

	if out := d.do(syncNow); !regexp.MustCompile(`^ao 1 "/org/offlineimap/Daemon1/job/\d+"$`).MatchString(out) {
		t.Errorf("SyncNow over busctl gives %s, and not a job", out)
	}
	if out := d.fails(69, "offlineimapd"); !strings.Contains(out, "another offlineimapd") || strings.Count(out, "\n") > 3 {
		t.Errorf("a second instance says %q", out)
	}
	d.do("systemctl --user stop offlineimapd")
	if got := d.property("Result"); got != "success" {
		t.Errorf("the stopped service has the result %s", got)
	}
}

// TestActivation starts the service by a call.
func TestActivation(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "work")
	d.deliver("work", "one")
	d.fails(3, "offlineimapctl status")
	if got := d.property("ActiveState"); got != "inactive" {
		t.Errorf("asking for the status made the service %s", got)
	}
	d.do("offlineimapctl sync work")
	d.inStep("work", 1)
	if got := d.property("ActiveState"); got != "active" {
		t.Errorf("after a sync the service is %s", got)
	}
	d.do("systemctl --user stop offlineimapd")
	d.deliver("work", "two")
	d.do(syncNow)
	d.within(20*time.Second, "the run that busctl asked for", func() bool { return len(d.here("work")) == 2 })
}

// TestPause pauses for two seconds, and over a restart.
func TestPause(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "work")
	d.start()
	d.do("offlineimapctl pause work --for=2s")
	paused := time.Now()
	d.deliver("work", "one")
	for time.Since(paused) < 1500*time.Millisecond {
		if n := len(d.here("work")); n > 0 {
			t.Fatalf("a mail came %s into the pause", time.Since(paused))
		}
		if a := d.account(); a.State != "paused" && time.Since(paused) < 1500*time.Millisecond {
			t.Fatalf("in the pause the account is %s", a.State)
		}
	}
	d.within(10*time.Second, "the end of the pause by itself", func() bool { return len(d.here("work")) == 1 })

	d.do("offlineimapctl pause work")
	d.deliver("work", "two")
	d.do("systemctl --user restart offlineimapd")
	if a := d.account(); a.State != "paused" {
		t.Errorf("after a restart the account is %s", a.State)
	}
	if out, exit := d.User("offlineimapctl sync work"); exit == 0 || len(d.here("work")) != 1 {
		t.Errorf("a paused account was synchronised: %s", out)
	}
	d.do("offlineimapctl resume work")
	d.within(10*time.Second, "the run after the pause", func() bool { return len(d.here("work")) == 2 })
}

// TestReload breaks the configuration under the running service, and mends it.
func TestReload(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "work")
	d.start()
	pid := d.property("MainPID")
	d.put(configPath, strings.Replace(config("work", "home"), "remoteport = 10143", "remoteport = nonsense", 1))
	line := 1 + strings.Count(config("work")[:strings.Index(config("work"), "remoteport")], "\n")
	d.fails(1, "systemctl --user reload offlineimapd")
	where := fmt.Sprintf("%d", line)
	log := d.do("journalctl --user -u offlineimapd -o cat")
	if !strings.Contains(log, "remoteport") || !strings.Contains(log, where) {
		t.Errorf("the log does not tell of line %s:\n%s", where, log)
	}
	problems := d.fails(6, "offlineimapctl problems")
	if !strings.Contains(problems, "remoteport") || !strings.Contains(problems, where) {
		t.Errorf("offlineimapctl problems does not tell of line %s:\n%s", where, problems)
	}
	d.fails(78, "offlineimapctl config check")
	d.deliver("work", "one")
	d.do("offlineimapctl sync work")
	d.inStep("work", 1)
	if got := d.property("MainPID"); got != pid || d.property("ActiveState") != "active" {
		t.Errorf("the failed reload changed the process from %s to %s", pid, got)
	}

	d.accounts = []string{"work", "home"}
	d.put(configPath, config(d.accounts...))
	d.do("systemctl --user reload offlineimapd")
	d.within(10*time.Second, "the run of the new account", d.settled)
	if out := d.do("offlineimapctl problems"); strings.Contains(out, "remoteport") {
		t.Errorf("the mended problem is still there:\n%s", out)
	}
	if got := d.property("MainPID"); got != pid {
		t.Errorf("the reload changed the process from %s to %s", pid, got)
	}
}

// TestKilled kills the daemon in the middle of a run.
func TestKilled(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "work")
	d.dropIn("[Service]", "RestartSec=1s")
	d.start()
	const mails = 3000
	d.fill("work", "INBOX", "many", mails)
	kill := "kill -9 " + d.property("MainPID")
	dir := d.Path(filepath.Join(d.Home(), "Mail/work/INBOX/new"))
	count := func() int { list, _ := os.ReadDir(dir); return len(list) }
	d.do("offlineimapctl sync work --no-block")
	for end := time.Now().Add(20 * time.Second); count() < mails/20 && time.Now().Before(end); time.Sleep(time.Millisecond) {
	}
	d.do(kill)
	killed := time.Now()
	if n := count(); n == 0 || n == mails {
		t.Errorf("when the daemon was killed, %d of %d mails were there, which is not the middle of a run", n, mails)
	}
	d.within(10*time.Second, "the service is back", func() bool { return d.property("ActiveState") == "active" && d.property("NRestarts") == "1" })
	t.Logf("back after %s", time.Since(killed).Round(time.Millisecond))
	d.within(30*time.Second, "all accounts in step after a crash", func() bool { return d.settled() && len(d.here("work")) == mails })
	d.inStep("work", mails)
}

// TestHang makes the loop of an account stop answering, though the rest of the
// daemon goes on: systemd has to see it.
func TestHang(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "work", "home")
	d.dropIn("[Service]", "WatchdogSec=2s", "RestartSec=1s", "Environment=OFFLINEIMAPD_HANG=work")
	d.do("systemctl --user start offlineimapd")
	d.within(30*time.Second, "a restart by the watchdog", func() bool { return d.property("NRestarts") != "0" })
	if log := d.do("journalctl --user -o cat"); !strings.Contains(strings.ToLower(log), "watchdog") {
		t.Errorf("the journal does not tell of the watchdog:\n%s", log)
	}
	d.dropIn("[Service]", "WatchdogSec=2s")
	d.do("systemctl --user restart offlineimapd")
	d.within(10*time.Second, "all accounts in step", d.settled)
	restarts := d.property("NRestarts")
	time.Sleep(5 * time.Second)
	if got := d.property("NRestarts"); got != restarts {
		t.Error("the watchdog restarts a daemon that does not hang")
	}
}

// TestBusRestarted takes the session bus away.
func TestBusRestarted(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "work")
	d.dropIn("[Service]", "RestartSec=1s")
	d.start()
	pid := d.property("MainPID")
	d.do("systemctl --user restart dbus")
	d.within(30*time.Second, "the service is back", func() bool {
		got := d.property("MainPID")
		return got != "0" && got != pid && d.property("ActiveState") == "active"
	})
	d.deliver("work", "one")
	d.do("offlineimapctl sync work")
	d.inStep("work", 1)
}

// TestServerDown takes the mail server away for a while. The limits are those
// of three minutes, which the package schedule tests by the clock: a wait that
// grows, and is bounded by the interval of half a minute here.
func TestServerDown(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "work")
	d.start()
	d.imap.Stop()
	d.fails(9, "offlineimapctl sync work")
	failures := 0
	for down := time.Now(); time.Since(down) < 18*time.Second; time.Sleep(200 * time.Millisecond) {
		a := d.account()
		switch a.State {
		case "offline":
			if a.NextSync == nil || a.LastError == nil || a.LastError.Code != "Offline" || a.Reason == "" {
				t.Fatalf("an account without its server does not say why, or when it is tried again: %+v", a)
			}
			if wait := time.Until(*a.NextSync); wait > 31*time.Second {
				t.Errorf("it waits for %s", wait)
			}
		case "waiting", "connecting":
		default:
			t.Fatalf("an account without its server is %s", a.State)
		}
		if a.Failures < failures {
			t.Errorf("the failures went from %d to %d", failures, a.Failures)
		}
		failures = a.Failures
	}
	if failures < 3 {
		t.Errorf("only %d tries in 18 seconds", failures)
	}
	if doc, ok := d.status(); !ok || doc.Online || doc.State != "offline" {
		t.Errorf("the daemon as a whole: %+v", doc)
	}
	if text := d.property("StatusText"); !strings.Contains(text, "reached") {
		t.Errorf("systemd is told %q", text)
	}
	d.imap.Start()
	d.deliver("work", "one")
	d.within(31*time.Second, "in step by itself after the server came back", func() bool { return d.settled() && len(d.here("work")) == 1 })
	if a := d.account(); a.Failures != 0 || a.LastError != nil {
		t.Errorf("the failure is still there: %+v", a)
	}
}

// TestUnits wants no complaint of systemd about the units, and the exposure to
// stay where it is.
func TestUnits(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "work")
	units, err := filepath.Glob(d.Path("/usr/lib/systemd/user/offlineimap*"))
	if err != nil || len(units) < 5 {
		t.Fatalf("the units are %q: %v", units, err)
	}
	for _, path := range units {
		name := filepath.Base(path)
		for line := range strings.Lines(d.do("systemd-analyze --user verify " + strings.Replace(name, "@.", "@work.", 1) + " 2>&1")) {
			if strings.Contains(line, "offlineimap") {
				t.Errorf("systemd-analyze verify %s: %s", name, line)
			}
		}
	}
	out, exit := d.User("systemd-analyze --user security --no-pager --threshold=66 offlineimapd.service")
	if exit != 0 {
		t.Errorf("the exposure is above 6.6:\n%s", out)
	}
}

// TestJournal looks for an account by the fields of its entries, and for the
// explanations of the catalog.
func TestJournal(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "work", "home")
	d.deliver("work", "a-subject-that-nobody-may-see")
	d.start()
	entries := d.do("journalctl --user -u offlineimapd OFFLINEIMAP_ACCOUNT=work -o json")
	if entries == "" {
		t.Fatal("the journal has nothing on the account")
	}
	for line := range strings.Lines(entries) {
		for _, field := range []string{`"OFFLINEIMAP_ACCOUNT":"work"`, `"SYSLOG_IDENTIFIER":"offlineimapd"`, `"PRIORITY":`, `"MESSAGE":`} {
			if !strings.Contains(strings.ReplaceAll(line, " ", ""), field) {
				t.Errorf("an entry without %s: %s", field, line)
			}
		}
	}
	if !strings.Contains(entries, "OFFLINEIMAP_JOB") {
		t.Errorf("no entry names a job:\n%s", entries)
	}
	all := d.do("journalctl --user -u offlineimapd -x --no-pager")
	for _, want := range []string{"░░ Subject: ", "░░ Documentation: man:offlineimapd(1)"} {
		if !strings.Contains(all, want) {
			t.Errorf("journalctl -x explains nothing, there is no %q:\n%s", want, all)
		}
	}
	if strings.Contains(all, "a-subject-that-nobody-may-see") {
		t.Error("the journal has the subject of a mail")
	}
	d.do("systemctl --user service-log-level offlineimapd.service debug")
	if got := d.do("offlineimapctl log-level"); got != "debug" {
		t.Errorf("after it was set to debug, the level is %s", got)
	}
	if out := d.do("offlineimapctl log work -n 3"); !strings.Contains(out, "work") {
		t.Errorf("offlineimapctl log shows %q", out)
	}
}

// TestOnceTimer runs the units for those who want no daemon.
func TestOnceTimer(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "work")
	d.deliver("work", "one")
	d.do("systemctl --user start offlineimapd-once@work.service")
	d.inStep("work", 1)
	d.do("systemctl --user enable --now offlineimapd-once@work.timer")
	if next := d.do("systemctl --user list-timers --no-legend 'offlineimapd-once@*'"); !strings.Contains(next, "offlineimapd-once@work.service") {
		t.Errorf("the timer is not there: %s", next)
	}
}

// TestInstalled uses what the package brings for shells and readers.
func TestInstalled(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "work")
	if out := d.do(`. /usr/share/bash-completion/completions/offlineimapctl && complete -p offlineimapctl`); !strings.Contains(out, "offlineimapctl") {
		t.Errorf("bash completes by %s", out)
	}
	d.do("zcat /usr/share/man/man1/offlineimapctl.1.gz | grep -q offlineimapctl")
	if out, exit := d.Root("dpkg --verify offlineimapd && dpkg --purge offlineimapd && ls -d /usr/share/doc/offlineimapd /etc/xdg/autostart/*offlineimap* /usr/bin/offlineimap* 2>/dev/null"); exit != 2 || strings.Contains(out, "/usr/bin/offlineimapd\n") {
		t.Errorf("after the package was purged there are left (%d):\n%s", exit, out)
	}
	if _, err := os.Stat(d.Path(filepath.Join(d.Home(), configPath))); err != nil {
		t.Errorf("the user's configuration went with the package: %v", err)
	}
}
