package imap

import (
	"context"
	"fmt"

	"github.com/offlineimap/offlineimapd/sync/imap/wire"
	"github.com/offlineimap/offlineimapd/sync/names"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// folder is a handle to a mailbox. It takes a session from the pool for each
// call and gives it back, so that a handle that is merely open keeps nothing
// from others.
type folder struct {
	s        *Store
	name     string
	readOnly bool
}

func (f *folder) Close() {}

func (f *folder) Begin() store.Work { return &work{f: f} }

func (f *folder) String() string { return fmt.Sprintf("%q", names.Display(f.name)) }

// entry returns what has to go ahead of commands about mails of f, and the box
// that they are about: a SELECT that fills it, or where f is selected already a
// NOOP, as mails that came through another session cannot be addressed before
// this one was told of them (RFC 9051, section 7.5.1).
func (f *folder) entry(x *session) (k *wire.Command, b *box, selects bool) {
	// A mailbox selected for writing does for reading, but a handle for reading
	// never changes \Recent (RFC 3501, section 2.3.2).
	if x.box.name == f.name && (f.readOnly || !x.box.examined) && f.same(&x.box) == nil {
		return wire.Noop(), &x.box, false
	}
	k, b = selecting(f.name, wire.SelectOptions{ReadOnly: f.readOnly, CondStore: x.condstore()})
	return k, b, true
}

// same tells whether UIDs mean in b what they meant when they were reported. A
// box without UIDVALIDITY was not selected.
func (f *folder) same(b *box) error {
	if b.validity == 0 {
		return protocol("the server gives no UIDVALIDITY, without which no mail can be known again")
	}
	if was := f.s.seen.of(f.name).UIDValidity; was != 0 && b.validity != was {
		return store.Fail(store.Temporary, store.ScopeFolder,
			fmt.Errorf("the mailbox was replaced meanwhile: its UIDVALIDITY was %d and is %d", was, b.validity))
	}
	return nil
}

// enter selects f where it is not yet, in a flight of its own: what changes
// mails must not be sent behind a SELECT that may fail, and befall those of the
// mailbox selected before. What it returns belongs ahead of the changes.
func (f *folder) enter(ctx context.Context, x *session) ([]*wire.Command, error) {
	k, b, selects := f.entry(x)
	if !selects {
		return []*wire.Command{k}, nil
	}
	res, err := x.run(ctx, nil, k)
	if err != nil {
		return nil, err
	}
	return nil, f.entered(x, b, res[0])
}

// entered takes the answer to the SELECT of entry.
func (f *folder) entered(x *session, b *box, r wire.Result) error {
	if !x.selected(b, r) {
		return answered(store.ScopeFolder, r, "select")
	}
	return f.same(b)
}

// reading runs something that only reads on a session. Where that was dead
// already, and nothing had come of it, a new one is tried, once.
func (s *Store) reading(ctx context.Context, mailbox string, read func(x *session) (touched bool, err error)) error {
	for again := false; ; again = true {
		x, err := s.pool.get(ctx, mailbox)
		if err != nil {
			return connecting{err}
		}
		touched, err := read(x)
		dead := x.dead()
		s.pool.put(x)
		if err == nil || !dead || touched || again || ctx.Err() != nil {
			return err
		}
		s.pool.distrust()
	}
}
