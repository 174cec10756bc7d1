package server

import (
	"sync"
	"time"
)

// The most calls that are worked on at a time: of all, and of one sender.
const (
	mostWork       = 64
	mostWorkSender = 16
)

// gate bounds the calls that are worked on. The zero value is open.
type gate struct {
	mu     sync.Mutex
	all    int
	sender map[string]int // only those above 0
	empty  chan struct{}  // closed when all is 0; nil while nobody waits
}

// enter tells whether another call of that sender may be worked on; leave
// follows.
func (g *gate) enter(sender string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.all >= mostWork || g.sender[sender] >= mostWorkSender {
		return false
	}
	if g.sender == nil {
		g.sender = map[string]int{}
	}
	g.all++
	g.sender[sender]++
	return true
}

func (g *gate) leave(sender string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all--
	if g.sender[sender]--; g.sender[sender] == 0 {
		delete(g.sender, sender)
	}
	if g.all == 0 && g.empty != nil {
		close(g.empty)
		g.empty = nil
	}
}

// wait returns when no call is worked on any more, or after d.
func (g *gate) wait(d time.Duration) {
	g.mu.Lock()
	if g.all == 0 {
		g.mu.Unlock()
		return
	}
	if g.empty == nil {
		g.empty = make(chan struct{})
	}
	empty := g.empty
	g.mu.Unlock()
	select {
	case <-empty:
	case <-time.After(d):
	}
}
