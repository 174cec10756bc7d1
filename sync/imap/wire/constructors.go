package wire

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/emersion/go-imap/v2"
)

// SelectOptions are the parameters of SELECT.
type SelectOptions struct {
	ReadOnly  bool     // EXAMINE
	CondStore bool     // RFC 7162, section 3.1.8
	QResync   *QResync // RFC 7162, section 3.2.5; needs Enable, and replaces CondStore
}

// QResync is what the client knows of the mailbox.
type QResync struct {
	Validity  uint32
	ModSeq    uint64
	KnownUIDs imap.UIDSet // may be empty
}

// FetchOptions are the modifiers of UID FETCH (RFC 7162, section 3.1.4 and 3.2.6).
type FetchOptions struct {
	ChangedSince uint64 // 0: all
	Vanished     bool   // with ChangedSince, after QRESYNC was enabled
}

// ListOptions are the options of LIST (RFC 5258, RFC 5819, RFC 6154).
type ListOptions struct {
	Select []string // selection options: SUBSCRIBED, REMOTE, RECURSIVEMATCH, SPECIAL-USE
	Return []string // return options: SUBSCRIBED, CHILDREN, SPECIAL-USE
	Status []string // items of RETURN (STATUS (...))
	Lsub   bool     // LSUB; nothing else may be set then
}

// Select is SELECT, or EXAMINE where read-only (RFC 9051, section 6.3.2).
func Select(name string, o SelectOptions) *Command {
	verb := "SELECT "
	if o.ReadOnly {
		verb = "EXAMINE "
	}
	params := ""
	switch q := o.QResync; {
	case q != nil:
		// Alone: QRESYNC implies CONDSTORE (RFC 7162, section 3.2.5), and not every
		// server takes both.
		params = fmt.Sprintf(" (QRESYNC (%d %d", q.Validity, q.ModSeq)
		if len(q.KnownUIDs) > 0 {
			params += " " + q.KnownUIDs.String()
		}
		params += "))"
	case o.CondStore:
		params = " (CONDSTORE)"
	}
	return newCommand(text(verb), str(name), text(params))
}

// Unselect leaves the mailbox without expunging (RFC 3691).
func Unselect() *Command {
	return newCommand(text("UNSELECT"))
}

// ListCmd is LIST, or LSUB (RFC 9051, section 6.3.9). The pattern is octets, too.
func ListCmd(ref, pattern string, o ListOptions) *Command {
	if o.Lsub {
		return newCommand(text("LSUB "), str(ref), text(" "), str(pattern))
	}
	sel := ""
	if len(o.Select) > 0 {
		sel = "(" + strings.Join(o.Select, " ") + ") "
	}
	ret := o.Return
	if len(o.Status) > 0 { // RFC 5819
		ret = append(ret[:len(ret):len(ret)], "STATUS ("+strings.Join(o.Status, " ")+")")
	}
	end := ""
	if len(ret) > 0 {
		end = " RETURN (" + strings.Join(ret, " ") + ")"
	}
	return newCommand(text("LIST "+sel), str(ref), text(" "), str(pattern), text(end))
}

// StatusCmd is STATUS (RFC 9051, section 6.3.11).
func StatusCmd(name string, items ...string) *Command {
	return newCommand(text("STATUS "), str(name), text(" ("+strings.Join(items, " ")+")"))
}

// Create is CREATE (RFC 9051, section 6.3.4).
func Create(name string) *Command {
	return newCommand(text("CREATE "), str(name))
}

// Delete is DELETE (RFC 9051, section 6.3.5).
func Delete(name string) *Command {
	return newCommand(text("DELETE "), str(name))
}

// Rename is RENAME (RFC 9051, section 6.3.6).
func Rename(from, to string) *Command {
	return newCommand(text("RENAME "), str(from), text(" "), str(to))
}

// Subscribe is SUBSCRIBE (RFC 9051, section 6.3.7).
func Subscribe(name string) *Command {
	return newCommand(text("SUBSCRIBE "), str(name))
}

