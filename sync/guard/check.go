package guard

import (
	"slices"
	"strconv"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/merge"
)

// The limits: a plan is held where it removes, on one side, more of a folder's
// mails than both of these, or all of them.
const (
	maxShare = 50 // percent
	maxCount = 10
	// A folder of one mail is emptied whenever that mail is dealt with.
	minEmptied = 2
)

// Input is what Check looks at in one folder.
type Input struct {
	Folder string      // as people call it, and as --approve takes it
	Name   string      // as the server calls it, octet by octet: Hold.Token is about this one
	Base   int         // mails in the base
	Plan   *merge.Plan // nil: none can be made, since the base may be about another mailbox
	// Known and Now are the stamps of the remote side in the base and as it was
	// just seen. Without a UIDVALIDITY they say nothing.
	Known, Now mail.Stamp
	// Replaced: the mailbox was seen to be another one before, and nobody has
	// approved of it since, whatever its stamp says by now.
	Replaced bool
}

// Check returns why the folder must be left alone; nil: it may go on.
func Check(in Input) *Hold {
	// What the plan removes means nothing where the mailbox is another one, so
	// that comes alone.
	if r := replaced(in); r != nil {
		return hold(in.Folder, in.Name, []Reason{*r}, another(in)...)
	}
	if in.Plan == nil {
		return nil
	}
	var reasons []Reason
	for _, s := range []seen{
		{Local, in.Plan.Local.Emptied, in.Plan.Remote.Removed},
		{Remote, in.Plan.Remote.Emptied, in.Plan.Local.Removed},
	} {
		if r := removals(in, s); r != nil {
			reasons = append(reasons, *r)
		}
	}
	if len(reasons) == 0 {
		return nil
	}
	if n := len(in.Plan.Upload) + len(in.Plan.Reupload); n > 0 {
		reasons[0].Text += freshText(n)
	}
	return hold(in.Folder, in.Name, reasons, gone(in)...)
}

// replaced tells whether the server has another mailbox under this name. Some
// servers make a mailbox anew without changing UIDVALIDITY (GMX); a UIDNEXT
// that went backwards gives that away (RFC 9051, section 2.3.1.1).
func replaced(in Input) *Reason {
	if in.Base == 0 || in.Known.UIDValidity == 0 || in.Now.UIDValidity == 0 {
		return nil
	}
	switch {
	case in.Known.UIDValidity != in.Now.UIDValidity:
		return &Reason{Validity, Remote, validityText(in)}
	case in.Known.UIDNext != 0 && in.Now.UIDNext != 0 && in.Now.UIDNext < in.Known.UIDNext, in.Replaced:
		return &Reason{Backwards, Remote, backwardsText(in)}
	}
	return nil
}

// seen is what removals one side brings about on the other.
type seen struct {
	side    string // where the mails are gone
	emptied bool
	removed int // mails to be removed on the other side
}

func removals(in Input, s seen) *Reason {
	switch {
	case s.emptied && s.removed >= minEmptied:
		return &Reason{Emptied, s.side, emptiedText(in, s)}
	case s.removed > maxCount && 100*s.removed > maxShare*in.Plan.Base:
		return &Reason{ManyRemoved, s.side, removedText(in, s)}
	}
	return nil
}

// Missing holds a folder with base mails in the base that the server does not
// list, while the local side has it. It is given as in Input. unlisted of known
// folders of the account are in that state, this one included.
func Missing(folder, name string, base, unlisted, known int) *Hold {
	reasons := []Reason{{Unlisted, Remote, unlistedText(folder, base)}}
	if unlisted > 3 && 2*unlisted > known {
		// The server, or the names, and not this folder: that is the thing to
		// look at.
		reasons = append([]Reason{{ManyMissing, Remote, manyText(unlisted, known)}}, reasons...)
	}
	return hold(folder, name, reasons, strconv.Itoa(base))
}

// account is what a whole account is called where a folder could stand.
const account = "/"

// Root holds a whole account: the directory of its local folders is missing,
// or is not the one that the base speaks of. was and found are the marks that
// the base knows and that is there, "" for none.
func Root(path, was, found string, missing bool) *Hold {
	r := Reason{RootForeign, Local, rootForeignText(path)}
	if missing {
		r = Reason{RootMissing, Local, rootMissingText(path)}
	}
	return hold(account, account, []Reason{r}, path, was, found)
}

// Account holds a whole account: the server or the user is another one than
// the base speaks of.
func Account(was, is string) *Hold {
	return hold(account, account, []Reason{{OtherRemote, Remote, accountText(was, is)}}, was, is)
}

// LocalAccount holds a whole account: the local side is another server, or
// belongs to another user, than the base speaks of. A directory has no name here.
func LocalAccount(was, is string) *Hold {
	return hold(account, account, []Reason{{OtherRemote, Local, localAccountText(was, is)}}, "local", was, is)
}

// Both joins what holds one account for two things, so that nobody approves of
// one of them who has not seen the other. Either may be nil.
func Both(a, b *Hold) *Hold {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return hold(account, account, append(slices.Clone(a.Reasons), b.Reasons...), a.Token, b.Token)
}
