package merge_test

import (
	"testing"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/merge"
)

// BenchmarkFull merges three listings of 200,000 mails with one difference.
func BenchmarkFull(b *testing.B) {
	const n = 200_000
	base := make([]mail.Entry, n)
	for i := range base {
		base[i] = mail.Entry{UID: mail.UID(2*i + 1), Flags: mail.Seen}
	}
	changed := append([]mail.Entry(nil), base...)
	changed[n/2].Flags = mail.Flagged
	local := &mail.Snapshot{Full: true, Entries: base, Mask: mail.AllFlags}
	remote := &mail.Snapshot{Full: true, Entries: changed, Mask: mail.SystemFlags}
	for b.Loop() {
		if p := merge.Merge(base, local, remote, both); len(p.LocalFlags) != 1 {
			b.Fatal(describe(p))
		}
	}
}

// BenchmarkDelta has a listing of UIDs on one side, as after a removal.
func BenchmarkDelta(b *testing.B) {
	const n = 200_000
	base := make([]mail.Entry, n)
	all := mail.Set{}
	for i := range base {
		base[i] = mail.Entry{UID: mail.UID(2*i + 1), Flags: mail.Seen}
		if i != n/2 {
			all.Append(base[i].UID, base[i].UID)
		}
	}
	local := &mail.Snapshot{Unchanged: true, Mask: mail.AllFlags}
	remote := &mail.Snapshot{All: all, Mask: mail.SystemFlags}
	for b.Loop() {
		if p := merge.Merge(base, local, remote, both); len(p.RemoveLocal) != 1 {
			b.Fatal(describe(p))
		}
	}
}
