package names_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/offlineimap/offlineimapd/sync/names"
)

func TestDisplay(t *testing.T) {
	for raw, want := range map[string]string{
		"INBOX":               "INBOX",
		"G&AOQ-ste":           "Gäste",
		"Gäste":               "Gäste", // raw UTF-8
		"R&-D":                "R&D",
		"R&D":                 "R&D", // not modified UTF-7
		"&Jjo-!":              "☺!",
		"&2D3eAA-":            "😀",
		"&ZeVnLIqe-/&U,BTFw-": "日本語/台北",
		"&AGE-":               "&AGE-",        // ASCII may not be shifted
		"&AOk-&AOg-":          "&AOk-&AOg-",   // nor two shifts stand together
		"&2D0-":               "&2D0-",        // half a surrogate pair
		"&AOQ":                "&AOQ",         // never shifted back
		"&AP-":                "&AP-",         // half a unit
		"Entw\xfcrfe":         `Entw\xfcrfe`,  // Latin-1
		"Отправленные":        "Отправленные", // unquoted Cyrillic
		"a\x1b[2Jb":           `a\x1b[2Jb`,
		"a\r\nb\x7f":          `a\x0d\x0ab\x7f`,
		"&AAoAGw-":            `\x0a\x1b`, // the same, encoded
		"\u202egnp.exe\u2028": `\u202egnp.exe\u2028`,
		"\u0085":              `\u0085`,
		"می\u200cخواهم":       "می\u200cخواهم",
		"👩\u200d💻":            "👩\u200d💻",
	} {
		if got := names.Display(raw); got != want {
			t.Errorf("Display(%q) = %q, want %q", raw, got, want)
		}
	}
}

