package imap

import (
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// turns answers the n-th command that begins with a word by the n-th of its
// answers, the last one for all that follow.
func turns(answers map[string][]string) func(cmd string) string {
	at := map[string]int{}
	return func(cmd string) string {
		for prefix, as := range answers {
			if strings.HasPrefix(cmd, prefix) {
				i := min(at[prefix], len(as)-1)
				at[prefix]++
				return as[i]
			}
		}
		return ""
	}
}

func fetched(seq int, u mail.UID, flags string) string {
	return fmt.Sprintf("* %d FETCH (UID %d FLAGS (%s))", seq, u, flags)
}

func entries(uids ...mail.UID) []mail.Entry {
	es := make([]mail.Entry, len(uids))
	for i, u := range uids {
		es[i] = mail.Entry{UID: u}
	}
	return es
}

// base is five mails known, with UIDs 1 to 5.
var base = mail.Known{Count: 5, Stamp: mail.Stamp{UIDValidity: 7, UIDNext: 6, ModSeq: 10, Messages: 5, Sure: true}}

var fiveMails = crlf([]string{fetched(1, 1, ""), fetched(2, 2, ""), fetched(3, 3, ""), fetched(4, 4, ""), fetched(5, 5, "")}) + "OK done"

// What servers say that is wrong, odd, or changes while they say it.
func TestScan(t *testing.T) {
	const noQResync = "* PREAUTH [CAPABILITY IMAP4rev1 CONDSTORE ESEARCH] hi"
	const plain = "* PREAUTH [CAPABILITY IMAP4rev1] hi"
	all := func(s string) string { return "* ESEARCH (TAG \"x\") UID ALL " + s + "\r\nOK done" }
	for _, tc := range []struct {
		name     string
		greeting string
		known    mail.Known
		answers  map[string][]string
		want     mail.Snapshot // Mask apart
		fails    string
		flights  int // commands but SELECT's; 0: not looked at
	}{
		{
			name: "nothing changed", known: base, flights: 1,
			answers: map[string][]string{"SELECT": {opened(7, 6, 10, 5)}},
			want:    mail.Snapshot{Unchanged: true, Stamp: base.Stamp},
		},
		{
			name: "one new, one changed twice", known: base, flights: 1,
			answers: map[string][]string{"SELECT": {opened(7, 7, 12, 6,
				"* 6 FETCH (UID 6 FLAGS (\\Seen) MODSEQ (11))", "* 2 FETCH (FLAGS (\\Flagged) MODSEQ (11) UID 2)", "* 2 FETCH (UID 2 FLAGS (\\seen $forwarded) MODSEQ (12))")}},
			want: mail.Snapshot{Entries: []mail.Entry{{UID: 2, Flags: mail.Seen | mail.Passed}, {UID: 6, Flags: mail.Seen}},
				Stamp: mail.Stamp{UIDValidity: 7, UIDNext: 7, ModSeq: 12, Messages: 6, Sure: true}},
		},
		{
			name: "two gone, as VANISHED says", known: base,
			answers: map[string][]string{"SELECT": {opened(7, 6, 12, 3, "* VANISHED (EARLIER) 2,4")}, "UID SEARCH": {all("1,3,5")}},
			want:    mail.Snapshot{All: set("1,3,5"), Stamp: stamp(7, 6, 12, 3)},
		},
		{
			name: "two gone, of which nobody spoke", known: base,
			answers: map[string][]string{"SELECT": {opened(7, 6, 12, 3)}, "UID SEARCH": {all("1,3,5")}},
			want:    mail.Snapshot{All: set("1,3,5"), Stamp: stamp(7, 6, 12, 3)},
		},
		{
			name: "all vanished, and yet there", known: base, // James
			answers: map[string][]string{"SELECT": {opened(7, 6, 12, 5, "* VANISHED (EARLIER) 1:5")}, "UID SEARCH": {all("1:5")}},
			want:    mail.Snapshot{All: set("1:5"), Stamp: stamp(7, 6, 12, 5)},
		},
		{
			name: "all gone", known: base,
			answers: map[string][]string{"SELECT": {opened(7, 6, 12, 0, "* VANISHED (EARLIER) 1:5")}, "UID SEARCH": {"* ESEARCH (TAG \"x\") UID\r\nOK done"}},
			want:    mail.Snapshot{All: mail.Set{}, Stamp: stamp(7, 6, 12, 0)},
		},
		{
			name: "vanished mails that were never known", known: base, flights: 1,
			answers: map[string][]string{"SELECT": {opened(7, 9, 12, 5, "* VANISHED (EARLIER) 6:8")}},
			want:    mail.Snapshot{Unchanged: true, Stamp: stamp(7, 9, 12, 5)},
		},
		{
			name: "a new mail that the difference leaves out", known: base,
			answers: map[string][]string{"SELECT": {opened(7, 7, 12, 6)}, "UID SEARCH": {all("1:6")},
				"UID FETCH": {strings.Replace(fiveMails, "OK", fetched(6, 6, "\\Seen")+"\r\nOK", 1)}},
			want: mail.Snapshot{Full: true, Entries: append(entries(1, 2, 3, 4, 5), mail.Entry{UID: 6, Flags: mail.Seen}), Stamp: stamp(7, 7, 12, 6)},
		},
		{
			name: "a mail that comes while we look", known: base,
			answers: map[string][]string{"SELECT": {opened(7, 6, 12, 5, "* VANISHED (EARLIER) 2")},
				"UID SEARCH": {"* 6 EXISTS\r\n" + all("1:6")}, "UID FETCH 6 ": {fetched(6, 6, "\\Draft") + "\r\nOK done"}},
			want: mail.Snapshot{Entries: []mail.Entry{{UID: 6, Flags: mail.Draft}}, All: set("1:6"), Stamp: stamp(7, 6, 12, 5)},
		},
		{
			name: "old mails that the base lacks", known: mail.Known{Count: 4, Stamp: base.Stamp},
			answers: map[string][]string{"SELECT": {opened(7, 6, 10, 5)}, "UID SEARCH": {all("1:5")}, "UID FETCH": {fiveMails}},
			want:    mail.Snapshot{Full: true, Entries: entries(1, 2, 3, 4, 5), Stamp: base.Stamp},
		},
		{
			name: "UIDVALIDITY changed", known: base,
			answers: map[string][]string{"SELECT": {opened(8, 6, 12, 5)}, "UID FETCH": {fiveMails}},
			want:    mail.Snapshot{Full: true, Entries: entries(1, 2, 3, 4, 5), Stamp: stamp(8, 6, 12, 5)},
		},
		{
			name: "UIDNEXT goes back", known: base, // GMX
			answers: map[string][]string{"SELECT": {opened(7, 4, 12, 1)}, "UID FETCH": {fetched(1, 3, "") + "\r\nOK done"}},
			want:    mail.Snapshot{Full: true, Entries: entries(3), Stamp: stamp(7, 4, 12, 1)},
		},
		{
			name: "HIGHESTMODSEQ goes back", known: base,
			answers: map[string][]string{"SELECT": {opened(7, 6, 3, 5)}, "UID FETCH": {fiveMails}},
			want:    mail.Snapshot{Full: true, Entries: entries(1, 2, 3, 4, 5), Stamp: stamp(7, 6, 3, 5)},
		},
		{
			name: "NOMODSEQ", known: base,
			answers: map[string][]string{"SELECT": {strings.Replace(opened(7, 6, 10, 5), "HIGHESTMODSEQ 10", "NOMODSEQ", 1)}, "UID FETCH": {fiveMails}},
			want: mail.Snapshot{Full: true, Entries: entries(1, 2, 3, 4, 5),
				Stamp: mail.Stamp{UIDValidity: 7, UIDNext: 6, Messages: 5}},
		},
		{
			name: "QRESYNC is not understood after all", known: base,
			answers: map[string][]string{"SELECT": {"BAD what?", opened(7, 6, 10, 5)}, "UID FETCH": {fiveMails}},
			want:    mail.Snapshot{Full: true, Entries: entries(1, 2, 3, 4, 5), Stamp: base.Stamp},
		},
		{
			name: "a change that cannot be read", known: base,
			answers: map[string][]string{"SELECT": {"* 3 FETCH (UID 3 FLAGS ((\r\n" + opened(7, 6, 12, 5), opened(7, 6, 12, 5)}, "UID FETCH": {fiveMails}},
			want:    mail.Snapshot{Full: true, Entries: entries(1, 2, 3, 4, 5), Stamp: stamp(7, 6, 12, 5)},
		},
		{
			name: "what is said before CLOSED is of another mailbox", known: base, flights: 1,
			answers: map[string][]string{"SELECT": {"* 99 EXISTS\r\n* VANISHED 1:3\r\n* 1 FETCH (UID 4 FLAGS (\\Seen))\r\n* OK [CLOSED] x\r\n" + opened(7, 6, 10, 5)}},
			want:    mail.Snapshot{Unchanged: true, Stamp: base.Stamp},
		},
		{
			name: "CONDSTORE alone, in one flight", greeting: noQResync, known: base, flights: 2,
			answers: map[string][]string{"SELECT": {opened(7, 6, 12, 5)}, "UID FETCH 1:* (UID FLAGS) (CHANGEDSINCE 10)": {fetched(3, 3, "\\Seen") + "\r\nOK done"}},
			want:    mail.Snapshot{Entries: []mail.Entry{{UID: 3, Flags: mail.Seen}}, Stamp: stamp(7, 6, 12, 5)},
		},
		{
			name: "CONDSTORE alone, something gone", greeting: noQResync, known: base,
			answers: map[string][]string{"SELECT": {opened(7, 6, 12, 4)}, "UID SEARCH": {all("2:5")}},
			want:    mail.Snapshot{All: set("2:5"), Stamp: stamp(7, 6, 12, 4)},
		},
		{
			name: "nothing of the kind", greeting: plain, known: base, flights: 2,
			answers: map[string][]string{"SELECT": {opened(7, 6, 12, 5)}, "UID FETCH": {fiveMails}},
			want:    mail.Snapshot{Full: true, Entries: entries(1, 2, 3, 4, 5), Stamp: mail.Stamp{UIDValidity: 7, UIDNext: 6, Messages: 5}},
		},
		{
			name: "a listing that leaves out a mail", greeting: plain,
			answers: map[string][]string{"SELECT": {opened(7, 6, 0, 5)},
				"UID FETCH 1:*": {fetched(1, 1, "") + "\r\n" + fetched(4, 4, "") + "\r\n" + fetched(5, 5, "") + "\r\nOK done"},
				"UID SEARCH":    {"* SEARCH 1 2 3\r\n* SEARCH 4 5\r\nOK done"}, "UID FETCH 2:3": {fetched(3, 3, "\\Seen") + "\r\n" + fetched(2, 2, "") + "\r\nOK done"}},
			want: mail.Snapshot{Full: true, Entries: []mail.Entry{{UID: 1}, {UID: 2}, {UID: 3, Flags: mail.Seen}, {UID: 4}, {UID: 5}},
				Stamp: mail.Stamp{UIDValidity: 7, UIDNext: 6, Messages: 5}},
		},
		{
			name:    "a mail whose flags cannot be had",
			answers: map[string][]string{"SELECT": {opened(7, 3, 10, 2)}, "UID FETCH": {fetched(1, 1, "") + "\r\nOK done"}, "UID SEARCH": {all("1:2")}},
			fails:   "says that there are 2",
		},
		{
			name:    "EXISTS counts what is not there, and two listings agree",
			answers: map[string][]string{"SELECT": {opened(7, 3, 10, 2)}, "UID FETCH": {fetched(1, 1, "") + "\r\nOK done"}, "UID SEARCH": {all("1")}},
			want:    mail.Snapshot{Full: true, Entries: entries(1), Stamp: mail.Stamp{UIDValidity: 7, UIDNext: 2, Messages: 2}},
		},
		{
			name: "mails go and come while we list",
			answers: map[string][]string{"SELECT": {opened(7, 4, 10, 3)},
				"UID FETCH 1:*": {fetched(1, 1, "") + "\r\n" + fetched(2, 2, "") + "\r\n* VANISHED 1\r\n* 3 EXISTS\r\n" + fetched(3, 3, "") + "\r\nOK done"},
				"UID SEARCH":    {all("2:4")}, "UID FETCH 4 ": {fetched(3, 4, "\\Seen") + "\r\nOK done"}},
			want: mail.Snapshot{Full: true, Entries: []mail.Entry{{UID: 2}, {UID: 3}, {UID: 4, Flags: mail.Seen}}, Stamp: stamp(7, 4, 10, 3)},
		},
		{
			name: "the search for all cannot be read", known: base,
			answers: map[string][]string{"SELECT": {opened(7, 6, 12, 5, "* VANISHED (EARLIER) 1:5")}, "UID SEARCH": {"* ESEARCH (TAG \"x\") UID ALL nonsense\r\nOK done"},
				"UID FETCH": {fiveMails}},
			want: mail.Snapshot{Full: true, Entries: entries(1, 2, 3, 4, 5), Stamp: stamp(7, 6, 12, 5)},
		},
		{
			name: "an empty mailbox in which 1:* is an error", greeting: plain,
			answers: map[string][]string{"SELECT": {opened(7, 1, 0, 0)}, "UID FETCH": {"BAD no such message"}},
			want:    mail.Snapshot{Full: true, Stamp: mail.Stamp{UIDValidity: 7, UIDNext: 1}},
		},
		{
			name: "the listing is refused", greeting: plain,
			answers: map[string][]string{"SELECT": {opened(7, 6, 0, 5)}, "UID FETCH": {"NO not now"}},
			fails:   "not now",
		},
		{
			name: "SELECT fails, and the mailbox before it answers", greeting: plain,
			answers: map[string][]string{"SELECT": {"NO no such mailbox"}, "UID FETCH": {fiveMails}},
			fails:   "no such mailbox",
		},
		{
			name: "no UIDVALIDITY", greeting: plain,
			answers: map[string][]string{"SELECT": {"* 5 EXISTS\r\nOK done"}, "UID FETCH": {fiveMails}},
			fails:   "UIDVALIDITY",
		},
		{
			name: "no UIDNEXT", greeting: plain,
			answers: map[string][]string{"SELECT": {"* 5 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\nOK done"}, "UID FETCH": {fiveMails}},
			want:    mail.Snapshot{Full: true, Entries: entries(1, 2, 3, 4, 5), Stamp: mail.Stamp{UIDValidity: 7, UIDNext: 6, Messages: 5}},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := (&fake{greeting: tc.greeting, answer: turns(tc.answers)}).serve(t)
			s := f.store(nil)
			must(t, surveyed(t, s)) // so that QRESYNC is enabled
			got, err := s.Open("Box", false).Scan(t.Context(), tc.known)
			if tc.fails != "" {
				if err == nil || !strings.Contains(err.Error(), tc.fails) || store.ScopeOf(err) != store.ScopeFolder {
					t.Fatalf("%+v, %v, want an error with %q", got, err, tc.fails)
				}
				return
			}
			must(t, err)
			got.Mask = 0
			if len(got.Entries) == 0 {
				got.Entries = nil
			}
			if !reflect.DeepEqual(*got, tc.want) {
				t.Errorf("got  %+v\nwant %+v", *got, tc.want)
			}
			if c := f.commands("^(SELECT|UID)"); tc.flights > 0 && len(c) != tc.flights {
				t.Errorf("it took %q", c)
			}
		})
	}
}

