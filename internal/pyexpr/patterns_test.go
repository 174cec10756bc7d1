package pyexpr_test

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/offlineimap/offlineimapd/internal/pyexpr"
)

// names are the folders that functions of one argument are called with.
var names = []string{
	"INBOX", "INBOX.Sent", "[Gmail]/All Mail", "Trash", "Lists.foo.bar", "Entwürfe", "G&AOQ-ste", "", "Work/a b",
	"日本語.Ωmega", "inbox", ".x.", "a\nb", "😀",
}

func onNames() [][]any {
	var out [][]any
	for _, n := range names {
		out = append(out, []any{n})
	}
	return out
}

// patterns reads the table: the kinds of expressions that are found in people's
// configurations, by number, each in several shapes; 0 is what else Python has.
// What is marked needs a file of helpers, or a program.
func patterns(t testing.TB) (list []expr, needy []bool) {
	t.Helper()
	data, err := os.ReadFile("testdata/patterns.json")
	if err != nil {
		t.Fatal(err)
	}
	var rows [][3]json.RawMessage
	if err := json.Unmarshal(data, &rows); err != nil {
		t.Fatal(err)
	}
	seen := map[int]bool{}
	for _, row := range rows {
		var n int
		e, marked := expr{}, false
		for i, to := range []any{&n, &e.src} {
			if err := json.Unmarshal(row[i], to); err != nil {
				t.Fatal(err)
			}
		}
		seen[n] = true
		switch string(row[2]) {
		case `"names"`:
			e.calls = onNames()
		case `"unsupported"`:
			marked = true
		default:
			if err := json.Unmarshal(row[2], &e.calls); err != nil {
				t.Fatal(err)
			}
		}
		list = append(list, e)
		needy = append(needy, marked)
	}
	for n := range 66 {
		if !seen[n] {
			t.Errorf("pattern %d is not in the table", n)
		}
	}
	return list, needy
}

var update = flag.Bool("update", false, "write testdata/answers.json anew, from CPython")

// recorded are CPython's answers: for each expression of the table its number,
// whether it is answered in the process, and the answers of its calls.
type recorded struct {
	Source  string
	Where   string
	Answers []string
}

const answersFile = "testdata/answers.json"

// record compares what CPython says with what it said when the answers were
// recorded.
func record(t *testing.T, list []expr, needy []bool) {
	t.Helper()
	var own []expr
	for i, e := range list {
		if !needy[i] {
			own = append(own, e)
		}
	}
	var lines []string
	answers := python(t, own)
	for i, e := range list {
		r := recorded{Source: e.src, Where: "python3"}
		if !needy[i] {
			r.Answers, answers = answers[0], answers[1:]
			if !slices.Contains(forPython, e.src) {
				r.Where = "in process"
			}
		}
		line, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, string(line))
	}
	now := "[\n" + strings.Join(lines, ",\n") + "\n]\n"
	if *update {
		if err := os.WriteFile(answersFile, []byte(now), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	was, err := os.ReadFile(answersFile)
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(string(was), "\n") {
		if i > 0 && i <= len(lines) && strings.TrimSuffix(line, ",") != lines[i-1] {
			t.Errorf("CPython said\n%s\nand now says\n%s", line, lines[i-1])
		}
	}
	if strings.Count(string(was), "\n") != strings.Count(now, "\n") {
		t.Errorf("%s is not of this table: go test -update", answersFile)
	}
}

// TestPatterns compares every one with CPython: with what it said once, and with
// what it says now.
func TestPatterns(t *testing.T) {
	t.Setenv("HOME", "/home/me")
	t.Setenv("MAIL_USER", "me@example.net")
	t.Setenv("MAIL_PORT", "1143")
	list, needy := patterns(t)
	record(t, list, needy)
	var own []expr
	for i, e := range list {
		if !needy[i] {
			own = append(own, e)
			continue
		}
		v, err := pyexpr.Eval(t.Context(), e.src)
		if f, ok := v.(pyexpr.Func); ok {
			args := []any{"INBOX"}
			if strings.HasPrefix(e.src, "lambda:") {
				args = nil
			}
			_, err = f.Call(t.Context(), args...)
		}
		if !errors.Is(err, pyexpr.ErrUnsupported) {
			t.Errorf("%s: %v, %v", e.src, v, err)
		}
	}
	left := map[string]int{}
	equal, n := compare(t, own, func(i int) bool { left[own[i].src]++; return true })
	for src, n := range left {
		if !slices.Contains(forPython, src) {
			t.Errorf("%s is left to Python for %d arguments", src, n)
		}
	}
	t.Logf("%d expressions, %d answers equal, %d left to Python", len(own), equal, n)
}

// forPython are the expressions of the table that only Python answers.
var forPython = []string{
	"lambda f: f.nothing", // what is not known here may be an attribute in some version
}
