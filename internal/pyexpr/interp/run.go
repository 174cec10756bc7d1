package interp

import (
	"context"
	"sync"
	"time"

	"github.com/offlineimap/offlineimapd/internal/pyexpr/raise"
	"github.com/offlineimap/offlineimapd/internal/pyexpr/regex"
)

// The limits of one evaluation or call.
const (
	maxSteps    = 1_000_000
	maxMatching = 10_000_000 // steps of regular expressions
	maxMemory   = 64 << 20   // bytes made, whether they are kept or not
	// maxTime is for what the others do not count: they come first, so that how it
	// ends does not depend on how busy the machine is.
	maxTime  = 10 * time.Second
	maxCalls = 400 // of functions within each other; Python's own limit is 1000
)

// patterns are the regular expressions that were compiled lately, of one
// expression and its functions.
type patterns struct {
	mu    sync.Mutex
	known map[patternKey]*regex.Regexp
}

type patternKey struct {
	source string
	flags  regex.Flags
}

func (p *patterns) compile(source string, flags regex.Flags) (*regex.Regexp, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	k := patternKey{source, flags}
	if re := p.known[k]; re != nil {
		return re, nil
	}
	re, err := regex.Compile(source, flags)
	if err != nil {
		return nil, err
	}
	if len(p.known) >= 64 || p.known == nil {
		p.known = map[patternKey]*regex.Regexp{}
	}
	p.known[k] = re
	return re, nil
}

// Run is one evaluation of an expression, or one call of a function. It belongs
// to one goroutine.
type Run struct {
	ctx      context.Context
	end      time.Time
	steps    int
	next     int // the step at which the time is asked
	memory   int
	matching int
	calls    int
	library  *library
	patterns *patterns
}

// step counts one step.
func (r *Run) step() error {
	if r.steps++; r.steps > maxSteps {
		return raise.Limit("more than %d steps", maxSteps)
	}
	if r.steps >= r.next {
		r.next = r.steps + 1024
		return r.tick()
	}
	return nil
}

// work accounts for going through n bytes.
func (r *Run) work(n int) error {
	r.steps += n >> 8
	return r.step()
}

// match accounts for steps of a regular expression. Python makes more of them in
// a second than we do, and takes no memory for them, so that it may have the rest.
func (r *Run) match(steps int) error {
	if r.matching += steps; r.matching > maxMatching {
		return raise.Unsupported("more than %d steps of a regular expression", maxMatching)
	}
	return r.tick()
}

// tick asks whether there is time left.
func (r *Run) tick() error {
	if err := r.ctx.Err(); err != nil {
		return err
	}
	if time.Now().After(r.end) {
		return raise.Limit("more than %v", maxTime)
	}
	return nil
}

// make accounts for bytes, before they are made.
func (r *Run) make(n int) error {
	if n < 0 || n > maxMemory-r.memory {
		return raise.Limit("more than %d MiB", maxMemory>>20)
	}
	r.memory += n
	r.steps += n >> 8
	return r.step()
}

// makeTimes accounts for n things of some size.
func (r *Run) makeTimes(n, size int64) error {
	if n > maxMemory || size > maxMemory {
		return raise.Limit("more than %d MiB", maxMemory>>20)
	}
	return r.make(int(n * size))
}
