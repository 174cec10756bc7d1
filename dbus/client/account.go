package client

import (
	"context"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/offlineimap/offlineimapd/dbus/api"
)

const account = api.AccountInterface + "."

// Folder is one folder in step. Names are as the server and the disk have them:
// not fit for a terminal.
type Folder struct {
	Local    string         `json:"local"`
	Remote   string         `json:"remote"`
	Messages uint32         `json:"messages"`
	Unseen   uint32         `json:"unseen"`
	LastSync *time.Time     `json:"last_sync,omitempty"`
	Extra    map[string]any `json:"extra,omitempty"`
}

// Account returns the properties of an account. The error may have the code
// NoSuchAccount, as with all methods that name one.
func (c *Client) Account(ctx context.Context, name string) (Properties, error) {
	path, err := c.accountPath(ctx, name)
	if err != nil {
		return nil, err
	}
	return c.properties(ctx, path, api.AccountInterface)
}

// ListFolders returns the folders of an account that are in step.
func (c *Client) ListFolders(ctx context.Context, name string) ([]Folder, error) {
	var rows []struct {
		Local, Remote    string
		Messages, Unseen uint32
		LastSync         uint64
		Extra            map[string]dbus.Variant
	}
	path, err := c.accountPath(ctx, name)
	if err != nil {
		return nil, err
	}
	if err := c.call(ctx, path, account+"ListFolders", map[string]dbus.Variant{}).store(&rows); err != nil {
		return nil, err
	}
	out := make([]Folder, 0, len(rows))
	for _, r := range rows {
		f := Folder{Local: r.Local, Remote: r.Remote, Messages: r.Messages, Unseen: r.Unseen,
			LastSync: momentOrNil(moment(r.LastSync))}
		if len(r.Extra) > 0 {
			f.Extra = nativeMap(r.Extra)
		}
		out = append(out, f)
	}
	return out, nil
}

// ListHolds returns the plans of an account that wait for a person.
func (c *Client) ListHolds(ctx context.Context, name string) ([]api.Hold, error) {
	var rows []struct {
		Token, Folder, Code, Text string
		Since                     uint64
	}
	path, err := c.accountPath(ctx, name)
	if err != nil {
		return nil, err
	}
	if err := c.call(ctx, path, account+"ListHolds").store(&rows); err != nil {
		return nil, err
	}
	out := make([]api.Hold, 0, len(rows))
	for _, r := range rows {
		out = append(out, api.Hold{Token: r.Token, Folder: r.Folder, Code: r.Code, Text: r.Text, Since: moment(r.Since)})
	}
	return out, nil
}

// Approve lets the plan go on that the token names, by the job that it returns.
// The error may have the code NoSuchHold.
func (c *Client) Approve(ctx context.Context, name, token string) (Ref, error) {
	path, err := c.accountPath(ctx, name)
	if err != nil {
		return Ref{}, err
	}
	var job dbus.ObjectPath
	r := c.call(ctx, path, account+"Approve", token)
	if err := r.store(&job); err != nil {
		return Ref{}, err
	}
	return r.ref(job)
}

// SyncAccount wants a run of one account.
func (c *Client) SyncAccount(ctx context.Context, name string, o SyncOptions) (Ref, error) {
	path, err := c.accountPath(ctx, name)
	if err != nil {
		return Ref{}, err
	}
	var job dbus.ObjectPath
	r := c.callFor(ctx, longPatience, path, account+"SyncNow", o.wire())
	if err := r.store(&job); err != nil {
		return Ref{}, err
	}
	return r.ref(job)
}

// PauseAccount is Pause for one account.
func (c *Client) PauseAccount(ctx context.Context, name string, d time.Duration) error {
	path, err := c.accountPath(ctx, name)
	if err != nil {
		return err
	}
	return c.call(ctx, path, account+"Pause", usec(d)).store()
}

// ResumeAccount is Resume for one account.
func (c *Client) ResumeAccount(ctx context.Context, name string) error {
	path, err := c.accountPath(ctx, name)
	if err != nil {
		return err
	}
	return c.call(ctx, path, account+"Resume").store()
}
