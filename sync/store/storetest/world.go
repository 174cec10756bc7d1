package storetest

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// Options say what kind of store looks at a World, and which of the ways that
// the contract leaves open it takes.
type Options struct {
	Carries   bool       // keeps UIDs that it is handed, as a Maildir; else it assigns them, as a server
	Mask      mail.Flags // what can be stored for good; zero: everything
	Parallel  int        // zero: 4
	Separator byte       // zero: '/'
	// Plain: no delta and no stamp that is sure (a server without CONDSTORE).
	Plain bool
	// Eager: changes take effect at once, not at Commit (a server without
	// MULTIAPPEND).
	Eager bool
	// Silent: the UIDs of what was stored are not told (a server without UIDPLUS).
	Silent bool
	// Refuse tells which bodies Put does not take.
	Refuse func(body []byte) bool
	// Withhold tells which bodies Fetch does not give.
	Withhold func(body []byte) bool
}

// World is a tree of mailboxes in memory: what is on the disk, or on the
// server. It is an Outside. It is safe for concurrent use.
type World struct {
	o  Options
	mu sync.Mutex
	// boxes are in the order of their making.
	boxes  []*box
	made   int // boxes ever made
	ticks  int // changes ever made
	serial int // mails ever made
}

type box struct {
	name     string
	hidden   bool
	readOnly bool
	validity uint32
	next     mail.UID
	modseq   mail.ModSeq
	expunged mail.ModSeq // of the last removal
	tick     int         // of the last change
	mails    []*letter   // ascending by UID, those without first
	frozen   *mail.Stamp // what its stamp is, whatever happens; nil: what it should be
}

type letter struct {
	key    string
	uid    mail.UID
	flags  mail.Flags
	body   []byte
	date   time.Time
	modseq mail.ModSeq
}

// NewWorld returns a world without mailboxes.
func NewWorld(o Options) *World {
	if o.Mask == 0 {
		o.Mask = mail.AllFlags
	}
	if o.Parallel == 0 {
		o.Parallel = 4
	}
	if o.Separator == 0 {
		o.Separator = '/'
	}
	return &World{o: o}
}

// Store returns a new Store over the world. What another one had not
// committed when it was dropped is lost, as it is when a process is killed.
func (w *World) Store() store.Store { return &memory{w: w} }

// Create makes a mailbox.
func (w *World) Create(folder string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.create(folder)
	return nil
}

// Add stores a mail: with the next UID where the world assigns them, else
// without one.
func (w *World) Add(folder string, flags mail.Flags, body []byte) error {
	return w.AddDated(folder, flags, body, time.Unix(1_000_000_000, 0))
}

// AddDated is Add of a mail that arrived at a certain time.
func (w *World) AddDated(folder string, flags mail.Flags, body []byte, date time.Time) error {
	return w.change(folder, func(b *box) error {
		w.insert(b, &letter{flags: flags, body: bytes.Clone(body), date: date})
		return nil
	})
}

// SetFlags gives the mail m exactly these flags.
func (w *World) SetFlags(folder string, m Mail, flags mail.Flags) error {
	return w.change(folder, func(b *box) error {
		l := b.byKey(m.ID)
		if l == nil {
			return fmt.Errorf("no mail %s in %q", m.ID, folder)
		}
		w.flag(b, l, flags)
		return nil
	})
}

// Remove removes the mail m.
func (w *World) Remove(folder string, m Mail) error {
	return w.change(folder, func(b *box) error {
		w.remove(b, func(l *letter) bool { return l.key == m.ID })
		return nil
	})
}

// List tells of all mails.
func (w *World) List(folder string) ([]Mail, error) {
	var ms []Mail
	err := w.change(folder, func(b *box) error {
		for _, l := range b.mails {
			ms = append(ms, Mail{ID: l.key, UID: l.uid, Flags: l.flags, Body: bytes.Clone(l.body)})
		}
		return nil
	})
	return ms, err
}

// Hide leaves a mailbox out of every survey, or lists it again.
func (w *World) Hide(folder string, hidden bool) error {
	return w.change(folder, func(b *box) error { b.hidden = hidden; return nil })
}

// ReadOnly lets a mailbox refuse changes, or no longer.
func (w *World) ReadOnly(folder string, readOnly bool) error {
	return w.change(folder, func(b *box) error { b.readOnly = readOnly; return nil })
}

