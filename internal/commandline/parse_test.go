package commandline

import (
	"bytes"
	"encoding/json"
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// lines are command lines of which the answer of Python's optparse is asked too.
var lines = []string{
	"", "-o", "-oq", "-qo", "-aX", "-a X", "-a=X", "-oaX", "-oa X", "-oaXq", "-a -o", "-a", "-oa",
	"--info", "--inf", "--in", "--i", "--dry", "--dry-run", "--dry-run=yes", "--dry-run=",
	"--delete-folder=X", "--delete-folder X", "--del X", "--del=X", "--delete-folder", "--delete-folder=", "--d",
	"--delete-folder --info", "--m", "--mb", "--mi", "--", "-- -o", "-o -- -q", "- -o", "X -o Y", "-x", "-ox", "--x", "---", "--=", "-",
	"-k a:b=c", "-ka:b=c", "-k a:b=c -k d=e", "-ké -o", "-é", "-1", "-o1", "-1 -P dir", "--account X", "-o -x -q",
}

const optparse = `
import json, optparse, sys
for line in sys.stdin.read().split("\n"):
    p = optparse.OptionParser(add_help_option=False)
    met = []
    for names, value in json.loads(sys.argv[1]):
        p.add_option(*names, action="callback", callback=lambda o, s, v, p: met.append(o._long_opts[0] if o._long_opts else o._short_opts[0]) or (met.append(v) if v is not None else None), **({"type": "string"} if value else {}))
    def error(m): raise ValueError(m)
    p.error = error
    try:
        _, others = p.parse_args(line.split(" ") if line else [])
        print(json.dumps({"met": met, "others": others}))
    except ValueError:
        print(json.dumps({"refused": True}))
`

type answer struct {
	Met, Others []string
	Refused     bool
}

// TestAsOptparse compares with Python itself.
func TestAsOptparse(t *testing.T) {
	table := []struct {
		names []string
		value bool
	}{
		{[]string{"-o"}, false}, {[]string{"-q"}, false}, {[]string{"-1"}, false}, {[]string{"-a"}, true}, {[]string{"-k"}, true}, {[]string{"-P"}, true},
		{[]string{"--info"}, false}, {[]string{"--dry-run"}, false}, {[]string{"--delete-folder"}, true},
		{[]string{"--mbnames-prune"}, false}, {[]string{"--migrate-fmd5"}, false},
	}
	var shown [][2]any
	for _, o := range table {
		shown = append(shown, [2]any{o.names, o.value})
	}
	spec, err := json.Marshal(shown)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("python3", "-c", optparse, string(spec))
	cmd.Env = append(cmd.Environ(), "PYTHONUTF8=1")
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n"))
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("python3 (Debian package python3): %v\n%s", err, errs.String())
	}
	answers := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(answers) != len(lines) {
		t.Fatalf("%d answers to %d lines", len(answers), len(lines))
	}
	for i, line := range lines {
		var want, got answer
		if err := json.Unmarshal([]byte(answers[i]), &want); err != nil {
			t.Fatal(err)
		}
		var options []Option
		for _, o := range table {
			options = append(options, Option{Names: o.names, Value: o.value, Set: func(v string) error {
				if got.Met = append(got.Met, o.names[0]); o.value {
					got.Met = append(got.Met, v)
				}
				return nil
			}})
		}
		var args []string
		if line != "" {
			args = strings.Split(line, " ")
		}
		got.Others, err = Parse(args, options)
		if got.Refused = err != nil; got.Refused {
			got.Met = nil
		}
		if got.Refused != want.Refused || !slices.Equal(got.Met, want.Met) || !slices.Equal(got.Others, want.Others) {
			t.Errorf("%q: %+v (%v), optparse: %+v", line, got, err, want)
		}
	}
}

func TestRefused(t *testing.T) {
	stop := errors.New("stop")
	options := []Option{
		{Names: []string{"-a", "--account"}, Value: true, Set: func(string) error { return nil }},
		{Names: []string{"--approve"}, Value: true, Set: func(string) error { return nil }},
		{Names: []string{"-h", "--help"}, Set: func(string) error { return stop }},
	}
	for _, tt := range []struct{ line, says string }{
		{"--nothing", "no option --nothing"},
		{"-x", "no option -x"},
		{"--a=1", "--account, --approve"},
		{"-a", "-a wants a value"},
		{"--help=x", "--help takes no value"},
		{"-h --nothing", "stop"},
	} {
		if _, err := Parse(strings.Fields(tt.line), options); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, not %q", tt.line, err, tt.says)
		}
	}
	if _, err := Parse([]string{"-h"}, options); err != stop {
		t.Errorf("%v, not the error of Set", err)
	}
}
