package python

import (
	"bufio"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

//go:embed driver.py
var driver string

// bootstrap reads the driver from the pipe of requests. The directory that a
// program happens to be started in is no place to take modules from.
const bootstrap = `import sys; sys.path[:1] == [""] and sys.path.pop(0); f = open(3, "rb"); exec(compile(f.read(int(f.readline() or 0)), "offlineimapd", "exec"))`

const (
	// patience is how long a child that is told to end, or whose pipe ended, may
	// take before it is killed, and one that was killed before it is given up. It
	// takes no time where the machine has any to spare.
	patience = 3 * time.Second
	// rest is how long what a dead child wrote may take to arrive.
	rest = 300 * time.Millisecond
	// mostLines is how many lines of standard error one request may add to the log.
	mostLines = 100
)

// errCut is within errors about a child that did not answer.
var errCut = errors.New("there is no answer")

// host is one child. Only one goroutine may ask at a time.
type host struct {
	cmd      *exec.Cmd
	requests *os.File // to its file 3
	answers  *os.File // from its file 4
	stderr   *os.File
	log      func(string)
	tty      terminal

	first  []byte // goes before the first question: the driver
	doomed bool   // it was told to die just when it had answered

	busy  atomic.Bool  // a request is under way, or was when the child died
	lines atomic.Int64 // of standard error, since the last request began
	read  chan struct{}
	ended chan struct{} // closed when the child is gone and how is set
	how   string

	mu     sync.Mutex
	reaped bool // its process ID may be somebody else's
}

func startHost(path string, log func(string)) (*host, error) {
	h := &host{log: log, tty: findTerminal(), read: make(chan struct{}), ended: make(chan struct{})}
	h.first = fmt.Appendf(nil, "%d\n%s", len(driver), driver)
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
	requests, ours := pipe()
	answers, theirs := pipe()
	stderr, childErr := pipe()
	h.requests, h.answers, h.stderr = ours, answers, stderr
	if err == nil {
		h.cmd = exec.Command(path, "-c", bootstrap)
		h.cmd.ExtraFiles = []*os.File{requests, theirs}
		h.cmd.Stderr = childErr // standard output is /dev/null
		if h.tty.found() {
			h.cmd.Stdin = os.Stdin
		}
		// A group of its own: Ctrl-C is for us to act upon in order, and a kill
		// reaches whatever the user's code has started.
		h.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: !h.tty.found()}
		err = h.cmd.Start()
	}
	if err != nil {
		for _, f := range files {
			f.Close()
		}
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	requests.Close()
	theirs.Close()
	childErr.Close()
	go h.watch()
	go h.listen()
	return h, nil
}

// watch waits for the end of the child. One that dies while it is asked takes
// along what that request has started.
func (h *host) watch() {
	pid := h.cmd.Process.Pid
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if h.busy.Load() {
		h.kill()
	}
	h.mu.Lock()
	_ = h.cmd.Wait() // the state tells more than the error
	h.reaped = true
	h.mu.Unlock()
	h.how = h.cmd.ProcessState.String()
	h.cut()
	close(h.ended)
}

// cut leaves what is in the pipes some time to arrive. Their other ends may stay
// open, in processes that the user's code left behind; they are not waited for.
func (h *host) cut() {
	soon := time.Now().Add(rest)
	for _, f := range []*os.File{h.requests, h.answers, h.stderr} {
		_ = f.SetDeadline(soon) // closed already: as good
	}
}

// listen hands on the child's standard error, line by line and within bounds.
func (h *host) listen() {
	defer close(h.read)
	r := bufio.NewReaderSize(h.stderr, 1024)
	more := false // this is the rest of a line that was too long
	for {
		line, cut, err := r.ReadLine()
		if err != nil {
			return
		}
		s := strings.TrimSpace(strings.ToValidUTF8(string(line), "\uFFFD"))
		if !more && s != "" {
			switch n := h.lines.Add(1); {
			case n <= mostLines:
				h.log(s)
			case n == mostLines+1:
				h.log("python3 says more than is kept here")
			}
		}
		more = cut
	}
}

// kill ends the child and what it has started, at once, and soon all waits for it.
func (h *host) kill() {
	defer h.cut()
	h.mu.Lock()
	defer h.mu.Unlock()
	pid := h.cmd.Process.Pid
	switch {
	case h.reaped:
	case h.tty.found():
		for _, p := range append([]int{pid}, descendants(pid)...) {
			_ = syscall.Kill(p, syscall.SIGKILL) // gone meanwhile: nothing to end
		}
		h.tty.restore()
	default:
		_ = syscall.Kill(-pid, syscall.SIGKILL)
	}
}

// alive is false where the child is gone, as far as is known.
func (h *host) alive() bool {
	select {
	case <-h.ended:
		return false
	default:
		return !h.doomed
	}
}

// ask puts one question. When ctx ends, the child is killed. begun is false where
// the question cannot have had effects; after any error the host is of no use any
// more.
func (h *host) ask(ctx context.Context, q question) (a reply, begun bool, err error) {
	data, err := frame(q)
	if err != nil {
		return a, false, err
	}
	h.busy.Store(true)
	h.lines.Store(0)
	stop := context.AfterFunc(ctx, h.kill)
	defer stop()
	data, h.first = append(h.first, data...), nil
	if _, err = h.requests.Write(data); err == nil {
		err = readBegun(h.answers)
	}
	if err == nil {
		begun = true
		a, err = readReply(h.answers)
	}
	if err == nil {
		h.doomed = !stop()
		h.busy.Store(h.doomed)
		return a, true, nil
	}
	if ctx.Err() != nil {
		return a, begun, context.Cause(ctx)
	}
	if !h.wait() {
		h.kill()
		return a, begun, fmt.Errorf("%w: python3 runs, but its pipe: %w", errCut, err)
	}
	if h.how == "exit status 0" {
		return a, begun, fmt.Errorf("%w: python3 ended", errCut)
	}
	return a, begun, fmt.Errorf("%w: python3 ended with %s", errCut, h.how)
}

func (h *host) wait() bool {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-h.ended:
		return true
	case <-timer.C:
		return false
	}
}

// close ends the child, in order if it is idle, and frees what the host holds.
func (h *host) close() {
	h.requests.Close()
	if h.busy.Load() || !h.wait() {
		h.kill()
	}
	// A killed process ends, unless the kernel is waiting for a broken disk.
	if h.wait() {
		<-h.read
	}
	h.answers.Close()
	h.stderr.Close()
}
