package main

import (
	"errors"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/offlineimap/offlineimapd/sync/names"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// chosen are the mailboxes that the command line asks for, by their names on the
// server, as it writes them or as people do.
type chosen struct {
	names []string
	met   atomic.Bool // one of them is there
}

// choose returns nil where nothing is asked for.
func choose(mailboxes []string) *chosen {
	if mailboxes == nil {
		return nil
	}
	return &chosen{names: mailboxes}
}

// has is a filter as engine.Choice has it.
func (c *chosen) has(name string) (bool, error) {
	in := slices.Contains(c.names, name) || slices.Contains(c.names, names.Display(name))
	if in {
		c.met.Store(true)
	}
	return in, nil
}

// missed tells after a run whether there was nothing to sync.
func (c *chosen) missed() bool { return c != nil && !c.met.Load() }

func errNoneChosen(c *chosen) error {
	var shown []string
	for _, n := range c.names {
		shown = append(shown, names.Display(n))
	}
	return &store.Error{Class: store.Config, Scope: store.ScopeStore,
		Err:  errors.New("no folder to sync: the server has none of " + strings.Join(shown, ", ")),
		Hint: "name mailboxes as the server does; --info lists them"}
}
