package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/names"
	"github.com/offlineimap/offlineimapd/sync/state"
)

// FolderPair names the two mailboxes of a pair as the stores write them.
type FolderPair struct{ Remote, Local string }

// Heritage is what another program that kept the same two sides in step knew of
// them. It must not change while a run goes on.
type Heritage interface {
	// Inherit tells what was last agreed on a pair; nil: it was not known there.
	// all are the pairs of the account, so that a record that several of them
	// share is given to none. With an error the pair is compared as if it were
	// new; the report says why.
	Inherit(ctx context.Context, p FolderPair, all []FolderPair) (*Inherited, error)
	// String says for people whose state it is, and where.
	String() string
}

// Witness is a Heritage that can tell when the other program worked on a folder last:
// Touched returns another string each time that it changed what it knows of a
// local folder, and "" where it knows nothing.
type Witness interface{ Touched(local string) string }

// metaTouched is the beginning of a key in the state that holds what Touched said of
// a local folder when it was in step last.
const metaTouched = "touched/"

// witness settles whether another program has worked on a known folder since. Where
// it leaves the mailbox alone for its name, it has kept another one in the folder,
// and UIDs in the names of files are of that one. Else it may have taken flags off
// that it does not know, which only all flags of the server show.
func (f *folderRun) witness(o names.Options) {
	w, ok := f.run.Inherit.(Witness)
	if !ok || f.localBox == nil {
		return
	}
	f.theirs = w.Touched(f.localName)
	if f.known == nil || f.theirs == "" || f.theirs == f.run.touched[f.localName] {
		return
	}
	switch {
	case names.Ignored(f.remoteName, o):
		f.forget = true
		f.report.Notes = append(f.report.Notes, fmt.Sprintf("%s says that another mailbox was kept in %q meanwhile: the mails are compared anew", f.run.Inherit, f.localName))
	case !f.known.LocalStamp.Same(f.localBox.Stamp):
		f.relook, f.stripped = true, true
	}
}

// restored is a base without the flags that another program cannot keep, in mails
// that lack them here: they were taken off by nobody, and come back from the server.
func (f *folderRun) restored(base []mail.Entry) []mail.Entry {
	if !f.stripped {
		return base
	}
	out := slices.Clone(base)
	local := f.localSnap.Entries
	for i, e := range out {
		if j, ok := slices.BinarySearchFunc(local, e.UID, byUID); ok && e.Flags&^local[j].Flags&mail.Passed != 0 {
			out[i].Flags &^= mail.Passed
		}
	}
	return out
}

// Inherited is what another program last agreed on with both sides of a pair.
type Inherited struct {
	File        string       // for people
	UIDValidity uint32       // of the remote mailbox that the rows speak of
	Rows        []mail.Entry // ascending by UID, each once
}

// row finds the row of a UID; there is none in nil.
func (o *Inherited) row(u mail.UID) (mail.Entry, bool) {
	if o == nil {
		return mail.Entry{}, false
	}
	i, ok := slices.BinarySearchFunc(o.Rows, u, func(e mail.Entry, u mail.UID) int { return cmp.Compare(e.UID, u) })
	if !ok {
		return mail.Entry{}, false
	}
	return o.Rows[i], true
}

// Adoption says what was taken over from a Heritage.
type Adoption struct {
	Mails int    `json:"mails"`
	File  string `json:"file"`
}

// metaInherit in the state says, with any value, that this base is not the
// first: the place was another one, or was in use by us when the base began, so
// that what another program knew may be of long ago.
const metaInherit = "inherit"

// metaKnown with the remote name of a pair says that the base knew the pair
// once. Another program's knowledge is older than that, and whatever made the
// base forget the pair also voids it.
const metaKnown = "known/"

func knew(remote string) state.Change { return state.SetMeta{Key: metaKnown + remote, Value: "1"} }

// pairsOf lists what may share a record. Of mailboxes that were left alone there
// is none.
func pairsOf(o names.Options, fs ...[]*folderRun) (all []FolderPair) {
	for _, some := range fs {
		for _, f := range some {
			if f.alone = names.Ignored(f.remoteName, o); f.alone {
				continue
			}
			if f.localName != "" || f.localBox != nil {
				all = append(all, FolderPair{f.remoteName, f.localName})
			}
		}
	}
	return all
}

// inherit asks for what another program knew of a pair that was there on both
// sides before this run, and returns only what is about the mailbox that the
// server has now.
func (f *folderRun) inherit(ctx context.Context, now mail.Stamp) (*Inherited, error) {
	if f.run.Inherit == nil || f.alone || f.localBox == nil || f.remoteBox == nil {
		return nil, nil
	}
	for _, key := range []string{metaInherit, metaKnown + f.remoteName} {
		if v, _, err := f.run.State.Meta(ctx, key); err != nil || v != "" {
			return nil, err
		}
	}
	old, err := f.run.Inherit.Inherit(ctx, FolderPair{f.remoteName, f.localName}, f.run.pairs)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		f.disbelieve(err.Error())
		return nil, nil
	}
	if old == nil || len(old.Rows) == 0 {
		return nil, nil
	}
	last := old.Rows[len(old.Rows)-1].UID
	switch {
	case old.UIDValidity != now.UIDValidity:
		f.disbelieve(fmt.Sprintf("%s is about a mailbox with UIDVALIDITY %d, and the server's has %d", old.File, old.UIDValidity, now.UIDValidity))
		return nil, nil
	case now.UIDNext != 0 && last >= now.UIDNext:
		// Some servers make a mailbox anew without changing UIDVALIDITY.
		f.disbelieve(fmt.Sprintf("%s has a mail with UID %d, and the server has not come so far: the mailbox was made anew", old.File, last))
		return nil, nil
	}
	return old, nil
}

