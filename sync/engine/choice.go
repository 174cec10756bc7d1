package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/offlineimap/offlineimapd/sync/names"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// Choice says which folders of an account are synced at all; nil functions take
// all. A folder that is left out is neither touched nor reported, nor is what the
// base knows of it forgotten. An error concerns that one folder, which is not
// touched either.
type Choice struct {
	Remote func(name string) (bool, error) // of a name of the server's, as names.Read gives it
	Local  func(name string) (bool, error) // of the name of a local folder
	// Includes are names of the server's, as Remote takes them, that are asked for
	// where the server does not list them. Remote has the say about them all the same.
	Includes []string
}

// Finder is a remote store that can be asked for mailboxes which it does not list.
type Finder interface {
	// Find looks up mailboxes by their names. missing has an error for each that
	// cannot hold mails; err says nothing about any of them.
	Find(ctx context.Context, names []string) (found []store.Mailbox, missing map[string]error, err error)
}

// include adds to a listing what Choice.Includes names besides; missing are those
// that are not there.
func (r *run) include(ctx context.Context, remote []store.Mailbox) (all []store.Mailbox, missing map[string]error, err error) {
	at := map[string]int{}
	for i, b := range remote {
		at[b.Name] = i
	}
	missing = map[string]error{}
	var ask []string
	for _, n := range r.Policy.Choice.Includes {
		name, ok := names.Write(n, r.Policy.Names)
		if names.IsInbox(name) {
			name = "INBOX"
		}
		switch i, listed := at[name]; {
		case listed && remote[i].Selectable, slices.Contains(ask, name):
		case !ok || n == "" || strings.Contains(n, "\x00"):
			missing[n] = errors.New("no mailbox can have this name")
		default:
			ask = append(ask, name)
		}
	}
	if len(ask) == 0 {
		return remote, missing, nil
	}
	finder, ok := r.Remote.(Finder)
	if !ok {
		for _, name := range ask {
			missing[name] = errors.New("the server does not list it")
		}
		return remote, missing, nil
	}
	found, absent, err := finder.Find(ctx, ask)
	if err != nil {
		return nil, nil, err
	}
	for name, err := range absent {
		missing[name] = err
	}
	for _, b := range found {
		if i, listed := at[b.Name]; listed {
			remote[i] = b
		} else {
			remote = append(remote, b)
		}
	}
	return remote, missing, nil
}

func (c Choice) remote(name string, o names.Options) (bool, error) {
	if c.Remote == nil {
		return true, nil
	}
	in, err := c.Remote(names.Read(name, o))
	if err != nil {
		return false, unanswered("folderfilter for the mailbox %q: %w", names.Display(name), err)
	}
	return in, nil
}

func (c Choice) local(name string) (bool, error) {
	if c.Local == nil {
		return true, nil
	}
	in, err := c.Local(name)
	if err != nil {
		return false, unanswered("folderfilter of the local repository for %q: %w", names.Display(name), err)
	}
	return in, nil
}

// takes tells whether a pair of folders takes part: both sides must want it, and
// the local name must have one for the server. It is part of what files are called;
// without it every mail would seem to be new.
func (c Choice) takes(remote, local string, o names.Options) (bool, error) {
	in, err := c.remote(remote, o)
	if err == nil && in {
		in, err = c.local(local)
	}
	if err == nil && in && o.Back != nil {
		if _, err = o.Back(local); err != nil {
			return false, unanswered("nametrans of the local repository for %q: %w", names.Display(local), err)
		}
	}
	return in, err
}

// errUnanswered says that what a person configured to decide about a folder failed.
// Somebody has to mend that: it is not one of the folders that are rightly left out.
var errUnanswered = errors.New("no answer")

type unansweredError struct{ error }

func (unansweredError) Is(target error) bool { return target == errUnanswered }
func (e unansweredError) Unwrap() error      { return e.error }

func unanswered(format string, args ...any) error {
	return store.Fail(store.Config, store.ScopeFolder, unansweredError{fmt.Errorf(format, args...)})
}
