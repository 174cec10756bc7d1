package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/names"
	"github.com/offlineimap/offlineimapd/sync/state"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// claims are what mailboxes without a pair have to do with local names that are
// not those of names.Local.
type claims struct {
	older map[string]string // mailbox → the local folder that it is kept in from of old
	owner map[string]string // the inverse
	blank map[string]string // local name → a mailbox for which OfflineIMAP makes the folder, and leaves it empty
}

// claim looks for mailboxes whose names are escaped. What such a mailbox was
// called before there were escapes it stays called, if neither it nor that folder
// is paired yet.
func claim(remote []store.Mailbox, here map[string]bool, c Choice, o names.Options, paired func(remote, local string) bool) claims {
	out := claims{map[string]string{}, map[string]string{}, map[string]string{}}
	for _, b := range remote {
		if !b.Selectable {
			continue
		}
		if in, err := c.remote(b.Name, o); !in || err != nil {
			continue
		}
		was, kept, differs := names.Before(b.Name, o)
		switch {
		case !differs || !here[was]:
		case !kept:
			out.blank[was] = b.Name
		case !paired(b.Name, was) && out.owner[was] == "":
			if now, err := names.Local(b.Name, o); err == nil && !here[now] {
				out.older[b.Name], out.owner[was] = was, b.Name
			}
		}
	}
	return out
}

// local returns the local name for a mailbox that has none yet.
func (c claims) local(remote string, o names.Options) (string, error) {
	if name, ok := c.older[remote]; ok {
		return name, nil
	}
	name, err := names.Local(remote, o)
	if err == nil {
		if other := c.owner[name]; other != "" {
			return name, taken(name, other)
		}
	}
	return name, err
}

// taken is why a mailbox cannot be kept in a folder.
func taken(local, other string) error {
	return fmt.Errorf("its local folder %q belongs to %q already", local, names.Display(other))
}

// spellings are the names of all local folders, and of those to be made.
func spellings(local []store.Mailbox, jobs []*folderRun, sep byte) names.Spellings {
	s := names.NewSpellings(sep)
	for _, b := range local {
		s.Add(b.Name)
	}
	for _, f := range jobs {
		s.Add(f.localName)
	}
	return s
}

// literal tells whether a server takes its reference for the beginning of names, as
// most do, and not for the name of a place (RFC 9051, section 6.3.9). What was asked
// for by name may be anywhere.
func (r *run) literal(o names.Options, remote []store.Mailbox) bool {
	return !slices.ContainsFunc(remote, func(b store.Mailbox) bool {
		return !strings.HasPrefix(b.Name, o.Reference) && !names.IsInbox(b.Name) &&
			!slices.Contains(r.Policy.Choice.Includes, names.Read(b.Name, o))
	})
}

// impossible tells whether a mailbox cannot be made because of its name.
func impossible(err error) bool {
	return err != nil && store.ClassOf(err) == store.Config && store.ScopeOf(err) == store.ScopeFolder
}

// createLocal makes the local folder. On a file system that takes upper and lower
// case for the same it may be that of another mailbox: then neither is touched.
func (f *folderRun) createLocal(ctx context.Context) error {
	if err := f.run.Local.Create(ctx, f.localName); err != nil {
		return fmt.Errorf("create the local folder %q: %w", f.localName, err)
	}
	// A server says so by itself, and to list it while its mailboxes are in use would
	// void what was heard of them.
	if f.alike == "" && !names.Composable(f.localName) || f.run.Local.Properties().Mapped {
		return nil
	}
	boxes, err := f.run.Local.Survey(ctx)
	if err != nil {
		return fmt.Errorf("list the local folders: %w", err)
	}
	other := f.alike
	for _, b := range boxes {
		if b.Name == f.localName {
			return nil
		}
		if names.Alike(b.Name, f.localName) {
			other = b.Name
		}
	}
	return &store.Error{Class: store.Config, Scope: store.ScopeFolder,
		Err:  fmt.Errorf("the file system of the local folders writes %q otherwise, and does not tell it from %q", f.localName, other),
		Hint: "give both mailboxes the same spelling, or leave one of them out by a folderfilter"}
}

// metaLeftover with the name of a local folder in the state says that it was told
// of what leftover has found.
const metaLeftover = "leftover/"

// leftover tells whether a local folder that has no mailbox is an empty one that
// OfflineIMAP made for a mailbox and has no use for. On the server it would become
// a mailbox that nobody wants.
func (f *folderRun) leftover(ctx context.Context) (bool, error) {
	if f.blank == "" {
		return false, nil
	}
	box := f.run.Local.Open(f.localName, true)
	defer box.Close()
	s, err := box.Scan(ctx, mail.Known{})
	if err != nil {
		return false, fmt.Errorf("read the local folder %q: %w", f.localName, err)
	}
	if len(s.Entries) > 0 || len(s.Fresh) > 0 {
		return false, nil
	}
	f.done = true
	key := metaLeftover + f.localName
	if v, _, err := f.run.State.Meta(ctx, key); err != nil || v != "" {
		return true, err
	}
	f.report.Notes = append(f.report.Notes, fmt.Sprintf(
		"the local folder %q is empty, as OfflineIMAP leaves it where the server has a mailbox %q: no mailbox is made for it, and you can remove it", f.localName, names.Display(f.blank)))
	if f.run.DryRun {
		return true, nil
	}
	return true, f.run.committer.write(ctx, false, state.SetMeta{Key: key, Value: "1"})
}
