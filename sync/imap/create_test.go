package imap

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/offlineimap/offlineimapd/internal/testenv"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// careless is a server for which upper and lower case are the same in names.
type careless struct {
	mu    sync.Mutex
	boxes []string // as they are written
	word  string   // how it refuses to make what is there; "": it says OK
	echo  bool     // LIST of one name gives it back as it was asked for
}

// sameName knows of one letter beyond ASCII, Ä, in modified UTF-7.
func sameName(a, b string) bool {
	small := func(s string) string { return strings.ReplaceAll(s, "&AMQ-", "&AOQ-") }
	return strings.EqualFold(small(a), small(b))
}

func (c *careless) has(name string) bool {
	for _, b := range c.boxes {
		if sameName(b, name) {
			return true
		}
	}
	return false
}

func (c *careless) answer(cmd string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	verb, rest, _ := strings.Cut(cmd, " ")
	name := func() string { return strings.Split(rest, `"`)[len(strings.Split(rest, `"`))-2] }
	switch verb {
	case "CREATE":
		if c.has(name()) {
			return c.word
		}
		levels := strings.Split(name(), "/")
		for i := range levels { // what is above is written as it was
			for _, b := range c.boxes {
				if up := strings.Split(b, "/"); len(up) > i && sameName(strings.Join(up[:i+1], "/"), strings.Join(levels[:i+1], "/")) {
					copy(levels, up[:i+1])
				}
			}
		}
		c.boxes = append(c.boxes, strings.Join(levels, "/"))
		return "OK done"
	case "LIST":
		out := ""
		if pattern := rest; strings.Contains(pattern, `"*"`) {
			for _, b := range c.boxes {
				out += fmt.Sprintf("* LIST () \"/\" \"%s\"\r\n", b)
			}
		} else {
			for _, b := range c.boxes {
				if sameName(b, name()) {
					if c.echo {
						b = name()
					}
					out += fmt.Sprintf("* LIST () \"/\" \"%s\"\r\n", b)
				}
			}
		}
		return out + "OK done"
	case "STATUS":
		out := "NO there is no such mailbox"
		if first := strings.Split(rest, `"`)[1]; c.has(first) {
			out = fmt.Sprintf("* STATUS \"%s\" (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 3 HIGHESTMODSEQ 4)\r\nOK done", first)
		}
		return out
	}
	return ""
}

// A mailbox that the server has under another spelling is not made, however the
// server says so, and the error has both names; one that it tells apart is.
func TestCreateAlike(t *testing.T) {
	for _, word := range []string{"NO [ALREADYEXISTS] Mailbox already exists", "NO Mailbox already exists", "OK done"} {
		for _, echo := range []bool{false, true} {
			c := &careless{boxes: []string{"INBOX", "Archive", "Lists/go", "&AMQ-rger"}, word: word, echo: echo}
			f := (&fake{answer: c.answer}).serve(t)
			s := f.store(nil)
			must(t, surveyed(t, s))
			for name, other := range map[string]string{
				"archive": "Archive", "ARCHIVE": "Archive", "lists/rust": "Lists/rust", "LISTS/GO": "Lists/go", "&AOQ-rger": "Ärger",
				"fresh": "", "Archive/2026": "", "Archive": "",
			} {
				err := s.Create(t.Context(), name)
				if other == "" {
					if err != nil {
						t.Errorf("%s, echo %v: create %s: %v", word, echo, name, err)
					}
					continue
				}
				if store.ClassOf(err) != store.Config || store.ScopeOf(err) != store.ScopeFolder || !strings.Contains(err.Error(), fmt.Sprintf("%q", other)) {
					t.Errorf("%s, echo %v: create %s: %v", word, echo, name, err)
				}
			}
			// Two that are made in one run.
			must(t, s.Create(t.Context(), "Twice"))
			if err := s.Create(t.Context(), "twice"); err == nil || !strings.Contains(err.Error(), `"Twice"`) {
				t.Errorf("%s, echo %v: create twice: %v", word, echo, err)
			}
		}
	}
}

// Where nothing is alike, not all mailboxes are listed for one that is made.
func TestCreateListsNoMore(t *testing.T) {
	c := &careless{boxes: []string{"INBOX", "Lists/go"}}
	f := (&fake{answer: c.answer}).serve(t)
	s := f.store(nil)
	must(t, surveyed(t, s))
	before := len(f.commands(`LIST .*\*`))
	must(t, s.Create(t.Context(), "Lists/rust"))
	if n := len(f.commands(`LIST .*\*`)) - before; n != 0 {
		t.Errorf("%d commands LIST", n)
	}
}

