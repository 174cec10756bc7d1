package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/offlineimap/offlineimapd/internal/testenv"
)

// launchVerb has this program measure another one. A process inherits the peak
// memory of the one that forks it (ru_maxrss survives execve, getrusage(2)), so the
// one that forks must be small: not the one that holds the server's mail.
const launchVerb = "_launch"

// cost is what one run of a program took.
type cost struct {
	Wall       float64 // seconds
	CPU        float64 // seconds, user and system, of the program and its children
	Peak       int64   // octets of memory
	Up, Down   int64   // octets
	RoundTrips int64
	Conns      int64
}

// launch runs args[1:] with its output in the file args[0], and writes its cost to
// descriptor 3. Its status is that of the program.
func launch(args []string) int {
	out, err := os.Create(args[0])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	cmd := exec.Command(args[1], args[2:]...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	begin := time.Now()
	err = cmd.Run()
	c := cost{Wall: time.Since(begin).Seconds()}
	if cmd.ProcessState == nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	c.CPU = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	if ru, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		c.Peak = ru.Maxrss << 10
	}
	if err := json.NewEncoder(os.NewFile(3, "cost")).Encode(c); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return cmd.ProcessState.ExitCode()
}

// settled is how long after a change nobody need fear that a directory changes
// twice within one time stamp: mbsync sleeps for a second where it does.
const settled = 2 * time.Second

// measure runs a seat's program once. What others wrote goes to the disk
// before, so that nobody waits for the writes of the one before him.
func (s *seat) measure(e *env, p *testenv.ProxyT) cost {
	self, err := os.Executable()
	if err != nil {
		e.Fatalf("%v", err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		e.Fatalf("%v", err)
	}
	defer r.Close()
	cmd := exec.CommandContext(e.ctx, self, append([]string{launchVerb, s.log()}, s.argv...)...)
	cmd.Env = append(os.Environ(), "HOME="+s.dir, "XDG_CONFIG_HOME="+s.dir, "TMPDIR="+s.dir)
	cmd.ExtraFiles = []*os.File{w}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	syscall.Sync()
	select {
	case <-time.After(time.Until(s.touched.Add(settled))):
	case <-e.ctx.Done():
	}
	p.Reset()
	err = cmd.Run()
	s.touched = time.Now()
	w.Close()
	if e.ctx.Err() != nil {
		e.Fatalf("interrupted")
	}
	if err != nil {
		e.Fatalf("%s: %v %s\n%s", s.program, err, stderr.String(), s.said())
	}
	var c cost
	if err := json.NewDecoder(r).Decode(&c); err != nil {
		e.Fatalf("%s: its cost: %v", s.program, err)
	}
	st := p.Stats()
	c.Up, c.Down, c.RoundTrips, c.Conns = st.Up, st.Down, st.RoundTrips, st.Connections
	return c
}

func (s *seat) log() string { return filepath.Join(s.dir, "log") }

// said is the end of what the program wrote last.
func (s *seat) said() string {
	b, _ := os.ReadFile(s.log())
	return string(b[max(0, len(b)-3000):])
}

func ms(d time.Duration) string {
	return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', -1, 64) + " ms"
}
