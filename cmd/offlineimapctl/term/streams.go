package term

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"

	xterm "golang.org/x/term"
)

// Streams are where a program reads and writes, and what is known of them.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
	// InTerminal, OutTerminal and ErrTerminal tell who sits at the other end.
	InTerminal, OutTerminal, ErrTerminal bool
	// Columns is the width of the terminal; 0 where there is none to respect.
	Columns func() int
	Rows    func() int // its height
	// Secret asks for a text that must not be seen; see ReadSecret.
	Secret   func(ctx context.Context, prompt string) (string, error)
	Style    Style // of Out
	ErrStyle Style
}

// ErrNoTerminal says that there is nobody to ask.
var ErrNoTerminal = errors.New("there is no terminal to ask on")

// System returns the streams of the process.
func System() *Streams {
	s := &Streams{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		InTerminal:  xterm.IsTerminal(int(os.Stdin.Fd())),
		OutTerminal: xterm.IsTerminal(int(os.Stdout.Fd())),
		ErrTerminal: xterm.IsTerminal(int(os.Stderr.Fd())),
		Secret:      secretOnTTY,
	}
	size := func() (columns, rows int) {
		for _, f := range []*os.File{os.Stdout, os.Stderr} {
			if w, h, err := xterm.GetSize(int(f.Fd())); err == nil && w > 0 {
				return w, h
			}
		}
		return 0, 0
	}
	s.Columns = func() int { c, _ := size(); return c }
	s.Rows = func() int { _, r := size(); return r }
	s.Style, s.ErrStyle = StyleFor(s.OutTerminal, os.Getenv), StyleFor(s.ErrTerminal, os.Getenv)
	if os.Getenv("TERM") == "dumb" {
		s.ErrTerminal = false // no line can be written again there
	}
	return s
}

// Test returns streams of which nothing is a terminal, and what is written to
// them.
func Test(in string) (s *Streams, out, err *bytes.Buffer) {
	out, err = &bytes.Buffer{}, &bytes.Buffer{}
	return &Streams{
		In: strings.NewReader(in), Out: out, Err: err,
		Columns: func() int { return 0 },
		Rows:    func() int { return 0 },
		Secret:  func(context.Context, string) (string, error) { return "", ErrNoTerminal },
	}, out, err
}
