package ui

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"
)

// Repo is one side of an account.
type Repo struct {
	Name string
	Type string // as configured: IMAP, Gmail, Maildir, GmailMaildir
}

// Account speaks of one account. As all of a UI it may be used from several
// goroutines.
type Account struct {
	u             *UI
	name          string
	local, remote Repo
	thread        string

	mu      sync.Mutex
	begun   bool               // that folders are looked into was said, in this pass
	folders map[string]*folder // those under way, by name
	held    map[string]bool    // what was said of folders in an earlier pass
}

// Account begins to speak of an account.
func (u *UI) Account(name string, local, remote Repo) *Account {
	name = word(name)
	local.Name, remote.Name = word(local.Name), word(remote.Name)
	a := &Account{u: u, name: name, local: local, remote: remote, thread: "Account sync " + name, folders: map[string]*folder{}, held: map[string]bool{}}
	a.machine("registerthread", name)
	return a
}

func (a *Account) say(r record) {
	r.thread = a.thread
	a.u.say(r)
}

// machine says what only programs read.
func (a *Account) machine(command string, data ...string) {
	a.say(record{level: slog.LevelInfo, command: command, data: data})
}

// Begin says that a pass of the account begins.
func (a *Account) Begin() {
	a.mu.Lock()
	a.begun = false
	a.folders = map[string]*folder{}
	a.mu.Unlock()
	a.say(record{level: slog.LevelInfo, text: "*** Processing account " + a.name, command: "acct", data: []string{a.name}})
}

// Connecting says that a connection to the server is begun.
func (a *Account) Connecting(host string, port int) {
	p := strconv.Itoa(port)
	a.say(record{level: slog.LevelInfo, text: fmt.Sprintf("Establishing connection to %s:%s (%s)", word(host), p, a.remote.Name),
		command: "connecting", data: []string{host, p, a.remote.Name}})
}

// Tunnel says that a command is started whose streams are the connection.
func (a *Account) Tunnel(command string) {
	a.say(record{level: slog.LevelInfo, text: fmt.Sprintf("Establishing connection to tunnel:%s (%s)", word(command), a.remote.Name),
		command: "connecting", data: []string{"tunnel:" + command, "", a.remote.Name}})
}

// Hook says what a command before or after a run is, or has said.
func (a *Account) Hook(text string) {
	a.say(record{level: slog.LevelInfo, text: text, command: "callhook", data: []string{text}})
}

// Info says something about the account, as UI.Info does.
func (a *Account) Info(text string) { a.say(record{level: slog.LevelInfo, text: indented(text)}) }

// Warn says something about the account that a person should know of, as UI.Info
// does.
func (a *Account) Warn(text string) { a.say(record{level: slog.LevelWarn, text: indented(text)}) }

// Error says that something failed, and keeps it for the summary at the end.
// attempt, which may be "", says what was being done.
func (a *Account) Error(attempt string, err error) {
	a.u.fail(a.thread, attempt, err.Error(), hintOf(err))
}

// Done says that a pass has ended, after what it took.
func (a *Account) Done(took time.Duration) {
	s := int(took.Round(time.Second) / time.Second)
	a.say(record{level: slog.LevelInfo, text: fmt.Sprintf("*** Finished account '%s' in %d:%02d", a.name, s/60, s%60),
		command: "acctdone", data: []string{a.name}})
}

// Sleeping says that the next pass begins after remaining, and that it is waited
// for step before this is said again.
func (a *Account) Sleeping(step, remaining time.Duration) {
	level := slog.LevelDebug
	// As OfflineIMAP: where a minute is full.
	if a.u.kind == "ttyui" && remaining/time.Minute != (remaining-step)/time.Minute {
		level = slog.LevelInfo
	}
	a.say(record{level: level, text: fmt.Sprintf("Next refresh in %.1f minutes", remaining.Minutes()), human: true})
	a.machine("sleeping", seconds(step), seconds(remaining))
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d.Round(time.Second) / time.Second)) }

// Close says that nothing more is going to be heard of the account.
func (a *Account) Close() {
	a.u.say(record{level: slog.LevelInfo, command: "threadExited", data: []string{a.thread}},
		record{level: slog.LevelInfo, command: "unregisterthread", data: []string{a.thread}})
}

// Password asks a person for the password of user at the server. refused: one was
// given before, and the server does not take it. The error is of class Config where
// this user interface cannot ask, or where nothing was answered; else the cause of
// ctx.
func (a *Account) Password(ctx context.Context, user string, refused bool) (string, error) {
	return a.u.password(ctx, a, user, refused)
}
