package prompt

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"unicode/utf8"

	"github.com/offlineimap/offlineimapd/cmd/offlineimap-applet/plain"
)

// What may come instead of an answer.
var (
	// ErrCancelled says that the person closed the prompt, or gave an empty answer.
	ErrCancelled = errors.New("the prompt was cancelled")
	// ErrUnavailable says that there is no way to ask.
	ErrUnavailable = errors.New("there is no program to ask for a password with: install zenity, kdialog or pinentry")
)

// Environment is where programs are looked for.
type Environment struct {
	Getenv   func(string) string
	LookPath func(string) (string, error)
}

// Question is what to show. It may contain anything: what a program would not
// show as it is, is changed.
type Question struct {
	Title string
	Text  string // must not begin with a text of others
}

// maxSecret bounds an answer (octets).
const maxSecret = 4096

// program is one way to ask.
type program struct {
	name string
	ask  func(ctx context.Context, path string, q Question) (string, error)
}

// programs are in the order in which they are tried.
func programs() []program {
	return []program{
		{"zenity", zenity},
		{"kdialog", kdialog},
		{"pinentry", pinentry},
	}
}

// Available tells whether there is a program to ask with.
func Available(e Environment) bool {
	for _, p := range programs() {
		if path, _ := find(e, p); path != "" {
			return true
		}
	}
	return false
}

// find returns "" for a program that is not there, or has no display to show
// anything on.
func find(e Environment, p program) (path string, err error) {
	if e.Getenv("DISPLAY") == "" && e.Getenv("WAYLAND_DISPLAY") == "" {
		return "", errors.New("neither DISPLAY nor WAYLAND_DISPLAY is set")
	}
	return e.LookPath(p.name)
}

// Ask asks with the first program that is able to, and returns the answer, which
// is UTF-8 without NUL. The error is ErrCancelled, ErrUnavailable, or the cause
// of ctx.
func Ask(ctx context.Context, e Environment, q Question) (string, error) {
	q = Question{Title: plain.Line(q.Title, 100), Text: plain.Line(q.Text, 400)}
	why := ErrUnavailable
	for _, p := range programs() {
		path, err := find(e, p)
		if err != nil || path == "" {
			continue
		}
		secret, err := p.ask(ctx, path, q)
		switch {
		case ctx.Err() != nil:
			return "", context.Cause(ctx)
		case errors.Is(err, ErrCancelled) || err == nil && secret == "":
			return "", ErrCancelled
		case err == nil && (!utf8.ValidString(secret) || strings.ContainsRune(secret, 0)):
			err = errors.New("the answer is not UTF-8")
		case err == nil:
			return secret, nil
		}
		why = fmt.Errorf("%w (%s: %w)", ErrUnavailable, p.name, err)
	}
	return "", why
}

// zenity's entry, unlike its password dialogue, shows a text. It takes the text
// apart as C does a string, and an underscore for the mark of a short cut; some
// builds read markup in it, others show what would escape it.
func zenity(ctx context.Context, path string, q Question) (string, error) {
	text := strings.NewReplacer(`\`, `\\`, "_", "__").Replace(plain.NoMarkup(q.Text))
	return dialogue(ctx, path, "--entry", "--hide-text", "--title="+q.Title, "--text="+text)
}

// kdialog takes a backslash for the start of an escape, and what looks like
// markup for markup.
func kdialog(ctx context.Context, path string, q Question) (string, error) {
	text := strings.ReplaceAll(plain.NoMarkup(q.Text), `\`, `\\`)
	return dialogue(ctx, path, "--title", "offlineimapd: "+q.Title, "--password", text)
}

// dialogue runs a program that writes the answer and a line end, and says by
// status 1 that it was closed.
func dialogue(ctx context.Context, path string, args ...string) (string, error) {
	cmd, finish := command(ctx, path, args...)
	out, said := &limited{}, &limited{}
	cmd.Stdout, cmd.Stderr = out, said
	err := cmd.Run()
	finish()
	var status *exec.ExitError
	switch {
	case errors.As(err, &status) && status.ExitCode() == 1:
		if strings.Contains(string(said.b), "cannot open display") { // GTK has no status of its own for it
			return "", errors.New("it cannot open the display")
		}
		return "", ErrCancelled
	case err != nil:
		return "", err
	case out.over:
		return "", errors.New("the answer is too long")
	}
	return strings.TrimSuffix(string(out.b), "\n"), nil
}

// limited keeps as much as a secret may have.
type limited struct {
	b    []byte
	over bool
}

func (l *limited) Write(p []byte) (int, error) {
	if len(l.b)+len(p) > maxSecret {
		l.over = true
		return len(p), nil
	}
	l.b = append(l.b, p...)
	return len(p), nil
}
