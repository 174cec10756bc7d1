package ui

import (
	"fmt"
	"log/slog"
	"strconv"
	"strings"

	"github.com/offlineimap/offlineimapd/sync/engine"
	"github.com/offlineimap/offlineimapd/sync/guard"
	"github.com/offlineimap/offlineimapd/sync/mail"
)

// folder is one that a pass is about.
type folder struct {
	thread     string
	down, up   int // mails copied so far, to each side
	downs, ups bool
}

// dryRun stands in front of what a dry run has not done.
const dryRun = "[DRYRUN] "

// Event says what an engine tells. It is an engine.Observer.
func (a *Account) Event(e engine.Event) {
	e.Folder, e.Local, e.Visible = word(e.Folder), word(e.Local), word(e.Visible)
	a.mu.Lock()
	defer a.mu.Unlock()
	if rs := a.records(e); len(rs) > 0 {
		a.u.say(rs...)
	}
}

func (a *Account) records(e engine.Event) []record {
	key := e.Folder + "\x00" + e.Local // names that look alike may be of two folders
	f := a.folders[key]
	thread := a.thread // what is told after a folder has ended, the account tells
	if f != nil {
		thread = f.thread
	}
	info := func(text, command string, data ...string) record {
		if e.Planned && text != "" {
			text = dryRun + text
		}
		return record{level: slog.LevelInfo, thread: thread, text: text, command: command, data: data}
	}
	switch e.Kind {
	case engine.FolderEntered, engine.FolderQuiet:
		f = &folder{thread: threadOf(e, a.name)}
		a.folders[key], thread = f, f.thread
		rs := []record{info("", "registerthread", a.name), info("", "syncingfolder", a.remote.Type, e.Folder, a.local.Type, e.Local, "")}
		rs[1].text = fmt.Sprintf("Syncing %s: %s -> %s", e.Folder, a.remote.Type, a.local.Type)
		if !a.begun {
			a.begun = true
			first := record{level: slog.LevelInfo, thread: a.thread, command: "syncfolders", data: []string{a.remote.Type, a.local.Type}}
			rs = append([]record{first}, rs...)
		}
		if e.Kind == engine.FolderQuiet {
			rs = append(rs, record{level: slog.LevelInfo, thread: thread, text: fmt.Sprintf("Skipping %s (not changed)", e.Folder)})
		}
		return rs
	case engine.FolderEnded:
		if f == nil {
			return nil
		}
		delete(a.folders, key)
		return []record{
			{level: slog.LevelInfo, command: "threadExited", data: []string{thread}},
			{level: slog.LevelInfo, command: "unregisterthread", data: []string{thread}},
		}
	case engine.FolderCreated:
		name, repo := e.Local, a.local.Name
		if e.Side == guard.Remote {
			name, repo = e.Folder, a.remote.Name
		}
		return []record{info(fmt.Sprintf("Creating folder %s[%s]", name, repo), "")}
	case engine.FolderProgress:
		if f == nil {
			return nil
		}
		return a.copies(e, f)
	case engine.MailsRemoved:
		kind, name := a.side(e)
		return []record{info(fmt.Sprintf("Deleting %d messages (%s) in %s[%s]", e.Done, e.UIDs, kind, name),
			"deletingmessages", list(e.UIDs), kind+"\t"+name)}
	case engine.FlagAdded:
		_, name := a.side(e)
		return []record{info(fmt.Sprintf("Adding flag %s to %d messages on %s", e.Flags, e.Done, name),
			"addingflags", list(e.UIDs), e.Flags.String(), name)}
	case engine.FlagRemoved:
		_, name := a.side(e)
		return []record{info(fmt.Sprintf("Deleting flag %s from %d messages on %s", e.Flags, e.Done, name),
			"deletingflags", list(e.UIDs), e.Flags.String(), name)}
	case engine.FolderReplaced:
		a.u.noteReplaced()
		return []record{{level: slog.LevelWarn, thread: thread, text: fmt.Sprintf(
			"UID validity problem for folder %s (repo %s) (saved %d; got %d); skipping it. It changes on neither side until you say that it may.",
			e.Folder, a.remote.Name, e.Was, e.Is),
			command: "validityproblem", data: []string{e.Folder, a.remote.Name, strconv.FormatUint(uint64(e.Was), 10), strconv.FormatUint(uint64(e.Is), 10)}}}
	}
	return nil
}

// side names the side that an event is about: type of the repository, and folder.
func (a *Account) side(e engine.Event) (kind, name string) {
	if e.Side == guard.Remote {
		return a.remote.Type, e.Folder
	}
	return a.local.Type, e.Local
}

// threadOf is what OfflineIMAP calls the thread that works on a folder.
func threadOf(e engine.Event, account string) string {
	name := e.Folder
	if e.Visible != e.Folder && e.Visible != "" {
		name = fmt.Sprintf("%s [remote name %s]", e.Visible, e.Folder)
	}
	return fmt.Sprintf("Folder %s [acc: %s]", name, account)
}

// copies says of each mail that it was copied.
func (a *Account) copies(e engine.Event, f *folder) []record {
	from, to := a.remote, a.local
	source, target := e.Folder, e.Local
	n, begun := &f.down, &f.downs
	if e.Side == guard.Remote {
		from, to, source, target = to, from, target, source
		n, begun = &f.up, &f.ups
	}
	rs := make([]record, 0, e.Done+1)
	say := func(text, command string, data ...string) {
		rs = append(rs, record{level: slog.LevelInfo, thread: f.thread, text: text, command: command, data: data})
	}
	if !*begun {
		*begun = true
		say("", "syncingmessages", from.Type, source, to.Type, target, "")
	}
	if e.Planned {
		say(fmt.Sprintf("%sCopy %d messages from %s[%s] to %s", dryRun, e.Done, source, from.Name, to.Name), "")
		return rs
	}
	tail := fmt.Sprintf("/%d) %s:%s -> %s:%s", e.Total, from.Name, source, to.Name, target)
	into := to.Type + "[" + target + "]"
	one := func(uid string) {
		*n++
		say("Copy message UID "+uid+" ("+strconv.Itoa(min(*n, e.Total))+tail, "copyingmessage", uid, from.Type, source, into)
	}
	if len(e.UIDs) > 0 {
		for u := range e.UIDs.All {
			one(strconv.FormatUint(uint64(u), 10))
		}
		return rs
	}
	// A mail that has no UID yet is counted from -total up to -1, as OfflineIMAP does.
	for range e.Done {
		one("-" + strconv.Itoa(max(e.Total-*n, 1)))
	}
	return rs
}

// list writes UIDs as an element of the machine's protocol.
func list(s mail.Set) string {
	var sb strings.Builder
	for u := range s.All {
		if sb.Len() > 0 {
			sb.WriteByte('\f')
		}
		sb.WriteString(strconv.FormatUint(uint64(u), 10))
	}
	return sb.String()
}
