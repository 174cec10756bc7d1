package merge_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/merge"
)

// both carries deletions both ways, as by default.
var both = merge.Options{LocalDeletes: true, RemoteDeletes: true}

// full is a snapshot of one mail, UID 7: "-" no mail, "." no flags, else flags.
func full(mails ...string) *mail.Snapshot {
	return &mail.Snapshot{Full: true, Mask: mail.AllFlags, Entries: rows(mails...)}
}

// rows gives the UIDs 7, 8, … to mails as full writes them.
func rows(mails ...string) []mail.Entry {
	var es []mail.Entry
	for i, m := range mails {
		if m != "-" {
			es = append(es, mail.Entry{UID: mail.UID(7 + i), Flags: mail.ParseLetters(m)})
		}
	}
	return es
}

// describe writes a plan without UIDs.
func describe(p *merge.Plan) string {
	var s []string
	add := func(format string, args ...any) { s = append(s, fmt.Sprintf(format, args...)) }
	for _, e := range p.Download {
		add("down %s", letters(e.Flags))
	}
	for _, f := range p.Upload {
		add("up %s %s", f.Key, letters(f.Flags))
	}
	for _, e := range p.Reupload {
		add("reup %s", letters(e.Flags))
	}
	for _, c := range p.LocalFlags {
		add("local +%s-%s", c.Add, c.Clear)
	}
	for _, c := range p.RemoteFlags {
		add("remote +%s-%s", c.Add, c.Clear)
	}
	for range p.RemoveLocal {
		add("rm local")
	}
	for range p.RemoveRemote {
		add("rm remote")
	}
	for _, e := range p.Rows {
		add("row %s", letters(e.Flags))
	}
	for range p.Forget {
		add("forget")
	}
	for range p.ApartLocal {
		add("apart local")
	}
	for range p.ApartRemote {
		add("apart remote")
	}
	for i, side := range []merge.Side{p.Local, p.Remote} {
		name := []string{"local", "remote"}[i]
		if side.Pending > 0 {
			add("%s pending", name)
		}
		if side.Relist {
			add("relist %s", name)
		}
	}
	return strings.Join(s, ", ")
}

func letters(f mail.Flags) string {
	if f == 0 {
		return "."
	}
	return f.String()
}

