package config

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/options.md anew")

func TestOptionsAreDocumented(t *testing.T) {
	const golden = "../../docs/options.md"
	got := optionsTable()
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is not what the table says: run go test -update\n%s", golden, got)
	}
}

func TestOptionsAreWellFormed(t *testing.T) {
	seen := map[string]kind{}
	for _, o := range options {
		if seen[o.name]&o.in != 0 {
			t.Errorf("%s is twice in one kind of section", o.name)
		}
		seen[o.name] |= o.in
		if (o.note == "") != (o.state == used) {
			t.Errorf("%s is %s with note %q", o.name, o.state, o.note)
		}
		if o.name != strings.ToLower(o.name) || o.in == 0 {
			t.Errorf("%+v", o)
		}
	}
}

// place puts an option into the first section of a configuration where it may
// stand.
func place(o option, value string) string {
	line := o.name + " = " + value + "\n"
	src := small
	for name := range strings.SplitSeq("accounts localrepository remoterepository type localfolders remotehost remoteuser", " ") {
		if name == o.name { // it stands there already
			i := strings.Index(src, "\n"+name+" = ") + 1
			return src[:i] + line + src[i+strings.IndexByte(src[i:], '\n')+1:]
		}
	}
	switch {
	case o.in&inGeneral != 0:
		return with("general", line)
	case o.in&inAccount != 0:
		return with("account", line)
	case o.in&inMaildir != 0:
		return with("local", line)
	case o.in&inIMAP != 0:
		return with("remote", line)
	}
	if o.name == "enabled" {
		return small + "[mbnames]\n" + line
	}
	return small + "[mbnames]\nenabled = yes\n" + line
}

// Every option does what its state promises: one that is used is read, so that a
// value that cannot be read is told; no other passes in silence.
func TestEveryOptionKeepsItsPromise(t *testing.T) {
	for _, o := range options {
		value := "3"
		switch {
		case o.state == used:
			value = "%"
		case o.typ == typeBool:
			value = "yes"
		}
		_, problems := load(t, place(o, value))
		var texts, errs []string
		for _, p := range problems {
			if p.Option == o.name {
				texts = append(texts, p.Text)
				if p.Severity == Error {
					errs = append(errs, p.Text)
				}
			}
		}
		switch all := strings.Join(texts, "\n"); o.state {
		case used:
			if o.name != "peritem" && !strings.Contains(all, "percent") {
				t.Errorf("%s is not read: %q", o.name, all)
			}
		case refused:
			if len(errs) != 1 || !strings.Contains(all, `refusing account "A"`) {
				t.Errorf("%s does not refuse: %q", o.name, all)
			}
		case unused, obsolete:
			if len(texts) != 1 || len(errs) > 0 {
				t.Errorf("%s gives no warning: %q", o.name, all)
			}
		case idle, needless:
			if len(texts) > 0 {
				t.Errorf("%s gives %q", o.name, all)
			}
		}
	}
}

func TestNearest(t *testing.T) {
	candidates := []string{"remotehost", "remoteport", "remotepass", "sync_deletes", "sep", "ssl", "A"}
	for name, want := range map[string]string{
		"remotehots": "remotehost", "remotehst": "remotehost", "remoteprot": "remoteport", "Sync-Deletes": "sync_deletes", "syncdeletes": "sync_deletes",
		"spe": "", "a": "A", "B": "", "": "", "something": "", strings.Repeat("x", 1000): "",
	} {
		if got := nearest(name, candidates); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(small))
	for _, o := range options {
		f.Add([]byte(place(o, "%(x)s")))
		f.Add([]byte(place(o, "1 ; x") + "[Account A]\n"))
	}
	f.Add([]byte("[DEFAULT]\na=%(b)s\nb=%(a)s\n" + small))
	f.Fuzz(func(t *testing.T, src []byte) {
		c, problems := parse("f", src, 0o644)
		for _, p := range problems {
			if p.Text == "" || p.Line < 0 || strings.ContainsFunc(p.String(), func(r rune) bool { return r < ' ' || r == 0x7f }) {
				t.Fatalf("%+v", p)
			}
		}
		if c == nil {
			if len(problems) == 0 {
				t.Fatal("refused without a reason")
			}
			return
		}
		for _, a := range c.Accounts {
			if a.Refused() {
				continue
			}
			ok := true
			for _, r := range []*Repository{a.Local, a.Remote} {
				if m := r.Maildir; m != nil {
					ok = ok && m.LocalFolders != "" && m.Sep != 0
				} else {
					ok = ok && r.IMAP.Port != 0 && r.IMAP.MaxConnections > 0
				}
			}
			if !ok || a.Remote.IMAP == nil {
				t.Fatalf("account %q is incomplete, but not refused", a.Name)
			}
		}
	})
}

// optionsTable is the documentation of all known options, in Markdown.
func optionsTable() string {
	var sb strings.Builder
	sb.WriteString("# Options\n\nEvery option of OfflineIMAP that is known, and what becomes of it. An account that\nneeds one that is not supported is refused; an option that nobody knows is a\nwarning with the nearest known name. Options of `[DEFAULT]` count in every section.\n" +
		"One that is \"not needed\" is read, and asks for what happens without it, or is not\nmissed; one that is \"not used yet\" is a warning.\n\n")
	sb.WriteString("| option | section | value | default | state |\n|---|---|---|---|---|\n")
	for _, o := range options {
		name, deflt, st := "`"+o.name+"`", "", string(o.state)
		if o.name == "customflag_a" {
			name += " … `customflag_z`"
		}
		if o.deflt != "" {
			deflt = "`" + o.deflt + "`"
		}
		switch o.state {
		case refused:
			st += ": without it " + o.note
		case needless, unused, idle, obsolete:
			st += ": " + o.note
		}
		sb.WriteString("| " + strings.Join([]string{name, o.in.sections(), string(o.typ), deflt, st}, " | ") + " |\n")
	}
	return sb.String()
}