func (f *folderRun) disbelieve(why string) {
	f.report.Notes = append(f.report.Notes, why+"; the mails are compared by their headers instead, and what was removed on one side before comes back from the other")
}

// agreed is what the base keeps of the flags of a row. Other programs write
// flags down as agreed that the server never took, unless it is one that every
// server has; so of the others those are new that the server does not show.
func agreed(row, remote mail.Flags) mail.Flags { return row & (mail.SystemFlags | remote) }

// succession is what becomes of inherited rows whose mail stands on one side.
type succession struct {
	rows []mail.Entry
	// keep are the files whose mail is gone from the server: they keep the UID in
	// their names, as the row is about them.
	keep map[string]bool
}

// succeed picks the rows that say that a mail was removed on one side. The
// others are of mails that are on neither, or which a file only claims to be.
//
// A row is the word of a file name of another time, so nothing is removed on
// its word where a name in the folder was caught lying, or where none bears out
// any row, and none of the mails that something here still resembles.
func (f *folderRun) succeed(old *Inherited, p *pairing, local []mail.Fresh, remote []mail.Entry) succession {
	if len(local) > 0 && !slices.ContainsFunc(local, func(m mail.Fresh) bool { _, ok := old.row(m.Claim); return ok }) {
		// A third program has made this tree since, and may have left out what it
		// likes.
		f.report.Notes = append(f.report.Notes, fmt.Sprintf(
			"no file in %q carries a UID of %s: what was removed on one side before comes back from the other", f.localName, old.File))
		return succession{}
	}
	s := succession{keep: map[string]bool{}}
	claims, paired := map[mail.UID]int{}, map[mail.UID]bool{}
	for _, m := range local {
		claims[m.Claim]++
	}
	for _, q := range p.pairs {
		paired[q.uid] = true
	}
	lone := map[mail.UID]mail.Fresh{}
	for _, m := range p.rest {
		lone[m.Claim] = m
	}
	var here, there int
	for _, row := range old.Rows {
		u := row.UID
		m, alone := lone[u]
		switch onServer := has(remote, u); {
		case paired[u]:
			continue
		case onServer && claims[u] == 0 && !p.resembled(u):
			here++
		case !onServer && claims[u] == 1 && alone:
			s.keep[m.Key] = true
			there++
		default:
			continue
		}
		s.rows = append(s.rows, row)
	}
	if n := p.lies(remote); n > 0 && len(s.rows) > 0 {
		f.report.Notes = append(f.report.Notes, fmt.Sprintf(
			"the names of %d files in %q lie about their UIDs; %d removals here and %d on the server that follow from %s are not believed, and these mails come back", n, f.localName, here, there, old.File))
		return succession{}
	}
	return s
}

// lies counts the files that carry the UID of a mail which they are not.
func (p *pairing) lies(remote []mail.Entry) (n int) {
	paired := map[mail.UID]bool{}
	for _, q := range p.pairs {
		paired[q.uid] = true
		if q.local.Claim != 0 && q.local.Claim != q.uid && has(remote, q.local.Claim) {
			n++
		}
	}
	for _, m := range p.rest {
		// Of two files with one UID the other may be the mail, and this its copy.
		if _, read := p.here[m.Key]; read && m.Claim != 0 && has(remote, m.Claim) && !paired[m.Claim] {
			n++
		}
	}
	return n
}

// resembled tells whether a mail here that found no partner may be another
// version of the server's mail u.
func (p *pairing) resembled(u mail.UID) bool {
	r, ok := p.there[u]
	if !ok {
		return len(p.there) > 0
	}
	if p.lone == nil {
		p.lone = map[likeness]bool{}
		for _, m := range p.rest {
			if h, ok := p.here[m.Key]; ok {
				p.lone[h.vague()] = true
			}
		}
	}
	return p.lone[r.vague()]
}

// vague is the likeness without what differs between versions of one mail.
func (l likeness) vague() likeness {
	if l.named {
		return likeness{id: l.id, named: true}
	}
	return likeness{date: l.date}
}

// adopted says what was taken over in all folders together.
func (r *run) adopted(jobs []*folderRun, rep *Report) {
	mails, folders := 0, 0
	for _, f := range jobs {
		if a := f.report.Adopted; a != nil {
			mails += a.Mails
			folders++
		}
	}
	verb := "adopted"
	if r.DryRun {
		verb = "would adopt"
	}
	if folders > 0 {
		rep.Notes = append(rep.Notes, fmt.Sprintf(verb+" %d mails in %d folders from %s", mails, folders, r.Inherit))
	}
}
