package mail

import "time"

// Entry is one mail of a mailbox as both sides name it: by the UID that it
// has on the server.
type Entry struct {
	UID   UID
	Flags Flags
}

// Ref names a mail towards a store: by UID, or, while it has none, by the key
// that the store gave it in a Snapshot. A store that assigns UIDs (IMAP) gives
// no keys.
type Ref struct {
	UID UID
	Key string
}

// Fresh is a mail without a UID that is good in this mailbox: written by
// another program, and not uploaded yet. Claim is the UID that its name
// carries where that was not accepted as its UID, else 0: with Known.Keys that
// of every mail; without, one that another mail of the snapshot has as its UID,
// and only their contents tell which of them is the real one.
type Fresh struct {
	Key   string
	Flags Flags
	Claim UID
}

// Stamp is what a mailbox looks like from outside, cheap to get. Where Sure
// is set on both, two equal stamps say that nothing changed in between.
type Stamp struct {
	UIDValidity uint32 // 0: the store has none (Maildir)
	UIDNext     UID
	ModSeq      ModSeq
	Messages    uint32
	Token       string // a store's own mark (Maildir: the times of its directories)
	Sure        bool
	// Mask is the Mask of the snapshot that the stamp was kept with; 0: not known.
	// It is no part of what the mailbox looks like.
	Mask Flags
}

// Same tells whether s and t prove that nothing changed between them.
func (s Stamp) Same(t Stamp) bool {
	t.Mask = s.Mask
	return s.Sure && t.Sure && s == t
}

// Known is what the base holds of a mailbox, for the store to report only the
// difference.
type Known struct {
	Stamp Stamp // the stamp when both sides last agreed; zero: nothing is known
	Count int   // mails in the base
	Full  bool  // list all mails with their flags, whatever the stamp says
	// Keys has every mail of a store that carries UIDs (Maildir) reported as
	// Fresh, with its key, and the UID in its name as a Claim only: the base
	// was lost, or belongs to another mailbox.
	Keys bool
}

// Snapshot is one side of a mailbox, in full or as the difference to Known.
type Snapshot struct {
	// Unchanged: the side is as the base has it. All else but Stamp, Mask and
	// ReadOnly is empty then.
	Unchanged bool
	// Full: Entries are all mails with a UID. Otherwise they are those that are
	// new or whose flags changed, and the others are as in the base.
	Full    bool
	Entries []Entry // ascending by UID, each once
	// All, where not nil in a snapshot that is not Full, is the listing of
	// every UID that exists: the only proof that a mail is gone. Nil there
	// says that none is gone.
	All   Set
	Fresh []Fresh // in a stable order
	Stamp Stamp   // to keep in the base once both sides agree with this snapshot
	// Mask holds the flags this side can store for good; others are not touched.
	Mask     Flags
	ReadOnly bool // the side refuses changes (RFC 9051, section 7.1, READ-ONLY)
}

// FlagChange sets and clears flags of one mail. Flags in neither stay as they are.
type FlagChange struct {
	UID        UID
	Add, Clear Flags
}

// Mail is one message on its way from a store to another.
type Mail struct {
	Ref   Ref
	Flags Flags
	Size  int64     // octets in wire form (CRLF line ends), exact; -1 where it cannot be known before the end
	Date  time.Time // when it arrived (INTERNALDATE, or the file's time); zero: unknown
}

// Header is what identifies a mail whose UID cannot be trusted.
type Header struct {
	Ref       Ref
	MessageID string // as written, without surrounding white space; "" where missing or repeated
	Date      string // the Date field as written
	Size      int64  // octets in wire form, as the store says; -1 where what it says is not to be trusted
}