func stamp(validity uint32, next mail.UID, modseq mail.ModSeq, messages uint32) mail.Stamp {
	return mail.Stamp{UIDValidity: validity, UIDNext: next, ModSeq: modseq, Messages: messages, Sure: true}
}

// set reads "1:3,5".
func set(s string) mail.Set {
	var out mail.Set
	for _, r := range strings.Split(s, ",") {
		var a, b mail.UID
		if n, _ := fmt.Sscanf(r, "%d:%d", &a, &b); n == 1 {
			b = a
		}
		out.Append(a, b)
	}
	return out
}

// Flags that a mailbox can keep.
func TestMask(t *testing.T) {
	const sys = `\Answered \Flagged \Deleted \Seen \Draft`
	for _, tc := range []struct {
		flags, permanent, end string
		examine               bool
		want                  string
		readOnly              bool
	}{
		{sys, sys + ` \*`, "[READ-WRITE]", false, "DFPRSTab", false},
		{sys, sys, "[READ-WRITE]", false, "DFRST", false},
		{sys + " $label1", sys + " $LABEL1 $forwarded", "", false, "DFPRSTa", false},
		{sys, `\Seen \*`, "", false, "PSab", false}, // an ACL: no right to the rest
		{`\Seen`, `\Seen \*`, "", false, "DFPRSTab", false},
		{sys + " nonjunk", "", "", false, "DFRSTb", false},
		{sys + " NonJunk", "-", "[READ-ONLY]", false, "DFRSTb", true},
		{sys, "-", "[READ-ONLY]", true, "DFRST", true},
	} {
		a := "* FLAGS (" + tc.flags + ")\r\n* 0 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n"
		if tc.permanent != "" {
			a += "* OK [PERMANENTFLAGS (" + strings.Trim(tc.permanent, "-") + ")] x\r\n"
		}
		f := (&fake{answer: turns(map[string][]string{"SELECT": {a + "OK " + tc.end + " done"}, "EXAMINE": {a + "OK " + tc.end + " done"}})}).serve(t)
		snap, err := f.store(nil).Open("Box", tc.examine).Scan(t.Context(), mail.Known{})
		must(t, err)
		if snap.Mask.String() != tc.want || snap.ReadOnly != tc.readOnly {
			t.Errorf("FLAGS %s, PERMANENTFLAGS %s, %s: mask %s, read-only %v, want %s, %v", tc.flags, tc.permanent, tc.end, snap.Mask, snap.ReadOnly, tc.want, tc.readOnly)
		}
		if n := len(f.commands("^SELECT")); tc.examine && n > 0 {
			t.Error("a handle for reading sends SELECT")
		}
	}
}

