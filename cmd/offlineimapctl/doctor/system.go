package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/offlineimap/offlineimapd/dbus/client"
)

const unitName = "offlineimapd.service"

// bus: is there a session bus?
func (e *examination) bus(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c, err := e.Connect(ctx)
	if err != nil {
		hint := "systemctl --user start dbus.socket"
		if e.Getenv("XDG_RUNTIME_DIR") == "" {
			hint = "log in through PAM, not by su or sudo, so that XDG_RUNTIME_DIR is set; on Debian the package dbus-user-session brings the bus"
		}
		e.tell(Check{Name: "session bus", Result: Fail, Text: err.Error(), Hint: hint})
		return
	}
	e.client = c
	e.tell(Check{Name: "session bus", Result: OK, Text: "reachable"})
}

// unit: does systemd know the daemon, and start it?
func (e *examination) unit(ctx context.Context) {
	systemctl, err := e.LookPath("systemctl")
	if err != nil {
		return // not a machine with systemd
	}
	out, stderr, err := e.output(ctx, systemctl, "--user", "show", unitName,
		"--property=LoadState,ActiveState,SubState,UnitFileState,Result,ExecMainStatus,StatusText")
	if err != nil {
		e.tell(Check{Name: "user manager", Result: Warn, Text: "systemctl --user does not answer: " + firstLine(stderr, err),
			Hint: "without it, start offlineimapd by other means"})
		return
	}
	p := pairs(out)
	if p["LoadState"] != "loaded" {
		e.tell(Check{Name: "unit", Result: Fail, Text: unitName + " is " + orSo(p["LoadState"], "unknown"),
			Hint: "install the unit, then systemctl --user daemon-reload"})
		return
	}
	if p["UnitFileState"] == "enabled" || p["UnitFileState"] == "enabled-runtime" {
		e.tell(Check{Name: "unit", Result: OK, Text: "installed, " + p["UnitFileState"]})
	} else {
		e.tell(Check{Name: "unit", Result: Warn, Text: "installed, but " + orSo(p["UnitFileState"], "not enabled") + ": it does not start by itself",
			Hint: "systemctl --user enable --now offlineimapd"})
	}
	switch p["ActiveState"] {
	case "active", "reloading":
		e.tell(Check{Name: "service", Result: OK, Text: p["ActiveState"] + " (" + p["SubState"] + ")"})
	case "failed":
		e.tell(Check{Name: "service", Result: Fail, Text: fmt.Sprintf("failed: %s, exit status %s", p["Result"], p["ExecMainStatus"]),
			Hint: "offlineimapctl log -n 20 says why; then systemctl --user restart offlineimapd"})
	case "activating":
		e.tell(Check{Name: "service", Result: Warn, Text: "starting, or waiting to be started again", Hint: "offlineimapctl log -n 20"})
	default:
		e.tell(Check{Name: "service", Result: Fail, Text: orSo(p["ActiveState"], "unknown"), Hint: "systemctl --user start offlineimapd"})
	}
}

// linger: does the daemon run while nobody is logged in?
func (e *examination) linger(ctx context.Context) {
	loginctl, err := e.LookPath("loginctl")
	if err != nil {
		return
	}
	out, _, err := e.output(ctx, loginctl, "show-user", strconv.Itoa(os.Getuid()), "--property=Linger")
	if err != nil {
		return // logind does not know this user, or is not there
	}
	desktop := e.Getenv("DISPLAY") != "" || e.Getenv("WAYLAND_DISPLAY") != ""
	switch linger := pairs(out)["Linger"]; {
	case linger == "yes":
		e.tell(Check{Name: "linger", Result: OK, Text: "yes: the daemon runs while nobody is logged in too"})
	case linger == "no" && desktop:
		e.tell(Check{Name: "linger", Result: OK, Text: "no: the daemon runs while you are logged in"})
	case linger == "no":
		e.tell(Check{Name: "linger", Result: Warn, Text: "no: the daemon ends with your last session", Hint: "loginctl enable-linger $USER"})
	}
}

