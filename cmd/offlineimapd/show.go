package main

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/term"

	"github.com/offlineimap/offlineimapd/internal/config"
	"github.com/offlineimap/offlineimapd/service"
	"github.com/offlineimap/offlineimapd/sync/engine"
	"github.com/offlineimap/offlineimapd/sync/imap/dial"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// show is everything a person sees of a run. Results go to standard output,
// what needs attention and progress to standard error. Accounts that run at
// once share it.
type show struct {
	o              options
	stdout, stderr io.Writer
	several        bool // accounts: what a person says must name one of them

	mu       sync.Mutex
	progress *progress // nil where standard error is no terminal
}

func newShow(o options, stdout, stderr io.Writer) *show {
	s := &show{o: o, stdout: stdout, stderr: stderr}
	if f, ok := stderr.(*os.File); ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb" {
		s.progress = &progress{w: stderr, width: func() int {
			if w, _, err := term.GetSize(int(f.Fd())); err == nil {
				return w
			}
			return 80
		}}
	}
	return s
}

func showConfig(w io.Writer, ps []config.Problem) {
	for _, p := range ps {
		fmt.Fprintf(w, "offlineimapd: %s: %s\n", p.Severity, p)
		if p.Hint != "" {
			fmt.Fprintf(w, "hint: %s\n", plain(p.Hint))
		}
	}
}

// note tells something about an account while others may still run.
func (s *show) note(account, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
	fmt.Fprintf(s.stderr, "%s: %s\n", plain(account), plain(text))
}

func (s *show) clear() {
	if s.progress != nil {
		s.progress.clear()
	}
}

func (s *show) event(account string, e engine.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.progress != nil {
		s.progress.event(account, e)
	}
}

// report shows what became of one account.
func (s *show) report(r *engine.Report) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
	for _, n := range r.Notes {
		fmt.Fprintf(s.stderr, "%s: %s\n", plain(r.Account), plain(n))
	}
	for _, p := range r.Problems {
		s.problem(r.Account, "", p)
	}
	heldAlike := map[string]bool{}
	for _, f := range r.Folders {
		if f.Hold != nil {
			text := f.Hold.String()
			if s.several {
				text = strings.ReplaceAll(text, "--approve ", "--approve "+r.Account+"/")
			}
			if !heldAlike[text] {
				heldAlike[text] = true
				for line := range strings.SplitSeq(text, "\n") {
					fmt.Fprintf(s.stderr, "%s: held: %s\n", plain(r.Account), plain(line))
				}
			}
		}
		for _, n := range f.Notes {
			fmt.Fprintf(s.stderr, "%s/%s: %s\n", plain(r.Account), plain(f.Name), plain(n))
		}
		for _, p := range f.Problems {
			s.problem(r.Account, f.Name, p)
		}
	}
	if s.o.json {
		return
	}
	if r.DryRun {
		s.plan(r)
	}
	fmt.Fprintf(s.stdout, "%s: %s\n", plain(r.Account), service.Summary(r))
}

func (s *show) problem(account, folder string, p engine.Problem) {
	where := plain(account)
	if folder != "" {
		where += "/" + plain(folder)
	}
	fmt.Fprintf(s.stderr, "%s: %s\n", where, plain(p.Text))
	if p.Hint != "" {
		fmt.Fprintf(s.stderr, "hint: %s\n", plain(p.Hint))
	}
}

// plan lists what a dry run found to do, folder by folder and side by side.
func (s *show) plan(r *engine.Report) {
	for _, f := range r.Folders {
		if f.Result != engine.Planned {
			continue
		}
		fmt.Fprintf(s.stdout, "%s/%s\n", plain(r.Account), plain(f.Name))
		c, p := f.Counts, f.Plan
		if p == nil {
			p = &engine.Plan{}
		}
		line := func(side string, parts ...string) {
			var said []string
			for _, t := range parts {
				if t != "" {
					said = append(said, t)
				}
			}
			if len(said) == 0 {
				said = []string{"nothing"}
			}
			fmt.Fprintf(s.stdout, "  %-10s %s\n", side, strings.Join(said, "; "))
		}
		line("to local:", made(f.CreatedLocal), would(c.Downloaded, "download", p.Download),
			would(c.FlagsLocal, "change the flags of", p.FlagsLocal), would(c.RemovedLocal, "remove", p.RemoveLocal))
		line("to server:", made(f.CreatedRemote), would(c.Uploaded, "upload", ""),
			would(c.FlagsRemote, "change the flags of", p.FlagsRemote), would(c.RemovedRemote, "remove", p.RemoveRemote))
		for _, k := range p.Upload {
			fmt.Fprintf(s.stdout, "             upload %s\n", plain(k))
		}
	}
}

func made(b bool) string {
	if b {
		return "create the folder"
	}
	return ""
}

// longSet is how much of a long list of UIDs a person wants to see (octets).
const longSet = 60

func would(n int, verb, uids string) string {
	if n == 0 {
		return ""
	}
	if len(uids) > longSet {
		uids = uids[:longSet] + "…"
	}
	if uids != "" {
		uids = " (UID " + uids + ")"
	}
	return fmt.Sprintf("%s %s%s", verb, mails(n), uids)
}

func mails(n int) string {
	if n == 1 {
		return "1 mail"
	}
	return fmt.Sprintf("%d mails", n)
}

// document is what --json prints. Fields are only ever added.
type document struct {
	Version  int              `json:"version"`
	Status   int              `json:"status"`
	Accounts []*engine.Report `json:"accounts"`
}

// finish prints the document and derives the exit status.
func (s *show) finish(reports []*engine.Report) int {
	status := exitOK
	for _, r := range reports {
		switch {
		case r.Result == engine.Failed && misconfigured(r):
			status = max(status, exitConfig)
		case r.Result == engine.Failed:
			status = exitError
		case r.Result == engine.Held && status == exitOK:
			status = exitHeld
		}
	}
	if status == exitConfig && len(reports) > 1 {
		status = exitError // others did run
	}
	if s.o.json {
		e := json.NewEncoder(s.stdout)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		if err := e.Encode(document{1, status, reports}); err != nil {
			fmt.Fprintf(s.stderr, "offlineimapd: write the report: %v\n", err)
			return exitError
		}
	}
	return status
}

// misconfigured tells whether an account could not even begin, for a reason
// that stands in the configuration.
func misconfigured(r *engine.Report) bool {
	if len(r.Folders) > 0 || len(r.Problems) != 1 || r.Problems[0].Class != store.Config.String() {
		return false
	}
	// A certificate that is not trusted may be the server's fault.
	var (
		pin    *dial.PinError
		verify *tls.CertificateVerificationError
	)
	return !errors.As(r.Problems[0].Err, &pin) && !errors.As(r.Problems[0].Err, &verify)
}

// plain makes a text that came from a server safe for a terminal.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}
