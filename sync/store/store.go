package store

import (
	"context"
	"io"
	"time"

	"github.com/offlineimap/offlineimapd/sync/mail"
)

// Properties are what the engine must know of a store before it uses it.
type Properties struct {
	// AssignsUIDs: the store gives a mail its UID (IMAP). Otherwise it keeps
	// the one that it is handed (Maildir), and reports mails without as Fresh.
	AssignsUIDs bool
	// Parallel is how many calls may usefully run at once; at least 1.
	Parallel int
	// Mapped: which mail has which UID stands beside the mails and not in them, and
	// may be lost while they are not: a mail that is reported as Fresh may be one
	// that the other side has.
	Mapped bool
	// Separator parts the levels of a mailbox name; 0 where there are none.
	Separator byte
}

// Mailbox is one line of a survey.
type Mailbox struct {
	Name       string // as the store writes it, octet by octet
	Display    string // for people
	Selectable bool   // may hold mails (no \Noselect, no \NonExistent)
	Stamp      mail.Stamp
}

// Store is one side of an account. Errors are *Error wherever a class other
// than Temporary fits.
type Store interface {
	// Survey lists every mailbox. An error says nothing about any mailbox; a
	// mailbox that is not listed although no error came may still exist.
	Survey(ctx context.Context) ([]Mailbox, error)
	// Properties are valid after the first Survey.
	Properties() Properties
	// Create makes a mailbox, and its parents where needed. That it exists
	// already is no error; that it does so under another name is, of class Config
	// and scope ScopeFolder.
	Create(ctx context.Context, name string) error
	// Open returns a handle to a mailbox without touching it yet. With
	// readOnly nothing that the handle does changes the mailbox, its \Recent
	// flags included.
	Open(name string, readOnly bool) Folder
	// Commit makes the given Works durable, all together, and only then visible
	// where they were not. A Work whose own part failed tells so in Work.Err;
	// an error of Commit itself leaves it open what was stored: nothing of
	// these Works may go into the base.
	Commit(ctx context.Context, works ...Work) error
	// Close ends the use of the store, in order if ctx allows.
	Close(ctx context.Context) error
}

// Deliver takes one mail. r gives the body in wire form, m.Size octets where
// that is not -1, and ends in io.EOF; it is valid only during the call, and
// need not be read to its end. An error of scope ScopeMail leaves out this
// mail and goes on; any other ends the Fetch and is returned by it.
type Deliver func(m mail.Mail, r io.Reader) error

// Folder is a handle to one mailbox.
type Folder interface {
	// Scan reports the mailbox as it is now, as the difference to known where
	// that is cheaper. UIDVALIDITY that changed is not an error here: the
	// snapshot is Full then, and its Stamp tells.
	Scan(ctx context.Context, known mail.Known) (*mail.Snapshot, error)
	// Fetch delivers the mails that are still there, in any order, each at most
	// once; deliver runs on the caller's goroutine. Mail.Ref is the one that was
	// asked for. A mail that is gone, or that the store will not give, is not
	// delivered, and that alone is no error.
	Fetch(ctx context.Context, refs []mail.Ref, deliver Deliver) error
	// Headers reports what identifies each mail that is still there; Header.Ref
	// is the one that was asked for.
	Headers(ctx context.Context, refs []mail.Ref, found func(mail.Header)) error
	// Select returns those of refs that meet c, or, where refs is nil, all mails
	// with a UID that do. It reads no text, and what is gone is not among them.
	Select(ctx context.Context, refs []mail.Ref, c Criteria) ([]mail.Ref, error)
	// Begin starts changes to the mailbox.
	Begin() Work
	// Close gives back what the handle holds. It may be used again afterwards.
	Close()
}

// Work is a group of changes to one mailbox. Changes may take effect at once
// but are durable only after Store.Commit; a Work that was not committed must
// be Discarded, which takes back what is not visible yet.
type Work interface {
	// Put stores one mail. m.Ref.UID is the UID to carry, in a store that does
	// not assign UIDs. An error of scope ScopeMail concerns this mail alone.
	Put(ctx context.Context, m mail.Mail, r io.Reader) error
	// SetFlags changes flags. The UIDs of mails that are gone are returned; that
	// is no error.
	SetFlags(ctx context.Context, changes []mail.FlagChange) (gone []mail.UID, err error)
	// Assign gives a UID to mails that the store reported as Fresh; UID 0 takes
	// away the one that a mail only claims. The keys of mails that are gone are
	// returned. Only for stores that do not assign.
	Assign(ctx context.Context, given []Assignment) (gone []string, err error)
	// Remove removes mails for good; that one is gone already is no error.
	Remove(ctx context.Context, uids []mail.UID) error
	// Added tells after Commit, for each successful Put in order, the UID that
	// the store assigned, or 0 where it did not say.
	Added() []mail.UID
	// Err tells after Commit what became of this Work; with an error it is not
	// known which of its mails were stored, unless the error is Refused.
	Err() error
	// Discard drops what was not committed. After Commit it does nothing.
	Discard()
}

// Missing is a Work of a store that learns of some mails only at the end that it
// cannot have them.
type Missing interface {
	// Missed tells after Commit why mails are not there that were Put, by the UID
	// that they were to carry. Those of a Work with an Err are not among them.
	Missed() map[mail.UID]error
}

// Criteria choose mails by what a store knows of them without their text. Zero
// values let every mail pass.
type Criteria struct {
	// Since is a day, in its own location: mails that arrived on it or later
	// (RFC 9051, section 6.4.4, SINCE; the file's time in a Maildir).
	Since time.Time
	// Smaller is a number of octets: a server leaves out mails that have as many
	// in wire form (SMALLER), a Maildir those whose file has more.
	Smaller int64
}

// Assignment gives a UID to the mail with that key.
type Assignment struct {
	Key string
	UID mail.UID
}
