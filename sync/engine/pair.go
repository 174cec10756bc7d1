package engine

import (
	"context"
	"fmt"
	"hash/maphash"
	"slices"

	"github.com/offlineimap/offlineimapd/sync/mail"
)

// pairing tells which mails stand on both sides.
type pairing struct {
	pairs []pair
	rest  []mail.Fresh // without a partner
	// What both sides have, where both have something.
	here  map[string]likeness
	there map[mail.UID]likeness
	lone  map[likeness]bool // of rest, without what differs between versions; nil: not asked for yet
}

// pair is one mail that stands on both sides.
type pair struct {
	local mail.Fresh
	uid   mail.UID
	flags mail.Flags // on the server
}

// likeness is what a mail's header and size boil down to: enough to find its
// likely partner, in 32 octets, so that a large mailbox fits into memory.
type likeness struct {
	id, date uint64 // hashes of the Message-ID and of the Date field
	size     int64
	named    bool // there is a Message-ID
	dated    bool // there is a Date
}

type likenesses struct{ seed maphash.Seed }

func (l likenesses) of(h mail.Header) likeness {
	return likeness{
		id: maphash.String(l.seed, h.MessageID), date: maphash.String(l.seed, h.Date),
		size: h.Size, named: h.MessageID != "", dated: h.Date != "",
	}
}

// pair finds out which local mails are on the server already: by the UID in
// the name if the header agrees, else by Message-ID, date and size, and by
// content where that leaves a doubt. What finds no partner stays on its side
// only, and will be copied: that can double a mail that was changed on one
// side, and cannot lose one.
//
// What another program knew of a UID bears out the file that carries it, if
// neither mail has a Message-ID to tell them by; old may be nil.
func (f *folderRun) pair(ctx context.Context, local []mail.Fresh, remote []mail.Entry, old *Inherited) (*pairing, error) {
	if len(local) == 0 || len(remote) == 0 {
		return &pairing{rest: local}, nil
	}
	like := likenesses{maphash.MakeSeed()}
	here := make(map[string]likeness, len(local))
	refs := make([]mail.Ref, len(local))
	for i, m := range local {
		refs[i] = mail.Ref{Key: m.Key}
	}
	if err := f.tolerate(f.local.Headers(ctx, refs, func(h mail.Header) { here[h.Ref.Key] = like.of(h) })); err != nil {
		return nil, fmt.Errorf("read the mails of %q: %w", f.localName, err)
	}
	there := make(map[mail.UID]likeness, len(remote))
	refs = refs[:0]
	for _, e := range remote {
		refs = append(refs, mail.Ref{UID: e.UID})
	}
	sized := true
	if err := f.remote.Headers(ctx, refs, func(h mail.Header) {
		there[h.Ref.UID] = like.of(h)
		sized = sized && h.Size >= 0
	}); err != nil {
		return nil, fmt.Errorf("read the headers of %q on the server: %w", f.report.Name, err)
	}
	if !sized {
		unsize(here)
		unsize(there)
	}

	m := &matcher{flags: make(map[mail.UID]mail.Flags, len(remote))}
	for _, e := range remote {
		m.flags[e.UID] = e.Flags
	}
	if err := m.match(ctx, f, local, here, there, old); err != nil {
		return nil, err
	}
	if err := m.matchSent(ctx, f, like, local, sized, there, old); err != nil {
		return nil, err
	}
	p := &pairing{pairs: m.pairs, here: here, there: there}
	for _, l := range local {
		if !m.taken(l.Key) {
			p.rest = append(p.rest, l)
		}
	}
	return p, nil
}

// unsize leaves sizes out of the comparison, where a server does not know them.
func unsize[K comparable](all map[K]likeness) {
	for k, l := range all {
		l.size = -1
		all[k] = l
	}
}

// matcher collects pairs; no mail is given away twice.
type matcher struct {
	pairs []pair
	flags map[mail.UID]mail.Flags // of the remote mails without a partner
	keys  map[string]bool
}

func (m *matcher) taken(key string) bool { return m.keys[key] }
func (m *matcher) free(uid mail.UID) bool {
	_, ok := m.flags[uid]
	return ok
}

func (m *matcher) take(l mail.Fresh, uid mail.UID) {
	if m.keys == nil {
		m.keys = map[string]bool{}
	}
	m.pairs = append(m.pairs, pair{l, uid, m.flags[uid]})
	m.keys[l.Key] = true
	delete(m.flags, uid)
}

func (m *matcher) match(ctx context.Context, f *folderRun, local []mail.Fresh, here map[string]likeness, there map[mail.UID]likeness, old *Inherited) error {
	m.byClaim(local, here, there, old)
	m.byLikeness(local, here, there)
	return m.byContent(ctx, f, local, here, there)
}

