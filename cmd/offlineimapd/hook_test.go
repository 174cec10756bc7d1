package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/internal/testenv"
)

// A person's commands run before and after a run, and are told what changed.
func TestHooks(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	p := newPerson(t, srv)
	p.mailer().Append("INBOX", body(1), time.Time{})
	told := filepath.Join(t.TempDir(), "told")
	b, err := os.ReadFile(p.config())
	p.must(err)
	p.must(os.WriteFile(p.config(), []byte(strings.Replace(string(b), "[Account work]\n", `[Account work]
presynchook = echo before $OIMAP_ACCOUNT_NAME $OFFLINEIMAPSYNCMODE; ls `+p.root()+`/INBOX/cur >`+told+`.before 2>&1; exit 3
postsynchook = cat >`+told+`
hook_changes = yes
`, 1)), 0o600))
	status, out, errs := p.run()
	if status != exitOK || !strings.Contains(out+errs, "before work full") || !strings.Contains(out+errs, "1 downloaded") {
		t.Fatalf("status %d: %s%s", status, out, errs)
	}
	list, err := os.ReadFile(told)
	p.must(err)
	path, ok := strings.CutPrefix(strings.TrimSuffix(string(list), "\n"), "A\t")
	if _, err := os.Stat(path); !ok || err != nil {
		t.Errorf("told of %q: %v", list, err)
	}
	if before, err := os.ReadFile(told + ".before"); err != nil || strings.Contains(string(before), "U=") {
		t.Errorf("before the run there was %q, %v", before, err)
	}
	p.must(os.Remove(told))
	if status, out, errs := p.run("--dry-run"); status != exitOK {
		t.Fatalf("status %d: %s%s", status, out, errs)
	}
	if _, err := os.Stat(told); err == nil {
		t.Error("a dry run ran the hook")
	}
}
