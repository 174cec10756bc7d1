package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/godbus/dbus/v5"

	"github.com/offlineimap/offlineimapd/dbus/api"
)

// What may be wrong with the way to the daemon.
var (
	// ErrNoBus is what Connect returns where there is no session bus, and every
	// method once the connection is lost.
	ErrNoBus = errors.New("there is no session bus")
	// ErrNotRunning says that nobody owns the name on the bus.
	ErrNotRunning = errors.New("the daemon is not running")
	// ErrGone says that the daemon left the bus before it answered, or before the
	// job ended that was waited for.
	ErrGone = errors.New("the daemon went away")
	// ErrNoAnswer says that the daemon is there and did not answer in time.
	ErrNoAnswer = errors.New("the daemon does not answer")
)

// Codes of errors that have no name of our own. The others are the last parts of
// the names in org.offlineimap.Daemon1(5), such as NoSuchAccount.
const (
	CodeInvalidArgs = "InvalidArgs"
	CodeCancelled   = "Cancelled"
	CodeInternal    = "Internal"
	CodeNotStarted  = "NotStarted" // the bus could not start the daemon
)

// Error is what the daemon answered instead of a result.
type Error struct {
	Code string // without the prefix of the error name
	Text string // one sentence for people
	Hint string // what to do; may be ""
}

func (e *Error) Error() string {
	if e.Text == "" {
		return e.Code
	}
	return e.Text
}

// Code returns the code of the *Error in err, or "".
func Code(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

const busPrefix = "org.freedesktop.DBus.Error."

// failure turns what godbus returns into what this package promises.
func failure(ctx context.Context, member string, err error) error {
	if err == nil {
		return nil
	}
	var de dbus.Error
	if !errors.As(err, &de) {
		var p *dbus.Error
		if !errors.As(err, &p) {
			return transport(ctx, member, err)
		}
		de = *p
	}
	text, hint := said(de)
	if code, ok := strings.CutPrefix(de.Name, api.ErrorPrefix); ok {
		return &Error{Code: code, Text: text, Hint: hint}
	}
	name, ok := strings.CutPrefix(de.Name, busPrefix)
	if !ok {
		return &Error{Code: CodeInternal, Text: fmt.Sprintf("%s: %s: %s", member, de.Name, text)}
	}
	switch {
	case name == "ServiceUnknown" || name == "NameHasNoOwner":
		return ErrNotRunning
	case name == "NoReply":
		return ErrGone
	case name == "Disconnected":
		return ErrNoBus
	case name == "TimedOut" || strings.HasPrefix(name, "Spawn."):
		return &Error{Code: CodeNotStarted, Text: "the bus could not start the daemon: " + text,
			Hint: "systemctl --user status offlineimapd says why"}
	}
	return &Error{Code: name, Text: text, Hint: hint}
}

// said returns the text of an error, and the hint: a second string, where the
// daemon sent one.
func said(e dbus.Error) (text, hint string) {
	if len(e.Body) > 0 {
		text, _ = e.Body[0].(string)
	}
	if len(e.Body) > 1 {
		hint, _ = e.Body[1].(string)
	}
	return text, hint
}

// transport is for errors that nobody on the bus sent.
func transport(ctx context.Context, member string, err error) error {
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, context.DeadlineExceeded):
		return ErrNoAnswer
	case lost(err):
		return fmt.Errorf("%w: the connection was lost", ErrNoBus)
	}
	return fmt.Errorf("%s: %w", member, err)
}

// lost tells whether an error is about the connection, and not about one call.
func lost(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) || errors.Is(err, dbus.ErrClosed) || errors.Is(err, context.Canceled) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.EPIPE)
}