// matchSent pairs those of the others that are on the server without the fields of
// Policy.Strip, because they were sent from here.
func (m *matcher) matchSent(ctx context.Context, f *folderRun, like likenesses, local []mail.Fresh, sized bool, there map[mail.UID]likeness, old *Inherited) error {
	if f.run.strip == nil || len(m.flags) == 0 {
		return nil
	}
	var refs []mail.Ref
	for _, l := range local {
		if !m.taken(l.Key) {
			refs = append(refs, mail.Ref{Key: l.Key})
		}
	}
	sent := map[string]likeness{}
	if err := f.tolerate(f.run.sentHeaders(ctx, f.local, refs, func(h mail.Header) { sent[h.Ref.Key] = like.of(h) })); err != nil {
		return fmt.Errorf("read the mails of %q: %w", f.localName, err)
	}
	if len(sent) == 0 {
		return nil
	}
	if !sized {
		unsize(sent)
	}
	return m.match(ctx, f, local, sent, there, old)
}

func (m *matcher) byClaim(local []mail.Fresh, here map[string]likeness, there map[mail.UID]likeness, old *Inherited) {
	for _, l := range local {
		h, ok := here[l.Key]
		r, both := there[l.Claim]
		if !ok || !both || m.taken(l.Key) || !m.free(l.Claim) || h.named != r.named || h.id != r.id || h.date != r.date {
			continue
		}
		// Sizes may differ: some servers change what they store.
		same := h.named
		if _, known := old.row(l.Claim); known && !same {
			same = h.dated || h.size >= 0 && h.size == r.size
		}
		if same {
			m.take(l, l.Claim)
		}
	}
}

// byLikeness pairs what is alike in everything, has a Message-ID, and is the
// only one like it on either side.
func (m *matcher) byLikeness(local []mail.Fresh, here map[string]likeness, there map[mail.UID]likeness) {
	type count struct {
		local, remote int
		uid           mail.UID
	}
	counts := map[likeness]*count{}
	for _, l := range local {
		h, ok := here[l.Key]
		if !ok || !h.named || m.taken(l.Key) {
			continue
		}
		c := counts[h]
		if c == nil {
			c = &count{}
			counts[h] = c
		}
		c.local++
	}
	for uid := range m.flags {
		if c := counts[there[uid]]; c != nil {
			c.remote++
			c.uid = uid
		}
	}
	for _, l := range local {
		if m.taken(l.Key) {
			continue
		}
		if h, ok := here[l.Key]; ok {
			if c := counts[h]; c != nil && c.local == 1 && c.remote == 1 {
				m.take(l, c.uid)
			}
		}
	}
}

// byContent compares the octets of those that might still be the same: with
// the same Message-ID, or without one and of the same date and size.
func (m *matcher) byContent(ctx context.Context, f *folderRun, local []mail.Fresh, here map[string]likeness, there map[mail.UID]likeness) error {
	doubt := func(l likeness) likeness {
		if l.named {
			return likeness{id: l.id, named: true} // servers err about sizes
		}
		return l
	}
	groups := map[likeness][]mail.Fresh{}
	for _, l := range local {
		if h, ok := here[l.Key]; ok && !m.taken(l.Key) {
			groups[doubt(h)] = append(groups[doubt(h)], l)
		}
	}
	var localRefs, remoteRefs []mail.Ref
	wanted := map[likeness]bool{}
	for uid := range m.flags {
		h, ok := there[uid]
		if !ok || groups[doubt(h)] == nil {
			continue
		}
		remoteRefs = append(remoteRefs, mail.Ref{UID: uid})
		wanted[doubt(h)] = true
	}
	byKey := map[string]mail.Fresh{}
	for g := range wanted {
		for _, l := range groups[g] {
			localRefs = append(localRefs, mail.Ref{Key: l.Key})
			byKey[l.Key] = l
		}
	}
	if len(remoteRefs) == 0 {
		return nil
	}
	sums := map[sum][]mail.Fresh{}
	if err := f.digestLocal(ctx, localRefs, func(r mail.Ref, s, sent sum) {
		sums[s] = append(sums[s], byKey[r.Key])
		if sent != s {
			sums[sent] = append(sums[sent], byKey[r.Key])
		}
	}); err != nil {
		return fmt.Errorf("compare the mails of %q: %w", f.localName, err)
	}
	if err := f.digest(ctx, f.remote, remoteRefs, func(r mail.Ref, s sum) {
		same := slices.DeleteFunc(sums[s], func(l mail.Fresh) bool { return m.taken(l.Key) })
		sums[s] = same
		if len(same) == 0 || !m.free(r.UID) {
			return
		}
		best := 0 // the one that carries this UID already, if it is among them
		for i, l := range same {
			if l.Claim == r.UID {
				best = i
			}
		}
		m.take(same[best], r.UID)
	}); err != nil {
		return fmt.Errorf("compare the mails of %q on the server: %w", f.report.Name, err)
	}
	return nil
}
