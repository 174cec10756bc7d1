package maildir

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// passes is how often a directory is read at most that others change meanwhile.
const passes = 4

// Scan costs two stat calls where nothing changed, and else reads both
// directories, in full: they hold no difference.
//
// A file that is renamed while its directory is read may show twice, or not at
// all, and one that moves from cur to new is missed where new was read before.
// A mail that seems gone would be removed from the server, so: directories that
// changed meanwhile, or so recently that their times cannot tell, are read
// again, and what was there in any reading is there. It says nothing that
// afterwards is not so any more: the stamp is not sure then, and the next Scan
// reads again.
//
// A folder without new or without cur has no mails there; one that loses either
// while it is read is an error.
func (f *folder) Scan(ctx context.Context, known mail.Known) (*mail.Snapshot, error) {
	if f.bad != nil {
		return nil, f.bad
	}
	start := f.s.o.Now()
	before, err := lookBoth(f.path())
	half := err == nil && (before[0].missing() || before[1].missing())
	if half && known.Count == 0 {
		before, err = f.look(ctx)
	}
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, f.fail("scan", err)
	}
	snap := &mail.Snapshot{Stamp: stamp(before, start), Mask: f.s.o.Mask}
	if !known.Full && !known.Keys && snap.Stamp.Same(known.Stamp) {
		snap.Unchanged = true
		return snap, nil
	}
	d, err := openDirs(f.path(), before)
	if err != nil {
		return nil, f.fail("scan", err)
	}
	defer d.close()
	l := &listing{f: f, d: d, keys: known.Keys, buf: f.s.lend(), count: known.Count}
	defer f.s.giveBack(l.buf)

	again := [2]bool{true, true}
	for pass := 1; ; pass++ {
		for sub, g := range before {
			if again[sub] {
				if err := l.read(ctx, sub, g); err != nil {
					return nil, l.failed(ctx, err)
				}
			}
		}
		more, err := l.merge(ctx)
		if err != nil {
			return nil, l.failed(ctx, err)
		}
		after, err := lookBoth(f.path())
		if err != nil {
			return nil, f.fail("scan", err)
		}
		for sub := range again {
			if before[sub].dev != after[sub].dev || before[sub].ino != after[sub].ino {
				return nil, store.Fail(store.Temporary, store.ScopeFolder,
					fmt.Errorf("%s was replaced while it was read", d.path))
			}
			again[sub] = before[sub] != after[sub] || !before[sub].rested(start)
		}
		if before != after {
			snap.Stamp.Sure = false
		}
		before = after
		if again == [2]bool{} || pass > 1 && !more || pass == passes {
			break
		}
	}
	if half && known.Count > 0 {
		// As long as the directory is not there, what was in it is not removed.
		if len(l.entries) < known.Count {
			return nil, &store.Error{Class: store.Safety, Scope: store.ScopeFolder,
				Err:  fmt.Errorf("scan %q: it lacks its directory cur or new, and %d of its %d mails", f.name, known.Count-len(l.entries), known.Count),
				Hint: "put the directory back; or make an empty one if its mails are to go; or move the whole folder away to have it downloaded again"}
		}
		if _, err := f.look(ctx); err != nil {
			return nil, f.fail("scan", err)
		}
	}
	snap.Full, snap.Entries = true, l.entries
	copies := map[string]bool{}
	at := map[mail.Ref]place{}
	for _, n := range l.fresh {
		key := n.at.name[:n.at.base]
		snap.Fresh = append(snap.Fresh, mail.Fresh{Key: key, Flags: n.flags, Claim: n.claim})
		if n.copied {
			copies[key] = true
		}
		if len(l.fresh) <= most {
			at[mail.Ref{Key: key}] = n.at
		}
	}
	f.places.reset(at, copies)
	return snap, nil
}

// listing is what the readings of a folder found.
type listing struct {
	f     *folder
	d     *dirs
	keys  bool
	buf   *buffer
	count int // mails expected
	// What the latest reading of new and of cur found.
	synced [2][]mail.Entry
	free   [2][]freshMail
	// What any reading found, in order and each once.
	entries []mail.Entry
	fresh   []freshMail
}

type freshMail struct {
	at     place
	flags  mail.Flags
	claim  mail.UID
	copied bool // its UID is another file's
}

func (l *listing) failed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return l.f.fail("scan", pathErr("read", l.d.path, err))
}

// read lists one directory. Eight octets a mail that has a UID are all that is
// kept of it.
func (l *listing) read(ctx context.Context, sub int, g glance) error {
	synced := l.synced[sub][:0]
	if synced == nil && sub == inCur {
		synced = make([]mail.Entry, 0, l.count)
	}
	l.free[sub] = nil
	if l.d.fd[sub] < 0 {
		return nil
	}
	err := eachEntry(ctx, l.d.fd[sub], l.buf.grown(roomFor(g, l.count)), func(name []byte, kind byte) {
		if !isMail(name, kind) {
			return
		}
		base, uid, flags := l.f.scheme.parse(name)
		if uid != 0 && !l.keys {
			synced = append(synced, mail.Entry{UID: uid, Flags: flags})
			return
		}
		l.free[sub] = append(l.free[sub], freshMail{place{sub, base, string(name)}, flags, uid, false})
	})
	l.synced[sub] = synced
	return err
}

