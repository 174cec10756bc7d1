package server

import (
	"context"
	"errors"
	"fmt"

	"github.com/offlineimap/offlineimapd/dbus/api"
	"github.com/offlineimap/offlineimapd/dbus/server/bus"
	"github.com/offlineimap/offlineimapd/dbus/server/view"
	"github.com/offlineimap/offlineimapd/service"
)

// answerTo makes of any error what is sent to the caller.
func answerTo(err error) *bus.Error {
	var be *bus.Error
	if errors.As(err, &be) {
		return be
	}
	var se *service.Error
	if errors.As(err, &se) {
		return &bus.Error{Name: view.ErrorName(se.Code), Text: view.Text(se.Error()), Hint: view.Text(se.Hint)}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return &bus.Error{Name: view.ErrorName(service.Internal), Text: "the daemon did not answer in time"}
	}
	return &bus.Error{Name: view.ErrorName(service.CodeOf(err)), Text: view.Text(err.Error())}
}

func invalid(format string, args ...any) error {
	return &bus.Error{Name: api.ErrorInvalidArgs, Text: view.Text(fmt.Sprintf(format, args...))}
}

func standard(name, format string, args ...any) error {
	return &bus.Error{Name: name, Text: view.Text(fmt.Sprintf(format, args...))}
}

func coded(c service.Code, hint, format string, args ...any) error {
	return &bus.Error{Name: view.ErrorName(c), Text: view.Text(fmt.Sprintf(format, args...)), Hint: view.Text(hint)}
}

// brief quotes what a caller sent, for a text that is sent back.
func brief(s string) string {
	const most = 64
	if r := []rune(view.Text(s)); len(r) > most {
		return fmt.Sprintf("%q and more", string(r[:most]))
	}
	return fmt.Sprintf("%q", view.Text(s))
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
