package dial

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/offlineimap/offlineimapd/sync/store"
)

// patience is how long a command may take over each step of its end.
const patience = 200 * time.Millisecond

// Tunnel runs command by the shell and speaks over its standard input and
// output. Close ends the command and all that it started in its process group.
func Tunnel(ctx context.Context, command string) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	cmd := exec.Command("/bin/sh", "-c", command)
	// A group of its own: a person's Ctrl-C is for us to act upon in order, not
	// for the ssh below us, and Close reaches the shell's children too.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	t := &tunnel{cmd: cmd, ended: make(chan struct{})}
	stderr, err := t.start()
	if err != nil {
		return nil, store.Fail(store.Local, store.ScopeStore, fmt.Errorf("start the tunnel command: %w", err))
	}
	go t.watch(stderr)
	return t, nil
}

// tunnel is a net.Conn over two pipes. Pipes rather than a socket: some
// commands, bash among them, behave differently where standard input is one.
type tunnel struct {
	cmd    *exec.Cmd
	in     *os.File      // its standard input
	out    *os.File      // its standard output
	ended  chan struct{} // closed when the command is gone and last is set
	last   string        // how it ended; read it after ended only
	closed bool
}

func (t *tunnel) start() (stderr *os.File, err error) {
	var files []*os.File
	defer func() {
		if err != nil {
			for _, f := range files {
				f.Close()
			}
		}
	}()
	pipe := func() (r, w *os.File) {
		if err != nil {
			return nil, nil
		}
		if r, w, err = os.Pipe(); err == nil {
			files = append(files, r, w)
		}
		return r, w
	}
	childIn, in := pipe()
	out, childOut := pipe()
	stderr, childErr := pipe()
	if err != nil {
		return nil, err
	}
	t.cmd.Stdin, t.cmd.Stdout, t.cmd.Stderr = childIn, childOut, childErr
	if err = t.cmd.Start(); err != nil {
		return nil, err
	}
	childIn.Close()
	childOut.Close()
	childErr.Close()
	t.in, t.out = in, out
	return stderr, nil
}

// watch keeps the end of what the command says on standard error, which is
// where ssh and its like tell why there is no connection.
func (t *tunnel) watch(stderr *os.File) {
	const keep = 2048
	var tail []byte
	buf := make([]byte, keep)
	for {
		n, err := stderr.Read(buf)
		tail = append(tail, buf[:n]...)
		if len(tail) > keep {
			tail = append(tail[:0], tail[len(tail)-keep:]...)
		}
		if err != nil {
			break
		}
	}
	stderr.Close()
	t.last = "the tunnel command ended"
	var exit *exec.ExitError
	if err := t.cmd.Wait(); errors.As(err, &exit) {
		t.last += " with " + exit.String()
	}
	lines := strings.Split(string(bytes.TrimSpace(tail)), "\n")
	if s := strings.TrimSpace(lines[len(lines)-1]); s != "" {
		t.last += ": " + s
	}
	close(t.ended)
}

// Read returns, in place of a bare EOF, why the command ended where it says so.
func (t *tunnel) Read(p []byte) (int, error) {
	n, err := t.out.Read(p)
	if errors.Is(err, io.EOF) && t.wait(patience) {
		err = fmt.Errorf("%s: %w", t.last, io.EOF)
	}
	return n, err
}

func (t *tunnel) Write(p []byte) (int, error) { return t.in.Write(p) }

func (t *tunnel) wait(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-t.ended:
		return true
	case <-timer.C:
		return false
	}
}

// Close ends the command: a closed input first, then SIGTERM, then SIGKILL.
func (t *tunnel) Close() error {
	if t.closed {
		return nil
	}
	t.closed = true
	err := errors.Join(t.in.Close(), t.out.Close())
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		if t.wait(patience) {
			break
		}
		_ = syscall.Kill(-t.cmd.Process.Pid, sig) // gone meanwhile: nothing to end
	}
	t.wait(patience)
	return err
}

func (t *tunnel) SetDeadline(d time.Time) error {
	return errors.Join(t.out.SetReadDeadline(d), t.in.SetWriteDeadline(d))
}
func (t *tunnel) SetReadDeadline(d time.Time) error  { return t.out.SetReadDeadline(d) }
func (t *tunnel) SetWriteDeadline(d time.Time) error { return t.in.SetWriteDeadline(d) }
func (t *tunnel) LocalAddr() net.Addr                { return tunnelAddr{} }
func (t *tunnel) RemoteAddr() net.Addr               { return tunnelAddr{} }

// tunnelAddr is the address of both ends of a tunnel. Its network is "pipe",
// as net.Pipe's: nothing that passes can be read on the way.
type tunnelAddr struct{}

func (tunnelAddr) Network() string { return "pipe" }
func (tunnelAddr) String() string  { return "tunnel" }
