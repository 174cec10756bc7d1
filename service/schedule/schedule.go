package schedule

import "time"

// Verdict is how the last run left an account.
type Verdict int

// The verdicts.
const (
	None    Verdict = iota // no run yet
	Good                   // all is in step, or waits for a person folder by folder
	Partly                 // some of it is not in step
	Failed                 // tried again
	Offline                // the same, because there was no connection
	Auth                   // of no use until the password is another one
	Halted                 // all of it waits for a person, or for a disk to come back
)

// Input is what there is to know of an account.
type Input struct {
	Interval time.Duration // between runs; above 0
	Disabled bool
	Paused   bool
	Until    time.Time // when the pause ends; zero: when somebody ends it
	Wanted   bool      // there is a reason to run now
	Anyway   bool      // even if paused
	Last     Verdict
	Ended    time.Time // of the last run
	Failures int       // in a row
	Spread   float64   // 0 to 1: by how much accounts that failed together drift apart
}

// Decision is what to do.
type Decision struct {
	Run   bool
	Pause bool      // it is held by a pause
	At    time.Time // when to decide anew; zero: when something happens
}

// Decide says what an account is to do. The times of in and now are compared by
// the wall clock: the other one stands still while a machine sleeps.
func Decide(in Input, now time.Time) Decision {
	now = now.Round(0)
	until, ended := in.Until.Round(0), in.Ended.Round(0)
	paused := in.Paused && (in.Until.IsZero() || now.Before(until))
	switch {
	case in.Disabled:
		return Decision{}
	case in.Wanted && (!paused || in.Anyway):
		return Decision{Run: true}
	case paused:
		d := Decision{Pause: true}
		if !in.Until.IsZero() {
			d.At = until
		}
		return d
	case in.Last == None:
		return Decision{Run: true}
	}
	wait := Delay(in)
	at := ended.Add(wait)
	if !now.Before(at) || at.Sub(now) > wait { // the clock was put back
		return Decision{Run: true}
	}
	return Decision{At: at}
}

// The first wait after a failure, and the bounds of the longest.
const (
	first    = 5 * time.Second
	leastCap = 30 * time.Second
	mostCap  = 5 * time.Minute
)

// Limit is the longest wait after a failure: the interval, within 30 seconds
// and 5 minutes.
func Limit(interval time.Duration) time.Duration {
	return min(max(interval, leastCap), mostCap)
}

// Delay is how long to wait from the end of the last run to the next. After
// failures it doubles from 5 seconds to Limit, and never ends; a fifth of it
// depends on Spread.
func Delay(in Input) time.Duration {
	switch in.Last {
	case Failed, Offline, Partly:
	default:
		return in.Interval
	}
	limit := Limit(in.Interval)
	if in.Last == Partly {
		limit = in.Interval // most of it is in step: no hurry beyond the usual
	}
	d := first
	for i := 1; i < in.Failures && d < limit; i++ {
		d *= 2
	}
	d = min(d, limit)
	return d - time.Duration(in.Spread*float64(d)/5)
}
