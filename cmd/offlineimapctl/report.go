package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/offlineimap/offlineimapd/cmd/offlineimapctl/term"
	"github.com/offlineimap/offlineimapd/dbus/api"
	"github.com/offlineimap/offlineimapd/dbus/client"
)

// report is what of a job's document is shown.
type report struct {
	DryRun   bool           `json:"dry_run"`
	Counts   counts         `json:"counts"`
	Folders  []reportFolder `json:"folders"`
	Problems []reportItem   `json:"problems"`
	Notes    []string       `json:"notes"`
}

type reportFolder struct {
	Name          string `json:"name"`
	Result        string `json:"result"`
	CreatedLocal  bool   `json:"created_local"`
	CreatedRemote bool   `json:"created_remote"`
	Counts        counts `json:"counts"`
	Plan          *plan  `json:"plan"`
	Hold          *struct {
		Token   string `json:"token"`
		Reasons []struct {
			Text string `json:"text"`
		} `json:"reasons"`
	} `json:"hold"`
	Problems []reportItem `json:"problems"`
	Notes    []string     `json:"notes"`
}

type reportItem struct {
	Text string `json:"text"`
	Hint string `json:"hint"`
}

type counts struct {
	Downloaded    int `json:"downloaded"`
	Uploaded      int `json:"uploaded"`
	FlagsLocal    int `json:"flags_local"`
	FlagsRemote   int `json:"flags_remote"`
	RemovedLocal  int `json:"removed_local"`
	RemovedRemote int `json:"removed_remote"`
	Paired        int `json:"paired"`
}

type plan struct {
	Download     string   `json:"download"`
	Upload       []string `json:"upload"`
	UploadAgain  string   `json:"upload_again"`
	FlagsLocal   string   `json:"flags_local"`
	FlagsRemote  string   `json:"flags_remote"`
	RemoveLocal  string   `json:"remove_local"`
	RemoveRemote string   `json:"remove_remote"`
}

// read takes a job's document apart; a job that did not come to run has none.
func readReport(j *client.Job) *report {
	var r report
	if j.Report.Document == "" || json.Unmarshal([]byte(j.Report.Document), &r) != nil {
		return nil
	}
	return &r
}

// heldTexts returns what the daemon says of plans that wait, by token: how to
// approve them through it, which the report of a run does not know.
func heldTexts(ctx context.Context, c *client.Client) map[string]string {
	texts := map[string]string{}
	if d, err := c.Describe(ctx); err == nil {
		for _, acc := range d.Accounts {
			for _, h := range acc.Holds {
				texts[h.Token] = h.Text
			}
		}
	}
	return texts
}

// result shows how a job ended: a line on standard output, what needs attention
// on standard error.
func (a *app) result(ctx context.Context, c *client.Client, j *client.Job) {
	r := readReport(j)
	if r != nil {
		var held map[string]string
		if slices.ContainsFunc(r.Folders, func(f reportFolder) bool { return f.Hold != nil }) {
			held = heldTexts(ctx, c)
		}
		a.attention(j, r, held)
		if j.Kind == "dry-run" || r.DryRun {
			a.plan(j.Account, r)
		}
	}
	var text string
	switch j.Result {
	case "done", "partial", "halted":
		text = summary(j, r)
		if r == nil && j.Error != nil {
			text = j.Result + ": " + j.Error.Text
		}
	default:
		text = j.Result
		if j.Error != nil && j.Error.Text != "" {
			text += ": " + j.Error.Text
		}
	}
	lines := term.Lines(text)
	a.say("%s%s: %s\n", a.Style.Mark(colours[j.Result]), j.Account, lines[0])
	for _, l := range lines[1:] {
		a.say("%s\n", l)
	}
	if j.Error != nil && j.Error.Hint != "" {
		a.hint(j.Error.Hint)
	} else if j.Result == "halted" {
		a.hint("offlineimapctl approve " + j.Account + " shows it, and asks")
	}
}

func (a *app) hint(text string) {
	for _, l := range term.Lines(text) {
		a.note("hint: %s\n", l)
	}
}

// attention shows what did not work, and what is held, by folder.
func (a *app) attention(j *client.Job, r *report, held map[string]string) {
	for _, n := range r.Notes {
		a.note("%s: %s\n", j.Account, n)
	}
	for _, p := range r.Problems {
		if j.Error == nil || p.Text != j.Error.Text { // else it is the result
			a.item(j.Account, "", p)
		}
	}
	alike := map[string]bool{}
	for _, f := range r.Folders {
		if f.Hold != nil {
			var texts []string
			for _, reason := range f.Hold.Reasons {
				texts = append(texts, reason.Text)
			}
			text, ok := held[f.Hold.Token]
			if !ok {
				text = strings.Join(texts, "\n")
			}
			// A hold of the whole account stands with each of its folders.
			if !alike[text] {
				alike[text] = true
				for _, l := range term.Lines(text) {
					a.note("%s: held: %s\n", j.Account, l)
				}
			}
		}
		for _, n := range f.Notes {
			a.note("%s/%s: %s\n", j.Account, f.Name, n)
		}
		for _, p := range f.Problems {
			a.item(j.Account, f.Name, p)
		}
	}
}

