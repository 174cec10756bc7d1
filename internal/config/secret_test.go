package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPasswordFile: a password that others can read is told of.
func TestPasswordFile(t *testing.T) {
	dir := t.TempDir()
	pw := filepath.Join(dir, "pw")
	src := []byte("[general]\naccounts = a\n[Account a]\nlocalrepository = l\nremoterepository = r\n[Repository l]\ntype = Maildir\nlocalfolders = " +
		dir + "\n[Repository r]\ntype = IMAP\nremotehost = h\nremoteuser = u\nremotepassfile = " + pw + "\nssl = yes\nsslcacertfile = OS-DEFAULT\n")
	for mode, told := range map[os.FileMode]bool{0o600: false, 0o640: true, 0o604: true} {
		if err := os.WriteFile(pw, []byte("x\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(pw, mode); err != nil {
			t.Fatal(err)
		}
		_, problems := parse(filepath.Join(dir, "rc"), src, 0o600)
		found := false
		for _, p := range problems {
			found = found || p.Option == "remotepassfile" && strings.Contains(p.Hint, "chmod 600")
		}
		if found != told {
			t.Errorf("mode %o: told: %v; %v", mode, found, problems)
		}
	}
}
