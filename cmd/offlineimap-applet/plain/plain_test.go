package plain

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestClean(t *testing.T) {
	tests := []struct {
		in         string
		limit      int
		line, text string
	}{
		{"work", 9, "work", "work"},
		{" Grüße, 世界 👩‍👧 ", 99, "Grüße, 世界 👩‍👧", "Grüße, 世界 👩‍👧"},
		{"a\nb\tc\r\n", 9, "a b c", "a\nb c"},
		{"\x1b[31mred\x07\x00", 99, "[31mred", "[31mred"},
		{"a\u009b2Jb", 9, "a2Jb", "a2Jb"},
		{"gpj\u202etxt", 9, "gpjtxt", "gpjtxt"},
		{"a\u2028b", 9, "a b", "a b"},
		{"a\xffb", 9, "a\ufffdb", "a\ufffdb"},
		{"0123456789", 10, "0123456789", "0123456789"},
		{"01234567 9ab", 9, "01234567…", "01234567…"},
		{"", 9, "", ""},
	}
	for _, tt := range tests {
		if got := Line(tt.in, tt.limit); got != tt.line {
			t.Errorf("Line(%q) = %q, want %q", tt.in, got, tt.line)
		}
		if got := Text(tt.in, tt.limit); got != tt.text {
			t.Errorf("Text(%q) = %q, want %q", tt.in, got, tt.text)
		}
	}
}

func TestMarkup(t *testing.T) {
	const hostile = `<b>&amp;"</b>`
	if got := Markup(hostile); got != `&lt;b&gt;&amp;amp;"&lt;/b&gt;` {
		t.Errorf("Markup: %q", got)
	}
	if got := NoMarkup(hostile); strings.ContainsAny(got, "<>&") {
		t.Errorf("NoMarkup: %q", got)
	}
}

func FuzzLine(f *testing.F) {
	f.Add("a\x1b]0;title\x07\nb", 5)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		got := Line(s, limit)
		if !utf8.ValidString(got) || strings.ContainsFunc(got, unicode.IsControl) {
			t.Errorf("Line(%q, %d) = %q", s, limit, got)
		}
		if limit >= 0 && utf8.RuneCountInString(got) > limit+1 {
			t.Errorf("Line(%q, %d) has %d characters", s, limit, utf8.RuneCountInString(got))
		}
	})
}
