// Package uidmap makes a second IMAP server the local side of an account: it
// wraps a store that assigns UIDs into one that carries those of the other side,
// and keeps, in a file of its own, which mail there has which of them.
//
// The map is written after the mails that it speaks of, and before the base that
// relies on it; what was begun stands in it before the first octet leaves. Where
// it is lost, or the mailbox is another one, the store says so (store.ErrReplaced)
// and the sides are compared anew: a map that lacks pairs must never read as mails
// that were removed, nor as mails that are new.
//
// It must not know the engine, the base, or which servers there are. It starts no
// goroutines; a Map belongs to one run at a time.
package uidmap
