package prompt

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// desk makes an environment that has only these programs, as shell scripts. Each
// writes its arguments, one a line, into the file it returns the name of.
func desk(t *testing.T, scripts map[string]string) (Environment, string) {
	t.Helper()
	dir := t.TempDir()
	args := filepath.Join(dir, "args")
	for name, script := range scripts {
		head := "#!/bin/sh\nprintf '%s\\n' \"$0\" \"$@\" >>" + args + "\n"
		if err := os.WriteFile(filepath.Join(dir, name), []byte(head+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return Environment{
		Getenv: func(name string) string { return map[string]string{"DISPLAY": ":99"}[name] },
		LookPath: func(name string) (string, error) {
			if _, ok := scripts[name]; !ok {
				return "", exec.ErrNotFound
			}
			return filepath.Join(dir, name), nil
		},
	}, args
}

// assuanScript answers as pinentry does, and GETPIN with these lines.
func assuanScript(getpin string) string {
	return `echo "OK Pleased to meet you"
while read -r line; do
	printf '%s\n' "$line" >>"$0.lines"
	case $line in
	GETPIN) printf '` + getpin + `' ;;
	*) echo OK ;;
	esac
done`
}

func TestAsk(t *testing.T) {
	const cancelled, unavailable = "the prompt was cancelled", "there is no program"
	tests := []struct {
		name    string
		scripts map[string]string
		want    string
		err     string
	}{
		{"zenity", map[string]string{"zenity": "echo ' pa ss'", "kdialog": "echo no"}, " pa ss", ""},
		{"zenity, closed", map[string]string{"zenity": "exit 1", "kdialog": "echo no"}, "", cancelled},
		{"zenity, nothing entered", map[string]string{"zenity": "echo"}, "", cancelled},
		{"zenity that cannot", map[string]string{"zenity": "exit 255", "kdialog": "echo kd"}, "kd", ""},
		{"zenity without a display", map[string]string{"zenity": "echo 'cannot open display: :99' >&2; exit 1"}, "", unavailable},
		{"kdialog", map[string]string{"kdialog": "echo kd", "pinentry": "exit 1"}, "kd", ""},
		{"kdialog, closed", map[string]string{"kdialog": "exit 1"}, "", cancelled},
		{"pinentry", map[string]string{"pinentry": assuanScript(`# comment\nS SOMETHING\nD p%%2525\nD %%20q\nOK\n`)}, "p%25 q", ""},
		{"pinentry, closed", map[string]string{"pinentry": assuanScript(`ERR 83886179 Operation cancelled <Pinentry>\n`)}, "", cancelled},
		{"pinentry, nothing entered", map[string]string{"pinentry": assuanScript(`OK\n`)}, "", cancelled},
		{"pinentry without a terminal", map[string]string{"pinentry": assuanScript(`ERR 83918950 Inappropriate ioctl\n`)}, "", unavailable},
		{"pinentry that asks back", map[string]string{"pinentry": assuanScript(`INQUIRE QUALITY x\nD x\nOK\n`)}, "x", ""},
		{"pinentry that ends", map[string]string{"pinentry": "exit 0"}, "", unavailable},
		{"pinentry that babbles", map[string]string{"pinentry": "yes | tr -d '\\n'"}, "", unavailable},
		{"pinentry with too much", map[string]string{"pinentry": "echo OK; echo OK; echo OK; echo OK; yes 'D 0123456789012345678901234567890123456789'"}, "", unavailable},
		{"too much", map[string]string{"zenity": "yes | head -c 5000"}, "", unavailable},
		{"not UTF-8", map[string]string{"zenity": `printf '\377\n'`}, "", unavailable},
		{"nothing there", nil, "", unavailable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, _ := desk(t, tt.scripts)
			if got := Available(e); got != (len(tt.scripts) > 0) {
				t.Errorf("available: %v", got)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			got, err := Ask(ctx, e, Question{Title: "Password", Text: "Password"})
			if got != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("got %q, %v", got, err)
			}
			if err != nil && !errors.Is(err, ErrCancelled) && !errors.Is(err, ErrUnavailable) {
				t.Errorf("an error of no kind: %v", err)
			}
		})
	}
}

func TestNoDisplay(t *testing.T) {
	e, args := desk(t, map[string]string{"zenity": "echo x"})
	e.Getenv = func(string) string { return "" }
	if _, err := Ask(t.Context(), e, Question{}); !errors.Is(err, ErrUnavailable) || Available(e) {
		t.Errorf("without a display: %v", err)
	}
	if _, err := os.Stat(args); err == nil {
		t.Error("zenity was started all the same")
	}
}

// TestHostile has names that try to be something else.
func TestHostile(t *testing.T) {
	q := Question{Title: "work\x1b[2J", Text: "Password of a_b\\n<b>&c</b>%0AOK\nGETPIN\x00 at --timeout=1"}
	tests := []struct {
		program, script, want, not string
	}{
		{"zenity", "echo x", "--text=Password of a__b\\\\n‹b›＆c‹/b›%0AOK GETPIN at --timeout=1\n", "\x1b"},
		{"kdialog", "echo x", "--password\nPassword of a_b\\\\n‹b›＆c‹/b›%0AOK GETPIN at --timeout=1\n", "\x1b"},
		{"pinentry", assuanScript(`D x\nOK\n`), "SETTITLE work[2J\nSETDESC Password of a_b\\n<b>&c</b>%250AOK GETPIN at --timeout=1\nSETPROMPT Password:\nGETPIN\n", "\x1b"},
	}
	for _, tt := range tests {
		e, args := desk(t, map[string]string{tt.program: tt.script})
		if got, err := Ask(t.Context(), e, q); got != "x" || err != nil {
			t.Errorf("%s: %q, %v", tt.program, got, err)
		}
		if tt.program == "pinentry" {
			path, _ := e.LookPath("pinentry")
			args = path + ".lines"
		}
		b, err := os.ReadFile(args)
		if err != nil || !strings.Contains(string(b), tt.want) || strings.Contains(string(b), tt.not) {
			t.Errorf("%s was given %q, %v; want %q", tt.program, b, err, tt.want)
		}
	}
	if got := escape(strings.Repeat("%ä", 1000)); len(got) > maxLine-20 || !strings.HasSuffix(got, "%25") && !strings.HasSuffix(got, "ä") {
		t.Errorf("escape: %d octets that end with %q", len(got), got[len(got)-5:])
	}
}

// TestTakenBack ends the question while a prompt is open: the program and all
// that it started end at once.
func TestTakenBack(t *testing.T) {
	for _, name := range []string{"zenity", "kdialog", "pinentry"} {
		t.Run(name, func(t *testing.T) {
			e, args := desk(t, map[string]string{name: `echo "child $$" >>"$0.pid"; sleep 1000 & wait`})
			ctx, cancel := context.WithCancelCause(t.Context())
			taken := errors.New("taken back")
			done := make(chan error, 1)
			go func() {
				_, err := Ask(ctx, e, Question{})
				done <- err
			}()
			for {
				if b, _ := os.ReadFile(args); len(b) > 0 {
					break
				}
				time.Sleep(time.Millisecond)
			}
			start := time.Now()
			cancel(taken)
			if err := <-done; !errors.Is(err, taken) {
				t.Errorf("the error is %v", err)
			}
			if d := time.Since(start); d > grace {
				t.Errorf("it took %s", d)
			}
		})
	}
}
