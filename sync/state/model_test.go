package state

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/offlineimap/offlineimapd/sync/mail"
)

// model is what a DB must hold, in plain Go values.
type model struct {
	folders []Folder
	pairs   map[[2]string]bool // of folders, those of the commit under way included
	rows    map[int64]map[mail.UID]mail.Flags
	intents []Intent
	meta    map[string]string
	apart   map[int64]Apart
}

func (m *model) clone() *model {
	c := &model{folders: slices.Clone(m.folders), pairs: maps.Clone(m.pairs), rows: map[int64]map[mail.UID]mail.Flags{},
		intents: slices.Clone(m.intents), meta: maps.Clone(m.meta), apart: maps.Clone(m.apart)}
	for f, r := range m.rows {
		c.rows[f] = maps.Clone(r)
	}
	return c
}

var (
	genName  = rapid.Map(rapid.SliceOfN(rapid.SampledFrom([]byte("ab/. \x00\xff\xc3")), 0, 6), func(b []byte) string { return string(b) })
	genUID   = rapid.Map(rapid.OneOf(rapid.Uint32Range(1, 20), rapid.Uint32Range(250, 520), rapid.Uint32Range(1, 1<<32-1)), func(u uint32) mail.UID { return mail.UID(u) })
	genFlags = rapid.Map(rapid.Uint32(), func(u uint32) mail.Flags { return mail.Flags(u) })
	genEntry = rapid.Custom(func(t *rapid.T) mail.Entry {
		return mail.Entry{UID: genUID.Draw(t, "uid"), Flags: genFlags.Draw(t, "flags")}
	})
	genSet   = rapid.Map(rapid.SliceOfN(genUID, 0, 20), func(us []mail.UID) mail.Set { return mail.SetOf(us...) })
	genStamp = rapid.Custom(func(t *rapid.T) mail.Stamp {
		return mail.Stamp{UIDValidity: rapid.Uint32().Draw(t, "validity"), UIDNext: mail.UID(rapid.Uint32().Draw(t, "next")),
			ModSeq: mail.ModSeq(rapid.Uint64().Draw(t, "modseq")), Messages: rapid.Uint32().Draw(t, "messages"), Mask: genFlags.Draw(t, "mask"),
			Token: genName.Draw(t, "token"), Sure: rapid.Bool().Draw(t, "sure")}
	})
)

