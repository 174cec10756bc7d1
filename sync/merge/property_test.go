package merge_test

import (
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/merge"
	"pgregory.net/rapid"
)

// After one plan both sides have the same mails with the same flags, and the
// base says so.
func TestConvergence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := anyModel.Draw(t, "model")
		p := m.merge(both)
		m.apply(p)
		if len(m.fresh) > 0 || len(m.local) != len(m.remote) || len(m.local) != len(m.base) {
			t.Fatalf("%d fresh, %d local, %d remote mails, %d rows", len(m.fresh), len(m.local), len(m.remote), len(m.base))
		}
		for u, l := range m.local {
			r, inRemote := m.remote[u]
			b, inBase := m.base[u]
			if !inRemote || !inBase || l.id != r.id || (l.flags^r.flags|l.flags^b)&p.Shared != 0 {
				t.Errorf("UID %d: local %v, remote %v (%v), base %v (%v), shared %v", u, l, r, inRemote, b, inBase, p.Shared)
			}
		}
		if p.Local.Left != len(m.local) || p.Remote.Left != len(m.remote) {
			t.Errorf("%d and %d mails are left, the plan said %d and %d", len(m.local), len(m.remote), p.Local.Left, p.Remote.Left)
		}
	})
}

// Whatever the options, a plan that was carried out leaves nothing to do.
func TestIdempotence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, o := anyModel.Draw(t, "model"), anyOptions.Draw(t, "options")
		m.apply(m.merge(o))
		if again := m.merge(o); !again.Empty() {
			t.Fatalf("the second plan: %s", describe(again))
		}
	})
}

// A mail leaves a side only where the base had it, the other side removed it,
// and that is to be carried over; a mail that the base has not reaches the
// other side unless that takes no changes. Nothing is ever doubled.
func TestNoLoss(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, o := anyModel.Draw(t, "model"), anyOptions.Draw(t, "options")
		before := m.clone()
		m.apply(m.merge(o))
		l0, r0 := before.ids()
		l1, r1 := m.ids()
		for id := range l0 {
			_, inBase := before.base[mail.UID(id)]
			if l1[id] == 0 && (!inBase || r0[id] > 0 || !o.RemoteDeletes || o.LocalReadOnly) {
				t.Errorf("mail %d is lost locally", id)
			}
			if !inBase && !o.RemoteReadOnly && r1[id] == 0 {
				t.Errorf("mail %d is new locally, and did not reach the server", id)
			}
		}
		for id := range r0 {
			_, inBase := before.base[mail.UID(id)]
			if r1[id] == 0 && (!inBase || l0[id] > 0 || !o.LocalDeletes || o.RemoteReadOnly || o.KeepDeleted) {
				t.Errorf("mail %d is lost on the server", id)
			}
			if !inBase && !o.LocalReadOnly && l1[id] == 0 {
				t.Errorf("mail %d is new on the server, and did not come here", id)
			}
		}
		for _, side := range []map[int]int{l1, r1} {
			for id, n := range side {
				if n > 1 {
					t.Errorf("mail %d is there %d times", id, n)
				}
			}
		}
	})
}

// Of the mails outside of the limits each side keeps those that it has, and gets
// no other.
func TestOutsideStays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, o := anyModel.Draw(t, "model"), anyOptions.Draw(t, "options")
		for u := mail.UID(1); u < 20; u++ {
			if rapid.Bool().Draw(t, "outside") {
				o.Outside.Append(u, u)
			}
		}
		o.KeepDeleted = false
		p := m.merge(o)
		for u := range o.Outside.All {
			_, l := m.local[u]
			_, r := m.remote[u]
			moved := slices.Contains(p.RemoveLocal, u) || slices.Contains(p.RemoveRemote, u) ||
				slices.ContainsFunc(p.Download, func(e mail.Entry) bool { return e.UID == u }) ||
				slices.ContainsFunc(p.Reupload, func(e mail.Entry) bool { return e.UID == u })
			_, inBase := m.base[u]
			if moved || slices.Contains(p.ApartLocal, u) != (l && !r && inBase) || slices.Contains(p.ApartRemote, u) != (r && !l) {
				t.Errorf("mail %d, here %v, there %v: %+v", u, l, r, p)
			}
		}
	})
}

