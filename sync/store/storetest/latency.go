package storetest

import (
	"context"
	"io"
	"time"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// Latency is what a store over a network costs.
type Latency struct {
	Call time.Duration // for each call
	Mail time.Duration // for each mail that a Fetch delivers or a Put takes
}

// WithLatency makes s slow. The waits end with the context.
func WithLatency(s store.Store, l Latency) store.Store { return &slow{s, l} }

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ended(ctx)
	}
}

type slow struct {
	store.Store
	l Latency
}

func (s *slow) Survey(ctx context.Context) ([]store.Mailbox, error) {
	if err := wait(ctx, s.l.Call); err != nil {
		return nil, err
	}
	return s.Store.Survey(ctx)
}

func (s *slow) Create(ctx context.Context, name string) error {
	if err := wait(ctx, s.l.Call); err != nil {
		return err
	}
	return s.Store.Create(ctx, name)
}

func (s *slow) Open(name string, readOnly bool) store.Folder {
	return &slowFolder{s.Store.Open(name, readOnly), s.l}
}

func (s *slow) Commit(ctx context.Context, works ...store.Work) error {
	if err := wait(ctx, s.l.Call); err != nil {
		return err
	}
	inner := make([]store.Work, len(works))
	for i, w := range works {
		inner[i] = w.(*slowWork).Work
	}
	return s.Store.Commit(ctx, inner...)
}

type slowFolder struct {
	store.Folder
	l Latency
}

func (d *slowFolder) Scan(ctx context.Context, known mail.Known) (*mail.Snapshot, error) {
	if err := wait(ctx, d.l.Call); err != nil {
		return nil, err
	}
	return d.Folder.Scan(ctx, known)
}

func (d *slowFolder) Fetch(ctx context.Context, refs []mail.Ref, deliver store.Deliver) error {
	if err := wait(ctx, d.l.Call); err != nil {
		return err
	}
	return d.Folder.Fetch(ctx, refs, func(m mail.Mail, r io.Reader) error {
		if err := wait(ctx, d.l.Mail); err != nil {
			return err
		}
		return deliver(m, r)
	})
}

func (d *slowFolder) Headers(ctx context.Context, refs []mail.Ref, found func(mail.Header)) error {
	if err := wait(ctx, d.l.Call); err != nil {
		return err
	}
	return d.Folder.Headers(ctx, refs, found)
}

func (d *slowFolder) Select(ctx context.Context, refs []mail.Ref, c store.Criteria) ([]mail.Ref, error) {
	if err := wait(ctx, d.l.Call); err != nil {
		return nil, err
	}
	return d.Folder.Select(ctx, refs, c)
}

func (d *slowFolder) Begin() store.Work { return &slowWork{d.Folder.Begin(), d.l} }

type slowWork struct {
	store.Work
	l Latency
}

func (w *slowWork) Put(ctx context.Context, m mail.Mail, r io.Reader) error {
	if err := wait(ctx, w.l.Mail); err != nil {
		return err
	}
	return w.Work.Put(ctx, m, r)
}

func (w *slowWork) SetFlags(ctx context.Context, changes []mail.FlagChange) ([]mail.UID, error) {
	if err := wait(ctx, w.l.Call); err != nil {
		return nil, err
	}
	return w.Work.SetFlags(ctx, changes)
}

func (w *slowWork) Assign(ctx context.Context, given []store.Assignment) ([]string, error) {
	if err := wait(ctx, w.l.Call); err != nil {
		return nil, err
	}
	return w.Work.Assign(ctx, given)
}

func (w *slowWork) Remove(ctx context.Context, uids []mail.UID) error {
	if err := wait(ctx, w.l.Call); err != nil {
		return err
	}
	return w.Work.Remove(ctx, uids)
}
