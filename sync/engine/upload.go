package engine

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/offlineimap/offlineimapd/sync/guard"
	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/merge"
	"github.com/offlineimap/offlineimapd/sync/state"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// The bounds of one group of uploads. All of a group is stored or nothing of
// it, so a line that breaks costs a group.
const (
	groupMails = 500
	groupBytes = 8 << 20
)

// uploader copies local mails to the server: intents first, then the mails,
// then their UIDs into the names and the base.
type uploader struct {
	*folderRun
	shared  mail.Flags
	total   int            // mails to upload
	uidNext mail.UID       // before anything was uploaded
	unknown []state.Intent // stored, but the server did not say where
	next    mail.UID       // what the next UID will be if nobody else uploads; 0: somebody did
}

func (f *folderRun) upload(ctx context.Context, p *merge.Plan) error {
	items := p.Upload
	if len(items) == 0 {
		return nil
	}
	u := &uploader{folderRun: f, shared: p.Shared, total: len(items), uidNext: f.remoteSnap.Stamp.UIDNext, next: f.remoteSnap.Stamp.UIDNext}
	if u.uidNext == 0 {
		return store.Fail(store.Protocol, store.ScopeFolder,
			fmt.Errorf("upload to %q: the server gives no UIDNEXT, so that an interrupted upload could not be found again", f.report.Name))
	}
	for c := range slices.Chunk(items, groupMails) {
		if err := u.chunk(ctx, c); err != nil {
			f.localDirty, f.remoteDirty = true, true
			return fmt.Errorf("upload to %q: %w", f.report.Name, err)
		}
	}
	if len(u.unknown) > 0 {
		if err := u.locate(ctx); err != nil {
			return fmt.Errorf("look for uploads in %q: %w", f.report.Name, err)
		}
	}
	// Our own mails need not look new to the next run, unless others came in
	// between.
	if u.next != 0 && !f.remoteDirty {
		f.remoteSnap.Stamp.UIDNext = u.next
		f.remoteSnap.Stamp.Sure = false
	}
	return nil
}

// chunk reads what the journal must know of some mails, and uploads them in
// groups of a bounded size.
func (u *uploader) chunk(ctx context.Context, items []mail.Fresh) error {
	flags := make(map[string]mail.Flags, len(items))
	refs := make([]mail.Ref, len(items))
	for i, m := range items {
		flags[m.Key] = m.Flags
		refs[i].Key = m.Key
	}
	var group []state.Intent
	var size int64
	var intents [][]state.Intent
	d := newDigester()
	if err := u.tolerate(u.local.Fetch(ctx, refs, func(m mail.Mail, r io.Reader) error {
		d.reset()
		id := idFinder{}
		if _, err := io.Copy(io.MultiWriter(d, &id), u.run.strip.Reader(r)); err != nil {
			return err
		}
		group = append(group, state.Intent{
			Folder: u.known.ID, Key: m.Ref.Key, UIDValidity: u.remoteSnap.Stamp.UIDValidity, UIDNext: u.uidNext,
			Size: d.n, Hash: d.sum(), MessageID: id.value(), Flags: flags[m.Ref.Key],
		})
		if size += d.n; size >= groupBytes {
			intents = append(intents, group)
			group, size = nil, 0
		}
		return nil
	})); err != nil {
		return err
	}
	if len(group) > 0 {
		intents = append(intents, group)
	}
	for _, g := range intents {
		if err := u.group(ctx, g); err != nil {
			return err
		}
	}
	return nil
}

