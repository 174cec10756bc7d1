package notice

import (
	"context"
	"maps"
	"slices"
	"time"
)

// server is the notification server as the board sees it.
type server interface {
	// ready tells whether there is one; it may have one started meanwhile.
	ready(ctx context.Context) bool
	notify(ctx context.Context, n Note, replaces uint32, quiet bool) (uint32, error)
	close(ctx context.Context, id uint32) error
}

// board holds what should be shown against what is.
type board struct {
	server  server
	failed  func(error) // told of the first of several errors in a row
	entries map[string]*entry
	order   []string  // of the keys, as they are first shown
	retry   time.Time // not before, after an error
}

func newBoard(s server, failed func(error)) *board {
	return &board{server: s, failed: failed, entries: map[string]*entry{}}
}

// show says what should be shown from now on; flush makes it so.
func (b *board) show(notes []Note) {
	wanted := map[string]bool{}
	for _, n := range notes {
		wanted[n.Key] = true
		e := b.entries[n.Key]
		switch {
		case e == nil:
			e = &entry{}
			b.entries[n.Key] = e
			b.order = append(b.order, n.Key)
		case e.gone:
			e.gone, e.closed = false, false
		case n.Level > e.want.Level:
			e.closed = false
		}
		e.want = n
	}
	for key, e := range b.entries {
		if !wanted[key] {
			e.gone = true
		}
	}
}

// flush tells the server what is due, and returns when to flush again; zero is
// not before something happens.
func (b *board) flush(ctx context.Context) (next time.Time) {
	now := time.Now()
	b.forget(now)
	later := func(t time.Time) {
		if next.IsZero() || t.Before(next) {
			next = t
		}
	}
	for _, key := range b.order {
		e := b.entries[key]
		if !e.due() {
			continue
		}
		if t := e.last.Add(interval); t.After(now) {
			later(t)
			continue
		}
		if b.retry.After(now) {
			later(b.retry)
			continue
		}
		if !b.server.ready(ctx) {
			return time.Time{} // the server's coming is told
		}
		if err := b.send(ctx, e, now); err != nil && ctx.Err() == nil {
			if b.retry.IsZero() {
				b.failed(err)
			}
			b.retry = time.Now().Add(patience) // the call itself may have taken long
			later(b.retry)
			continue
		}
		b.retry = time.Time{}
	}
	return next
}

func (b *board) send(ctx context.Context, e *entry, now time.Time) error {
	e.last = now
	if e.gone {
		// A server that does not know the ID has closed it already.
		e.shown = false
		return b.server.close(ctx, e.id)
	}
	var replaces uint32
	if e.shown {
		replaces = e.id
	}
	id, err := b.server.notify(ctx, e.want, replaces, !e.rises())
	if err != nil {
		return err
	}
	e.id, e.sent, e.shown, e.pressed = id, e.want, true, false
	return nil
}

// forget drops what is neither wanted nor shown, once its interval is over.
func (b *board) forget(now time.Time) {
	b.order = slices.DeleteFunc(b.order, func(key string) bool {
		e := b.entries[key]
		if !e.gone || e.shown || e.last.Add(interval).After(now) {
			return false
		}
		delete(b.entries, key)
		return true
	})
}

// lost says that nothing is shown any more, through no wish of a person.
func (b *board) lost() {
	for _, e := range b.entries {
		e.shown, e.last = false, time.Time{}
	}
	b.retry = time.Time{}
}

func (b *board) byID(id uint32) (string, *entry) {
	for key, e := range b.entries {
		if e.shown && e.id == id {
			return key, e
		}
	}
	return "", nil
}

// pressed tells whose button it was.
func (b *board) pressed(id uint32) (key string, ok bool) {
	key, e := b.byID(id)
	if e != nil {
		e.pressed = true
	}
	return key, e != nil && !e.gone
}

// closed says that a notification is not shown any more, by a person or because
// its time was over.
func (b *board) closed(id uint32) {
	_, e := b.byID(id)
	if e == nil {
		return
	}
	e.shown = false
	e.closed = !e.again.After(time.Now())
	e.again = time.Time{}
}

// reopen shows a note again that the server closed because a button of it was
// pressed. The word that it closed it may come a little later.
func (b *board) reopen(key string) {
	e := b.entries[key]
	if e == nil || !e.pressed {
		return
	}
	if e.closed {
		e.closed, e.pressed = false, false
		return
	}
	e.again = time.Now().Add(interval)
}

// ids returns all that is shown.
func (b *board) ids() []uint32 {
	var ids []uint32
	for _, key := range slices.Sorted(maps.Keys(b.entries)) {
		if e := b.entries[key]; e.shown {
			ids = append(ids, e.id)
		}
	}
	return ids
}