// TestOneMail has the mail in the base, locally and remotely.
func TestOneMail(t *testing.T) {
	keep := both
	keep.KeepDeleted = true
	localRO, remoteRO, noneRO := both, both, both
	localRO.LocalReadOnly = true
	remoteRO.RemoteReadOnly = true
	noneRO.LocalReadOnly, noneRO.RemoteReadOnly = true, true
	stay := merge.Options{}
	keepRO := keep
	keepRO.RemoteReadOnly = true
	out, outKeep, outRO := both, keep, noneRO
	out.Outside = mail.SetOfRanges(mail.Range{First: 1, Last: 1000})
	outKeep.Outside, outRO.Outside = out.Outside, out.Outside
	for _, c := range []struct {
		o                   merge.Options
		base, local, remote string
		want                string
	}{
		// Both sides have it.
		{both, "S", "S", "S", ""},
		{both, ".", "S", ".", "remote +S-, row S"},
		{both, ".", ".", "S", "local +S-, row S"},
		{both, "S", ".", "S", "remote +-S, row ."},
		{both, "S", "S", ".", "local +-S, row ."},
		{both, ".", "S", "S", "row S"},
		{both, "S", ".", ".", "row ."},
		{both, ".", "S", "F", "local +F-, remote +S-, row FS"},
		{both, "FS", "F", "S", "local +-F, remote +-S, row ."},
		{both, "S", "FS", ".", "local +-S, remote +F-, row F"},
		{both, "RS", "Sa", "RSTb", "local +Tb-, remote +a-R, row STab"},
		{both, ".", "T", ".", "remote +T-, row T"},
		{both, "T", "T", ".", "local +-T, row ."},
		// Both have it, and the base has not.
		{both, "-", "S", "S", "row S"},
		{both, "-", "S", "F", "local +F-, remote +S-, row FS"},
		{both, "-", "T", "T", "row T"},
		{both, "-", "ST", ".", "local +-T, remote +S-, row S"},
		{both, "-", ".", "ST", "local +S-, remote +-T, row S"},
		// New on one side.
		{both, "-", "-", "FS", "down FS"},
		{both, "-", "-", "T", "down T"},
		{both, "-", "RS", "-", "reup RS"},
		{both, "-", "-", "-", ""},
		// Removed.
		{both, "S", "-", "S", "rm remote"},
		{both, "S", "-", "FS", "rm remote"},
		{both, "S", "S", "-", "rm local"},
		{both, "S", "FS", "-", "rm local"},
		{both, "S", "-", "-", "forget"},
		{stay, "S", "-", "S", ""},
		{stay, "S", "S", "-", ""},
		{stay, "S", "-", "FS", ""},
		{stay, "S", "-", "-", "forget"},
		{stay, ".", "S", ".", "remote +S-, row S"},
		// expunge = no
		{keep, "S", "-", "S", "remote +T-, row ST"},
		{keep, "S", "-", "FS", "remote +T-, row ST"},
		{keep, "S", "-", "ST", "row ST"},
		{keep, "ST", "-", "ST", ""},
		{keep, "ST", "-", "FST", ""},
		{keep, "ST", "-", "S", "down S"}, // somebody took the mark off
		{keep, "ST", "-", "-", "forget"},
		{keep, "ST", "S", "ST", "remote +-T, row S"}, // put back locally
		{keep, "S", "S", "-", "rm local"},
		{keep, "-", "-", "T", "down T"},
		{keepRO, "S", "-", "S", "local pending"},
		{keepRO, "S", "-", "ST", "row ST"},
		{both, "ST", "-", "S", "rm remote"},
		// One side takes no changes.
		{remoteRO, ".", "S", ".", "local pending"},
		{remoteRO, ".", ".", "S", "local +S-, row S"},
		{remoteRO, ".", "S", "F", "local +F-, row F, local pending"},
		{remoteRO, ".", "S", "S", "row S"},
		{remoteRO, "S", "-", "S", "local pending"},
		{remoteRO, "S", "S", "-", "rm local"},
		{remoteRO, "S", "-", "-", "forget"},
		{remoteRO, "-", "S", "-", "local pending"},
		{remoteRO, "-", "-", "S", "down S"},
		{remoteRO, "-", "S", "F", "local +F-, row F, local pending"},
		{localRO, ".", ".", "S", "remote pending"},
		{localRO, ".", "S", ".", "remote +S-, row S"},
		{localRO, "S", "S", "-", "remote pending"},
		{localRO, "S", "-", "S", "rm remote"},
		{localRO, "-", "-", "S", "remote pending"},
		{localRO, "-", "S", "-", "reup S"},
		{noneRO, "-", "S", "S", ""},
		{noneRO, "S", "-", "-", "forget"},
		// Limits leave it where it is.
		{out, "-", "-", "S", "apart remote"},
		{out, "-", "S", "-", "local pending"},
		{out, "S", "-", "S", "apart remote"},
		{out, "S", "S", "-", "apart local"},
		{out, "S", "-", "-", "forget"},
		{out, ".", "S", "F", "local +F-, remote +S-, row FS"},
		{out, "-", "S", "S", "row S"},
		{outKeep, "S", "-", "S", "apart remote"},
		{outKeep, "ST", "-", "ST", ""},
		{outKeep, "ST", "-", "S", "down S"},
		{outRO, "S", "-", "S", "apart remote"},
		{outRO, "-", "S", "-", "local pending"},
	} {
		p := merge.Merge(rows(c.base), full(c.local), full(c.remote), c.o)
		if got := describe(p); got != c.want {
			t.Errorf("base %s, local %s, remote %s, %+v: %q, want %q", c.base, c.local, c.remote, c.o, got, c.want)
		}
	}
}

// The READ-ONLY of a mailbox is that of the configuration.
func TestSnapshotReadOnly(t *testing.T) {
	remote := full(".")
	remote.ReadOnly = true
	if got := describe(merge.Merge(rows("."), full("S"), remote, both)); got != "local pending" {
		t.Error(got)
	}
}

