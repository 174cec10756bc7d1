package main

import "fmt"

// bar is something to reach, and what was measured.
type bar struct {
	what         string
	value, limit float64
}

// goals are the ratios of our time to mbsync's.
var goals = []struct {
	rtt   float64
	step  string
	limit float64
}{
	{0, stepFirst, 0.6},
	{40, stepFirst, 0.4},
	{40, stepQuiet, 0.08},
	{40, stepRemote, 0.2},
	{40, stepLocal, 0.2},
	{0, stepUpload, 0.6},
	{40, stepUpload, 0.4},
}

// Limits that do not depend on anybody else.
const (
	quietOctets     = 15e3
	quietRoundTrips = 6
	peakMemory      = 48e6
	hugeQuiet       = 1.0 // seconds
	hugeFlag        = 2.0
)

// bars judges what was measured of ours.
func (r *report) bars() []bar {
	var out []bar
	for _, g := range goals {
		us, ok := r.find(g.rtt, g.step, ours)
		them, also := r.find(g.rtt, g.step, mbsync)
		if ok && also {
			out = append(out, bar{fmt.Sprintf("%s at %v ms, time relative to mbsync", g.step, g.rtt), us.Wall / them.Wall, g.limit})
		}
	}
	var peak float64
	for _, s := range r.Samples {
		if s.Program != ours {
			continue
		}
		c := s.median()
		for _, run := range s.Runs {
			peak = max(peak, float64(run.Peak))
		}
		switch s.Step {
		case stepQuiet:
			out = append(out,
				bar{fmt.Sprintf("%s at %v ms, octets", s.Step, s.RTT), float64(c.Up + c.Down), quietOctets},
				bar{fmt.Sprintf("%s at %v ms, round trips", s.Step, s.RTT), float64(c.RoundTrips), quietRoundTrips})
		case "huge quiet":
			out = append(out, bar{"huge mailbox, nothing changed, seconds", c.Wall, hugeQuiet})
		case "huge one flag":
			out = append(out, bar{"huge mailbox, one flag changed, seconds", c.Wall, hugeFlag})
		}
	}
	if peak > 0 {
		out = append(out, bar{"peak of memory in any run, octets", peak, peakMemory})
	}
	return out
}
