package imap

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/offlineimap/offlineimapd/sync/store"
)

// pool hands out sessions, each to one caller at a time, and opens them as they
// are wanted. Callers are served in the order in which they came. Its state
// goes round in a channel: whoever has it may change it, and waits for nothing
// meanwhile.
type pool struct {
	dial  func(ctx context.Context) (*session, error)
	say   func(text string)
	state chan *poolState
}

type poolState struct {
	idle    []*session // the one used last at the end
	open    int        // sessions that are open or being opened
	limit   int
	waiting []chan grant // in the order of arrival; each has room for one
	proven  bool         // a session was opened once
	told    bool         // a person knows that the limit shrank
	refused error        // the server does not let this user in: nobody tries again
	closed  bool
}

// grant ends the wait for a session: with one, with leave to open one, or with
// the reason why there is none.
type grant struct {
	session *session
	err     error
}

func newPool(limit int, dial func(context.Context) (*session, error), say func(string)) *pool {
	p := &pool{dial: dial, say: say, state: make(chan *poolState, 1)}
	p.state <- &poolState{limit: limit}
	return p
}

var errClosed = errors.New("the store is closed")

// size is how many sessions may be open.
func (p *pool) size() int {
	st := <-p.state
	defer func() { p.state <- st }()
	return st.limit
}

// restrict lowers the limit to what the server is known to take.
func (p *pool) restrict(n int) {
	st := <-p.state
	defer func() { p.state <- st }()
	st.limit = max(1, min(st.limit, n))
}

// get returns a session, best one that has the mailbox selected. The caller must
// put it back.
func (p *pool) get(ctx context.Context, mailbox string) (*session, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	st := <-p.state
	switch {
	case st.closed:
		p.state <- st
		return nil, errClosed
	case st.refused != nil:
		p.state <- st
		return nil, st.refused
	}
	if s := st.take(mailbox); s != nil {
		p.state <- st
		return s, nil
	}
	if st.open < st.limit {
		st.open++
		p.state <- st
		return p.openOne(ctx)
	}
	w := make(chan grant, 1)
	st.waiting = append(st.waiting, w)
	p.state <- st
	return p.wait(ctx, w)
}

// distrust closes the sessions that nobody uses: where one was found dead, the
// others will hardly have fared better, and nothing shows it until they are used.
func (p *pool) distrust() {
	st := <-p.state
	idle := st.idle
	st.idle = nil
	st.open -= len(idle)
	p.state <- st
	for _, s := range idle {
		s.close()
	}
}

// take removes the idle session that suits best.
func (st *poolState) take(mailbox string) *session {
	if len(st.idle) == 0 {
		return nil
	}
	at := len(st.idle) - 1
	for i, s := range st.idle {
		if s.box.name == mailbox {
			at = i
		}
	}
	s := st.idle[at]
	st.idle = slices.Delete(st.idle, at, at+1)
	return s
}

func (p *pool) wait(ctx context.Context, w chan grant) (*session, error) {
	select {
	case g := <-w:
		return p.granted(ctx, g)
	case <-ctx.Done():
	}
	st := <-p.state
	if i := slices.Index(st.waiting, w); i >= 0 {
		st.waiting = slices.Delete(st.waiting, i, i+1)
		p.state <- st
		return nil, ctx.Err()
	}
	p.state <- st
	// It was granted in this moment: somebody else shall have it.
	switch g := <-w; {
	case g.session != nil:
		p.put(g.session)
	case g.err == nil:
		p.release()
	}
	return nil, ctx.Err()
}

func (p *pool) granted(ctx context.Context, g grant) (*session, error) {
	if g.session != nil || g.err != nil {
		return g.session, g.err
	}
	return p.openOne(ctx)
}

// openOne opens a session for which open was counted already.
func (p *pool) openOne(ctx context.Context) (*session, error) {
	s, err := p.dial(ctx)
	if err == nil {
		st := <-p.state
		st.proven = true
		closed := st.closed
		p.state <- st
		if closed {
			s.close()
			return nil, errClosed
		}
		return s, nil
	}
	if ctx.Err() != nil {
		p.release()
		return nil, err
	}
	st := <-p.state
	if st.proven && st.open > 1 && !st.closed {
		// The server took others: go on with those, and ask for no more.
		st.open--
		st.limit = min(st.limit, st.open)
		tell := !st.told
		st.told = true
		w := make(chan grant, 1)
		st.waiting = slices.Insert(st.waiting, 0, w) // it was this one's turn already
		n := st.limit
		// One may have come back while the server was refusing this one.
		if s := st.take(""); s != nil {
			st.waiting = st.waiting[1:]
			w <- grant{session: s}
		}
		p.state <- st
		if tell {
			p.say(fmt.Sprintf("the server takes no more than %d connections now, going on with these: %v", n, err))
		}
		return p.wait(ctx, w)
	}
	if store.ClassOf(err) == store.Auth && !st.proven {
		st.refused = err
		for _, w := range st.waiting {
			w <- grant{err: err}
		}
		st.waiting = nil
	}
	p.state <- st
	p.release()
	return nil, err
}

// release gives up a session that is not open after all: the next in line may
// open one.
func (p *pool) release() {
	st := <-p.state
	defer func() { p.state <- st }()
	if len(st.waiting) > 0 && st.open <= st.limit {
		st.waiting[0] <- grant{}
		st.waiting = st.waiting[1:]
		return
	}
	st.open--
}

// put takes a session back. One that is no longer usable is dropped.
func (p *pool) put(s *session) {
	if s.dead() {
		s.close()
		p.release()
		return
	}
	st := <-p.state
	switch {
	case st.closed:
		p.state <- st
		s.close()
		return
	case len(st.waiting) > 0:
		st.waiting[0] <- grant{session: s}
		st.waiting = st.waiting[1:]
	default:
		st.idle = append(st.idle, s)
	}
	p.state <- st
}

// close ends the handing out and returns the idle sessions.
func (p *pool) close() []*session {
	st := <-p.state
	defer func() { p.state <- st }()
	st.closed = true
	for _, w := range st.waiting {
		w <- grant{err: errClosed}
	}
	idle := st.idle
	st.idle, st.waiting = nil, nil
	return idle
}