// Only flags that both sides can store are compared; the others stay as each
// side has them, and as the base had them.
func TestMasks(t *testing.T) {
	system := mail.SystemFlags
	for _, c := range []struct {
		base, local, remote string
		lmask, rmask        mail.Flags
		want                string
	}{
		{".", "Sab", ".", mail.AllFlags, system, "remote +S-, row S"},
		{"Sa", "Sb", "Sc", mail.AllFlags, system, ""},
		{"Sa", "b", "Sc", mail.AllFlags, system, "remote +-S, row a"},
		{".", "S", "F", mail.Seen, mail.Flagged, ""},
		{"-", "Sa", "Fb", mail.AllFlags, system, "local +F-, remote +S-, row FS"},
		{"-", "-", "SPa", system, mail.AllFlags, "down S"},
		{"-", "SPa", "-", mail.AllFlags, system, "reup S"},
	} {
		local, remote := full(c.local), full(c.remote)
		local.Mask, remote.Mask = c.lmask, c.rmask
		p := merge.Merge(rows(c.base), local, remote, both)
		if got := describe(p); got != c.want {
			t.Errorf("base %s, local %s (%s), remote %s (%s): %q, want %q", c.base, c.local, c.lmask, c.remote, c.rmask, got, c.want)
		}
		if p.Shared != c.lmask&c.rmask {
			t.Errorf("shared are %q", p.Shared)
		}
	}
	// Without a \Deleted that lasts, nothing can be marked.
	remote := full("S")
	remote.Mask = mail.Seen
	if got := describe(merge.Merge(rows("S"), full("-"), remote, merge.Options{LocalDeletes: true, KeepDeleted: true})); got != "local pending" {
		t.Error(got)
	}
}

func TestFresh(t *testing.T) {
	local := full("-")
	local.Fresh = []mail.Fresh{{Key: "z", Flags: mail.Seen | mail.Letter('a')}, {Key: "a", Claim: 9}}
	remote := full("-")
	remote.Mask = mail.SystemFlags
	p := merge.Merge(nil, local, remote, both)
	if got := describe(p); got != "up z S, up a ." {
		t.Errorf("%q", got)
	}
	if p.Upload[1].Claim != 9 || p.Local.Left != 2 || p.Remote.Left != 2 {
		t.Errorf("%+v", p)
	}
	remote.ReadOnly = true
	if p := merge.Merge(nil, local, remote, both); !p.Empty() || p.Local.Pending != 2 {
		t.Errorf("to a side that takes no changes: %q", describe(p))
	}
}

func delta(all mail.Set, mails ...string) *mail.Snapshot {
	return &mail.Snapshot{Mask: mail.AllFlags, Entries: rows(mails...), All: all}
}

// What a snapshot does not mention is as in the base; only a full listing
// proves that a mail is gone.
func TestDeltas(t *testing.T) {
	unchanged := &mail.Snapshot{Unchanged: true, Mask: mail.AllFlags}
	keep := both
	keep.KeepDeleted = true
	onlyRemote := merge.Options{RemoteDeletes: true}
	for _, c := range []struct {
		what          string
		o             merge.Options
		base          []mail.Entry
		local, remote *mail.Snapshot
		want          string
	}{
		{"quiet", both, rows("S", "S"), unchanged, unchanged, ""},
		{"no rows needed", both, nil, unchanged, delta(nil), ""},
		{"flags", both, rows("S"), unchanged, delta(nil, "FS"), "local +F-, row FS"},
		{"new", both, nil, unchanged, delta(nil, "-", "F"), "down F"},
		{"gone remotely", both, rows("S", "S"), unchanged, delta(mail.SetOf(7)), "rm local"},
		{"all gone remotely", both, rows("S", "S"), unchanged, delta(mail.Set{}), "rm local, rm local"},
		{"gone and flags", both, rows("S", "S"), unchanged, delta(mail.SetOf(8), "-", "."), "local +-S, rm local, row ."},
		{"listed, not in All", both, rows("S"), unchanged, delta(mail.Set{}, "FS"), "local +F-, row FS"},
		{"gone on both", both, rows("S"), full(), delta(mail.Set{}), "forget"},
		{"gone locally", both, rows("S", "S"), full("S"), unchanged, "rm remote"},
		{"nowhere but here, unproven", both, nil, full("S"), unchanged, "relist remote"},
		{"nowhere but here, proven", both, nil, full("S"), delta(mail.Set{}), "reup S"},
		{"known to All alone", both, rows("S"), unchanged, delta(mail.SetOf(7, 9)), "relist remote"},
		{"known to All alone, and here", both, nil, full("S"), delta(mail.SetOf(7)), "relist remote"},
		{"known to the local All alone", both, nil, delta(mail.SetOf(9)), unchanged, "relist local"},
		{"both unsaid", both, nil, delta(nil, "S"), delta(nil, "-", "F"), "down F, relist remote"},
		// A row may have outlived its local mail.
		{"marked, unmarked", keep, rows("ST"), unchanged, delta(nil, "S"), "relist local"},
		{"marked, expunged", keep, rows("ST"), unchanged, delta(mail.Set{}), "relist local"},
		{"marked, flags", keep, rows("ST"), unchanged, delta(nil, "FST"), "local +F-, row FST"},
		{"kept remotely, now gone", onlyRemote, rows("S"), unchanged, delta(mail.Set{}), "relist local"},
	} {
		p := merge.Merge(c.base, c.local, c.remote, c.o)
		if got := describe(p); got != c.want {
			t.Errorf("%s: %q, want %q", c.what, got, c.want)
		}
	}
}

