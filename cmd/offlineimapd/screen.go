package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/offlineimap/offlineimapd/internal/config"
	"github.com/offlineimap/offlineimapd/service"
	"github.com/offlineimap/offlineimapd/sync/engine"
)

// screen is what a person sees of a run in the foreground.
type screen interface {
	Info(text string)
	Warn(text string)
	Error(text, hint string)
	Account(name string) accountScreen
	Finish(status int)
}

// accountScreen is what is seen of one account.
type accountScreen interface {
	Begin()
	Event(engine.Event)
	Note(text string)
	Debug(kind, text string)
	Report(*engine.Report)
	Done()
	Sleeping(d time.Duration)
	Password(ctx context.Context, user, refusal string) (string, error)
}

// lines is a screen of lines.
type lines struct {
	mu sync.Mutex
	w  io.Writer
}

func openScreen(o options, cfg *config.Config, stdin io.Reader, stdout, stderr io.Writer) (screen, error) {
	return &lines{w: stderr}, nil
}

func (l *lines) Info(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintln(l.w, text)
}
func (l *lines) Warn(text string)             { l.Info(text) }
func (l *lines) Error(text, hint string)      { l.Info("ERROR: " + text + hinted(hint)) }
func (l *lines) Finish(int)                   {}
func (l *lines) Account(string) accountScreen { return l }
func (l *lines) Begin()                       {}
func (l *lines) Event(engine.Event)           {}
func (l *lines) Note(text string)             { l.Info(text) }
func (l *lines) Debug(kind, text string)      { l.Info(text) }
func (l *lines) Report(r *engine.Report)      { l.Info(r.Account + ": " + service.Summary(r)) }
func (l *lines) Done()                        {}
func (l *lines) Sleeping(d time.Duration) {
	l.Info(fmt.Sprintf("Next refresh in %.1f minutes", d.Minutes()))
}
func (l *lines) Password(context.Context, string, string) (string, error) {
	return "", fmt.Errorf("no password is configured")
}
