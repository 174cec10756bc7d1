// Package units holds the unit files together with what else names the same
// things, and has systemd look at them. It is tests alone.
package units

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/offlineimap/offlineimapd/dbus/api"
)

const busFile = "../../packaging/dbus/" + api.BusName + ".service"

// unit is a file of systemd's, by "Section.Key".
type unit map[string][]string

// all returns the units, by the names of their files.
func all(t *testing.T) map[string]unit {
	t.Helper()
	units := map[string]unit{}
	for _, pattern := range []string{"*.service", "*.socket", "*.timer"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range paths {
			units[p] = read(t, p)
		}
	}
	if len(units) != 5 {
		t.Errorf("%d units", len(units))
	}
	return units
}

func read(t *testing.T, path string) unit {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	u, section := unit{}, ""
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		switch key, value, ok := strings.Cut(line, "="); {
		case line == "" || line[0] == '#':
		case line[0] == '[':
			section = strings.Trim(line, "[]")
		case ok:
			u[section+"."+key] = append(u[section+"."+key], value)
		default:
			t.Errorf("%s: %q", path, line)
		}
	}
	return u
}

func (u unit) one(t *testing.T, key string) string {
	t.Helper()
	if len(u[key]) != 1 {
		t.Errorf("%s is there %d times", key, len(u[key]))
		return ""
	}
	return u[key][0]
}

// TestNames holds together what different files call the same.
func TestNames(t *testing.T) {
	units := all(t)
	daemon, socket, bus := units["offlineimapd.service"], units["offlineimapd.socket"], read(t, busFile)
	for _, tt := range []struct{ what, got, want string }{
		{"BusName=", daemon.one(t, "Service.BusName"), api.BusName},
		{"Name= of the bus file", bus.one(t, "D-BUS Service.Name"), api.BusName},
		{"SystemdService=", bus.one(t, "D-BUS Service.SystemdService"), "offlineimapd.service"},
		{"Exec= of the bus file", bus.one(t, "D-BUS Service.Exec"), daemon.one(t, "Service.ExecStart")},
		{"FileDescriptorName=", socket.one(t, "Socket.FileDescriptorName"), "events"},
		{"ListenStream=", socket.one(t, "Socket.ListenStream"), "%t/offlineimapd/events"},
		{"Wants=", daemon.one(t, "Unit.Wants"), "offlineimapd.socket"},
		{"Also=", daemon.one(t, "Install.Also"), "offlineimapd.socket"},
		{"Type=", daemon.one(t, "Service.Type"), "notify"},
		{"RestartPreventExitStatus=", daemon.one(t, "Service.RestartPreventExitStatus"), "64 69 77 78"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s is %q, want %q", tt.what, tt.got, tt.want)
		}
	}
	if after := strings.Fields(daemon.one(t, "Unit.After")); !slices.Contains(after, "offlineimapd.socket") {
		t.Errorf("the daemon is not started after its socket, but after %q", after)
	}
}

