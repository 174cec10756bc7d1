package hook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// journal is what was logged: "level text".
type journal struct{ lines []string }

func (j *journal) log(level slog.Level, text string) {
	j.lines = append(j.lines, strings.ToLower(level.String())+" "+text)
}

func (j *journal) String() string { return strings.Join(j.lines, "\n") }

func (j *journal) has(line string) bool { return slices.Contains(j.lines, line) }

func hook(shell string) (Command, *journal) {
	j := &journal{}
	return Command{Name: "presynchook", Account: "work", Mode: "full", Shell: shell, Limit: 20 * time.Second, Log: j.log}, j
}

// out runs a hook that has to succeed, and returns what it said on standard output.
func out(t *testing.T, c Command) string {
	t.Helper()
	j := &journal{}
	c.Log = j.log
	if err := c.Run(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, j)
	}
	var said []string
	for _, l := range j.lines {
		if s, ok := strings.CutPrefix(l, "info Hook stdout: "); ok {
			said = append(said, s)
		}
	}
	return strings.Join(said, "\n")
}

func TestLog(t *testing.T) {
	for _, c := range []struct {
		shell, err string
		log        []string
	}{
		{"echo a; echo b", "", []string{"info Calling hook: echo a; echo b", "info Hook stdout: a", "info Hook stdout: b", "info Hook return code: 0"}},
		{"printf 'no end of line'", "", []string{"info Calling hook: printf 'no end of line'", "info Hook stdout: no end of line", "info Hook return code: 0"}},
		{"echo e >&2; exit 3", "exit status 3", []string{"info Calling hook: echo e >&2; exit 3", "info Hook stderr: e", "warn Hook return code: 3"}},
		{"kill -TERM $$", "signal: terminated", []string{"info Calling hook: kill -TERM $$", "warn Hook return code: -15"}},
		{"exit 255", "exit status 255", []string{"info Calling hook: exit 255", "warn Hook return code: 255"}},
		{"  true\nexit 1\n", "exit status 1", []string{`info Calling hook: true\nexit 1`, "warn Hook return code: 1"}},
		{"cat; echo read", "", []string{"info Calling hook: cat; echo read", "info Hook stdout: read", "info Hook return code: 0"}},
		{"exec >&- 2>&-; sleep 0.05; exit 4", "exit status 4", []string{"info Calling hook: exec >&- 2>&-; sleep 0.05; exit 4", "warn Hook return code: 4"}},
		{"", "", nil},
		{" \n\t ", "", nil},
	} {
		h, j := hook(c.shell)
		err := h.Run(t.Context())
		if !slices.Equal(j.lines, c.log) {
			t.Errorf("%q logs\n%s\nwant\n%s", c.shell, j, strings.Join(c.log, "\n"))
		}
		if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.HasSuffix(err.Error(), c.err)) {
			t.Errorf("%q: %v, want %q", c.shell, err, c.err)
		}
	}
}

func TestNotFound(t *testing.T) {
	h, j := hook("/nonexistent/program")
	var exit *exec.ExitError
	if err := h.Run(t.Context()); !errors.As(err, &exit) || exit.ExitCode() != 127 || !strings.Contains(j.String(), "info Hook stderr: ") {
		t.Errorf("%v\n%s", err, j)
	}
	h, j = hook("a\x00b")
	if err := h.Run(t.Context()); err == nil || !strings.HasPrefix(j.lines[len(j.lines)-1], "warn The hook was not called: ") {
		t.Errorf("a command with a NUL: %v\n%s", err, j)
	}
}

func TestDryRun(t *testing.T) {
	file := filepath.Join(t.TempDir(), "made")
	h, j := hook("touch " + file)
	h.DryRun = true
	if err := h.Run(t.Context()); err != nil || !slices.Equal(j.lines, []string{"info [DRYRUN] Calling hook: touch " + file}) {
		t.Errorf("%v\n%s", err, j)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("the hook was run")
	}
}

func TestEnvironment(t *testing.T) {
	for _, v := range append([]string{"OIMAP_HOOK_NAME", "OFFLINEIMAPSYNCMODE"}, notTheirs...) {
		t.Setenv(v, "of the service")
	}
	t.Setenv("HOOK_TEST", "inherited")
	t.Setenv("LISTEN_ADDRESS", "a person's own")
	h, _ := hook("env | grep -E '^(OIMAP|OFFLINEIMAP|NOTIFY|WATCHDOG|LISTEN|HOOK_TEST)' | sort")
	h.Account, h.Mode = "my work = ü", "quick"
	want := "HOOK_TEST=inherited\nLISTEN_ADDRESS=a person's own\nOFFLINEIMAPSYNCMODE=quick\nOIMAP_ACCOUNT_NAME=my work = ü\nOIMAP_HOOK_NAME=presynchook"
	if got := out(t, h); got != want {
		t.Errorf("the environment is\n%s\nwant\n%s", got, want)
	}
	h.Env = []string{"PATH=" + os.Getenv("PATH"), "NOTIFY_SOCKET=/x", "HOOK_TEST=given"}
	if got := out(t, h); !strings.HasPrefix(got, "HOOK_TEST=given\nOFFLINEIMAPSYNCMODE=") || strings.Contains(got, "NOTIFY") {
		t.Errorf("with one given the environment is\n%s", got)
	}
}

