package api

import "time"

// Document is what Describe returns, offlineimapctl --json prints, and the event
// stream consists of: one line each. Fields are only ever added. Times are in
// RFC 3339, and absent where there is none. Words are those of the properties.
type Document struct {
	Version      int        `json:"version"` // 1
	State        string     `json:"state"`
	Text         string     `json:"text"`
	Paused       bool       `json:"paused"`
	PausedUntil  *time.Time `json:"paused_until,omitempty"`
	Online       bool       `json:"online"`
	ConfigPath   string     `json:"config_path"`
	ConfigLoaded *time.Time `json:"config_loaded,omitempty"`
	LastSync     *time.Time `json:"last_sync,omitempty"`
	Accounts     []Account  `json:"accounts"`
	Jobs         []Job      `json:"jobs"`
	Problems     []Problem  `json:"problems"`
}

// Account is one account in a Document.
type Account struct {
	Name        string     `json:"name"`
	State       string     `json:"state"`
	Reason      string     `json:"reason,omitempty"`
	Enabled     bool       `json:"enabled"`
	Paused      bool       `json:"paused"`
	PausedUntil *time.Time `json:"paused_until,omitempty"`
	Host        string     `json:"host"`
	User        string     `json:"user"`
	Root        string     `json:"root"`
	Job         uint32     `json:"job,omitempty"` // running or waiting
	LastStart   *time.Time `json:"last_start,omitempty"`
	LastSync    *time.Time `json:"last_sync,omitempty"`
	LastResult  string     `json:"last_result,omitempty"`
	LastError   *Failure   `json:"last_error,omitempty"`
	Failures    int        `json:"failures"` // in a row
	NextSync    *time.Time `json:"next_sync,omitempty"`
	Folders     int        `json:"folders"`
	Messages    int        `json:"messages"`
	Unseen      int        `json:"unseen"`
	Fresh       int        `json:"fresh"` // brought by a run, and unseen still
	HaltToken   string     `json:"halt_token,omitempty"`
	Holds       []Hold     `json:"holds,omitempty"`
}

// Failure is why something did not work.
type Failure struct {
	Code string `json:"code"` // the error name without its prefix
	Text string `json:"text"`
	Hint string `json:"hint,omitempty"`
}

// Hold is a plan that waits for a person.
type Hold struct {
	Token  string    `json:"token"`
	Folder string    `json:"folder"`
	Code   string    `json:"code"`
	Text   string    `json:"text"`
	Since  time.Time `json:"since"`
}

// Job is one run in a Document.
type Job struct {
	ID      uint32     `json:"id"`
	Account string     `json:"account"`
	Kind    string     `json:"kind"`
	Trigger string     `json:"trigger"`
	Reason  string     `json:"reason,omitempty"`
	Folders []string   `json:"folders,omitempty"`
	State   string     `json:"state"`
	Phase   string     `json:"phase,omitempty"`
	Folder  string     `json:"folder,omitempty"`
	Done    int        `json:"done"`
	Total   int        `json:"total"`
	Bytes   int64      `json:"bytes"`
	Created time.Time  `json:"created"`
	Started *time.Time `json:"started,omitempty"`
	Ended   *time.Time `json:"ended,omitempty"`
	Result  string     `json:"result,omitempty"`
	Error   *Failure   `json:"error,omitempty"`
}

// Problem is one thing to mend.
type Problem struct {
	Code     string    `json:"code"`
	Account  string    `json:"account,omitempty"`
	Severity string    `json:"severity"`
	Text     string    `json:"text"`
	Fix      string    `json:"fix,omitempty"`
	Token    string    `json:"token,omitempty"`
	Since    time.Time `json:"since"`
}