// Namespace is NAMESPACE (RFC 2342).
func Namespace() *Command {
	return newCommand(text("NAMESPACE"))
}

// ID is ID (RFC 2971): keys and values in turn; none sends NIL.
func ID(fields ...string) *Command {
	if len(fields) < 2 {
		return newCommand(text("ID NIL"))
	}
	parts := []part{text("ID (")}
	for i, s := range fields[:len(fields)&^1] {
		if i > 0 {
			parts = append(parts, text(" "))
		}
		parts = append(parts, str(s))
	}
	return newCommand(append(parts, text(")"))...)
}

// Enable is ENABLE (RFC 5161).
func Enable(caps ...imap.Cap) *Command {
	names := ""
	for _, k := range caps {
		names += " " + string(k)
	}
	return newCommand(text("ENABLE" + names))
}

// Notify is NOTIFY (RFC 5465) with its arguments as text.
func Notify(args string) *Command {
	return newCommand(text("NOTIFY " + args))
}

// Noop is NOOP.
func Noop() *Command {
	return newCommand(text("NOOP"))
}

// Check is CHECK (RFC 3501, section 6.4.1).
func Check() *Command {
	return newCommand(text("CHECK"))
}

// Capability is CAPABILITY; Caps has the answer.
func Capability() *Command {
	return newCommand(text("CAPABILITY"))
}

// Logout is LOGOUT.
func Logout() *Command {
	return newCommand(text("LOGOUT"))
}

// UIDFetch is UID FETCH. items is text: "(UID FLAGS)", "(UID BODY.PEEK[])".
// Servers take command lines of 8000 octets at least (RFC 7162, section 4), so
// a set of many ranges must come in several commands.
func UIDFetch(set imap.UIDSet, items string, o FetchOptions) *Command {
	mods := ""
	if o.ChangedSince > 0 {
		mods = " (CHANGEDSINCE " + strconv.FormatUint(o.ChangedSince, 10)
		if o.Vanished {
			mods += " VANISHED"
		}
		mods += ")"
	}
	return onSet(set, text("UID FETCH "+set.String()+" "+items+mods))
}

// UIDStore is UID STORE; op is FLAGS, +FLAGS or -FLAGS, each also with .SILENT.
// With unchangedSince not 0 (RFC 7162, section 3.1.3) Result.Modified has the
// mails that were left alone.
func UIDStore(set imap.UIDSet, op string, flags []imap.Flag, unchangedSince uint64) *Command {
	list, err := flagList(flags)
	mod := ""
	if unchangedSince > 0 {
		mod = " (UNCHANGEDSINCE " + strconv.FormatUint(unchangedSince, 10) + ")"
	}
	k := onSet(set, text("UID STORE "+set.String()+mod+" "+op+" "+list))
	if err != nil {
		k.err = err
	}
	return k
}

// UIDSearch is UID SEARCH with criteria as text; with return options it is the
// form of ESEARCH (RFC 4731).
func UIDSearch(criteria string, returns ...string) *Command {
	ret := ""
	if len(returns) > 0 {
		ret = "RETURN (" + strings.Join(returns, " ") + ") "
	}
	return newCommand(text("UID SEARCH " + ret + criteria))
}

// UIDExpunge is UID EXPUNGE (RFC 4315).
func UIDExpunge(set imap.UIDSet) *Command {
	return onSet(set, text("UID EXPUNGE "+set.String()))
}

// Expunge is EXPUNGE.
func Expunge() *Command {
	return newCommand(text("EXPUNGE"))
}

// UIDCopy is UID COPY.
func UIDCopy(set imap.UIDSet, name string) *Command {
	return onSet(set, text("UID COPY "+set.String()+" "), str(name))
}

// UIDMove is UID MOVE (RFC 6851).
func UIDMove(set imap.UIDSet, name string) *Command {
	return onSet(set, text("UID MOVE "+set.String()+" "), str(name))
}
