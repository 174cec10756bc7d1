package config

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/internal/config/ini"
)

func TestParseOverride(t *testing.T) {
	for s, want := range map[string]Override{
		"ui=basic":                         {"general", "ui", "basic"},
		"UI = basic ":                      {"general", "UI", "basic"},
		"Account_A:autorefresh=5":          {"Account_A", "autorefresh", "5"},
		"Account my mail:maxage=3":         {"Account my mail", "maxage", "3"},
		"Repository_R:remotepasseval=a:b=": {"Repository_R", "remotepasseval", "a:b="},
		"ui=a:b":                           {"general", "ui", "a:b"},
		"accounts=":                        {"general", "accounts", ""},
		"":                                 {}, "ui": {}, "=x": {}, "general:=x": {}, ":ui=basic": {}, "general:ui": {},
	} {
		got, err := ParseOverride(s)
		if got != want || (err != nil) != (want == Override{}) {
			t.Errorf("%q: %+v %v, want %+v", s, got, err, want)
		}
		if err != nil && !strings.Contains(err.Error(), "[section:]option=value") {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func TestOverride(t *testing.T) {
	t.Setenv("HOME", "/home/me")
	path := filepath.Join(t.TempDir(), "config")
	src := strings.NewReplacer("accounts = A", "accounts = A\nsocktimeout = nonsense", "[Repository R]", "[Repository R_1]", "remoterepository = R", "remoterepository = R_1").Replace(small) +
		"[Repository x_y z]\n[Repository x y_z]\n"
	if err := os.WriteFile(path, []byte(src), 0o644); err != nil {
		t.Fatal(err)
	}
	read := func(args ...string) (*Config, string) {
		t.Helper()
		var overrides []Override
		for _, arg := range append([]string{"socktimeout=60"}, args...) {
			o, err := ParseOverride(arg)
			if err != nil {
				t.Fatal(err)
			}
			overrides = append(overrides, o)
		}
		c, problems, err := Load(path, overrides...)
		if err != nil && !errors.Is(err, ErrInvalid) {
			t.Fatal(err)
		}
		var out []string
		for _, p := range problems {
			s := p.Severity.String() + " " + p.String()
			if p.Hint != "" {
				s += " // " + p.Hint
			}
			out = append(out, strings.ReplaceAll(s, path, "FILE"))
		}
		return c, strings.Join(out, "\n")
	}
	c, said := read("Account_A:autorefresh=1", "Account A:autorefresh=2", "Repository_R_1:remoteport=1143", "Repository_L:sep=/", "DEFAULT:ssl=no", "UI=quiet",
		"name=mail", "Repository_L:localfolders=~/%(where)s", "Repository_L:where=100%%", "Repository_R_1:remotepass=secret")
	// A name that another value refers to is a variable, whoever writes it.
	if said != "warning -k: [general] name: unknown option" {
		t.Errorf("%s", said)
	}
	a := c.Account("A")
	if a.Refused() || a.AutoRefresh != 2*time.Minute || a.Remote.IMAP.Port != 1143 || a.Remote.IMAP.SSL || a.Local.Maildir.Sep != '/' ||
		a.Local.Maildir.LocalFolders != "/home/me/100%" || c.General.UI != "quiet" || c.General.SockTimeout != time.Minute || a.Remote.IMAP.Password.Literal != "secret" {
		t.Errorf("%+v %+v %+v %+v", c.General, *a, *a.Local.Maildir, *a.Remote.IMAP)
	}
	for arg, want := range map[string]string{
		"Account_B:autorefresh=5":           "error -k: [Account_B] autorefresh: there is no section of this name in FILE // did you mean \"Account_A\"?",
		"nowhere:a=b":                       "error -k: [nowhere] a: there is no section of this name in FILE",
		"Account_A:autorefresh=x":           "error -k: [Account A] autorefresh: \"x\" is not a number of minutes",
		"Repository_R_1:remoteport=5%":      "error -k: [Repository R_1] remoteport: a single percent sign // a literal percent sign is written %%",
		"Repository_R_1:remoteport=%(me)s":  "error -k: [Repository R_1] remoteport: refers to %(me)s, but there is no such option in this section or in [DEFAULT] // a literal percent sign is written %%",
		"Repository_R_1:remoteprot=5":       "warning -k: [Repository R_1] remoteprot: unknown option // did you mean remoteport?",
		"autorefresh=5":                     "warning -k: [general] autorefresh: it has no effect in this section // it belongs in [Account …]",
		"Account_A:status_backend=plain":    "warning -k: [Account A] status_backend: obsolete: it has no effect // remove it: the state is always kept in SQLite",
		"Repository_x_y_z:xyzzy=1":          "warning -k: [Repository x_y z] xyzzy: unknown option",
		"Repository_R_1:idlefolders=['A']":  "warning -k: [Repository R_1] idlefolders: not used yet: no folder is watched between runs",
		"Repository_L:localfolders=m ; x":   "warning -k: [Repository L] localfolders: what looks like a comment at the end is part of the value // write the comment into a line of its own\nwarning -k: [Repository L] localfolders: a relative path: here and now it means " + wd(t) + "/m ; x // write the whole path, or begin it with ~/",
		"Repository_R_1:reference=a\nssl=n": "",
	} {
		if _, said := read(arg); said != want {
			t.Errorf("%s:\n got %s\nwant %s", arg, said, want)
		}
	}
	c, _ = read("Repository_R_1:nametrans=lambda f: f")
	if at := c.Account("A").Remote.NameTrans.At; at != "-k: [Repository R_1] nametrans" {
		t.Errorf("the expression stands at %s", at)
	}
}

func wd(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// What -k says is judged as what the file says.
func TestOverrideIsAsGoodAsTheFile(t *testing.T) {
	column := regexp.MustCompile(`, in column \d+( of the value)?`)
	said := func(problems []Problem) string {
		var out []string
		for _, p := range problems {
			out = append(out, strings.Join([]string{p.Severity.String(), p.Account, p.Section, p.Option, column.ReplaceAllString(p.Text, ""), p.Hint}, "|"))
		}
		slices.Sort(out)
		return strings.Join(out, "\n")
	}
	for _, o := range options {
		for _, value := range []string{"%", "3", "yes", "", "lambda", "%(x)s"} {
			src := place(o, value)
			file, _ := ini.Parse([]byte(src))
			var in string
			for _, s := range file.Sections {
				for _, opt := range s.Options {
					if opt.Name == o.name && opt.Raw == value {
						in = s.Name
					}
				}
			}
			// The section is the same but for the option, or but for its value.
			without := strings.Replace(src, "\n"+o.name+" = "+value+"\n", "\n", 1)
			one, written := parse("f", []byte(src), 0o600)
			other, told := parse("f", []byte(without), 0o600, Override{strings.ReplaceAll(in, " ", "_"), strings.ToUpper(o.name), value})
			if said(written) != said(told) || (one == nil) != (other == nil) {
				t.Errorf("%s = %q in [%s]:\nfile %s\n -k  %s", o.name, value, in, said(written), said(told))
			}
			for _, p := range told {
				if p.Option == o.name && (p.File != overridden || p.Line != 0) {
					t.Errorf("%s = %q: told of %s:%d", o.name, value, p.File, p.Line)
				}
			}
		}
	}
}
