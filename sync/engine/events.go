package engine

import (
	"math/bits"
	"strings"

	"github.com/offlineimap/offlineimapd/sync/guard"
	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/merge"
	"github.com/offlineimap/offlineimapd/sync/names"
)

// Event is one thing an Observer is told while a run goes on. It is never
// changed afterwards, nor is what its Set points to.
type Event struct {
	Kind   EventKind
	Folder string // the remote name, for people
	Local  string // the local name
	// Visible is the local name with the server's separator and for people: other
	// than Folder where a nametrans made it.
	Visible string
	// Side is the one that was changed, or that the mails were copied to: guard.Local
	// or guard.Remote.
	Side string
	// Planned: a dry run would have done it, and has not.
	Planned bool
	UIDs    mail.Set   // of the mails concerned; empty where they had none yet
	Flags   mail.Flags // one flag
	Done    int        // mails concerned; of FolderProgress those since the last one of this folder
	Total   int        // of FolderStarted the mails to copy in this folder, of FolderProgress those to Side
	Bytes   int64      // copied since the last event of this folder
	Result  Result     // preliminary where mails are yet to be removed on the server
	Was, Is uint32     // of FolderReplaced the UIDVALIDITY that is known, and the one that the server gives
}

// EventKind tells what an Event says.
type EventKind int

// The kinds. Folder and Local are always set. What is told of a folder comes
// between its FolderEntered or FolderQuiet and its FolderEnded, save that mails are
// removed on the server when all folders have ended. A folder that takes no part,
// or is parked before anybody looked into it, has a FolderEnded alone or no event.
const (
	FolderStarted  EventKind = iota // Total: mails are about to be copied
	FolderProgress                  // Side, UIDs (not of uploads), Done, Total, Bytes: some more were
	FolderEnded                     // Result
	FolderEntered                   // it is being looked into
	FolderQuiet                     // there is no need to: neither side has changed
	FolderCreated                   // Side
	MailsRemoved                    // Side, UIDs, Done
	FlagAdded                       // Side, UIDs, Flags, Done
	FlagRemoved                     // Side, UIDs, Flags, Done
	FolderReplaced                  // Was, Is: it is held because the server has another mailbox under this name
)

// Observer watches a run. It is called from one goroutine at a time and must
// return soon: the run waits for it.
type Observer func(Event)

// tell says something about the folder. It may wait for the observer.
func (f *folderRun) tell(e Event) { f.run.events <- f.event(e) }

func (f *folderRun) event(e Event) Event {
	e.Folder, e.Local, e.Visible = f.report.Name, f.localName, f.shownAs
	e.Planned = f.run.DryRun
	return e
}

// seen is the local name as it would be on the server if it were not translated.
func (f *folderRun) seen() string {
	name := f.localName
	if here, there := f.run.Local.Properties().Separator, f.run.Remote.Properties().Separator; here != 0 && there != 0 {
		name = strings.ReplaceAll(name, string(rune(here)), string(rune(there)))
	}
	if f.run.Policy.Names.UTF8 {
		return name
	}
	return names.Display(name)
}

// hear passes on what was said up to now.
func (r *run) hear(observe Observer) {
	for {
		select {
		case e := <-r.events:
			observe(e)
		default:
			return
		}
	}
}

// tellRemoved says which mails a side has lost. UIDs ascend.
func (f *folderRun) tellRemoved(side string, uids []mail.UID) {
	if len(uids) > 0 {
		f.tell(Event{Kind: MailsRemoved, Side: side, UIDs: mail.SetOf(uids...), Done: len(uids)})
	}
}

// tellFlags says flag by flag what has changed on a side. UIDs ascend.
func (f *folderRun) tellFlags(side string, changes []mail.FlagChange) {
	var any, added, cleared mail.Flags
	for _, c := range changes {
		added |= c.Add
		cleared |= c.Clear
	}
	one := func(kind EventKind, flag mail.Flags, has func(mail.FlagChange) mail.Flags) {
		e := Event{Kind: kind, Side: side, Flags: flag}
		for _, c := range changes {
			if has(c)&flag != 0 {
				e.UIDs.Append(c.UID, c.UID)
				e.Done++
			}
		}
		f.tell(e)
	}
	for any = added; any != 0; any &= any - 1 {
		one(FlagAdded, 1<<bits.TrailingZeros32(uint32(any)), func(c mail.FlagChange) mail.Flags { return c.Add })
	}
	for any = cleared; any != 0; any &= any - 1 {
		one(FlagRemoved, 1<<bits.TrailingZeros32(uint32(any)), func(c mail.FlagChange) mail.Flags { return c.Clear })
	}
}

// tellPlan says what a dry run would have done, in the order of a run.
func (f *folderRun) tellPlan(p *merge.Plan) {
	down, up := len(p.Download), len(p.Upload)+len(p.Reupload)
	if down+up > 0 {
		f.tell(Event{Kind: FolderStarted, Total: down + up})
	}
	if down > 0 {
		e := Event{Kind: FolderProgress, Side: guard.Local, Done: down, Total: down}
		for _, m := range p.Download {
			e.UIDs.Append(m.UID, m.UID)
		}
		f.tell(e)
	}
	if up > 0 {
		f.tell(Event{Kind: FolderProgress, Side: guard.Remote, Done: up, Total: up})
	}
	f.tellFlags(guard.Remote, p.RemoteFlags)
	f.tellFlags(guard.Local, p.LocalFlags)
	f.tellRemoved(guard.Local, p.RemoveLocal)
	f.tellRemoved(guard.Remote, p.RemoveRemote)
}
