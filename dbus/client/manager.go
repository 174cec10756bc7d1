package client

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/offlineimap/offlineimapd/dbus/api"
)

const manager = api.ManagerInterface + "."

// SyncOptions say what a run is to be like.
type SyncOptions struct {
	Folders      []string // only these, by their name here or on the server; none: all
	Full         bool     // look at everything
	DryRun       bool     // change nothing
	EvenIfPaused bool
	Reason       string // for the log
}

func (o SyncOptions) wire() map[string]dbus.Variant {
	m := map[string]dbus.Variant{}
	if len(o.Folders) > 0 {
		m[api.OptionFolders] = dbus.MakeVariant(o.Folders)
	}
	for name, set := range map[string]bool{api.OptionFull: o.Full, api.OptionDryRun: o.DryRun, api.OptionEvenIfPaused: o.EvenIfPaused} {
		if set {
			m[name] = dbus.MakeVariant(true)
		}
	}
	if o.Reason != "" {
		m[api.OptionReason] = dbus.MakeVariant(o.Reason)
	}
	return m
}

// Ref names a job of the daemon that gave it: after a restart of the daemon the
// same ID may be another job.
type Ref struct {
	ID   uint32
	when dbus.Sequence // of the answer that gave it
}

// Sync wants runs of an account, "" for all, and returns their jobs, one an
// account. It does not wait for them; see Wait.
func (c *Client) Sync(ctx context.Context, account string, o SyncOptions) ([]Ref, error) {
	var paths []dbus.ObjectPath
	r := c.callFor(ctx, longPatience, api.Path, manager+"SyncNow", account, o.wire())
	if err := r.store(&paths); err != nil {
		return nil, err
	}
	refs := make([]Ref, 0, len(paths))
	for _, p := range paths {
		ref, err := r.ref(p)
		if err != nil {
			return nil, err
		}
		refs = append(refs, ref)
	}
	return refs, nil
}

// ref makes a Ref of a path in the answer.
func (r *reply) ref(path dbus.ObjectPath) (Ref, error) {
	id, ok := api.JobAt(string(path))
	if !ok {
		return Ref{}, fmt.Errorf("%s: %q is no job", r.member, path)
	}
	return Ref{ID: id, when: r.call.ResponseSequence}, nil
}

// Status returns the snapshot as a dictionary; Describe has more.
func (c *Client) Status(ctx context.Context) (Properties, error) {
	var m map[string]dbus.Variant
	if err := c.call(ctx, api.Path, manager+"Status").store(&m); err != nil {
		return nil, err
	}
	return nativeMap(m), nil
}

// Describe returns everything there is to know at this moment.
func (c *Client) Describe(ctx context.Context) (*api.Document, error) {
	var s string
	if err := c.call(ctx, api.Path, manager+"Describe").store(&s); err != nil {
		return nil, err
	}
	var d api.Document
	if err := json.Unmarshal([]byte(s), &d); err != nil {
		return nil, fmt.Errorf("read the answer of Describe: %w", err)
	}
	return &d, nil
}

// Pause keeps an account, "" for all, from running until Resume, or until d has
// passed where that is not 0. Parts of a microsecond count as one.
func (c *Client) Pause(ctx context.Context, account string, d time.Duration) error {
	return c.call(ctx, api.Path, manager+"Pause", account, usec(d)).store()
}

func usec(d time.Duration) uint64 {
	return uint64(max(0, (d+time.Microsecond-1)/time.Microsecond))
}

// Resume ends a pause of an account, "" for all.
func (c *Client) Resume(ctx context.Context, account string) error {
	return c.call(ctx, api.Path, manager+"Resume", account).store()
}

// ListAccounts returns what the list on the bus says of accounts: Name, State,
// LastResult, LastError and LastSync are set.
func (c *Client) ListAccounts(ctx context.Context) ([]api.Account, error) {
	var rows []struct {
		Name   string
		Path   dbus.ObjectPath
		State  string
		Result string
		Error  string
		Last   uint64
	}
	if err := c.call(ctx, api.Path, manager+"ListAccounts").store(&rows); err != nil {
		return nil, err
	}
	out := make([]api.Account, 0, len(rows))
	for _, r := range rows {
		a := api.Account{Name: r.Name, State: r.State, LastResult: r.Result, LastSync: momentOrNil(moment(r.Last))}
		if r.Error != "" {
			a.LastError = &api.Failure{Text: r.Error}
		}
		out = append(out, a)
	}
	return out, nil
}

// accountPath asks where the object of an account is.
func (c *Client) accountPath(ctx context.Context, account string) (string, error) {
	var p dbus.ObjectPath
	err := c.call(ctx, api.Path, manager+"GetAccount", account).store(&p)
	return string(p), err
}

// jobPath asks where the object of a job is.
func (c *Client) jobPath(ctx context.Context, id uint32) (string, error) {
	var p dbus.ObjectPath
	err := c.call(ctx, api.Path, manager+"GetJob", id).store(&p)
	return string(p), err
}

// ListJobs returns what the list on the bus says of jobs: ID, Account, Kind and
// State are set.
func (c *Client) ListJobs(ctx context.Context) ([]api.Job, error) {
	var rows []struct {
		ID                   uint32
		Path                 dbus.ObjectPath
		Account, Kind, State string
	}
	if err := c.call(ctx, api.Path, manager+"ListJobs").store(&rows); err != nil {
		return nil, err
	}
	out := make([]api.Job, 0, len(rows))
	for _, r := range rows {
		out = append(out, api.Job{ID: r.ID, Account: r.Account, Kind: r.Kind, State: r.State})
	}
	return out, nil
}

// Cancel ends a job; one that runs ends in order, soon after.
func (c *Client) Cancel(ctx context.Context, job uint32) error {
	return c.call(ctx, api.Path, manager+"CancelJob", job).store()
}

// Reload returns when the configuration on disk is in force, or with an *Error
// of code ConfigInvalid that says why the one before remains.
func (c *Client) Reload(ctx context.Context) error {
	return c.callFor(ctx, longPatience, api.Path, manager+"Reload").store()
}

// ListProblems returns what needs a person, or lasts.
func (c *Client) ListProblems(ctx context.Context) ([]api.Problem, error) {
	var rows []struct {
		Code, Account, Severity, Text string
		Since                         uint64
		Fix, Token                    string
	}
	if err := c.call(ctx, api.Path, manager+"ListProblems").store(&rows); err != nil {
		return nil, err
	}
	out := make([]api.Problem, 0, len(rows))
	for _, r := range rows {
		out = append(out, api.Problem{Code: r.Code, Account: r.Account, Severity: r.Severity, Text: r.Text,
			Since: moment(r.Since), Fix: r.Fix, Token: r.Token})
	}
	return out, nil
}

// Manager returns the properties of the daemon as a whole.
func (c *Client) Manager(ctx context.Context) (Properties, error) {
	return c.properties(ctx, api.Path, api.ManagerInterface)
}
