package ui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"golang.org/x/term"

	"github.com/offlineimap/offlineimapd/sync/store"
)

func config(text, hint string) error {
	return &store.Error{Class: store.Config, Err: errors.New(text), Hint: hint}
}

const hintPassword = "write remotepassfile = FILE into the remote repository, or run with -u ttyui on a terminal"

// password asks for one. Only one question is open at a time.
func (u *UI) password(ctx context.Context, a *Account, user string, refused bool) (string, error) {
	if u.kind != "ttyui" && u.kind != "machineui" {
		return "", config("Prompting for a password is not supported in this UI backend.", hintPassword)
	}
	if u.answers == nil {
		return "", config("there is nobody to ask for a password: no standard input", hintPassword)
	}
	select {
	case <-u.asking:
		defer func() { u.asking <- struct{}{} }()
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	if u.kind == "machineui" {
		if refused {
			u.say(record{level: slog.LevelWarn, thread: a.thread, command: "getpasserror", data: []string{word(user), a.remote.Name, "the server refused the password"}})
		}
		u.say(record{level: slog.LevelInfo, thread: a.thread, command: "getpass", data: []string{word(user)}})
		return u.answers.line(ctx)
	}
	prompt := fmt.Sprintf("Enter password for user '%s': ", word(user))
	if refused {
		prompt = fmt.Sprintf("%s: the server refused the password.\n", a.name) + prompt
	}
	return u.prompt(ctx, prompt)
}

// prompt asks on the terminal, with its echo off. What others have to say waits
// meanwhile. Where standard input is no terminal the answer is read from it all the
// same, as OfflineIMAP does.
func (u *UI) prompt(ctx context.Context, text string) (string, error) {
	u.mu.Lock()
	u.asked = true
	u.mu.Unlock()
	defer func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		u.asked = false
		rs := u.waiting
		u.waiting, u.size = nil, 0
		u.write(rs)
	}()
	out := u.o.Stderr
	if f, ok := out.(*os.File); term.IsTerminal(int(u.o.Stdin.Fd())) && (!ok || !term.IsTerminal(int(f.Fd()))) {
		out = u.o.Stdin // a terminal is open both ways
	}
	restore, err := silence(u.o.Stdin)
	if err != nil {
		return "", fmt.Errorf("turn the terminal's echo off: %w", err)
	}
	defer restore()
	u.show(out, text)
	answer, err := u.answers.line(ctx)
	if err != nil {
		u.show(out, "\n")
	}
	return answer, err
}

func (u *UI) show(w io.Writer, text string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	_, _ = io.WriteString(w, text)
}
