package uidmap

import (
	"context"
	"slices"
)

// Known is what a Map has of a mailbox: what the next run would believe.
type Known struct {
	UIDValidity uint32
	Pairs       []Pair // ascending by Local
	// Open: mails were sent of which no run has seen yet what became of them. The
	// server may have them, without a pair.
	Open bool
}

// Known returns what the map has of a mailbox, by Options.ID and the name that the
// server has; nil: nothing.
func (m *Map) Known(ctx context.Context, id, mailbox string) (*Known, error) {
	b, err := m.find(ctx, id, mailbox)
	if b == nil || err != nil {
		return nil, err
	}
	k := &Known{UIDValidity: b.validity}
	if err := m.each(ctx, b, func(p Pair) { k.Pairs = append(k.Pairs, p) }); err != nil {
		return nil, err
	}
	open, err := m.intents(ctx, b)
	k.Open = slices.ContainsFunc(open, func(i intent) bool { return !i.unseen })
	return k, err
}
