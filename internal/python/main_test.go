package python

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/offlineimap/offlineimapd/internal/pyexpr"
)

const parentVar = "PYTHON_TEST_PARENT"

// TestMain is a program of its own as well, for the test that kills it.
func TestMain(m *testing.M) {
	if file := os.Getenv(parentVar); file != "" {
		parent(file)
		return
	}
	goleak.VerifyTestMain(m)
}

// nothing is an evaluator in the process that knows numbers only.
func nothing(_ context.Context, src string) (any, error) {
	if n, err := strconv.ParseInt(src, 10, 64); err == nil {
		return n, nil
	}
	if src == "1/0" {
		return nil, &pyexpr.Error{Kind: "ZeroDivisionError", Text: "division by zero"}
	}
	return nil, fmt.Errorf("%.10q: %w", src, pyexpr.ErrUnsupported)
}

// lines collects what was logged.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) add(s string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, s)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.all, "\n")
}

// write makes a file of helpers.
func write(t *testing.T, body string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "helpers.conf")
	if err := os.WriteFile(file, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// evaluator makes one over a file with that body, or without a file.
func evaluator(t *testing.T, body string, change ...func(*Options)) (*Evaluator, *lines) {
	t.Helper()
	log := &lines{}
	o := Options{InProcess: nothing, Limit: 20 * time.Second, Log: log.add}
	if body != "" {
		o.File = write(t, body)
	}
	for _, c := range change {
		c(&o)
	}
	e := New(o)
	t.Cleanup(e.Close)
	return e, log
}

func limit(d time.Duration) func(*Options) { return func(o *Options) { o.Limit = d } }

func must(t *testing.T, e *Evaluator, src string) any {
	t.Helper()
	v, err := e.Eval(t.Context(), src)
	if err != nil {
		t.Fatalf("%s: %v", src, err)
	}
	return v
}

func fails(t *testing.T, e *Evaluator, src string, want ...string) error {
	t.Helper()
	v, err := e.Eval(t.Context(), src)
	if err == nil {
		t.Fatalf("%s gives %#v, want an error", src, v)
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%s: %q does not speak of %q", src, err, w)
		}
	}
	return err
}

func call(t *testing.T, f any, args ...any) any {
	t.Helper()
	fn, ok := f.(pyexpr.Func)
	if !ok {
		t.Fatalf("%#v is no function", f)
	}
	v, err := fn.Call(t.Context(), args...)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// child is the process ID of the child that runs, or 0.
func (e *Evaluator) child() int {
	e.turn <- struct{}{}
	defer func() { <-e.turn }()
	if e.host == nil {
		return 0
	}
	return e.host.cmd.Process.Pid
}

// runs tells whether a process is there and no zombie.
func runs(pid int) bool {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(data), ") Z ")
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within 10 s", what)
		}
	}
}

func isException(err error, kind string) bool {
	var e *pyexpr.Error
	return errors.As(err, &e) && e.Kind == kind
}
