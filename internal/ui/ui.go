package ui

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/offlineimap/offlineimapd/sync/store"
)

// Options say how a run shows itself.
type Options struct {
	// Name is one of Names, in any case. Of a dotted name the last part counts, as in
	// old configurations; "" is ttyui.
	Name           string
	Stdout, Stderr io.Writer
	// Stdin is where passwords come from, a line each; it may be nil. The echo of a
	// terminal is off meanwhile.
	Stdin   *os.File
	LogFile string // is appended to, besides; "": none
	Syslog  bool   // write to the system's log, besides
	// Debug are OfflineIMAP's types of debug messages: imap, maildir, thread, all.
	Debug   []string
	Version string // of the program
	// Config is the file that the command line names, for commands that are advised;
	// "": none.
	Config string
	Args   []string // of the program, for the log file; secrets among them are left out

	socket string // of the system's log; "": where it usually is
}

// Names lists the user interfaces that there are.
func Names() []string {
	return []string{"ttyui", "basic", "quiet", "syslog", "machineui", "blinkenlights"}
}

// UI is one user interface. See the package about its goroutines.
type UI struct {
	o       Options
	kind    string
	asking  chan struct{} // holds a token while nobody is asked for a password
	answers *answers
	debug   map[string]bool

	mu       sync.Mutex
	faces    []face
	waiting  []record // while a person is asked on the same terminal
	size     int      // of waiting (octets)
	asked    bool
	failures []failure
	more     int // failures beyond those that are kept
	replaced bool
	closers  []io.Closer
}

// Open begins to show a run: the banner is written. The error is of the kind that
// stands before a run: an unknown name, a log file that cannot be written. Where
// there is no system log, the interface syslog writes to standard error.
func Open(o Options) (*UI, error) {
	kind, err := kindOf(o.Name)
	if err != nil {
		return nil, err
	}
	u := &UI{o: o, kind: kind, asking: make(chan struct{}, 1), debug: debugTypes(o.Debug)}
	u.asking <- struct{}{}
	least := slog.LevelInfo
	if len(u.debug) > 0 {
		least = slog.LevelDebug
	}
	switch kind {
	case "basic":
		u.faces = append(u.faces, &plainFace{w: o.Stdout, least: least})
	case "quiet":
		u.faces = append(u.faces, &plainFace{w: o.Stdout, least: slog.LevelWarn})
	case "ttyui":
		u.faces = append(u.faces, &ttyFace{w: o.Stderr, least: least})
	case "machineui":
		u.faces = append(u.faces, &machineFace{w: o.Stdout, least: least})
	}
	if o.Stdin != nil {
		u.answers = &answers{f: o.Stdin}
	}
	var noLog error
	if kind == "syslog" || o.Syslog {
		f := openSyslog(o.socket, least)
		if noLog = f.dial(); noLog != nil && kind == "syslog" {
			u.faces = append(u.faces, &plainFace{w: o.Stderr, least: least})
		}
		u.faces = append(u.faces, f)
		u.closers = append(u.closers, f)
	}
	if o.LogFile != "" {
		f, err := openLog(o.LogFile, least)
		if err != nil {
			u.close()
			return nil, &store.Error{Class: store.Config, Err: fmt.Errorf("open the log file: %w", err)}
		}
		f.write([]record{{level: slog.LevelInfo, text: starting(o)}})
		u.faces = append(u.faces, f)
		u.closers = append(u.closers, f)
	}
	u.begin(o)
	if noLog != nil {
		u.Warn(fmt.Sprintf("there is no system log: %v", noLog))
	}
	return u, nil
}

// kindOf finds an interface by its name.
func kindOf(name string) (string, error) {
	kind := strings.ToLower(strings.TrimSpace(name[strings.LastIndexByte(name, '.')+1:]))
	if kind == "" && name == "" {
		kind = "ttyui"
	}
	if !slices.Contains(Names(), kind) {
		return "", &store.Error{Class: store.Config, Err: fmt.Errorf("there is no user interface %q", name), Hint: "write one of " + strings.Join(Names(), ", ")}
	}
	if kind == "blinkenlights" {
		kind = "ttyui"
	}
	return kind, nil
}

