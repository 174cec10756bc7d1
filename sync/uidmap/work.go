package uidmap

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"maps"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/names"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// flushAt is how many octets of mails a work gathers before it sends them.
const flushAt = 128 << 20

// work is a group of changes. Mails are gathered, because the map must know of
// them before the first one leaves, and because a session that waits for the rest
// of a group is one that others wait for. Flags and removals take effect at once.
type work struct {
	f       *folder
	inner   store.Work // flags and removals
	ctx     context.Context
	spool   spool
	mails   []held
	given   []Pair     // by Assign
	taken   []mail.UID // local UIDs that lose their partner
	missed  map[mail.UID]error
	err     error
	over    bool // committed or discarded
	touched bool
}

var _ store.Missing = (*work)(nil)

var errOver = errors.New("the work is committed or discarded already")

// Put keeps a mail until Commit.
func (w *work) Put(ctx context.Context, m mail.Mail, r io.Reader) error {
	switch {
	case w.over:
		return errOver
	case w.err != nil:
		return w.err
	case w.f.bad != nil:
		return w.f.bad
	case w.f.readOnly:
		return w.refuse("put a mail into")
	case m.Ref.UID == 0:
		return store.Fail(store.Safety, store.ScopeMail, errors.New("a mail without a UID to carry"))
	}
	w.ctx = ctx
	off := w.spool.size
	n, err := io.Copy(&w.spool, &mindful{ctx, r})
	if err == nil && n == 0 && m.Size <= 0 {
		return store.Fail(store.Refused, store.ScopeMail, fmt.Errorf("put a mail into %s: it has no octet, and no server takes that", w.f)) // RFC 3502
	}
	if err == nil && m.Size >= 0 && n != m.Size {
		err = fmt.Errorf("%w: %d octets of %d came", io.ErrUnexpectedEOF, n, m.Size)
	}
	if err != nil {
		w.spool.cut(off)
		if ctx.Err() != nil {
			return store.Fail(store.Cancelled, store.ScopeFolder, fmt.Errorf("put a mail into %s: %w", w.f, ctx.Err()))
		}
		return store.Fail(store.ClassOf(err), store.ScopeMail, fmt.Errorf("put a mail into %s: %w", w.f, err))
	}
	w.mails = append(w.mails, held{m.Ref.UID, m.Flags, m.Date, off, n, messageID(w.spool.at(off, n))})
	if w.spool.size < flushAt {
		return nil
	}
	w.err = w.flush(ctx)
	return w.err
}

// mindful ends a body with the context.
type mindful struct {
	ctx context.Context
	r   io.Reader
}

func (m *mindful) Read(p []byte) (int, error) {
	if err := m.ctx.Err(); err != nil {
		return 0, err
	}
	return m.r.Read(p)
}

func (f *folder) String() string { return fmt.Sprintf("the local mailbox %q", names.Display(f.raw)) }

func (w *work) refuse(what string) error {
	return store.Fail(store.Refused, store.ScopeFolder, fmt.Errorf("%s %s: it is open for reading only", what, w.f))
}

// SetFlags changes flags.
func (w *work) SetFlags(ctx context.Context, changes []mail.FlagChange) (gone []mail.UID, err error) {
	uids := make([]mail.UID, len(changes))
	for i, c := range changes {
		uids[i] = c.UID
	}
	local, remote, err := w.inward(ctx, uids)
	if err != nil {
		return nil, err
	}
	var in []mail.FlagChange
	for _, c := range changes {
		u, ok := local[c.UID]
		if !ok {
			gone = append(gone, c.UID)
			continue
		}
		c.UID = u
		in = append(in, c)
	}
	if len(in) == 0 {
		return gone, nil
	}
	w.touched = true
	missing, err := w.inner.SetFlags(ctx, in)
	for _, u := range missing {
		gone = append(gone, remote[u])
	}
	return gone, err
}

// Remove removes mails. Their pairs go with Commit.
func (w *work) Remove(ctx context.Context, uids []mail.UID) error {
	local, remote, err := w.inward(ctx, uids)
	if err != nil || len(local) == 0 {
		return err
	}
	in := make([]mail.UID, 0, len(remote))
	for u := range remote {
		in = append(in, u)
	}
	w.touched = true
	if err := w.inner.Remove(ctx, in); err != nil {
		return err
	}
	w.taken = append(w.taken, in...)
	return nil
}

