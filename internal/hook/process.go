package hook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// grace is how long a hook may take to end in order when its time is over.
	grace = 2 * time.Second
	// shortGrace is the same when the caller must end, in under a second itself.
	shortGrace = 250 * time.Millisecond
	// settle is how long output is waited for that may still come after the shell
	// has ended: what it has left in the background may keep the pipes open.
	settle = 500 * time.Millisecond
	// last is how long the end of what was killed is waited for.
	last = 200 * time.Millisecond
)

// process is a hook that was started.
type process struct {
	pid    int
	grace  time.Duration // to end in order after the limit
	pipes  [2]*os.File
	said   chan said     // what the readers of the pipes have to tell
	exited chan struct{} // closed when the shell has ended; it keeps its process ID
	reap   chan struct{} // closed when nobody needs the process ID any more
	state  chan error    // then how the shell ended, as exec has it
}

func watch(cmd *exec.Cmd, stdout, stderr *os.File) *process {
	p := &process{
		pid: cmd.Process.Pid, pipes: [2]*os.File{stdout, stderr},
		said: make(chan said), exited: make(chan struct{}), reap: make(chan struct{}), state: make(chan error, 1),
	}
	go listen(stdout, "Hook stdout: ", p.said)
	go listen(stderr, "Hook stderr: ", p.said)
	go func() {
		for errors.Is(unix.Waitid(unix.P_PID, p.pid, nil, unix.WEXITED|unix.WNOWAIT, nil), unix.EINTR) {
		}
		close(p.exited)
		<-p.reap
		p.state <- cmd.Wait()
	}()
	return p
}

// signal reaches the shell and all that it has started, but for what has made a
// session or a group of its own.
func (p *process) signal(sig syscall.Signal) {
	_ = syscall.Kill(-p.pid, sig) // nothing but a zombie: nothing to end
}

// terminate asks for an end. What is stopped could not hear it.
func (p *process) terminate() {
	p.signal(syscall.SIGTERM)
	p.signal(syscall.SIGCONT)
}

// cut ends the readers of the pipes, whatever is in there.
func (p *process) cut() {
	for _, f := range p.pipes {
		_ = f.SetReadDeadline(time.Unix(1, 0)) // at its end already: as good
	}
}

// phase is how far a hook is.
type phase int

const (
	running  phase = iota
	settling       // the shell has ended by itself
	ending         // it was told to end
	killed         // it and all in its group were killed
	leaving        // no more is waited for
)

// follow sees the hook to its end.
func (p *process) follow(ctx context.Context, limit time.Duration, log func(slog.Level, string)) error {
	at, open, gone := running, len(p.pipes), false
	exited, cancelled := p.exited, ctx.Done()
	due := time.NewTimer(limit)
	defer due.Stop()
	next := func(now phase, wait time.Duration) {
		at = now
		due.Reset(wait)
	}
	var why error
	for open > 0 || at == running || at == ending || at == killed && !gone {
		select {
		case s := <-p.said:
			if s.end {
				open--
			}
			if s.text != "" {
				log(slog.LevelInfo, s.text)
			}
		case <-exited:
			exited, gone = nil, true
			if at == running {
				next(settling, settle)
			}
		case <-cancelled:
			cancelled = nil
			switch at {
			case running:
				why = ctx.Err()
				p.terminate()
				next(ending, shortGrace)
			case ending:
				next(ending, shortGrace)
			case settling:
				next(leaving, 0)
				p.cut()
			}
		case <-due.C:
			switch at {
			case running:
				why = fmt.Errorf("%w: %v", ErrLimit, limit)
				log(slog.LevelWarn, fmt.Sprintf("The hook has run for %v, as long as it may, and is ended", limit))
				p.terminate()
				next(ending, p.grace)
			case ending:
				// The shell may have ended, while its children need the whole grace.
				p.signal(syscall.SIGKILL)
				next(killed, last)
			case settling:
				log(slog.LevelInfo, "The hook has left something in the background that keeps its output open; what that says from now on is lost")
				fallthrough
			case killed:
				at = leaving
				p.cut()
			}
		}
	}
	for _, f := range p.pipes {
		f.Close()
	}
	close(p.reap)
	if !gone {
		log(slog.LevelWarn, "The hook was killed and does not end; it is not waited for any longer")
		return why
	}
	err := <-p.state
	code, level := 0, slog.LevelInfo
	if err != nil {
		level = slog.LevelWarn
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = returnCode(exit)
	}
	log(level, fmt.Sprintf("Hook return code: %d", code))
	if why != nil {
		return why
	}
	return err
}

// returnCode is the exit status or, where a signal ended the hook, its number
// below zero, as OfflineIMAP has it.
func returnCode(exit *exec.ExitError) int {
	if ws, ok := exit.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return -int(ws.Signal())
	}
	return exit.ExitCode()
}