// TestPrograms holds what units start to what is installed, and what they refer
// to for reading to the pages that there are.
func TestPrograms(t *testing.T) {
	script, err := os.ReadFile("../../packaging/install.sh")
	if err != nil {
		t.Fatal(err)
	}
	program := regexp.MustCompile(`^/usr/bin/(offlineimap[a-z-]*)(?: |$)`)
	page := regexp.MustCompile(`^man:([^()]+)\((\d)\)$`)
	n := 0
	for name, u := range all(t) {
		for _, key := range []string{"Service.ExecStart", "Service.ExecReload"} {
			for _, line := range u[key] {
				m := program.FindStringSubmatch(line)
				if m == nil {
					t.Errorf("%s: %s=%s is no program of ours", name, key, line)
					continue
				}
				n++
				if !bytes.Contains(script, []byte(`put 0755 "$prefix/bin" `)) || !bytes.Contains(script, []byte(`"$BIN/`+m[1]+`"`)) {
					t.Errorf("%s starts %s, which is not installed", name, m[1])
				}
			}
		}
		for _, doc := range strings.Fields(u.one(t, "Unit.Documentation")) {
			m := page.FindStringSubmatch(doc)
			if m == nil {
				t.Errorf("%s: documentation %q", name, doc)
			} else if _, err := os.Stat("../../packaging/man/" + m[1] + "." + m[2] + ".scd"); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if n < 4 {
		t.Errorf("only %d programs are started: is anything checked at all?", n)
	}
}

// TestTheSameHardening for a run by a timer as for the daemon.
func TestTheSameHardening(t *testing.T) {
	units := all(t)
	daemon, once := units["offlineimapd.service"], units["offlineimapd-once@.service"]
	n := 0
	for key, want := range daemon {
		if !regexp.MustCompile(`^Service\.(NoNew|Lock|Memory|Restrict|SystemCall|UMask|Nice|Slice|SyslogIdentifier)`).MatchString(key) {
			continue
		}
		n++
		if !slices.Equal(once[key], want) {
			t.Errorf("%s: %q and %q", key, want, once[key])
		}
	}
	if n < 13 {
		t.Errorf("only %d settings: is anything checked at all?", n)
	}
}

// TestVerify wants nothing said about the units at all, and about the drop-ins
// only that an older systemd ignores what is for newer ones.
func TestVerify(t *testing.T) {
	t.Run("units", func(t *testing.T) {
		dir := copied(t, "")
		var paths []string
		for name := range all(t) {
			paths = append(paths, filepath.Join(dir, name))
		}
		if out, err := analyze(t, append([]string{"verify", "--man=no"}, paths...)...); out != "" || err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	})
	newer := regexp.MustCompile(`^\S*/newer-systemd\.conf:\d+: Unknown key '(RestartSteps|RestartMaxDelaySec)' in section \[Service\], ignoring\.$`)
	for _, conf := range dropIns(t) {
		t.Run(conf, func(t *testing.T) {
			out, err := analyze(t, "verify", "--man=no", filepath.Join(copied(t, conf), "offlineimapd.service"))
			if err != nil {
				t.Errorf("%v\n%s", err, out)
			}
			for line := range strings.Lines(out) {
				if !newer.MatchString(strings.TrimSpace(line)) {
					t.Error(line)
				}
			}
		})
	}
}

// TestExposure lets the hardening only get better. The numbers are ten times
// what systemd-analyze shows.
func TestExposure(t *testing.T) {
	for _, tt := range []struct{ unit, conf, most string }{
		{"offlineimapd.service", "", "66"},
		{"offlineimapd-once@.service", "", "66"},
		{"offlineimapd.service", "sandbox.conf", "26"},
	} {
		out, err := analyze(t, "security", "--offline=true", "--threshold="+tt.most, filepath.Join(copied(t, tt.conf), tt.unit))
		if err != nil {
			t.Errorf("%s %s: %v\n%s", tt.unit, tt.conf, err, out)
		}
	}
}

func dropIns(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob("offlineimapd.service.d/*.conf")
	if err != nil || len(paths) != 4 {
		t.Fatalf("%q, %v", paths, err)
	}
	for i, p := range paths {
		paths[i] = filepath.Base(p)
	}
	return paths
}

// copied returns a directory with the units, and the one drop-in that conf names,
// as they are once installed: with programs that are there.
func copied(t *testing.T, conf string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "units")
	bin := filepath.Join(filepath.Dir(dir), "bin")
	if err := os.CopyFS(dir, os.DirFS(".")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"offlineimapd", "offlineimapctl", "offlineimap-applet"} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range paths {
		switch {
		case strings.HasSuffix(p, ".go"):
			err = os.Remove(p)
		case strings.HasSuffix(p, ".service"), strings.HasSuffix(p, ".socket"), strings.HasSuffix(p, ".timer"):
			var data []byte
			if data, err = os.ReadFile(p); err == nil {
				err = os.WriteFile(p, bytes.ReplaceAll(data, []byte("/usr/bin/offlineimap"), []byte(bin+"/offlineimap")), 0o644)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range dropIns(t) {
		if name != conf {
			if err := os.Remove(filepath.Join(dir, "offlineimapd.service.d", name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

// analyze runs systemd-analyze as for a user who has no units.
func analyze(t *testing.T, args ...string) (string, error) {
	t.Helper()
	path, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Fatalf("%v (package systemd)", err)
	}
	home := t.TempDir()
	cmd := exec.Command(path, append([]string{"--user", "--no-pager"}, args...)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "XDG_RUNTIME_DIR=" + home, "LANG=C.UTF-8"}
	out, err := cmd.CombinedOutput()
	return string(out), err
}
