package maildir

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// Select goes by the size and the time of each file.
func (f *folder) Select(ctx context.Context, refs []mail.Ref, c store.Criteria) ([]mail.Ref, error) {
	if f.bad != nil {
		return nil, f.bad
	}
	if refs == nil {
		s, err := f.Scan(ctx, mail.Known{Full: true})
		if err != nil {
			return nil, err
		}
		for _, e := range s.Entries {
			refs = append(refs, mail.Ref{UID: e.UID})
		}
	}
	g, err := lookBoth(f.path())
	if err != nil {
		return nil, f.fail("read", err)
	}
	d, err := openDirs(f.path(), g)
	if err != nil {
		return nil, f.fail("read", err)
	}
	defer d.close()
	buf := f.s.lend()
	defer f.s.giveBack(buf)
	var out []mail.Ref
	_, err = f.each(ctx, d, buf, refs, func(i int, at place) (place, error) {
		if d.fd[at.sub] < 0 {
			return at, unix.ENOENT
		}
		st, err := again(func() (st unix.Stat_t, err error) { return st, unix.Fstatat(d.fd[at.sub], at.name, &st, 0) })
		if err != nil {
			return at, pathErr("stat", d.at(at.sub, at.name), err)
		}
		if meets(c, st.Size, time.Unix(st.Mtim.Unix())) {
			out = append(out, refs[i])
		}
		return at, nil
	})
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return nil, ctx.Err()
	case err != nil:
		return nil, f.fail("read", err)
	}
	return out, nil
}

func meets(c store.Criteria, size int64, at time.Time) bool {
	if c.Smaller > 0 && size > c.Smaller {
		return false
	}
	y, m, d := c.Since.Date()
	return c.Since.IsZero() || !at.Before(time.Date(y, m, d, 0, 0, 0, 0, c.Since.Location()))
}
