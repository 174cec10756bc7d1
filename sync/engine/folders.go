package engine

import (
	"errors"
	"fmt"
	"slices"

	"github.com/offlineimap/offlineimapd/sync/guard"
	"github.com/offlineimap/offlineimapd/sync/names"
	"github.com/offlineimap/offlineimapd/sync/state"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// pairUp decides which mailbox of one side belongs to which of the other, and
// which of these pairs need work at all. The jobs come back in the order in
// which to start them; gone is to be written into the base.
func (r *run) pairUp(known []state.Folder, local, remote []store.Mailbox, rep *Report) (jobs []*folderRun, gone []state.Change) {
	o := r.Policy.Names
	o.RemoteSep, o.LocalSep = r.Remote.Properties().Separator, r.Local.Properties().Separator
	if !r.literal(o, remote) {
		o.Reference = ""
	}

	byRemote := map[string]*folderRun{}
	byLocal := map[string]*folderRun{}
	add := func(f *folderRun) {
		byRemote[f.remoteName], byLocal[f.localName] = f, f
		jobs = append(jobs, f)
	}
	var skipped []*folderRun
	skip := func(name, local string, err error) {
		f := &folderRun{run: r, remoteName: name, localName: local}
		f.introduce()
		f.skip(err)
		skipped = append(skipped, f)
	}
	// apart tells whether a folder takes no part, for whichever reason.
	apart := func(f *folderRun) bool {
		in, err := r.Policy.Choice.takes(f.remoteName, f.localName, o)
		if err != nil {
			skip(f.remoteName, f.localName, err)
		}
		if !in {
			byRemote[f.remoteName], byLocal[f.localName] = f, f
			r.apart[f.localName] = err == nil
		}
		return !in
	}
	// Servers list in any order, and of two mailboxes that want one folder it should be
	// the same whenever it is asked.
	slices.SortFunc(remote, func(a, b store.Mailbox) int { return compareNames(a.Name, b.Name) })
	here := map[string]bool{}
	for _, b := range local {
		here[b.Name] = true
	}
	for _, k := range known {
		if name, err := names.Local(k.Remote, o); err == nil && name != k.Local && here[name] && !here[k.Local] {
			// Somebody moved the directory to where its mailbox belongs now.
			gone = append(gone, state.ForgetFolder{Folder: k.ID}, knew(k.Remote))
			continue
		}
		if f := (&folderRun{run: r, remoteName: k.Remote, localName: k.Local, known: &k}); !apart(f) {
			add(f)
		}
	}
	own := claim(remote, here, r.Policy.Choice, o, func(remote, local string) bool { return byRemote[remote] != nil || byLocal[local] != nil })
	for i := range remote {
		b := &remote[i]
		if !b.Selectable {
			continue
		}
		f := byRemote[b.Name]
		if f == nil {
			if in, err := r.Policy.Choice.remote(b.Name, o); !in {
				if err != nil {
					skip(b.Name, "", err)
				}
				continue
			}
			name, err := own.local(b.Name, o)
			if other := byLocal[name]; err == nil && other != nil {
				err = taken(name, other.remoteName)
			}
			if err != nil {
				skip(b.Name, name, err)
				continue
			}
			if f = (&folderRun{run: r, remoteName: b.Name, localName: name}); !apart(f) {
				add(f)
			}
		}
		f.remoteBox = b
	}
	for i := range local {
		b := &local[i]
		f := byLocal[b.Name]
		if f == nil {
			if in, err := r.Policy.Choice.local(b.Name); !in {
				if err != nil {
					skip(b.Name, b.Name, err)
				}
				r.apart[b.Name] = err == nil
				continue
			}
			name, err := names.Remote(b.Name, o)
			if err != nil {
				skip(b.Name, b.Name, err)
				continue
			}
			if byRemote[name] != nil {
				skip(name, b.Name, fmt.Errorf("its mailbox on the server, %q, is kept in %q already", names.Display(name), byRemote[name].localName))
				continue
			}
			if f = (&folderRun{run: r, remoteName: name, localName: b.Name, blank: own.blank[b.Name]}); !apart(f) {
				add(f)
			}
		}
		f.localBox = b
	}
	// What the server lists without mails of its own (\Noselect) may become a
	// mailbox by CREATE (RFC 9051, section 6.3.4), or it may not.
	for i := range remote {
		if b := &remote[i]; !b.Selectable {
			if f := byRemote[b.Name]; f != nil && f.known == nil {
				f.noSelect = true
			}
		}
	}

	for name, err := range r.unfound {
		if byRemote[name] == nil {
			skip(name, "", fmt.Errorf("folderincludes has %q: %w", names.Display(name), err))
		}
	}
	missing := 0
	spelled := spellings(local, jobs, o.LocalSep)
	for _, f := range jobs {
		f.introduce()
		f.alike = spelled.Other(f.localName)
		if f.known != nil && f.remoteBox == nil && f.localBox != nil {
			missing++
		}
	}
	r.pairs = pairsOf(o, jobs, skipped)
	r.approve(jobs, rep)
	jobs, skipped = r.choose(jobs, skipped)
	for _, f := range skipped {
		rep.Folders = append(rep.Folders, f.report)
	}
	for _, f := range jobs {
		f.decide(missing, len(known), o)
	}
	for _, f := range jobs {
		if f.drop && f.known != nil {
			gone = append(gone, state.ForgetFolder{Folder: f.known.ID}, knew(f.remoteName))
		}
	}
	jobs = slices.DeleteFunc(jobs, func(f *folderRun) bool { return f.drop })
	r.sort(jobs, o)
	return jobs, gone
}

// sort puts the folders in the order in which to begin them: that of Policy.Order,
// or INBOX first and then the largest jobs, since they decide when the run ends.
func (r *run) sort(jobs []*folderRun, o names.Options) {
	var place map[string]int
	if r.Policy.Order != nil {
		all := make([]string, len(jobs))
		for i, f := range jobs {
			all[i] = names.Read(f.remoteName, o)
		}
		place = r.Policy.Order(all)
	}
	slices.SortStableFunc(jobs, func(a, b *folderRun) int {
		if place != nil {
			if c := place[names.Read(a.remoteName, o)] - place[names.Read(b.remoteName, o)]; c != 0 {
				return c
			}
		}
		ia, ib := names.IsInbox(a.remoteName), names.IsInbox(b.remoteName)
		switch {
		case ia != ib:
			if ia {
				return -1
			}
			return 1
		case a.weight() != b.weight():
			return b.weight() - a.weight()
		}
		return compareNames(a.remoteName, b.remoteName)
	})
}

// weight estimates how many mails have to cross.
func (f *folderRun) weight() int {
	if f.remoteBox == nil {
		return 0
	}
	n := int(f.remoteBox.Stamp.Messages)
	if f.known != nil {
		n = max(0, n-f.known.Count)
	}
	return n
}

// ErrForbidden is in the Problem of a folder that was skipped because whoever
// configured the account wants it so.
var ErrForbidden = errors.New("forbids to make it")

// decide settles what needs no worker: folders that did not change, and those
// that must not be touched.
func (f *folderRun) decide(missing, known int, o names.Options) {
	p := f.run.Policy
	if err := f.limit(o); err != nil {
		f.skip(err)
		return
	}
	f.witness(o)
	switch {
	case f.remoteBox == nil && f.localBox == nil:
		// Gone from both sides. Should it only have been left out of the listing,
		// it is compared anew when it is back.
		f.drop = true
	case f.known != nil && f.remoteBox == nil:
		h := guard.Missing(f.report.Name, f.remoteName, f.known.Count, missing, known)
		switch {
		case f.lets(h):
			f.forget = true
		case f.known.Count == 0 && f.known.LocalStamp.Same(f.localBox.Stamp):
			f.report.Result, f.done = Unchanged, true // gone there and empty here: nothing is at stake
		default:
			f.hold(h)
		}
	case f.known != nil && f.localBox == nil:
		// A directory that was moved away means: never synced.
		f.forget = true
	case f.forget:
	case f.known != nil && !f.run.Full && !f.relook && f.known.RemoteStamp.Same(f.remoteBox.Stamp) && f.known.LocalStamp.Same(f.localBox.Stamp):
		f.quiet = true
	}
	if f.done || f.drop {
		return
	}
	switch {
	case f.localBox == nil && (!p.CreateLocal || p.LocalReadOnly):
		f.skip(fmt.Errorf("it does not exist locally, and createfolders or readonly of the local repository %w", ErrForbidden))
	case f.remoteBox == nil && (!p.CreateRemote || p.RemoteReadOnly):
		f.skip(fmt.Errorf("it does not exist on the server, and createfolders or readonly of the remote repository %w", ErrForbidden))
	}
}

func (f *folderRun) skip(err error) {
	f.report.Result, f.done = Skipped, true
	if errors.Is(err, errUnanswered) {
		f.report.Result = Failed
	}
	f.report.Problems = append(f.report.Problems, problem(err))
}

func (f *folderRun) hold(h *guard.Hold) {
	f.report.Result, f.report.Hold, f.done = Held, h, true
}

// lets tells whether a person has approved of what h holds back.
func (f *folderRun) lets(h *guard.Hold) bool { return f.approved || f.run.agreed(h) }

// introduce begins the report.
func (f *folderRun) introduce() {
	f.report = Folder{Name: names.Display(f.remoteName), Local: f.localName}
	f.shownAs = f.seen()
}
