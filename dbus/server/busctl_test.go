package server

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/offlineimap/offlineimapd/dbus/api"
)

var update = flag.Bool("update", false, "write the golden files")

// busctl runs the tool that people look around with.
func (s *setting) busctl(args ...string) (string, error) {
	s.t.Helper()
	path, err := exec.LookPath("busctl")
	if err != nil {
		s.t.Fatal("busctl is missing; install it with: apt-get install systemd")
	}
	cmd := exec.Command(path, append([]string{"--address=" + s.bus.Addr(), "--no-pager"}, args...)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "COLUMNS=200", "SYSTEMD_COLORS=0", "TZ=UTC")
	out, err := cmd.CombinedOutput()
	lines := strings.Split(string(out), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n"), err
}

// TestBusctl holds what people see against what they are to see.
func TestBusctl(t *testing.T) {
	s := start(t, example())
	tests := []struct {
		name string
		args []string
	}{
		{"tree", []string{"tree", api.BusName}},
		{"root", []string{"introspect", api.BusName, "/"}},
		{"manager", []string{"introspect", api.BusName, api.Path}},
		{"node", []string{"introspect", api.BusName, api.AccountPath}},
		{"account", []string{"introspect", api.BusName, api.AccountPath + "/work_2d2"}},
		{"job", []string{"introspect", "--xml-interface", api.BusName, api.JobPath + "/7"}},
		{"job-list", []string{"introspect", api.BusName, api.JobPath + "/7"}},
		{"logcontrol", []string{"introspect", api.BusName, api.LogControlPath}},
		{"sync", []string{"call", api.BusName, api.Path, api.ManagerInterface, "SyncNow", "sa{sv}", "work-2", "0"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, err := s.busctl(tt.args...)
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			golden(t, tt.name, out)
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
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
		t.Errorf("%s shows\n%s\ninstead of\n%s", name, got, want)
	}
}
