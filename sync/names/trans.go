package names

import (
	"errors"
	"fmt"
	"strings"
)

// there is Local with a nametrans. Whoever writes one decides what the levels of
// a name are, so that empty ones are allowed, and local separators in what it
// makes: a dot before a name is what Maildir++ has. What it merely passes on of
// the server's name is escaped as without it.
func there(remote string, o Options) (string, error) {
	own := Read(remote, o)
	name, err := o.There(own)
	if err != nil {
		return "", fmt.Errorf("mailbox %q: nametrans: %w", Display(remote), err)
	}
	if fit := o.escape(own); fit != own {
		// If the function acts upon the octets in question, the outcome is other than
		// that of the name itself, and what it made of that is meant.
		if other, err := o.There(fit); err == nil && o.unescape(other) == name {
			name = other
		}
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

// back returns a local folder's name with the server's separator, by the
// nametrans of the local repository. Both nametrans must be inverse for the folder:
// else its mailbox would come back as another folder, that one as another mailbox,
// and so on. Remote sees to that.
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
	return swap(name, o.LocalSep, o.RemoteSep), nil
}

// swap puts the separator of the other side in the place of the own.
func swap(name string, own, other byte) string {
	if own == 0 || other == 0 || own == other {
		return name
	}
	return strings.ReplaceAll(name, string(own), string(other))
}
