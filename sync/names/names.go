package names

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Options say how a server's names become names of local folders.
type Options struct {
	RemoteSep byte // hierarchy separator of the server; 0: it has none
	LocalSep  byte // separator of the local store (Maildir: sep); 0: it has none
	UTF8      bool // utf8foldernames: local names are the decoded form
	// There and Back, where not nil, are the nametrans of the remote and of the
	// local repository: There turns a server's name into a local one, still with
	// the server's separator; Back turns a local name into the server's, still with
	// the local one. An error concerns that one name.
	There, Back func(name string) (string, error)
	// Reference, where not "", is what the server's names begin with that LIST
	// gives (its first argument): a mailbox elsewhere would not be listed.
	Reference string
}

// Read returns a server's name as the configuration sees it: filters, lists of
// names and There take it so.
func Read(remote string, o Options) string {
	if s, ok := decode(remote); ok && o.UTF8 {
		return s
	}
	return remote
}

// Write is the inverse of Read: the name as a server has it. ok is false where
// there is no such name.
func Write(read string, o Options) (remote string, ok bool) {
	if !o.UTF8 {
		return read, true
	}
	return encode(read)
}

// longest is what Linux file systems take as one file name (octets).
const longest = 255

// Local returns the local name of a remote mailbox. It is an error where the
// way back would be another name, or where no folder can have the name.
func Local(remote string, o Options) (string, error) {
	if o.There != nil {
		return there(remote, o)
	}
	parts, err := levels(o.escape(Read(remote, o)), o.RemoteSep, o.LocalSep)
	if err != nil {
		return "", fmt.Errorf("mailbox %q: %w", Display(remote), err)
	}
	local := join(parts, o.LocalSep)
	if err := safe(local, o.LocalSep); err != nil {
		return "", fmt.Errorf("mailbox %q would be kept in %q: %w", Display(remote), local, err)
	}
	return local, nil
}

// Remote returns the remote name of a local folder: Local of it is that folder.
func Remote(local string, o Options) (string, error) {
	if local == "" {
		return "", errors.New("mails in the root of the tree belong to no mailbox")
	}
	var name string
	if o.There != nil || o.Back != nil {
		var err error
		if name, err = back(local, o); err != nil {
			return "", err
		}
	} else {
		parts, err := levels(local, o.LocalSep, o.RemoteSep)
		if err != nil {
			return "", fmt.Errorf("folder %q: %w", Display(local), err)
		}
		name = join(parts, o.RemoteSep)
	}
	remote, err := written(local, o.unescape(name), o)
	if err != nil {
		return "", err
	}
	var again string
	for _, remote = range o.below(remote) {
		if again, err = Local(remote, o); err == nil && again == local {
			return remote, nil
		}
	}
	if err != nil {
		return "", fmt.Errorf("folder %q: %w", Display(local), err)
	}
	return "", fmt.Errorf("folder %q would be the mailbox %q, and that one would be kept in %q: %s",
		Display(local), Display(remote), Display(again), o.remedy())
}

// below returns what a mailbox that is to be made may be called, so that LIST will
// find it: as it is where it is below the reference already, and there.
func (o Options) below(remote string) []string {
	if o.Reference == "" {
		return []string{remote}
	}
	prefix := o.Reference
	if o.RemoteSep != 0 && !strings.HasSuffix(prefix, string(o.RemoteSep)) {
		prefix += string(o.RemoteSep)
	}
	if remote == o.Reference || strings.HasPrefix(remote, prefix) {
		return []string{remote, prefix + remote}
	}
	return []string{prefix + remote}
}

// remedy says what to do about a folder whose mailbox would come back under
// another name.
func (o Options) remedy() string {
	switch {
	case o.There != nil || o.Back != nil:
		return "nametrans of the two repositories are not inverse here; correct them, or leave the folder out by a folderfilter"
	case o.Reference != "":
		return fmt.Sprintf("reference = %s of the remote repository puts it there; rename the folder so, or leave it out by a folderfilter", o.Reference)
	}
	return "rename the folder, or leave it out by a folderfilter"
}

