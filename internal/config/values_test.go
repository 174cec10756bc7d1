package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestNumbers(t *testing.T) {
	for s, want := range map[string]string{
		"5": "5", "-3": "-3", "+7": "7", "007": "7", "1_000": "1000", "_1": "err", "1_": "err", "1__0": "err", "": "err", "0x10": "err", "1e3": "err", "5.0": "err",
		"99999999999999999999": "err", "1 ; x": "err",
	} {
		n, err := parseInt(s)
		got := fmt.Sprint(n)
		if err != nil {
			got = "err"
		}
		if got != want {
			t.Errorf("%q: %s, want %s", s, got, want)
		}
	}
	for s, want := range map[string]time.Duration{
		"5": 5 * time.Minute, "0.5": 30 * time.Second, ".5": 30 * time.Second, "1e1": 10 * time.Minute, "1_0": 10 * time.Minute, "-2": -2 * time.Minute, "0": 0,
		"nan": -1, "inf": -1, "1e400": -1, "0x1p4": -1, "": -1, "five": -1, "1,5": -1,
	} {
		d, err := parseMinutes(s)
		if (err != nil) != (want == -1) || err == nil && d != want {
			t.Errorf("%q: %v %v, want %v", s, d, err, want)
		}
	}
	for s, want := range map[string]string{"1": "true", "YES": "true", "True": "true", "oN": "true", "0": "false", "no": "false", "FALSE": "false", "off": "false", "": "", "y": "", "2": "", "yes ; no": ""} {
		b, ok := parseBool(s)
		if got := fmt.Sprint(b); (ok && got != want) || (!ok && want != "") {
			t.Errorf("%q: %v %v, want %q", s, b, ok, want)
		}
	}
}

func TestExpand(t *testing.T) {
	env := func(name string) string { return map[string]string{"HOME": "/home/me/"}[name] }
	for path, want := range map[string]string{
		"~": "/home/me", "~/x": "/home/me/x", "/~/x": "/~/x", "x": "x", "~root/x": "/root/x", "~root": "/root", "~nosuchuser/x": "~nosuchuser/x", "": "",
	} {
		if got := expandUser(path, env); got != want {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
	}
	if got := expandUser("~/", func(string) string { return "/" }); got != "/" {
		t.Errorf("~/ of a home that is / is %q", got)
	}
	t.Setenv("A", "1")
	t.Setenv("A_b2", "two")
	t.Setenv("LOOP", "$A")
	t.Setenv("EMPTY", "")
	for path, want := range map[string][2]string{
		"$A/${A}x$A_b2": {"1/1xtwo", ""}, "$LOOP": {"$A", ""}, "$EMPTY/x": {"/x", ""}, "$NOPE_1/${NOPE_2}": {"$NOPE_1/${NOPE_2}", "NOPE_1"},
		"a$": {"a$", ""}, "$$A": {"$1", ""}, "${A": {"${A", ""}, "${}": {"${}", ""}, "$-": {"$-", ""},
	} {
		got, unset := expandVars(path)
		if got != want[0] || unset != want[1] {
			t.Errorf("%q: %q %q, want %q", path, got, unset, want)
		}
	}
}

func TestFind(t *testing.T) {
	home := t.TempDir()
	xdg := filepath.Join(home, "xdg")
	vars := map[string]string{"HOME": home}
	env := func(name string) string { return vars[name] }
	write := func(path string) string {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	check := func(flag, want string) {
		t.Helper()
		got, err := Find(flag, env)
		if want == "" && !errors.Is(err, fs.ErrNotExist) || want != "" && err != nil || got != want {
			t.Errorf("%q: %q %v, want %q", flag, got, err, want)
		}
	}
	check("", "")
	if _, err := Find("", env); !strings.Contains(err.Error(), home+"/.config/offlineimap/config") || !strings.Contains(err.Error(), home+"/.offlineimaprc") {
		t.Error(err)
	}
	check("~/mine", "")
	rc := write(filepath.Join(home, ".offlineimaprc"))
	check("", rc)
	config := write(filepath.Join(home, ".config/offlineimap/config"))
	check("", config)
	vars["XDG_CONFIG_HOME"] = xdg
	check("", rc)
	inXDG := write(filepath.Join(xdg, "offlineimap/config"))
	check("", inXDG)
	vars["XDG_CONFIG_HOME"] = ""
	check("", config)
	vars["XDG_CONFIG_HOME"] = rc // a file, not a directory
	check("", rc)
	mine := write(filepath.Join(home, "mine"))
	check("~/mine", mine)
	check(filepath.Join(home, "none"), "")
}

func TestSecret(t *testing.T) {
	dir := t.TempDir()
	file := func(content string) string {
		path := filepath.Join(dir, fmt.Sprint(len(content)))
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, w := range []struct {
		s    Secret
		want string
	}{
		{Secret{}, ""}, {Secret{Literal: " x "}, " x "}, {Secret{File: file("  pass word \r\nsecond\n")}, "pass word"}, {Secret{File: file("nolf")}, "nolf"},
		{Secret{File: file("")}, ""}, {Secret{File: "/nowhere", Literal: "y"}, "y"},
	} {
		got, err := w.s.Read()
		if err != nil || got != w.want {
			t.Errorf("%v: %q %v, want %q", w.s, got, err, w.want)
		}
	}
	if _, err := (Secret{File: "/nowhere"}).Read(); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := (Secret{File: "/dev/zero"}).Read(); err == nil {
		t.Error("a password without end was read")
	}
}

func TestSecretIsNeverPrinted(t *testing.T) {
	c, _ := load(t, with("remote", "remotepass = hunter2"))
	if got, _ := c.Accounts[0].Remote.IMAP.Password.Read(); got != "hunter2" {
		t.Fatalf("%q", got)
	}
	i := c.Accounts[0].Remote.IMAP
	var sb strings.Builder
	for _, v := range []any{*i, i, i.Password, &i.Password, []Secret{i.Password}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&sb, verb, v)
		}
		js, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		sb.Write(js)
		slog.New(slog.NewTextHandler(&sb, nil)).Info("x", "v", v)
		slog.New(slog.NewJSONHandler(&sb, nil)).Info("x", "v", v)
	}
	if out := sb.String(); strings.Contains(out, "hunter2") || strings.Contains(out, fmt.Sprintf("%x", "hunter2")) {
		t.Errorf("the password is in %s", out)
	}
	if got := fmt.Sprintf("%v %v %v", i.Password, Secret{File: "/f"}, Secret{}); got != "(in the configuration) (in /f) (none)" {
		t.Error(got)
	}
}
