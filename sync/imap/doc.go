// Package imap is the store over an IMAP server: it surveys with one command
// where the server can, scans a mailbox by its difference, streams bodies both
// ways, and spreads the work over a few sessions.
//
// It must not know Maildirs, states, merges or configuration files, and it
// believes no server: what it reports as gone is what a listing proves, and
// the defects of servers that matter stand in one table with their sources.
//
// Everything runs on the goroutines of the callers; sessions go from one to
// another through the pool. Only Close starts goroutines, one for each session
// to log out, and it waits for them.
package imap
