package term

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestPlain(t *testing.T) {
	tests := []struct{ in, want string }{
		{"INBOX", "INBOX"}, {"日本 é", "日本 é"}, {"a\tb\nc", "a\ufffdb\ufffdc"}, {"\x1b[31mred", "\ufffd[31mred"}, {"\u009b2J", "\ufffd2J"},
		{"\u202eevil", "\ufffdevil"}, {"\xff", "\ufffd"}, {"\u2028", "\ufffd"},
	}
	for _, tt := range tests {
		if got := Plain(tt.in); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestPrintf(t *testing.T) {
	var b bytes.Buffer
	Printf(&b, "%s %s %d %v %s\n", "a\x1b", errors.New("b\x1b"), 3, true, Styled("\x1b[1m"))
	if got := b.String(); got != "a\ufffd b\ufffd 3 true \x1b[1m\n" {
		t.Errorf("got %q", got)
	}
}

func TestWidthAndCut(t *testing.T) {
	tests := []struct {
		in    string
		width int
		n     int
		cut   string
	}{
		{"abc", 3, 3, "abc"}, {"abc", 3, 2, "a…"}, {"abc", 3, 1, "…"}, {"abc", 3, 0, ""}, {"日本", 4, 4, "日本"}, {"日本", 4, 3, "日…"},
		{"日本", 4, 2, "…"}, {"e\u0301x", 2, 2, "e\u0301x"}, {"", 0, 0, ""}, {"🙂a", 3, 3, "🙂a"},
	}
	for _, tt := range tests {
		if got := Width(tt.in); got != tt.width {
			t.Errorf("%q is %d wide, want %d", tt.in, got, tt.width)
		}
		if got := Cut(tt.in, tt.n); got != tt.cut || Width(got) > max(tt.n, 0) {
			t.Errorf("%q cut to %d: %q, want %q", tt.in, tt.n, got, tt.cut)
		}
	}
}

func TestStyleFor(t *testing.T) {
	tests := []struct {
		name     string
		terminal bool
		env      map[string]string
		colour   bool
		dots     bool
		dot      string
	}{
		{"terminal", true, map[string]string{"LANG": "de_DE.UTF-8"}, true, true, "●"},
		{"C locale", true, nil, true, true, "*"},
		{"LC_ALL goes first", true, map[string]string{"LC_ALL": "C", "LANG": "C.UTF-8"}, true, true, "*"},
		{"no terminal", false, map[string]string{"LANG": "C.utf8"}, false, false, "●"},
		{"NO_COLOR", true, map[string]string{"NO_COLOR": "1"}, false, true, "*"},
		{"empty NO_COLOR", true, map[string]string{"NO_COLOR": ""}, true, true, "*"},
		{"SYSTEMD_COLORS off", true, map[string]string{"SYSTEMD_COLORS": "0"}, false, true, "*"},
		{"SYSTEMD_COLORS on", false, map[string]string{"SYSTEMD_COLORS": "true", "NO_COLOR": "1"}, true, false, "*"},
		{"SYSTEMD_COLORS 16", false, map[string]string{"SYSTEMD_COLORS": "16"}, true, false, "*"},
		{"dumb", true, map[string]string{"TERM": "dumb"}, false, false, "*"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := StyleFor(tt.terminal, func(k string) string { return tt.env[k] })
			if s.Colour != tt.colour || s.Dots != tt.dots || s.Dot != tt.dot {
				t.Errorf("got %+v", s)
			}
		})
	}
}

func TestTable(t *testing.T) {
	table := &Table{Columns: []Column{{Title: "NAME"}, {Title: "N", Right: true}, {Title: "TEXT", Give: true}}}
	table.Row(Cell{Text: "work", Colour: Green}, Cell{Text: "1200"}, Cell{Text: "a long text that has to give way"})
	table.Row(Cell{Text: "日本"}, Cell{Text: "3"}, Cell{Text: ""})
	table.Row(Cell{Text: "x\x1b"}, Cell{Text: ""}, Cell{Text: "y"})
	tests := []struct {
		columns int
		legend  bool
		colour  bool
		want    string
	}{
		{0, true, false, "NAME     N  TEXT\nwork  1200  a long text that has to give way\n日本     3\nx\ufffd          y\n"},
		{0, false, false, "work  1200  a long text that has to give way\n日本     3\nx\ufffd          y\n"},
		{24, true, false, "NAME     N  TEXT\nwork  1200  a long text…\n日本     3\nx\ufffd          y\n"},
		{5, false, false, "work  1200  a long …\n日本     3\nx\ufffd          y\n"},
		{24, false, true, "\x1b[32mwork\x1b[0m  1200  a long text…\n日本     3\nx\ufffd          y\n"},
	}
	for _, tt := range tests {
		var b bytes.Buffer
		table.Write(&b, Style{Colour: tt.colour}, tt.columns, tt.legend)
		if b.String() != tt.want {
			t.Errorf("%d: got\n%s\nwant\n%s", tt.columns, b.String(), tt.want)
		}
	}
}

func TestTimes(t *testing.T) {
	now := time.Date(2026, 3, 14, 12, 0, 0, 0, time.Local)
	for d, want := range map[time.Duration]string{
		0: "now", 500 * time.Millisecond: "now", time.Second: "1 s ago", 59 * time.Second: "59 s ago", time.Minute: "1 min ago",
		119 * time.Minute: "1 h ago", 25 * time.Hour: "1 day ago", 50 * time.Hour: "2 days ago", 40 * 24 * time.Hour: "1 month ago",
		800 * 24 * time.Hour: "2 years ago", -90 * time.Second: "in 1 min", -300 * time.Millisecond: "now",
	} {
		if got := Ago(now.Add(-d), now); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
	if got := Ago(time.Time{}, now); got != "" {
		t.Errorf("never is %q", got)
	}
	if got := Clock(now.Add(time.Hour), now); got != "13:00" {
		t.Errorf("got %q", got)
	}
	if got := Clock(now.Add(24*time.Hour), now); got != "2026-03-15 12:00" {
		t.Errorf("got %q", got)
	}
}

func TestCounts(t *testing.T) {
	for n, want := range map[int]string{0: "0 mails", 1: "1 mail", 2: "2 mails"} {
		if got := Count(n, "mail"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 123456: "123 kB", 5e6: "5.0 MB", 2e12: "2.0 TB", 3e15: "3 PB"} {
		if got := Size(n); got != want {
			t.Errorf("%d: got %q, want %q", n, got, want)
		}
	}
}

func TestBar(t *testing.T) {
	tests := []struct {
		bar     Bar
		columns int
		want    string
	}{
		{Bar{Label: "work: connecting"}, 40, "work: connecting"},
		{Bar{Label: "work/INBOX", Done: 3, Total: 12, Note: "1.2 MB"}, 60, "work/INBOX  ━━━━━───────────────  3/12  25%  1.2 MB"},
		{Bar{Label: "work/INBOX", Done: 3, Total: 12}, 30, "work/INBOX  3/12  25%"},
		{Bar{Label: "work/a very long name of a folder", Done: 3, Total: 12}, 30, "work/a very long n…  3/12  25%"},
		{Bar{Label: "work/日本語日本語", Done: 12, Total: 12}, 24, "work/日本…  12/12  100%"},
		{Bar{Label: "x\x1b\u009b", Done: 20, Total: 12, Note: "\x07"}, 60, "x\ufffd\ufffd  ━━━━━━━━━━━━━━━━━━━━  20/12  100%  \ufffd"},
	}
	for _, tt := range tests {
		if got := tt.bar.render(Style{}, tt.columns); got != tt.want || Width(got) > tt.columns {
			t.Errorf("got %q (%d), want %q", got, Width(got), tt.want)
		}
	}
}

// The line is written no more often than ten times a second, and goes without a
// trace.
func TestProgress(t *testing.T) {
	var b bytes.Buffer
	now := time.Unix(0, 0)
	p := &Progress{W: &b, Columns: func() int { return 0 }, Now: func() time.Time { return now }}
	p.Clear()
	for i := range 100 {
		p.Show(Bar{Label: "work", Done: i, Total: 100})
		now = now.Add(10 * time.Millisecond)
	}
	p.Clear()
	p.Clear()
	if n := strings.Count(b.String(), "\r\x1b[K"); n != 11 {
		t.Errorf("written %d times: %q", n, b.String())
	}
	if !strings.HasSuffix(b.String(), "\r\x1b[K") {
		t.Errorf("left: %q", b.String())
	}
}

func TestTestStreams(t *testing.T) {
	s, out, errs := Test("in")
	Printf(s.Out, "%s", "a")
	Printf(s.Err, "%s", "b")
	if out.String() != "a" || errs.String() != "b" || s.OutTerminal || s.Columns() != 0 {
		t.Errorf("got %q, %q", out, errs)
	}
	if _, err := s.Secret(t.Context(), "?"); !errors.Is(err, ErrNoTerminal) {
		t.Errorf("got %v", err)
	}
}