func TestMapping(t *testing.T) {
	slash, dot := names.Options{RemoteSep: '/', LocalSep: '.'}, names.Options{RemoteSep: '.', LocalSep: '.'}
	nested := names.Options{RemoteSep: '/', LocalSep: '/'}
	utf := names.Options{RemoteSep: '/', LocalSep: '.', UTF8: true}
	for _, c := range []struct {
		remote string
		o      names.Options
		local  string // "": refused
		why    string
	}{
		{"INBOX", slash, "INBOX", ""},
		{"Lists/foo", slash, "Lists.foo", ""},
		{"Lists/foo", nested, "Lists/foo", ""},
		{"INBOX.Sent", dot, "INBOX.Sent", ""},
		{"INBOX.Sent", names.Options{RemoteSep: '.', LocalSep: '/'}, "INBOX/Sent", ""},
		{"[Gmail]/All Mail", slash, "[Gmail].All Mail", ""},
		{"G&AOQ-ste", slash, "G&AOQ-ste", ""},
		{"G&AOQ-ste/R&-D", utf, "Gäste.R&D", ""},
		{"v1.2", slash, "v1%2E2", ""},
		{"Lists/foo.bar", slash, "Lists.foo%2Ebar", ""},
		{"a..b.", slash, "a%2E%2Eb%2E", ""},
		{".", slash, "%2E", ""},
		{"v1%2E2", slash, "v1%252E2", ""},
		{"v1%252E2", slash, "v1%25252E2", ""},
		{"v1%25.2", slash, "v1%25%2E2", ""},
		{"v1%2e2", slash, "v1%2e2", ""},
		{"100% x", slash, "100% x", ""},
		{"a%2Fb", slash, "a%2Fb", ""}, // "/" separates there: nothing else can be meant
		{"v1.2", nested, "v1.2", ""},
		{"v1%2E2", nested, "v1%2E2", ""},
		{"a/b", dot, "a%2Fb", ""},
		{"INBOX.a/b.c", dot, "INBOX.a%2Fb.c", ""},
		{"a%2Fb", dot, "a%252Fb", ""},
		{"a%2Eb", dot, "a%2Eb", ""},
		{"a/b.c", names.Options{RemoteSep: '.', LocalSep: '/'}, "a%2Fb/c", ""},
		{"../x", dot, "", "empty"},
		{"/etc/passwd", dot, "%2Fetc%2Fpasswd", ""},
		{"v1.2/a/b", names.Options{RemoteSep: '\\', LocalSep: '.'}, "v1%2E2%2Fa%2Fb", ""},
		{"Gr&APYA3w-e 1.5", utf, "Größe 1%2E5", ""},
		{"a.b", names.Options{RemoteSep: '/', LocalSep: 'E'}, "a.b", ""},
		{"aEb", names.Options{RemoteSep: '/', LocalSep: 'E'}, "", `'E'`},
		{"a%b", names.Options{RemoteSep: '/', LocalSep: '%'}, "", `'%'`},
		{"a-b", names.Options{RemoteSep: '/', LocalSep: '-'}, "a%2Db", ""},
		{"flat", names.Options{LocalSep: '.'}, "flat", ""},
		{"a/b.c", names.Options{LocalSep: '.'}, "a%2Fb%2Ec", ""},
		{"a//b", slash, "", "empty"},
		{"/a", nested, "", "empty"},
		{"../../etc/passwd", nested, "", `".."`},
		{"..", slash, "%2E%2E", ""},
		{"..", nested, "", `".."`},
		{strings.Repeat("x.", 100), slash, "", "400 octets"},
		{"a/../b", nested, "", `".."`},
		{"a\x00b", slash, "", "control character"},
		{"a\nb", slash, "", "control character"},
		{"mail/cur", nested, "", `"cur"`},
		{"tmp", slash, "", `"tmp"`},
		{"mail/tmp", slash, "mail.tmp", ""},
		{strings.Repeat("x", 256), slash, "", "256 octets"},
		{strings.Repeat("x", 200) + "/" + strings.Repeat("y", 200), nested, strings.Repeat("x", 200) + "/" + strings.Repeat("y", 200), ""},
	} {
		got, err := names.Local(c.remote, c.o)
		if c.local == "" {
			if err == nil || !strings.Contains(err.Error(), c.why) {
				t.Errorf("Local(%q, %+v) = %q, %v; want an error with %q", c.remote, c.o, got, err, c.why)
			}
			continue
		}
		if err != nil || got != c.local {
			t.Errorf("Local(%q, %+v) = %q, %v; want %q", c.remote, c.o, got, err, c.local)
			continue
		}
		if back, err := names.Remote(got, c.o); err != nil || back != c.remote {
			t.Errorf("Remote(%q, %+v) = %q, %v; want %q", got, c.o, back, err, c.remote)
		}
	}
}

func TestRemoteRefuses(t *testing.T) {
	slash := names.Options{RemoteSep: '/', LocalSep: '.'}
	for local, why := range map[string]string{
		"":       "root",
		"a/b":    `'/'`,
		".a":     "empty",
		"inbox":  "INBOX",
		"Gäste":  "utf8foldernames",
		"a\x01b": "control character",
	} {
		if got, err := names.Remote(local, slash); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("Remote(%q) = %q, %v; want an error with %q", local, got, err, why)
		}
	}
	if got, err := names.Remote("a\xff", names.Options{RemoteSep: '/', LocalSep: '.', UTF8: true}); err == nil {
		t.Errorf("a name that is not UTF-8 became %q", got)
	}
}

// anyName draws a mailbox name: any octets, or those that have a meaning.
func anyName(t *rapid.T, label string) string {
	return rapid.OneOf(
		rapid.String(),
		rapid.StringMatching(`[a-zA-Z&./,+ -]{0,20}`),
		rapid.StringMatching(`([ab./\\\\%]|%2E|%2F|%25|25|2E|2F){0,6}`),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 12), func(b []byte) string { return string(b) }),
	).Draw(t, label)
}

// anySides draws separators and utf8foldernames.
func anySides(t *rapid.T) names.Options {
	return names.Options{
		RemoteSep: rapid.SampledFrom([]byte{0, '/', '.', '\\', '%', '2'}).Draw(t, "remote separator"),
		LocalSep:  rapid.SampledFrom([]byte{'.', '/', '-', '%', 'E'}).Draw(t, "local separator"),
		UTF8:      rapid.Bool().Draw(t, "utf8foldernames"),
	}
}

