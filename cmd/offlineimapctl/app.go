package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"
	"unicode"

	"github.com/offlineimap/offlineimapd/cmd/offlineimapctl/doctor"
	"github.com/offlineimap/offlineimapd/cmd/offlineimapctl/term"
	"github.com/offlineimap/offlineimapd/dbus/client"
)

// app is what verbs have in common: the seams to the outside, and the options
// that all of them take.
type app struct {
	*term.Streams
	getenv func(string) string
	now    func() time.Time
	// connect gives a client that is closed with the app.
	connect func(context.Context) (*client.Client, error)
	// interrupts gives Ctrl-C, until stop.
	interrupts func() (c <-chan os.Signal, stop func())
	// command runs a program; nil arguments for streams are the null device.
	command func(ctx context.Context, in io.Reader, out, err io.Writer, name string, args ...string) error
	// lookPath finds a program.
	lookPath func(string) (string, error)
	// self is the path of this program.
	self func() (string, error)
	// grace is for how long after the first Ctrl-C a second one cancels a job.
	grace time.Duration

	examine func(*doctor.Patient) // changes by which means doctor looks; nil: nothing

	client   *client.Client
	json     jsonMode
	noLegend bool
}

func systemApp() *app {
	return &app{
		Streams: term.System(),
		getenv:  os.Getenv,
		now:     time.Now,
		connect: client.Connect,
		interrupts: func() (<-chan os.Signal, func()) {
			c := make(chan os.Signal, 2)
			signal.Notify(c, os.Interrupt, syscall.SIGTERM)
			return c, func() { signal.Stop(c) }
		},
		command: func(ctx context.Context, in io.Reader, out, err io.Writer, name string, args ...string) error {
			cmd := exec.CommandContext(ctx, name, args...)
			cmd.Stdin, cmd.Stdout, cmd.Stderr = in, out, err
			cmd.WaitDelay = time.Second
			cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
			return cmd.Run()
		},
		lookPath: exec.LookPath,
		self:     os.Executable,
		grace:    3 * time.Second,
	}
}

// bus returns the connection, which is made when a verb first needs it. Its
// calls start no daemon.
func (a *app) bus(ctx context.Context) (*client.Client, error) {
	if a.client == nil {
		c, err := a.connect(ctx)
		if err != nil {
			return nil, err
		}
		a.client = c
	}
	return a.client, nil
}

func (a *app) close() {
	if a.client != nil {
		a.client.Close()
	}
}

// say writes a result.
func (a *app) say(format string, args ...any) { term.Printf(a.Out, format, args...) }

// note writes what is not a result.
func (a *app) note(format string, args ...any) { term.Printf(a.Err, format, args...) }

// table writes a table, with its legend where that is wanted.
func (a *app) table(t *term.Table, footer string) {
	columns := 0
	if a.OutTerminal {
		columns = a.Columns()
	}
	t.Write(a.Out, a.Style, columns, !a.noLegend)
	if footer != "" && !a.noLegend {
		a.say("\n%s\n", footer)
	}
}

// jsonMode is the value of --json: "" and off, pretty, short or auto.
type jsonMode string

func (m *jsonMode) String() string { return string(*m) }
func (m *jsonMode) Type() string   { return "pretty|short|off" }

func (m *jsonMode) Set(s string) error {
	switch s {
	case "pretty", "short", "off", "auto":
		*m = jsonMode(s)
		return nil
	}
	return errors.New("it is pretty, short or off")
}

// wantsJSON tells whether results are to be JSON.
func (a *app) wantsJSON() bool { return a.json != "" && a.json != "off" }

// document writes a JSON document.
func (a *app) document(v any) error {
	return writeJSON(a.Out, v, a.json == "pretty" || a.json == "auto" && a.OutTerminal)
}

// line writes one line of a JSON stream.
func (a *app) line(v any) error { return writeJSON(a.Out, v, false) }

func writeJSON(w io.Writer, v any, pretty bool) error {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if pretty {
		e.SetIndent("", "  ")
	}
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("write the document: %w", err)
	}
	_, err := io.WriteString(w, escapeJSON(b.String()))
	return err
}

// escapeJSON escapes what encoding/json leaves and a terminal may obey: within
// strings, which is the only place for them, \u says the same.
func escapeJSON(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n' || unicode.IsPrint(r):
			b.WriteRune(r)
		case r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// interruptible returns a context that ends with the first Ctrl-C.
func (a *app) interruptible(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	c, stop := a.interrupts()
	done := make(chan struct{})
	go func() {
		select {
		case <-c:
			cancel(errInterrupted)
		case <-done:
		}
	}()
	return ctx, func() {
		stop()
		close(done)
		cancel(nil)
	}
}

// within bounds ctx by --timeout; 0 is no bound.
func within(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if d <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, d, errTimeout)
}

// output runs a program and returns what it wrote.
func (a *app) output(ctx context.Context, name string, args ...string) (stdout, stderr string, err error) {
	var out, errs strings.Builder
	err = a.command(ctx, nil, &out, &errs, name, args...)
	return out.String(), errs.String(), err
}

// exitStatus returns that of a program that command ran, and false where it did
// not come to that.
func exitStatus(err error) (int, bool) {
	var e *exec.ExitError
	switch {
	case err == nil:
		return 0, true
	case errors.As(err, &e) && e.Exited():
		return e.ExitCode(), true
	}
	return 0, false
}
