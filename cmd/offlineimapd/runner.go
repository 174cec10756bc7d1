package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/offlineimap/offlineimapd/internal/config"
	"github.com/offlineimap/offlineimapd/internal/hook"
	"github.com/offlineimap/offlineimapd/internal/python"
	"github.com/offlineimap/offlineimapd/service"
	"github.com/offlineimap/offlineimapd/sync/engine"
	"github.com/offlineimap/offlineimapd/sync/imap/dial"
	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/names"
	"github.com/offlineimap/offlineimapd/sync/state"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// runner makes the runs of one account for the service, which has one made at a
// time. What it remembers between them is in nobody else's hands.
type runner struct {
	cfg      *config.Config
	account  *config.Account
	names    *atomic.Uint64
	python   *python.Evaluator
	list     *mailboxList
	remarked map[string]bool // work.remarked
	changes  *hook.Changes
	patience time.Duration
	trace    func(dir byte, line string) // imap.Options.Log

	bearer bearer

	kept    string            // what remotepasseval gave, and no server has refused
	refused [sha256.Size]byte // of the password that the server refused last
	refusal error             // nil: none was refused
	folders map[int64]tallied
	arrived map[int64]mail.Set // mails that runs brought, and that nobody had seen yet
}

// tallied is a folder, and what the base said of it when it was counted.
type tallied struct {
	service.Folder
	count         int
	remote, local mail.Stamp
}

// mostArrived bounds how many new mails of a folder are watched for being read.
const mostArrived = 100_000

// settling is how long the state may be read after a run.
const settling = 300 * time.Millisecond

// Run makes a run.
func (r *runner) Run(ctx context.Context, o service.Order) (*service.Outcome, error) {
	started := time.Now()
	secret, err := r.secret(ctx, o)
	if err != nil {
		return &service.Outcome{Report: engine.NotStarted(r.account.Name, started, err)}, err
	}
	out := &service.Outcome{}
	if r.remarked == nil {
		r.remarked = map[string]bool{}
	}
	out.Report, err = work{
		cfg: r.cfg, account: r.account, names: r.names, python: r.python, list: r.list, remarked: r.remarked, changes: r.changes, patience: r.patience,
		tokens: o.Approve, only: o.Folders, full: o.Kind == service.KindFull,
		dryRun:      o.Kind == service.KindDryRun || r.cfg.General.DryRun,
		connections: o.Connections, trace: r.trace, bearer: &r.bearer,
		secret:  func(context.Context) (string, error) { return secret, nil },
		observe: o.Observe, note: o.Note,
		settled: func(ctx context.Context, db *state.DB, report *engine.Report) { r.settle(ctx, db, report, out) },
	}.run(ctx)
	if r.account.Remote.IMAP.PassEval.Source != "" {
		r.kept = secret // a helper may ask a person: not for each try without a network
	}
	if store.ClassOf(err) == store.Auth && !passwordless(r.account.Remote.IMAP) {
		r.kept = ""
		r.refused, r.refusal = sha256.Sum256([]byte(secret)), r.coded(err)
	}
	return out, r.coded(err)
}

// secret returns what to log in with. Where only the clock asks, a password that
// was refused is not tried again: that locks accounts.
func (r *runner) secret(ctx context.Context, o service.Order) (string, error) {
	m := r.account.Remote.IMAP
	if m.PreauthTunnel != "" || passwordless(m) {
		return "", nil
	}
	secret := cmp.Or(o.Secret, r.kept)
	if secret == "" {
		var err error
		if secret, err = password(r.python, m)(ctx); ctx.Err() != nil {
			return "", err // it was canceled, and says nothing about the password
		} else if err != nil {
			hint := "offlineimapctl sync " + r.account.Name + " asks for it on a terminal; "
			switch {
			case m.PassEval.Source != "":
				hint += "or mend remotepasseval"
			case m.Password.File != "":
				hint += "or mend the file that remotepassfile names"
			default:
				hint += "or write remotepassfile = FILE into the remote repository"
			}
			return "", &service.Error{Code: service.CredentialsUnavailable, Err: err, Hint: hint}
		}
	}
	if r.refusal != nil && o.Trigger == service.TriggerTimer && r.refused == sha256.Sum256([]byte(secret)) {
		return "", r.refusal
	}
	return secret, nil
}

// Known returns the folders as the state has them, for a daemon that has not made
// a run yet. It reads a copy, and takes no lock.
func (r *runner) Known(ctx context.Context) []service.Folder {
	path, _, _ := places(r.cfg, r.account)
	if _, err := os.Stat(path); err != nil {
		return nil
	}
	db, err := state.Open(ctx, path, state.Options{Account: r.account.Name, ReadOnly: true})
	if err != nil {
		return nil // a run will say why
	}
	defer db.Close()
	known, err := db.Folders(ctx)
	if err != nil {
		return nil
	}
	out := []service.Folder{}
	for _, k := range known {
		f := service.Folder{Local: k.Local, Remote: names.Display(k.Remote)}
		if f.Messages, f.Unseen, err = db.Tally(ctx, k.ID); err != nil {
			return nil
		}
		out = append(out, f)
	}
	sortFolders(out)
	return out
}

