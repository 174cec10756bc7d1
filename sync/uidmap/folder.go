package uidmap

import (
	"context"
	"io"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// folder is a handle to a mailbox, by the name that the other side knows and by
// the one that the server has.
type folder struct {
	s         *Store
	name, raw string
	bad       error // there is no such name
	readOnly  bool
	inner     store.Folder
}

func (f *folder) Close() { f.inner.Close() }

func (f *folder) Begin() store.Work { return &work{f: f, inner: f.inner.Begin()} }

// box is what the map knows of the mailbox; nil where it was not read.
func (f *folder) box(ctx context.Context) (*box, error) {
	if f.bad != nil {
		return nil, f.bad
	}
	if b, ok := f.s.imagined.Load(f.raw); ok {
		return b.(*box), nil
	}
	return f.s.m.find(ctx, f.s.o.ID, f.raw)
}

// inward translates refs. Those that lead to no mail are left out; asked gives
// for each of the others what it was called.
func (f *folder) inward(ctx context.Context, refs []mail.Ref) (in []mail.Ref, asked map[mail.UID]mail.Ref, err error) {
	b, err := f.box(ctx)
	if err != nil {
		return nil, nil, err
	}
	validity := uint32(0)
	if b != nil {
		validity = b.validity
	} else if st, ok := f.s.last(f.raw); ok {
		validity = st.UIDValidity
	}
	var uids []mail.UID
	for _, r := range refs {
		if r.UID != 0 {
			uids = append(uids, r.UID)
		}
	}
	local, err := f.s.m.local(ctx, b, uids)
	if err != nil {
		return nil, nil, err
	}
	asked = make(map[mail.UID]mail.Ref, len(refs))
	for _, r := range refs {
		u := local[r.UID]
		if r.UID == 0 {
			var v uint32
			if v, u = ofKey(r.Key); v != validity {
				continue
			}
		}
		if _, twice := asked[u]; u != 0 && !twice {
			asked[u] = r
			in = append(in, mail.Ref{UID: u})
		}
	}
	return in, asked, nil
}

// Fetch delivers mails under the names that they were asked for.
func (f *folder) Fetch(ctx context.Context, refs []mail.Ref, deliver store.Deliver) error {
	in, asked, err := f.inward(ctx, refs)
	if err != nil || len(in) == 0 {
		return err
	}
	return f.inner.Fetch(ctx, in, func(m mail.Mail, r io.Reader) error {
		m.Ref = asked[m.Ref.UID]
		return deliver(m, r)
	})
}

// Headers reports what identifies mails.
func (f *folder) Headers(ctx context.Context, refs []mail.Ref, found func(mail.Header)) error {
	in, asked, err := f.inward(ctx, refs)
	if err != nil || len(in) == 0 {
		return err
	}
	return f.inner.Headers(ctx, in, func(h mail.Header) {
		h.Ref = asked[h.Ref.UID]
		found(h)
	})
}

// Select asks the server.
func (f *folder) Select(ctx context.Context, refs []mail.Ref, c store.Criteria) ([]mail.Ref, error) {
	if refs == nil {
		return f.selectAll(ctx, c)
	}
	in, asked, err := f.inward(ctx, refs)
	if err != nil || len(in) == 0 {
		return nil, err
	}
	found, err := f.inner.Select(ctx, in, c)
	if err != nil {
		return nil, err
	}
	out := make([]mail.Ref, len(found))
	for i, r := range found {
		out[i] = asked[r.UID]
	}
	return out, nil
}

func (f *folder) selectAll(ctx context.Context, c store.Criteria) ([]mail.Ref, error) {
	b, err := f.box(ctx)
	if err != nil || b == nil {
		return nil, err
	}
	found, err := f.inner.Select(ctx, nil, c)
	if err != nil {
		return nil, err
	}
	remote := map[mail.UID]mail.UID{}
	if err := f.s.m.each(ctx, b, func(p Pair) { remote[p.Local] = p.Remote }); err != nil {
		return nil, err
	}
	var out []mail.Ref
	for _, r := range found {
		if u := remote[r.UID]; u != 0 {
			out = append(out, mail.Ref{UID: u})
		}
	}
	return out, nil
}
