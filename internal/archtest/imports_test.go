package archtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/offlineimap/offlineimapd"

// pkg is what go list tells of a package.
type pkg struct {
	ImportPath string
	Dir        string
	Doc        string
	Imports    []string
	GoFiles    []string
	CgoFiles   []string
}

func (p pkg) name() string {
	return strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
}

// list asks go for every package of the module.
func list(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,Doc,Imports,GoFiles,CgoFiles", module+"/...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var all []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("go list: %v", err)
		}
		all = append(all, p)
	}
}

// root is the module's directory.
func root(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		t.Fatalf("go list -m: %v", err)
	}
	return filepath.Clean(strings.TrimSpace(string(out)))
}

// below tells whether path is one of the prefixes or below one.
func below(path string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool {
		return path == prefix || strings.HasPrefix(path, prefix+"/")
	})
}

// broken returns a sentence for each import that a rule forbids.
func broken(packages []pkg, rules []rule) []string {
	var out []string
	for _, p := range packages {
		name := p.name()
		for _, r := range rules {
			if r.in != "" && !below(name, []string{r.in}) || below(name, r.not) {
				continue
			}
			for _, path := range p.Imports {
				short, ours := strings.CutPrefix(path, module+"/")
				first, _, _ := strings.Cut(path, "/")
				foreign := strings.Contains(first, ".") && !ours
				hit := below(short, r.forbid) && (ours || foreign) || below(path, r.std) ||
					ours && slices.Contains(r.forbid, "...") || foreign && slices.Contains(r.forbid, "third-party")
				// A package's own parts are never foreign to it.
				if hit && !below(short, r.except) && !(ours && r.in != "" && below(short, []string{r.in}) && slices.Contains(r.forbid, "...")) {
					out = append(out, fmt.Sprintf("%s imports %s: %s", name, path, r.reason))
				}
			}
		}
	}
	return out
}

func TestImports(t *testing.T) {
	packages := list(t)
	for _, s := range broken(packages, allRules()) {
		t.Error(s)
	}
	var names []string
	for _, p := range packages {
		names = append(names, p.name())
	}
	for _, need := range []string{"sync/mail", "sync/store", "internal/testenv"} {
		if !slices.Contains(names, need) {
			t.Errorf("go list did not show %s: is anything checked at all?", need)
		}
	}
}

// TestTheTable breaks each kind of rule on purpose.
func TestTheTable(t *testing.T) {
	tests := []struct {
		from, to string
		bad      bool
	}{
		{"sync/mail", "strings", false},
		{"sync/mail", "os", true},
		{"sync/mail", "os/exec", true},
		{"sync/mail", "log/slog", true},
		{"sync/mail", "osprey", false},
		{"sync/mail", "example.org/x", true},
		{"sync/mail", module + "/sync/store", true},
		{"sync/merge", module + "/sync/mail", false},
		{"sync/merge", module + "/sync/store", true},
		{"sync/merge", "sync", true},
		{"sync/guard", module + "/sync/merge", false},
		{"sync/names", "net/url", true},
		{"sync/store", module + "/sync/maildir", true},
		{"sync/store/storetest", module + "/sync/store", false},
		{"sync/store/storetest", module + "/sync/engine", true},
		{"sync/maildir", module + "/sync/imap", true},
		{"sync/maildir", "golang.org/x/sys/unix", false},
		{"sync/imap", module + "/sync/imap/wire", false},
		{"sync/imap", "github.com/emersion/go-imap/v2", false},
		{"sync/imap", "github.com/emersion/go-imap/v2/imapclient", true},
		{"sync/imap/wire", module + "/sync/mail", true},
		{"sync/engine", "github.com/emersion/go-imap/v2", true},
		{"sync/engine", module + "/sync/maildir", true},
		{"sync/engine", module + "/sync/state", false},
		{"sync/engine", module + "/internal/config", true},
		{"sync/engine", module + "/service", true},
		{"sync/state", "github.com/mattn/go-sqlite3", false},
		{"sync/engine", "database/sql", true},
		{"service", "github.com/godbus/dbus/v5", true},
		{"service", module + "/sync/engine", false},
		{"service", module + "/internal/config", true},
		{"service/schedule", "time", false},
		{"service/schedule", "os", true},
		{"dbus/server", "github.com/godbus/dbus/v5", false},
		{"dbus/server", module + "/service", false},
		{"cmd/offlineimapctl", module + "/dbus/client", false},
		{"cmd/offlineimapctl", module + "/sync/mail", true},
		{"cmd/offlineimapctl", "github.com/spf13/cobra", false},
		{"cmd/offlineimapd", "github.com/spf13/cobra", true},
		{"cmd/offlineimapd", module + "/sync/maildir", false},
		{"cmd/offlineimapd", module + "/internal/testenv", true},
		{"cmd/offlineimapd", "testing", true},
		{"internal/config", module + "/sync/mail", true},
		{"internal/config", module + "/internal/pyexpr", false},
		{"internal/testenv", module + "/sync/imap/wire", true},
		{"bench", module + "/internal/testenv", false},
		{"bench", module + "/sync/maildir", true},
	}
	for _, tt := range tests {
		got := broken([]pkg{{ImportPath: module + "/" + tt.from, Imports: []string{tt.to}}}, allRules())
		if (len(got) > 0) != tt.bad {
			t.Errorf("%s imports %s: %q", tt.from, tt.to, got)
		}
	}
	for _, r := range allRules() {
		if r.reason == "" || len(r.forbid)+len(r.std) == 0 {
			t.Errorf("a rule without a reason or an import: %+v", r)
		}
	}
}