// A list out of order must not make mails look removed.
func TestUnordered(t *testing.T) {
	local, remote := full("S", "S", "S"), full("S", "S", "S")
	want := merge.Merge(rows("S", "S", "S"), local, remote, both)
	remote.Entries = []mail.Entry{{UID: 9, Flags: mail.Seen}, {UID: 0}, {UID: 7, Flags: mail.Seen}, {UID: 8, Flags: mail.Seen}, {UID: 7, Flags: mail.Seen}}
	base := []mail.Entry{{UID: 8, Flags: mail.Seen}, {UID: 7, Flags: mail.Seen}, {UID: 9, Flags: mail.Seen}}
	if got := merge.Merge(base, local, remote, both); !reflect.DeepEqual(got, want) {
		t.Errorf("%q, want %q", describe(got), describe(want))
	}
}

func TestCounts(t *testing.T) {
	for _, c := range []struct {
		what                string
		o                   merge.Options
		base, local, remote []string
		want                merge.Plan
	}{
		{"nothing", both, nil, nil, nil, merge.Plan{}},
		{"equal", both, []string{"S", "S"}, []string{"S", "S"}, []string{"S", "S"}, merge.Plan{
			Base: 2, Local: merge.Side{Mails: 2, Left: 2}, Remote: merge.Side{Mails: 2, Left: 2}}},
		{"emptied locally", both, []string{"S", "S"}, nil, []string{"S", "S"}, merge.Plan{
			Base: 2, Local: merge.Side{Emptied: true}, Remote: merge.Side{Mails: 2, Removed: 2}}},
		{"emptied remotely, something new here", both, []string{"S", "S"}, []string{"S", "S", "S"}, nil, merge.Plan{
			Base: 2, Local: merge.Side{Mails: 3, Left: 1, Removed: 2}, Remote: merge.Side{Left: 1, Emptied: true}}},
		{"emptied, and not carried over", merge.Options{}, []string{"S", "S"}, nil, []string{"S", "S"}, merge.Plan{
			Remote: merge.Side{Mails: 2, Left: 2}}},
		{"marked", merge.Options{LocalDeletes: true, KeepDeleted: true}, []string{"S", "S", "T"}, []string{"S"}, []string{"S", "S", "T"}, merge.Plan{
			Base: 2, Local: merge.Side{Mails: 1, Left: 1}, Remote: merge.Side{Mails: 3, Left: 3, Removed: 1}}},
	} {
		p := merge.Merge(rows(c.base...), full(c.local...), full(c.remote...), c.o)
		got := merge.Plan{Base: p.Base, Local: p.Local, Remote: p.Remote}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, want %+v", c.what, got, c.want)
		}
	}
}

// Rows that have outlived their mails must not make a removal look small.
func TestCountsWithoutOutlived(t *testing.T) {
	keep := both
	keep.KeepDeleted = true
	base := rows("T", "T", "T", "T", "S", "S")
	p := merge.Merge(base, &mail.Snapshot{Unchanged: true, Mask: mail.AllFlags}, full("T", "T", "T", "T"), keep)
	if p.Base != 2 || !p.Remote.Emptied || len(p.RemoveLocal) != 2 {
		t.Errorf("%s: %+v", describe(p), p)
	}
}
