package service

import (
	"cmp"
	"fmt"
	"time"

	"github.com/offlineimap/offlineimapd/service/health"
)

// lasting is how often something has to fail in a row before it is a problem:
// that a server is away for a moment is nobody's business.
const lasting = 3

// troubles derives the problems from everything else in a Status. Since is yet
// to be set.
func troubles(st *Status, setup *Setup, rejected *Error) []health.Problem {
	var ps []health.Problem
	if setup.Path == "" {
		ps = append(ps, health.Problem{Code: health.Unconfigured, Severity: health.Error,
			Text: "there is no configuration", Fix: "write one as offlineimapd(1) shows, then: offlineimapctl reload"})
	}
	if rejected != nil {
		ps = append(ps, health.Problem{Code: health.ConfigRejected, Severity: health.Error,
			Text: "the configuration was changed and cannot be used, the one before is in force: " + rejected.Error(),
			Fix:  cmp.Or(rejected.Hint, "offlineimapctl config check")})
	}
	for i := range st.Accounts {
		ps = append(ps, troublesOf(&st.Accounts[i], specOf(setup, st.Accounts[i].Name))...)
	}
	return ps
}

func specOf(s *Setup, name string) Spec {
	for _, a := range s.Accounts {
		if a.Name == name {
			return a
		}
	}
	return Spec{}
}

func troublesOf(a *Account, spec Spec) []health.Problem {
	var ps []health.Problem
	add := func(code health.Code, severity health.Severity, text, fix string) {
		ps = append(ps, health.Problem{Code: code, Account: a.Name, Severity: severity, Text: text, Fix: fix})
	}
	for _, h := range a.Holds {
		ps = append(ps, health.Problem{Code: health.Held, Account: a.Name, Severity: health.Error, Text: h.Text,
			Fix: "offlineimapctl approve " + a.Name, Token: h.Token})
	}
	e := a.LastError
	hint := func(otherwise string) string { return cmp.Or(e.Hint, otherwise) }
	switch {
	case a.State == AccountDisabled && spec.Refused != "":
		add(health.ConfigError, health.Error, spec.Refused, cmp.Or(spec.Hint, "offlineimapctl config check"))
	case a.State == AccountAuthRequired || e.Code == AuthenticationFailed || e.Code == CredentialsUnavailable:
		add(health.PasswordNeeded, health.Error, "a password is needed: "+e.Text, hint("offlineimapctl sync "+a.Name+" asks for it"))
	case e.Code == TLSUntrusted:
		add(health.TLSUntrusted, health.Error, e.Text, hint("offlineimapctl doctor "+a.Name))
	case e.Code == StateLocked:
		if a.Failures >= lasting {
			add(health.AccountBusy, health.Warning, e.Text, hint("end the other program"))
		}
	case e.Code == Disk:
		add(health.DiskTrouble, health.Error, e.Text, hint("offlineimapctl doctor "+a.Name))
	case a.LastResult == ResultPartial:
		if a.Failures >= lasting {
			add(health.ItemsFailing, health.Warning, e.Text, hint("offlineimapctl log "+a.Name))
		}
	case e.Code == Offline:
		if a.Failures >= lasting {
			add(health.ServerUnreachable, health.Warning, e.Text, hint("offlineimapctl doctor "+a.Name))
		}
	case e.Code == ConfigInvalid:
		add(health.ConfigError, health.Error, e.Text, hint("offlineimapctl config check"))
	case e.Code != "" && e.Code != SafetyHalt && e.Code != Cancelled:
		if a.Failures >= lasting {
			add(health.RunFailing, health.Warning, e.Text, hint("offlineimapctl log "+a.Name))
		}
	}
	return ps
}

// findProblem returns the problem of ps that is p, seen at another time.
func findProblem(ps []health.Problem, p *health.Problem) *health.Problem {
	for i := range ps {
		if ps[i].Code == p.Code && ps[i].Account == p.Account && ps[i].Token == p.Token {
			return &ps[i]
		}
	}
	return nil
}

// summarise says in one word and one line how all accounts are together.
func summarise(st *Status) (State, string) {
	var running *Job
	for i := range st.Jobs {
		if st.Jobs[i].State == JobRunning {
			running = &st.Jobs[i]
			break
		}
	}
	switch {
	case st.ConfigPath == "":
		return StateUnconfigured, "No configuration yet"
	case running != nil:
		text := running.Account + ": syncing"
		if running.Folder != "" {
			text += " " + running.Folder
		}
		if running.Total > 0 {
			text += fmt.Sprintf(" (%d/%d)", running.Done, running.Total)
		}
		return StateSyncing, text
	case st.Paused && st.PausedUntil.IsZero():
		return StatePaused, "Paused"
	case st.Paused:
		return StatePaused, "Paused until " + clock(st.PausedUntil)
	}
	for _, p := range st.Problems {
		if p.Severity == health.Error {
			text := map[health.Code]string{
				health.PasswordNeeded: "password needed", health.TLSUntrusted: "certificate not trusted",
				health.Held: "a plan waits for approval", health.DiskTrouble: "trouble with the disk",
				health.ConfigError: "not run because of the configuration", health.ConfigRejected: "Configuration not accepted",
			}[p.Code]
			if p.Account != "" {
				text = p.Account + ": " + text
			}
			return StateDegraded, text
		}
	}
	if !st.Online {
		return StateOffline, "No server can be reached" + last(st)
	}
	for _, p := range st.Problems {
		return StateDegraded, p.Account + ": " + map[health.Code]string{
			health.ServerUnreachable: "server cannot be reached", health.RunFailing: "runs fail",
			health.ItemsFailing: "some mails are not in step", health.AccountBusy: "in use by another program",
		}[p.Code] + last(st)
	}
	n := 0
	for _, a := range st.Accounts {
		if a.Enabled {
			n++
		}
	}
	accounts := fmt.Sprintf("%d accounts", n)
	if n == 1 {
		accounts = "1 account"
	}
	return StateIdle, accounts + last(st)
}

func last(st *Status) string {
	if st.LastSync.IsZero() {
		return ""
	}
	return ", last sync " + clock(st.LastSync)
}

// clock gives the time of day where that is enough.
func clock(t time.Time) string {
	t = t.Local()
	if y, m, d := time.Now().Date(); t.Year() == y && t.Month() == m && t.Day() == d {
		return t.Format("15:04")
	}
	return t.Format("2006-01-02 15:04")
}
