package config

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/offlineimap/offlineimapd/internal/config/ini"
)

// sample returns OfflineIMAP's sample configuration, from Debian's package.
func sample(t *testing.T) string {
	t.Helper()
	const path = "usr/share/doc/offlineimap3/examples/offlineimap.conf"
	if src, err := os.ReadFile("/" + path); err == nil {
		return string(src)
	}
	// dpkg may have been told to leave out all documentation.
	dir := t.TempDir()
	get := exec.Command("sh", "-ec", "apt-get download -q offlineimap3 >&2; dpkg -x offlineimap3_*.deb .")
	get.Dir = dir
	if out, err := get.CombinedOutput(); err != nil {
		t.Fatalf("get the sample configuration: %v; apt-get update, or install offlineimap3 with its documentation\n%s", err, out)
	}
	src, err := os.ReadFile(filepath.Join(dir, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(src)
}

// example is one option of the sample: as it stands there, or with the comment
// sign taken off the lines of a commented one.
type example struct {
	Line    int     `json:"line"`
	Section string  `json:"section"`
	Option  string  `json:"option"`
	Value   *string `json:"value"` // what Python makes of it; nil: an error
	// Is what OfflineIMAP makes of that.
	Is  json.RawMessage `json:"is"`
	src string          // the whole file with it
}

var (
	optionLine = regexp.MustCompile(`^(#? ?)([a-z][a-z0-9_-]*) *= ?(.*)$`)
	headerLine = regexp.MustCompile(`^\[(.*)\]$`)
)

func examples(src string) []example {
	lines := strings.Split(src, "\n")
	var found []example
	section := ""
	for i, line := range lines {
		if m := headerLine.FindStringSubmatch(line); m != nil {
			section = m[1]
		}
		m := optionLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		e := example{Line: i + 1, Section: section, Option: m[2]}
		now := slices.Clone(lines)
		if m[1] != "" {
			if section == "" { // an example within the text at the beginning
				e.Section, now[i-1] = "DEFAULT", "[DEFAULT]"
			}
			now[i] = line[len(m[1]):]
			open := brackets(m[3])
			for j := i + 1; open > 0 && strings.HasPrefix(lines[j], "#"); j++ {
				now[j] = " " + lines[j][1:]
				open += brackets(lines[j])
			}
		}
		e.src = strings.Join(now, "\n")
		found = append(found, e)
	}
	return found
}

func equalJSON(a, b json.RawMessage) bool {
	var x, y bytes.Buffer
	return json.Compact(&x, a) == nil && json.Compact(&y, b) == nil && x.String() == y.String()
}

func brackets(s string) (open int) {
	for _, c := range s {
		switch c {
		case '(', '[', '{':
			open++
		case ')', ']', '}':
			open--
		}
	}
	return open
}

// told are the problems that examples of the sample rightly have: it names files
// that are not there, values that are none, and a variable that nothing uses.
var told = map[string]string{
	"gmailtrashfolder":          `^unknown option$`,
	"pythonfile":                `no such file`,
	"sslclientcert":             `no such file`,
	"sslclientkey":              `no such file|without sslclientcert`,
	"sslcacertfile":             `no such file`,
	"cert_fingerprint":          `is not hexadecimal`,
	"auth_mechanisms":           `^(GSSAPI|XOAUTH2) is not used`,
	"oauth2_refresh_token":      `there is no oauth2_request_url`,
	"oauth2_refresh_token_eval": `there is no oauth2_request_url`,
	"remotepass":                `^a single percent sign$`, // of what looks like a comment
	"trashfolder":               `^obsolete: it has no effect$`,
}

// notYet is said of an option that waits for its turn.
var notYet = regexp.MustCompile(`^not used yet: |^refusing account "Test": \w+ is not supported yet`)

// Each option of the sample, and each commented one, has the value that Python
// reads, and no problem but that it is not used.
func TestSample(t *testing.T) {
	const golden = "testdata/sample.json"
	home := t.TempDir()
	t.Setenv("HOME", home)
	src := sample(t)
	found := examples(src)
	type question struct {
		File    string `json:"file"`
		Section string `json:"section"`
		Option  string `json:"option"`
		Type    string `json:"type"`
	}
	var ask []question
	for _, e := range found {
		f, _ := ini.Parse([]byte(e.src))
		var typ valueType
		if s, ok := f.Section(e.Section); ok {
			o, _ := find(e.Option, (&loader{file: f}).place(s))
			typ = o.typ
		}
		ask = append(ask, question{e.src, e.Section, e.Option, string(typ)})
	}
	js, err := json.Marshal(ask)
	if err != nil {
		t.Fatal(err)
	}
	python := exec.Command("/usr/bin/python3", "testdata/sample.py")
	python.Stdin, python.Stderr = bytes.NewReader(js), os.Stderr
	out, err := python.Output()
	if err != nil {
		t.Fatalf("ask OfflineIMAP: %v; it is in the package offlineimap3", err)
	}
	var answers []struct {
		Value *string         `json:"value"`
		Is    json.RawMessage `json:"is"`
	}
	if err := json.Unmarshal(out, &answers); err != nil {
		t.Fatal(err)
	}
	for i := range found {
		found[i].Value, found[i].Is = answers[i].Value, json.RawMessage(strings.ReplaceAll(string(answers[i].Is), home, "HOME"))
	}
	table := struct {
		Sample  string    `json:"sample"` // the digest of the file
		Options []example `json:"options"`
	}{fmt.Sprintf("%x", sha256.Sum256([]byte(src))), found}
	if *update {
		js, err := json.MarshalIndent(table, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, append(js, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := table
	if js, err = os.ReadFile(golden); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(js, &want); err != nil {
		t.Fatal(err)
	}
	if want.Sample != table.Sample {
		t.Log("the sample of another release: only the python3 of this machine judges")
		want = table
	}
	if len(want.Options) != len(found) {
		t.Fatalf("%s has %d values, the sample %d options: run go test -update", golden, len(want.Options), len(found))
	}
	for i, e := range found {
		w := want.Options[i]
		if w.Line != e.Line || w.Section != e.Section || w.Option != e.Option || !reflect.DeepEqual(w.Value, e.Value) || !equalJSON(w.Is, e.Is) {
			t.Errorf("%s is not what Python says in line %d: [%s] %s = %+v, %s", golden, e.Line, e.Section, e.Option, e.Value, e.Is)
		}
		f, errs := ini.Parse([]byte(e.src))
		section, ok := f.Section(e.Section)
		if e.Section == "DEFAULT" {
			section, ok = f.Default, true
		}
		if len(errs) > 0 || len(f.Repeated) > 0 || !ok {
			t.Errorf("line %d: %s: %v", e.Line, e.Option, errs)
			continue
		}
		got, ok, err := section.Get(e.Option)
		if e.Option == "peritem" {
			o, _, _ := section.Lookup(e.Option)
			got, err = o.Raw, nil
		}
		if !ok || (err != nil) != (w.Value == nil) || err == nil && got != *w.Value {
			t.Errorf("line %d: %s is %q %v, not what Python says", e.Line, e.Option, got, err)
		}
		path := filepath.Join(home, "config")
		if err := os.WriteFile(path, []byte(e.src), 0o600); err != nil {
			t.Fatal(err)
		}
		_, problems, err := Load(path)
		if err != nil && !errors.Is(err, ErrInvalid) {
			t.Fatal(err)
		}
		for _, p := range problems {
			text := told[e.Option]
			if p.Option != e.Option || !notYet.MatchString(p.Text) && (text == "" || !regexp.MustCompile(text).MatchString(p.Text)) {
				t.Errorf("line %d: %s: a false %s: %s", e.Line, e.Option, p.Severity, p)
			}
		}
		// The repositories of the second kind belong to no account.
		gmail := e.src + "\n[Account Gmail]\nlocalrepository = GmailLocalExample\nremoterepository = GmailExample\n"
		if err := os.WriteFile(path, []byte(gmail), 0o600); err != nil {
			t.Fatal(err)
		}
		w.Is = json.RawMessage(strings.ReplaceAll(string(w.Is), "HOME", home))
		w.value(t, path)
	}
}