// group uploads mails as one. Where the server refuses all of it because of
// one, each is tried alone.
func (u *uploader) group(ctx context.Context, g []state.Intent) error {
	if err := u.run.committer.write(ctx, true, state.AddIntents{Intents: g}); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	err := u.send(ctx, g)
	if err == nil || store.ClassOf(err) != store.Refused {
		return err
	}
	if len(g) == 1 {
		return u.refused(ctx, g[0], err)
	}
	for i := range g {
		err := u.send(ctx, g[i:i+1])
		if store.ClassOf(err) == store.Refused && err != nil {
			err = u.refused(ctx, g[i], err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (u *uploader) refused(ctx context.Context, in state.Intent, err error) error {
	u.localDirty = true
	u.note(0, fmt.Errorf("the server does not take %q from %q: %w", in.Key, u.localName, err))
	return u.close(ctx, in.ID)
}

func (u *uploader) close(ctx context.Context, ids ...int64) error {
	if len(ids) == 0 {
		return nil
	}
	if err := u.run.committer.write(ctx, false, state.CloseIntents{IDs: ids}); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	return nil
}

// send uploads a group and settles its outcome. With an error of class
// Refused nothing was stored; after any other the intents stay open.
func (u *uploader) send(ctx context.Context, g []state.Intent) error {
	byKey := make(map[string]*state.Intent, len(g))
	refs := make([]mail.Ref, len(g))
	for i := range g {
		byKey[g[i].Key] = &g[i]
		refs[i].Key = g[i].Key
	}
	w := u.remote.Begin()
	defer w.Discard()
	var sent []*state.Intent
	p := progress{side: guard.Remote, total: u.total}
	err := u.tolerate(u.local.Fetch(ctx, refs, func(m mail.Mail, r io.Reader) error {
		in := byKey[m.Ref.Key]
		m.Ref = mail.Ref{}
		m.Flags = in.Flags & (u.shared | mail.SystemFlags) // a keyword that it does not keep may cost the mail
		if u.run.strip != nil {
			m.Size = in.Size // a file that was changed since then is refused by Put
		}
		if err := w.Put(ctx, m, u.run.strip.Reader(r)); err != nil {
			if store.ScopeOf(err) == store.ScopeMail {
				u.localDirty = true
				u.note(0, fmt.Errorf("the server does not take %q from %q: %w", in.Key, u.localName, err))
			}
			return err
		}
		sent = append(sent, in)
		p.mail(u.folderRun, 0, m.Size)
		return nil
	}))
	if err == nil && len(sent) > 0 {
		if err = u.run.Remote.Commit(ctx, w); err == nil {
			err = w.Err()
		}
	}
	if err != nil {
		return err
	}
	p.flush(u.folderRun)
	return u.outcome(ctx, g, sent, w.Added())
}

// outcome writes UIDs into names and base, and closes the intents.
func (u *uploader) outcome(ctx context.Context, g []state.Intent, sent []*state.Intent, uids []mail.UID) error {
	var given []store.Assignment
	var rows []mail.Entry
	var closed, unknown []int64
	open := map[int64]bool{}
	for i, in := range sent {
		if i >= len(uids) || uids[i] == 0 {
			unknown = append(unknown, in.ID)
			open[in.ID] = true
			in.Unknown = true
			u.unknown = append(u.unknown, *in)
			u.next = 0
			continue
		}
		if uids[i] == u.next {
			u.next++
		} else {
			u.next = 0
		}
		given = append(given, store.Assignment{Key: in.Key, UID: uids[i]})
		rows = append(rows, mail.Entry{UID: uids[i], Flags: in.Flags & u.shared})
		u.report.Counts.Bytes += in.Size
	}
	for _, in := range g {
		if !open[in.ID] {
			closed = append(closed, in.ID) // done, or the file vanished before it left
		}
	}
	u.report.Counts.Uploaded += len(given)
	changes := []state.Change{state.CloseIntents{IDs: closed}}
	if len(unknown) > 0 {
		changes = append(changes, state.MarkUnknown{IDs: unknown})
	}
	return u.assign(ctx, given, rows, len(unknown) > 0, changes...)
}

// assign gives mails their UIDs and writes the rows. A mail that was removed
// here meanwhile gets its row all the same: the next run carries the removal
// over.
func (f *folderRun) assign(ctx context.Context, given []store.Assignment, rows []mail.Entry, durable bool, changes ...state.Change) error {
	var works []store.Work
	if len(given) > 0 {
		w := f.local.Begin()
		defer w.Discard()
		if _, err := w.Assign(ctx, given); err != nil {
			return fmt.Errorf("rename mails of %q: %w", f.localName, err)
		}
		works = append(works, w)
		changes = append(changes, state.PutRows{Folder: f.known.ID, Rows: rows})
	}
	return f.run.committer.do(ctx, durable, works, func() []state.Change { return changes })
}

// idFinder picks the Message-ID out of a body that streams by. It gives up
// after the first octets, where a header that is meant to be found stands.
type idFinder struct{ head []byte }

const idFinderMost = 16 << 10

func (i *idFinder) Write(p []byte) (int, error) {
	if room := idFinderMost - len(i.head); room > 0 {
		i.head = append(i.head, p[:min(room, len(p))]...)
	}
	return len(p), nil
}

func (i *idFinder) value() string {
	for rest := i.head; len(rest) > 0; {
		line, after, _ := bytes.Cut(rest, []byte("\n"))
		line = bytes.TrimRight(line, "\r")
		if len(line) == 0 {
			return ""
		}
		name, v, ok := bytes.Cut(line, []byte(":"))
		if ok && bytes.EqualFold(bytes.TrimSpace(name), []byte("message-id")) {
			if v = bytes.TrimSpace(v); len(v) == 0 && len(after) > 0 {
				v, _, _ = bytes.Cut(after, []byte("\n"))
			}
			return string(bytes.TrimSpace(v))
		}
		rest = after
	}
	return ""
}
