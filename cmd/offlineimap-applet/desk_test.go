package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/offlineimap/offlineimapd/internal/testenv"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// desk is the session of a person: a bus, a desktop, programs, and the applet.
type desk struct {
	t   *testing.T
	bus *testenv.BusServer
	*testenv.NotificationServer
	*fakeDaemon
	dir string // of the programs; the only PATH there is
	env map[string]string

	stop context.CancelFunc
	done chan struct{} // closed when the applet has ended
	code int           // how
	log  *logBuffer
}

// logBuffer is what the applet writes to standard error.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// newDesk makes a desk with a daemon that has the accounts work and home. Neither
// is it on the bus, nor the applet.
func newDesk(t *testing.T, capabilities ...string) *desk {
	t.Helper()
	t.Parallel()
	bus := testenv.NewBus(t, "")
	d := &desk{t: t, bus: bus, log: &logBuffer{}, dir: t.TempDir(), NotificationServer: testenv.Notifications(t, bus.Addr(), capabilities...)}
	d.fakeDaemon = newDaemon(t, bus.Addr(), "work", "home")
	d.env = map[string]string{"DBUS_SESSION_BUS_ADDRESS": bus.Addr(), "DISPLAY": ":99"}
	return d
}

// program puts a shell script onto PATH. "$out" is a file of its own, see said.
func (d *desk) program(name, script string) {
	d.t.Helper()
	text := "#!/bin/sh\nout=" + filepath.Join(d.dir, name+".out") + "\n" + script + "\n"
	if err := os.WriteFile(filepath.Join(d.dir, name), []byte(text), 0o755); err != nil {
		d.t.Fatal(err)
	}
}

// said waits until a program has written a line into its file, and returns all.
func (d *desk) said(name string) string {
	d.t.Helper()
	var text string
	d.until(name+" has said something", func() bool {
		b, _ := os.ReadFile(filepath.Join(d.dir, name+".out"))
		text = string(b)
		return strings.HasSuffix(text, "\n")
	})
	return text
}

func (d *desk) until(what string, done func() bool) {
	d.t.Helper()
	for limit := time.Now().Add(20 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(limit) {
			d.t.Fatalf("it never happened that %s; the applet's log:\n%s", what, d.log.String())
		}
	}
}

// start starts the applet, which ends with the test.
func (d *desk) start(args ...string) {
	d.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	d.stop, d.done = cancel, done
	s := surroundings{
		getenv: func(name string) string { return d.env[name] },
		lookPath: func(name string) (string, error) {
			path := filepath.Join(d.dir, name)
			if _, err := os.Stat(path); err != nil {
				return "", exec.ErrNotFound
			}
			return path, nil
		},
	}
	go func() {
		defer close(done)
		d.code = run(ctx, args, s, d.log, d.log)
	}()
	d.t.Cleanup(func() {
		cancel()
		<-done
		if d.t.Failed() {
			d.t.Logf("the applet said:\n%s", d.log.String())
		}
	})
}

// ended waits for the end of the applet.
func (d *desk) ended() int {
	d.t.Helper()
	select {
	case <-d.done:
	case <-time.After(20 * time.Second):
		d.t.Fatal("the applet does not end")
	}
	return d.code
}

// both starts the daemon, then the applet, and waits until they know each other.
func (d *desk) both(args ...string) {
	d.t.Helper()
	d.come()
	d.start(args...)
	d.await("agent", 1)
}
