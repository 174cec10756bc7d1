package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/state"
)

// lone is what tells mails that are only here.
type lone struct {
	all   bool              // which they are could not be found out
	ids   map[string]string // see likely; the folder that has it
	where string            // a folder that could not be read
}

// likely names a mail by its Message-ID, or where it has none by what else is
// in its header, and its size.
func likely(h mail.Header) string {
	if h.MessageID != "" {
		return h.MessageID
	}
	return fmt.Sprintf("%s %d", h.Date, h.Size)
}

// unsure looks for mails that are only here in every folder of which it is not
// certain that all of it is on the server. Folders that nobody has looked into,
// because their stamp was as before or because they take no part, are surveyed
// once more: a mail may have been moved there while the run went on.
func (r *run) unsure(ctx context.Context, folders []*folderRun, here *lone) error {
	boxes, err := r.Local.Survey(ctx)
	if err != nil {
		return fmt.Errorf("list the local folders: %w", err)
	}
	now := map[string]mail.Stamp{}
	for _, b := range boxes {
		now[b.Name] = b.Stamp
	}
	for _, f := range slices.Concat(folders, r.left) {
		stamp, there := now[f.localName]
		delete(now, f.localName)
		if (there || f.localBox != nil) && f.mayHoldBack(stamp) {
			r.unsent(ctx, f.localName, f.known, here)
		}
	}
	delete(now, "") // what lies in the root of the tree is no folder
	maps.DeleteFunc(now, func(name string, _ mail.Stamp) bool { return r.apart[name] })
	for _, name := range slices.Sorted(maps.Keys(now)) {
		r.unsent(ctx, name, nil, here) // it has no mailbox, or is new
	}
	return nil
}

// mayHoldBack tells whether some mails of the folder may not be on the server.
// now is the stamp of the local side.
func (f *folderRun) mayHoldBack(now mail.Stamp) bool {
	switch {
	case f.report.Result == Failed, f.report.Result == Held, f.report.Result == Skipped, f.behind:
		return true
	case f.localSnap != nil:
		return false
	}
	return f.run.Full || f.known == nil || !f.known.LocalStamp.Same(now)
}

// unsent adds the mails of a local folder that are not on the server: those
// without a UID, and those whose UID the base does not know. known may be nil.
func (r *run) unsent(ctx context.Context, name string, known *state.Folder, here *lone) {
	if err := r.addUnsent(ctx, name, known, here); err != nil {
		here.all, here.where = true, name
	}
}

func (r *run) addUnsent(ctx context.Context, name string, known *state.Folder, here *lone) error {
	local := r.Local.Open(name, true)
	defer local.Close()
	s, err := local.Scan(ctx, mail.Known{Full: true})
	if err != nil {
		return err
	}
	var base []mail.Entry
	var apart state.Apart
	if known != nil {
		if base, err = r.State.Rows(ctx, known.ID); err != nil {
			return err
		}
		if apart, err = r.State.Apart(ctx, known.ID); err != nil {
			return err
		}
	}
	var refs []mail.Ref
	for _, m := range s.Fresh {
		refs = append(refs, mail.Ref{Key: m.Key})
	}
	for _, e := range s.Entries {
		if !has(base, e.UID) && !apart.Local.Has(e.UID) {
			refs = append(refs, mail.Ref{UID: e.UID})
		}
	}
	if err := local.Headers(ctx, refs, func(h mail.Header) { here.ids[likely(h)] = name }); err != nil {
		return err
	}
	// What was once sent from here is on the server as it was sent.
	return r.sentHeaders(ctx, local, refs, func(h mail.Header) { here.ids[likely(h)] = name })
}
