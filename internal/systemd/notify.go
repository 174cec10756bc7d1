package systemd

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

const (
	// notifyWait is how long a notification may take. systemd reads them at once;
	// where it hangs, the daemon does not hang with it.
	notifyWait = 500 * time.Millisecond
	// maxStatus is how many characters of a STATUS= systemctl shows in one line.
	maxStatus = 160
)

// Notifier tells systemd how the service is, by the protocol of sd_notify(3). The
// zero value has nobody to tell, and does nothing. Its methods may be called from
// any goroutine, take half a second at most, and fail only where systemd does not
// take the message; there is nothing to be done about that but to log it.
//
// It sends by itself, because go-systemd's SdNotify reads NOTIFY_SOCKET at every
// call and children must not inherit that, and because SdNotify may block.
type Notifier struct {
	addr string

	mu     sync.Mutex
	status string // the last that systemd took
}

// Ready says that the start, or a reload, is complete. Both in one datagram, so
// that nobody sees an active service with the status of before.
func (n *Notifier) Ready(status string) error {
	return n.withStatus(status, daemon.SdNotifyReady)
}

// Reloading says that a reload has begun; Ready must follow. The time goes with
// it, because a manager that reloads by signal cannot tell otherwise whether this
// is an answer to the signal, and would wait for another one.
func (n *Notifier) Reloading(status string) error {
	return n.withStatus(status, daemon.SdNotifyReloading, strings.TrimSuffix(daemon.SdNotifyMonotonicUsec(), "\n"))
}

// Status shows one short line in systemctl status. The same line again is not
// sent.
func (n *Notifier) Status(status string) error {
	return n.withStatus(status)
}

// Stopping says that the service is about to end.
func (n *Notifier) Stopping(status string) error {
	return n.withStatus(status, daemon.SdNotifyStopping)
}

// Failed says why the service is about to end without having been asked to.
// busError is the D-Bus name of the error, or ""; an errno is taken from err.
func (n *Notifier) Failed(status, busError string, err error) error {
	var lines []string
	var errno syscall.Errno
	if errors.As(err, &errno) {
		lines = append(lines, "ERRNO="+strconv.Itoa(int(errno)))
	}
	if busError != "" {
		lines = append(lines, "BUSERROR="+oneLine(busError))
	}
	return n.withStatus(status, lines...)
}

// Extend asks for d more before systemd loses patience with a start, a reload or
// a stop.
func (n *Notifier) Extend(d time.Duration) error {
	return n.send("EXTEND_TIMEOUT_USEC=" + strconv.FormatInt(max(d, 0).Microseconds(), 10))
}

// alive is the sign of life that the watchdog wants.
func (n *Notifier) alive() error { return n.send(daemon.SdNotifyWatchdog) }

// trigger has systemd act at once as if the watchdog's period had passed.
func (n *Notifier) trigger() error { return n.send("WATCHDOG=trigger") }

// withStatus sends lines and, unless systemd knows it already, the status.
func (n *Notifier) withStatus(status string, lines ...string) error {
	if n.addr == "" {
		return nil
	}
	status = short(oneLine(status), maxStatus)
	n.mu.Lock()
	defer n.mu.Unlock()
	if status == n.status && len(lines) == 0 {
		return nil
	}
	if status != n.status {
		lines = append(lines, "STATUS="+status)
	}
	if err := n.sendLocked(strings.Join(lines, "\n")); err != nil {
		return err
	}
	n.status = status
	return nil
}

func (n *Notifier) send(text string) error {
	if n.addr == "" {
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.sendLocked(text)
}

// sendLocked sends one datagram. Under the lock, so that messages arrive in the
// order of the calls.
func (n *Notifier) sendLocked(text string) error {
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: n.addr, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("notify systemd: %w", err)
	}
	defer conn.Close()
	if err := conn.SetWriteDeadline(time.Now().Add(notifyWait)); err != nil {
		return fmt.Errorf("notify systemd: %w", err)
	}
	if _, err := conn.Write([]byte(text)); err != nil {
		return fmt.Errorf("notify systemd: %w", err)
	}
	return nil
}
