package ui

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/offlineimap/offlineimapd/sync/engine"
	"github.com/offlineimap/offlineimapd/sync/guard"
	"github.com/offlineimap/offlineimapd/sync/mail"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Accounts that run at once speak line by line, and each line below who said it.
func TestSeveralAccounts(t *testing.T) {
	const accounts, slices, each = 8, 50, 4
	for _, name := range []string{"ttyui", "machineui"} {
		var out bytes.Buffer
		u, err := Open(Options{Name: name, Stdout: &out, Stderr: &out, LogFile: filepath.Join(t.TempDir(), "log")})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for i := range accounts {
			wg.Go(func() {
				n := fmt.Sprintf("A%d", i)
				a := u.Account(n, Repo{"L" + n, "Maildir"}, Repo{"R" + n, "IMAP"})
				a.Begin()
				e := engine.Event{Folder: "F" + n, Local: "F" + n, Visible: "F" + n}
				e.Kind = engine.FolderEntered
				a.Event(e)
				e.Kind, e.Side, e.Done, e.Total = engine.FolderProgress, guard.Local, each, slices*each
				for s := range slices {
					first := mail.UID(s*each + 1)
					e.UIDs = mail.SetOfRanges(mail.Range{First: first, Last: first + each - 1})
					a.Event(e)
				}
				e.Kind = engine.FolderEnded
				a.Event(e)
				a.Report(&engine.Report{Problems: []engine.Problem{{Class: "offline", Text: "no line to " + n}}})
				a.Done(0)
				a.Close()
			})
		}
		wg.Wait()
		u.Finish(1)
		if n := strings.Count(out.String(), "copyingmessage") + strings.Count(out.String(), "Copy message"); n != accounts*slices*each {
			t.Errorf("%s: %d mails of %d", name, n, accounts*slices*each)
		}
		if name != "ttyui" {
			continue
		}
		who := ""
		for line := range strings.SplitSeq(out.String(), "\n") {
			switch {
			case strings.HasPrefix(line, "Folder ") || strings.HasPrefix(line, "Account "):
				who = strings.TrimSuffix(line[strings.LastIndexAny(line, " ")+1:], ":")
				who = strings.TrimSuffix(who, "]")
			case strings.HasPrefix(line, " Copy message") && !strings.Contains(line, "R"+who+":F"+who+" -> "):
				t.Fatalf("%q is said by %q", line, who)
			}
		}
		if n := strings.Count(out.String(), "\n  no line to A"); n != 2*accounts {
			t.Errorf("%d errors, told and summed up, of %d", n, 2*accounts)
		}
	}
}

func BenchmarkCopies(b *testing.B) {
	for _, name := range []string{"basic", "quiet"} {
		b.Run(name, func(b *testing.B) {
			u, err := Open(Options{Name: name, Stdout: io.Discard, Stderr: io.Discard})
			if err != nil {
				b.Fatal(err)
			}
			a := u.Account("A", Repo{"L", "Maildir"}, Repo{"R", "IMAP"})
			e := engine.Event{Kind: engine.FolderEntered, Folder: "INBOX", Local: "INBOX", Visible: "INBOX"}
			a.Event(e)
			e.Kind, e.Side, e.Done, e.Total = engine.FolderProgress, guard.Local, 32, 200000
			e.UIDs = mail.SetOfRanges(mail.Range{First: 1000, Last: 1031})
			b.ReportAllocs()
			for b.Loop() {
				a.Event(e)
			}
		})
	}
}
