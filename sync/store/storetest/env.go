package storetest

import (
	"testing"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// Env is one store under test, whose mailboxes nobody else uses. New gives a
// fresh one and arranges its own end by t.Cleanup; the suite closes Store.
type Env struct {
	Store   store.Store
	Outside Outside
	// Reopen gives another Store over the same mailboxes, as the next run has
	// it, or as one has it after the process was killed. The suite closes it.
	Reopen func(t testing.TB) store.Store
	// Mask holds flags that the store must be able to keep, at least; zero
	// stands for mail.SystemFlags.
	Mask mail.Flags
	// Large is the size of the largest body to try, in octets; zero stands for
	// 4 MiB.
	Large int
	// Streams: the process holds nothing but the store under test (no server in
	// it), so that the suite may look at the memory that a body takes.
	Streams bool
	// Rebuilds: what lies behind the store parses bodies and builds them anew,
	// and keeps part of one that broke off (go-imap's in-memory server). The
	// tests that are about these octets are left out.
	Rebuilds bool
}

// Outside is how another program sees and changes the mailboxes: a mail reader
// on the Maildir, another client of the server. It must not go through the
// store under test. Bodies are in wire form.
type Outside interface {
	// Create makes a mailbox.
	Create(folder string) error
	// Add stores a mail as such a program would: in a Maildir without a UID.
	Add(folder string, flags mail.Flags, body []byte) error
	// SetFlags gives a mail, which List has just told of, exactly these flags.
	SetFlags(folder string, m Mail, flags mail.Flags) error
	// Remove removes a mail, which List has just told of, for good.
	Remove(folder string, m Mail) error
	// List tells of all mails, in any order.
	List(folder string) ([]Mail, error)
}

// Mail is a mail as Outside sees it.
type Mail struct {
	ID    string // for Outside alone
	UID   mail.UID
	Flags mail.Flags
	Body  []byte
}
