package storetest

import (
	"slices"
	"time"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
)

func testSelect(s *suite) {
	name := s.box("Box")
	large, small := lines(100_000), text("small")
	uids := s.put(name, 0, large, small, lines(99_000), text("another"))
	all, gone := refs(uids), mail.Ref{UID: uids[3] + 1000}
	selected := func(among []mail.Ref, c store.Criteria) []mail.Ref {
		var got []mail.Ref
		s.open(name, func(f store.Folder) {
			var err error
			got, err = f.Select(s.ctx, among, c)
			s.must(err)
		})
		slices.SortFunc(got, func(a, b mail.Ref) int { return int(int64(a.UID) - int64(b.UID)) })
		return got
	}
	past, future := time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2090, 1, 1, 0, 0, 0, 0, time.UTC)
	for what, c := range map[string]struct{ got, want []mail.Ref }{
		"all there are":        {selected(nil, store.Criteria{}), all},
		"all of some":          {selected([]mail.Ref{all[1], gone}, store.Criteria{}), all[1:2]},
		"small ones":           {selected(nil, store.Criteria{Smaller: 50_000}), []mail.Ref{all[1], all[3]}},
		"small ones of some":   {selected(all[:3], store.Criteria{Smaller: 50_000}), all[1:2]},
		"recent ones":          {selected(nil, store.Criteria{Since: past}), all},
		"ones of the future":   {selected(nil, store.Criteria{Since: future}), nil},
		"recent and small":     {selected(all[:2], store.Criteria{Since: past, Smaller: 50_000}), all[1:2]},
		"of none":              {selected([]mail.Ref{}, store.Criteria{}), nil},
		"of one that is gone":  {selected([]mail.Ref{gone}, store.Criteria{}), nil},
		"smaller than nothing": {selected(nil, store.Criteria{Smaller: 1}), nil},
	} {
		if !slices.Equal(c.got, c.want) {
			s.Errorf("%s: %v, want %v", what, c.got, c.want)
		}
	}
}
