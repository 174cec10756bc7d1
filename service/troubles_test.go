package service

import (
	"strings"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/service/health"
)

// TestWhatPeopleAreTold: for each way an account can be, the problem that is
// raised, the state of the whole, and the line about it.
func TestWhatPeopleAreTold(t *testing.T) {
	y, m, d := time.Now().Date()
	noon := time.Date(y, m, d, 12, 4, 0, 0, time.Local)
	tests := []struct {
		name    string
		account Account
		problem health.Code
		state   State
		text    string
	}{
		{"in step", Account{State: AccountIdle, LastSync: noon}, "", StateIdle, "1 account, last sync 12:04"},
		{"never yet", Account{State: AccountIdle}, "", StateIdle, "1 account"},
		{"away for a moment", Account{State: AccountOffline, Failures: 1, LastError: Failure{Code: Offline}}, "", StateOffline, "No server can be reached"},
		{"away for long", Account{State: AccountOffline, Failures: 3, LastError: Failure{Code: Offline}, LastSync: noon}, health.ServerUnreachable, StateOffline, "No server can be reached, last sync 12:04"},
		{"wrong password", Account{State: AccountAuthRequired, Failures: 1, LastError: Failure{Code: AuthenticationFailed}}, health.PasswordNeeded, StateDegraded, "work: password needed"},
		{"no password", Account{State: AccountAuthRequired, Failures: 1, LastError: Failure{Code: CredentialsUnavailable}}, health.PasswordNeeded, StateDegraded, "work: password needed"},
		{"certificate", Account{State: AccountBackoff, Failures: 1, LastError: Failure{Code: TLSUntrusted}}, health.TLSUntrusted, StateDegraded, "work: certificate not trusted"},
		{"held", Account{State: AccountIdle, Holds: []Hold{{Token: "x"}}}, health.Held, StateDegraded, "work: a plan waits for approval"},
		{"disk", Account{State: AccountBackoff, Failures: 1, LastError: Failure{Code: Disk}}, health.DiskTrouble, StateDegraded, "work: trouble with the disk"},
		{"server trouble once", Account{State: AccountBackoff, Failures: 1, LastError: Failure{Code: ServerRefused}}, "", StateIdle, "1 account"},
		{"server trouble again and again", Account{State: AccountBackoff, Failures: 3, LastError: Failure{Code: ServerRefused}}, health.RunFailing, StateDegraded, "work: runs fail"},
		{"one bad mail", Account{State: AccountIdle, Failures: 1, LastResult: ResultPartial, LastError: Failure{Code: ServerRefused}}, "", StateIdle, "1 account"},
		{"one bad mail that stays", Account{State: AccountIdle, Failures: 3, LastResult: ResultPartial, LastError: Failure{Code: ServerRefused}}, health.ItemsFailing, StateDegraded, "work: some mails are not in step"},
		{"another program", Account{State: AccountBackoff, Failures: 3, LastError: Failure{Code: StateLocked}}, health.AccountBusy, StateDegraded, "work: in use by another program"},
		{"canceled", Account{State: AccountIdle, LastResult: ResultCanceled}, "", StateIdle, "1 account"},
	}
	for _, tt := range tests {
		a := tt.account
		a.Name, a.Enabled, a.LastStart = "work", true, noon
		st := &Status{ConfigPath: "/rc", Accounts: []Account{a}, LastSync: a.LastSync, Online: a.State != AccountOffline}
		st.Problems = troubles(st, &Setup{Path: "/rc", Accounts: []Spec{{Name: "work"}}}, nil)
		var got health.Code
		for _, p := range st.Problems {
			got = p.Code
			if p.Fix == "" {
				t.Errorf("%s: nothing is said about what to do", tt.name)
			}
		}
		if len(st.Problems) > 1 || got != tt.problem {
			t.Errorf("%s: problems %+v, want %q", tt.name, st.Problems, tt.problem)
		}
		if state, text := summarise(st); state != tt.state || text != tt.text {
			t.Errorf("%s: %s, %q; want %s, %q", tt.name, state, text, tt.state, tt.text)
		}
	}
	st := &Status{}
	st.Problems = troubles(st, &Setup{}, nil)
	if state, text := summarise(st); state != StateUnconfigured || !strings.Contains(text, "No configuration") || len(st.Problems) != 1 {
		t.Errorf("%s %q %+v", state, text, st.Problems)
	}
}
