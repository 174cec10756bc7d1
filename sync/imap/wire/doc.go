// Package wire speaks IMAP (RFC 3501, RFC 9051 and the extensions named at the
// code) over one connection: any number of commands in one flight, answers
// handed to the caller as they are read, bodies streamed both ways, and
// whatever a server sends that cannot be read costs that one response.
//
// It must not know stores, mailboxes as a user sees them, policies, retries or
// any server by name; of the contract in sync/store it uses the error classes
// alone. Mailbox names are octets, as LIST gave them.
//
// Whoever calls a method reads the answers on its own goroutine, so that the
// back-pressure of a slow consumer is TCP's. Goroutines are started in three
// places, each ends before the method that owns it returns: a writer for a
// flight too large to write blindly (Run), a reader while an Appender pushes
// bodies, and the one that ends an Idle. A Conn belongs to one goroutine at a
// time; only Close and Stats may be called from others.
package wire
