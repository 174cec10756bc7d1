package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/internal/testenv"
	"github.com/offlineimap/offlineimapd/service"
	"github.com/offlineimap/offlineimapd/sync/engine"
)

// Names, filters and ways in that are Python, with a file of helpers.
func TestExpressions(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	p := newPerson(t, srv)
	m := p.mailer()
	for i, f := range []string{"Lists/go", "Spam", "[Gmail]/Sent Mail"} {
		m.Create(f)
		m.Append(f, body(i), time.Time{})
	}
	helpers := filepath.Join(t.TempDir(), "helpers.py")
	p.must(os.WriteFile(helpers, []byte(`
def get_pass(who):
    return {"`+p.user+`": b"`+p.pass+`"}[who]
names = {"[Gmail]/Sent Mail": "sent"}
def wanted(folder):
    return folder not in ["Spam"]
`), 0o600))
	host, port, _ := strings.Cut(srv.Addr(), ":")
	config := func(more string) {
		p.more = `remotehosteval = "` + host + `"
remoteporteval = int("` + port + `")
remoteusereval = '` + p.user + `'
remotepasseval = get_pass("` + p.user + `")
nametrans = lambda f: names.get(f, f)
folderfilter = wanted
` + more
		p.configure()
		b, err := os.ReadFile(p.config())
		p.must(err)
		p.must(os.WriteFile(p.config(), []byte(strings.Replace(string(b), "[general]\n", "[general]\npythonfile = "+helpers+"\n", 1)), 0o600))
	}
	config("")
	status, out, errs := p.run()
	if status != exitOK || !strings.Contains(out+errs, "2 downloaded") {
		t.Fatalf("status %d: %s%s", status, out, errs)
	}
	for _, f := range []string{"INBOX", "Lists.go", "sent"} {
		if _, err := os.Stat(filepath.Join(p.root(), f, "cur")); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(filepath.Join(p.root(), "Spam")); err == nil {
		t.Error("a folder is here that the filter leaves out")
	}

	config("folderincludes = ['Spam']\n")
	if status, out, errs := p.run(); status != exitOK || !strings.Contains(out+errs, "1 downloaded") {
		t.Fatalf("status %d: %s%s", status, out, errs)
	}

	// What cannot be used says which line it is, and gives no secret away.
	for old, bad := range map[string]string{
		"get_pass(\"" + p.user + "\")": "12",
		"= wanted":                     "= 'wanted'",
		"int(\"" + port + "\")":        "'993'",
	} {
		config("")
		b, err := os.ReadFile(p.config())
		p.must(err)
		p.must(os.WriteFile(p.config(), []byte(strings.Replace(string(b), old, bad, 1)), 0o600))
		status, out, errs := p.run()
		if status != exitConfig || strings.Contains(out+errs, p.pass+"\"") {
			t.Errorf("%s: status %d: %s%s", bad, status, out, errs)
		}
		if !strings.Contains(out+errs, p.config()+":") {
			t.Errorf("%s: %s%s", bad, out, errs)
		}
	}
	config("")
	p.must(os.WriteFile(helpers, []byte("def get_pass(who):\n  return secret(\n"), 0o600))
	if status, out, errs := p.run(); status != exitConfig || !strings.Contains(out+errs, helpers+":") {
		t.Errorf("status %d: %s%s", status, out, errs)
	}
}

// A helper that may ask a person is asked once, not for each try without a
// network; and who cancels a run is not told that there is no password.
func TestPasswordHelperIsAskedOnce(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	p := newPerson(t, srv)
	p.addr = "127.0.0.1:1"
	asked := filepath.Join(t.TempDir(), "asked")
	p.more = `remotepasseval = open("` + asked + `", "a").write("x") and "` + p.pass + `"`
	p.configure()
	l := &loader{log: slog.New(slog.DiscardHandler), told: map[string]bool{}, o: options{config: p.config(), patience: testPatience}}
	r := load(t, l).Accounts[0].Runner
	defer l.python.Close()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	order := service.Order{Trigger: service.TriggerTimer, Observe: func(engine.Event) {}, Note: func(string) {}}
	if _, err := r.Run(gone, order); service.CodeOf(err) != service.Cancelled {
		t.Errorf("canceled, it ends with %v: %v", service.CodeOf(err), err)
	}
	for range 3 {
		if _, err := r.Run(t.Context(), order); service.CodeOf(err) != service.Offline {
			t.Errorf("without a network, it ends with %v: %v", service.CodeOf(err), err)
		}
	}
	if b, err := os.ReadFile(asked); err != nil || string(b) != "x" {
		t.Errorf("the helper was asked %d times, %v", len(b), err)
	}
}