// No side is favoured.
func TestMirror(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, o := anyModel.Draw(t, "model"), anyOptions.Draw(t, "options")
		m.fresh, o.KeepDeleted = nil, false
		local, remote := m.scan()
		p := merge.Merge(sorted(m.base), local, remote, o)
		q := merge.Merge(sorted(m.base), remote, local, merge.Options{
			LocalReadOnly: o.RemoteReadOnly, RemoteReadOnly: o.LocalReadOnly,
			LocalDeletes: o.RemoteDeletes, RemoteDeletes: o.LocalDeletes,
		})
		q.Download, q.Reupload = q.Reupload, q.Download
		q.LocalFlags, q.RemoteFlags = q.RemoteFlags, q.LocalFlags
		q.RemoveLocal, q.RemoveRemote = q.RemoveRemote, q.RemoveLocal
		q.Local, q.Remote = q.Remote, q.Local
		if !reflect.DeepEqual(p, q) {
			t.Fatalf("%s\nmirrored: %s", describe(p), describe(q))
		}
	})
}

// Sides that take no changes get none, and once they do, all is carried over.
func TestReadOnly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, o := anyModel.Draw(t, "model"), both
		o.LocalReadOnly = rapid.Bool().Draw(t, "local read-only")
		o.RemoteReadOnly = !o.LocalReadOnly || rapid.Bool().Draw(t, "remote read-only")
		p := m.merge(o)
		if n := len(p.Download) + len(p.LocalFlags) + len(p.RemoveLocal); o.LocalReadOnly && n > 0 {
			t.Errorf("%d changes to the local side", n)
		}
		if n := len(p.Upload) + len(p.Reupload) + len(p.RemoteFlags) + len(p.RemoveRemote); o.RemoteReadOnly && n > 0 {
			t.Errorf("%d changes to the remote side", n)
		}
		later, direct := m.clone(), m.clone()
		later.apply(p)
		later.apply(later.merge(both))
		direct.apply(direct.merge(both))
		l1, r1 := later.ids()
		l2, r2 := direct.ids()
		if !maps.Equal(l1, l2) || !maps.Equal(r1, r2) {
			t.Errorf("later %v and %v, at once %v and %v", l1, r1, l2, r2)
		}
		if p.Local.Pending+p.Remote.Pending == 0 {
			if rest := later.merge(both); !rest.Empty() {
				t.Errorf("nothing was pending, and yet: %s", describe(rest))
			}
		}
	})
}

// Flags that one side cannot store stay as they are on the other.
func TestMasksHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, o := anyModel.Draw(t, "model"), anyOptions.Draw(t, "options")
		p := m.merge(o)
		for _, c := range slices.Concat(p.LocalFlags, p.RemoteFlags) {
			mark := o.KeepDeleted && c.Add == mail.Trashed && m.rmask&mail.Trashed != 0
			if touched := c.Add | c.Clear; touched == 0 || c.Add&c.Clear != 0 || touched&^p.Shared != 0 && !mark {
				t.Errorf("%+v, where %q are shared", c, p.Shared)
			}
		}
		for _, e := range p.Rows {
			if kept := (e.Flags ^ m.base[e.UID]) &^ p.Shared &^ mail.Trashed; kept != 0 {
				t.Errorf("the row of %d changes in %q, where %q are shared", e.UID, kept, p.Shared)
			}
		}
	})
}

func TestOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := anyModel.Draw(t, "model")
		p := m.merge(anyOptions.Draw(t, "options"))
		uids := func(es []mail.Entry) (us []mail.UID) {
			for _, e := range es {
				us = append(us, e.UID)
			}
			return us
		}
		changed := func(cs []mail.FlagChange) (us []mail.UID) {
			for _, c := range cs {
				us = append(us, c.UID)
			}
			return us
		}
		once := mail.Set{}
		for _, l := range [][]mail.UID{uids(p.Download), uids(p.Reupload), p.RemoveLocal, p.RemoveRemote, p.Forget} {
			for _, u := range l {
				if once.Has(u) {
					t.Errorf("UID %d stands in two lists", u)
				}
				once = mail.SetOfRanges(append(once, mail.Range{First: u, Last: u})...)
			}
		}
		for _, l := range [][]mail.UID{uids(p.Download), uids(p.Reupload), uids(p.Rows), changed(p.LocalFlags), changed(p.RemoteFlags), p.RemoveLocal, p.RemoveRemote, p.Forget} {
			if !slices.IsSorted(l) || len(slices.Compact(slices.Clone(l))) != len(l) {
				t.Errorf("out of order: %v", l)
			}
		}
	})
}

// A difference to the base leads to the same plan as a full listing, or to the
// wish for one.
func TestDeltaIsFull(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, o := anyModel.Draw(t, "model"), both
		if o.KeepDeleted = rapid.Bool().Draw(t, "keep deleted"); o.KeepDeleted {
			// What is not shared the base does not tell of mails that a
			// difference leaves out; to mark one that is marked harms nothing.
			m.lmask, m.rmask = m.lmask|mail.Trashed, m.rmask|mail.Trashed
		}
		m.apply(m.merge(o))
		then := m.clone()
		for u := range m.next {
			for _, side := range []map[mail.UID]letter{m.local, m.remote} {
				switch l, ok := side[u]; {
				case !ok:
				case rapid.IntRange(0, 3).Draw(t, "remove") == 0:
					delete(side, u)
				case rapid.Bool().Draw(t, "flag"):
					side[u] = letter{l.id, someFlags.Draw(t, "flags")}
				}
			}
		}
		m.remote[m.next] = letter{int(m.next), 0}

		local, remote := m.scan()
		want := merge.Merge(sorted(m.base), local, remote, o)
		dl := difference(then.local, m.local, local, rapid.Bool().Draw(t, "local delta"))
		dr := difference(then.remote, m.remote, remote, rapid.Bool().Draw(t, "remote delta"))
		got := merge.Merge(sorted(m.base), dl, dr, o)
		if got.Local.Relist || got.Remote.Relist {
			if !o.KeepDeleted {
				t.Fatalf("a full listing is wanted: %s", describe(got))
			}
			return
		}
		if outlived(then) {
			return // counts and changes of flags are of mails that are not there
		}
		if o.KeepDeleted { // counts a mail that is marked on both sides only where it is listed
			got.Base, got.Local, got.Remote = want.Base, want.Local, want.Remote
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("from differences: %s %+v\nfrom listings:    %s %+v", describe(got), got, describe(want), want)
		}
	})
}

func outlived(m *model) bool { return len(m.base) != len(m.local) }

// difference is what a store reports that knew the mailbox as then.
func difference(then, now map[mail.UID]letter, full *mail.Snapshot, asDelta bool) *mail.Snapshot {
	if !asDelta {
		return full
	}
	s := &mail.Snapshot{Mask: full.Mask}
	gone := false
	for u := range then {
		_, there := now[u]
		gone = gone || !there
	}
	for _, e := range full.Entries {
		if old, ok := then[e.UID]; !ok || old.flags != e.Flags {
			s.Entries = append(s.Entries, e)
		}
	}
	if gone {
		s.All = mail.Set{}
		for _, e := range full.Entries {
			s.All.Append(e.UID, e.UID)
		}
	}
	if !gone && s.Entries == nil {
		s.Unchanged = true
	}
	return s
}