// begin writes the banner, and what is to be said of the options.
func (u *UI) begin(o Options) {
	banner := "offlineimapd " + o.Version + "\n  Licensed under the MIT licence"
	u.say(
		record{level: slog.LevelInfo, text: banner, banner: true},
		record{level: slog.LevelInfo, command: "protocol", data: []string{machineVersion}},
		record{level: slog.LevelInfo, command: "initbanner", data: []string{banner}},
	)
	if name := strings.ToLower(o.Name); strings.HasSuffix(name, "blinkenlights") {
		u.Info("blinkenlights is shown as ttyui; offlineimapctl monitor shows what the daemon does")
	}
	for _, d := range o.Debug {
		if d = strings.TrimSpace(strings.ToLower(d)); d != "" && d != "all" && debugNames[d] == "" {
			u.Warn("Invalid debug type: " + word(d))
		}
	}
	for _, d := range slices.Sorted(maps.Keys(u.debug)) {
		u.say(record{level: slog.LevelDebug, text: "Now debugging for " + d + ": " + debugNames[d]})
	}
}

// debugNames are the types of debug messages.
var debugNames = map[string]string{"imap": "what goes to the server, and what comes back", "maildir": "files and directories", "thread": "what runs side by side"}

func debugTypes(asked []string) map[string]bool {
	on := map[string]bool{}
	for _, d := range asked {
		switch d = strings.TrimSpace(strings.ToLower(d)); {
		case d == "all":
			for n := range debugNames {
				on[n] = true
			}
		case debugNames[d] != "":
			on[d] = true
		}
	}
	return on
}

// Info says something that is of no account. Its second line and those that follow
// stand to the right, so that nothing in a text is taken for a line of its own.
func (u *UI) Info(text string) { u.say(record{level: slog.LevelInfo, text: indented(text)}) }

// Warn says something that a person should know of, as Info does.
func (u *UI) Warn(text string) { u.say(record{level: slog.LevelWarn, text: indented(text)}) }

// Error says that something failed, and keeps it for the summary at the end.
// attempt, which may be "", says what was being done.
func (u *UI) Error(attempt string, err error) { u.fail("", attempt, err.Error(), hintOf(err)) }

// Debug says something of a type of Options.Debug, if that was asked for.
func (u *UI) Debug(kind, text string) {
	if u.debug[kind] {
		u.say(record{level: slog.LevelDebug, text: "[" + kind + "]: " + text})
	}
}

// hintOf returns what a person can do about err, or "".
func hintOf(err error) string {
	var e *store.Error
	if errors.As(err, &e) {
		return e.Hint
	}
	return ""
}

// say writes records down, on every face.
func (u *UI) say(rs ...record) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.asked && u.kind == "ttyui" && u.size < waitMost {
		u.waiting = append(u.waiting, rs...)
		for _, r := range rs {
			u.size += len(r.text)
		}
		return
	}
	u.write(rs)
}

// waitMost is how much waits for a person to answer; more is written all the same
// (octets).
const waitMost = 1 << 20

func (u *UI) write(rs []record) {
	for i := range rs {
		rs[i].text = safe(rs[i].text)
	}
	for _, f := range u.faces {
		f.write(rs)
	}
}

func (u *UI) close() {
	for _, c := range u.closers {
		_ = c.Close()
	}
	u.closers = nil
}

// Finish ends it: what failed is summed up, and files are closed. status is that
// with which the program ends. Nothing is written afterwards.
func (u *UI) Finish(status int) {
	u.sumUp(status)
	u.mu.Lock()
	defer u.mu.Unlock()
	u.faces = nil
	u.close()
}
