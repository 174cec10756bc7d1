package main

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

func TestCommandLine(t *testing.T) {
	tests := []struct {
		arg  string
		code int
		want string
	}{
		{"--version", exitOK, "offlineimap-applet "},
		{"--help", exitOK, "--mailer=COMMAND"},
		{"--nonsense", exitUsage, "nonsense"},
		{"word", exitUsage, "unexpected argument"},
	}
	for _, tt := range tests {
		var out bytes.Buffer
		code := run(t.Context(), []string{tt.arg}, surroundings{getenv: func(string) string { return "" }}, &out, &out)
		if code != tt.code || !strings.Contains(out.String(), tt.want) {
			t.Errorf("%s: %d, %q", tt.arg, code, out.String())
		}
	}
}

func TestLog(t *testing.T) {
	var b bytes.Buffer
	(&logger{w: &b}).errorf("a %d", 1)
	(&logger{w: &b, prefix: true}).noticef("b")
	if got := b.String(); got != "offlineimap-applet: a 1\n<5>b\n" {
		t.Errorf("logged %q", got)
	}
}

func TestParse(t *testing.T) {
	env := func(value string) func(string) string {
		return func(name string) string { return map[string]string{"OFFLINEIMAP_MAILER": value}[name] }
	}
	tests := []struct {
		args   []string
		env    string
		mailer []string
		bad    bool
	}{
		{nil, "", nil, false},
		{nil, "mutt -y", []string{"mutt", "-y"}, false},
		{[]string{"--mailer=thunderbird  -mail"}, "mutt", []string{"thunderbird", "-mail"}, false},
		{[]string{"--mailer="}, "mutt", nil, false},
		{[]string{"--mailer=x $(y) `z`;"}, "", []string{"x", "$(y)", "`z`;"}, false},
		{[]string{"x"}, "", nil, true},
		{[]string{"--what"}, "", nil, true},
	}
	for _, tt := range tests {
		o, err := parse(tt.args, env(tt.env))
		if (err != nil) != tt.bad || len(o.mailer)+len(tt.mailer) > 0 && !reflect.DeepEqual(o.mailer, tt.mailer) {
			t.Errorf("parse(%q, %q): %q, %v", tt.args, tt.env, o.mailer, err)
		}
	}
}
