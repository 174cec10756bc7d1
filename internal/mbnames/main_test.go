package mbnames

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const writerVar = "MBNAMES_TEST_WRITER"

// TestMain is a program of its own as well, for the test with several of them.
func TestMain(m *testing.M) {
	if dir := os.Getenv(writerVar); dir != "" {
		if err := writeMany(dir, os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// python runs a script with in as JSON in the variable "given" and decodes what it
// leaves in "answer".
func python(t *testing.T, script string, in, out any) {
	t.Helper()
	data, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("python3", "-c", "import json, sys\ngiven = json.load(sys.stdin)\n"+script+"\njson.dump(answer, sys.stdout)\n")
	cmd.Stdin = bytes.NewReader(data)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	answer, err := cmd.Output()
	if err != nil {
		t.Fatalf("python3 (Debian package python3): %v\n%s", err, &stderr)
	}
	if err := json.Unmarshal(answer, out); err != nil {
		t.Fatalf("%v\n%s", err, answer)
	}
}

// mutt is what most people have, for the golden example of the manual.
func mutt(t *testing.T) Options {
	dir := t.TempDir()
	return Options{
		Dir: filepath.Join(dir, "state", "mbnames"), File: filepath.Join(dir, "mailboxes"),
		Header: "mailboxes ", PerItem: `"+%(accountname)s/%(foldername)s"`, Sep: " ", Footer: "\n",
		Warn: func(text string) { t.Errorf("warning: %s", text) },
	}
}

func newWriter(t *testing.T, o Options) *Writer {
	t.Helper()
	w, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func record(t *testing.T, w *Writer, account string, folders ...string) {
	t.Helper()
	if err := w.Record(context.Background(), account, "/mail/"+account, folders); err != nil {
		t.Fatal(err)
	}
}

// written writes the list and returns it.
func written(t *testing.T, w *Writer) string {
	t.Helper()
	if err := w.Write(context.Background()); err != nil {
		t.Fatal(err)
	}
	return read(t, w.o.File)
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// wantError checks that err is there and says all of parts.
func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error; want one with %q", parts)
		return
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("error %q does not say %q", err, p)
		}
	}
}
