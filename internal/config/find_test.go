package config

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Find takes the file that Debian's offlineimap takes, which names an account
// that is in no other.
func TestFindAsOfflineIMAP(t *testing.T) {
	const xdg, dot, rc, mine = "xdg/offlineimap/config", ".config/offlineimap/config", ".offlineimaprc", "mine"
	refused := regexp.MustCompile(`The account '(.*)' does not exist`)
	missing := regexp.MustCompile(`Config file '(.*)' does not exist`)
	for name, w := range map[string]struct {
		files []string
		env   string // XDG_CONFIG_HOME below the home, "": empty, "-": not set
		flag  string
	}{
		"all":                      {files: []string{xdg, dot, rc}, env: "xdg"},
		"XDG not there":            {files: []string{dot, rc}, env: "xdg"},
		"XDG empty":                {files: []string{xdg, dot, rc}},
		"XDG not set":              {files: []string{xdg, dot, rc}, env: "-"},
		"the oldest":               {files: []string{rc}, env: "-"},
		"none":                     {env: "-"},
		"named":                    {files: []string{xdg, dot, rc, mine}, env: "xdg", flag: "~/mine"},
		"named, not there":         {files: []string{xdg, dot, rc}, env: "xdg", flag: "~/mine"},
		"named, variables are not": {files: []string{mine, rc}, env: "-", flag: "$HOME/mine"},
	} {
		home := t.TempDir()
		for _, f := range w.files {
			path := filepath.Join(home, f)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte("[general]\naccounts = "+path+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		vars := map[string]string{"HOME": home}
		switch w.env {
		case "-":
		case "":
			vars["XDG_CONFIG_HOME"] = ""
		default:
			vars["XDG_CONFIG_HOME"] = filepath.Join(home, w.env)
		}
		cmd := exec.Command("offlineimap", "-u", "basic")
		if w.flag != "" {
			cmd.Args = append(cmd.Args, "-c", w.flag)
		}
		cmd.Dir, cmd.Env = home, []string{"PATH=" + os.Getenv("PATH")}
		for k, v := range vars {
			cmd.Env = append(cmd.Env, k+"="+v)
		}
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState == nil {
			t.Fatalf("run offlineimap: %v; it is in the package offlineimap3", err)
		}
		got, err := Find(w.flag, func(name string) string { return vars[name] })
		if m := refused.FindSubmatch(out); m != nil {
			if err != nil || got != string(m[1]) {
				t.Errorf("%s: %q %v, OfflineIMAP reads %s", name, got, err, m[1])
			}
		} else if m := missing.FindSubmatch(out); m != nil {
			if err == nil || !strings.Contains(err.Error(), string(m[1])) {
				t.Errorf("%s: %q %v, OfflineIMAP misses %s", name, got, err, m[1])
			}
		} else {
			t.Errorf("%s: OfflineIMAP says %s", name, out)
		}
	}
}
