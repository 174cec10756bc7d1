package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// units of a span, as systemd.time(7) names them.
var units = map[string]time.Duration{
	"ms": time.Millisecond,
	"":   time.Second, "s": time.Second, "sec": time.Second, "second": time.Second, "seconds": time.Second,
	"m": time.Minute, "min": time.Minute, "minute": time.Minute, "minutes": time.Minute,
	"h": time.Hour, "hr": time.Hour, "hour": time.Hour, "hours": time.Hour,
	"d": 24 * time.Hour, "day": 24 * time.Hour, "days": 24 * time.Hour,
	"w": 7 * 24 * time.Hour, "week": 7 * 24 * time.Hour, "weeks": 7 * 24 * time.Hour,
}

// longest is more than anybody waits, and far below where a Duration ends.
const longest = 100 * 365 * 24 * time.Hour

// parseSpan reads "90", "20min", "2h 30min"; it is above 0.
func parseSpan(s string) (time.Duration, error) {
	bad := fmt.Errorf("%q is no length of time like 90s, 20min or 2h", s)
	var total time.Duration
	rest := strings.TrimSpace(s)
	for rest != "" {
		n := strings.IndexFunc(rest, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
		if n < 0 {
			n = len(rest)
		}
		count, err := strconv.ParseFloat(rest[:n], 64)
		if err != nil {
			return 0, bad
		}
		rest = strings.TrimLeft(rest[n:], " ")
		n = strings.IndexFunc(rest, func(r rune) bool { return r < 'a' || r > 'z' })
		if n < 0 {
			n = len(rest)
		}
		unit, ok := units[rest[:n]]
		if !ok || count > float64(longest/unit) {
			return 0, bad
		}
		total += time.Duration(count * float64(unit))
		if total > longest {
			return 0, bad
		}
		rest = strings.TrimLeft(rest[n:], " ")
	}
	if total <= 0 {
		return 0, bad
	}
	return total, nil
}

// parseWhen reads a moment after now: a time of day, which is tomorrow's where
// today's has passed, a date, both, "tomorrow", or RFC 3339.
func parseWhen(s string, now time.Time) (time.Time, error) {
	s = strings.TrimSpace(s)
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	now = now.Local()
	day := func(t time.Time, add int) time.Time {
		return time.Date(t.Year(), t.Month(), t.Day()+add, 0, 0, 0, 0, time.Local)
	}
	if rest, ok := strings.CutPrefix(s, "tomorrow"); ok {
		if rest = strings.TrimSpace(rest); rest == "" {
			return day(now, 1), nil
		}
		if clock, err := parseClock(rest); err == nil {
			return onDay(day(now, 1), clock), nil
		}
	}
	if clock, err := parseClock(s); err == nil {
		t := onDay(day(now, 0), clock)
		if !t.After(now) {
			t = onDay(day(now, 1), clock)
		}
		return t, nil
	}
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, s, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time like 18:00, tomorrow or 2030-12-24 18:00", s)
}

func parseClock(s string) (time.Time, error) {
	if t, err := time.Parse("15:04:05", s); err == nil {
		return t, nil
	}
	return time.Parse("15:04", s)
}

// onDay is a time of day on a day, which need not have 24 hours.
func onDay(day, clock time.Time) time.Time {
	return time.Date(day.Year(), day.Month(), day.Day(), clock.Hour(), clock.Minute(), clock.Second(), 0, time.Local)
}
