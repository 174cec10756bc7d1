package ui

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"

	"github.com/offlineimap/offlineimapd/sync/engine"
	"github.com/offlineimap/offlineimapd/sync/guard"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// Report says what did not work in a pass, what is held and what else is worth
// knowing. What was copied, Event has told. A hold or a skipped folder is told again
// only when something about it has changed.
func (a *Account) Report(r *engine.Report) {
	for _, n := range r.Notes {
		a.Info(a.name + ": " + n)
	}
	for _, p := range r.Problems {
		a.problem(a.thread, fmt.Sprintf("While attempting to sync account '%s'", a.name), p)
	}
	a.mu.Lock()
	before, said := a.held, map[string]bool{}
	a.mu.Unlock()
	once := func(text string) bool {
		again := before[text] || said[text]
		said[text] = true
		return !again
	}
	for _, f := range r.Folders {
		name := word(f.Name)
		if f.Adopted != nil {
			a.Info(fmt.Sprintf("%s/%s goes on from what OfflineIMAP knew of %d messages (%s)", a.name, name, f.Adopted.Mails, word(f.Adopted.File)))
		}
		for _, n := range f.Notes {
			a.Info(a.name + "/" + name + ": " + n)
		}
		if f.Hold != nil {
			if text := a.hold(f.Hold); once(text) {
				a.Warn(text)
			}
		}
		for _, p := range f.Problems {
			if f.Result != engine.Skipped {
				a.problem(a.thread, a.about(name, p), p)
				continue
			}
			text := fmt.Sprintf("Skipping %s [acc: %s]: %s", name, a.name, p.Text)
			switch configured := errors.Is(p.Err, engine.ErrForbidden); {
			case !once(text):
			case configured:
				a.Info(text)
			default:
				a.Warn(text)
			}
		}
	}
	a.mu.Lock()
	a.held = said
	a.mu.Unlock()
}

// about says what was attempted when a problem of a folder came up.
func (a *Account) about(folder string, p engine.Problem) string {
	if p.UID != 0 {
		return fmt.Sprintf("While attempting to sync message %d of folder %s [acc: %s]", p.UID, folder, a.name)
	}
	return fmt.Sprintf("While attempting to sync folder %s [acc: %s]", folder, a.name)
}

func (a *Account) problem(thread, attempt string, p engine.Problem) {
	if p.Class == store.Cancelled.String() {
		if p.Text == context.Canceled.Error() {
			p.Text = "interrupted"
		}
		a.Warn(attempt + "\n" + p.Text)
		return
	}
	a.u.fail(thread, attempt, p.Text, p.Hint)
}

// hold says what is held, why, and what to do.
func (a *Account) hold(h *guard.Hold) string {
	text := h.String()
	if at, folder, ok := strings.Cut(h.Ask, "--approve "); ok && at != "" {
		command := "offlineimapd --once"
		if a.u.o.Config != "" {
			command += " -c " + quoted(a.u.o.Config)
		}
		text = strings.ReplaceAll(text, h.Ask, fmt.Sprintf("run %s -a %s --approve %s (with the daemon: offlineimapctl approve %s)",
			command, quoted(a.name), folder, quoted(a.name)))
	}
	return fmt.Sprintf("HELD [acc: %s]: %s", a.name, text)
}

// quoted writes a name such that a shell reads it as one word.
func quoted(s string) string {
	plain := s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._/@%+:-", r))
	})
	if plain && s[0] != '-' {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// failure is an error that the summary repeats.
type failure struct {
	text, hint string
	times      int
}

// failuresMost is how many the summary lists.
const failuresMost = 100

// fail says that something failed, and keeps it.
func (u *UI) fail(thread, attempt, text, hint string) {
	line := "ERROR: " + indented(text)
	if attempt != "" {
		line = "ERROR: " + indented(attempt+"\n"+text)
	}
	u.say(record{level: slog.LevelError, thread: thread, text: line})
	u.mu.Lock()
	defer u.mu.Unlock()
	for i := range u.failures {
		if u.failures[i].text == line {
			u.failures[i].times++
			return
		}
	}
	if len(u.failures) == failuresMost {
		u.more++
		return
	}
	u.failures = append(u.failures, failure{line, indented(hint), 1})
}

func (u *UI) noteReplaced() {
	u.mu.Lock()
	u.replaced = true
	u.mu.Unlock()
}

// sumUp writes what stands at the end of a run.
func (u *UI) sumUp(status int) {
	u.mu.Lock()
	failures, more, replaced := u.failures, u.more, u.replaced
	u.mu.Unlock()
	var rs []record
	warn := func(text string) { rs = append(rs, record{level: slog.LevelWarn, text: text, human: true}) }
	if len(failures) > 0 {
		warn("ERROR: Exceptions occurred during the run!")
		for _, f := range failures {
			text := f.text
			if f.times > 1 {
				text += fmt.Sprintf("\n  (%d times)", f.times)
			}
			if f.hint != "" {
				text += "\n  hint: " + f.hint
			}
			warn(text)
		}
		if more > 0 {
			warn(fmt.Sprintf("and %d more", more))
		}
	}
	if replaced {
		warn("At least one folder skipped due to UID validity problem")
	}
	rs = append(rs, record{level: slog.LevelInfo, command: "terminate", data: []string{strconv.Itoa(status), "", ""}})
	u.say(rs...)
}