// draw makes a change that is allowed, and makes it in the model too. What
// needs an ID that only the commit gives is done by after.
func (m *model) draw(t *rapid.T, after *[]func()) Change {
	kind := rapid.IntRange(0, 10).Draw(t, "kind")
	if kind == 0 || len(m.folders) == 0 && kind < 9 {
		f := &Folder{Remote: genName.Draw(t, "remote"), Local: genName.Draw(t, "local"), LocalStamp: genStamp.Draw(t, "stamp")}
		name := [2]string{f.Remote, f.Local}
		if m.pairs[name] {
			return CloseIntents{}
		}
		m.pairs[name] = true
		*after = append(*after, func() {
			m.folders = append(m.folders, *f)
			m.rows[f.ID] = map[mail.UID]mail.Flags{}
		})
		return AddFolder{f}
	}
	if kind >= 9 {
		s := SetMeta{rapid.SampledFrom(metaKeys).Draw(t, "key"), genName.Draw(t, "value")}
		m.meta[s.Key] = s.Value
		if s.Value == "" {
			delete(m.meta, s.Key)
		}
		return s
	}
	n := rapid.IntRange(0, len(m.folders)-1).Draw(t, "folder")
	f := &m.folders[n]
	switch kind {
	case 1:
		s := SetStamps{Folder: f.ID}
		if rapid.Bool().Draw(t, "remote") {
			v := genStamp.Draw(t, "stamp")
			s.Remote, f.RemoteStamp = &v, v
		}
		if rapid.Bool().Draw(t, "local") {
			v := genStamp.Draw(t, "stamp")
			s.Local, f.LocalStamp = &v, v
		}
		return s
	case 2, 3, 4:
		p := PutRows{f.ID, rapid.SliceOfN(genEntry, 0, 40).Draw(t, "rows")}
		for _, e := range p.Rows {
			m.rows[f.ID][e.UID] = e.Flags
		}
		return p
	case 5:
		d := DropRows{f.ID, rapid.SliceOfN(genUID, 0, 40).Draw(t, "uids")}
		if rapid.Bool().Draw(t, "all") {
			d.UIDs = slices.Collect(maps.Keys(m.rows[f.ID]))
		}
		for _, u := range d.UIDs {
			delete(m.rows[f.ID], u)
		}
		return d
	case 6:
		if len(m.intents) == 0 || rapid.Bool().Draw(t, "add") {
			a := AddIntents{[]Intent{m.drawIntent(t, f.ID), m.drawIntent(t, f.ID)}}
			id := f.ID
			*after = append(*after, func() {
				if m.rows[id] != nil { // not forgotten in the same commit
					m.intents = append(m.intents, a.Intents...)
				}
			})
			return a
		}
		i := rapid.IntRange(0, len(m.intents)-1).Draw(t, "intent")
		id := m.intents[i].ID
		if rapid.Bool().Draw(t, "unknown") {
			m.intents[i].Unknown = true
			return MarkUnknown{[]int64{id}}
		}
		m.intents = slices.Delete(m.intents, i, i+1)
		return CloseIntents{[]int64{id, 1 << 50}}
	case 7:
		s := SetApart{f.ID, Apart{Limits: genName.Draw(t, "limits"), First: genUID.Draw(t, "first"), Remote: genSet.Draw(t, "remote"), Local: genSet.Draw(t, "local")}}
		m.apart[f.ID] = s.Apart
		if s.Apart.empty() {
			delete(m.apart, f.ID)
		}
		return s
	default:
		id := f.ID
		delete(m.pairs, [2]string{f.Remote, f.Local})
		m.folders = slices.Delete(m.folders, n, n+1)
		delete(m.rows, id)
		delete(m.apart, id)
		m.intents = slices.DeleteFunc(m.intents, func(i Intent) bool { return i.Folder == id })
		return ForgetFolder{id}
	}
}

func (m *model) drawIntent(t *rapid.T, folder int64) Intent {
	i := Intent{Folder: folder, Key: genName.Draw(t, "key"), UIDValidity: rapid.Uint32().Draw(t, "validity"), UIDNext: genUID.Draw(t, "next"),
		Size: rapid.Int64().Draw(t, "size"), MessageID: genName.Draw(t, "message id"), Flags: genFlags.Draw(t, "flags"), Unknown: rapid.Bool().Draw(t, "unknown")}
	copy(i.Hash[:], genName.Draw(t, "hash"))
	return i
}

func (m *model) compare(t *rapid.T, d *DB) {
	got, err := tryRead(d)
	if err != nil {
		t.Fatal(err)
	}
	want := content{Rows: map[int64][]mail.Entry{}, Intents: map[int64][]Intent{}, Meta: maps.Clone(m.meta), Apart: maps.Clone(m.apart)}
	for _, f := range m.folders {
		f.Count = len(m.rows[f.ID])
		want.Folders = append(want.Folders, f)
		for _, u := range slices.Sorted(maps.Keys(m.rows[f.ID])) {
			want.Rows[f.ID] = append(want.Rows[f.ID], mail.Entry{UID: u, Flags: m.rows[f.ID][u]})
			if got, err := d.Lookup(context.Background(), f.ID, mail.SetOf(u)); err != nil || len(got) != 1 || got[0].UID != u {
				t.Fatalf("lookup %d: %v, %v", u, got, err)
			}
		}
	}
	for _, i := range m.intents {
		want.Intents[i.Folder] = append(want.Intents[i.Folder], i)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got\n%+v\nwant\n%+v", got, want)
	}
}

func same(t testing.TB, want, got content) {
	t.Helper()
	if !reflect.DeepEqual(want, got) {
		t.Errorf("got\n%.2000s\nwant\n%.2000s", fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want))
	}
}
