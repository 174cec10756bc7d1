package view

import (
	"slices"
	"strings"
	"time"

	"github.com/offlineimap/offlineimapd/dbus/api"
	"github.com/offlineimap/offlineimapd/service"
)

// Text makes s fit for the bus, which ends the connection of whoever sends
// anything but UTF-8 without NUL.
func Text(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "\uFFFD")
	}
	return s
}

// USec is a time as the interface has it: microseconds since the epoch, 0 for
// never.
func USec(t time.Time) uint64 {
	if t.IsZero() {
		return 0
	}
	return uint64(max(0, t.UnixMicro()))
}

// Count is a number of things, as the type u.
func Count(n int) uint32 { return uint32(min(max(0, n), 1<<31)) }

func count64(n int) uint64 { return uint64(max(0, n)) }

// ErrorName returns the D-Bus name of a code: the code itself is its last part,
// where the interface knows it.
func ErrorName(c service.Code) string {
	if !slices.Contains(api.Errors, string(c)) {
		c = service.Internal
	}
	return api.ErrorPrefix + string(c)
}

// Failed is why something did not work, the type (ss): the name of an error, and
// a text for people. Both are "" where it did.
type Failed struct{ Name, Text string }

// Failure returns what the interface says of f.
func Failure(f service.Failure) Failed {
	if f == (service.Failure{}) {
		return Failed{}
	}
	return Failed{Name: ErrorName(f.Code), Text: Text(f.Text)}
}
