package date

import (
	"strconv"
	"strings"
	"time"
)

// longest is how much of a value is looked at, in octets: no date needs more.
const longest = 1000

// Parse reads the value of a Date field: RFC 5322 with all that is obsolete in
// it (comments, years of two and three digits, named zones, no seconds, no day of
// the week), the form of ctime(3), month before day, names of any case and
// length, dots or hyphens between numbers, AM and PM. Words without a meaning
// are passed over, names of days whether they are right or not.
//
// Without a zone that is known the time is one in local. ok is false for what
// names no moment, or one before 1970, when there was no mail that has survived,
// or after 9999.
func Parse(value string, local *time.Location) (t time.Time, ok bool) {
	p := parsed{day: -1, year: -1, zone: local}
	if len(value) > longest {
		return t, false
	}
	for _, w := range strings.FieldsFunc(uncommented(value), func(r rune) bool { return r <= ' ' || r == ',' }) {
		if !p.word(w) {
			return t, false
		}
	}
	return p.time()
}

// parsed is what was found so far.
type parsed struct {
	day, year          int // -1: not found
	month              time.Month
	clock              bool
	hour, minute, sec  int
	morning, afternoon bool
	zone               *time.Location
	zoned              bool
}

// word takes one word, and tells whether there can still be a date.
func (p *parsed) word(w string) bool {
	switch {
	case w[0] == '+' || w[0] == '-':
		p.offset(w)
		return true
	case !digit(w[0]):
		p.name(w)
		return true
	case strings.Contains(w, ":"):
		return p.time24(strings.Split(w, ":"))
	case strings.Count(w, ".") == 2:
		return p.time24(strings.Split(w, "."))
	case strings.Contains(w, "-"):
		for _, part := range strings.Split(w, "-") {
			if part == "" || !p.word(part) {
				return false
			}
		}
		return true
	}
	return p.number(w)
}

// number takes a day, then a year.
func (p *parsed) number(w string) bool {
	n, err := strconv.Atoi(w)
	switch {
	case err != nil || n < 0:
		return false
	case p.day < 0 && len(w) <= 2:
		p.day = n
		return true
	case p.year >= 0:
		return false
	}
	switch len(w) { // RFC 5322, section 4.3
	case 1, 2:
		if n += 2000; n >= 2050 {
			n -= 100
		}
	case 3:
		n += 1900
	}
	p.year = n
	return true
}

func (p *parsed) time24(parts []string) bool {
	if p.clock || len(parts) > 3 {
		return false
	}
	most := [3]int{23, 59, 60}
	to := [3]*int{&p.hour, &p.minute, &p.sec}
	for i, part := range parts {
		n, err := strconv.Atoi(part)
		if err != nil || n < 0 || n > most[i] || len(part) > 2 {
			return false
		}
		*to[i] = n
	}
	p.clock = true
	return true
}

// offset takes a zone such as +0100, or +01:00. One that is none is as good as
// no zone.
func (p *parsed) offset(w string) {
	digits := strings.Replace(w[1:], ":", "", 1)
	n, err := strconv.Atoi(digits)
	if p.zoned || err != nil || len(digits) != 4 || !digit(digits[0]) || n%100 > 59 || n/100 > 23 {
		return
	}
	seconds := (n/100*60 + n%100) * 60
	if w[0] == '-' {
		seconds = -seconds
	}
	p.zone, p.zoned = time.FixedZone("", seconds), true
}

// name takes the name of a month or of a zone.
func (p *parsed) name(w string) {
	w = strings.ToLower(w)
	if m := month(strings.TrimSuffix(w, ".")); m != 0 && p.month == 0 {
		p.month = m
		return
	}
	switch w {
	case "am":
		p.morning = true
	case "pm":
		p.afternoon = true
	}
	if hours, ok := zones[w]; ok && !p.zoned {
		p.zone, p.zoned = time.FixedZone("", hours*3600), true
	}
}

// zones are those that RFC 5322, section 4.3, knows, and UTC; in hours.
var zones = map[string]int{
	"ut": 0, "gmt": 0, "utc": 0, "z": 0,
	"est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7,
}

func month(w string) time.Month {
	for m := time.January; m <= time.December; m++ {
		if len(w) >= 3 && strings.HasPrefix(strings.ToLower(m.String()), w) || w == "sept" && m == time.September {
			return m
		}
	}
	return 0
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

func (p *parsed) time() (t time.Time, ok bool) {
	hour := p.hour
	switch {
	case p.day < 1 || p.month == 0 || p.year < 0 || !p.clock:
		return t, false
	case p.afternoon && hour < 12:
		hour += 12
	case p.morning && hour == 12:
		hour = 0
	}
	// A day that the month has not would become one of the next.
	if time.Date(p.year, p.month, p.day, 0, 0, 0, 0, time.UTC).Day() != p.day {
		return t, false
	}
	t = time.Date(p.year, p.month, p.day, hour, p.minute, p.sec, 0, p.zone)
	y := t.UTC().Year()
	return t, y >= 1970 && y <= 9999
}

// uncommented leaves out comments, which may be nested (RFC 5322, section 3.2.2).
func uncommented(s string) string {
	if !strings.Contains(s, "(") {
		return s
	}
	out := make([]byte, 0, len(s))
	depth := 0
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && depth > 0:
			i++
		case s[i] == '(':
			depth++
		case s[i] == ')' && depth > 0:
			if depth--; depth == 0 {
				out = append(out, ' ')
			}
		case depth == 0:
			out = append(out, s[i])
		}
	}
	return string(out)
}