// written is a name as it is sent to a server, for a local folder.
func written(local, name string, o Options) (string, error) {
	remote := name
	if o.UTF8 {
		var ok bool
		if remote, ok = encode(name); !ok {
			return "", fmt.Errorf("folder %q: its name is not UTF-8", local)
		}
	} else if !ascii(remote) {
		return "", fmt.Errorf("folder %q: its name is not ASCII, which servers take only in modified UTF-7; utf8foldernames = yes would convert it", local)
	}
	if IsInbox(remote) && remote != "INBOX" {
		return "", fmt.Errorf("folder %q: its mailbox would be INBOX, which is the same in any case and has a folder of its own", local)
	}
	return remote, nil
}

func ascii(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}

// levels splits a name at its own separator. What separates on the other side
// must not occur within a level: the name would come back with one level more.
func levels(name string, own, other byte) ([]string, error) {
	parts := []string{name}
	if own != 0 {
		parts = strings.Split(name, string(own))
	}
	for _, p := range parts {
		switch {
		case p == "":
			return nil, errors.New("a level of its name is empty")
		case other != 0 && other != own && strings.IndexByte(p, other) >= 0:
			return nil, fmt.Errorf("its name has a %q, which separates levels on the other side", other)
		}
	}
	if len(parts) > 1 && other == 0 {
		return nil, errors.New("the other side has no levels of names")
	}
	return parts, nil
}

func join(parts []string, sep byte) string {
	if len(parts) == 1 {
		return parts[0]
	}
	return strings.Join(parts, string(sep))
}

// safe tells what keeps a name from being a directory below the root.
func safe(local string, sep byte) error {
	for _, b := range []byte(local) {
		if b < 0x20 || b == 0x7f {
			return errors.New("it has a control character")
		}
	}
	dirs := []string{local}
	if sep == '/' {
		dirs = strings.Split(local, "/")
	} else if strings.IndexByte(local, '/') >= 0 {
		return errors.New(`a "/" in it would lead to another directory`)
	}
	for _, d := range dirs {
		switch {
		case d == "." || d == "..":
			return fmt.Errorf("%q leads to another directory", d)
		case slices.Contains([]string{"cur", "new", "tmp"}, d):
			return fmt.Errorf("%q is a part of every Maildir", d)
		case len(d) > longest:
			return fmt.Errorf("its name has %d octets, and a file name at most %d", len(d), longest)
		}
	}
	return nil
}

// Display returns a raw name as people read it: modified UTF-7 decoded, UTF-8
// as it is, octets that are neither in hexadecimal, and so is what a terminal
// would obey and not show: a server must not move the cursor, or turn the
// reading direction, by the name of a mailbox. It is for showing only.
func Display(raw string) string {
	name, ok := decode(raw)
	if !ok {
		name = raw
	}
	if utf8.ValidString(name) && strings.IndexFunc(name, obeyed) < 0 {
		return name
	}
	var sb strings.Builder
	for rest := name; len(rest) > 0; {
		r, n := utf8.DecodeRuneInString(rest)
		switch {
		case r == utf8.RuneError && n == 1, r < 0x80 && obeyed(r):
			fmt.Fprintf(&sb, `\x%02x`, rest[0])
		case obeyed(r):
			fmt.Fprintf(&sb, `\u%04x`, r)
		default:
			sb.WriteString(rest[:n])
		}
		rest = rest[n:]
	}
	return sb.String()
}

// obeyed tells whether a terminal obeys r instead of showing it: control
// characters, line and paragraph separators, changes of direction. Other format
// characters are part of writing (the joiners of Persian, of Hindi, of emoji).
func obeyed(r rune) bool {
	return unicode.IsControl(r) || r == 0x2028 || r == 0x2029 || unicode.Is(unicode.Bidi_Control, r) && r != 0x200e && r != 0x200f && r != 0x061c
}

// IsInbox tells whether a remote name is the INBOX, in any case (RFC 3501,
// section 5.1).
func IsInbox(remote string) bool { return strings.EqualFold(remote, "INBOX") }
