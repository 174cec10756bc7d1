package guard

import (
	"fmt"
	"strings"
	"unicode"
)

// The texts: what was seen, what would follow, what to do. Sentences, so that
// they stand in a terminal, a notification and a log alike. Names come from the
// server, so nothing of them reaches a terminal unquoted.

func validityText(in Input) string {
	return fmt.Sprintf("%q is not the mailbox it was: its UIDVALIDITY was %d and is %d now, so that the numbers of its mails mean others than before. "+
		"This happens when a mailbox is deleted and made again, or restored from a backup. %s",
		in.Folder, in.Known.UIDValidity, in.Now.UIDValidity, anew(in.Folder))
}

func backwardsText(in Input) string {
	if in.Now.UIDNext >= in.Known.UIDNext {
		return fmt.Sprintf("%q is probably not the mailbox it was: in an earlier run its UIDs had gone backwards, which they never do. "+
			"Some servers do this when a mailbox is made again or restored from a backup. %s", in.Folder, anew(in.Folder))
	}
	return fmt.Sprintf("%q is probably not the mailbox it was: its next mail was to get the UID %d, and now it is %d, though UIDs only ever grow. "+
		"Some servers do this when a mailbox is made again or restored from a backup. %s",
		in.Folder, in.Known.UIDNext, in.Now.UIDNext, anew(in.Folder))
}

// freshText warns whoever follows the advice to move a folder away.
func freshText(n int) string {
	if n == 1 {
		return " Mind that 1 mail in it is new and not on the server yet: it may have been moved here, and be the only copy."
	}
	return fmt.Sprintf(" Mind that %d mails in it are new and not on the server yet: they may have been moved here, and be the only copies.", n)
}

// ask is the phrase that says how to approve; see Hold.Ask.
func ask(folder string) string { return "run again with --approve " + word(folder) }

func anew(folder string) string {
	return fmt.Sprintf("To compare all mails anew, %s: then no mail is removed on either side, and only what one side lacks is copied.", ask(folder))
}

func emptiedText(in Input, s seen) string {
	if s.side == Local {
		return fmt.Sprintf("%q was emptied locally, and so all %d mails would be removed on the server. "+
			"If that is what you want, %s. If not, put the files back, or move the whole folder away to have it downloaded again.",
			in.Folder, s.removed, ask(in.Folder))
	}
	return fmt.Sprintf("%q was emptied on the server, and so all %d mails would be removed here. "+
		"If that is what you want, %s. If not, look at the mailbox with another program first: what is here may be the only copy.",
		in.Folder, s.removed, ask(in.Folder))
}

func removedText(in Input, s seen) string {
	if s.side == Local {
		return fmt.Sprintf("%d of %d mails in %q are gone locally, and so would be removed on the server: more than half at once. "+
			"If that is what you want, %s. If not, put the files back, or move the whole folder away to have it downloaded again.",
			s.removed, in.Plan.Base, in.Folder, ask(in.Folder))
	}
	return fmt.Sprintf("%d of %d mails in %q are gone from the server, and so would be removed here: more than half at once. "+
		"If that is what you want, %s. If not, look at the mailbox with another program first: what is here may be the only copy.",
		s.removed, in.Plan.Base, in.Folder, ask(in.Folder))
}

func unlistedText(folder string, base int) string {
	return fmt.Sprintf("%q (%s) is no longer among the mailboxes that the server lists, so it was left alone. It may have been renamed, deleted or hidden; if it comes back, all goes on by itself. "+
		"To make it again on the server from what is here, %s. If it was deleted there on purpose, move the local folder away.",
		folder, mails(base), ask(folder))
}

func manyText(unlisted, known int) string {
	return fmt.Sprintf("The server no longer lists %d of the %d folders known here, which looks like trouble on the server, another user, or a changed setting (reference, nametrans, sep) rather than like folders deleted one by one. "+
		"Nothing was removed. Find out why before you approve any of them.",
		unlisted, known)
}

func rootMissingText(path string) string {
	return fmt.Sprintf("%q, where the mails of this account are kept, does not exist, and so nothing was done. "+
		"If it is on a disk that is not mounted, mount it and run again. To make it anew and download everything again, %s.", path, ask(account))
}

func rootForeignText(path string) string {
	return fmt.Sprintf("%q is not the directory that was kept in step so far: the mark that was left in it is missing or another one, and so nothing was done. "+
		"If a disk is not mounted there, or another is in its place, put that right and run again. If it is the right directory, copied or restored, %s: "+
		"then both sides are compared anew, what one of them lacks is copied, and nothing is removed on either.", path, ask(account))
}

func accountText(was, is string) string {
	return fmt.Sprintf("the configuration names %q now, and what is here was kept in step with %q, and so nothing was done. "+
		"If that is a mistake, correct remotehost, remoteuser or the tunnel. If it is another name of the same account, or you have moved, %s: "+
		"then both sides are compared anew, what one of them lacks is copied, and nothing is removed on either.", is, was, ask(account))
}

func localAccountText(was, is string) string {
	place := func(s string) string {
		if s == "" {
			return "a directory"
		}
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprintf("the configuration names %s as the local side now, and it was %s, and so nothing was done. "+
		"If that is a mistake, correct the local repository. If it is another name of the same account, or you have moved, %s: "+
		"then both sides are compared anew, what one of them lacks is copied, and nothing is removed on either.", place(is), place(was), ask(account))
}

func mails(n int) string {
	if n == 1 {
		return "1 mail"
	}
	return fmt.Sprintf("%d mails", n)
}

// word writes a name such that a shell reads it as one word.
func word(name string) string {
	plain, control := name != "", false
	for _, r := range name {
		plain = plain && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("._/@%+=:,-", r))
		control = control || !unicode.IsPrint(r)
	}
	switch {
	case control:
		return "$'" + strings.Trim(strings.ReplaceAll(fmt.Sprintf("%+q", name), "'", `\'`), `"`) + "'"
	case plain && !strings.HasPrefix(name, "-"):
		return name
	}
	return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
}
