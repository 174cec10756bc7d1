// Package packaging has no code of its own, only what is packed. Its tests build
// the Debian package once, look at what is in it, and use it as people do: on a
// booted systemd, as an ordinary user.
package packaging

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// scratch is a directory for all tests of the package, below which no other
// user is kept out.
var scratch string

// helperVariable makes this binary the helper of a test; see helper.
const helperVariable = "OFFLINEIMAPD_TEST_HELPER"

func TestMain(m *testing.M) {
	if os.Getenv(helperVariable) != "" {
		os.Exit(helper(os.Args[1:]))
	}
	dir, err := os.MkdirTemp("", "packaging")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	scratch = dir
	status := m.Run()
	os.RemoveAll(dir)
	os.Exit(status)
}

// build is what make deb left.
type build struct {
	dir    string   // with bin, man and root
	deb    string   // the package
	env    []string // what the build depended on besides the tree
	helper string   // these tests, without the race detector, to be a client in a desk
}

func (b build) program(name string) string { return filepath.Join(b.dir, "bin", name) }
func (b build) page(name string) string    { return filepath.Join(b.dir, "man", name) }

var once = sync.OnceValues(func() (build, error) {
	var env []string
	for name, ask := range map[string]string{"VERSION": "version", "SOURCE_DATE_EPOCH": "epoch"} {
		out, err := exec.Command("sh", "version.sh", ask).Output()
		if err != nil {
			return build{}, fmt.Errorf("version.sh %s: %w", ask, err)
		}
		env = append(env, name+"="+strings.TrimSpace(string(out)))
	}
	b, err := makeDeb("..", filepath.Join(scratch, "deb"), env...)
	if err != nil {
		return b, err
	}
	b.helper = filepath.Join(scratch, "helper")
	if out, err := exec.Command("go", "test", "-c", "-buildvcs=false", "-o", b.helper, ".").CombinedOutput(); err != nil {
		return b, fmt.Errorf("build the helper: %w\n%s", err, out)
	}
	return b, nil
})

// built returns the one build that all tests share.
func built(t testing.TB) build {
	t.Helper()
	b, err := once()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// makeDeb builds the package of the tree at top into dir.
func makeDeb(top, dir string, env ...string) (build, error) {
	cmd := exec.Command("make", "--no-print-directory", "deb", "DIST="+dir)
	cmd.Dir = top
	// This test may run below another make, whose settings are not meant for this.
	cmd.Env = append(os.Environ(), append(env, "MAKEFLAGS=", "MAKELEVEL=")...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return build{}, fmt.Errorf("make deb: %w\n%s", err, out)
	}
	found, err := filepath.Glob(filepath.Join(dir, "*.deb"))
	if err != nil || len(found) != 1 {
		return build{}, fmt.Errorf("make deb left %q (%v), not one package", found, err)
	}
	return build{dir: dir, deb: found[0], env: env}, nil
}

// output returns what a program prints.
func output(t testing.TB, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}
