package service

import (
	"time"

	"github.com/offlineimap/offlineimapd/service/health"
	"github.com/offlineimap/offlineimapd/sync/engine"
)

// State is how the daemon as a whole is.
type State string

// The states of the daemon, the first that holds.
const (
	StateUnconfigured State = "unconfigured" // there is no configuration yet
	StatePaused       State = "paused"       // all accounts are
	StateSyncing      State = "syncing"      // a run is under way
	StateOffline      State = "offline"      // no server can be reached
	StateDegraded     State = "degraded"     // something needs a person, or fails again and again
	StateIdle         State = "idle"         // in step, waiting for the next time
)

// AccountState is how one account is.
type AccountState string

// The states of an account.
const (
	AccountIdle         AccountState = "idle"          // in step, waiting for the next time
	AccountWaiting      AccountState = "waiting"       // wants to run, and waits for its turn
	AccountConnecting   AccountState = "connecting"    // runs, and has not heard from the server yet
	AccountSyncing      AccountState = "syncing"       // runs
	AccountPaused       AccountState = "paused"        // by a person
	AccountOffline      AccountState = "offline"       // the server cannot be reached; tried again
	AccountBackoff      AccountState = "backoff"       // the last run failed; tried again
	AccountAuthRequired AccountState = "auth-required" // a password is missing or was refused
	AccountHalted       AccountState = "halted"        // held as a whole until a person approves
	AccountDisabled     AccountState = "disabled"      // the configuration does not let it run
)

// Status is everything there is to know at one moment. It is never changed;
// whoever holds one may read it from any goroutine.
type Status struct {
	Serial       uint64 // grows with every change
	State        State
	Text         string // one line for people, without names of strangers
	Paused       bool   // all accounts are, by one word
	PausedUntil  time.Time
	Online       bool // at least one server answered when it was last asked, or none was asked yet
	ConfigPath   string
	ConfigLoaded time.Time
	LastSync     time.Time // the latest of all accounts'
	Accounts     []Account // in the order of the configuration
	Jobs         []Job     // waiting, running, and those that ended lately, by ID
	Problems     []health.Problem
}

// Account is one account in a Status.
type Account struct {
	Name        string
	State       AccountState
	Reason      string // why it is in that state, for people; may be ""
	Enabled     bool   // the configuration lists it and lets it run
	Paused      bool   // it itself, or all
	PausedUntil time.Time
	Host, User  string
	Root        string // of the local folders
	Job         uint32 // running or waiting, the running one first; 0: none
	LastStart   time.Time
	LastSync    time.Time // of the last run that left it in step
	LastResult  Result    // "": none yet
	LastError   Failure   // of the last run; zero where it was good
	Failures    int       // in a row
	NextSync    time.Time // zero: not before something happens
	Folders     []Folder  // by name; shared between Statuses
	Messages    int
	Unseen      int
	Fresh       int    // mails that a run brought and that are unseen still
	HaltToken   string // approves all Holds together; "": there are none
	Holds       []Hold
}

// Folder is one folder in step. Names are as the server and the disk have them:
// not fit for a terminal.
type Folder struct {
	Local, Remote    string
	Messages, Unseen int
	LastSync         time.Time // when a run last found or brought it in step
}

// Hold is a plan that waits for a person.
type Hold struct {
	Token  string // names this very plan
	Folder string // "/": the account as a whole
	Code   string // of guard.Code
	Text   string // for people: what was seen, what would follow, what to do
	Since  time.Time
}

// Failure is why something did not work. The zero value is none.
type Failure struct {
	Code Code
	Text string // for people, in one sentence
	Hint string // what to do, or ""
}

// Result says how a job ended.
type Result string

// The results.
const (
	ResultDone     Result = "done"
	ResultPartial  Result = "partial"  // the rest is in step, but some folders or mails are not
	ResultHalted   Result = "halted"   // nothing failed, but a plan waits for a person
	ResultFailed   Result = "failed"   //
	ResultCanceled Result = "canceled" // by a person, or by the end of the daemon
	ResultSkipped  Result = "skipped"  // it did not come to run: paused or taken out of the configuration meanwhile
)

// Kind says what a job does.
type Kind string

// The kinds.
const (
	KindSync   Kind = "sync"
	KindFull   Kind = "full"    // looks at everything, whatever the stamps say
	KindDryRun Kind = "dry-run" // changes nothing
)

// Trigger says why a job is there.
type Trigger string

// The triggers, the strongest first: a job that several of them share names the
// strongest.
const (
	TriggerUser    Trigger = "user"    // somebody asked
	TriggerAgent   Trigger = "agent"   // there is somebody now who can be asked for a password
	TriggerResume  Trigger = "resume"  // a pause ended
	TriggerReload  Trigger = "reload"  // the configuration changed
	TriggerStartup Trigger = "startup" // the daemon started
	TriggerTimer   Trigger = "timer"   // autorefresh, or a further try
)

// JobState is how far a job is.
type JobState string

// The states of a job.
const (
	JobWaiting  JobState = "waiting"
	JobRunning  JobState = "running"
	JobFinished JobState = "finished"
)

// Phase is what a running job is at.
type Phase string

// The phases.
const (
	PhaseNone       Phase = ""
	PhaseConnecting Phase = "connecting"
	PhaseScanning   Phase = "scanning"
	PhaseApplying   Phase = "applying"
)

// Job is one run, from the wish for it until some time after its end.
type Job struct {
	ID      uint32
	Account string
	Kind    Kind
	Trigger Trigger
	Reason  string   // what the caller gave as the reason; may be ""
	Folders []string // only these; none: all
	State   JobState
	Phase   Phase
	Folder  string // the one that moved last, for people
	Done    int    // mails copied
	Total   int    // mails known to be copied; grows while folders are looked at
	Bytes   int64  // copied
	Created time.Time
	Started time.Time
	Ended   time.Time
	Result  Result
	Failure Failure
	Report  *engine.Report // nil: it did not come to run
}

// Account returns the account of that name, or nil.
func (s *Status) Account(name string) *Account {
	for i := range s.Accounts {
		if s.Accounts[i].Name == name {
			return &s.Accounts[i]
		}
	}
	return nil
}

// Job returns the job of that ID, or nil.
func (s *Status) Job(id uint32) *Job {
	for i := range s.Jobs {
		if s.Jobs[i].ID == id {
			return &s.Jobs[i]
		}
	}
	return nil
}