// A server may write names as it likes; one that composes letters, as Dovecot does,
// has the mailbox from the second time on.
func TestCreateWrittenOtherwise(t *testing.T) {
	for name, c := range map[string]*careless{
		"Fresh":        {boxes: []string{"INBOX", "fresh"}, word: "OK done"},
		"a&AwE-":       {boxes: []string{"INBOX", "&AOE-"}},
		"b/a&AwE-":     {boxes: []string{"INBOX", "b/&AOE-"}},
		"Wild%card":    {boxes: []string{"INBOX", "Wildescard"}, word: "NO invalid name"},
		"hidden":       {boxes: []string{"INBOX"}, word: "NO [ALREADYEXISTS] it is"},
		"wholly&AOQ-n": {boxes: []string{"INBOX"}, word: "OK done"},
	} {
		forced := func(cmd string) string {
			if strings.HasPrefix(cmd, "CREATE") {
				if c.word == "" {
					return "NO [ALREADYEXISTS] it is"
				}
				return c.word
			}
			if strings.HasPrefix(cmd, `LIST "" "Wild%card"`) {
				return "* LIST () \"/\" Wildescard\r\nOK done"
			}
			return c.answer(cmd)
		}
		s := (&fake{answer: forced}).serve(t).store(nil)
		must(t, surveyed(t, s))
		err := s.Create(t.Context(), name)
		if fine := name == "hidden" || name == "wholly&AOQ-n"; fine != (err == nil) {
			t.Errorf("%s: %v", name, err)
		}
		if name != "Wild%card" && err != nil && store.ClassOf(err) != store.Config {
			t.Errorf("%s: %v (%v)", name, err, store.ClassOf(err))
		}
	}
}

// Dovecot tells spellings apart, and so do we; and what it lists under another
// name than it was made by is told.
func TestCreateAlikeDovecot(t *testing.T) {
	d := testenv.Dovecot(t, testenv.DovecotOptions{})
	user, pass := d.NewUser()
	testenv.Client(t, d.Addr(), user, pass).Create("Archive/x")
	s := closing(t, New(options(d.Addr(), user, pass)))
	must(t, surveyed(t, s))
	for _, name := range []string{"archive", "archive/X", "Archive/X", "Archive", "a&AwE-"} {
		must(t, s.Create(t.Context(), name))
		must(t, s.Create(t.Context(), name)) // that it is there is no error
	}
	if err := s.Create(t.Context(), "inbox/x"); err != nil && !strings.Contains(err.Error(), "INBOX/x") {
		t.Error(err)
	}
}

// Mailboxes that are not listed are found by their names.
func TestFind(t *testing.T) {
	d := testenv.Dovecot(t, testenv.DovecotOptions{})
	user, pass := d.NewUser()
	m := testenv.Client(t, d.Addr(), user, pass)
	m.Create("hidden")
	m.Create("above/below")
	s := closing(t, New(options(d.Addr(), user, pass)))
	s.o.SubscribedOnly = true
	boxes, err := s.Survey(t.Context())
	must(t, err)
	for _, b := range boxes {
		if b.Name != "INBOX" {
			t.Errorf("%q is listed", b.Name)
		}
	}
	found, missing, err := s.Find(t.Context(), []string{"hidden", "nothing", "above", "above/below", "inbox"})
	must(t, err)
	got := ""
	for _, b := range found {
		got += fmt.Sprintf("%s %v %v;", b.Name, b.Selectable, b.Stamp.UIDValidity != 0)
	}
	if got != "hidden true true;above/below true true;INBOX true true;" {
		t.Errorf("found %s", got)
	}
	for _, name := range []string{"nothing", "above"} {
		if err := missing[name]; err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q", name)) || store.ScopeOf(err) != store.ScopeFolder {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(missing) != 2 {
		t.Errorf("missing: %v", missing)
	}
}

// A server that must not be asked for STATUS is asked to open the mailbox.
func TestFindWithoutStatus(t *testing.T) {
	f := (&fake{greeting: "* PREAUTH [CAPABILITY IMAP4rev1] DavMail ready", answer: func(cmd string) string {
		if strings.HasPrefix(cmd, `EXAMINE "no`) {
			return "NO there is none"
		}
		return ""
	}}).serve(t)
	found, missing, err := f.store(nil).Find(t.Context(), []string{"no", "yes"})
	must(t, err)
	if len(found) != 1 || found[0].Name != "yes" || missing["no"] == nil || len(f.commands("STATUS")) > 0 {
		t.Errorf("%+v, %v", found, missing)
	}
}
