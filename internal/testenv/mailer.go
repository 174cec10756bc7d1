package testenv

import "time"

// Message is one mail as an independent reader sees it.
type Message struct {
	UID    uint32
	Flags  []string // sorted, without \Recent; system flags in RFC 9051's spelling
	Date   time.Time
	Size   int64  // RFC822.SIZE
	SHA256 string // of the octets after CRLF -> LF, in hex
}

// Mailer is a plain IMAP client, one command at a time, for arranging and
// checking. Mailbox names are as on the wire. Errors are Fatal.
type Mailer struct{}

// Client logs in at addr.
func Client(t T, addr, user, pass string) *Mailer { t.Fatalf("not yet"); return nil }

// Append adds a mail as it is, and returns its UID where the server says (else 0).
func (m *Mailer) Append(mailbox string, body []byte, date time.Time, flags ...string) uint32 {
	return 0
}

// Store sends UID STORE set item (+FLAGS, -FLAGS or FLAGS) flags.
func (m *Mailer) Store(mailbox, set, item string, flags ...string) {}

// Expunge removes the mails of a UID set for good.
func (m *Mailer) Expunge(mailbox, set string) {}

// Create, Delete, Rename and Subscribe mailboxes.
func (m *Mailer) Create(mailbox string) {}

// Delete deletes a mailbox.
func (m *Mailer) Delete(mailbox string) {}

// Rename renames a mailbox.
func (m *Mailer) Rename(from, to string) {}

// Subscribe subscribes a mailbox.
func (m *Mailer) Subscribe(mailbox string) {}

// Mailboxes lists the selectable mailboxes, sorted.
func (m *Mailer) Mailboxes() []string { return nil }

// Snapshot reads every mailbox, without changing a flag; mails ascend by UID.
func (m *Mailer) Snapshot() map[string][]Message { return nil }

// Messages reads one mailbox.
func (m *Mailer) Messages(mailbox string) []Message { return nil }

// Body returns the octets of one mail.
func (m *Mailer) Body(mailbox string, uid uint32) []byte { return nil }

// UIDValidity returns the mailbox's UIDVALIDITY.
func (m *Mailer) UIDValidity(mailbox string) uint32 { return 0 }

// Command sends one raw command without its tag and returns every line of the answer,
// literals left out, for what has no method here. NO and BAD are no failure.
func (m *Mailer) Command(line string) []string { return nil }

// Close logs out; Cleanup does so too.
func (m *Mailer) Close() {}
