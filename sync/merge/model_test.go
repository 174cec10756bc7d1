package merge_test

import (
	"maps"
	"slices"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/merge"
	"pgregory.net/rapid"
)

// model is a pair of mailboxes and the base, as the engine keeps them. Every
// mail has an identity that no store shows.
type model struct {
	base          map[mail.UID]mail.Flags
	local, remote map[mail.UID]letter
	fresh         []letter // local, without UID
	lmask, rmask  mail.Flags
	next          mail.UID
}

type letter struct {
	id    int
	flags mail.Flags
}

// few flags, so that they meet.
var someFlags = rapid.Custom(func(t *rapid.T) mail.Flags {
	return mail.Flags(rapid.Uint32Range(0, 15).Draw(t, "flags"))<<3 | mail.Flags(rapid.Uint32Range(0, 1).Draw(t, "draft"))
})

var masks = rapid.SampledFrom([]mail.Flags{mail.AllFlags, mail.AllFlags, mail.SystemFlags, mail.Seen | mail.Trashed, mail.Seen, 0})

// anyModel draws whatever could be found after crashes, losses of the base and
// the doings of others.
var anyModel = rapid.Custom(func(t *rapid.T) model {
	m := model{
		base: map[mail.UID]mail.Flags{}, local: map[mail.UID]letter{}, remote: map[mail.UID]letter{},
		lmask: masks.Draw(t, "local mask"), rmask: masks.Draw(t, "remote mask"),
	}
	n := rapid.IntRange(0, 12).Draw(t, "UIDs")
	for u := mail.UID(1); int(u) <= n; u++ {
		where := rapid.IntRange(0, 7).Draw(t, "where")
		if where&1 != 0 {
			m.base[u] = someFlags.Draw(t, "base")
		}
		if where&2 != 0 {
			m.local[u] = letter{int(u), someFlags.Draw(t, "local")}
		}
		if where&4 != 0 {
			m.remote[u] = letter{int(u), someFlags.Draw(t, "remote")}
		}
	}
	for i := range rapid.IntRange(0, 3).Draw(t, "fresh") {
		m.fresh = append(m.fresh, letter{1000 + i, someFlags.Draw(t, "flags")})
	}
	m.next = mail.UID(n + 1)
	return m
})

var anyOptions = rapid.Custom(func(t *rapid.T) merge.Options {
	b := func(name string) bool { return rapid.IntRange(0, 3).Draw(t, name) == 0 }
	return merge.Options{
		LocalReadOnly: b("local read-only"), RemoteReadOnly: b("remote read-only"),
		LocalDeletes: !b("no local deletes"), RemoteDeletes: !b("no remote deletes"),
		KeepDeleted: b("keep deleted"),
	}
})

func sorted(m map[mail.UID]mail.Flags) []mail.Entry {
	var es []mail.Entry
	for _, u := range slices.Sorted(maps.Keys(m)) {
		es = append(es, mail.Entry{UID: u, Flags: m[u]})
	}
	return es
}

func entries(m map[mail.UID]letter) []mail.Entry {
	flags := map[mail.UID]mail.Flags{}
	for u, l := range m {
		flags[u] = l.flags
	}
	return sorted(flags)
}

func (m *model) scan() (local, remote *mail.Snapshot) {
	local = &mail.Snapshot{Full: true, Entries: entries(m.local), Mask: m.lmask}
	for i, l := range m.fresh {
		local.Fresh = append(local.Fresh, mail.Fresh{Key: string(rune('a' + i)), Flags: l.flags})
	}
	return local, &mail.Snapshot{Full: true, Entries: entries(m.remote), Mask: m.rmask}
}

func (m *model) merge(o merge.Options) *merge.Plan {
	local, remote := m.scan()
	return merge.Merge(sorted(m.base), local, remote, o)
}

func (m *model) clone() *model {
	c := *m
	c.base, c.local, c.remote = maps.Clone(m.base), maps.Clone(m.local), maps.Clone(m.remote)
	c.fresh = slices.Clone(m.fresh)
	return &c
}

// ids counts the mails of each identity.
func (m *model) ids() (local, remote map[int]int) {
	local, remote = map[int]int{}, map[int]int{}
	for _, l := range m.local {
		local[l.id]++
	}
	for _, l := range m.fresh {
		local[l.id]++
	}
	for _, l := range m.remote {
		remote[l.id]++
	}
	return local, remote
}

// apply carries out a plan as its documentation says.
func (m *model) apply(p *merge.Plan) {
	for _, e := range p.Download {
		m.local[e.UID] = letter{m.remote[e.UID].id, e.Flags}
		m.base[e.UID] = e.Flags & p.Shared
	}
	left := m.fresh
	if len(p.Upload) > 0 {
		left = nil
	}
	for _, f := range p.Upload {
		l := m.fresh[f.Key[0]-'a']
		m.upload(l, f.Flags, p)
	}
	m.fresh = left
	for _, e := range p.Reupload {
		l := m.local[e.UID]
		delete(m.local, e.UID)
		m.upload(l, e.Flags, p)
	}
	change(m.local, p.LocalFlags)
	change(m.remote, p.RemoteFlags)
	for _, e := range p.Rows {
		m.base[e.UID] = e.Flags
	}
	for _, u := range p.RemoveLocal {
		delete(m.local, u)
		delete(m.base, u)
	}
	for _, u := range p.RemoveRemote {
		delete(m.remote, u)
		delete(m.base, u)
	}
	for _, u := range p.Forget {
		delete(m.base, u)
	}
}

func (m *model) upload(l letter, flags mail.Flags, p *merge.Plan) {
	m.local[m.next] = l
	m.remote[m.next] = letter{l.id, flags}
	m.base[m.next] = flags & p.Shared
	m.next++
}

func change(side map[mail.UID]letter, changes []mail.FlagChange) {
	for _, c := range changes {
		l, ok := side[c.UID]
		if !ok {
			panic("a change of flags for a mail that is not there")
		}
		l.flags = l.flags&^c.Clear | c.Add
		side[c.UID] = l
	}
}
