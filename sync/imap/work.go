package imap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	goimap "github.com/emersion/go-imap/v2"

	"github.com/offlineimap/offlineimapd/sync/imap/wire"
	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// work is a group of changes. Flags and removals take effect at once. Mails are
// uploaded as they are put, in one APPEND that Commit ends; the session is the
// work's own from the first Put until then, so a caller must not have more works
// with mails in them than Properties().Parallel, nor ask the store for anything
// else while it holds as many.
type work struct {
	f     *folder
	x     *session       // while an upload is under way
	app   *wire.Appender // nil: none is under way
	sel   *box           // filled by the SELECT ahead of the upload; nil: none was sent
	added []mail.UID
	err   error
	over  bool // committed or discarded
}

var errOver = errors.New("the work is committed or discarded already")

// Put streams a mail to the server.
func (w *work) Put(ctx context.Context, m mail.Mail, r io.Reader) error {
	switch {
	case w.over:
		return errOver
	case w.err != nil:
		return w.err
	case w.f.readOnly:
		return w.refuse("put a mail into")
	}
	if m.Size < 0 {
		var held spool
		defer held.drop()
		if err := held.fill(r); err != nil {
			return store.Fail(store.ClassOf(err), store.ScopeMail, fmt.Errorf("read a mail for %s: %w", w.f, err))
		}
		m.Size, r = held.size, held.reader()
	}
	if err := w.begin(ctx); err != nil {
		return err
	}
	if limit, ok := appendLimit(w.x.caps()); ok && m.Size > limit {
		return &store.Error{Class: store.Refused, Scope: store.ScopeMail,
			Err:  fmt.Errorf("put a mail into %s: it has %d octets, and the server takes %d at most", w.f, m.Size, limit),
			Hint: "the mail stays where it is; make it smaller, or move it out of the synchronised folders"}
	}
	stop := w.until(ctx)
	err := w.app.Add(w.f.s.flags.list(m.Flags), sendable(m.Date), m.Size, &mindful{ctx, r})
	stop()
	switch {
	case err == nil:
		return nil
	case store.ScopeOf(err) == store.ScopeMail && !w.x.dead():
		return wrap(store.ScopeMail, err, "put a mail into %s", w.f)
	case !w.x.dead():
		return w.early(ctx, err)
	}
	err = w.f.wrap(w.x.lost(ctx, err), "put a mail into %s", w.f)
	w.fail(err)
	return err
}

// sendable is the INTERNALDATE to ask for. A time before there was mail to speak of
// is that of a file whose own was lost, and is left to the server, as OfflineIMAP
// does; a zone that has seconds in it cannot be written down.
func sendable(date time.Time) time.Time {
	if y := date.Year(); y < 1981 || y > 9999 {
		return time.Time{}
	}
	if _, offset := date.Zone(); offset%60 != 0 {
		return date.UTC()
	}
	return date
}

// mindful ends a body with the context, even while nothing of it reaches the
// connection yet.
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

// begin opens the upload. The mailbox is selected ahead of it, in the same
// flight, unless it is already: what follows in this work may need it, and
// APPEND does not mind whether that succeeds.
func (w *work) begin(ctx context.Context) error {
	if w.app != nil {
		return nil
	}
	x, err := w.f.s.pool.get(ctx, w.f.name)
	if err != nil {
		return connecting{err}
	}
	if len(x.c.Caps()) == 0 { // they decide how to append
		if _, err := x.run(ctx, nil); err != nil {
			w.f.s.pool.put(x)
			return w.f.wrap(err, "put a mail into %s", w.f)
		}
	}
	ahead := x.owed()
	if sel, b, selects := w.f.entry(x); selects {
		ahead, w.sel = append(ahead, sel), b
	}
	// The work outlives the context of one Put: until does what that is for.
	app, err := x.c.Append(context.WithoutCancel(ctx), &wire.Handler{Enabled: x.isEnabled}, w.f.name, ahead...)
	if err != nil {
		w.f.s.pool.put(x)
		return w.f.wrap(err, "put a mail into %s", w.f)
	}
	w.x, w.app = x, app
	return nil
}