func (w *work) inward(ctx context.Context, uids []mail.UID) (local, remote map[mail.UID]mail.UID, err error) {
	b, err := w.f.box(ctx)
	if err != nil {
		return nil, nil, err
	}
	if local, err = w.f.s.m.local(ctx, b, uids); err != nil {
		return nil, nil, err
	}
	remote = make(map[mail.UID]mail.UID, len(local))
	for r, l := range local {
		remote[l] = r
	}
	return local, remote, nil
}

// Assign pairs mails with those of the other side.
func (w *work) Assign(ctx context.Context, given []store.Assignment) (gone []string, err error) {
	switch {
	case w.over:
		return nil, errOver
	case w.f.readOnly:
		return nil, w.refuse("assign UIDs in")
	}
	// Not by a search: one may find what is gone, in a session that was not told yet.
	snap, err := w.f.inner.Scan(ctx, mail.Known{Full: true})
	if err != nil {
		return nil, err
	}
	if err := w.f.s.meet(w.f.raw, snap.Stamp); err != nil {
		return nil, err
	}
	there := make(map[string]bool, len(snap.Entries))
	for _, e := range snap.Entries {
		there[key(snap.Stamp.UIDValidity, e.UID)] = true
	}
	for _, g := range given {
		_, u := ofKey(g.Key)
		switch {
		case !there[g.Key]:
			gone = append(gone, g.Key)
		case g.UID == 0:
			w.taken = append(w.taken, u)
		default:
			w.given = append(w.given, Pair{Local: u, Remote: g.UID})
		}
	}
	return gone, nil
}

// Added is for stores that assign UIDs.
func (w *work) Added() []mail.UID { return nil }

// Err tells what became of the work.
func (w *work) Err() error { return w.err }

// Missed tells of the mails that the server did not take.
func (w *work) Missed() map[mail.UID]error { return maps.Clone(w.missed) }

// Discard drops what was not sent yet.
func (w *work) Discard() {
	w.over = true
	w.spool.drop()
	w.mails = nil
	w.inner.Discard()
}

// Commit stores the mails of works, and then writes the map.
func (s *Store) Commit(ctx context.Context, works ...store.Work) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, sw := range works {
		w := sw.(*work)
		if w.over {
			continue
		}
		w.over = true
		if w.err == nil {
			w.err = w.commit(ctx)
		}
		w.spool.drop()
	}
	return nil
}

func (w *work) commit(ctx context.Context) error {
	if w.touched {
		if err := w.f.s.inner.Commit(ctx, w.inner); err != nil {
			return err
		}
		if err := w.inner.Err(); err != nil {
			return err
		}
	}
	if len(w.mails) > 0 {
		// A group that was begun is finished, but one that only waits for its turn
		// ends with whom it came from.
		if err := w.ctx.Err(); err != nil {
			return store.Fail(store.Cancelled, store.ScopeFolder, fmt.Errorf("put mails into %s: %w", w.f, err))
		}
		if err := w.flush(w.ctx); err != nil {
			return err
		}
	}
	if len(w.given) == 0 && len(w.taken) == 0 {
		return nil
	}
	b, err := w.f.box(ctx)
	if err != nil {
		return err
	}
	if b == nil {
		return store.Fail(store.Safety, store.ScopeFolder, fmt.Errorf("assign UIDs in %s: it was not read before", w.f))
	}
	w.f.s.o.Step("assign")
	err = w.f.s.m.change(ctx, func(tx *sql.Tx) error {
		for _, u := range w.taken {
			if _, err := tx.ExecContext(ctx, "DELETE FROM pair WHERE box = ? AND local = ?", b.id, u); err != nil {
				return err
			}
		}
		for _, p := range w.given {
			if err := put(ctx, tx, b.id, p); err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, "DELETE FROM intent WHERE box = ? AND remote = ?", b.id, p.Remote); err != nil {
				return err
			}
		}
		return nil
	})
	w.f.s.o.Step("assigned")
	return err
}
