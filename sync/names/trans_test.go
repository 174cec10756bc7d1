package names_test

import (
	"cmp"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/offlineimap/offlineimapd/sync/names"
)

type trans = func(string) (string, error)

// to makes a function that cannot fail into a nametrans.
func to(f func(string) string) trans {
	return func(s string) (string, error) { return f(s), nil }
}

// dotted and undotted are Maildir++ below a server's INBOX.
var (
	dotted = to(func(s string) string {
		if rest, ok := strings.CutPrefix(s, "INBOX."); ok {
			return "." + rest
		}
		return s
	})
	undotted = to(func(s string) string {
		if rest, ok := strings.CutPrefix(s, "."); ok {
			return "INBOX." + rest
		}
		return s
	})
	front  = to(func(s string) string { return "." + s })
	behind = to(func(s string) string { return strings.TrimPrefix(s, ".") })
	plain  = to(func(s string) string { return strings.ReplaceAll(s, ".", "_") })
	raise  = func(string) (string, error) { return "", errors.New("TypeError: what is this") }
)

func TestTranslation(t *testing.T) {
	gmail := to(func(s string) string {
		if s == "[Gmail]/All Mail" {
			return "archive"
		}
		return s
	})
	for _, c := range []struct {
		remote string
		o      names.Options
		local  string
		why    string
		back   string // why the way back is refused, or where it leads; "": to remote
	}{
		{"INBOX.Sent", names.Options{RemoteSep: '.', LocalSep: '.', There: dotted, Back: undotted}, ".Sent", "", ""},
		{"INBOX", names.Options{RemoteSep: '.', LocalSep: '.', There: dotted, Back: undotted}, "INBOX", "", ""},
		{"INBOX.a.b", names.Options{RemoteSep: '.', LocalSep: '.', There: dotted, Back: undotted}, ".a.b", "", ""},
		{"INBOX.Sent", names.Options{RemoteSep: '.', LocalSep: '/', There: dotted}, "", "a level of its name is empty", ""},
		{"INBOX.Sent", names.Options{RemoteSep: '.', LocalSep: '.', There: dotted}, ".Sent", "", "=.Sent"},
		{"[Gmail]/All Mail", names.Options{RemoteSep: '/', LocalSep: '.', There: gmail}, "archive", "", "=archive"},
		{"a/b", names.Options{RemoteSep: '/', LocalSep: '.', There: gmail}, "a.b", "", ""},
		{"G&AOQ-ste/x", names.Options{RemoteSep: '/', LocalSep: '.', UTF8: true, There: to(strings.ToUpper), Back: to(strings.ToLower)}, "GÄSTE.X", "", "=g&AOQ-ste/x"},
		{"g&AOQ-ste/x", names.Options{RemoteSep: '/', LocalSep: '.', UTF8: true, There: to(strings.ToUpper), Back: to(strings.ToLower)}, "GÄSTE.X", "", ""},
		// Dots that a function passes on are escaped, dots that it makes are meant.
		{"v1.2", names.Options{RemoteSep: '/', LocalSep: '.', There: front, Back: behind}, ".v1%2E2", "", ""},
		{"Lists/foo.bar", names.Options{RemoteSep: '/', LocalSep: '.', There: front, Back: behind}, ".Lists.foo%2Ebar", "", ""},
		{"v1%2E2", names.Options{RemoteSep: '/', LocalSep: '.', There: front, Back: behind}, ".v1%252E2", "", ""},
		{"Lists/foo", names.Options{RemoteSep: '/', LocalSep: '.', There: front, Back: behind}, ".Lists.foo", "", ""},
		{"v1.2", names.Options{RemoteSep: '/', LocalSep: '.', There: to(strings.ToUpper), Back: to(strings.ToLower)}, "V1%2E2", "", "=v1%2e2"},
		{"v1.2", names.Options{RemoteSep: '/', LocalSep: '.', There: plain, Back: to(func(s string) string { return strings.ReplaceAll(s, "_", "%2E") })}, "v1_2", "", ""},
		{"v1.2", names.Options{RemoteSep: '/', LocalSep: '.', There: plain}, "v1_2", "", "=v1_2"},
		{"v1.2", names.Options{RemoteSep: '/', LocalSep: '.', There: to(func(s string) string { return cmp.Or(map[string]string{"v1.2": "old", "v1%2E2": "wrong"}[s], s) })}, "old", "", "=old"},
		{"v1.2", names.Options{RemoteSep: '/', LocalSep: '.', Back: to(strings.ToLower)}, "v1%2E2", "", "not inverse"},
		{"Gmail/All", names.Options{RemoteSep: '/', LocalSep: '.', There: to(func(s string) string { return strings.Replace(s, "Gmail/", "a.b.", 1) })}, "a.b.All", "", "=a/b/All"},
		{"x", names.Options{RemoteSep: '/', LocalSep: '.', There: raise}, "", "nametrans: TypeError", ""},
		{"x", names.Options{RemoteSep: '/', LocalSep: '.', There: to(func(string) string { return "" })}, "", "the root", ""},
		{"x", names.Options{RemoteSep: '/', LocalSep: '.', There: to(func(string) string { return "/" })}, "", "the root", ""},
		{"x", names.Options{RemoteSep: '/', LocalSep: '/', There: to(func(string) string { return "../../etc" })}, "", "another directory", ""},
		{"x", names.Options{RemoteSep: '.', LocalSep: '.', There: to(func(string) string { return "/etc" })}, "", "another directory", ""},
		{"x", names.Options{RemoteSep: '/', LocalSep: '/', There: to(func(string) string { return "cur" })}, "", "part of every Maildir", ""},
		{"x", names.Options{RemoteSep: '/', LocalSep: '.', Back: raise}, "x", "", "nametrans of the local repository: TypeError"},
		{"x", names.Options{RemoteSep: '/', LocalSep: '.', Back: to(func(s string) string { return "Mail." + s })}, "x", "", "not inverse"},
	} {
		local, err := names.Local(c.remote, c.o)
		if c.why != "" {
			if err == nil || !strings.Contains(err.Error(), c.why) {
				t.Errorf("Local(%q) = %q, %v; want an error with %q", c.remote, local, err, c.why)
			}
			continue
		}
		if err != nil || local != c.local {
			t.Errorf("Local(%q) = %q, %v; want %q", c.remote, local, err, c.local)
			continue
		}
		again, err := names.Remote(local, c.o)
		want := c.remote
		if lead, ok := strings.CutPrefix(c.back, "="); ok {
			want, c.back = lead, ""
		}
		switch {
		case c.back != "":
			if err == nil || !strings.Contains(err.Error(), c.back) {
				t.Errorf("Remote(%q) = %q, %v; want an error with %q", local, again, err, c.back)
			}
		case err != nil || again != want:
			t.Errorf("Remote(%q) = %q, %v; want %q", local, again, err, want)
		}
	}
}

// A folder that gets a mailbox comes back to itself, whatever the functions do.
func TestTranslationNeverLoops(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		alphabet := rapid.StringMatching(`[abAB./]{1,6}`)
		pick := func(label string) trans {
			return rapid.SampledFrom([]trans{nil, dotted, undotted, raise, to(strings.ToLower), to(strings.ToUpper),
				to(func(s string) string { return "a" }), to(func(s string) string { return "a." + s }), to(func(s string) string { return strings.TrimPrefix(s, "a.") })}).Draw(t, label)
		}
		o := names.Options{
			RemoteSep: rapid.SampledFrom([]byte{'.', '/'}).Draw(t, "remote separator"), LocalSep: rapid.SampledFrom([]byte{'.', '/'}).Draw(t, "local separator"),
			There: pick("there"), Back: pick("back"),
		}
		local := alphabet.Draw(t, "local")
		remote, err := names.Remote(local, o)
		if err != nil {
			return
		}
		if again, err := names.Local(remote, o); err != nil || again != local {
			t.Fatalf("%q is %q, and that is %q, %v", local, remote, again, err)
		}
	})
}
