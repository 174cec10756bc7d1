package systemd

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// decode reads an entry as journald does.
func decode(t testing.TB, data string) map[string][]string {
	t.Helper()
	got := map[string][]string{}
	name := regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,63}$`)
	for data != "" {
		line, rest, ok := strings.Cut(data, "\n")
		if !ok {
			t.Fatalf("no line end: %.100q", data)
		}
		key, value, short := strings.Cut(line, "=")
		if !short {
			if len(rest) < 8 {
				t.Fatalf("no length: %.100q", data)
			}
			n := binary.LittleEndian.Uint64([]byte(rest))
			if uint64(len(rest)) < 8+n+1 || rest[8+n] != '\n' {
				t.Fatalf("length %d: %.100q", n, data)
			}
			value, rest = rest[8:8+n], rest[8+n+1:]
		}
		if !name.MatchString(key) {
			t.Errorf("journald ignores a field of the name %q", key)
		}
		got[key] = append(got[key], value)
		data = rest
	}
	return got
}

// journal is a Log that goes to a box.
func journal(t testing.TB) (*inbox, *Log) {
	t.Helper()
	box := newInbox(t)
	stderr, env := stream(t)
	l := openLog(stderr, env.get, box.path)
	if l.Target() != "journal" {
		t.Fatalf("the log goes to the %s", l.Target())
	}
	return box, l
}

func TestJournal(t *testing.T) {
	fixed := map[string][]string{"PRIORITY": {"6"}, "SYSLOG_IDENTIFIER": {"offlineimapd"}, "MESSAGE": {"m"}}
	with := func(kv ...string) map[string][]string {
		m := maps.Clone(fixed)
		for i := 0; i < len(kv); i += 2 {
			if i == 0 || kv[i] != kv[i-2] {
				m[kv[i]] = nil
			}
			m[kv[i]] = append(m[kv[i]], kv[i+1])
		}
		return m
	}
	tests := []struct {
		name string
		do   func(l *slog.Logger)
		want map[string][]string
	}{
		{"the fields of ours", func(l *slog.Logger) {
			l.Info("work: synced: 3 downloaded", "account", "work", "folder", "INBOX", "job", 7, "trigger", "timer", "uid", uint32(4294967295), "error", "Offline", "count", 3)
		}, with("MESSAGE", "work: synced: 3 downloaded", "OFFLINEIMAP_ACCOUNT", "work", "OFFLINEIMAP_FOLDER", "INBOX", "OFFLINEIMAP_JOB", "7",
			"OFFLINEIMAP_TRIGGER", "timer", "OFFLINEIMAP_UID", "4294967295", "OFFLINEIMAP_ERROR", "Offline", "OFFLINEIMAP_COUNT", "3")},
		{"other keys", func(l *slog.Logger) {
			l.Info("m", "Größe in kB", 1, "_PID", 2, "a.b-c", 3, "", 4, strings.Repeat("x", 100), 5)
		}, with("OFFLINEIMAP_GR____E_IN_KB", "1", "OFFLINEIMAP__PID", "2", "OFFLINEIMAP_A_B_C", "3", "OFFLINEIMAP_", "4",
			"OFFLINEIMAP_"+strings.Repeat("X", 52), "5")},
		{"groups", func(l *slog.Logger) {
			l.With("account", "work").WithGroup("").WithGroup("server").With("host", "h").
				Info("m", "port", 993, slog.Group("tls", "name", "n"), slog.Group("", "inline", 1), slog.Group("empty"), slog.Attr{})
		}, with("OFFLINEIMAP_ACCOUNT", "work", "OFFLINEIMAP_SERVER_HOST", "h", "OFFLINEIMAP_SERVER_PORT", "993",
			"OFFLINEIMAP_SERVER_TLS_NAME", "n", "OFFLINEIMAP_SERVER_INLINE", "1")},
		{"loggers do not share", func(l *slog.Logger) {
			a := l.With("a", 1, "b", 2, "c", 3)
			_ = a.With("d", 4)
			a.With("e", 5).Info("m")
		}, with("OFFLINEIMAP_A", "1", "OFFLINEIMAP_B", "2", "OFFLINEIMAP_C", "3", "OFFLINEIMAP_E", "5")},
		{"an event", func(l *slog.Logger) { l.Log(t.Context(), levelNotice, "m", "event", "halt") },
			with("PRIORITY", "5", "MESSAGE_ID", "2182825a953647a8b684fb6e0c5aff8d", "OFFLINEIMAP_EVENT", "halt")},
		{"an event of a logger", func(l *slog.Logger) { l.With("event", "start").Warn("m") },
			with("PRIORITY", "4", "MESSAGE_ID", "6aa16a5fbde44e24ac4b8686e954f355", "OFFLINEIMAP_EVENT", "start")},
		{"an event without an entry", func(l *slog.Logger) { l.Error("m", "event", "none") },
			with("PRIORITY", "3", "OFFLINEIMAP_EVENT", "none")},
		{"an event of a group", func(l *slog.Logger) { l.WithGroup("g").Info("m", "event", "halt") },
			with("OFFLINEIMAP_G_EVENT", "halt")},
		{"values", func(l *slog.Logger) {
			l.Info("m", "a", time.Minute, "b", errors.New("e"), "c", []string{"x", "y"}, "d", nil, "e", panics{}, "f", value{})
		}, with("OFFLINEIMAP_A", "1m0s", "OFFLINEIMAP_B", "e", "OFFLINEIMAP_C", "[x y]", "OFFLINEIMAP_D", "<nil>",
			"OFFLINEIMAP_E", "%!v(PANIC=Error method: oops)", "OFFLINEIMAP_F", "resolved")},
		{"hostile text", func(l *slog.Logger) {
			l.Info("a\x1b]0;x\x07b\x00c\xffd\u202ee\u2028f\r", "folder", "x\ty\x7f\u0085ü日本👩‍💻")
		}, with("MESSAGE", `a\x1b]0;x\x07b\x00c\xffd\u202ee\u2028f\r`, "OFFLINEIMAP_FOLDER", "x\ty"+`\x7f\u0085`+"ü日本👩‍💻")},
		{"more than a line", func(l *slog.Logger) { l.Info("a\nPRIORITY=0\n\n", "folder", "x\ny=z") },
			with("MESSAGE", "a\nPRIORITY=0\n\n", "OFFLINEIMAP_FOLDER", "x\ny=z")},
		{"secrets", func(l *slog.Logger) {
			l.With("account", "work", "Password", "hunter2").WithGroup("oauth_token").Info("m", "value", "hunter2", slog.Group("g", "secret", spy{t}))
		}, with("OFFLINEIMAP_ACCOUNT", "work", "OFFLINEIMAP_PASSWORD", blanked, "OFFLINEIMAP_OAUTH_TOKEN_VALUE", blanked, "OFFLINEIMAP_OAUTH_TOKEN_G", blanked)},
		{"below the level", func(l *slog.Logger) { l.Debug("not") }, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			box, l := journal(t)
			tt.do(slog.New(l.Handler()))
			got := box.all()
			if tt.want == nil {
				if len(got) != 0 {
					t.Errorf("got %q", got)
				}
				return
			}
			if len(got) != 1 {
				t.Fatalf("%d entries: %q", len(got), got)
			}
			if fields := decode(t, got[0]); !maps.EqualFunc(fields, tt.want, slices.Equal) {
				t.Errorf("got  %q\nwant %q", fields, tt.want)
			}
		})
	}
}

// TestTheDatagram holds one entry octet by octet.
func TestTheDatagram(t *testing.T) {
	box, l := journal(t)
	slog.New(l.Handler()).Warn("a\nb", "account", "work", "event", "stop")
	want := "MESSAGE\n\x03\x00\x00\x00\x00\x00\x00\x00a\nb\nPRIORITY=4\nSYSLOG_IDENTIFIER=offlineimapd\n" +
		"MESSAGE_ID=0c9448b44df742da842f7d7e02fd7791\nOFFLINEIMAP_EVENT=stop\nOFFLINEIMAP_ACCOUNT=work\n"
	if got := box.all(); !slices.Equal(got, []string{want}) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestThePlace is told at debug only.
func TestThePlace(t *testing.T) {
	box, l := journal(t)
	if err := l.SetLevel("debug"); err != nil {
		t.Fatal(err)
	}
	slog.New(l.Handler()).Debug("m")
	slog.New(l.Handler()).Info("m")
	got := box.all()
	f := decode(t, got[0])
	if !strings.HasSuffix(f["CODE_FILE"][0], "/journal_test.go") || !strings.HasSuffix(f["CODE_FUNC"][0], ".TestThePlace") ||
		len(f["CODE_LINE"]) != 1 || f["PRIORITY"][0] != "7" {
		t.Errorf("got %q", f)
	}
	if f := decode(t, got[1]); f["CODE_FILE"] != nil {
		t.Errorf("above debug: %q", f)
	}
}

func TestPriorities(t *testing.T) {
	for level, want := range map[slog.Level]int{
		-100: 7, slog.LevelDebug: 7, -1: 7, slog.LevelInfo: 6, 1: 6, levelNotice: 5, 3: 5, slog.LevelWarn: 4, 7: 4,
		slog.LevelError: 3, 11: 3, 12: 2, 16: 1, 20: 0, 1000: 0,
	} {
		if got := priority(level); got != want {
			t.Errorf("%v: %d, want %d", level, got, want)
		}
	}
}

// TestLongMessages go as a file, and still longer ones lose their end.
func TestLongMessages(t *testing.T) {
	box, l := journal(t)
	for _, n := range []int{100, 60 << 10, maxValue, maxValue + 1, 4 * maxValue} {
		text := strings.Repeat("0123456\n", (n+7)/8)[:n]
		r := slog.NewRecord(time.Now(), slog.LevelInfo, text, 0)
		r.Add("folder", strings.Repeat("é", n/2))
		if err := l.Handler().Handle(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		all := box.all()
		if len(all) != 1 {
			t.Fatalf("%d: %d entries", n, len(all))
		}
		got := decode(t, all[0])
		message, folder := got["MESSAGE"][0], got["OFFLINEIMAP_FOLDER"][0]
		if n <= maxValue {
			if message != text || folder != strings.Repeat("é", n/2) {
				t.Errorf("%d: came as %d and %d octets", n, len(message), len(folder))
			}
		} else if len(message) != maxValue+len("…") || !strings.HasPrefix(text, strings.TrimSuffix(message, "…")) {
			t.Errorf("%d: came as %d octets", n, len(message))
		}
	}
}

// TestAJournalThatHangs costs lines of the log and a moment, once.
func TestAJournalThatHangs(t *testing.T) {
	box, l := journal(t)
	log := slog.New(l.Handler())
	box.fill()
	at := time.Now()
	for i := range 100 {
		log.Info(fmt.Sprint("lost ", i))
	}
	if d := time.Since(at); d > 4*journalWait {
		t.Errorf("100 lines took %v", d)
	}
	box.all()
	log.Info("found")
	var got []string
	for _, e := range box.all() {
		f := decode(t, e)
		got = append(got, f["PRIORITY"][0]+" "+f["MESSAGE"][0])
	}
	want := []string{"4 100 lines of the log before this one were lost: the journal did not take them", "6 found"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// TestABusyJournal is waited for.
func TestABusyJournal(t *testing.T) {
	box, l := journal(t)
	box.fill()
	done := make(chan bool)
	go func() {
		defer close(done)
		slog.New(l.Handler()).Info("m")
	}()
	time.Sleep(journalWait / 10)
	got := box.all()
	<-done
	got = append(got, box.all()...)
	if last := decode(t, got[len(got)-1]); last["MESSAGE"] == nil {
		t.Errorf("the last entry is %q", last)
	}
}

// TestAJournalThatGoes and comes back.
func TestAJournalThatGoes(t *testing.T) {
	box, l := journal(t)
	log := slog.New(l.Handler())
	for round := range 2 {
		box.conn.Close()
		if err := os.Remove(box.path); err != nil {
			t.Fatal(err)
		}
		for range round * 3 { // in the first round it is back before anybody noticed
			log.Info("lost")
		}
		box.listen()
		log.Info("found")
		got := box.all()
		if want := 1 + round; len(got) != want || decode(t, got[want-1])["MESSAGE"][0] != "found" {
			t.Errorf("round %d: %q", round, got)
		}
	}
}

// FuzzEntry logs any key and any text; journald must understand it all.
func FuzzEntry(f *testing.F) {
	f.Add("account", "work", "m")
	f.Add("_PID=1\nX", "a\nb=c\x00\xff", "\n")
	f.Add("ÄÖÜ", "\u202e\u2028", strings.Repeat("é", 300))
	f.Fuzz(func(t *testing.T, key, value, message string) {
		e := &entry{message: message, event: value, fields: []field{{key, value}, {"a." + key, message}}}
		for name, values := range decode(t, string(encode(e))) {
			for _, v := range values {
				if firstHostile(v, "\n\t") >= 0 {
					t.Errorf("%s=%q", name, v)
				}
			}
		}
		var b strings.Builder
		if err := (&textSink{w: &b, prefix: true}).write(e); err != nil {
			t.Fatal(err)
		}
		if s := b.String(); !strings.HasPrefix(s, "<6>") || firstHostile(s, "") != len(s)-1 {
			t.Errorf("text %q", s)
		}
	})
}

func BenchmarkJournal(b *testing.B) {
	box, l := journal(b)
	log := slog.New(l.Handler()).With("account", "work")
	for b.Loop() {
		log.Info("work: synced: 3 downloaded", "job", 7, "trigger", "timer", "count", 3)
		box.one()
	}
}

type panics struct{}

func (panics) Error() string { panic("oops") }

type value struct{}

func (value) LogValue() slog.Value { return slog.StringValue("resolved") }

// spy is a value that must not be asked for.
type spy struct{ t *testing.T }

func (s spy) LogValue() slog.Value {
	s.t.Error("a secret was asked for")
	return slog.StringValue("hunter2")
}