func (a *app) item(account, folder string, p reportItem) {
	where := account
	if folder != "" {
		where += "/" + folder
	}
	for _, l := range term.Lines(p.Text) {
		a.note("%s: %s\n", where, l)
	}
	if p.Hint != "" {
		a.hint(p.Hint)
	}
}

// plan lists what a dry run found to do, folder by folder and side by side.
func (a *app) plan(account string, r *report) {
	for _, f := range r.Folders {
		if f.Result != "planned" {
			continue
		}
		p := f.Plan
		if p == nil {
			p = &plan{}
		}
		a.say("%s/%s\n", account, f.Name)
		a.side("to local:", created(f.CreatedLocal), would(f.Counts.Downloaded, "download", p.Download),
			would(f.Counts.FlagsLocal, "change the flags of", p.FlagsLocal), would(f.Counts.RemovedLocal, "remove", p.RemoveLocal))
		a.side("to server:", created(f.CreatedRemote), would(f.Counts.Uploaded, "upload", p.UploadAgain),
			would(f.Counts.FlagsRemote, "change the flags of", p.FlagsRemote), would(f.Counts.RemovedRemote, "remove", p.RemoveRemote))
		for _, file := range p.Upload {
			a.say("             upload %s\n", file)
		}
	}
}

func (a *app) side(to string, parts ...string) {
	parts = slices.DeleteFunc(parts, func(s string) bool { return s == "" })
	if len(parts) == 0 {
		parts = []string{"nothing"}
	}
	a.say("  %-10s %s\n", to, strings.Join(parts, "; "))
}

func created(yes bool) string {
	if yes {
		return "create the folder"
	}
	return ""
}

// longSet is how much of a long list of UIDs a person wants to see (columns).
const longSet = 60

func would(n int, verb, uids string) string {
	if n == 0 {
		return ""
	}
	if uids != "" {
		uids = " (UID " + term.Cut(uids, longSet) + ")"
	}
	return verb + " " + term.Count(n, "mail") + uids
}

// summary is what a run did, in one line.
func summary(j *client.Job, r *report) string {
	n := j.Report
	dry := j.Kind == "dry-run"
	var parts []string
	for _, p := range []struct {
		n          uint64
		done, todo string
	}{
		{n.Downloaded, "downloaded", "to download"}, {n.Uploaded, "uploaded", "to upload"},
		{n.Paired, "found on both sides", "found on both sides"},
		{n.FlagsLocal, "reflagged here", "to reflag here"}, {n.FlagsRemote, "reflagged on the server", "to reflag on the server"},
		{n.RemovedLocal, "removed here", "to remove here"}, {n.RemovedRemote, "removed on the server", "to remove on the server"},
	} {
		word := p.done
		if dry {
			word = p.todo
		}
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, word))
		}
	}
	if len(parts) == 0 {
		parts = append(parts, "nothing to do")
		if j.Result == "done" && !dry {
			parts[0] = "in step, nothing to do"
		}
	}
	if r != nil {
		how := map[string]int{}
		for _, f := range r.Folders {
			how[f.Result]++
		}
		for _, p := range []struct{ result, text string }{{"held", "held"}, {"failed", "with problems"}, {"skipped", "not synced"}} {
			if how[p.result] > 0 {
				parts = append(parts, term.Count(how[p.result], "folder")+" "+p.text)
			}
		}
	}
	if dry {
		parts = append(parts, "dry run: nothing was changed")
	}
	parts = append(parts, "of "+term.Count(int(n.Folders), "folder"), took(n.Seconds))
	return strings.Join(parts, ", ")
}

func took(seconds float64) string {
	return time.Duration(seconds * float64(time.Second)).Round(10 * time.Millisecond).String()
}

// jobResult is a job that has ended, in a document.
type jobResult struct {
	api.Job
	Report json.RawMessage `json:"report,omitempty"`
}

type resultDocument struct {
	Version int         `json:"version"`
	Jobs    []jobResult `json:"jobs"`
}

// resultDocument has what the daemon still knows of the jobs, some of which is
// not on their objects.
func (a *app) resultDocument(ctx context.Context, c *client.Client, jobs []*client.Job) resultDocument {
	known := map[uint32]api.Job{}
	if d, err := c.Describe(ctx); err == nil {
		for _, j := range d.Jobs {
			known[j.ID] = j
		}
	}
	out := resultDocument{1, []jobResult{}}
	for _, j := range jobs {
		r := jobResult{Job: j.Job}
		if k, ok := known[j.ID]; ok && k.State == "finished" {
			r.Job = k
		}
		if json.Valid([]byte(j.Report.Document)) {
			r.Report = json.RawMessage(j.Report.Document)
		}
		out.Jobs = append(out.Jobs, r)
	}
	return out
}