// otherwise tells whether two names of a server's are one, written in modified
// UTF-7 and in UTF-8.
func otherwise(a, b string, o names.Options) bool {
	return o.UTF8 && names.Read(a, o) == names.Read(b, o)
}

// Whatever a server calls a mailbox: either its local name leads back to the
// same octets, or it is refused; and no two have the same local name unless
// one is the other written in another way.
func TestThereAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		remote, o := anyName(t, "remote"), anySides(t)
		local, err := names.Local(remote, o)
		if err != nil {
			return
		}
		if strings.Contains(local, "\x00") || strings.HasPrefix(local, "/") || strings.Contains("/"+local+"/", "/../") || o.LocalSep != '/' && strings.Contains(local, "/") {
			t.Fatalf("%q became %q, which leads elsewhere", remote, local)
		}
		back, err := names.Remote(local, o)
		if err != nil {
			// Names that nobody may make anew are in use all the same.
			if plain := names.Read(remote, o) == remote && !names.IsInbox(remote) && strings.IndexFunc(remote, func(r rune) bool { return r > 0x7e }) < 0; plain {
				t.Fatalf("%q became %q, and that %v", remote, local, err)
			}
			return
		}
		if back != remote && !otherwise(back, remote, o) {
			t.Fatalf("%q became %q and came back as %q", remote, local, back)
		}
		if again, err := names.Local(back, o); err != nil || again != local {
			t.Fatalf("%q came back as %q, which is %q, %v", local, back, again, err)
		}
	})
}

func TestNoTwoAreOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, o := anyName(t, "one"), anySides(t)
		b := anyName(t, "other")
		if rapid.Bool().Draw(t, "the other is what the one is called here") {
			b, _ = names.Local(a, o)
		}
		la, erra := names.Local(a, o)
		lb, errb := names.Local(b, o)
		if erra == nil && errb == nil && a != b && la == lb && !otherwise(a, b, o) {
			t.Fatalf("%q and %q are both kept in %q", a, b, la)
		}
	})
}

// A name that OfflineIMAP kept in a directory is kept there as before.
func TestNamesStayAsTheyWere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		remote, o := anyName(t, "remote"), anySides(t)
		if o.RemoteSep == 0 || strings.IndexByte("%2E", o.LocalSep) >= 0 || strings.IndexByte("%2E", o.RemoteSep) >= 0 {
			return
		}
		was := strings.ReplaceAll(names.Read(remote, o), string(o.RemoteSep), string(o.LocalSep))
		local, err := names.Local(remote, o)
		if err != nil || local == was {
			return
		}
		before, kept, differs := names.Before(remote, o)
		special := strings.ReplaceAll("/"+string(o.LocalSep), string(o.RemoteSep), "")
		if has := strings.ContainsAny(names.Read(remote, o), special); !has && !(strings.Contains(remote, "%2") && differs && kept && before == was) {
			t.Fatalf("%q is %q now and was %q; told: %q %v %v", remote, local, was, before, kept, differs)
		} else if has && kept {
			t.Fatalf("%q is said to have been kept in %q", remote, before)
		}
	})
}

// Where LIST has a reference, what is made must be below it.
func TestReference(t *testing.T) {
	strip := func(s string) (string, error) { return strings.TrimPrefix(s, "Mail/"), nil }
	for _, c := range []struct {
		local string
		o     names.Options
		want  string
		why   string
	}{
		{"Mail.x", names.Options{Reference: "Mail"}, "Mail/x", ""},
		{"Mail.x", names.Options{Reference: "Mail/"}, "Mail/x", ""},
		{"Mail", names.Options{Reference: "Mail"}, "Mail", ""},
		{"x", names.Options{Reference: "Mail"}, "", "reference = Mail"},
		{"Mailbox", names.Options{Reference: "Mail"}, "", `"Mail/Mailbox"`},
		{"x", names.Options{Reference: "Mail", There: strip}, "Mail/x", ""},
		{"x.y", names.Options{Reference: "Mail/", There: strip}, "Mail/x/y", ""},
		{"v1%2E2", names.Options{Reference: "Mail", There: strip}, "Mail/v1.2", ""},
		{"Mail.x", names.Options{Reference: "Mail", There: strip}, "Mail/Mail/x", ""},
	} {
		c.o.RemoteSep, c.o.LocalSep = '/', '.'
		got, err := names.Remote(c.local, c.o)
		if c.why != "" && (err == nil || !strings.Contains(err.Error(), c.why)) || c.why == "" && (err != nil || got != c.want) {
			t.Errorf("Remote(%q) with reference = %s: %q, %v; want %q %s", c.local, c.o.Reference, got, err, c.want, c.why)
		}
	}
}

