package systemd

import (
	"fmt"
	"log/slog"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// identifier is what the journal calls the daemon (journalctl -t).
const identifier = "offlineimapd"

// Log is the daemon's log: a handler for log/slog, and what
// org.freedesktop.LogControl1 shows and sets of it.
type Log struct {
	level   slog.LevelVar
	target  string
	handler slog.Handler
}

// OpenLog chooses where the log goes. To the journal, with fields, if stderr is
// connected to it: JOURNAL_STREAM alone proves nothing, a child whose stderr goes
// elsewhere inherits it too. Else as text to stderr. The level is info at first, or
// debug where systemd asks for it by DEBUG_INVOCATION=1 (systemd 257).
func OpenLog(stderr *os.File) *Log { return openLog(stderr, os.Getenv, journalSocket) }

func openLog(stderr *os.File, getenv func(string) string, socket string) *Log {
	l := &Log{target: "console"}
	if getenv("DEBUG_INVOCATION") == "1" {
		l.level.Set(slog.LevelDebug)
	}
	var to sink = &textSink{w: stderr, prefix: startedBySystemd(getenv) && !isTerminal(stderr)}
	if isStream(stderr, getenv("JOURNAL_STREAM")) {
		if j, err := openJournal(socket); err == nil {
			to, l.target = j, "journal"
		}
	}
	l.handler = &handler{level: &l.level, sink: to}
	return l
}

// Handler returns the handler for slog.New.
func (l *Log) Handler() slog.Handler { return l.handler }

// Level returns the level from which on messages are logged, as a word of syslog.
func (l *Log) Level() string { return priorities[priority(l.level.Level())].word }

// SetLevel sets it. The words are emerg, alert, crit, err, warning, notice, info
// and debug.
func (l *Log) SetLevel(word string) error {
	v, err := levelOf(word)
	if err != nil {
		return err
	}
	l.level.Set(v)
	return nil
}

// Target returns where the log goes, as a word of LogControl1: journal or console.
func (l *Log) Target() string { return l.target }

// Identifier returns what the journal calls the daemon.
func (l *Log) Identifier() string { return identifier }

// isStream tells whether f is the stream that device:inode names.
func isStream(f *os.File, name string) bool {
	var dev, ino uint64
	if n, err := fmt.Sscanf(name, "%d:%d", &dev, &ino); err != nil || n != 2 {
		return false
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return false
	}
	return st.Dev == dev && st.Ino == ino
}

// startedBySystemd tells whether this very process is a service's. Everything
// below a terminal that is a service itself inherits INVOCATION_ID, therefore the
// process ID decides where there is one (systemd 248).
func startedBySystemd(getenv func(string) string) bool {
	if pid := getenv("SYSTEMD_EXEC_PID"); pid != "" {
		return pid == strconv.Itoa(os.Getpid())
	}
	return getenv("INVOCATION_ID") != ""
}

func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}
