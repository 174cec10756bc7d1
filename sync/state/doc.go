// Package state keeps what an account must remember between two runs, in one
// SQLite file: the base, which is what both sides last agreed on, and the
// journal of uploads that were begun. It also holds the locks that let one
// program at a time work on an account.
//
// It must not know stores, merging or protocols: it keeps what it is given, all
// of a Commit or nothing, and gives back exactly that or an error. A file that
// is damaged, cut short or not ours is set aside and an empty one begun, which
// costs a full comparison of both sides and never a mail; a wrong row could
// cost one, which is why every stored value carries a checksum.
//
// A DB may be used by several goroutines; they take turns on its only
// connection. The package starts no goroutines of its own; the SQLite driver
// starts one for the length of a query that its context may interrupt.
package state
