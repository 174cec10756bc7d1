package systemd

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// environ is an environment of a test's own.
type environ map[string]string

func (e environ) get(name string) string { return e[name] }

// stream is a stderr that is connected to the journal, as the environment says.
func stream(t testing.TB) (*os.File, environ) {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		t.Fatal(err)
	}
	return f, environ{"JOURNAL_STREAM": fmt.Sprintf("%d:%d", st.Dev, st.Ino), "INVOCATION_ID": "0"}
}

// TestWhereTheLogGoes logs one line, and looks where it is.
func TestWhereTheLogGoes(t *testing.T) {
	stderr, env := stream(t)
	journal := env["JOURNAL_STREAM"]
	self := fmt.Sprint(os.Getpid())
	tests := []struct {
		name   string
		env    environ
		gone   bool
		target string
		want   string
	}{
		{"the journal", environ{"JOURNAL_STREAM": journal, "INVOCATION_ID": "0", "SYSTEMD_EXEC_PID": self}, false, "journal", ""},
		{"another stream", environ{"JOURNAL_STREAM": "1:2", "INVOCATION_ID": "0"}, false, "console", "<4>m a=1\n"},
		{"no stream", environ{"INVOCATION_ID": "0"}, false, "console", "<4>m a=1\n"},
		{"nonsense", environ{"JOURNAL_STREAM": "x:y"}, false, "console", "warning: m a=1\n"},
		{"a journal that is not there", environ{"JOURNAL_STREAM": journal, "INVOCATION_ID": "0"}, true, "console", "<4>m a=1\n"},
		{"a child of a service", environ{"INVOCATION_ID": "0", "SYSTEMD_EXEC_PID": "1"}, false, "console", "warning: m a=1\n"},
		{"no systemd", environ{}, false, "console", "warning: m a=1\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := stderr.Truncate(0); err != nil {
				t.Fatal(err)
			}
			if _, err := stderr.Seek(0, 0); err != nil {
				t.Fatal(err)
			}
			box := newInbox(t)
			path := box.path
			if tt.gone {
				path += "-not"
			}
			l := openLog(stderr, tt.env.get, path)
			slog.New(l.Handler()).Warn("m", "a", 1)
			got, err := os.ReadFile(stderr.Name())
			if err != nil {
				t.Fatal(err)
			}
			if n := len(box.all()); l.Target() != tt.target || string(got) != tt.want || (n == 1) != (tt.target == "journal") {
				t.Errorf("to the %s: %q, %d entries", l.Target(), got, n)
			}
		})
	}
}

// TestATerminal is spoken to in plain words whatever the environment says.
func TestATerminal(t *testing.T) {
	tty, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	l := openLog(tty, environ{"INVOCATION_ID": "0"}.get, "/")
	if s := l.Handler().(*handler).sink.(*textSink); s.prefix {
		t.Error("levels as numbers on a terminal")
	}
}

func TestText(t *testing.T) {
	var b strings.Builder
	l := slog.New(&handler{level: slog.LevelDebug, sink: &textSink{w: &b}})
	l.Debug("a", "account", "work", "folder", "Sent Items", "empty", "", "q", `a"b`, "eq", "a=b")
	l.Info("b\nerror: c\x1b[0m", "folder", "x\ny", slog.Group("g", "k", 1), "event", "start")
	l.Log(t.Context(), levelNotice, "c", "token", "hunter2")
	l.Warn("d\t")
	l.Error("e")
	l.Log(t.Context(), slog.LevelError+12, "f")
	want := `debug: a account=work folder="Sent Items" q="a\"b" eq="a=b"
info: b\nerror: c\x1b[0m folder="x\ny" g.k=1
notice: c token="[not logged]"
warning: d\t
error: e
emergency: f
`
	if b.String() != want {
		t.Errorf("got\n%s", b.String())
	}
}

func TestLevels(t *testing.T) {
	stderr, env := stream(t)
	l := openLog(stderr, env.get, "/")
	log := slog.New(l.Handler())
	if l.Level() != "info" || l.Identifier() != "offlineimapd" {
		t.Errorf("level %s, identifier %s", l.Level(), l.Identifier())
	}
	levels := []slog.Level{20, 16, 12, slog.LevelError, slog.LevelWarn, levelNotice, slog.LevelInfo, slog.LevelDebug}
	for i, word := range []string{"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"} {
		if err := l.SetLevel(word); err != nil || l.Level() != word {
			t.Errorf("%s: %s, %v", word, l.Level(), err)
		}
		for j, level := range levels {
			if got := log.Enabled(t.Context(), level); got != (j <= i) {
				t.Errorf("at %s, %v: %t", word, level, got)
			}
		}
	}
	for _, word := range []string{"", "error", "DEBUG", "7", "none"} {
		if err := l.SetLevel(word); err == nil || l.Level() != "debug" {
			t.Errorf("%q: %v", word, err)
		}
	}
	env["DEBUG_INVOCATION"] = "1"
	if l := openLog(stderr, env.get, "/"); l.Level() != "debug" {
		t.Errorf("systemd asks for debug, and gets %s", l.Level())
	}
}

func TestSecrets(t *testing.T) {
	for key, want := range map[string]bool{
		"password": true, "PASSWORD": true, "secret": true, "token": true, "oauth2_token": true, "access-token": true,
		"accessToken": true, "clientSecret.value": true, "imap password 2": true, "token2": true, "Password": true,
		"": false, "tokens": false, "passwordless": false, "account": false, "passwords_left": false, "kind": false, "secretary": false,
	} {
		if got := secret(key); got != want {
			t.Errorf("%q: %t", key, got)
		}
	}
}
