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
		{"a.b", slash, "", `'.'`},
		{"flat", names.Options{LocalSep: '.'}, "flat", ""},
		{"a/b", names.Options{LocalSep: '.'}, "", "another directory"},
		{"a//b", slash, "", "empty"},
		{"/a", nested, "", "empty"},
		{"../../etc/passwd", nested, "", `".."`},
		{"..", slash, "", "separates levels"},
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
		"a\x01b": "leads back",
	} {
		if got, err := names.Remote(local, slash); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("Remote(%q) = %q, %v; want an error with %q", local, got, err, why)
		}
	}
	if got, err := names.Remote("a\xff", names.Options{RemoteSep: '/', LocalSep: '.', UTF8: true}); err == nil {
		t.Errorf("a name that is not UTF-8 became %q", got)
	}
}

// Whatever a server calls a mailbox: either its local name leads back to the
// same octets, or it is refused; and no two have the same local name unless
// one is the other written in another way.
func TestThereAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		remote := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-zA-Z&./,+ -]{0,20}`)).Draw(t, "remote")
		o := names.Options{
			RemoteSep: rapid.SampledFrom([]byte{0, '/', '.', '\\'}).Draw(t, "remote separator"),
			LocalSep:  rapid.SampledFrom([]byte{'.', '/'}).Draw(t, "local separator"),
			UTF8:      rapid.Bool().Draw(t, "utf8foldernames"),
		}
		local, err := names.Local(remote, o)
		if err != nil {
			return
		}
		back, err := names.Remote(local, o)
		if err == nil && back != remote && names.Display(back) != names.Display(remote) {
			t.Fatalf("%q became %q and came back as %q", remote, local, back)
		}
		if err == nil {
			if again, err := names.Local(back, o); err != nil || again != local {
				t.Fatalf("%q came back as %q, which is %q, %v", local, back, again, err)
			}
		}
	})
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
