package imap

import (
	"context"
	"slices"

	"github.com/offlineimap/offlineimapd/sync/imap/wire"
	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/names"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// Server is what a server says of itself.
type Server struct {
	Greeting     string   // its first line, without status and capabilities
	Capabilities []string // those after the login, sorted
}

// Describe connects, and asks the server for what it is.
func (s *Store) Describe(ctx context.Context) (Server, error) {
	var out Server
	err := s.reading(ctx, "", func(x *session) (bool, error) {
		if _, err := x.run(ctx, nil, wire.Capability()); err != nil {
			return false, err
		}
		out = Server{Greeting: x.c.Greeting()}
		for c := range x.caps() {
			out.Capabilities = append(out.Capabilities, string(c))
		}
		slices.Sort(out.Capabilities)
		return false, nil
	})
	return out, wrap(store.ScopeStore, err, "ask %s what it can do", s.o.Host)
}

// Delete removes a mailbox with all its mails (RFC 9051, section 6.3.5). Nothing
// in a run does that: it is for a person who names the mailbox.
func (s *Store) Delete(ctx context.Context, name string) error {
	x, err := s.pool.get(ctx, "")
	if err != nil {
		return connecting{err}
	}
	defer s.pool.put(x)
	name = canonical(name)
	res, err := x.run(ctx, nil, wire.Delete(name))
	if err != nil {
		return wrap(store.ScopeFolder, err, "delete %q", names.Display(name))
	}
	if err := answered(store.ScopeFolder, res[0], "delete %q", names.Display(name)); err != nil {
		return err
	}
	s.seen.note(name, mail.Stamp{})
	return nil
}
