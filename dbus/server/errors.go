package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/offlineimap/offlineimapd/dbus/api"
	"github.com/offlineimap/offlineimapd/dbus/server/bus"
	"github.com/offlineimap/offlineimapd/service"
)

// errorName returns the D-Bus name of a code: the code itself is its last part,
// where the interface knows it.
func errorName(c service.Code) string {
	if !slices.Contains(api.Errors, string(c)) {
		c = service.Internal
	}
	return api.ErrorPrefix + string(c)
}

// answerTo makes of any error what is sent to the caller.
func answerTo(err error) *bus.Error {
	var be *bus.Error
	if errors.As(err, &be) {
		return be
	}
	var se *service.Error
	if errors.As(err, &se) {
		return &bus.Error{Name: errorName(se.Code), Text: text(se.Error()), Hint: text(se.Hint)}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return &bus.Error{Name: errorName(service.Internal), Text: "the daemon did not answer in time"}
	}
	return &bus.Error{Name: errorName(service.CodeOf(err)), Text: text(err.Error())}
}

func invalid(format string, args ...any) error {
	return &bus.Error{Name: api.ErrorInvalidArgs, Text: text(fmt.Sprintf(format, args...))}
}

func standard(name, format string, args ...any) error {
	return &bus.Error{Name: name, Text: text(fmt.Sprintf(format, args...))}
}

func coded(c service.Code, hint, format string, args ...any) error {
	return &bus.Error{Name: errorName(c), Text: text(fmt.Sprintf(format, args...)), Hint: text(hint)}
}

// text makes s fit for the bus, which ends the connection of whoever sends
// anything but UTF-8 without NUL.
func text(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "\uFFFD")
	}
	return s
}

// brief quotes what a caller sent, for a text that is sent back.
func brief(s string) string {
	const most = 64
	if r := []rune(text(s)); len(r) > most {
		return fmt.Sprintf("%q and more", string(r[:most]))
	}
	return fmt.Sprintf("%q", text(s))
}

// noAccount is for a name that the Status does not have.
func noAccount(st *service.Status, name string) error {
	const most = 8
	hint := "no account is configured"
	if n := len(st.Accounts); n > 0 {
		hint = "the accounts are"
		for i := range min(n, most) {
			hint += fmt.Sprintf(" %q", st.Accounts[i].Name)
		}
		if n > most {
			hint += fmt.Sprintf(" and %d more", n-most)
		}
	}
	return coded(service.NoSuchAccount, hint, "there is no account %s", brief(name))
}

func noJob(id uint32) error {
	return coded(service.NoSuchJob, "jobs can be looked at until 30 seconds after their end", "there is no job %d", id)
}
