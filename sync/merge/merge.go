package merge

import "github.com/offlineimap/offlineimapd/sync/mail"

// Merge compares the base with both sides. The base ascends by UID; it holds
// all rows where either snapshot is Full or has All, otherwise at least those
// of every UID that a snapshot mentions.
//
// Flags are merged one by one, among those that both sides can store: what one
// side changed since the base, both get. In a mail that both sides have and
// the base has not, they are united, except that Trashed needs both. In the
// base, flags that are not shared keep what was last agreed on them.
//
// What is new on a side is never removed there; a removal beats a change of
// flags on the other side. That a mail is gone follows only from a listing that
// is complete. A mail that one side has alone, and that is outside of the limits,
// stays there.
func Merge(base []mail.Entry, local, remote *mail.Snapshot, o Options) *Plan {
	m := merger{
		Plan: Plan{Shared: local.Mask & remote.Mask},
		o:    o, limit: o.Outside, localMask: local.Mask, remoteMask: remote.Mask,
		local: newCursor(local), remote: newCursor(remote),
	}
	m.Local.ReadOnly = o.LocalReadOnly || local.ReadOnly
	m.Remote.ReadOnly = o.RemoteReadOnly || remote.ReadOnly

	base = ascending(base)
	for {
		u := next(base, m.local.entries, m.remote.entries)
		if u == 0 {
			break
		}
		var b mail.Flags
		inBase := len(base) > 0 && base[0].UID == u
		if inBase {
			b = base[0].Flags
			base = base[1:]
		}
		m.one(u, inBase, b)
	}
	m.fresh(local)
	m.count()
	return &m.Plan
}

// next returns the lowest UID at the heads of the lists, 0 where all are empty.
func next(lists ...[]mail.Entry) mail.UID {
	var u mail.UID
	for _, es := range lists {
		if len(es) > 0 && (u == 0 || es[0].UID < u) {
			u = es[0].UID
		}
	}
	return u
}

type merger struct {
	Plan
	o                     Options
	limit                 mail.Set // what is left of Options.Outside
	localMask, remoteMask mail.Flags
	local, remote         cursor
	both                  int // mails of the base on both sides
}

// one decides about a single UID.
func (m *merger) one(u mail.UID, inBase bool, b mail.Flags) {
	lp, l := m.local.at(u, inBase, b)
	rp, r := m.remote.at(u, inBase, b)
	if lp != absent {
		m.Local.Mails++
	}
	if rp != absent {
		m.Remote.Mails++
	}
	if lp == unknown || rp == unknown {
		m.Local.Relist = m.Local.Relist || lp == unknown
		m.Remote.Relist = m.Remote.Relist || rp == unknown
		return
	}
	outlived := lp == assumed && m.o.KeepDeleted && b&mail.Trashed != 0
	switch {
	case lp == assumed && m.doubtful(b, rp, r):
		m.Local.Relist = true
	case lp != absent && rp != absent:
		if inBase && !outlived {
			m.both++ // a row that may have outlived its mail does not count: it must not make a removal look small
		}
		m.flags(u, inBase, b, l, r)
	case inBase && lp == absent && rp == absent:
		m.Forget = append(m.Forget, u)
	case (lp == absent) != (rp == absent) && m.outside(u, inBase, b):
		m.leave(u, lp != absent, inBase)
	case inBase && lp == absent:
		m.goneLocally(u, b, r)
	case inBase:
		m.goneRemotely(u)
	case rp != absent:
		m.download(u, r)
	default:
		m.reupload(u, l)
	}
}

// outside tells whether limits leave a mail where it is. One that was marked
// \Deleted in place of a removal is removed already, as far as it goes.
func (m *merger) outside(u mail.UID, inBase bool, b mail.Flags) bool {
	for len(m.limit) > 0 && m.limit[0].Last < u {
		m.limit = m.limit[1:]
	}
	return len(m.limit) > 0 && m.limit[0].First <= u && !(inBase && m.o.KeepDeleted && b&mail.Trashed != 0)
}

// leave has a mail stay on the one side that has it. One that is here and that the
// base does not know is new: it waits.
func (m *merger) leave(u mail.UID, here, inBase bool) {
	switch {
	case !here:
		m.ApartRemote = append(m.ApartRemote, u)
	case inBase:
		m.ApartLocal = append(m.ApartLocal, u)
	case !m.remote.proof:
		m.Remote.Relist = true
	default:
		m.Local.Pending++
	}
}

// doubtful tells whether a mail that the local snapshot does not mention, and
// so has as the base has it, may be one whose row outlived it, while what to do
// depends on that.
func (m *merger) doubtful(b mail.Flags, rp presence, r mail.Flags) bool {
	switch {
	case m.o.KeepDeleted && b&mail.Trashed != 0:
		return rp == absent || r&mail.Trashed == 0
	case !m.o.LocalDeletes:
		return rp == absent && m.o.RemoteDeletes
	}
	return false
}