// A hook has standard input, output and error, and nothing else of ours.
func TestDescriptors(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	// What the one who started us left open has no close-on-exec, and is not ours.
	inherited := map[string]bool{}
	es, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range es {
		n, _ := strconv.Atoi(e.Name())
		if flags, err := unix.FcntlInt(uintptr(n), unix.F_GETFD, 0); err == nil && n > 2 && flags&unix.FD_CLOEXEC == 0 {
			inherited[e.Name()] = true
		}
	}
	h, _ := hook("ls /proc/$$/fd; true")
	h.Changes = &Changes{}
	got := strings.Fields(out(t, h))
	for _, fd := range got {
		if n, err := strconv.Atoi(fd); err != nil || n > 2 && !inherited[fd] {
			t.Errorf("a hook has our descriptor %s", fd)
		}
	}
	if len(got) < 3 {
		t.Errorf("a hook has %q", got)
	}
}

// A hook that asks on the terminal is told that there is none.
func TestNoTerminal(t *testing.T) {
	h, j := hook("read answer < /dev/tty")
	if err := h.Run(t.Context()); err == nil || !strings.Contains(j.String(), "/dev/tty") {
		t.Errorf("%v\n%s", err, j)
	}
	h, _ = hook(`echo $(cut -d" " -f6 /proc/$$/stat) $$`)
	if f := strings.Fields(out(t, h)); len(f) != 2 || f[0] != f[1] {
		t.Errorf("session and process are %q", f)
	}
}

// What a hook says is bounded, and it may go on saying it.
func TestFlood(t *testing.T) {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for shell, want := range map[string]string{
		"yes | head -c 100000000":                            "info Hook stdout: (49999800 more lines of 99999600 octets are not shown)",
		"head -c 100000000 /dev/zero; echo; echo after":      "info Hook stdout: after",
		"i=0; while [ $i -lt 200 ]; do echo $((i+=1)); done": "info Hook stdout: 200",
		"yes $(printf %5000s | tr ' ' x) | head -n 100 >&2":  "info Hook stderr: (34 more lines of 170034 octets are not shown)",
	} {
		h, j := hook(shell)
		if err := h.Run(t.Context()); err != nil {
			t.Errorf("%s: %v", shell, err)
		}
		if n := len(j.lines); n > mostLines+3 || len(j.String()) > mostOctets+mostLines*40+2*longest {
			t.Errorf("%s: %d lines, %d octets are logged", shell, n, len(j.String()))
		}
		if !j.has(want) {
			t.Errorf("%s: the log ends with %q, want %q", shell, j.lines[max(0, len(j.lines)-2):], want)
		}
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 20<<20 {
		t.Errorf("%d octets were allocated", n)
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                        "plain",
		"ü\tx":                         "ü x",
		"\x1b[1;31mred\x1b[0m":         "red",
		"\x1b]0;title\x07text":         "text",
		"10%\r50%\r100%\r":             "100%",
		"dos\r":                        "dos",
		"a\x00b\x07\x1bc\u202ed\u2028": "abcd",
		"\xff\xfebin\xc3":              "\uFFFDbin\uFFFD",
		"\x1b[31":                      "[31",
		"":                             "",
		"   ":                          "",
		strings.Repeat("ü", 600):       strings.Repeat("ü", 500) + "…",
		strings.Repeat("\x01", 9e3):    "…",
	} {
		if got := clean(in); got != want {
			t.Errorf("%.40q becomes %.40q, want %.40q", in, got, want)
		}
	}
}

func TestBinary(t *testing.T) {
	h, j := hook("head -c 300000 /dev/urandom; head -c 300000 /dev/urandom >&2")
	if err := h.Run(t.Context()); err != nil {
		t.Error(err)
	}
	for _, l := range j.lines {
		if !utf8.ValidString(l) || strings.ContainsFunc(l, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }) {
			t.Errorf("%q is logged", l)
		}
	}
}