// A mailbox of 200,000 mails is listed in little time and memory.
func TestScanLarge(t *testing.T) {
	const n = 200_000
	var sb strings.Builder
	for i := range n {
		fmt.Fprintf(&sb, "* %d FETCH (UID %d FLAGS (\\Seen $NotJunk NonJunk))\r\n", i+1, i+1)
	}
	f := (&fake{answer: turns(map[string][]string{"SELECT": {opened(7, n+1, 10, n)}, "UID FETCH": {sb.String() + "OK done"}})}).serve(t)
	f.slices = true
	s := f.store(nil)
	must(t, surveyed(t, s))
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	snap, err := s.Open("Box", false).Scan(t.Context(), mail.Known{})
	must(t, err)
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	if len(snap.Entries) != n || snap.Entries[n-1] != (mail.Entry{UID: n, Flags: mail.Seen | mail.Letter('b')}) {
		t.Errorf("%d mails, the last %v", len(snap.Entries), snap.Entries[n-1])
	}
	octets, objects := after.TotalAlloc-before.TotalAlloc, after.Mallocs-before.Mallocs
	t.Logf("%v, %d octets and %d objects allocated", took, octets, objects)
	if octets > 9*n {
		t.Errorf("%d octets were allocated, want 8 a mail", octets)
	}
	if objects > 2000 {
		t.Errorf("%d objects were allocated", objects)
	}
}

// The survey's count tells that mails went: what proves it comes in one flight.
func TestScanAfterShrunkSurvey(t *testing.T) {
	var flights atomic.Int32
	f := &fake{}
	f.answer = turns(map[string][]string{
		"LIST":       {"* LIST () \"/\" Box\r\n* STATUS Box (MESSAGES 4 UIDNEXT 7 UIDVALIDITY 7 HIGHESTMODSEQ 12)\r\nOK done"},
		"SELECT":     {opened(7, 7, 12, 4, "* VANISHED (EARLIER) 1:2", "* 4 FETCH (UID 6 FLAGS () MODSEQ (12))")},
		"UID SEARCH": {"* ESEARCH (TAG \"x\") UID ALL 3:6\r\nOK done"},
	})
	f.flight = func() { flights.Add(1) }
	f.serve(t)
	s := f.store(nil)
	must(t, surveyed(t, s))
	flights.Store(0)
	snap, err := s.Open("Box", false).Scan(t.Context(), base)
	must(t, err)
	if snap.All.String() != "3:6" || !slices.Equal(snap.Entries, entries(6)) {
		t.Errorf("%+v", snap)
	}
	if n := flights.Load(); n != 1 {
		t.Errorf("it took %d flights", n)
	}
}
