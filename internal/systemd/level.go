package systemd

import (
	"fmt"
	"log/slog"
	"strings"
)

// levelNotice stands between Info and Warn: nothing is wrong, but somebody may
// care, such as about an account that was paused.
const levelNotice = slog.LevelInfo + 2

// priorities are the levels of syslog, from 0 on: their words in
// org.freedesktop.LogControl1, our words in plain text, and the slog.Level from
// which on they apply.
var priorities = []struct {
	word, text string
	from       slog.Level
}{
	{"emerg", "emergency", slog.LevelError + 12},
	{"alert", "alert", slog.LevelError + 8},
	{"crit", "critical", slog.LevelError + 4},
	{"err", "error", slog.LevelError},
	{"warning", "warning", slog.LevelWarn},
	{"notice", "notice", levelNotice},
	{"info", "info", slog.LevelInfo},
	{"debug", "debug", slog.LevelDebug},
}

// priority returns the number of a level in syslog. Whatever is below Info is
// debug.
func priority(l slog.Level) int {
	for i, p := range priorities {
		if l >= p.from {
			return i
		}
	}
	return len(priorities) - 1
}

// levelOf returns the level for a word of LogControl1.
func levelOf(word string) (slog.Level, error) {
	var words []string
	for _, p := range priorities {
		if p.word == word {
			return p.from, nil
		}
		words = append(words, p.word)
	}
	return 0, fmt.Errorf("the log level %q is none of %s", word, strings.Join(words, ", "))
}
