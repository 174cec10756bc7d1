package systemd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestNotifications(t *testing.T) {
	tests := []struct {
		name string
		do   func(n *Notifier) error
		want []string
	}{
		{"ready", func(n *Notifier) error { return n.Ready("Watching 3 accounts") },
			[]string{"READY=1\nSTATUS=Watching 3 accounts"}},
		{"stopping", func(n *Notifier) error { return n.Stopping("Ending") },
			[]string{"STOPPING=1\nSTATUS=Ending"}},
		{"status", func(n *Notifier) error { return n.Status("work: syncing INBOX (120/400)") },
			[]string{"STATUS=work: syncing INBOX (120/400)"}},
		{"the same status", func(n *Notifier) error {
			return errors.Join(n.Ready("a"), n.Status("a"), n.Status("b"), n.Status("b"), n.Status(" b\n"), n.Status("a"), n.Stopping("a"))
		}, []string{"READY=1\nSTATUS=a", "STATUS=b", "STATUS=a", "STOPPING=1"}},
		{"no status", func(n *Notifier) error { return errors.Join(n.Status(""), n.Ready(""), n.Status("a"), n.Status("")) },
			[]string{"READY=1", "STATUS=a", "STATUS="}},
		{"a hostile status", func(n *Notifier) error { return n.Ready("x\nREADY=0\x00\x1b[31m \u202eabc\xff\tend\r\n") },
			[]string{"READY=1\nSTATUS=x READY=0 [31m abc end"}},
		{"a long status", func(n *Notifier) error { return n.Status(strings.Repeat("ü", 500)) },
			[]string{"STATUS=" + strings.Repeat("ü", maxStatus-1) + "…"}},
		{"extend", func(n *Notifier) error { return errors.Join(n.Extend(5*time.Second), n.Extend(-1)) },
			[]string{"EXTEND_TIMEOUT_USEC=5000000", "EXTEND_TIMEOUT_USEC=0"}},
		{"watchdog", func(n *Notifier) error { return errors.Join(n.alive(), n.trigger()) },
			[]string{"WATCHDOG=1", "WATCHDOG=trigger"}},
		{"failed", func(n *Notifier) error {
			err := fmt.Errorf("make the state: %w", &fs.PathError{Op: "mkdir", Path: "/x", Err: syscall.EACCES})
			return n.Failed("Cannot make the state", "", err)
		}, []string{"ERRNO=13\nSTATUS=Cannot make the state"}},
		{"failed on the bus", func(n *Notifier) error {
			return n.Failed("No bus", "org.offlineimap.Daemon1.Error.StateLocked\nREADY=1", errors.New("x"))
		}, []string{"BUSERROR=org.offlineimap.Daemon1.Error.StateLocked READY=1\nSTATUS=No bus"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			box := newInbox(t)
			if err := tt.do(&Notifier{addr: box.path}); err != nil {
				t.Fatal(err)
			}
			if got := box.all(); !slices.Equal(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
			if err := tt.do(&Notifier{}); err != nil {
				t.Errorf("without systemd: %v", err)
			}
		})
	}
}

// TestReloadingHasTheTime holds the time against the clock that systemd uses.
func TestReloadingHasTheTime(t *testing.T) {
	now := func() int64 {
		var ts unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
			t.Fatal(err)
		}
		return ts.Nano() / 1000
	}
	box := newInbox(t)
	n := &Notifier{addr: box.path}
	before := now()
	if err := errors.Join(n.Reloading("Reading"), n.Ready("Done")); err != nil {
		t.Fatal(err)
	}
	after := now()
	got := box.all()
	m := regexp.MustCompile(`^RELOADING=1\nMONOTONIC_USEC=(\d+)\nSTATUS=Reading$`).FindStringSubmatch(got[0])
	if m == nil || len(got) != 2 || got[1] != "READY=1\nSTATUS=Done" {
		t.Fatalf("got %q", got)
	}
	if usec, err := strconv.ParseInt(m[1], 10, 64); err != nil || usec < before || usec > after {
		t.Errorf("%d is not from %d to %d: %v", usec, before, after, err)
	}
}

func TestAnAbstractSocket(t *testing.T) {
	box := &inbox{t: t, path: "@offlineimapd-test-" + strconv.Itoa(os.Getpid())}
	box.listen()
	t.Cleanup(func() { box.conn.Close() })
	if err := (&Notifier{addr: box.path}).Ready("a"); err != nil {
		t.Fatal(err)
	}
	if got := box.all(); len(got) != 1 {
		t.Errorf("got %q", got)
	}
}

// TestSystemdHangs is no reason to hang, and a status that was not taken is sent
// again.
func TestSystemdHangs(t *testing.T) {
	box := newInbox(t)
	box.fill()
	n := &Notifier{addr: box.path}
	at := time.Now()
	if err := n.Status("a"); err == nil {
		t.Error("no error")
	}
	if d := time.Since(at); d > 4*notifyWait {
		t.Errorf("waited %v", d)
	}
	box.all()
	if err := n.Status("a"); err != nil {
		t.Error(err)
	}
	if got := box.all(); !slices.Equal(got, []string{"STATUS=a"}) {
		t.Errorf("got %q", got)
	}
	if err := (&Notifier{addr: box.path + "-not"}).Status("a"); err == nil {
		t.Error("a socket that is not there: no error")
	}
}
