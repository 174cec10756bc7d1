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

// takes tells whether a pair of folders takes part: both sides must want it.
func (c Choice) takes(remote, local string, o names.Options) (bool, error) {
	in, err := c.remote(remote, o)
	if err == nil && in {
		in, err = c.local(local)
	}
	return in, err
}
