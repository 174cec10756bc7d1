package bus

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/godbus/dbus/v5"
)

// dial connects to the first address of a list that answers (D-Bus
// Specification, "Server Addresses"). "" is the session bus of the user.
func dial(ctx context.Context, addresses string) (net.Conn, error) {
	if addresses == "" {
		addresses = os.Getenv("DBUS_SESSION_BUS_ADDRESS")
	}
	if addresses == "" {
		addresses = "unix:runtime=yes"
	}
	var errs []error
	for _, a := range strings.Split(addresses, ";") {
		path, err := socket(a)
		if err == nil {
			var nc net.Conn
			if nc, err = (&net.Dialer{}).DialContext(ctx, "unix", path); err == nil {
				return nc, nil
			}
		}
		errs = append(errs, fmt.Errorf("%q: %w", a, err))
	}
	return nil, errors.Join(errs...)
}

// socket returns the Unix socket of one address, with @ for an abstract one.
func socket(address string) (string, error) {
	rest, ok := strings.CutPrefix(address, "unix:")
	if !ok {
		return "", errors.New("only addresses that begin with unix: are supported")
	}
	for _, pair := range strings.Split(rest, ",") {
		key, value, _ := strings.Cut(pair, "=")
		value, err := dbus.UnescapeBusAddressValue(value)
		if err != nil {
			return "", err
		}
		switch key {
		case "path":
			return value, nil
		case "abstract":
			return "@" + value, nil
		case "runtime":
			dir := os.Getenv("XDG_RUNTIME_DIR")
			if dir == "" {
				return "", errors.New("XDG_RUNTIME_DIR is not set")
			}
			return filepath.Join(dir, "bus"), nil
		}
	}
	return "", errors.New("it names neither a path nor an abstract socket")
}
