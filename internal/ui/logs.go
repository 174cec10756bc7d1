package ui

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"os"
	"regexp"
	"runtime"
	"strings"
	"time"
)

// logFace is the file of Options.LogFile.
type logFace struct {
	f     *os.File
	least slog.Level
	now   func() time.Time
	buf   bytes.Buffer
}

func openLog(path string, least slog.Level) (*logFace, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	return &logFace{f: f, least: least, now: time.Now}, nil
}

func (f *logFace) Close() error { return f.f.Close() }

func (f *logFace) write(rs []record) {
	f.buf.Reset()
	at := f.now().Format(time.DateTime)
	for _, r := range rs {
		if r.text != "" && !r.banner && r.level >= f.least {
			fmt.Fprintf(&f.buf, "%s %s: %s\n", at, levelName(r.level), r.text)
		}
	}
	if f.buf.Len() > 0 {
		_, _ = f.f.Write(f.buf.Bytes())
	}
}

func levelName(l slog.Level) string {
	if l == slog.LevelWarn {
		return "WARNING"
	}
	return l.String()
}

// starting is what a log file begins with.
func starting(o Options) string {
	args := make([]string, len(o.Args))
	for i, a := range o.Args {
		args[i] = word(secret.ReplaceAllString(a, "$1…"))
	}
	return fmt.Sprintf("offlineimapd %s starting...\n  Platform: %s\n  Args: %s", o.Version, runtime.GOOS, strings.Join(args, " "))
}

// secret finds an option of the configuration on a command line (-k) whose value
// is nobody's business.
var secret = regexp.MustCompile(`(?is)^(.*(?:pass|secret|token)[a-z_]*\s*=).*$`)

// logFacility and the severities of the system's log (RFC 5424, section 6.2.1).
const logFacility = 1 // user-level messages

const systemLog = "/dev/log"

// sysFace is the system's log.
type sysFace struct {
	path  string
	least slog.Level
	conn  net.Conn
}

func openSyslog(path string, least slog.Level) *sysFace {
	if path == "" {
		path = systemLog
	}
	return &sysFace{path: path, least: least}
}

// dialMost is how long a system log may take to be there.
const dialMost = time.Second

func (f *sysFace) dial() (err error) {
	for _, network := range []string{"unixgram", "unix"} {
		var c net.Conn
		if c, err = net.DialTimeout(network, f.path, dialMost); err == nil {
			f.conn = c
			return nil
		}
	}
	return err
}

func (f *sysFace) Close() error {
	if f.conn == nil {
		return nil
	}
	return f.conn.Close()
}

// write sends one message a line. A log that was started anew is connected to anew.
func (f *sysFace) write(rs []record) {
	for _, r := range rs {
		if r.text == "" || r.level < f.least {
			continue
		}
		for line := range strings.SplitSeq(r.text, "\n") {
			if strings.TrimSpace(line) == "" {
				continue
			}
			message := fmt.Appendf(nil, "<%d>offlineimap[%d]: %s\n", logFacility<<3|sysSeverity(r.level), os.Getpid(), line)
			for range 2 {
				if f.conn != nil {
					_ = f.conn.SetWriteDeadline(time.Now().Add(dialMost))
					if _, err := f.conn.Write(message); err == nil {
						break
					}
					_ = f.conn.Close()
					f.conn = nil
				}
				if f.dial() != nil {
					break
				}
			}
		}
	}
}

func sysSeverity(l slog.Level) int {
	switch {
	case l >= slog.LevelError:
		return 3
	case l >= slog.LevelWarn:
		return 4
	case l >= slog.LevelInfo:
		return 6
	}
	return 7
}
