package engine

import (
	"fmt"

	"github.com/offlineimap/offlineimapd/sync/names"
)

// Choice says which folders of an account are synced at all; nil functions take
// all. A folder that is left out is neither touched nor reported, nor is what the
// base knows of it forgotten. An error concerns that one folder, which is not
// touched either.
type Choice struct {
	Remote func(name string) (bool, error) // of a name of the server's, as names.Read gives it
	Local  func(name string) (bool, error) // of the name of a local folder
}

func (c Choice) remote(name string, o names.Options) (bool, error) {
	if c.Remote == nil {
		return true, nil
	}
	in, err := c.Remote(names.Read(name, o))
	if err != nil {
		return false, fmt.Errorf("folderfilter for the mailbox %q: %w", names.Display(name), err)
	}
	return in, nil
}

func (c Choice) local(name string) (bool, error) {
	if c.Local == nil {
		return true, nil
	}
	in, err := c.Local(name)
	if err != nil {
		return false, fmt.Errorf("folderfilter of the local repository for %q: %w", names.Display(name), err)
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
			return false, fmt.Errorf("nametrans of the local repository for %q: %w", names.Display(local), err)
		}
	}
	return in, err
}
