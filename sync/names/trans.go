package names

import (
	"errors"
	"fmt"
	"strings"
)

// there is Local with a nametrans. Whoever writes one decides what the levels of
// a name are, so that empty ones are allowed: a dot before a name is what
// Maildir++ has.
func there(remote string, o Options) (string, error) {
	name, err := o.There(Read(remote, o))
	if err != nil {
		return "", fmt.Errorf("mailbox %q: nametrans: %w", Display(remote), err)
	}
	if name == "" || o.RemoteSep != 0 && name == string(o.RemoteSep) {
		return "", fmt.Errorf("mailbox %q: nametrans makes it the root of the local folders, where no mails can be kept", Display(remote))
	}
	local := swap(name, o.RemoteSep, o.LocalSep)
	err = safe(local, o.LocalSep)
	if err == nil && o.LocalSep == '/' && strings.Contains("/"+local+"/", "//") {
		err = errors.New("a level of its name is empty")
	}
	if err != nil {
		return "", fmt.Errorf("mailbox %q would be kept in %q: %w", Display(remote), Display(local), err)
	}
	return local, nil
}

// back is Remote with a nametrans on either side. The two must be inverse for
// this folder: else its mailbox would come back as another folder, that one as
// another mailbox, and so on.
func back(local string, o Options) (string, error) {
	name := local
	if o.Back != nil {
		var err error
		if name, err = o.Back(local); err != nil {
			return "", fmt.Errorf("folder %q: nametrans of the local repository: %w", Display(local), err)
		}
	}
	if name == "" || o.LocalSep != 0 && name == string(o.LocalSep) {
		return "", fmt.Errorf("folder %q: nametrans of the local repository leaves nothing of its name", Display(local))
	}
	remote, err := written(local, swap(name, o.LocalSep, o.RemoteSep), o)
	if err != nil {
		return "", err
	}
	again, err := Local(remote, o)
	if err != nil {
		return "", fmt.Errorf("folder %q: %w", Display(local), err)
	}
	if again != local {
		return "", fmt.Errorf("folder %q would be the mailbox %q, and that one would be kept in %q: nametrans of the two repositories are not inverse here; correct them, or leave the folder out by a folderfilter",
			Display(local), Display(remote), Display(again))
	}
	return remote, nil
}

// swap puts the separator of the other side in the place of the own.
func swap(name string, own, other byte) string {
	if own == 0 || other == 0 || own == other {
		return name
	}
	return strings.ReplaceAll(name, string(own), string(other))
}
