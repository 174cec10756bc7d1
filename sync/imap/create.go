package imap

import (
	"context"
	"errors"
	"fmt"
	"slices"

	goimap "github.com/emersion/go-imap/v2"

	"github.com/offlineimap/offlineimapd/sync/imap/wire"
	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/names"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// Create makes a mailbox. The server makes the parents (RFC 9051, section
// 6.3.4); where it refuses, it is asked for each of them. Where the mailbox is
// there afterwards, but the server lists it under another spelling, that is an
// error of class Config: under two names it would be taken for two mailboxes.
func (s *Store) Create(ctx context.Context, name string) error {
	x, err := s.pool.get(ctx, "")
	if err != nil {
		return connecting{err}
	}
	defer s.pool.put(x)
	name = canonical(name)
	if err := s.create(ctx, x, name); err != nil {
		return wrap(store.ScopeFolder, err, "create %q", names.Display(name))
	}
	s.seen.note(name, mail.Stamp{}) // it need not be the one that was there before
	return nil
}

func (s *Store) create(ctx context.Context, x *session, name string) error {
	variable := names.Composable(name)
	var sep byte
	var doubtful bool
	s.learn(func(l *layout) {
		sep, doubtful = l.separator, variable || l.spelled.Other(name) != ""
		l.spelled.Add(name) // others of the same run are to be told from it
	})
	cmds := []*wire.Command{wire.Create(name)}
	if s.o.SubscribedOnly {
		cmds = append(cmds, wire.Subscribe(name)) // else it would not be listed
	}
	var shown listed
	res, err := x.run(ctx, shown.handler(), append(cmds, wire.ListCmd("", name, wire.ListOptions{}))...)
	if err != nil {
		return err
	}
	first, last := res[0], res[0]
	if !created(first) && sep != 0 {
		if cmds = ancestors(name, sep); len(cmds) > 0 {
			shown = listed{}
			cmds = append(cmds, wire.Create(name), wire.ListCmd("", name, wire.ListOptions{}))
			if res, err = x.run(ctx, shown.handler(), cmds...); err != nil {
				return err
			}
			last = res[len(res)-2]
		}
	}
	written := shown.spelling(name)
	switch {
	case last.OK() && !doubtful && (written == name || written == ""):
		return nil
	case !created(last) && written == "":
		// Servers without response codes refuse what exists in words of their own, and
		// list it.
		return answered(store.ScopeFolder, first, "CREATE")
	}
	// A server may give a name back as it was asked for it, so all are listed.
	var all listed
	if res, err = x.run(ctx, all.handler(), wire.ListCmd(s.o.Reference, "*", wire.ListOptions{})); err != nil {
		return err
	}
	if err := answered(store.ScopeFolder, res[0], "LIST"); err != nil {
		return err
	}
	switch written = all.spelling(name); {
	case written == name:
		return nil
	case written != "":
		return &store.Error{Class: store.Config, Scope: store.ScopeFolder,
			Err:  fmt.Errorf("for the server it is %q, which it has already", names.Display(written)),
			Hint: "give both folders the same spelling, or leave one of them out by a folderfilter"}
	case variable || last.OK():
		return &store.Error{Class: store.Config, Scope: store.ScopeFolder,
			Err:  errors.New("the server has it, and does not list it under this name"),
			Hint: "if the server writes the name otherwise, rename the local folder so"}
	}
	return nil // a mailbox that is not listed has no folder of its own
}

func created(r wire.Result) bool {
	return r.OK() || r.Code == string(goimap.ResponseCodeAlreadyExists)
}

// ancestors returns commands to make the mailboxes above name, from the top.
func ancestors(name string, sep byte) (cmds []*wire.Command) {
	for i := range len(name) {
		if name[i] == sep && i > 0 {
			cmds = append(cmds, wire.Create(name[:i]))
		}
	}
	return cmds
}

// listed are names of mailboxes that can hold mails, as a server lists them.
type listed []string

func (all *listed) handler() *wire.Handler {
	return &wire.Handler{List: func(l *wire.List) {
		if !l.Has(goimap.MailboxAttrNoSelect) && !l.Has(goimap.MailboxAttrNonExistent) {
			*all = append(*all, canonical(l.Mailbox))
		}
	}}
}

// spelling returns how the server writes name: as it is where that is listed, else
// as another that is the same where case does not matter, else "".
func (all listed) spelling(name string) (other string) {
	for _, n := range all {
		if n == name {
			return name
		}
		if names.Alike(n, name) {
			other = n
		}
	}
	return other
}

// Find looks up mailboxes that a listing does not show, by their names. missing
// has what the server says against one of them.
func (s *Store) Find(ctx context.Context, all []string) (found []store.Mailbox, missing map[string]error, err error) {
	err = s.reading(ctx, "", func(x *session) (bool, error) {
		found, missing = nil, map[string]error{}
		for part := range slices.Chunk(all, statusChunk) {
			v := &survey{x: x, at: map[string]int{}}
			res, err := v.look(ctx, part)
			if err != nil {
				return false, err
			}
			for i, name := range part {
				if err := answered(store.ScopeFolder, res[i], "look up %q", names.Display(name)); err != nil {
					missing[name] = err
					continue
				}
				m := v.boxes[v.at[canonical(name)]]
				found = append(found, m)
				if m.Stamp.UIDValidity != 0 {
					s.seen.note(m.Name, m.Stamp)
				}
			}
		}
		return false, nil
	})
	return found, missing, wrap(store.ScopeStore, err, "look up mailboxes of %s", s.o.Host)
}

// look asks for each of some mailboxes, and returns the answers.
func (v *survey) look(ctx context.Context, all []string) ([]wire.Result, error) {
	var cmds []*wire.Command
	for _, name := range all {
		name = canonical(name)
		v.at[name] = len(v.boxes)
		v.boxes = append(v.boxes, store.Mailbox{Name: name, Display: names.Display(name), Selectable: true})
		cmds = append(cmds, wire.StatusCmd(name, v.items()...))
	}
	if !v.x.quirks.noStatus {
		return v.x.run(ctx, v.handler(), cmds...)
	}
	var out []wire.Result
	for _, m := range v.boxes {
		k, b := selecting(m.Name, wire.SelectOptions{ReadOnly: true, CondStore: v.x.condstore()})
		res, err := v.x.run(ctx, nil, k)
		if err != nil {
			return nil, err
		}
		v.x.selected(b, res[0])
		out = append(out, res[0])
	}
	return out, nil
}
