package imap

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/offlineimap/offlineimapd/sync/imap/wire"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// wrap adds what was attempted to an error, and gives it the scope. The class
// and hint stay those that it was born with.
func wrap(scope store.Scope, err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	what := fmt.Sprintf(format, args...)
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return store.Fail(store.Cancelled, scope, fmt.Errorf("%s: %w", what, err))
	}
	out := &store.Error{Class: store.ClassOf(err), Scope: scope, Err: fmt.Errorf("%s: %w", what, err)}
	var inner *store.Error
	if errors.As(err, &inner) {
		out.Hint = inner.Hint
	}
	return out
}

// answered turns a NO or BAD into an error; nil for OK.
func answered(scope store.Scope, r wire.Result, format string, args ...any) error {
	err := r.Err()
	if err == nil {
		return nil
	}
	what := fmt.Sprintf(format, args...)
	e := &store.Error{Class: store.ClassOf(err), Scope: scope, Err: fmt.Errorf("%s: the server says: %w", what, err)}
	if d, ok := backoff(r.Text); ok {
		e.Class = store.Temporary
		e.Hint = fmt.Sprintf("the server asks for %s of rest", d)
	}
	if r.Code == "" && tooMany(r.Text) {
		e.Class = store.Temporary
	}
	switch r.Code {
	case "OVERQUOTA":
		e.Hint = "the mailbox is full: make room on the server"
	case "TRYCREATE", "NONEXISTENT":
		e.Hint = "the mailbox is not there any more"
	}
	return e
}

var backoffText = regexp.MustCompile(`(?i)suggested backoff time:? *(\d+) *(milliseconds|seconds)?`)

// backoff reads the delay in the throttling text of Exchange and Microsoft 365,
// "Request is throttled. Suggested Backoff Time: 299961 milliseconds"
// (github.com/imapsync/imapsync/issues/212).
func backoff(text string) (time.Duration, bool) {
	m := backoffText.FindStringSubmatch(text)
	if m == nil {
		return 0, false
	}
	n, err := strconv.ParseInt(m[1], 10, 32)
	if err != nil {
		return 0, false
	}
	unit := time.Millisecond
	if strings.EqualFold(m[2], "seconds") {
		unit = time.Second
	}
	return time.Duration(n) * unit, true
}

// tooMany tells whether a server without response codes (RFC 5530: LIMIT) says
// that it takes no further connection: Gmail "Too many simultaneous
// connections", Dovecot "Maximum number of connections from user+IP exceeded",
// Courier "Too many connections".
func tooMany(text string) bool {
	t := strings.ToLower(text)
	return strings.Contains(t, "too many") && strings.Contains(t, "connection") ||
		strings.Contains(t, "maximum number of connections") ||
		strings.Contains(t, "connection limit")
}

// noSession tells whether there is no server to speak to, which concerns every
// mailbox alike.
func noSession(err error) bool {
	var s connecting
	return errors.As(err, &s)
}

// connecting is an error met before a session was there.
type connecting struct{ error }

func (c connecting) Unwrap() error { return c.error }
