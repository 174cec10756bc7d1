package config

import (
	"errors"
	"strings"
	"time"
)

// limits reads what keeps mails from being copied. The days that maxage counts
// must not reach beyond the year 1900, where OfflineIMAP's dates end.
func (v view) limits(now time.Time) Limits {
	var m Limits
	if s, ok := v.text("maxsize"); ok {
		const hint = "write a number of octets, or remove the line to have mails of every size"
		n, err := parseInt(s)
		switch {
		case err != nil:
			v.wrong("maxsize", valueHint(s, hint), "%q %v", s, err)
		case n < 1:
			v.wrong("maxsize", hint, "no mail has %d octets or less", n)
		default:
			m.MaxSize = int64(n)
		}
	}
	s, ok := v.text("maxage")
	switch {
	case !ok:
	case strings.Contains(strings.TrimPrefix(s, "-"), "-"):
		m.Since = v.date("maxage", now)
	default:
		days, err := parseInt(s)
		const hint = "write a number of days, or a date as 2020-12-31"
		switch {
		case err != nil:
			v.wrong("maxage", valueHint(s, hint), "%q %v of days and no date", s, err)
		case days < 1:
			v.wrong("maxage", "write 1 or more, or remove the line to have mails of every age", "%d is less than a day", days)
		case days > 366*1000 || now.AddDate(0, 0, -days).Year() < 1900:
			v.wrong("maxage", "write fewer, or remove the line to have mails of every age", "%d days ago is before 1900", days)
		default:
			m.MaxAge = days
		}
	}
	return m
}

// date reads a day, and returns its local midnight.
func (v view) date(name string, now time.Time) time.Time {
	s, ok := v.text(name)
	if !ok {
		return time.Time{}
	}
	day, err := parseDate(s)
	switch {
	case err != nil:
		v.wrong(name, valueHint(s, "write year, month and day as 2020-12-31"), "%q %v", s, err)
	case day.Year() < 1900:
		v.wrong(name, "write a later one, or remove the line to have mails of every age", "%s is before 1900", s)
	case day.After(now):
		v.wrong(name, "write an earlier one", "%s is in the future", s)
	default:
		return day
	}
	return time.Time{}
}

// parseDate reads what strptime reads as %Y-%m-%d: month and day may have one
// digit.
func parseDate(s string) (time.Time, error) {
	day, err := time.ParseInLocation("2006-1-2", s, time.Local)
	if err != nil {
		return time.Time{}, errors.New("is no date")
	}
	return day, nil
}

// window says that an account may have one beginning, and no more: OfflineIMAP
// refuses it for the whole account too.
func (v view) window(a *Account) {
	var found []string
	if _, ok := v.text("maxage"); ok {
		found = append(found, "maxage in [Account "+a.Name+"]")
	}
	for _, r := range []*Repository{a.Local, a.Remote} {
		if r != nil && !r.StartDate.IsZero() {
			found = append(found, "startdate in [Repository "+r.Name+"]")
		}
	}
	option := ""
	if strings.HasPrefix(strings.Join(found, ""), "maxage") {
		option = "maxage"
	}
	if len(found) > 1 {
		v.wrong(option, "keep one of them", "there may be one of maxage and startdate: there is %s", strings.Join(found, " and "))
	} else if option != "" && a.Local != nil && a.Local.IMAP != nil {
		v.wrong(option, "remove it, or write a startdate into one of the repositories", "it needs a local repository of type Maildir")
	}
}
