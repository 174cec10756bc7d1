package state

import "github.com/offlineimap/offlineimapd/sync/mail"

// Folder is one pair of mailboxes that are kept in step, and what both sides
// looked like when they last agreed.
type Folder struct {
	ID     int64
	Remote string // the names as the stores write them, octet by octet
	Local  string
	// The stamps are zero until SetStamps.
	RemoteStamp mail.Stamp
	LocalStamp  mail.Stamp
	Count       int // rows in the base
}

// Intent is an upload that was begun, or, without a Key, the removal of the mail
// with the UID UIDNext. It stays until its outcome is known.
type Intent struct {
	ID          int64
	Folder      int64
	Key         string // the mail's key in the local store
	UIDValidity uint32 // of the remote mailbox, when the upload began
	UIDNext     mail.UID
	Size        int64    // octets in wire form
	Hash        [32]byte // SHA-256 of the wire form
	MessageID   string
	Flags       mail.Flags
	// Unknown: the server said that it stored the mail, but not under which UID.
	// It must be looked for and never be uploaded again.
	Unknown bool
}

// Change is one part of a Commit. Changes take effect in the order given.
type Change interface{ apply(tx *tx) error }

// AddFolder adds a pair without rows, with the stamps that it has, and sets
// Folder.ID and Count. That the pair exists already is an error. Changes of the
// same Commit cannot name it, as its ID is not known yet.
type AddFolder struct{ Folder *Folder }

// SetStamps replaces the stamps that are not nil.
type SetStamps struct {
	Folder        int64
	Remote, Local *mail.Stamp
}

// PutRows adds rows or replaces those with the same UID, in any order; of two
// with the same UID the later one counts.
type PutRows struct {
	Folder int64
	Rows   []mail.Entry
}

// DropRows removes rows; that one is not there is no error.
type DropRows struct {
	Folder int64
	UIDs   []mail.UID
}

// ForgetFolder removes a pair with its rows, stamps and intents; its ID is
// never given again. That it is not there is no error.
type ForgetFolder struct{ Folder int64 }

// AddIntents adds intents and sets the ID of each in the slice.
type AddIntents struct{ Intents []Intent }

// CloseIntents removes intents whose outcome is known; that one is not there is
// no error.
type CloseIntents struct{ IDs []int64 }

// MarkUnknown sets Unknown in intents.
type MarkUnknown struct{ IDs []int64 }

// SetMeta keeps a value under a key of the caller's choice; an empty Value
// removes it.
type SetMeta struct{ Key, Value string }
