package storetest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/textproto"
	"strconv"
	"strings"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// memory is a Store over a World.
type memory struct{ w *World }

func ended(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return store.Fail(store.Cancelled, store.ScopeStore, err)
	}
	return nil
}

func (s *memory) Survey(ctx context.Context) ([]store.Mailbox, error) {
	if err := ended(ctx); err != nil {
		return nil, err
	}
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	var ms []store.Mailbox
	for _, b := range s.w.boxes {
		if !b.hidden {
			ms = append(ms, store.Mailbox{Name: b.name, Display: b.name, Selectable: true, Stamp: s.w.stamp(b)})
		}
	}
	return ms, nil
}

func (s *memory) Properties() store.Properties {
	return store.Properties{AssignsUIDs: !s.w.o.Carries, Parallel: s.w.o.Parallel, Separator: s.w.o.Separator}
}

func (s *memory) Create(ctx context.Context, name string) error {
	if err := ended(ctx); err != nil {
		return err
	}
	return s.w.Create(name)
}

func (s *memory) Open(name string, readOnly bool) store.Folder {
	return &folder{w: s.w, name: name, readOnly: readOnly}
}

func (s *memory) Commit(ctx context.Context, works ...store.Work) error {
	if err := ended(ctx); err != nil {
		return err
	}
	for _, w := range works {
		w.(*work).commit()
	}
	return nil
}

func (s *memory) Close(context.Context) error { return nil }

func (w *World) stamp(b *box) mail.Stamp {
	if b.frozen != nil {
		return *b.frozen
	}
	st := mail.Stamp{Messages: uint32(len(b.mails)), Sure: !w.o.Plain}
	if w.o.Carries {
		st.Token = strconv.Itoa(b.tick)
		return st
	}
	st.UIDValidity, st.UIDNext = b.validity, b.next
	if !w.o.Plain {
		st.ModSeq = b.modseq
	}
	return st
}

type folder struct {
	w        *World
	name     string
	readOnly bool
}

func (f *folder) Close() {}

func (f *folder) Scan(ctx context.Context, known mail.Known) (*mail.Snapshot, error) {
	if err := ended(ctx); err != nil {
		return nil, err
	}
	var s *mail.Snapshot
	err := f.w.change(f.name, func(b *box) error {
		st := f.w.stamp(b)
		s = &mail.Snapshot{Stamp: st, Mask: f.w.o.Mask, ReadOnly: b.readOnly}
		switch {
		case !known.Full && !known.Keys && st.Same(known.Stamp):
			s.Unchanged = true
		case known.Full || f.w.o.Carries || f.w.o.Plain || known.Stamp.UIDValidity != st.UIDValidity:
			s.Full = true
			b.list(s, known.Keys && f.w.o.Carries)
		default:
			b.delta(s, known)
		}
		return nil
	})
	return s, err
}

func (b *box) list(s *mail.Snapshot, keys bool) {
	for _, l := range b.mails {
		if l.uid == 0 || keys {
			s.Fresh = append(s.Fresh, mail.Fresh{Key: l.key, Flags: l.flags, Claim: l.uid})
		} else {
			s.Entries = append(s.Entries, mail.Entry{UID: l.uid, Flags: l.flags})
		}
	}
}

// delta lists what changed, and all UIDs where something went or the counts do
// not add up.
func (b *box) delta(s *mail.Snapshot, known mail.Known) {
	added, all := 0, mail.Set{}
	for _, l := range b.mails {
		all.Append(l.uid, l.uid)
		if l.modseq > known.Stamp.ModSeq {
			s.Entries = append(s.Entries, mail.Entry{UID: l.uid, Flags: l.flags})
		}
		if l.uid >= known.Stamp.UIDNext {
			added++
		}
	}
	if b.expunged > known.Stamp.ModSeq || known.Count+added != len(b.mails) {
		s.All = all
	}
}

// found is a copy of a letter, under the name by which it was asked for.
type found struct {
	letter
	ref mail.Ref
}

func (f *folder) find(refs []mail.Ref) ([]found, error) {
	var ls []found
	err := f.w.change(f.name, func(b *box) error {
		for _, r := range refs {
			if l := b.find(r); l != nil {
				ls = append(ls, found{*l, r})
			}
		}
		return nil
	})
	return ls, err
}

func (f *folder) Fetch(ctx context.Context, refs []mail.Ref, deliver store.Deliver) error {
	ls, err := f.find(refs)
	if err != nil {
		return err
	}
	for _, l := range ls {
		if err := ended(ctx); err != nil {
			return err
		}
		if f.w.o.Withhold != nil && f.w.o.Withhold(l.body) {
			continue
		}
		m := mail.Mail{Ref: l.ref, Flags: l.flags, Size: int64(len(l.body)), Date: l.date}
		err := deliver(m, &reader{ctx: ctx, r: bytes.NewReader(l.body)})
		if err != nil && store.ScopeOf(err) != store.ScopeMail {
			return err
		}
	}
	return ended(ctx)
}

