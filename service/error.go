package service

import (
	"errors"

	"github.com/offlineimap/offlineimapd/sync/store"
)

// Code says what kind of failure something is, for programs. It is the last
// part of the D-Bus error name, and never changes.
type Code string

// The codes.
const (
	NoSuchAccount          Code = "NoSuchAccount"
	NoSuchFolder           Code = "NoSuchFolder"
	NoSuchJob              Code = "NoSuchJob"
	NotCancelable          Code = "NotCancelable" // it has ended
	Paused                 Code = "Paused"
	Offline                Code = "Offline"                // no connection to be had
	AuthenticationFailed   Code = "AuthenticationFailed"   // the server refused user, password or mechanism
	CredentialsUnavailable Code = "CredentialsUnavailable" // there is no password to try
	TLSUntrusted           Code = "TLSUntrusted"
	ServerRefused          Code = "ServerRefused"
	ConfigInvalid          Code = "ConfigInvalid"
	SafetyHalt             Code = "SafetyHalt" // a plan waits for a person
	NoSuchHold             Code = "NoSuchHold" // the token names no plan that waits
	StateLocked            Code = "StateLocked"
	Disk                   Code = "Disk" // this machine: full, permission, I/O
	Cancelled              Code = "Cancelled"
	ShuttingDown           Code = "ShuttingDown"
	Busy                   Code = "Busy" // more is asked for than can be kept
	Internal               Code = "Internal"
)

// Error is what the methods of Service return.
type Error struct {
	Code Code
	Err  error
	Hint string
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// CodeOf returns the code of err.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return codeOfClass(store.ClassOf(err))
}

// codeOfClass is the one table from the engine's classes to codes.
func codeOfClass(c store.Class) Code {
	switch c {
	case store.Offline:
		return Offline
	case store.Auth:
		return AuthenticationFailed
	case store.Config:
		return ConfigInvalid
	case store.Safety:
		return SafetyHalt
	case store.Local:
		return Disk
	case store.Cancelled:
		return Cancelled
	}
	return ServerRefused // Temporary, Protocol, Refused
}
