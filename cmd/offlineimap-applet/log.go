package main

import (
	"fmt"
	"io"
	"sync"
)

// Priorities of syslog(3), which the journal takes from the head of a line.
const (
	levelErr    = 3
	levelNotice = 5
)

// logger writes lines. It is given no secrets, nor texts of mails.
type logger struct {
	mu     sync.Mutex
	w      io.Writer
	prefix bool // with priorities: the journal reads along
}

func (l *logger) errorf(format string, args ...any)  { l.line(levelErr, format, args...) }
func (l *logger) noticef(format string, args ...any) { l.line(levelNotice, format, args...) }

func (l *logger) line(level int, format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	head := "offlineimap-applet: "
	if l.prefix {
		head = fmt.Sprintf("<%d>", level)
	}
	fmt.Fprintf(l.w, head+format+"\n", args...)
}
