// Package testenv gives tests real counterparts: Dovecot, go-imap's in-memory
// server, a TCP proxy that delays, counts and breaks, a message bus, a
// booted systemd with an ordinary user's session, an independent reader of
// mailboxes and of Maildirs, and a corpus of difficult mails.
//
// It must not import anything below sync/: what checks the engine shares no
// code with it. Servers and proxies own their goroutines and processes, and
// end them in T's Cleanup.
package testenv
