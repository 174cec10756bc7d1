package engine

import (
	"time"

	"github.com/offlineimap/offlineimapd/sync/guard"
	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/merge"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// Result says how a folder, or a whole run, ended.
type Result string

// The results. A run has the gravest of its folders' results.
const (
	Unchanged Result = "unchanged" // nothing to do
	Synced    Result = "synced"    // both sides are in step
	Planned   Result = "planned"   // dry run: there would be something to do
	Skipped   Result = "skipped"   // not ours to sync, for the reason given
	Held      Result = "held"      // parked by the guard: a person is asked
	Failed    Result = "failed"    // something went wrong; the rest is in step
)

func (r Result) gravity() int {
	switch r {
	case Failed:
		return 4
	case Held:
		return 3
	case Planned:
		return 2
	case Synced:
		return 1
	}
	return 0
}

// Problem is something that did not work: what, why, and what to do.
type Problem struct {
	Class string   `json:"class"` // of store.Class
	Text  string   `json:"text"`
	Hint  string   `json:"hint,omitempty"`
	UID   mail.UID `json:"uid,omitempty"`
	Err   error    `json:"-"` // what Text is the text of, for errors.Is and errors.As
}

func problem(err error) Problem {
	p := Problem{Class: store.ClassOf(err).String(), Text: err.Error(), Err: err}
	for e := err; e != nil; {
		if se, ok := e.(*store.Error); ok && se.Hint != "" {
			p.Hint = se.Hint
		}
		u, ok := e.(interface{ Unwrap() error })
		if !ok {
			break
		}
		e = u.Unwrap()
	}
	return p
}

// Counts are what a folder's run did or, in a dry run, would do.
type Counts struct {
	Downloaded    int   `json:"downloaded"`
	Uploaded      int   `json:"uploaded"`
	FlagsLocal    int   `json:"flags_local"`
	FlagsRemote   int   `json:"flags_remote"`
	RemovedLocal  int   `json:"removed_local"`
	RemovedRemote int   `json:"removed_remote"`
	Paired        int   `json:"paired"` // found on both sides without a record, and kept as one
	Bytes         int64 `json:"bytes"`  // of bodies, both ways
}

func (c *Counts) add(d Counts) {
	c.Downloaded += d.Downloaded
	c.Uploaded += d.Uploaded
	c.FlagsLocal += d.FlagsLocal
	c.FlagsRemote += d.FlagsRemote
	c.RemovedLocal += d.RemovedLocal
	c.RemovedRemote += d.RemovedRemote
	c.Paired += d.Paired
	c.Bytes += d.Bytes
}

// Any tells whether there is anything but bytes in c.
func (c Counts) Any() bool {
	c.Bytes = 0
	return c != Counts{}
}

// Folder is the report on one mailbox.
type Folder struct {
	Name          string      `json:"name"` // the remote name, for people
	Local         string      `json:"local"`
	Result        Result      `json:"result"`
	CreatedLocal  bool        `json:"created_local,omitempty"`
	CreatedRemote bool        `json:"created_remote,omitempty"`
	Counts        Counts      `json:"counts"`
	Plan          *Plan       `json:"plan,omitempty"` // of a dry run
	Hold          *guard.Hold `json:"hold,omitempty"`
	Adopted       *Adoption   `json:"adopted,omitempty"` // from another program's state
	Problems      []Problem   `json:"problems,omitempty"`
	Notes         []string    `json:"notes,omitempty"` // worth knowing, nothing failed
	// New are mails that this run brought from the server, and that are neither
	// read nor marked as deleted: not those of a first comparison, nor of the rest
	// of one that was cut off. Ascending.
	New []mail.UID `json:"-"`
	// Unseen counts the mails that this run brought from the server, and that are
	// neither read nor marked as deleted, those of a first comparison too.
	Unseen int `json:"-"`
}

// Plan spells out what a dry run would have done. UIDs stand as an IMAP
// sequence-set, local mails without one by their file names.
type Plan struct {
	Download     string   `json:"download,omitempty"`
	Upload       []string `json:"upload,omitempty"`
	UploadAgain  string   `json:"upload_again,omitempty"` // local mails with a UID that the server does not know
	FlagsLocal   string   `json:"flags_local,omitempty"`
	FlagsRemote  string   `json:"flags_remote,omitempty"`
	RemoveLocal  string   `json:"remove_local,omitempty"`
	RemoveRemote string   `json:"remove_remote,omitempty"`
}

func spell(p *merge.Plan) *Plan {
	out := &Plan{
		Download: entrySet(p.Download), UploadAgain: entrySet(p.Reupload),
		FlagsLocal: changeSet(p.LocalFlags), FlagsRemote: changeSet(p.RemoteFlags),
		RemoveLocal: mail.SetOf(p.RemoveLocal...).String(), RemoveRemote: mail.SetOf(p.RemoveRemote...).String(),
	}
	for _, m := range p.Upload {
		out.Upload = append(out.Upload, m.Key)
	}
	return out
}

func entrySet(es []mail.Entry) string {
	var s mail.Set
	for _, e := range es {
		s.Append(e.UID, e.UID)
	}
	return s.String()
}

func changeSet(cs []mail.FlagChange) string {
	var s mail.Set
	for _, c := range cs {
		s.Append(c.UID, c.UID)
	}
	return s.String()
}

// Report is what a run did.
type Report struct {
	Account  string        `json:"account"`
	DryRun   bool          `json:"dry_run,omitempty"`
	Result   Result        `json:"result"`
	Started  time.Time     `json:"started"`
	Duration time.Duration `json:"-"`
	Seconds  float64       `json:"seconds"`
	Counts   Counts        `json:"counts"`
	Folders  []Folder      `json:"folders"`
	Problems []Problem     `json:"problems,omitempty"` // of the account as a whole
	Notes    []string      `json:"notes,omitempty"`    // worth knowing, nothing to do
}

func (r *Report) finish(now time.Time) {
	r.Duration = now.Sub(r.Started)
	r.Seconds = r.Duration.Seconds()
	r.Result = Unchanged
	for i := range r.Folders {
		f := &r.Folders[i]
		r.Counts.add(f.Counts)
		if f.Result.gravity() > r.Result.gravity() {
			r.Result = f.Result
		}
	}
	if len(r.Problems) > 0 {
		r.Result = Failed
	}
}

// NotStarted is the report of a run that could not begin.
func NotStarted(account string, started time.Time, err error) *Report {
	r := &Report{Account: account, Started: started, Problems: []Problem{problem(err)}}
	r.finish(started)
	return r
}
