package imap

import (
	"context"
	"fmt"
	"strings"

	goimap "github.com/emersion/go-imap/v2"

	"github.com/offlineimap/offlineimapd/sync/imap/wire"
	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// Select asks the server, which knows dates and sizes without reading a mail. One
// that does not answer a search finds nothing.
func (f *folder) Select(ctx context.Context, refs []mail.Ref, c store.Criteria) ([]mail.Ref, error) {
	sets := []mail.Set{nil}
	var among mail.Set
	if refs != nil {
		uids := make([]mail.UID, 0, len(refs))
		for _, r := range refs {
			if r.UID != 0 {
				uids = append(uids, r.UID)
			}
		}
		among = mail.SetOf(uids...)
		sets = chunks(among)
	}
	var found mail.Set
	err := f.s.reading(ctx, f.name, func(x *session) (touched bool, err error) {
		found, err = f.search(ctx, x, sets, c)
		return false, err
	})
	if err != nil {
		return nil, f.wrap(err, "search %s", f)
	}
	var out []mail.Ref
	for u := range found.All {
		if refs == nil || among.Has(u) {
			out = append(out, mail.Ref{UID: u})
		}
	}
	return out, nil
}

func (f *folder) search(ctx context.Context, x *session, sets []mail.Set, c store.Criteria) (mail.Set, error) {
	first, b, selects := f.entry(x)
	cmds := []*wire.Command{first}
	for _, s := range sets {
		k := wire.UIDSearch(criteria(s, c))
		if x.has(goimap.CapESearch) {
			k = wire.UIDSearch(criteria(s, c), "ALL")
		}
		cmds = append(cmds, k)
	}
	var found []mail.Range
	res, err := x.run(ctx, &wire.Handler{Search: func(s *wire.Search) {
		if s.UID {
			found = append(found, ranges(s.Set)...)
		}
	}}, cmds...)
	if err != nil {
		return nil, err
	}
	if selects {
		if err := f.entered(x, b, res[0]); err != nil {
			return nil, err
		}
	}
	for _, r := range res[1:] {
		// An empty mailbox has no mail 1:*, which some servers refuse to look for.
		if !r.OK() && b.exists > 0 {
			return nil, answered(store.ScopeFolder, r, "search")
		}
	}
	return mail.SetOfRanges(found...), nil
}

// criteria writes search keys (RFC 9051, section 6.4.4).
func criteria(s mail.Set, c store.Criteria) string {
	var keys []string
	if len(s) > 0 {
		keys = append(keys, "UID "+s.String())
	}
	if !c.Since.IsZero() {
		keys = append(keys, "SINCE "+c.Since.Format("2-Jan-2006"))
	}
	if c.Smaller > 0 {
		keys = append(keys, fmt.Sprintf("SMALLER %d", min(c.Smaller, 1<<32-1)))
	}
	if len(keys) == 0 {
		return "ALL"
	}
	return strings.Join(keys, " ")
}
