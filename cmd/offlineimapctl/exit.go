package main

import (
	"context"
	"errors"
	"slices"

	"github.com/offlineimap/offlineimapd/cmd/offlineimapctl/term"
	"github.com/offlineimap/offlineimapd/dbus/client"
)

// Exit statuses; 3 and 4 as in the LSB's table for status actions of init
// scripts, 124 as timeout(1), 130 as a shell says of SIGINT.
const (
	exitOK          = 0
	exitFailure     = 1
	exitUsage       = 2
	exitNotRunning  = 3
	exitNoSuch      = 4
	exitJobFailed   = 5
	exitIncomplete  = 6
	exitPassword    = 7
	exitHalted      = 8
	exitOffline     = 9
	exitTimeout     = 124
	exitInterrupted = 130
)

// meanings are what --help and the manual page say of the statuses.
var meanings = []struct {
	status int
	text   string
}{
	{exitOK, "success"},
	{exitFailure, "failure"},
	{exitUsage, "usage"},
	{exitNotRunning, "the daemon is not running"},
	{exitNoSuch, "no such account, folder, job or held plan"},
	{exitJobFailed, "the job failed, was canceled or skipped"},
	{exitIncomplete, "finished, but some items were left out, or there are problems"},
	{exitPassword, "a password or consent is needed"},
	{exitHalted, "halted for safety"},
	{exitOffline, "offline"},
	{exitTimeout, "--timeout was reached"},
	{exitInterrupted, "interrupted"},
}

// statuses is the one table from codes of errors and results of jobs to exit
// statuses. A code that is not here, and came with a job, is exitJobFailed; came
// with a call, exitFailure.
var statuses = map[string]int{
	"done":     exitOK,
	"partial":  exitIncomplete,
	"halted":   exitHalted,
	"failed":   exitJobFailed,
	"canceled": exitJobFailed,
	"skipped":  exitJobFailed,

	"NoSuchAccount":          exitNoSuch,
	"NoSuchFolder":           exitNoSuch,
	"NoSuchJob":              exitNoSuch,
	"NoSuchHold":             exitNoSuch,
	"AuthenticationFailed":   exitPassword,
	"CredentialsUnavailable": exitPassword,
	"SafetyHalt":             exitHalted,
	"Offline":                exitOffline,

	client.CodeInvalidArgs: exitUsage,
	client.CodeNotStarted:  exitNotRunning,
}

// gravest orders the statuses of several jobs: the first that one of them has is
// that of all.
var gravest = []int{exitJobFailed, exitNoSuch, exitPassword, exitOffline, exitHalted, exitIncomplete}

// worst returns the status of several jobs.
func worst(all []int) int {
	for _, s := range gravest {
		if slices.Contains(all, s) {
			return s
		}
	}
	return exitOK
}

// jobStatus is the exit status that tells how a job ended.
func jobStatus(j *client.Job) int {
	if j.Result == "failed" && j.Error != nil {
		if s, ok := statuses[j.Error.Code]; ok {
			return s
		}
	}
	if s, ok := statuses[j.Result]; ok {
		return s
	}
	return exitJobFailed
}

// verdict is an error with its exit status; err is nil where everything was said
// already.
type verdict struct {
	status int
	err    error
	hint   string
}

func (v *verdict) Error() string {
	if v.err == nil {
		return ""
	}
	return v.err.Error()
}

func (v *verdict) Unwrap() error { return v.err }

// said ends the program with a status and without a word more.
func said(status int) error {
	if status == exitOK {
		return nil
	}
	return &verdict{status: status}
}

// misused is an error of the command line.
func misused(err error) error {
	return &verdict{exitUsage, err, ""}
}

// errInterrupted and errTimeout are the causes of the context of a verb.
var (
	errInterrupted = errors.New("interrupted")
	errTimeout     = errors.New("timed out")
)

// statusOf derives exit status and hint from any error.
func statusOf(err error) (status int, hint string) {
	var v *verdict
	var e *client.Error
	switch {
	case err == nil:
		return exitOK, ""
	case errors.As(err, &v):
		return v.status, v.hint
	case errors.Is(err, errInterrupted):
		return exitInterrupted, ""
	case errors.Is(err, errTimeout), errors.Is(err, context.DeadlineExceeded):
		return exitTimeout, ""
	case errors.Is(err, client.ErrNotRunning):
		return exitNotRunning, "systemctl --user start offlineimapd"
	case errors.Is(err, client.ErrGone):
		return exitNotRunning, "systemctl --user status offlineimapd says why"
	case errors.Is(err, client.ErrNoBus):
		return exitFailure, "offlineimapctl doctor looks for the reason"
	case errors.As(err, &e):
		if s, ok := statuses[e.Code]; ok {
			return s, e.Hint
		}
		return exitFailure, e.Hint
	}
	return exitFailure, ""
}

// complain writes an error as every verb does, and returns its exit status.
func complain(s *term.Streams, err error) int {
	status, hint := statusOf(err)
	var v *verdict
	if err == nil || errors.As(err, &v) && v.err == nil {
		return status
	}
	for i, line := range term.Lines(err.Error()) {
		if i == 0 {
			line = "offlineimapctl: " + line
		}
		term.Printf(s.Err, "%s\n", line)
	}
	if hint != "" {
		for _, line := range term.Lines(hint) {
			term.Printf(s.Err, "hint: %s\n", line)
		}
	}
	return status
}
