package wire

import (
	"github.com/emersion/go-imap/v2"
)

// Command is one command, made by a constructor. Constructors report what
// cannot be written (an empty set, a flag that is no atom, a line break in
// a text) through Run, which then sends nothing. A command may be run again.
type Command struct {
	// Handler, where not nil, receives what comes while this command is the
	// oldest unanswered one of its flight; fields that are nil there fall
	// to the handler of the call. ESEARCH data goes to the command it names.
	Handler *Handler
}

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
func Select(name string, o SelectOptions) *Command { return nil }

// Unselect leaves the mailbox without expunging (RFC 3691).
func Unselect() *Command { return nil }

// ListCmd is LIST, or LSUB (RFC 9051, section 6.3.9). The pattern is octets, too.
func ListCmd(ref, pattern string, o ListOptions) *Command { return nil }

// StatusCmd is STATUS (RFC 9051, section 6.3.11).
func StatusCmd(name string, items ...string) *Command { return nil }

// Create is CREATE (RFC 9051, section 6.3.4).
func Create(name string) *Command { return nil }

// Delete is DELETE (RFC 9051, section 6.3.5).
func Delete(name string) *Command { return nil }

// Rename is RENAME (RFC 9051, section 6.3.6).
func Rename(from, to string) *Command { return nil }

// Subscribe is SUBSCRIBE (RFC 9051, section 6.3.7).
func Subscribe(name string) *Command { return nil }

// Namespace is NAMESPACE (RFC 2342).
func Namespace() *Command { return nil }

// ID is ID (RFC 2971): keys and values in turn; none sends NIL.
func ID(fields ...string) *Command { return nil }

// Enable is ENABLE (RFC 5161).
func Enable(caps ...imap.Cap) *Command { return nil }

// Notify is NOTIFY (RFC 5465) with its arguments as text.
func Notify(args string) *Command { return nil }

// Noop is NOOP.
func Noop() *Command { return nil }

// Check is CHECK (RFC 3501, section 6.4.1).
func Check() *Command { return nil }

// Capability is CAPABILITY; Caps has the answer.
func Capability() *Command { return nil }

// Logout is LOGOUT.
func Logout() *Command { return nil }

// UIDFetch is UID FETCH. items is text: "(UID FLAGS)", "(UID BODY.PEEK[])".
// Servers take command lines of 8000 octets at least (RFC 7162, section 4), so
// a set of many ranges must come in several commands.
func UIDFetch(set imap.UIDSet, items string, o FetchOptions) *Command { return nil }

// UIDStore is UID STORE; op is FLAGS, +FLAGS or -FLAGS, each also with .SILENT.
// With unchangedSince not 0 (RFC 7162, section 3.1.3) Result.Modified has the
// mails that were left alone.
func UIDStore(set imap.UIDSet, op string, flags []imap.Flag, unchangedSince uint64) *Command {
	return nil
}

// UIDSearch is UID SEARCH with criteria as text; with return options it is the
// form of ESEARCH (RFC 4731).
func UIDSearch(criteria string, returns ...string) *Command { return nil }

// UIDExpunge is UID EXPUNGE (RFC 4315).
func UIDExpunge(set imap.UIDSet) *Command { return nil }

// Expunge is EXPUNGE.
func Expunge() *Command { return nil }

// UIDCopy is UID COPY.
func UIDCopy(set imap.UIDSet, name string) *Command { return nil }

// UIDMove is UID MOVE (RFC 6851).
func UIDMove(set imap.UIDSet, name string) *Command { return nil }