// merge adds the latest readings to what is known, and tells whether they and
// it differed in any mail.
func (l *listing) merge(ctx context.Context) (differ bool, err error) {
	entries := slices.Concat(l.synced[inNew], l.synced[inCur])
	byUID := func(a, b mail.Entry) int { return cmp.Compare(a.UID, b.UID) }
	slices.SortFunc(entries, byUID)
	free := slices.Concat(l.free[inNew], l.free[inCur])
	entries, copies, err := l.settle(ctx, entries)
	if err != nil {
		return false, err
	}
	free = append(free, copies...)
	// Of a mail that was seen twice, in new and on its way to cur, the latter counts.
	slices.SortStableFunc(free, func(a, b freshMail) int {
		return cmp.Or(cmp.Compare(a.at.name[:a.at.base], b.at.name[:b.at.base]), b.at.sub-a.at.sub)
	})
	free = slices.CompactFunc(free, sameMail)

	entries, news, olds := union(entries, l.entries, byUID)
	differ = news || olds
	free, news, olds = union(free, l.fresh, func(a, b freshMail) int {
		return cmp.Compare(a.at.name[:a.at.base], b.at.name[:b.at.base])
	})
	l.entries, l.fresh = entries, free
	return differ || news || olds, nil
}

func sameMail(a, b freshMail) bool { return a.at.name[:a.at.base] == b.at.name[:b.at.base] }

// union merges two sorted lists without doubles, a's elements taken where both
// have one, and tells whether a or b has any that the other lacks.
func union[T any](a, b []T, compare func(x, y T) int) (both []T, onlyA, onlyB bool) {
	if len(b) == 0 {
		return a, len(a) > 0, false
	}
	both = make([]T, 0, max(len(a), len(b)))
	for len(a) > 0 && len(b) > 0 {
		switch c := compare(a[0], b[0]); {
		case c < 0:
			both, a, onlyA = append(both, a[0]), a[1:], true
		case c > 0:
			both, b, onlyB = append(both, b[0]), b[1:], true
		default:
			both, a, b = append(both, a[0]), a[1:], b[1:]
		}
	}
	onlyA, onlyB = onlyA || len(a) > 0, onlyB || len(b) > 0
	return append(append(both, a...), b...), onlyA, onlyB
}

// settle leaves each UID once in a sorted list. A UID seen more than once is
// that of one mail that moved meanwhile, or of copies that a person made; then
// the file whose base sorts first keeps it, and the others are new mails with a
// claim to it, since only their contents tell which of them is the real one.
// Names were not kept, so they are looked up again.
func (l *listing) settle(ctx context.Context, entries []mail.Entry) ([]mail.Entry, []freshMail, error) {
	doubled := map[mail.UID][]freshMail{}
	for i := 1; i < len(entries); i++ {
		if entries[i].UID == entries[i-1].UID {
			doubled[entries[i].UID] = nil
		}
	}
	if len(doubled) == 0 {
		return entries, nil, nil
	}
	for sub := range l.synced {
		if l.d.fd[sub] < 0 {
			continue
		}
		err := eachEntry(ctx, l.d.fd[sub], l.buf.in, func(name []byte, kind byte) {
			if !isMail(name, kind) {
				return
			}
			base, uid, flags := l.f.scheme.parse(name)
			if seen, ok := doubled[uid]; ok {
				doubled[uid] = append(seen, freshMail{place{sub, base, string(name)}, flags, uid, true})
			}
		})
		if err != nil {
			return nil, nil, err
		}
	}
	var copies []freshMail
	for _, files := range doubled {
		for _, n := range files {
			if n.at.name[:n.at.base] != first(files) {
				copies = append(copies, n)
			}
		}
	}
	entries = slices.CompactFunc(entries, func(a, b mail.Entry) bool { return a.UID == b.UID })
	for i, e := range entries {
		// The latest sighting of the file that keeps the UID tells its flags.
		for _, n := range doubled[e.UID] {
			if n.at.name[:n.at.base] == first(doubled[e.UID]) {
				entries[i].Flags = n.flags
			}
		}
	}
	return entries, copies, nil
}

// first is the base that keeps a UID which several files carry.
func first(files []freshMail) string {
	f := slices.MinFunc(files, func(a, b freshMail) int {
		return cmp.Compare(a.at.name[:a.at.base], b.at.name[:b.at.base])
	})
	return f.at.name[:f.at.base]
}
