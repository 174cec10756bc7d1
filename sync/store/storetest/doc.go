// Package storetest holds what the contract of package store means in tests:
// the conformance suite Run, the World of mailboxes in memory with stores that
// look at it either as a server or as a Maildir would, and decorators that make
// any store fail or slow.
//
// It must not know any other implementation: whoever writes one gives the suite
// an Env. It is imported by tests only. It starts goroutines only in the suite,
// which waits for them.
package storetest