// A hook ends in time, and all that it has started with it.
func TestEnds(t *testing.T) {
	const brief = 300 * time.Millisecond
	const stubborn = "trap '' TERM; "
	for _, c := range []struct {
		name, shell string
		cancel      bool
		least, most time.Duration
		code        string
	}{
		{"limit", "sleep 60", false, grace, grace + time.Second, "-15"},
		{"limit, in order", "trap 'echo bye; exit 5' TERM; sleep 60 & wait", false, brief, brief + time.Second, "5"},
		{"limit, stubborn", stubborn + "sleep 60; sleep 60", false, brief, brief + time.Second, "-9"},
		{"limit, stubborn child without output", "(" + stubborn + "while :; do sleep 60; done) >/dev/null 2>&1 & wait", false, brief, brief + time.Second, "-15"},
		{"limit, stopped", "kill -STOP $$", false, brief, brief + time.Second, "-15"},
		{"limit, flood", "yes", false, brief, brief + time.Second, "-15"},
		{"cancel", "sleep 60", true, 0, 700 * time.Millisecond, "-15"},
		{"cancel, stubborn", stubborn + "while :; do sleep 60; done", true, 0, 700 * time.Millisecond, "-9"},
		{"cancel, flood", stubborn + "yes", true, 0, 700 * time.Millisecond, "-9"},
		{"cancel, escaped", "setsid sleep 3 & wait", true, 0, 700 * time.Millisecond, "-15"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			pids := filepath.Join(t.TempDir(), "pid")
			h, j := hook("echo $$ > " + pids + "; " + c.shell)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var begun time.Time
			ended := make(chan error, 1)
			if c.cancel {
				go func() { ended <- h.Run(ctx) }()
				await(t, func() bool { b, _ := os.ReadFile(pids); return len(b) > 1 })
				time.Sleep(50 * time.Millisecond) // it is at its sleep, most likely
				begun = time.Now()
				cancel()
			} else {
				h.Limit = 150 * time.Millisecond
				h.grace = c.least
				begun = time.Now().Add(h.Limit)
				ended <- h.Run(ctx)
			}
			err := <-ended
			if d := time.Since(begun); d < c.least || d > c.most {
				t.Errorf("it took %v to end", d)
			}
			if want := map[bool]error{true: context.Canceled, false: ErrLimit}[c.cancel]; !errors.Is(err, want) {
				t.Errorf("the error is %v, want %v", err, want)
			}
			if !j.has("warn Hook return code: " + c.code) {
				t.Errorf("logged is\n%s\nwant code %s", j, c.code)
			}
			b, err := os.ReadFile(pids)
			if err != nil {
				t.Fatal(err)
			}
			group, err := strconv.Atoi(strings.TrimSpace(string(b)))
			if err != nil {
				t.Fatal(err)
			}
			// Orphans are zombies for as long as nobody takes them.
			await(t, func() bool { return len(members(t, group)) == 0 })
		})
	}
}

// members are the living processes of a group.
func members(t *testing.T, group int) (pids []int) {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range stats {
		b, err := os.ReadFile(file)
		if err != nil {
			continue // gone meanwhile
		}
		s := string(b)
		f := strings.Fields(s[strings.LastIndexByte(s, ')')+1:])
		if pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file))); f[2] == strconv.Itoa(group) && f[0] != "Z" {
			pids = append(pids, pid)
		}
	}
	return pids
}

func await(t *testing.T, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not within 10 s")
		}
	}
}

func TestCancelledBefore(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	h, j := hook("echo run")
	if err := h.Run(ctx); !errors.Is(err, context.Canceled) || len(j.lines) > 0 {
		t.Errorf("%v\n%s", err, j)
	}
}

// What a hook leaves in the background lives on, and nobody waits for it.
func TestBackground(t *testing.T) {
	for _, c := range []struct {
		shell string
		most  time.Duration
		said  bool // that it keeps the output open
	}{
		{"sleep 60 & echo $!", settle + time.Second, true},
		{"sleep 60 >/dev/null 2>&1 & echo $!", settle, false},
	} {
		h, j := hook(c.shell)
		begun := time.Now()
		if err := h.Run(t.Context()); err != nil {
			t.Error(err)
		}
		if d := time.Since(begun); d > c.most {
			t.Errorf("%s: it was waited for %v", c.shell, d)
		}
		if said := strings.Contains(j.String(), "in the background"); said != c.said || j.lines[len(j.lines)-1] != "info Hook return code: 0" {
			t.Errorf("%s logs\n%s", c.shell, j)
		}
		pid, err := strconv.Atoi(strings.TrimPrefix(j.lines[1], "info Hook stdout: "))
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Errorf("%s: it does not live on: %v", c.shell, err)
		}
	}
	// The output of a child that outlives the shell by little is not lost.
	h, _ := hook("(sleep 0.1; echo late) &")
	if got := out(t, h); got != "late" {
		t.Errorf("%q is said", got)
	}
}

// No descriptor of ours is left behind.
func TestNoLeak(t *testing.T) {
	count := func() int {
		es, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(es)
	}
	h, _ := hook("true")
	h.Changes = &Changes{}
	out(t, h)
	before := count()
	for range 20 {
		out(t, h)
		bad := h
		bad.Shell, bad.Log = "a\x00b", func(slog.Level, string) {}
		if bad.Run(t.Context()) == nil {
			t.Error("a command with a NUL was run")
		}
	}
	if after := count(); after > before {
		t.Errorf("%d descriptors became %d", before, after)
	}
}

func ExampleCommand() {
	c := Command{
		Name: "postsynchook", Account: "work", Mode: "full", Shell: `cat; echo "$OIMAP_ACCOUNT_NAME: $OFFLINEIMAPSYNCMODE"`,
		Changes: &Changes{},
		Log:     func(_ slog.Level, text string) { fmt.Println(text) },
	}
	c.Changes.Add("", "/mail/INBOX/new/1")
	if err := c.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// Calling hook: cat; echo "$OIMAP_ACCOUNT_NAME: $OFFLINEIMAPSYNCMODE"
	// Hook stdout: A /mail/INBOX/new/1
	// Hook stdout: work: full
	// Hook return code: 0
}
