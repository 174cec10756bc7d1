package main

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/offlineimap/offlineimapd/dbus/api"
	"github.com/offlineimap/offlineimapd/dbus/client"
)

func TestStatusOfErrors(t *testing.T) {
	code := func(c string) error { return fmt.Errorf("while trying: %w", &client.Error{Code: c, Text: "x"}) }
	tests := []struct {
		err  error
		want int
	}{
		{nil, 0},
		{errors.New("x"), 1},
		{code("Internal"), 1},
		{code("ConfigInvalid"), 1},
		{code("Paused"), 1},
		{code("Busy"), 1},
		{code("ShuttingDown"), 1},
		{code("StateLocked"), 1},
		{code("NotCancelable"), 1},
		{misused(errors.New("x")), 2},
		{code("InvalidArgs"), 2},
		{client.ErrNotRunning, 3},
		{fmt.Errorf("x: %w", client.ErrGone), 3},
		{code(client.CodeNotStarted), 3},
		{code("NoSuchAccount"), 4},
		{code("NoSuchFolder"), 4},
		{code("NoSuchJob"), 4},
		{code("NoSuchHold"), 4},
		{code("AuthenticationFailed"), 7},
		{code("CredentialsUnavailable"), 7},
		{code("SafetyHalt"), 8},
		{code("Offline"), 9},
		{client.ErrNoBus, 1},
		{client.ErrNoAnswer, 1},
		{errTimeout, 124},
		{context.DeadlineExceeded, 124},
		{errInterrupted, 130},
	}
	for _, tt := range tests {
		if got, _ := statusOf(tt.err); got != tt.want {
			t.Errorf("%v: %d, want %d", tt.err, got, tt.want)
		}
	}
}

func TestStatusOfJobs(t *testing.T) {
	job := func(result, code string) *client.Job {
		j := &client.Job{Job: api.Job{Result: result}}
		if code != "" {
			j.Error = &api.Failure{Code: code}
		}
		return j
	}
	tests := []struct {
		result, code string
		want         int
	}{
		{"done", "", 0}, {"partial", "", 6}, {"partial", "Offline", 6}, {"halted", "SafetyHalt", 8},
		{"failed", "", 5}, {"failed", "ServerRefused", 5}, {"failed", "Disk", 5}, {"failed", "AuthenticationFailed", 7},
		{"failed", "CredentialsUnavailable", 7}, {"failed", "Offline", 9}, {"failed", "NoSuchFolder", 4}, {"failed", "SafetyHalt", 8},
		{"canceled", "Cancelled", 5}, {"skipped", "", 5}, {"skipped", "Paused", 5}, {"new in a later version", "", 5},
	}
	for _, tt := range tests {
		if got := jobStatus(job(tt.result, tt.code)); got != tt.want {
			t.Errorf("%s, %s: %d, want %d", tt.result, tt.code, got, tt.want)
		}
	}
}

func TestWorst(t *testing.T) {
	tests := []struct {
		all  []int
		want int
	}{
		{nil, 0}, {[]int{0, 0}, 0}, {[]int{0, 6}, 6}, {[]int{6, 8}, 8}, {[]int{8, 9, 6}, 9}, {[]int{9, 7}, 7}, {[]int{7, 5, 0}, 5}, {[]int{4, 6}, 4},
	}
	for _, tt := range tests {
		if got := worst(tt.all); got != tt.want {
			t.Errorf("%v: %d, want %d", tt.all, got, tt.want)
		}
	}
}

// Every status that a table can give has a meaning, and every code in the table
// is one of the interface.
func TestStatusesAreTold(t *testing.T) {
	told := map[int]bool{}
	for _, m := range meanings {
		told[m.status] = true
	}
	for code, s := range statuses {
		if !told[s] {
			t.Errorf("%s gives %d, which --help does not explain", code, s)
		}
	}
	for _, s := range gravest {
		if !told[s] {
			t.Errorf("%d is not explained", s)
		}
	}
	known := map[string]bool{"done": true, "partial": true, "halted": true, "failed": true, "canceled": true, "skipped": true,
		client.CodeInvalidArgs: true, client.CodeNotStarted: true}
	for _, c := range api.Errors {
		known[c] = true
	}
	for code := range statuses {
		if !known[code] {
			t.Errorf("%s is no error and no result of the interface", code)
		}
	}
}