func (m *merger) flags(u mail.UID, inBase bool, b, l, r mail.Flags) {
	merged := b ^ ((b ^ l) | (b ^ r))
	if !inBase {
		merged = (l|r)&^mail.Trashed | l&r&mail.Trashed
		m.Unproven = append(m.Unproven, u)
	}
	agreed := merged
	if ch := (merged ^ l) & m.Shared; ch != 0 {
		if m.Local.ReadOnly {
			m.Remote.Pending++
		} else {
			m.LocalFlags = append(m.LocalFlags, mail.FlagChange{UID: u, Add: ch & merged, Clear: ch &^ merged})
		}
	}
	if ch := (merged ^ r) & m.Shared; ch != 0 {
		if m.Remote.ReadOnly {
			m.Local.Pending++
		} else {
			m.RemoteFlags = append(m.RemoteFlags, mail.FlagChange{UID: u, Add: ch & merged, Clear: ch &^ merged})
		}
	}
	// A side that takes no changes has, flag by flag, either what it had in the
	// base or what the other side was just given: agreed is what it shows, and
	// what the other side has beyond that remains a change.
	switch {
	case m.Local.ReadOnly && m.Remote.ReadOnly:
		return
	case m.Remote.ReadOnly:
		agreed = r
	case m.Local.ReadOnly:
		agreed = l
	}
	if row := b&^m.Shared | agreed&m.Shared; !inBase || row != b {
		m.Rows = append(m.Rows, mail.Entry{UID: u, Flags: row})
	}
}

// goneLocally: the base and the remote have it, with flags b and r.
func (m *merger) goneLocally(u mail.UID, b, r mail.Flags) {
	if m.o.KeepDeleted && b&mail.Trashed != 0 && r&mail.Trashed == 0 {
		m.download(u, r)
		return
	}
	switch {
	case !m.o.LocalDeletes:
	case m.o.KeepDeleted && r&mail.Trashed != 0:
		if b&mail.Trashed == 0 {
			m.Rows = append(m.Rows, mail.Entry{UID: u, Flags: b | mail.Trashed})
		}
	case m.Remote.ReadOnly, m.o.KeepDeleted && m.remoteMask&mail.Trashed == 0:
		m.Local.Pending++
	case m.o.KeepDeleted:
		m.Remote.Removed++
		m.Mark = append(m.Mark, u)
		m.RemoteFlags = append(m.RemoteFlags, mail.FlagChange{UID: u, Add: mail.Trashed})
		m.Rows = append(m.Rows, mail.Entry{UID: u, Flags: b | mail.Trashed})
	default:
		m.Remote.Removed++
		m.RemoveRemote = append(m.RemoveRemote, u)
	}
}

// goneRemotely: the base and the local side have it.
func (m *merger) goneRemotely(u mail.UID) {
	switch {
	case !m.o.RemoteDeletes:
	case m.Local.ReadOnly:
		m.Remote.Pending++
	default:
		m.Local.Removed++
		m.RemoveLocal = append(m.RemoveLocal, u)
	}
}

func (m *merger) download(u mail.UID, r mail.Flags) {
	if m.Local.ReadOnly {
		m.Remote.Pending++
		return
	}
	m.Download = append(m.Download, mail.Entry{UID: u, Flags: r & m.localMask})
}

func (m *merger) reupload(u mail.UID, l mail.Flags) {
	switch {
	case m.Remote.ReadOnly:
		m.Local.Pending++
	case !m.remote.proof:
		m.Remote.Relist = true
	default:
		m.Reupload = append(m.Reupload, mail.Entry{UID: u, Flags: l & m.remoteMask})
	}
}

func (m *merger) fresh(local *mail.Snapshot) {
	if local.Unchanged {
		return
	}
	m.Local.Mails += len(local.Fresh)
	for _, f := range local.Fresh {
		switch {
		case m.o.Stay[f.Key]:
			continue
		case m.Remote.ReadOnly:
			m.Local.Pending++
			continue
		}
		f.Flags &= m.remoteMask
		m.Upload = append(m.Upload, f)
	}
}

func (m *merger) count() {
	m.Base = m.both + m.Local.Removed + m.Remote.Removed
	m.Local.Emptied = m.both+m.Local.Removed == 0 && m.Remote.Removed > 0
	m.Remote.Emptied = m.both+m.Remote.Removed == 0 && m.Local.Removed > 0
	m.Local.Left = m.Local.Mails - len(m.RemoveLocal) + len(m.Download)
	m.Remote.Left = m.Remote.Mails - len(m.RemoveRemote) + len(m.Upload) + len(m.Reupload)
	m.Local.Relist = m.Local.Relist || m.local.unexplained()
	m.Remote.Relist = m.Remote.Relist || m.remote.unexplained()
}
