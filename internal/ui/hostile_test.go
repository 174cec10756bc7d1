package ui

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/offlineimap/offlineimapd/sync/engine"
	"github.com/offlineimap/offlineimapd/sync/guard"
	"github.com/offlineimap/offlineimapd/sync/mail"
)

// Whatever a server says, no terminal obeys it, and no line of ours is forged.
func TestHostileTexts(t *testing.T) {
	const forged = "*** Finished account 'A' in 0:07"
	for _, bad := range []string{
		"\n" + forged, "\r\n" + forged + "\n", "\x1b]0;title\a\x1b[2J", "\u202egnorw", "\xff\xfe\x00", "a\u2028b\u0085c", "\x9b31m", "%0A:msg:acctdone:",
	} {
		for _, name := range []string{"basic", "ttyui", "machineui"} {
			var out bytes.Buffer
			log := filepath.Join(t.TempDir(), "log")
			u, err := Open(Options{Name: name, Stdout: &out, Stderr: &out, Version: "1", LogFile: log, Args: []string{bad}})
			if err != nil {
				t.Fatal(err)
			}
			a := u.Account("A"+bad, Repo{"L" + bad, "Maildir"}, Repo{"R" + bad, "IMAP"})
			a.Begin()
			a.Connecting("host"+bad, 1)
			a.Tunnel("tunnel" + bad)
			for kind := engine.FolderStarted; kind <= engine.FolderReplaced; kind++ {
				e := engine.Event{Kind: engine.FolderEntered, Folder: "F" + bad, Local: "L" + bad, Visible: "V" + bad}
				a.Event(e)
				e.Kind, e.Side, e.UIDs, e.Done, e.Total, e.Flags, e.Was, e.Is = kind, guard.Local, mail.SetOf(1), 1, 1, mail.Seen, 1, 2
				a.Event(e)
				e.Planned = true
				a.Event(e)
			}
			a.Warn("text" + bad)
			p := []engine.Problem{{Class: "refused", Text: "text" + bad, Hint: "hint" + bad}, {Class: "cancelled", Text: bad}}
			a.Report(&engine.Report{
				Notes: []string{bad}, Problems: p,
				Folders: []engine.Folder{
					{Name: "F" + bad, Notes: []string{bad}, Problems: p, Adopted: &engine.Adoption{Mails: 1, File: bad}},
					{Name: "G" + bad, Result: engine.Skipped, Problems: p},
					{Name: "H" + bad, Hold: &guard.Hold{Reasons: []guard.Reason{{Text: bad}}, Token: bad, Ask: "run again with --approve " + bad}},
				},
			})
			a.Close()
			u.Warn("text" + bad)
			u.Error("context"+bad, fmt.Errorf("error%s", bad))
			u.Finish(1)
			b, err := os.ReadFile(log)
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range []string{out.String(), string(b)} {
				if safe(text) != text || !utf8.ValidString(text) {
					t.Fatalf("%s: %q is obeyed: %q", name, bad, text)
				}
				for line := range strings.SplitSeq(text, "\n") {
					if line == forged || line == " "+forged || strings.HasPrefix(line, "msg:acctdone") {
						t.Fatalf("%s: %q forges a line: %s", name, bad, text)
					}
				}
			}
		}
	}
}

// While a person is asked, others may say as much as they like: nothing of it is
// lost, and memory is not either.
func TestMuchWhileAsking(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	out := &buffer{}
	a := opened(t, Options{Stdin: r, Stdout: out, Stderr: out})
	c := asked(t.Context(), a, "me", false)
	for range 1000 {
		if strings.Contains(out.String(), "Enter password") {
			break
		}
		time.Sleep(time.Millisecond)
	}
	const lines = 2000
	for range lines {
		a.Info(strings.Repeat("x", 1000))
	}
	if strings.Count(out.String(), "xxx\n") > lines/2 {
		t.Error("the question is torn apart")
	}
	if _, err := io.WriteString(w, "geheim\n"); err != nil {
		t.Fatal(err)
	}
	if got := <-c; got.secret != "geheim" {
		t.Errorf("got %q, %v", got.secret, got.err)
	}
	if n := strings.Count(out.String(), "xxx\n"); n != lines {
		t.Errorf("%d lines of %d", n, lines)
	}
}

// Errors without end have a summary with one.
func TestManyErrors(t *testing.T) {
	var out bytes.Buffer
	a := opened(t, Options{Name: "quiet", Stdout: &out, Stderr: &out})
	for i := range 1000 {
		a.Error("", fmt.Errorf("error %d", i))
		a.Error("", fmt.Errorf("the same"))
	}
	out.Reset()
	a.u.Finish(1)
	if n := strings.Count(out.String(), "ERROR: error "); n != failuresMost-1 || !strings.Contains(out.String(), "ERROR: the same\n  (1000 times)\n") ||
		!strings.HasSuffix(out.String(), "and 901 more\n") {
		t.Errorf("%d errors: %s", n, &out)
	}
	a.Error("", fmt.Errorf("after the end"))
	a.u.Finish(1)
	if strings.Contains(out.String(), "after the end") {
		t.Error("something is said after the end")
	}
}
