package schedule

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func TestDecide(t *testing.T) {
	const min5 = 5 * time.Minute
	at := func(d time.Duration) Decision { return Decision{At: noon.Add(d)} }
	run := Decision{Run: true}
	tests := []struct {
		name string
		in   Input
		now  time.Duration // after noon
		want Decision
	}{
		{"the first run comes at once", Input{Interval: min5}, 0, run},
		{"then after the interval", Input{Interval: min5, Last: Good, Ended: noon}, time.Minute, at(min5)},
		{"which has passed", Input{Interval: min5, Last: Good, Ended: noon}, min5, run},
		{"or somebody asks before", Input{Interval: min5, Last: Good, Ended: noon, Wanted: true}, time.Second, run},
		{"disabled", Input{Interval: min5, Disabled: true, Wanted: true, Anyway: true}, 0, Decision{}},
		{"paused before the first run", Input{Interval: min5, Paused: true}, 0, Decision{Pause: true}},
		{"paused for some time", Input{Interval: min5, Paused: true, Until: noon.Add(time.Hour), Last: Good, Ended: noon}, min5, Decision{Pause: true, At: noon.Add(time.Hour)}},
		{"the pause is over, the interval too", Input{Interval: min5, Paused: true, Until: noon.Add(time.Hour), Last: Good, Ended: noon}, time.Hour, run},
		{"the pause is over, the interval not", Input{Interval: min5, Paused: true, Until: noon.Add(time.Minute), Last: Good, Ended: noon}, time.Minute, at(min5)},
		{"wanted, but paused", Input{Interval: min5, Paused: true, Wanted: true}, 0, Decision{Pause: true}},
		{"wanted all the same", Input{Interval: min5, Paused: true, Wanted: true, Anyway: true}, 0, run},
		{"one failure", Input{Interval: min5, Last: Failed, Failures: 1, Ended: noon}, 0, at(5 * time.Second)},
		{"three", Input{Interval: min5, Last: Offline, Failures: 3, Ended: noon}, 0, at(20 * time.Second)},
		{"a thousand", Input{Interval: min5, Last: Offline, Failures: 1000, Ended: noon}, 0, at(min5)},
		{"the longest wait is no longer than 5 minutes", Input{Interval: time.Hour, Last: Offline, Failures: 1000, Ended: noon}, 0, at(min5)},
		{"nor shorter than 30 seconds", Input{Interval: time.Second, Last: Offline, Failures: 1000, Ended: noon}, 0, at(30 * time.Second)},
		{"a wrong password is looked at in the usual rhythm", Input{Interval: min5, Last: Auth, Failures: 3, Ended: noon}, 0, at(min5)},
		{"so is a disk that is not mounted", Input{Interval: min5, Last: Halted, Ended: noon}, 0, at(min5)},
		{"spread", Input{Interval: min5, Last: Failed, Failures: 1, Ended: noon, Spread: 1}, 0, at(4 * time.Second)},
		{"the clock was put back by a year", Input{Interval: min5, Last: Good, Ended: noon}, -365 * 24 * time.Hour, run},
	}
	for _, tt := range tests {
		if got := Decide(tt.in, noon.Add(tt.now)); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

// TestNeverGivesUp: whatever happened, an account that is neither disabled nor
// paused for good has a time at which it runs, within the longest wait.
func TestNeverGivesUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := Input{
			Interval: time.Duration(rapid.Int64Range(1, int64(48*time.Hour)).Draw(t, "interval")),
			Last:     Verdict(rapid.IntRange(int(None), int(Halted)).Draw(t, "last")),
			Failures: rapid.IntRange(0, 1<<30).Draw(t, "failures"),
			Spread:   rapid.Float64Range(0, 1).Draw(t, "spread"),
			Ended:    noon,
		}
		now := noon.Add(time.Duration(rapid.Int64Range(0, int64(72*time.Hour)).Draw(t, "now")))
		d := Decide(in, now)
		if d.Run {
			return
		}
		if d.At.IsZero() || !d.At.After(now) || d.At.Sub(noon) > max(in.Interval, Limit(in.Interval)) {
			t.Fatalf("%+v at %v: %+v", in, now, d)
		}
		if again := Decide(in, d.At); !again.Run {
			t.Fatalf("%+v: told to wait until %v, and then %+v", in, d.At, again)
		}
	})
}

func TestDelayGrows(t *testing.T) {
	in := Input{Interval: 5 * time.Minute, Last: Offline}
	last := time.Duration(0)
	for in.Failures = 1; in.Failures < 20; in.Failures++ {
		d := Delay(in)
		if d < last || d < first {
			t.Errorf("after %d failures %v, after one less %v", in.Failures, d, last)
		}
		last = d
	}
	if last != 5*time.Minute {
		t.Errorf("it ends at %v", last)
	}
}
