package service

import (
	"context"
	"log/slog"
	"time"

	"github.com/offlineimap/offlineimapd/service/event"
	"github.com/offlineimap/offlineimapd/sync/engine"
)

// Loader reads the configuration. Its error is a *Error of code ConfigInvalid
// where the configuration is at fault.
type Loader func(ctx context.Context) (*Setup, error)

// Setup is a configuration, read. It is never changed.
type Setup struct {
	Path        string // of the file; "": there is none
	Accounts    []Spec
	MaxAccounts int // runs at a time; 0: as many as there are accounts
	Memory      Memory
}

// Spec is what a Setup says of one account.
type Spec struct {
	Name       string
	Host, User string
	Root       string
	Interval   time.Duration // from the end of one run to the next; above 0
	// Connections is how many connections a run would like to have; those of all
	// runs to one Host are bounded together.
	Connections int
	Refused     string // why it must not run; "": it may
	Hint        string // what to do about Refused
	// Print is equal for two Specs that make for the same runs, so that a reload
	// leaves alone what did not change.
	Print  string
	Runner Runner
}

// Runner makes the runs of one account, one at a time.
type Runner interface {
	// Run returns an outcome always, and an error where the account as a whole
	// could not be brought in step. It ends within a second of its context.
	Run(ctx context.Context, o Order) (*Outcome, error)
}

// Knower is a Runner that knows its account's folders without a run.
type Knower interface {
	Known(ctx context.Context) []Folder
}

// Order is one run to make.
type Order struct {
	Job         uint32
	Kind        Kind
	Trigger     Trigger
	Folders     []string // only these; none: all
	Approve     []string // tokens of Holds that are let through
	Connections int      // at most
	// Observe is told how the run goes on. It is called from one goroutine at a
	// time, and does not wait.
	Observe func(engine.Event)
	// Note is told what a person should see while the run goes on.
	Note func(text string)
	// Secret, where not "", goes before the configured one: a person gave it.
	Secret string
}

// Outcome is what a run did.
type Outcome struct {
	Report  *engine.Report
	Folders []Folder // all that are in step; nil where it is not known
	Fresh   []Fresh  // mails that this run brought, by folder
	// Recovered tells that the state could not be used and was begun anew; else "".
	Recovered string
	Unseen    int // of the mails that this run or an earlier one brought, how many nobody has seen
}

// Fresh counts the new mails of a folder.
type Fresh struct {
	Folder string // for people
	Count  int
}

// Question asks for a secret.
type Question struct {
	Account string
	Kind    string // "password"
	Host    string
	User    string
	Retry   bool // the answer before was refused
}

// Asker asks a person, by whatever means there are. Its error has the code
// CredentialsUnavailable where there is nobody to ask, and Cancelled where that
// person will not answer.
type Asker func(ctx context.Context, q Question) (string, error)

// Memory keeps pauses over a restart.
type Memory interface {
	Load() (map[string]time.Time, error) // by account, "" for all; zero: until somebody resumes
	Save(map[string]time.Time) error
}

// Options are what a Service is made of.
type Options struct {
	Load Loader
	Ask  Asker // nil: nobody can be asked
	Log  *slog.Logger
	// Hang names an account whose loop stops answering after its first run, to try
	// the watchdog.
	Hang string
}

// Request says what to sync.
type Request struct {
	Folders      []string // only these, by their name here or on the server; none: all
	Full         bool
	DryRun       bool
	EvenIfPaused bool
	Reason       string // for the log
}

// Daemon is what a Service is to its transports.
type Daemon interface {
	// Status never waits.
	Status() *Status
	// Subscribe gives the events from now on, n of them kept while the subscriber
	// is busy.
	Subscribe(n int) *event.Subscription
	// Sync wants a run of an account, "" for all that are enabled and not paused.
	// It returns the jobs, one an account: new ones, or ones that others wait for
	// already and that will see everything that is there by now.
	Sync(ctx context.Context, account string, r Request) ([]uint32, error)
	// Approve lets the plan go on that the token names, by a job that it returns.
	Approve(ctx context.Context, account, token string) (uint32, error)
	// Pause keeps an account, "" for all, from running until Resume, or until d has
	// passed where that is not 0. A run that is under way ends in order first.
	Pause(ctx context.Context, account string, d time.Duration) error
	Resume(ctx context.Context, account string) error
	// Cancel ends a job; one that runs ends in order, soon after.
	Cancel(ctx context.Context, job uint32) error
	// Reload returns when the configuration that is on disk now is in force, or
	// with the reason why the one before remains.
	Reload(ctx context.Context) error
	// AgentArrived says that there is somebody new who can be asked for the secrets
	// of these accounts; none: of all.
	AgentArrived(accounts []string)
}
