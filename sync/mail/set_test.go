package mail_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/offlineimap/offlineimapd/sync/mail"
)

var genSet = rapid.Map(rapid.SliceOfN(rapid.OneOf(rapid.Uint32Range(1, 30), rapid.Uint32Range(1<<32-5, 1<<32-1)), 0, 25), func(us []uint32) mail.Set {
	var uids []mail.UID
	for _, u := range us {
		uids = append(uids, mail.UID(u))
	}
	return mail.SetOf(uids...)
})

func TestSets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := genSet.Draw(t, "a"), genSet.Draw(t, "b")
		if back, ok := mail.ParseSet(a.String()); !ok || !slices.Equal(back, a) {
			t.Fatalf("%s is read as %s, %v", a, back, ok)
		}
		both, either, without := a.And(b), a.Or(b), a.Without(b)
		for u := range either.All {
			if both.Has(u) != (a.Has(u) && b.Has(u)) || without.Has(u) != (a.Has(u) && !b.Has(u)) || !a.Has(u) && !b.Has(u) {
				t.Fatalf("%s and %s: %d", a, b, u)
			}
		}
		if either.Len() != a.Len()+b.Len()-both.Len() || without.Len() != a.Len()-both.Len() {
			t.Fatalf("%s and %s: %s, %s, %s", a, b, both, either, without)
		}
		for _, s := range []mail.Set{both, either, without} {
			if back, ok := mail.ParseSet(s.String()); !ok || !slices.Equal(back, s) {
				t.Fatalf("%v is not in order", s)
			}
		}
	})
}

func TestParseSet(t *testing.T) {
	for _, bad := range []string{",", "0", "1,", "2,1", "1:", ":1", "3:2", "1:*", "4294967296", "1,1", "1:5,5", "x", " 1", "-1"} {
		if s, ok := mail.ParseSet(bad); ok {
			t.Errorf("%q is read as %s", bad, s)
		}
	}
}
