package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/offlineimap/offlineimapd/internal/config"
	"github.com/offlineimap/offlineimapd/internal/pyexpr"
	"github.com/offlineimap/offlineimapd/sync/names"
)

// sortLimit is for all questions to a foldersort of one run.
const sortLimit = 20 * time.Second

// sorting is the order that a foldersort makes.
type sorting struct {
	expression config.Expression
	compare    pyexpr.Func
	visible    func(mailbox string) string
	note       func(text string)
	// places are those of the last order, by the names that people see; nil: there is
	// none, for the function failed.
	places map[string]int
}

// order asks foldersort about mailboxes, and returns the place of each; nil where
// it fails. A comparison that contradicts itself makes for some order.
func (s *sorting) order(ctx context.Context, mailboxes []string) map[string]int {
	ctx, cancel := context.WithTimeoutCause(ctx, sortLimit, errors.New("all its comparisons together took too long"))
	defer cancel()
	var failed error
	all := slices.Clone(mailboxes)
	slices.Sort(all) // so that the same mailboxes are asked about in the same order
	slices.SortStableFunc(all, func(a, b string) int {
		if failed != nil {
			return 0
		}
		v, err := s.compare.Call(ctx, s.visible(a), s.visible(b))
		c, ok := sign(v)
		if err == nil && !ok {
			err = fmt.Errorf("it gives %s instead of a number", kindOf(v))
		}
		failed = err
		return c
	})
	if failed != nil {
		s.tell(wrong(s.expression, failed))
		return nil
	}
	places := make(map[string]int, len(all))
	s.places = make(map[string]int, len(all))
	for i, m := range all {
		places[m] = i
		s.places[names.Display(m)] = i
	}
	return places
}

// seen returns the places by the names that people see; nil without any.
func (s *sorting) seen() map[string]int {
	if s == nil {
		return nil
	}
	return s.places
}

func (s *sorting) tell(err error) {
	s.note(fmt.Sprintf("%v; the folders are synced in an order of our own", err))
}

// sign is what a comparison says: less than, equal to or greater than 0.
func sign(v any) (c int, ok bool) {
	switch v := v.(type) {
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	case int64:
		return int(min(max(v, -1), 1)), true
	case float64:
		switch {
		case v < 0:
			return -1, true
		case v > 0:
			return 1, true
		}
		return 0, true
	}
	return 0, false
}
