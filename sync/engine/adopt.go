package engine

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/state"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// adopt makes a base for a pair of which nothing is known. Mails that are on
// both sides already are paired, and the names of the others are freed from
// UIDs of another time. Where another program knew the pair, what it last agreed
// on is the base of the mails that are still to be found; the rest is united.
// Until the base is written nothing here is remembered, so that an interrupted
// adoption starts again.
func (f *folderRun) adopt(ctx context.Context) error {
	f.first = true
	f.known = &state.Folder{Remote: f.remoteName, Local: f.localName}
	local := &mail.Snapshot{Full: true, Mask: mail.AllFlags}
	if f.localBox != nil || f.run.Local.Properties().Mapped && !f.run.DryRun {
		var err error
		if local, err = f.local.Scan(ctx, mail.Known{Keys: true}); err != nil {
			return fmt.Errorf("read the local folder %q: %w", f.localName, err)
		}
		f.pretend(local)
	}
	remote := &mail.Snapshot{Full: true, Mask: mail.AllFlags, Stamp: mail.Stamp{UIDValidity: 1}}
	if f.remoteBox != nil || !f.run.DryRun {
		var err error
		if remote, err = f.remote.Scan(ctx, mail.Known{}); err != nil {
			return fmt.Errorf("read %q on the server: %w", f.report.Name, err)
		}
	}
	f.pretend(remote)
	if remote.Stamp.UIDValidity == 0 {
		return errNoValidity
	}

	old, err := f.inherit(ctx, remote.Stamp)
	if err != nil {
		return err
	}
	found, err := f.pair(ctx, local.Fresh, remote.Entries, old)
	if err != nil {
		return err
	}
	pairs := found.pairs
	var given []store.Assignment
	rows := make([]mail.Entry, 0, len(pairs))
	inherited := 0
	for _, p := range pairs {
		if p.local.Claim != p.uid {
			given = append(given, store.Assignment{Key: p.local.Key, UID: p.uid})
		}
		if row, ok := old.row(p.uid); ok {
			rows = append(rows, mail.Entry{UID: p.uid, Flags: agreed(row.Flags, p.flags)})
			inherited++
			continue
		}
		// With this as what was last agreed, the merge unites the flags, save
		// that \Deleted needs both sides.
		l, r := p.local.Flags, p.flags
		rows = append(rows, mail.Entry{UID: p.uid, Flags: (l&r)&^mail.Trashed | (l|r)&mail.Trashed})
	}
	var lone succession
	if old != nil {
		lone = f.succeed(old, found, local.Fresh, remote.Entries)
		rows = append(rows, lone.rows...)
	}
	f.remoteSnap = remote
	archived, err := f.archived(ctx, found.rest)
	if err != nil {
		return err
	}
	maps.Copy(archived, lone.keep)
	for _, m := range found.rest {
		if m.Claim != 0 && !archived[m.Key] {
			given = append(given, store.Assignment{Key: m.Key})
		}
	}
	slices.SortFunc(rows, func(a, b mail.Entry) int { return cmp.Compare(a.UID, b.UID) })

	var works []store.Work
	if len(given) > 0 && !f.run.DryRun {
		if old != nil {
			// With other names the rows would read otherwise, so that after an
			// interruption they must not be asked for again.
			if err := f.run.committer.write(ctx, true, knew(f.remoteName)); err != nil {
				return fmt.Errorf("adopt %q: %w", f.localName, err)
			}
		}
		w := f.local.Begin()
		defer w.Discard()
		gone, err := w.Assign(ctx, given)
		if err != nil {
			return fmt.Errorf("rename the mails of %q: %w", f.localName, err)
		}
		if len(gone) > 0 {
			// Its row would read as a removal, of a mail nobody looked at.
			rows = withoutKeys(rows, pairs, gone)
		}
		works = append(works, w)
	}
	if err := f.run.committer.do(ctx, false, works, func() []state.Change {
		return append(f.called(), state.AddFolder{Folder: f.known})
	}); err != nil {
		return fmt.Errorf("adopt %q: %w", f.localName, err)
	}
	f.known.RemoteStamp = mail.Stamp{UIDValidity: remote.Stamp.UIDValidity, Token: begunToken}
	f.known.Count = len(rows)
	if err := f.run.committer.write(ctx, false,
		state.SetStamps{Folder: f.known.ID, Remote: &f.known.RemoteStamp},
		state.PutRows{Folder: f.known.ID, Rows: rows}, state.SetApart{Folder: f.known.ID, Apart: f.apart}, knew(f.remoteName)); err != nil {
		return fmt.Errorf("adopt %q: %w", f.localName, err)
	}
	if old != nil {
		f.report.Adopted = &Adoption{Mails: inherited + len(lone.rows), File: old.File}
	}
	f.report.Counts.Paired = len(rows) - len(lone.rows)
	f.kept = f.apart
	switch {
	case len(local.Fresh) == 0:
		f.localSnap = local
	case f.run.DryRun:
		f.localSnap = imagined(local, found, archived)
	}
	return nil
}

// imagined is the snapshot that the local side would give, had the names been
// changed.
func imagined(s *mail.Snapshot, found *pairing, keep map[string]bool) *mail.Snapshot {
	t := &mail.Snapshot{Full: true, Mask: s.Mask, ReadOnly: s.ReadOnly}
	for _, p := range found.pairs {
		t.Entries = append(t.Entries, mail.Entry{UID: p.uid, Flags: p.local.Flags})
	}
	for _, m := range found.rest {
		if keep[m.Key] {
			t.Entries = append(t.Entries, mail.Entry{UID: m.Claim, Flags: m.Flags})
		} else {
			t.Fresh = append(t.Fresh, m)
		}
	}
	slices.SortFunc(t.Entries, func(a, b mail.Entry) int { return cmp.Compare(a.UID, b.UID) })
	return t
}

func withoutKeys(rows []mail.Entry, pairs []pair, gone []string) []mail.Entry {
	drop := map[mail.UID]bool{}
	for _, p := range pairs {
		if slices.Contains(gone, p.local.Key) {
			drop[p.uid] = true
		}
	}
	return slices.DeleteFunc(rows, func(e mail.Entry) bool { return drop[e.UID] })
}
