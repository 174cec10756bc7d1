package store

import (
	"context"
	"errors"
)

// ErrReplaced is in the error of a Scan of a mailbox whose UIDs are not known any
// more, in a store that carries those of the other side: it is another mailbox
// under this name, or the record of them is lost. A Scan with Known.Keys goes on
// without. What the base says of the mailbox must not be believed then.
var ErrReplaced = errors.New("its mails have to be compared anew")

// Class says what kind of failure an error is, and so what follows from it.
// It is decided where the error is born.
type Class int

// The classes.
const (
	Temporary Class = iota // may pass by itself: try again later
	Offline                // no connection to be had
	Auth                   // user, password or mechanism refused
	Config                 // the configuration cannot work: a person must change it
	Protocol               // the other side does what it must not
	Safety                 // refused because going on might lose mail
	Local                  // this machine: disk full, permission, I/O
	Refused                // the other side says no to this, and nothing was stored
	Cancelled              // the context ended
)

// String returns the word for reports and logs.
func (c Class) String() string {
	return [...]string{"temporary", "offline", "auth", "config", "protocol", "safety", "local", "refused", "cancelled"}[c]
}

// Scope says how much a failure stops.
type Scope int

// The scopes, from the narrowest.
const (
	ScopeStore  Scope = iota // the whole side: the run ends
	ScopeFolder              // this mailbox
	ScopeMail                // this mail
)

// Error is a failure with its class and scope.
type Error struct {
	Class Class
	Scope Scope
	Err   error
	Hint  string // what a person can do, or ""
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// Fail wraps err with a class and a scope.
func Fail(class Class, scope Scope, err error) error {
	return &Error{Class: class, Scope: scope, Err: err}
}

// ClassOf returns the class of err; Cancelled for a context's end, Temporary
// where none was given.
func ClassOf(err error) Class {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return Cancelled
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Class
	}
	return Temporary
}

// ScopeOf returns the scope of err; ScopeStore where none was given.
func ScopeOf(err error) Scope {
	var e *Error
	if errors.As(err, &e) {
		return e.Scope
	}
	return ScopeStore
}
