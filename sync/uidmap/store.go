package uidmap

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/names"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// Server is what is wrapped: a store that assigns UIDs, and that can be asked for
// a mailbox by its name.
type Server interface {
	store.Store
	// Find looks up mailboxes that a Survey does not list. missing has what the
	// server says against those that it does not find.
	Find(ctx context.Context, names []string) (found []store.Mailbox, missing map[string]error, err error)
}

// Options say how to use a server as the local side.
type Options struct {
	// ID names server and user: UIDs are those of this one.
	ID string
	// UTF8: names of mailboxes are decoded for the other side.
	UTF8 bool
	// Patience is how long, from New, the server may be at work on mails that
	// were sent to it over a connection that is dead.
	Patience time.Duration
	// Heir gives the pairs that another program knew of a mailbox, by its name and
	// UIDVALIDITY. It is asked where the map knows nothing; nil: nobody is.
	Heir func(ctx context.Context, mailbox string, validity uint32) ([]Pair, error)
	// Note receives what a person should know. From several goroutines at once; may
	// be nil.
	Note func(text string)
	// Step is called before and after each thing that a crash could come between,
	// with its name. For tests; may be nil.
	Step func(name string)
}

// Store is a server seen as the side that carries UIDs.
type Store struct {
	o     Options
	m     *Map
	inner Server
	began time.Time

	mu  sync.Mutex
	met map[string]mail.Stamp // of mailboxes, as they were last read

	imagined sync.Map // mailbox -> *box, of those that only a dry run has begun
}

var _ store.Store = (*Store)(nil)

// New wraps a server. The map stays the caller's to close, after the store.
func New(inner Server, m *Map, o Options) *Store {
	if o.Note == nil {
		o.Note = func(string) {}
	}
	if o.Step == nil {
		o.Step = func(string) {}
	}
	return &Store{o: o, m: m, inner: inner, began: time.Now(), met: map[string]mail.Stamp{}}
}

// Properties are those of the server, save that it carries UIDs.
func (s *Store) Properties() store.Properties {
	p := s.inner.Properties()
	p.AssignsUIDs, p.Mapped = false, true
	return p
}

// Survey lists the mailboxes. Those that the map knows and the server does not
// list are asked for: one that was left out must not be taken for removed, and
// brought here again beside what is in it.
func (s *Store) Survey(ctx context.Context) ([]store.Mailbox, error) {
	all, err := s.inner.Survey(ctx)
	if err != nil {
		return nil, err
	}
	known, err := s.m.names(ctx, s.o.ID)
	if err != nil {
		return nil, err
	}
	listed := map[string]bool{}
	for _, b := range all {
		listed[b.Name] = true
	}
	var unlisted []string
	for _, name := range known {
		if !listed[name] {
			unlisted = append(unlisted, name)
		}
	}
	if len(unlisted) > 0 {
		found, _, err := s.inner.Find(ctx, unlisted)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	var out []store.Mailbox
	for _, b := range all {
		if b.Selectable {
			b.Name, b.Stamp = s.read(b.Name), outward(b.Stamp)
			out = append(out, b)
		}
	}
	return out, nil
}

// Create makes a mailbox.
func (s *Store) Create(ctx context.Context, name string) error {
	raw, err := s.written(name)
	if err != nil {
		return err
	}
	return s.inner.Create(ctx, raw)
}

// Open returns a handle to a mailbox.
func (s *Store) Open(name string, readOnly bool) store.Folder {
	raw, err := s.written(name)
	return &folder{s: s, name: name, raw: raw, bad: err, readOnly: readOnly, inner: s.inner.Open(raw, readOnly)}
}

// Close ends the use of the server.
func (s *Store) Close(ctx context.Context) error { return s.inner.Close(ctx) }

func (s *Store) read(raw string) string { return names.Read(raw, names.Options{UTF8: s.o.UTF8}) }

func (s *Store) written(name string) (string, error) {
	raw, ok := names.Write(name, names.Options{UTF8: s.o.UTF8})
	if !ok {
		return "", store.Fail(store.Config, store.ScopeFolder, fmt.Errorf("the name %q is not UTF-8", name))
	}
	return raw, nil
}

// outward is a stamp as the contract has it of a store that carries UIDs: the
// UIDVALIDITY is not about the UIDs that it reports.
func outward(st mail.Stamp) mail.Stamp {
	st.Token, st.UIDValidity = strconv.FormatUint(uint64(st.UIDValidity), 10), 0
	return st
}

// inward is the inverse of outward; zero for a stamp of anything else.
func inward(st mail.Stamp) mail.Stamp {
	v, err := strconv.ParseUint(st.Token, 10, 32)
	if err != nil {
		return mail.Stamp{}
	}
	st.Token, st.UIDValidity = "", uint32(v)
	return st
}

// meet notes what a mailbox was when it was read. It must be the same all
// through a run: what was planned speaks of its UIDs.
func (s *Store) meet(name string, st mail.Stamp) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if was, ok := s.met[name]; ok && was.UIDValidity != st.UIDValidity {
		return store.Fail(store.Temporary, store.ScopeFolder,
			fmt.Errorf("the local mailbox %q was replaced meanwhile: its UIDVALIDITY was %d and is %d", names.Display(name), was.UIDValidity, st.UIDValidity))
	}
	s.met[name] = st
	return nil
}

func (s *Store) last(name string) (mail.Stamp, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, ok := s.met[name]
	return st, ok
}

var errNoValidity = errors.New("the local server gives no UIDVALIDITY, without which no mail can be known again")
