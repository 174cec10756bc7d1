package systemd

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// serviceVar has the test's binary be a service. Its value is "self" where the
// variables are meant for it.
const serviceVar = "OFFLINEIMAPD_TEST_SERVICE"

// seen is what the service tells.
type seen struct {
	Listeners map[string]int // by name
	Answered  []string       // what a client of each read
	Watchdog  time.Duration
	Left      []string // of the environment
	Err       string
}

func service() int {
	for _, name := range []string{"LISTEN_PID", "WATCHDOG_PID"} {
		if os.Getenv(name) == "self" {
			os.Setenv(name, strconv.Itoa(os.Getpid()))
		}
	}
	r, err := Receive()
	s := seen{Listeners: map[string]int{}, Watchdog: r.Watchdog}
	if err != nil {
		s.Err = err.Error()
	}
	for name, all := range r.Listeners {
		s.Listeners[name] = len(all)
		for _, l := range all {
			conn, err := l.Accept()
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
			fmt.Fprintln(conn, name)
			conn.Close()
			l.Close()
		}
	}
	out, err := exec.Command("env").Output() // as a child sees it
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	for line := range strings.Lines(string(out)) {
		name, _, _ := strings.Cut(line, "=")
		for _, prefix := range []string{"LISTEN_", "NOTIFY_", "WATCHDOG_"} {
			if strings.HasPrefix(name, prefix) {
				s.Left = append(s.Left, strings.TrimSpace(line))
			}
		}
	}
	if err := r.Notify.Ready("up"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := json.NewEncoder(os.Stdout).Encode(s); err != nil {
		return 1
	}
	return 0
}

func TestReceive(t *testing.T) {
	type socket int
	const (
		listens socket = iota
		datagram
		file
	)
	tests := []struct {
		name    string
		env     []string
		sockets []socket
		want    map[string]int
		period  time.Duration
		err     string
		told    bool
	}{
		{name: "nothing"},
		{name: "one", env: []string{"LISTEN_PID=self", "LISTEN_FDS=1", "LISTEN_FDNAMES=events"}, sockets: []socket{listens},
			want: map[string]int{"events": 1}},
		{name: "several", env: []string{"LISTEN_PID=self", "LISTEN_FDS=3", "LISTEN_FDNAMES=events:other:events"}, sockets: []socket{listens, listens, listens},
			want: map[string]int{"events": 2, "other": 1}},
		{name: "not a listener", env: []string{"LISTEN_PID=self", "LISTEN_FDS=3", "LISTEN_FDNAMES=a:b:events"}, sockets: []socket{datagram, file, listens},
			want: map[string]int{"events": 1}, err: `take socket "a": it does not listen`},
		{name: "fewer than said", env: []string{"LISTEN_PID=self", "LISTEN_FDS=2", "LISTEN_FDNAMES=events:b"}, sockets: []socket{listens},
			want: map[string]int{"events": 1}, err: `take socket "b"`},
		{name: "for another process", env: []string{"LISTEN_PID=1", "LISTEN_FDS=1", "WATCHDOG_USEC=2000000", "WATCHDOG_PID=1"}, sockets: []socket{listens}},
		{name: "absurd", env: []string{"LISTEN_PID=self", "LISTEN_FDS=4611686018427387904", "WATCHDOG_USEC=soon"},
			err: "more than 64 sockets"},
		{name: "watchdog", env: []string{"WATCHDOG_USEC=2000000", "WATCHDOG_PID=self"}, period: 2 * time.Second, told: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			box := newInbox(t)
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), serviceVar+"=1", "GORACE=atexit_sleep_ms=0")
			cmd.Env = append(cmd.Env, tt.env...)
			if tt.told {
				cmd.Env = append(cmd.Env, "NOTIFY_SOCKET="+box.path)
			}
			dir := t.TempDir()
			for i, kind := range tt.sockets {
				path := filepath.Join(dir, strconv.Itoa(i))
				var f *os.File
				var err error
				switch kind {
				case listens:
					l, lerr := net.Listen("unix", path)
					if lerr != nil {
						t.Fatal(lerr)
					}
					defer l.Close()
					f, err = l.(*net.UnixListener).File()
					if conn, derr := net.Dial("unix", path); derr != nil {
						t.Fatal(derr)
					} else {
						defer conn.Close()
					}
				case datagram:
					c, lerr := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
					if lerr != nil {
						t.Fatal(lerr)
					}
					defer c.Close()
					f, err = c.File()
				case file:
					f, err = os.Create(path)
				}
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				cmd.ExtraFiles = append(cmd.ExtraFiles, f)
			}
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%v\n%s", err, stderr.String())
			}
			var s seen
			if err := json.Unmarshal(out, &s); err != nil {
				t.Fatal(err)
			}
			if len(s.Listeners) != len(tt.want) {
				t.Errorf("listeners %v, want %v", s.Listeners, tt.want)
			}
			for name, n := range tt.want {
				if s.Listeners[name] != n {
					t.Errorf("listeners %v, want %v", s.Listeners, tt.want)
				}
			}
			if s.Watchdog != tt.period {
				t.Errorf("period %v, want %v", s.Watchdog, tt.period)
			}
			if (tt.err == "") != (s.Err == "") || !strings.Contains(s.Err, tt.err) {
				t.Errorf("error %q, want %q", s.Err, tt.err)
			}
			if len(s.Left) > 0 {
				t.Errorf("children inherit %q", s.Left)
			}
			if got := box.all(); tt.told && !slices.Equal(got, []string{"READY=1\nSTATUS=up"}) {
				t.Errorf("told %q", got)
			}
		})
	}
}
