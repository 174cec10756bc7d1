package maildir

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/sync/mail"
)

func TestFMD5(t *testing.T) {
	for name, want := range map[string]string{
		"INBOX":            "7e33429f656f1e6e9d79b29c3f82c57e",
		"Lists.foo":        "e14c1987ac1ea8de061348265180f4a3",
		"Lists/foo":        "85373cf2738e71c68e6984849284c7c3",
		"[Gmail]/All Mail": "e5b16880bf86ed7af066aa97fb0288d8",
		"Sent":             "7f8c0283f16925caed8e632086b81b9c",
		"Gäste":            "6e0a3a1e0ece32ec07dc2eeed2140578",
		"":                 "d41d8cd98f00b204e9800998ecf8427e",
	} {
		if got := string(newScheme(':', name).fmd5); got != ",FMD5="+want {
			t.Errorf("%q: %s, want %s", name, got, want)
		}
	}
}

// golden is a store that makes the names of a known moment.
func golden(o Options) Options {
	o.Now = func() time.Time { return time.Unix(1795393443, 0) }
	o.Host, o.Pid = "vm", 17914
	return o
}

func TestFreshName(t *testing.T) {
	s := New("/nowhere", golden(Options{}))
	inbox := newScheme(':', "INBOX")
	for i, want := range []string{
		"1795393443_0.17914.vm,U=1,FMD5=7e33429f656f1e6e9d79b29c3f82c57e",
		"1795393443_1.17914.vm,U=2,FMD5=7e33429f656f1e6e9d79b29c3f82c57e",
	} {
		if got := s.freshName(inbox, mail.UID(i+1)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if got := inbox.suffix("", mail.Seen); got != ":2,S" {
		t.Errorf("suffix %s", got)
	}
	// A host may be called anything.
	o := golden(Options{})
	o.Host = "a/b:c,U=5!d" + strings.Repeat("x", 300)
	name := New("/nowhere", o).freshName(inbox, 7)
	if strings.ContainsAny(name, "/:!") || inbox.uid([]byte(name)) != 7 || len(name) > 200 {
		t.Errorf("an odd host gives the name %s", name)
	}
}

func TestParse(t *testing.T) {
	const in = ",FMD5=7e33429f656f1e6e9d79b29c3f82c57e"
	const other = ",FMD5=7f8c0283f16925caed8e632086b81b9c"
	for _, c := range []struct {
		name  string
		base  string
		uid   mail.UID
		flags string
	}{
		{"1795393443_0.17914.vm,U=1" + in + ":2,S", "1795393443_0.17914.vm,U=1" + in, 1, "S"},
		{"a,U=4294967295" + in + ":2,", "a,U=4294967295" + in, 4294967295, ""},
		{"a,U=4294967296" + in, "a,U=4294967296" + in, 0, ""},
		{"a,U=99999999999999999999999999" + in, "a,U=99999999999999999999999999" + in, 0, ""},
		{"a,U=0" + in, "a,U=0" + in, 0, ""},
		{"a,U=007" + in, "a,U=007" + in, 7, ""},
		{"a,U=5" + other + ":2,FS", "a,U=5" + other, 0, "FS"}, // moved here from another folder
		{"a,U=5:2,S", "a,U=5", 0, "S"},
		{"a,U=5,S=1234,W=1300" + in + ":2,RS", "a,U=5,S=1234,W=1300" + in, 5, "RS"},
		{"a" + in + ",U=5:2,", "a" + in + ",U=5", 5, ""},
		{"a,U=,U=6" + in, "a,U=,U=6" + in, 6, ""},
		{"a,U=5,U=6" + in, "a,U=5,U=6" + in, 5, ""},
		{"a,U=5:2,S" + in, "a,U=5", 5, "S"},
		{"a:2,SFab,x", "a", 0, "FSab"},
		{"a:2,S:2,T", "a:2,S", 0, "T"},
		{"a:2,S,x:2,T,y", "a", 0, "S"},
		{"a:2", "a:2", 0, ""},
		{"a:1,S", "a:1,S", 0, ""},
		{"a!2,S", "a", 0, "S"},
		{"a,U=5" + in + "!2,FS", "a,U=5" + in, 5, "FS"},
		{"a!2,", "a", 0, ""},
		{"a!2,S:2,T", "a!2,S", 0, "T"},
		{"a:2,S!2,T", "a:2,S", 0, "T"},
		{"a!2,S:2,T,x", "a", 0, "S"}, // only flags follow neither
		{"a:2,S,x!2,T", "a:2,S,x", 0, "T"},
		{"a:2!2,S", "a:2", 0, "S"},
		{"a!1,S", "a!1,S", 0, ""},
		{"2,S", "2,S", 0, ""},
		{":2,S", "", 0, "S"},
		{"\xff\n:2,\xffS", "\xff\n", 0, ""},
	} {
		for _, separator := range []byte(":!") { // which one is written makes no difference
			base, uid, flags := newScheme(separator, "INBOX").parse([]byte(c.name))
			if c.name[:base] != c.base || uid != c.uid || flags.String() != c.flags {
				t.Errorf("%q: base %q, UID %d, flags %q; want %q, %d, %q", c.name, c.name[:base], uid, flags, c.base, c.uid, c.flags)
			}
		}
	}
}

// maildir-windows-compatible, switched on or off for a tree, leaves its mails
// and flags as they are; a name gets the other separator when its flags change.
func TestSeparatorSwitched(t *testing.T) {
	for _, c := range []struct{ old, now byte }{{':', '!'}, {'!', ':'}} {
		old, now := string(c.old)+"2,", string(c.now)+"2,"
		s := newStore(t, Options{InfoSeparator: c.now})
		f := newFolder(t, s, "INBOX")
		one, two := "1,U=3"+inboxMD5, "2,U=4"+inboxMD5
		for _, name := range []string{"cur/" + one + old + "FS", "cur/" + two + old + "S", "cur/3" + old + "RS"} {
			write(t, s, "INBOX", name, "x\n")
		}
		wantScan(t, scanAll(t, f, mail.Known{}), map[mail.UID]string{3: "FS", 4: "S"}, "3:RS")
		wantScan(t, scanAll(t, f, mail.Known{Keys: true}), map[mail.UID]string{}, one+":FS", two+":S", "3:RS")
		w := f.Begin()
		if gone, err := w.SetFlags(t.Context(), []mail.FlagChange{{UID: 3, Clear: mail.Flagged}, {UID: 4, Add: mail.Seen}}); err != nil || gone != nil {
			t.Errorf("%v, %v", gone, err)
		}
		commitAll(t, s, w)
		wantFiles(t, s, "INBOX", "cur/"+one+now+"S", "cur/"+two+old+"S", "cur/3"+old+"RS")
	}
}

func TestSuffix(t *testing.T) {
	for _, c := range []struct{ old, flags, want string }{
		{"", "", ":2,"},
		{"", "SaF", ":2,FSa"},
		{":2,S", "", ":2,"},
		{":2,SX9_", "F", ":2,9FX_"},         // letters of other programs stay
		{":2,S,S=12:x", "T", ":2,T,S=12:x"}, // and what follows
		{":2,XX", "S", ":2,SX"},
	} {
		if got := newScheme(':', "x").suffix(c.old, mail.ParseLetters(c.flags)); got != c.want {
			t.Errorf("%q with %q: %q, want %q", c.old, c.flags, got, c.want)
		}
	}
}

// Whatever a name is, its parts are found again after its flags were changed.
func FuzzName(f *testing.F) {
	for _, n := range []string{"a:2,S", "1_0.1.h,U=7,FMD5=7e33429f656f1e6e9d79b29c3f82c57e:2,FS", ",U=,U=4:2,,", ":2,:2,", "a:2,Zz_0,S=5", "a!2,S:2,T", "a:2,S!2,T,x", ":!2,"} {
		f.Add(n, uint32(0))
		f.Add(n, ^uint32(0))
	}
	f.Fuzz(func(t *testing.T, name string, bits uint32) {
		for _, separator := range []byte(":!") {
			roundTrip(t, newScheme(separator, "INBOX"), name, bits)
		}
	})
}

func roundTrip(t *testing.T, c scheme, name string, bits uint32) {
	base, uid, old := c.parse([]byte(name))
	if base > len(name) || old&^mail.ParseLetters(name[base:]) != 0 {
		t.Fatalf("%q: base %d, flags %q", name, base, old)
	}
	if uid != 0 && !(strings.Contains(name, ",U=") && bytes.Contains([]byte(name), c.fmd5)) {
		t.Fatalf("%q: UID %d out of nowhere", name, uid)
	}
	flags := mail.Flags(bits)
	next := name[:base] + c.suffix(name[base:], flags)
	base2, uid2, flags2 := c.parse([]byte(next))
	if base2 != base || flags2 != flags {
		t.Fatalf("%q with %q is %q: base %d, flags %q", name, flags, next, base2, flags2)
	}
	// A UID that stands in the base stays, and one in the letters is none of ours.
	if c.uid([]byte(name[:base])) != 0 && uid2 != uid {
		t.Fatalf("%q with %q is %q: UID %d was %d", name, flags, next, uid2, uid)
	}
	if again := next[:base2] + c.suffix(next[base2:], flags); again != next {
		t.Fatalf("%q is not stable: %q", next, again)
	}
}

func TestCheckName(t *testing.T) {
	long := strings.Repeat("ä", 128)
	for _, c := range []struct {
		sep  byte
		name string
		ok   bool
	}{
		{'.', "", true}, {'.', "INBOX", true}, {'.', ".Sent", true}, {'.', "a..b", true}, {'.', "Gäste \xff\n", true},
		{'.', "a/b", false}, {'.', "..", false}, {'.', ".", false}, {'.', "cur", false}, {'.', "a\x00b", false},
		{'.', long, false}, {'.', ".offlineimapd", false}, {'.', long[:254], true},
		{'/', "a/b/c", true}, {'/', "/a", false}, {'/', "a/", false}, {'/', "a//b", false}, {'/', "a/../b", false},
		{'/', "a/./b", false}, {'/', "a/cur", false}, {'/', "new/a", false}, {'/', "a/tmp/b", false}, {'/', "a/" + long, false},
		{'/', "a.b/..c", true},
	} {
		err := New("/nowhere", Options{Separator: c.sep}).checkName(c.name)
		if (err == nil) != c.ok {
			t.Errorf("separator %c, name %q: %v", c.sep, c.name, err)
		}
	}
	s := newStore(t, Options{Separator: '/'})
	for _, use := range []error{
		s.Create(t.Context(), "../x"),
		second(s.Open("../x", false).Scan(t.Context(), mail.Known{})),
		s.Open("../x", false).Fetch(t.Context(), nil, nil),
		s.Open("../x", false).Begin().Remove(t.Context(), []mail.UID{1}),
	} {
		if use == nil || !strings.Contains(use.Error(), "would lead elsewhere") {
			t.Errorf("a name that leads out of the tree: %v", use)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func ExampleNew_names() {
	s := New("/home/me/Mail", Options{Host: "vm", Pid: 17914, Now: func() time.Time { return time.Unix(1795393443, 0) }})
	c := newScheme(':', "INBOX")
	fmt.Println(s.freshName(c, 1) + c.suffix("", mail.Seen))
	// Output: 1795393443_0.17914.vm,U=1,FMD5=7e33429f656f1e6e9d79b29c3f82c57e:2,S
}