// daemon: is it there, does it answer, is it of our version?
func (e *examination) daemon(ctx context.Context) {
	if e.client == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	p, err := e.client.Manager(ctx)
	switch {
	case errors.Is(err, client.ErrNotRunning):
		e.tell(Check{Name: "daemon", Result: Fail, Text: "not running", Hint: "systemctl --user start offlineimapd"})
		return
	case err != nil:
		e.tell(Check{Name: "daemon", Result: Fail, Text: "does not answer: " + err.Error(), Hint: "systemctl --user restart offlineimapd"})
		return
	}
	e.tell(Check{Name: "daemon", Result: OK, Text: "running, " + p.Text("State")})
	if v := p.Text("Version"); v != e.Version {
		e.tell(Check{Name: "version", Result: Warn, Text: fmt.Sprintf("the daemon is %s, offlineimapctl is %s", v, e.Version),
			Hint: "systemctl --user restart offlineimapd"})
	} else {
		e.tell(Check{Name: "version", Result: OK, Text: v})
	}
	if e.doc, err = e.client.Describe(ctx); err != nil {
		e.tell(Check{Name: "daemon", Result: Fail, Text: "does not describe itself: " + err.Error()})
		return
	}
	for _, a := range e.doc.Accounts {
		e.redact.add(a.User)
	}
}

// clock: can the time be right? Certificates and schedules depend on it.
func (e *examination) clock(ctx context.Context) {
	now := e.Now()
	if self, err := e.Self(); err == nil {
		if fi, err := e.Stat(self); err == nil && fi.ModTime().After(now.Add(24*time.Hour)) {
			e.tell(Check{Name: "clock", Result: Fail, Text: "it is earlier than this program was built: " + now.UTC().Format("2006-01-02"),
				Hint: "set the clock; timedatectl set-ntp true keeps it right"})
			return
		}
	}
	if e.doc != nil && e.doc.LastSync != nil && e.doc.LastSync.After(now.Add(time.Minute)) {
		e.tell(Check{Name: "clock", Result: Warn, Text: "the last sync is in the future: the clock was set back", Hint: "timedatectl shows whether it is right"})
		return
	}
	timedatectl, err := e.LookPath("timedatectl")
	if err == nil {
		if out, _, err := e.output(ctx, timedatectl, "show", "--property=NTPSynchronized"); err == nil {
			switch pairs(out)["NTPSynchronized"] {
			case "yes":
				e.tell(Check{Name: "clock", Result: OK, Text: "synchronised"})
				return
			case "no":
				e.tell(Check{Name: "clock", Result: Warn, Text: "not synchronised", Hint: "timedatectl set-ntp true"})
				return
			}
		}
	}
	e.tell(Check{Name: "clock", Result: OK, Text: "plausible"})
}

// Watches that the daemon may need, and those of other programs of the user.
const (
	watchesPerFolder = 3 // the folder, cur and new
	othersWatches    = 4096
	leastInstances   = 64
)

// inotify: can local folders be watched?
func (e *examination) inotify(context.Context) {
	folders := 0
	if e.doc != nil {
		for _, a := range e.doc.Accounts {
			folders += a.Folders
		}
	}
	for _, l := range []struct {
		file  string
		least int
	}{
		{"max_user_watches", folders*watchesPerFolder + othersWatches},
		{"max_user_instances", leastInstances},
	} {
		b, err := e.ReadFile("/proc/sys/fs/inotify/" + l.file)
		if err != nil {
			continue
		}
		n, err := strconv.Atoi(strings.TrimSpace(string(b)))
		if err != nil {
			continue
		}
		if n < l.least {
			e.tell(Check{Name: "inotify", Result: Warn, Text: fmt.Sprintf("fs.inotify.%s is %d, %d would be better", l.file, n, l.least),
				Hint: fmt.Sprintf("sysctl fs.inotify.%s=%d", l.file, 2*l.least)})
		} else {
			e.tell(Check{Name: "inotify", Result: OK, Text: fmt.Sprintf("fs.inotify.%s is %d", l.file, n)})
		}
	}
}

// pairs reads lines of NAME=VALUE.
func pairs(s string) map[string]string {
	m := map[string]string{}
	for line := range strings.SplitSeq(s, "\n") {
		if k, v, ok := strings.Cut(line, "="); ok {
			m[k] = v
		}
	}
	return m
}

func orSo(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// firstLine is what a program complained of, or why it did not run.
func firstLine(stderr string, err error) string {
	if line, _, _ := strings.Cut(strings.TrimSpace(stderr), "\n"); line != "" {
		return line
	}
	return err.Error()
}
