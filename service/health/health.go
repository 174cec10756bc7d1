// Package health names the problems that need a person, or that last, with
// codes that never change.
//
// It must not know where a problem comes from or who is told of it; it has no
// goroutines.
package health

import "time"

// Code names a kind of problem for programs; it never changes.
type Code string

// The codes.
const (
	Unconfigured      Code = "unconfigured"          // there is no configuration
	ConfigError       Code = "config-error"          // an account is not run because of what the configuration says
	ConfigRejected    Code = "config-rejected"       // a reload found errors; the configuration before is in force
	PasswordNeeded    Code = "password-needed"       // missing or refused
	TLSUntrusted      Code = "certificate-untrusted" // the server's certificate
	ServerUnreachable Code = "server-unreachable"    // for more than a few tries
	RunFailing        Code = "run-failing"           // for more than a few tries
	Held              Code = "held"                  // a plan waits for a person
	ItemsFailing      Code = "items-failing"         // some folders or mails are not in step
	AccountBusy       Code = "account-in-use"        // another program works on it
	DiskTrouble       Code = "disk"                  // full, permission, I/O
)

// Severity says how soon a person is wanted.
type Severity string

// The severities.
const (
	Warning Severity = "warning" // goes on by itself, perhaps
	Error   Severity = "error"   // does not go on without a person
)

// Problem is one thing to mend. Code, Account and Token together are unique.
type Problem struct {
	Code     Code
	Account  string // "": of the daemon
	Severity Severity
	Text     string    // for people: what and why
	Fix      string    // what to do: a command line, or a sentence
	Token    string    // of a Hold, else ""
	Since    time.Time // when it was first seen
}