func sortFolders(fs []service.Folder) {
	slices.SortFunc(fs, func(a, b service.Folder) int {
		if names.IsInbox(a.Remote) != names.IsInbox(b.Remote) {
			return map[bool]int{true: -1, false: 1}[names.IsInbox(a.Remote)]
		}
		return strings.Compare(a.Remote, b.Remote)
	})
}

// settle reads from the state what there is to tell of the folders, anew for
// those that the run changed.
func (r *runner) settle(ctx context.Context, db *state.DB, report *engine.Report, out *service.Outcome) {
	out.Recovered = db.Recovered()
	if report.DryRun {
		return
	}
	// What a run brought that was cut off is there all the same.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settling)
	defer cancel()
	known, err := db.Folders(ctx)
	if err != nil {
		return // the run has met the same
	}
	results := map[string]*engine.Folder{}
	for i := range report.Folders {
		results[report.Folders[i].Local] = &report.Folders[i]
	}
	before, arrived := r.folders, r.arrived
	r.folders, r.arrived = map[int64]tallied{}, map[int64]mail.Set{}
	for _, k := range known {
		f, ok := before[k.ID]
		res := results[k.Local]
		if res != nil && (res.Result == engine.Unchanged || res.Result == engine.Synced) {
			f.LastSync = report.Started.Add(report.Duration)
		}
		set := arrived[k.ID]
		// Another program may have worked on the account meanwhile.
		same := ok && f.count == k.Count && f.remote == k.RemoteStamp && f.local == k.LocalStamp
		if !same || res != nil && res.Result != engine.Unchanged {
			f.count, f.remote, f.local = k.Count, k.RemoteStamp, k.LocalStamp
			f.Local, f.Remote = k.Local, names.Display(k.Remote)
			if f.Messages, f.Unseen, err = db.Tally(ctx, k.ID); err != nil {
				return
			}
			if res != nil && len(res.New) > 0 {
				out.Fresh = append(out.Fresh, service.Fresh{Folder: f.Remote, Count: len(res.New)})
			}
			if set, err = r.stillUnseen(ctx, db, k.ID, set, res); err != nil {
				return
			}
		}
		r.folders[k.ID] = f
		if n := set.Len(); n > 0 {
			r.arrived[k.ID] = set
			out.Unseen += n
		}
		out.Folders = append(out.Folders, f.Folder)
	}
	if out.Folders == nil {
		out.Folders = []service.Folder{}
	}
	sortFolders(out.Folders)
}

// stillUnseen adds the new mails of a run to those watched, and leaves out what
// somebody has seen or removed.
func (r *runner) stillUnseen(ctx context.Context, db *state.DB, folder int64, set mail.Set, res *engine.Folder) (mail.Set, error) {
	var uids []mail.UID
	if res != nil {
		uids = res.New
	}
	for u := range set.All {
		uids = append(uids, u)
	}
	if len(uids) == 0 {
		return nil, nil
	}
	if len(uids) > mostArrived {
		slices.Sort(uids)
		uids = uids[len(uids)-mostArrived:]
	}
	rows, err := db.Lookup(ctx, folder, mail.SetOf(uids...))
	if err != nil {
		return nil, err
	}
	var left []mail.UID
	for _, e := range rows {
		if e.Flags&(mail.Seen|mail.Trashed) == 0 {
			left = append(left, e.UID)
		}
	}
	return mail.SetOf(left...), nil
}

// coded gives an error the code by which clients know it, where its class does
// not say enough.
func (r *runner) coded(err error) error {
	if err == nil {
		return nil
	}
	var (
		pin     *dial.PinError
		verify  *tls.CertificateVerificationError
		name    x509.HostnameError
		unknown x509.UnknownAuthorityError
	)
	e := &service.Error{Code: service.CodeOf(err), Err: err}
	switch {
	case errors.As(err, &pin), errors.As(err, &verify), errors.As(err, &name), errors.As(err, &unknown):
		e.Code = service.TLSUntrusted
	case errors.Is(err, state.ErrLocked):
		e.Code = service.StateLocked
	case errors.Is(err, engine.ErrNoFolder):
		e.Code = service.NoSuchFolder
	}
	var se *store.Error
	for cause := err; errors.As(cause, &se); cause = se.Err {
		if se.Hint != "" {
			e.Hint = se.Hint
		}
	}
	switch {
	case e.Code == service.NoSuchFolder:
		e.Hint = "offlineimapctl folders " + r.account.Name + " lists them"
	case e.Code == service.Offline && e.Hint == "":
		e.Hint = "offlineimapctl doctor " + r.account.Name
	}
	return e
}
