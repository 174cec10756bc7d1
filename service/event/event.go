// Package event tells subscribers what happened, in order, without ever
// waiting for one of them.
//
// It must not know what the events are about beyond their names; it has no
// goroutines.
package event

import "sync"

// Kind says what happened.
type Kind string

// The kinds.
const (
	Changed        Kind = "changed"         // the Status is another one
	JobNew         Kind = "job-new"         // Job, Account
	JobRemoved     Kind = "job-removed"     // Job, Account, Result: the job has ended; it can be looked at for some time still
	NewMail        Kind = "new-mail"        // Account, Folder, Count
	ProblemRaised  Kind = "problem-raised"  // Code, Account, Severity, Text
	ProblemCleared Kind = "problem-cleared" // Code, Account
	Reloading      Kind = "reloading"       // Active: begins or has ended
	Lost           Kind = "lost"            // the subscriber was too slow: events are missing here; look at the Status
)

// Event is one thing that happened. Fields that its Kind does not name are zero.
type Event struct {
	Kind     Kind
	Job      uint32
	Account  string
	Result   string
	Folder   string // for people
	Count    int
	Code     string
	Severity string
	Text     string
	Active   bool
}

// Broadcaster hands events to all subscriptions. The zero value is ready.
type Broadcaster struct {
	mu     sync.Mutex
	subs   map[*Subscription]bool
	closed bool
}

// Subscription is one subscriber's queue.
type Subscription struct {
	b    *Broadcaster
	c    chan Event
	lost bool // Lost is the last in c, or was when it was put there
}

// C gives the events. It is closed by Close and when the broadcaster closes.
func (s *Subscription) C() <-chan Event { return s.c }

// Subscribe makes a queue of n events, at least 2. Nothing that is sent after
// Subscribe has returned is missed, save where Lost says so.
func (b *Broadcaster) Subscribe(n int) *Subscription {
	s := &Subscription{b: b, c: make(chan Event, max(n, 2))}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		close(s.c)
		return s
	}
	if b.subs == nil {
		b.subs = map[*Subscription]bool{}
	}
	b.subs[s] = true
	return s
}

// Close ends the subscription; closing it twice does nothing.
func (s *Subscription) Close() {
	s.b.mu.Lock()
	defer s.b.mu.Unlock()
	if s.b.subs[s] {
		delete(s.b.subs, s)
		close(s.c)
	}
}

// Send hands e to every subscription that has room.
func (b *Broadcaster) Send(e Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for s := range b.subs {
		s.put(e)
	}
}

// put keeps the last place free for Lost: whoever is too slow for an event
// still hears that there was one.
func (s *Subscription) put(e Event) {
	switch free := cap(s.c) - len(s.c); {
	case free >= 2:
		s.lost = false
		s.c <- e
	case !s.lost:
		s.lost = true
		s.c <- Event{Kind: Lost}
	}
}

// Close ends all subscriptions.
func (b *Broadcaster) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	for s := range b.subs {
		close(s.c)
	}
	b.subs = nil
}
