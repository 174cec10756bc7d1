package engine

import (
	"context"

	"github.com/offlineimap/offlineimapd/sync/state"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// batch is work on the local store together with what it means for the base.
type batch struct {
	works   []store.Work
	changes func() []state.Change // asked after the works are durable
	durable bool                  // the changes themselves must survive a power cut before anything goes on
	done    chan<- error
}

// committer makes local work durable and then writes it into the base. It
// takes everything that has gathered while the disk was busy as one group, so
// that no mail waits alone for the disk and a fast source makes large groups
// by itself.
type committer struct {
	local store.Store
	state *state.DB
	in    chan batch
}

// groupMost bounds one group, so that a flood of small batches cannot put off
// the commit of the first for ever.
const groupMost = 256

func (c *committer) run(ctx context.Context) {
	for b := range c.in {
		group := []batch{b}
	gather:
		for len(group) < groupMost {
			select {
			case b, ok := <-c.in:
				if !ok {
					break gather
				}
				group = append(group, b)
			default:
				break gather
			}
		}
		c.commit(ctx, group)
	}
}

func (c *committer) commit(ctx context.Context, group []batch) {
	var works []store.Work
	for _, b := range group {
		works = append(works, b.works...)
	}
	var err error
	if len(works) > 0 {
		err = c.local.Commit(ctx, works...)
	}
	var changes []state.Change
	durable := false
	errs := make([]error, len(group))
	for i, b := range group {
		errs[i] = err
		for _, w := range b.works {
			if errs[i] == nil {
				errs[i] = w.Err()
			}
		}
		if errs[i] == nil {
			changes = append(changes, b.changes()...)
			durable = durable || b.durable
		}
	}
	if len(changes) > 0 {
		if err := c.state.Commit(ctx, durable, changes...); err != nil {
			for i := range errs {
				if errs[i] == nil {
					errs[i] = err
				}
			}
		}
	}
	for i, b := range group {
		b.done <- errs[i]
	}
}

// do hands work to the committer and waits for it. The error says that
// nothing of it is in the base; the store may hold it all the same.
func (c *committer) do(ctx context.Context, durable bool, works []store.Work, changes func() []state.Change) error {
	done := make(chan error, 1)
	select {
	case c.in <- batch{works: works, changes: changes, durable: durable, done: done}:
		return <-done
	case <-ctx.Done():
		return ctx.Err()
	}
}

// write puts changes into the base that follow from no local work.
func (c *committer) write(ctx context.Context, durable bool, changes ...state.Change) error {
	return c.do(ctx, durable, nil, func() []state.Change { return changes })
}

func noChanges() []state.Change { return nil }
