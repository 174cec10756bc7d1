package packaging

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// entry is one file or directory of a package.
type entry struct{ mode, owner, path string }

func contents(t *testing.T, deb string) []entry {
	var all []entry
	for line := range strings.Lines(output(t, "dpkg-deb", "--contents", deb)) {
		// drwxr-xr-x root/root         0 2026-11-25 03:21 ./usr/
		f := strings.Fields(line)
		if len(f) < 6 {
			t.Fatalf("dpkg-deb says %q", line)
		}
		all = append(all, entry{f[0], f[1], strings.TrimPrefix(f[5], ".")})
	}
	return all
}

// asOfflineIMAP is the program under the name of OfflineIMAP.
const asOfflineIMAP = "/usr/lib/offlineimapd/offlineimap"

// TestContents holds the package against the list of what is in it and where.
// The list is the promise; a change to it is one to what people have installed.
func TestContents(t *testing.T) {
	var got []string
	for _, e := range contents(t, built(t).deb) {
		want := map[bool]string{true: "drwxr-xr-x", false: "-rw-r--r--"}[strings.HasSuffix(e.path, "/")]
		switch {
		case strings.HasPrefix(e.path, "/usr/bin/offlineimap"):
			want = "-rwxr-xr-x"
		case e.path == asOfflineIMAP:
			want = "lrwxrwxrwx" // a link has no mode of its own
		}
		if e.mode != want || e.owner != "root/root" {
			t.Errorf("%s is %s of %s, not %s of root/root", e.path, e.mode, e.owner, want)
		}
		if !strings.HasSuffix(e.path, "/") {
			got = append(got, e.path)
		}
	}
	slices.Sort(got)
	list, err := os.ReadFile("testdata/contents")
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Fields(string(list))
	for _, path := range got {
		if !slices.Contains(want, path) {
			t.Errorf("%s is in the package, and not in testdata/contents", path)
		}
	}
	for _, path := range want {
		if !slices.Contains(got, path) {
			t.Errorf("%s is in testdata/contents, and not in the package", path)
		}
	}
}

