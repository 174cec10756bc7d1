package imap

import "github.com/offlineimap/offlineimapd/sync/mail"

// seen remembers what was last heard of each mailbox, for all handles and
// sessions of a store: UIDs mean nothing without the UIDVALIDITY under which
// they were reported, and a session that selects the mailbox anew must find the
// same. Whoever takes the map out puts it back at once.
type seen chan map[string]mail.Stamp

func newSeen() seen {
	s := make(seen, 1)
	s <- make(map[string]mail.Stamp)
	return s
}

func (s seen) of(name string) mail.Stamp {
	m := <-s
	st := m[name]
	s <- m
	return st
}

func (s seen) note(name string, st mail.Stamp) {
	m := <-s
	m[name] = st
	s <- m
}