// reader reads until its context ends.
type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r *reader) Read(p []byte) (int, error) {
	if err := ended(r.ctx); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

func (f *folder) Headers(ctx context.Context, refs []mail.Ref, tell func(mail.Header)) error {
	ls, err := f.find(refs)
	if err != nil {
		return err
	}
	for _, l := range ls {
		if err := ended(ctx); err != nil {
			return err
		}
		// An unreadable line ends the header; what came before it counts.
		h, _ := textproto.NewReader(bufio.NewReader(bytes.NewReader(l.body))).ReadMIMEHeader()
		out := mail.Header{Ref: l.ref, Date: h.Get("Date"), Size: int64(len(l.body))}
		if ids := h["Message-Id"]; len(ids) == 1 {
			out.MessageID = strings.TrimSpace(ids[0])
		}
		tell(out)
	}
	return ended(ctx)
}

func (f *folder) Select(ctx context.Context, refs []mail.Ref, c store.Criteria) ([]mail.Ref, error) {
	if err := ended(ctx); err != nil {
		return nil, err
	}
	if refs == nil {
		if err := f.w.change(f.name, func(b *box) error {
			for _, l := range b.mails {
				if l.uid != 0 {
					refs = append(refs, mail.Ref{UID: l.uid})
				}
			}
			return nil
		}); err != nil {
			return nil, err
		}
	}
	ls, err := f.find(refs)
	var out []mail.Ref
	for _, l := range ls {
		if (c.Smaller == 0 || int64(len(l.body)) < c.Smaller) && (c.Since.IsZero() || !l.date.Before(c.Since)) {
			out = append(out, l.ref)
		}
	}
	return out, err
}

func (f *folder) Begin() store.Work { return &work{f: f} }

// work keeps its changes until Commit, unless the world is Eager.
type work struct {
	f      *folder
	staged []func(*box)
	added  []mail.UID
	puts   int
	done   bool
	err    error
}

func (w *work) do(change func(*box)) error {
	if w.f.w.o.Eager {
		return w.f.w.change(w.f.name, func(b *box) error { change(b); return nil })
	}
	w.staged = append(w.staged, change)
	return nil
}

// begin tells whether the mailbox takes changes at all.
func (w *work) begin(ctx context.Context) error {
	if err := ended(ctx); err != nil {
		return err
	}
	return w.f.w.change(w.f.name, func(b *box) error {
		if w.f.readOnly || b.readOnly {
			return store.Fail(store.Refused, store.ScopeFolder, fmt.Errorf("%q is read-only", b.name))
		}
		return nil
	})
}

func (w *work) Put(ctx context.Context, m mail.Mail, r io.Reader) error {
	if err := w.begin(ctx); err != nil {
		return err
	}
	world := w.f.w
	body, err := io.ReadAll(&reader{ctx: ctx, r: r})
	switch {
	case err != nil:
		return err
	case m.Size >= 0 && int64(len(body)) != m.Size:
		return store.Fail(store.Protocol, store.ScopeMail, fmt.Errorf("%d octets came of %d", len(body), m.Size))
	case world.o.Refuse != nil && world.o.Refuse(body):
		return store.Fail(store.Refused, store.ScopeMail, errors.New("this mail is refused"))
	case world.o.Carries && m.Ref.UID == 0:
		return store.Fail(store.Protocol, store.ScopeMail, errors.New("a mail without UID"))
	}
	at := w.puts
	w.puts++
	w.added = append(w.added, 0)
	return w.do(func(b *box) {
		l := &letter{flags: m.Flags & world.o.Mask, body: body, date: m.Date}
		if world.o.Carries {
			l.uid = m.Ref.UID
		}
		world.insert(b, l)
		if !world.o.Silent && !world.o.Carries {
			w.added[at] = l.uid
		}
	})
}

func (w *work) SetFlags(ctx context.Context, changes []mail.FlagChange) (gone []mail.UID, err error) {
	if err := w.begin(ctx); err != nil {
		return nil, err
	}
	for _, c := range changes {
		there := false
		err := w.f.w.change(w.f.name, func(b *box) error { there = b.byUID(c.UID) != nil; return nil })
		if err != nil {
			return gone, err
		}
		if !there {
			gone = append(gone, c.UID)
			continue
		}
		err = w.do(func(b *box) {
			if l := b.byUID(c.UID); l != nil {
				mask := w.f.w.o.Mask
				w.f.w.flag(b, l, l.flags&^(c.Clear&mask)|c.Add&mask)
			}
		})
		if err != nil {
			return gone, err
		}
	}
	return gone, nil
}

func (w *work) Assign(ctx context.Context, given []store.Assignment) (gone []string, err error) {
	if err := w.begin(ctx); err != nil {
		return nil, err
	}
	for _, a := range given {
		there := false
		err := w.f.w.change(w.f.name, func(b *box) error { there = b.byKey(a.Key) != nil; return nil })
		if err != nil {
			return gone, err
		}
		if !there {
			gone = append(gone, a.Key)
			continue
		}
		err = w.do(func(b *box) {
			if l := b.byKey(a.Key); l != nil {
				l.uid = a.UID
				w.f.w.touch(b)
				b.sort()
			}
		})
		if err != nil {
			return gone, err
		}
	}
	return gone, nil
}

func (w *work) Remove(ctx context.Context, uids []mail.UID) error {
	if err := w.begin(ctx); err != nil {
		return err
	}
	set := mail.SetOf(uids...)
	return w.do(func(b *box) {
		w.f.w.remove(b, func(l *letter) bool { return l.uid != 0 && set.Has(l.uid) })
	})
}

func (w *work) commit() {
	w.done = true
	if len(w.staged) == 0 {
		return
	}
	w.err = w.f.w.change(w.f.name, func(b *box) error {
		for _, change := range w.staged {
			change(b)
		}
		return nil
	})
	w.staged = nil
}

func (w *work) Added() []mail.UID { return w.added }
func (w *work) Err() error        { return w.err }

func (w *work) Discard() {
	if !w.done {
		w.staged = nil
	}
}
