package client

import (
	"context"
	"errors"
)

// Wait waits for the end of jobs, and returns them in the order of refs. For
// none of their signals to be missed, s must have been made before the call that
// gave refs, or the jobs may have ended before: both are seen.
//
// seen, where it is not nil, is told of every event meanwhile, those of other
// jobs too. Nothing else may read s until Wait returns. Where the daemon goes
// away before all jobs have ended, the error is ErrGone; whatever the error, the
// jobs that have ended by then are returned, nil standing for the others.
func (c *Client) Wait(ctx context.Context, s *Subscription, refs []Ref, seen func(Event)) ([]*Job, error) {
	c = &Client{link: c.link} // a daemon started now would know nothing of these jobs
	jobs := make([]*Job, len(refs))
	left := 0
	for i, r := range refs {
		j, err := c.Job(ctx, r.ID)
		switch {
		case errors.Is(err, ErrNotRunning):
			return jobs, ErrGone
		case Code(err) == "NoSuchJob":
			// It ended so long ago that only s may know how.
		case err != nil:
			return jobs, err
		case j.Finished():
			jobs[i] = j
			continue
		}
		left++
	}
	for left > 0 {
		select {
		case <-ctx.Done():
			return jobs, context.Cause(ctx)
		case e, ok := <-s.C():
			if !ok {
				return jobs, ErrNoBus
			}
			if seen != nil {
				seen(e)
			}
			switch e := e.(type) {
			case Went:
				for i, r := range refs {
					if jobs[i] == nil && e.when > r.when {
						return jobs, ErrGone
					}
				}
			case JobRemoved:
				for i, r := range refs {
					if r.ID != e.ID || jobs[i] != nil {
						continue
					}
					if jobs[i] = c.ended(ctx, r, e); jobs[i] != nil {
						left--
					}
				}
			}
		}
	}
	return jobs, nil
}

// ended returns the job that a signal speaks of: as its object has it, which
// knows the error too, or as the signal has it where the object is gone. It is
// nil where the signal is about a job of the same ID of an earlier daemon.
func (c *Client) ended(ctx context.Context, r Ref, e JobRemoved) *Job {
	j, err := c.Job(ctx, r.ID)
	if err == nil && j.Finished() {
		return j
	}
	if err == nil && e.when < r.when {
		return nil
	}
	j = &Job{Report: e.Report}
	j.ID, j.Account, j.State, j.Result = e.ID, e.Account, "finished", e.Result
	return j
}

// SyncAndWait is Sync and Wait, with a subscription of its own.
func (c *Client) SyncAndWait(ctx context.Context, account string, o SyncOptions, seen func(Event)) ([]*Job, error) {
	s, err := c.Subscribe(ctx)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	refs, err := c.Sync(ctx, account, o)
	if err != nil {
		return nil, err
	}
	return c.Wait(ctx, s, refs, seen)
}