// Renumber gives the mailbox another UIDVALIDITY and its mails other UIDs, as a
// server does that lost its index.
func (w *World) Renumber(folder string) error {
	return w.change(folder, func(b *box) error {
		w.made++
		b.validity, b.next = uint32(w.made), 1
		for _, l := range b.mails {
			l.uid, b.next = b.next, b.next+1
		}
		w.touch(b)
		return nil
	})
}

// Rewind empties the mailbox and begins with its UIDs again under the same
// UIDVALIDITY, as some servers do where one is made anew.
func (w *World) Rewind(folder string) error {
	return w.change(folder, func(b *box) error {
		w.touch(b)
		b.mails, b.next, b.expunged = nil, 1, b.modseq
		return nil
	})
}

// Freeze keeps the mailbox's stamp as it is, so that no change shows in it, as
// on a disk whose clock stands still.
func (w *World) Freeze(folder string) error {
	return w.change(folder, func(b *box) error {
		st := w.stamp(b)
		b.frozen = &st
		return nil
	})
}

// Drop removes a mailbox with all its mails.
func (w *World) Drop(folder string) error {
	return w.change(folder, func(*box) error {
		w.boxes = slices.DeleteFunc(w.boxes, func(b *box) bool { return b.name == folder })
		return nil
	})
}

// Folders names all mailboxes, hidden ones too.
func (w *World) Folders() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var names []string
	for _, b := range w.boxes {
		names = append(names, b.name)
	}
	slices.Sort(names)
	return names
}

// change calls f with a mailbox while nobody else looks.
func (w *World) change(folder string, f func(*box) error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if b := w.box(folder); b != nil {
		return f(b)
	}
	return store.Fail(store.Refused, store.ScopeFolder, fmt.Errorf("no mailbox %q", folder))
}

func (w *World) box(folder string) *box {
	for _, b := range w.boxes {
		if b.name == folder {
			return b
		}
	}
	return nil
}

func (w *World) create(folder string) {
	levels := strings.Split(folder, string(w.o.Separator))
	for i := range levels {
		name := strings.Join(levels[:i+1], string(w.o.Separator))
		if w.box(name) != nil {
			continue
		}
		w.made++
		b := &box{name: name, next: 1, modseq: 1}
		if !w.o.Carries {
			b.validity = uint32(w.made)
		}
		w.touch(b)
		w.boxes = append(w.boxes, b)
	}
}

func (w *World) touch(b *box) {
	w.ticks++
	b.tick = w.ticks
	b.modseq++
}

// insert stores l, whose UID it assigns where it must.
func (w *World) insert(b *box, l *letter) {
	w.touch(b)
	w.serial++
	l.key = "m" + strconv.Itoa(w.serial)
	l.modseq = b.modseq
	if !w.o.Carries {
		l.uid, b.next = b.next, b.next+1
	}
	b.mails = append(b.mails, l)
	b.sort()
}

func (w *World) flag(b *box, l *letter, flags mail.Flags) {
	if l.flags != flags {
		w.touch(b)
		l.flags, l.modseq = flags, b.modseq
	}
}

func (w *World) remove(b *box, which func(*letter) bool) {
	before := len(b.mails)
	b.mails = slices.DeleteFunc(b.mails, which)
	if len(b.mails) != before {
		w.touch(b)
		b.expunged = b.modseq
	}
}

func (b *box) sort() {
	slices.SortStableFunc(b.mails, func(x, y *letter) int { return cmp.Compare(x.uid, y.uid) })
}

func (b *box) byKey(key string) *letter {
	for _, l := range b.mails {
		if l.key == key {
			return l
		}
	}
	return nil
}

func (b *box) byUID(u mail.UID) *letter {
	i, ok := slices.BinarySearchFunc(b.mails, u, func(l *letter, u mail.UID) int { return cmp.Compare(l.uid, u) })
	if !ok || u == 0 {
		return nil
	}
	return b.mails[i]
}

// find returns the mail that r names, or nil.
func (b *box) find(r mail.Ref) *letter {
	if r.UID != 0 {
		return b.byUID(r.UID)
	}
	return b.byKey(r.Key)
}
