// Package store is the contract that both sides of an account fulfil: a
// Maildir tree, an IMAP server, and in tests one in memory.
//
// It must not know any implementation. Bodies cross in wire form (CRLF line
// ends) and stream; whoever keeps them otherwise converts, and must give the
// same octets back. Values that cross are immutable. A Store is safe for
// concurrent use by the engine's workers; a Folder and a Work belong to one
// goroutine at a time. Every call ends within a second of its context. The
// package starts no goroutines; storetest holds the conformance suite.
package store