// until ends the connection when ctx ends before stop is called.
func (w *work) until(ctx context.Context) (stop func() bool) {
	return context.AfterFunc(ctx, w.x.close)
}

// early ends an upload that the server refused before its end.
func (w *work) early(ctx context.Context, err error) error {
	if e := w.finish(ctx); e != nil {
		return e
	}
	w.err = w.f.wrap(err, "put a mail into %s", w.f) // Finish knew no reason
	return w.err
}

// finish ends the upload and takes the answers.
func (w *work) finish(ctx context.Context) error {
	if w.app == nil {
		return nil
	}
	stop := w.until(ctx)
	mails, ahead, err := w.app.Finish()
	stop()
	x, multi := w.x, w.app.Multi()
	w.app = nil
	x.pass()
	if err != nil {
		w.err = w.f.wrap(x.lost(ctx, err), "put mails into %s", w.f)
	} else {
		if w.sel != nil {
			x.selected(w.sel, ahead[len(ahead)-1])
		}
		w.err = w.take(mails, multi)
	}
	w.x, w.sel = nil, nil
	w.f.s.pool.put(x)
	return w.err
}

// take notes the UIDs of stored mails. Where some were refused and others not,
// it is not known to the caller which: that is no Refused, which says that
// nothing was stored.
func (w *work) take(mails []wire.Appended, multi bool) error {
	was := w.f.s.seen.of(w.f.name).UIDValidity
	var first wire.Result
	refused := 0
	for _, m := range mails {
		if !m.OK() {
			if refused++; refused == 1 {
				first = m.Result
			}
			continue
		}
		u := mail.UID(m.UID)
		if was != 0 && m.Validity != was {
			u = 0 // a UID of another mailbox
		}
		w.added = append(w.added, u)
	}
	if refused == 0 {
		return nil
	}
	err := answered(store.ScopeFolder, first, "put mails into %s", w.f)
	if refused < len(mails) && !multi {
		var e *store.Error
		if errors.As(err, &e) && e.Class == store.Refused {
			err = &store.Error{Class: store.Temporary, Scope: store.ScopeFolder, Hint: e.Hint,
				Err: fmt.Errorf("%d of %d mails were refused: %w", refused, len(mails), e.Err)}
		}
	}
	return err
}

// fail ends an upload whose connection is gone.
func (w *work) fail(err error) {
	w.err = err
	w.app.Abort()
	w.f.s.pool.put(w.x)
	w.app, w.x, w.sel = nil, nil, nil
}

func (w *work) refuse(what string) error {
	return store.Fail(store.Refused, store.ScopeFolder, fmt.Errorf("%s %s: it is open for reading only", what, w.f))
}

// Assign is for stores that do not assign UIDs.
func (w *work) Assign(context.Context, []store.Assignment) ([]string, error) {
	return nil, errors.New("a server assigns UIDs itself")
}

// Added tells the UIDs of the mails that were stored.
func (w *work) Added() []mail.UID { return w.added }

// Err tells what became of the work.
func (w *work) Err() error { return w.err }

// Discard gives up an upload under way, which costs the connection: nothing
// else keeps the server from storing it.
func (w *work) Discard() {
	w.over = true
	if w.app != nil {
		w.fail(errOver)
	}
}

// Commit ends the uploads and takes the server's word for them.
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
		_ = w.finish(ctx) // Err tells
	}
	return nil
}

// appendLimit reads APPENDLIMIT (RFC 7889).
func appendLimit(caps goimap.CapSet) (int64, bool) {
	n, ok := caps.AppendLimit()
	if !ok || n == nil {
		return 0, false
	}
	return int64(*n), true
}
