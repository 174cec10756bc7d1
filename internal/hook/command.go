package hook

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// DefaultLimit is how long a hook may take where nothing else is said: an index
// of mails that is far behind must be able to catch up, and a hook that waits for
// something that never comes must not stop an account until somebody notices.
const DefaultLimit = 10 * time.Minute

// ErrLimit is wrapped by the error of a hook that was ended for its time.
var ErrLimit = errors.New("it took longer than it may")

// Command is a hook. It has no terminal: it is in a session of its own, so that
// Ctrl-C is for the caller to act upon, and what asks on a terminal fails at once
// rather than being stopped for ever.
type Command struct {
	Name    string // such as "presynchook": OIMAP_HOOK_NAME
	Account string // OIMAP_ACCOUNT_NAME
	Mode    string // "full", "quick" or "idle": OFFLINEIMAPSYNCMODE
	Shell   string // what /bin/sh -c is given; blank: there is no hook
	// Changes are what the hook reads from standard input. Nil: nothing.
	Changes *Changes
	// Limit is how long it may take. 0: DefaultLimit.
	Limit time.Duration
	// Env is the environment that it inherits. Nil: that of the process.
	Env []string
	// DryRun says that the hook is announced only.
	DryRun bool
	// Log is told what happens, one line a call, by the goroutine that called Run.
	Log func(level slog.Level, text string)

	grace time.Duration // for tests; 0: grace
}

// Run runs the hook and waits for its end, not for that of what it left in the
// background. When ctx ends, the hook is ended, within half a second.
//
// Everything is logged, an end that was not a success as a warning. The error says
// the same, for a caller that wants to know; it wraps ErrLimit, ctx's error, an
// *exec.ExitError, or says why nothing could be run.
func (c Command) Run(ctx context.Context) error {
	if strings.TrimSpace(c.Shell) == "" {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("run %s: %w", c.Name, err)
	}
	if c.DryRun {
		c.Log(slog.LevelInfo, "[DRYRUN] Calling hook: "+oneLine(c.Shell))
		return nil
	}
	c.Log(slog.LevelInfo, "Calling hook: "+oneLine(c.Shell))
	p, err := c.start()
	if err != nil {
		err = fmt.Errorf("run %s: %w", c.Name, err)
		c.Log(slog.LevelWarn, "The hook was not called: "+clean(err.Error()))
		return err
	}
	limit := c.Limit
	if limit <= 0 {
		limit = DefaultLimit
	}
	p.grace = cmp.Or(c.grace, grace)
	if err := p.follow(ctx, limit, c.Log); err != nil {
		return fmt.Errorf("run %s: %w", c.Name, err)
	}
	return nil
}

// start starts the shell. The pipes are this package's own, since exec waits for
// those that it makes.
func (c Command) start() (*process, error) {
	var files []*os.File
	var err error
	pipe := func() (r, w *os.File) {
		if err == nil {
			if r, w, err = os.Pipe(); err == nil {
				files = append(files, r, w)
			}
		}
		return r, w
	}
	stdout, childOut := pipe()
	stderr, childErr := pipe()
	cmd := exec.Command("/bin/sh", "-c", c.Shell)
	cmd.Env = c.environment()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err == nil && c.Changes != nil {
		var in *os.File
		if in, err = c.Changes.file(); err == nil {
			cmd.Stdin = in
			defer in.Close()
		}
	} // else it is /dev/null
	if err == nil {
		cmd.Stdout, cmd.Stderr = childOut, childErr
		err = cmd.Start()
	}
	if err != nil {
		for _, f := range files {
			f.Close()
		}
		return nil, err
	}
	childOut.Close()
	childErr.Close()
	return watch(cmd, stdout, stderr), nil
}

// notTheirs is what a service manager tells the process that it has started. A
// program that the hook runs must neither speak for it nor take its sockets.
var notTheirs = []string{"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_PID", "LISTEN_PIDFDID", "LISTEN_FDS", "LISTEN_FDNAMES"}

func (c Command) environment() []string {
	from := c.Env
	if from == nil {
		from = os.Environ()
	}
	env := make([]string, 0, len(from)+3)
next:
	for _, v := range from {
		for _, name := range notTheirs {
			if strings.HasPrefix(v, name+"=") {
				continue next
			}
		}
		env = append(env, v)
	}
	// Of two values exec takes the last.
	return append(env, "OFFLINEIMAPSYNCMODE="+c.Mode, "OIMAP_ACCOUNT_NAME="+c.Account, "OIMAP_HOOK_NAME="+c.Name)
}