func TestControl(t *testing.T) {
	deb := built(t).deb
	field := func(name string) string { return strings.TrimSpace(output(t, "dpkg-deb", "--field", deb, name)) }
	tests := []struct{ field, want string }{
		{"Package", `offlineimapd`},
		{"Version", `\d+\.\d+\.\d+([~+][a-z0-9.~+]+)?`},
		{"Architecture", regexp.QuoteMeta(strings.TrimSpace(output(t, "dpkg", "--print-architecture")))},
		{"Section", `mail`},
		{"Depends", `libc6 \(>= 2\.\d+\)`},
		{"Recommends", `.*\bdbus-user-session, libpam-systemd\b.*`},
		{"Homepage", `https://.*`},
		{"Maintainer", `.* <.*@.*>`},
		{"Description", `(?s)[^A-Z\n][^\n]{10,70}[^.\n]\n .*`},
	}
	for _, tt := range tests {
		if got := field(tt.field); !regexp.MustCompile(`^(` + tt.want + `)$`).MatchString(got) {
			t.Errorf("%s: %q, not as %s", tt.field, got, tt.want)
		}
	}
	dir := t.TempDir()
	output(t, "dpkg-deb", "--control", deb, dir)
	var files []string
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range list {
		files = append(files, f.Name())
	}
	// No maintainer scripts: nothing runs, and nothing is enabled, at installation.
	if want := []string{"conffiles", "control", "md5sums"}; !slices.Equal(files, want) {
		t.Errorf("the control archive has %q, not %q", files, want)
	}
	conffiles, err := os.ReadFile(filepath.Join(dir, "conffiles"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range contents(t, deb) {
		inEtc := strings.HasPrefix(e.path, "/etc/") && !strings.HasSuffix(e.path, "/")
		if listed := slices.Contains(strings.Fields(string(conffiles)), e.path); listed != inEtc {
			t.Errorf("%s: a configuration file: %v, listed as one: %v", e.path, inEtc, listed)
		}
	}
}

// TestPrograms makes sure that the programs are of this version, and carry
// nothing of the machine that built them.
func TestPrograms(t *testing.T) {
	b := built(t)
	version := strings.TrimSpace(output(t, "dpkg-deb", "--field", b.deb, "Version"))
	top, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	for name, ask := range map[string]string{"offlineimapd": "--version", "offlineimapctl": "version", "offlineimap-applet": "--version"} {
		if got := output(t, b.program(name), ask); !strings.Contains(got, version) {
			t.Errorf("%s is version %q, not %s", name, got, version)
		}
		code, err := os.ReadFile(b.program(name))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(code, []byte(top)) || bytes.Contains(code, []byte(scratch)) {
			t.Errorf("%s has the path of its source in it", name)
		}
	}
}

// TestAsOfflineIMAP calls the program by that name. The path is in no other
// package, so that OfflineIMAP may be installed beside it.
func TestAsOfflineIMAP(t *testing.T) {
	b := built(t)
	version := strings.TrimSpace(output(t, "dpkg-deb", "--field", b.deb, "Version"))
	link := filepath.Join(b.dir, "root", asOfflineIMAP)
	if got := output(t, link, "--version"); !strings.Contains(got, version) || strings.Contains(got, "offlineimap") {
		t.Errorf("it is version %q", got)
	}
	if got := output(t, link, "-h"); !strings.HasPrefix(got, "usage: offlineimap [") {
		t.Errorf("its usage is %s", got)
	}
	for _, field := range []string{"Conflicts", "Replaces", "Breaks"} {
		if got := output(t, "dpkg-deb", "--field", b.deb, field); strings.TrimSpace(got) != "" {
			t.Errorf("%s: %s", field, got)
		}
	}
}

// TestNamed makes sure that what the files of the package name is there: the
// programs that units start, the manual pages that they refer to, the units that
// bus activation starts.
func TestNamed(t *testing.T) {
	b := built(t)
	root := filepath.Join(b.dir, "root")
	there := func(path string) bool {
		_, err := os.Stat(filepath.Join(root, path))
		return err == nil
	}
	program := regexp.MustCompile(`(?m)^(?:Exec\w*|TryExec)=(/\S+)`)
	page := regexp.MustCompile(`man:([\w.-]+)\((\d)\)`)
	unit := regexp.MustCompile(`(?m)^SystemdService=(\S+)`)
	found := 0
	for _, e := range contents(t, b.deb) {
		if strings.HasSuffix(e.path, "/") || strings.HasSuffix(e.path, ".gz") || strings.HasPrefix(e.path, "/usr/bin/") || e.path == asOfflineIMAP {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, e.path))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range program.FindAllStringSubmatch(string(text), -1) {
			found++
			if strings.HasPrefix(filepath.Base(m[1]), "offlineimap") && !there(m[1]) {
				t.Errorf("%s starts %s, which is not in the package", e.path, m[1])
			}
		}
		for _, m := range page.FindAllStringSubmatch(string(text), -1) {
			found++
			if strings.HasPrefix(m[1], "offlineimap") && !there("/usr/share/man/man"+m[2]+"/"+m[1]+"."+m[2]+".gz") {
				t.Errorf("%s refers to %s(%s), which is not in the package", e.path, m[1], m[2])
			}
		}
		for _, m := range unit.FindAllStringSubmatch(string(text), -1) {
			found++
			if !there("/usr/lib/systemd/user/" + m[1]) {
				t.Errorf("%s starts %s, which is not in the package", e.path, m[1])
			}
		}
	}
	if found < 10 {
		t.Errorf("only %d names were found: is anything checked at all?", found)
	}
}

// TestReproducible builds the package from a copy of the tree at another place,
// under another umask.
func TestReproducible(t *testing.T) {
	b := built(t)
	copied := filepath.Join(scratch, "a copy elsewhere")
	if err := os.Mkdir(copied, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", `cd .. && git -c safe.directory="*" ls-files -z --cached --others --exclude-standard |
		xargs -0 sh -c 'for f; do [ ! -e "$f" ] || printf "%s\0" "$f"; done' sh | tar -c --null -T - | (cd "$0" && umask 077 && tar -xm --no-same-permissions)`, copied)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("copy the tree: %v\n%s", err, out)
	}
	again, err := makeDeb(copied, filepath.Join(copied, "dist"), b.env...)
	if err != nil {
		t.Fatal(err)
	}
	one, err := os.ReadFile(b.deb)
	if err != nil {
		t.Fatal(err)
	}
	other, err := os.ReadFile(again.deb)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(one, other) {
		cmd := exec.Command("diff", "-rq", filepath.Join(b.dir, "root"), filepath.Join(again.dir, "root"))
		out, _ := cmd.CombinedOutput()
		t.Errorf("two builds are not equal; what differs in them:\n%s", out)
	}
}