func TestSpellings(t *testing.T) {
	s := names.NewSpellings('/')
	for _, n := range []string{"INBOX", "Archive", "Lists/go", "&AMQ-rger", "Work/a/b"} {
		s.Add(n)
	}
	for name, want := range map[string]string{
		"archive": "Archive", "Archive": "", "lists": "Lists/go", "lists/rust": "Lists/go", "Lists/rust": "", "Lists/GO": "Lists/go",
		"&AOQ-rger": "&AMQ-rger", "work/A": "Work/a/b", "inbox/x": "INBOX", "fresh": "", "": "",
	} {
		if got := s.Other(name); got != want {
			t.Errorf("Other(%q) = %q, want %q", name, got, want)
		}
	}
	if (names.Spellings{}).Other("x") != "" || !names.Alike("ÄRGER", "ärger") || names.Alike("a", "b") {
		t.Error("what is read alike")
	}
}

func FuzzDisplay(f *testing.F) {
	for _, s := range []string{"INBOX", "G&AOQ-ste", "&2D3eAA-", "&", "&-", "&&", "&AAA", "\xff&AOQ-"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		if s := names.Display(raw); !utf8.ValidString(s) {
			t.Errorf("Display(%q) = %q is not UTF-8", raw, s)
		} else if strings.IndexFunc(s, unicode.IsControl) >= 0 {
			t.Errorf("Display(%q) = %q has control characters", raw, s)
		}
		for _, sep := range []byte{'.', '/'} {
			o := names.Options{RemoteSep: '/', LocalSep: sep, UTF8: true}
			if local, err := names.Local(raw, o); err == nil {
				if strings.HasPrefix(local, "/") || local == "" || strings.Contains("/"+local+"/", "/../") {
					t.Errorf("Local(%q) = %q leads out of the tree", raw, local)
				}
			}
		}
	})
}

// FuzzLocal takes two names of a server's, as any octets, to the local side and back.
func FuzzLocal(f *testing.F) {
	for _, s := range []string{"v1.2", "v1%2E2", "v1%252E2", "a/b.c", "%25%2F", "G&AOQ-ste/1.0", "..", "%", "%2", "%25", "\xff.%2E"} {
		f.Add(s, names.Display(s), byte('/'), byte('.'), false)
		f.Add(s, s+"%2E", byte('.'), byte('/'), true)
	}
	f.Fuzz(func(t *testing.T, a, b string, remoteSep, localSep byte, utf bool) {
		if localSep == 0 {
			return
		}
		o := names.Options{RemoteSep: remoteSep, LocalSep: localSep, UTF8: utf}
		la, err := names.Local(a, o)
		if err != nil {
			return
		}
		if back, err := names.Remote(la, o); err == nil && back != a && !otherwise(back, a, o) {
			t.Errorf("%q became %q and came back as %q", a, la, back)
		}
		if lb, err := names.Local(b, o); err == nil && a != b && la == lb && !otherwise(a, b, o) {
			t.Errorf("%q and %q are both kept in %q", a, b, la)
		}
		if _, _, differs := names.Before(a, o); differs && !strings.ContainsAny(a, "%/"+string(rune(localSep))) {
			t.Errorf("%q is called another name now, %q", a, la)
		}
	})
}
