package systemd

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/coreos/go-systemd/v22/activation"
	"github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sys/unix"
)

// maxListeners is more than any unit of ours passes. A number in the environment
// must not decide how much memory is taken.
const maxListeners = 64

// Received is what systemd gave the process at its start.
type Received struct {
	Notify *Notifier
	// Watchdog is the period within which systemd wants a sign of life; 0: none.
	Watchdog time.Duration
	// Listeners are the sockets of socket units by their FileDescriptorName=. Who
	// takes one closes it.
	Listeners map[string][]net.Listener
}

// Receive takes what the environment offers and removes it from there, so that
// no child takes itself for the service. It is called once, before any child is
// started. What it returns is usable whatever the error says: that names what
// was offered and could not be taken.
func Receive() (*Received, error) {
	r := &Received{Notify: &Notifier{addr: os.Getenv("NOTIFY_SOCKET")}}
	unset := os.Unsetenv("NOTIFY_SOCKET")
	var watch, listen error
	if r.Watchdog, watch = daemon.SdWatchdogEnabled(true); watch != nil {
		watch = fmt.Errorf("read the period of the watchdog: %w", watch)
	}
	r.Listeners, listen = listeners()
	return r, errors.Join(unset, watch, listen)
}

// listeners takes the sockets. go-systemd's own function for that leaves out in
// silence what does not listen.
func listeners() (map[string][]net.Listener, error) {
	if n, err := strconv.Atoi(os.Getenv("LISTEN_FDS")); err == nil && n > maxListeners {
		for _, name := range []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
			if err := os.Unsetenv(name); err != nil {
				return nil, err
			}
		}
		return nil, fmt.Errorf("LISTEN_FDS=%d: more than %d sockets are not taken", n, maxListeners)
	}
	all := map[string][]net.Listener{}
	var errs []error
	for _, f := range activation.Files(true) {
		l, err := listener(f)
		if err != nil {
			errs = append(errs, fmt.Errorf("take socket %q: %w", f.Name(), err))
			continue
		}
		all[f.Name()] = append(all[f.Name()], l)
	}
	return all, errors.Join(errs...)
}

// listener makes a listener of f, and closes f.
func listener(f *os.File) (net.Listener, error) {
	defer f.Close()
	listens, err := unix.GetsockoptInt(int(f.Fd()), unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	if err != nil {
		return nil, err
	}
	if listens == 0 {
		return nil, errors.New("it does not listen")
	}
	return net.FileListener(f)
}
