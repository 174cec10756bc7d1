package doctor

import (
	"context"
	"io/fs"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/offlineimap/offlineimapd/dbus/api"
	"github.com/offlineimap/offlineimapd/dbus/client"
)

// Result is how a check came out.
type Result string

// The results.
const (
	OK   Result = "ok"
	Warn Result = "warn" // works, perhaps not always
	Fail Result = "fail" // keeps mail from being in step
)

// Check is one thing that was looked at.
type Check struct {
	Name    string `json:"check"`
	Account string `json:"account,omitempty"`
	Result  Result `json:"result"`
	Text    string `json:"text"`
	Hint    string `json:"hint,omitempty"`
}

// Patient is what is looked at, and by which means.
type Patient struct {
	Connect  func(context.Context) (*client.Client, error) // closed by its owner
	Version  string                                        // of this program
	Accounts []string                                      // none: all
	// Binary finds offlineimapd.
	Binary   func() (string, error)
	LookPath func(string) (string, error)
	// Output runs a program and returns what it wrote.
	Output func(ctx context.Context, name string, args ...string) (stdout, stderr string, err error)
	// ExitStatus tells that of a program from the error of Output.
	ExitStatus func(error) (int, bool)
	Getenv     func(string) string
	Now        func() time.Time
	Self       func() (string, error) // the path of this program

	LookupHost func(ctx context.Context, host string) ([]string, error)
	Dial       func(ctx context.Context, network, address string) (net.Conn, error)
	ReadFile   func(string) ([]byte, error)
	Stat       func(string) (fs.FileInfo, error)
	Writable   func(path string) error
	Free       func(path string) (free, total uint64, err error) // octets
}

// System fills in what asks the machine.
func (p *Patient) System() {
	p.LookupHost = net.DefaultResolver.LookupHost
	p.Dial = (&net.Dialer{}).DialContext
	p.ReadFile = os.ReadFile
	p.Stat = os.Stat
	p.Writable = func(path string) error { return unix.Access(path, unix.W_OK|unix.X_OK) }
	p.Free = func(path string) (uint64, uint64, error) {
		var s unix.Statfs_t
		if err := unix.Statfs(path, &s); err != nil {
			return 0, 0, err
		}
		return s.Bavail * uint64(s.Bsize), s.Blocks * uint64(s.Bsize), nil
	}
}

// patience is how long one question to the outside may take.
const patience = 5 * time.Second

// examination is one run of the checks, and what they found out for each other.
type examination struct {
	*Patient
	mu     sync.Mutex
	found  []Check
	client *client.Client
	doc    *api.Document // nil: the daemon did not tell
	config []configured  // by --show-config
	redact redactor
}

// Examine carries out all checks, in order. Its error is that of ctx, or that
// an account is not there.
func (p *Patient) Examine(ctx context.Context) ([]Check, error) {
	e := &examination{Patient: p}
	e.redact = newRedactor(p.Getenv)
	for _, stage := range []func(context.Context){e.bus, e.unit, e.linger, e.daemon, e.configuration, e.clock, e.inotify, e.others, e.problems} {
		stage(ctx)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
	}
	if err := e.accounts(ctx); err != nil {
		return nil, err
	}
	return e.found, nil
}

// tell adds a result.
func (e *examination) tell(c Check) {
	if strings.HasPrefix(c.Hint, "offlineimapctl doctor") {
		c.Hint = "" // that is what is being done
	}
	c.Text, c.Hint = e.redact.text(c.Text), e.redact.text(c.Hint)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.found = append(e.found, c)
}

// output runs a program for no longer than patience.
func (e *examination) output(ctx context.Context, name string, args ...string) (stdout, stderr string, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return e.Output(ctx, name, args...)
}
