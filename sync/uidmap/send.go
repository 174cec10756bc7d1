package uidmap

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// flush stores what was gathered: first the intents, durably, then the mails,
// then the pairs. Where it ends early the intents stay, and the next Scan waits
// for what they speak of.
func (w *work) flush(ctx context.Context) error {
	mails := w.mails
	w.mails = nil
	defer w.spool.cut(0)
	s := w.f.s
	b, next, err := w.ready(ctx)
	if err != nil {
		return err
	}
	if mails, err = w.again(ctx, b, mails); err != nil || len(mails) == 0 {
		return err
	}
	s.o.Step("intend")
	if err := s.m.change(ctx, func(tx *sql.Tx) error {
		for _, h := range mails {
			if _, err := tx.ExecContext(ctx, "INSERT OR REPLACE INTO intent (box, remote, next, size, message) VALUES (?, ?, ?, ?, ?)",
				b.id, h.uid, next, h.size, h.message); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return err
	}
	s.o.Step("append")
	d := &sending{w: w, box: b, next: next}
	sendErr := d.send(ctx, mails)
	s.o.Step("appended")
	// What is known to be there is paired even where the rest failed.
	if len(d.pairs) > 0 || sendErr == nil {
		if err := s.m.change(context.WithoutCancel(ctx), func(tx *sql.Tx) error { return d.write(tx, mails, sendErr == nil) }); err != nil {
			return err
		}
	}
	s.o.Step("paired")
	return sendErr
}

// again leaves out the mails that the server took in an earlier run and does not
// show: to send them once more could double them each time.
func (w *work) again(ctx context.Context, b *box, mails []held) ([]held, error) {
	open, err := w.f.s.m.intents(ctx, b)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(mails, func(h held) bool {
		if !slices.ContainsFunc(open, func(i intent) bool { return i.unseen && i.remote == h.uid }) {
			return false
		}
		w.miss(h, store.Fail(store.Protocol, store.ScopeMail, fmt.Errorf("%s: the server took it, and does not show it; it is not sent again", w.f)))
		return true
	}), nil
}

// write keeps the pairs. done: there is nothing left to look for.
func (d *sending) write(tx *sql.Tx, mails []held, done bool) error {
	ctx := context.Background()
	for _, p := range d.pairs {
		if err := put(ctx, tx, d.box.id, p); err != nil {
			return err
		}
	}
	for _, u := range d.unseen {
		if _, err := tx.ExecContext(ctx, "UPDATE intent SET unseen = 1 WHERE box = ? AND remote = ?", d.box.id, u); err != nil {
			return err
		}
	}
	for _, h := range mails {
		if slices.Contains(d.unseen, h.uid) || !done && !slices.ContainsFunc(d.pairs, func(p Pair) bool { return p.Remote == h.uid }) {
			continue
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM intent WHERE box = ? AND remote = ?", d.box.id, h.uid); err != nil {
			return err
		}
	}
	return nil
}

// ready returns what the map knows of the mailbox, and its UIDNEXT as it was at
// some time in this run. A mailbox that was not read yet was made by this run.
func (w *work) ready(ctx context.Context) (*box, mail.UID, error) {
	s, f := w.f.s, w.f
	if st, ok := s.last(f.raw); ok {
		b, err := f.box(ctx)
		if err != nil {
			return nil, 0, err
		}
		if b != nil && b.validity == st.UIDValidity {
			return b, st.UIDNext, nil
		}
	}
	snap, err := f.inner.Scan(ctx, mail.Known{Full: true})
	if err != nil {
		return nil, 0, err
	}
	if err := s.meet(f.raw, snap.Stamp); err != nil {
		return nil, 0, err
	}
	b, err := f.box(ctx)
	if err != nil {
		return nil, 0, err
	}
	b, err = f.believe(ctx, b, snap, mail.Known{})
	return b, snap.Stamp.UIDNext, err
}

// sending is mails on their way to the server.
type sending struct {
	w     *work
	box   *box
	next  mail.UID // UIDs below were there before
	pairs []Pair
	// unseen are those that the server took and does not show.
	unseen []mail.UID
}

// send stores mails, together where it can. Those that the server refuses are
// noted as missed. With an error it is not known which of the others it has.
func (d *sending) send(ctx context.Context, mails []held) error {
	sent, uids, err := d.append(ctx, mails)
	var refused *partly
	switch {
	case errors.As(err, &refused):
		// Nobody knows which: look for them, and try the others one by one.
	case err == nil:
		var unknown []held
		for i, h := range sent {
			if i < len(uids) && uids[i] != 0 {
				d.pairs = append(d.pairs, Pair{Local: uids[i], Remote: h.uid})
			} else {
				unknown = append(unknown, h)
			}
		}
		left, err := d.locate(ctx, unknown)
		for _, h := range left {
			d.unseen = append(d.unseen, h.uid)
			d.w.miss(h, store.Fail(store.Protocol, store.ScopeMail, fmt.Errorf("%s: the server took it, and does not show it", d.w.f)))
		}
		return err
	case store.ClassOf(err) == store.Refused && len(sent) == 1:
		d.w.miss(sent[0], err)
		return nil
	case store.ClassOf(err) != store.Refused:
		return err
	}
	left := sent
	if refused != nil {
		if left, err = d.locate(ctx, sent); err != nil {
			return err
		}
	}
	if len(left) == len(mails) && len(mails) == 1 {
		d.w.miss(left[0], err)
		return nil
	}
	refusals := len(d.w.missed)
	for i := range left {
		if err := d.send(ctx, left[i:i+1]); err != nil {
			return err
		}
		if n := len(d.w.missed) - refusals; n == i+1 && n >= hopeless {
			return d.w.missed[left[i].uid]
		}
	}
	return nil
}

// hopeless is after how many mails refused one by one, while none was taken, the
// mailbox itself is taken for the reason.
const hopeless = 16

func (w *work) miss(h held, err error) {
	if w.missed == nil {
		w.missed = map[mail.UID]error{}
	}
	var e *store.Error
	hint := ""
	if errors.As(err, &e) {
		hint = e.Hint
	}
	w.missed[h.uid] = &store.Error{Class: store.ClassOf(err), Scope: store.ScopeMail, Hint: hint, Err: fmt.Errorf("mail %d: %w", h.uid, err)}
}

// partly says that a server without MULTIAPPEND took some mails and not others.
type partly struct{ error }

func (p *partly) Unwrap() error { return p.error }

// append gives mails to the server, and returns those that it got to see whole
// with the UIDs that it told.
func (d *sending) append(ctx context.Context, mails []held) (sent []held, uids []mail.UID, err error) {
	w := d.w.f.inner.Begin()
	defer w.Discard()
	for _, h := range mails {
		m := mail.Mail{Flags: h.flags, Size: h.size, Date: h.date}
		if err := w.Put(ctx, m, d.w.spool.at(h.off, h.size)); err != nil {
			if store.ScopeOf(err) == store.ScopeMail {
				d.w.miss(h, err)
				continue
			}
			return mails, nil, err
		}
		sent = append(sent, h)
	}
	if len(sent) == 0 {
		return nil, nil, nil
	}
	if err := d.w.f.s.inner.Commit(ctx, w); err != nil {
		return sent, nil, err
	}
	err = w.Err()
	if err != nil && len(w.Added()) > 0 {
		err = &partly{err}
	}
	return sent, w.Added(), err
}

// locate looks for mails among those that came to the mailbox since, by their
// content; and for those that the server changed when it stored them by their
// Message-ID, where only one of each side has it. What others put there meanwhile is
// never taken for one of them. It returns those that are not there.
func (d *sending) locate(ctx context.Context, mails []held) (left []held, err error) {
	if len(mails) == 0 {
		return nil, nil
	}
	f := d.w.f
	snap, err := f.inner.Scan(ctx, mail.Known{Full: true})
	if err != nil {
		return nil, err
	}
	if err := f.s.meet(f.raw, snap.Stamp); err != nil {
		return nil, err
	}
	paired := map[mail.UID]bool{}
	if err := f.s.m.each(ctx, d.box, func(p Pair) { paired[p.Local] = true }); err != nil {
		return nil, err
	}
	for _, p := range d.pairs {
		paired[p.Local] = true
	}
	want := map[[sha256.Size]byte][]held{}
	sizes := map[int64]bool{}
	for _, h := range mails {
		hash := sha256.New()
		if _, err := io.Copy(hash, d.w.spool.at(h.off, h.size)); err != nil {
			return nil, store.Fail(store.Local, store.ScopeFolder, fmt.Errorf("read what was to be stored: %w", err))
		}
		k := [sha256.Size]byte(hash.Sum(nil))
		want[k] = append(want[k], h)
		sizes[h.size] = true
	}
	var refs []mail.Ref
	for _, e := range snap.Entries {
		if e.UID >= d.next && !paired[e.UID] {
			refs = append(refs, mail.Ref{UID: e.UID})
		}
	}
	var alike []mail.Ref
	named := map[string][]mail.UID{}
	if len(refs) > 0 {
		if err := f.inner.Headers(ctx, refs, func(h mail.Header) {
			named[h.MessageID] = append(named[h.MessageID], h.Ref.UID)
			if h.Size < 0 || sizes[h.Size] {
				alike = append(alike, h.Ref)
			}
		}); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(alike, func(a, b mail.Ref) int { return cmp.Compare(a.UID, b.UID) })
	if len(alike) > 0 {
		if err := f.inner.Fetch(ctx, alike, func(m mail.Mail, r io.Reader) error {
			hash := sha256.New()
			if _, err := io.Copy(hash, r); err != nil {
				return err
			}
			k := [sha256.Size]byte(hash.Sum(nil))
			if hs := want[k]; len(hs) > 0 {
				d.pairs = append(d.pairs, Pair{Local: m.Ref.UID, Remote: hs[0].uid})
				want[k] = hs[1:]
			}
			return nil
		}); err != nil {
			return nil, err
		}
	}
	for _, hs := range want {
		left = append(left, hs...)
	}
	slices.SortFunc(left, func(a, b held) int { return cmp.Compare(a.off, b.off) })
	for _, p := range d.pairs {
		paired[p.Local] = true
	}
	once := map[string]int{}
	for _, h := range left {
		once[h.message]++
	}
	return slices.DeleteFunc(left, func(h held) bool {
		at := slices.DeleteFunc(named[h.message], func(u mail.UID) bool { return paired[u] })
		if h.message == "" || once[h.message] != 1 || len(at) != 1 {
			return false
		}
		d.pairs = append(d.pairs, Pair{Local: at[0], Remote: h.uid})
		return true
	}), nil
}
