package main

import (
	"fmt"
	"time"

	"github.com/offlineimap/offlineimapd/internal/config"
	"github.com/offlineimap/offlineimapd/sync/engine"
)

// limits are what an account has of maxage, maxsize and startdate. The window of
// maxage begins a day later than one would say, as it always did: with it, nothing
// is copied that OfflineIMAP has left out.
func limits(a *config.Account, now time.Time) engine.Limits {
	l := engine.Limits{Smaller: a.Limits.MaxSize}
	switch {
	case a.Limits.MaxAge > 0:
		l.Since = now.UTC().AddDate(0, 0, 1-a.Limits.MaxAge)
		l.Text = fmt.Sprintf("maxage %d ", a.Limits.MaxAge)
	case !a.Limits.Since.IsZero():
		l.Since = a.Limits.Since.AddDate(0, 0, 1)
		l.Text = "maxage " + a.Limits.Since.Format(time.DateOnly) + " "
	case !a.Remote.StartDate.IsZero():
		l.Since = a.Remote.StartDate
		l.Text = "startdate " + a.Remote.StartDate.Format(time.DateOnly) + " "
	}
	if l.Smaller > 0 {
		l.Text += fmt.Sprintf("maxsize %d ", l.Smaller)
	}
	if l.LocalSince = a.Local.StartDate; !l.LocalSince.IsZero() {
		l.Text += "local startdate " + l.LocalSince.Format(time.DateOnly)
	}
	return l
}
