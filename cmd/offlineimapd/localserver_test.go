package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// Nobody is asked for the password of the local server, so that one that is missing
// or wrong is said to be this one.
func TestLocalServerPassword(t *testing.T) {
	there, here := servers(t)
	for _, c := range []struct{ is, want string }{
		{"", "into the local repository"},
		{"remotepass = wrong\n", "password of the local repository"},
	} {
		b := newBoth(t, there, here)
		text, err := os.ReadFile(b.config())
		if err != nil {
			t.Fatal(err)
		}
		text = bytes.Replace(text, []byte("remotepass = "+b.pass+"\n"), []byte(c.is), 1)
		if err := os.WriteFile(b.config(), text, 0o600); err != nil {
			t.Fatal(err)
		}
		status, out, errs := b.run()
		if status == exitOK || !strings.Contains(out+errs, c.want) {
			t.Errorf("%q: status %d, %s%s", c.is, status, out, errs)
		}
	}
}
