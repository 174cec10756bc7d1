package imap

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// upload puts n mails into Box and commits.
func upload(t *testing.T, s *Store, n int) (*work, error) {
	t.Helper()
	w := s.Open("Box", false).Begin().(*work)
	for i := range n {
		b := letter(i)
		if err := w.Put(t.Context(), mail.Mail{Flags: mail.Seen, Size: int64(len(b))}, bytes.NewReader(b)); err != nil {
			w.Discard()
			return w, err
		}
	}
	return w, s.Commit(t.Context(), w)
}

const (
	multi  = "* PREAUTH [CAPABILITY IMAP4rev1 LITERAL+ UIDPLUS MULTIAPPEND] hi"
	single = "* PREAUTH [CAPABILITY IMAP4rev1 LITERAL+ UIDPLUS] hi"
	waits  = "* PREAUTH [CAPABILITY IMAP4rev1 UIDPLUS] hi"
)

func TestUpload(t *testing.T) {
	for _, tc := range []struct {
		name, greeting string
		appends        []string
		added          []mail.UID
		class          store.Class // of Err; -1: none
		text, hint     string
	}{
		{"MULTIAPPEND", multi, []string{"OK [APPENDUID 7 11:13] done"}, []mail.UID{11, 12, 13}, -1, "", ""},
		{"one by one", single, []string{"OK [APPENDUID 7 11] done", "OK [APPENDUID 7 13] done", "OK [APPENDUID 7 12] done"}, []mail.UID{11, 13, 12}, -1, "", ""},
		{"with leave", waits, []string{"OK [APPENDUID 7 11] done", "OK done", "OK [APPENDUID 7 12] done"}, []mail.UID{11, 0, 12}, -1, "", ""},
		{"too few UIDs", multi, []string{"OK [APPENDUID 7 11:12] done"}, []mail.UID{0, 0, 0}, -1, "", ""},
		{"UIDs of another mailbox", multi, []string{"OK [APPENDUID 8 11:13] done"}, []mail.UID{0, 0, 0}, -1, "", ""},
		{"no UIDs", multi, []string{"OK done"}, []mail.UID{0, 0, 0}, -1, "", ""},
		{"full", multi, []string{"NO [OVERQUOTA] Quota exceeded"}, nil, store.Refused, "Quota exceeded", "make room"},
		{"no such mailbox", multi, []string{"NO [TRYCREATE] no such mailbox"}, nil, store.Refused, "no such mailbox", "not there"},
		{"all refused one by one", single, []string{"NO no"}, nil, store.Refused, "no", ""},
		{"full after the first", single, []string{"OK [APPENDUID 7 11] done", "NO [OVERQUOTA] Quota exceeded"}, []mail.UID{11}, store.Temporary, "2 of 3", "make room"},
		{"busy", multi, []string{"NO [UNAVAILABLE] later"}, nil, store.Temporary, "later", ""},
		{"cut off", multi, []string{"-"}, nil, store.Offline, "", ""},
		{"cut off after the first", single, []string{"OK [APPENDUID 7 11] done", "-"}, nil, store.Offline, "", ""},
		{"thrown out", multi, []string{"* BYE too busy"}, nil, store.Temporary, "too busy", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := (&fake{greeting: tc.greeting, answer: turns(map[string][]string{"SELECT": {opened(7, 11, 10, 0)}, "APPEND": tc.appends})}).serve(t)
			s := f.store(nil)
			_, err := s.Open("Box", false).Scan(t.Context(), mail.Known{})
			must(t, err)
			w, err := upload(t, s, 3)
			must(t, err)
			if tc.class < 0 {
				must(t, w.Err())
			} else if err := w.Err(); err == nil || store.ClassOf(err) != tc.class || store.ScopeOf(err) != store.ScopeFolder ||
				!strings.Contains(err.Error(), tc.text) || !strings.Contains(hint(err), tc.hint) {
				t.Errorf("%v (%v), hint %q; want %v, %q", err, store.ClassOf(err), hint(err), tc.class, tc.text)
			}
			if !slices.Equal(w.Added(), tc.added) {
				t.Errorf("added %v, want %v", w.Added(), tc.added)
			}
			must(t, surveyed(t, s)) // the store is still good
		})
	}
}

// The server refuses in the middle of the mails: nothing more is sent, and
// nothing was stored.
func TestUploadRefusedEarly(t *testing.T) {
	f := (&fake{greeting: "* PREAUTH [CAPABILITY IMAP4rev1 MULTIAPPEND] hi"}).serve(t)
	f.literal = func(n int) string {
		if n == 1 {
			return "NO [OVERQUOTA] full"
		}
		return ""
	}
	w, err := upload(t, f.store(nil), 3)
	if err == nil {
		err = w.Err()
	}
	if store.ClassOf(err) != store.Refused || !strings.Contains(err.Error(), "full") || w.Err() == nil {
		t.Errorf("%v (%v), %v", err, store.ClassOf(err), w.Err())
	}
}

func TestUploadTooLarge(t *testing.T) {
	f := (&fake{greeting: "* PREAUTH [CAPABILITY IMAP4rev1 LITERAL+ UIDPLUS MULTIAPPEND APPENDLIMIT=100] hi",
		answer: turns(map[string][]string{"APPEND": {"OK [APPENDUID 7 11] done"}})}).serve(t)
	s := f.store(nil)
	w := s.Open("Box", false).Begin()
	err := w.Put(t.Context(), mail.Mail{Size: 101}, bytes.NewReader(make([]byte, 101)))
	if store.ClassOf(err) != store.Refused || store.ScopeOf(err) != store.ScopeMail || hint(err) == "" {
		t.Errorf("%v (%v)", err, store.ClassOf(err))
	}
	must(t, w.Put(t.Context(), mail.Mail{Size: 3}, strings.NewReader("abc")))
	must(t, s.Commit(t.Context(), w))
	must(t, w.Err())
	if !slices.Equal(w.Added(), []mail.UID{11}) {
		t.Errorf("added %v", w.Added())
	}
}

// The SELECT for what follows goes ahead of the upload, and is not believed
// before it is answered.
func TestChangesBehindUpload(t *testing.T) {
	f := (&fake{answer: turns(map[string][]string{"SELECT": {opened(7, 11, 10, 5)}, "APPEND": {"OK [APPENDUID 7 11] done"}})}).serve(t)
	s := f.store(nil)
	w := s.Open("Box", false).Begin()
	must(t, w.Put(t.Context(), mail.Mail{Size: 3}, strings.NewReader("abc")))
	_, err := w.SetFlags(t.Context(), []mail.FlagChange{{UID: 1, Add: mail.Seen}})
	must(t, err)
	must(t, s.Commit(t.Context(), w))
	var order []string
	for _, c := range f.commands("") {
		verb, _, _ := strings.Cut(c, " ")
		order = append(order, verb)
	}
	if want := []string{"ENABLE", "SELECT", "APPEND", "NOOP", "UID", "UID"}; !slices.Equal(order, want) {
		t.Errorf("%v, want %v", order, want)
	}

	f = (&fake{answer: turns(map[string][]string{"SELECT": {"NO no"}, "APPEND": {"OK [APPENDUID 7 11] done"}})}).serve(t)
	s = f.store(nil)
	w = s.Open("Box", false).Begin()
	must(t, w.Put(t.Context(), mail.Mail{Size: 3}, strings.NewReader("abc")))
	if _, err = w.SetFlags(t.Context(), []mail.FlagChange{{UID: 1, Add: mail.Seen}}); err == nil {
		t.Error("flags were set in a mailbox that cannot be selected")
	}
	if c := f.commands("^UID STORE"); len(c) > 0 {
		t.Errorf("behind a SELECT that failed: %q", c)
	}
	must(t, s.Commit(t.Context(), w))
	if !slices.Equal(w.Added(), []mail.UID{11}) {
		t.Errorf("added %v", w.Added())
	}
}

func TestSetFlagsGroups(t *testing.T) {
	f := (&fake{}).serve(t)
	w := f.store(nil).Open("Box", false).Begin()
	gone, err := w.SetFlags(t.Context(), []mail.FlagChange{
		{UID: 1, Add: mail.Seen}, {UID: 2, Add: mail.Seen}, {UID: 9, Add: mail.Seen | mail.Letter('a'), Clear: mail.Seen | mail.Flagged},
		{UID: 3, Add: mail.Seen}, {UID: 4, Clear: mail.Flagged}, {UID: 5}, {UID: 6, Add: mail.Letter('z')},
	})
	must(t, err)
	want := []string{
		`UID STORE 4 -FLAGS.SILENT (\Flagged)`, `UID STORE 1:3 +FLAGS.SILENT (\Seen)`,
		`UID STORE 9 +FLAGS.SILENT (\Seen $Label1)`, `UID STORE 9 -FLAGS.SILENT (\Flagged)`,
	}
	if c := f.commands("^UID STORE"); !slices.Equal(c, want) {
		t.Errorf("got  %q\nwant %q", c, want)
	}
	if len(gone) != 7 { // the fake finds nothing
		t.Errorf("gone %v", gone)
	}
}

func TestChangeRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		answers map[string][]string
		want    string
	}{
		"read-only": {map[string][]string{"SELECT": {strings.Replace(opened(7, 9, 1, 3), "READ-WRITE", "READ-ONLY", 1)}}, "for reading only"},
		"STORE":     {map[string][]string{"SELECT": {opened(7, 9, 1, 3)}, "UID STORE": {"NO [NOPERM] you may not"}}, "you may not"},
		"gone":      {map[string][]string{"SELECT": {opened(7, 9, 1, 3)}, "UID STORE": {"NO [EXPUNGEISSUED] gone"}}, ""},
	} {
		f := (&fake{answer: turns(tc.answers)}).serve(t)
		w := f.store(nil).Open("Box", false).Begin()
		_, err := w.SetFlags(t.Context(), []mail.FlagChange{{UID: 1, Add: mail.Seen}})
		if tc.want == "" {
			must(t, err)
		} else if store.ClassOf(err) != store.Refused || store.ScopeOf(err) != store.ScopeFolder || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v (%v)", name, err, store.ClassOf(err))
		}
	}
}

var stored = regexp.MustCompile(`^UID STORE (\S+) ([+-])FLAGS.SILENT \(\\Deleted\)$`)

// marks is a server without UIDPLUS that knows which of its mails are marked.
type marks struct {
	marked, expunged map[mail.UID]bool
	between          func(*marks) // before an EXPUNGE or a SEARCH
}

func (m *marks) answer(cmd string) string {
	if s := stored.FindStringSubmatch(cmd); s != nil {
		for u := range set(s[1]).All {
			if m.marked[u] = s[2] == "+"; m.expunged[u] {
				m.marked[u] = false
			}
		}
		return "OK done"
	}
	switch cmd {
	case "UID SEARCH DELETED":
		if m.between != nil {
			m.between(m)
		}
		out := "* SEARCH"
		for u, is := range m.marked {
			if is {
				out += " " + strconv.Itoa(int(u))
			}
		}
		return out + "\r\nOK done"
	case "EXPUNGE":
		for u, is := range m.marked {
			if is {
				m.expunged[u], m.marked[u] = true, false
			}
		}
	}
	return ""
}

// Without UIDPLUS nothing but ours is expunged, and the marks of others stay.
func TestRemoveWithoutUIDPlus(t *testing.T) {
	m := &marks{marked: map[mail.UID]bool{2: true, 8: true}, expunged: map[mail.UID]bool{}}
	f := (&fake{greeting: "* PREAUTH [CAPABILITY IMAP4rev1] hi", answer: m.answer}).serve(t)
	must(t, f.store(nil).Open("Box", false).Begin().Remove(t.Context(), []mail.UID{1, 2, 3}))
	if fmt.Sprint(m.expunged) != "map[1:true 2:true 3:true]" || !m.marked[8] {
		t.Errorf("expunged %v, marked %v", m.expunged, m.marked)
	}

	// Somebody marks another one over and over again.
	m = &marks{marked: map[mail.UID]bool{8: true}, expunged: map[mail.UID]bool{}, between: func(m *marks) { m.marked[9] = true }}
	f = (&fake{greeting: "* PREAUTH [CAPABILITY IMAP4rev1] hi", answer: m.answer}).serve(t)
	err := f.store(nil).Open("Box", false).Begin().Remove(t.Context(), []mail.UID{1})
	if store.ClassOf(err) != store.Temporary || len(m.expunged) > 0 || !m.marked[8] {
		t.Errorf("%v; expunged %v, marked %v", err, m.expunged, m.marked)
	}
}

func TestRemoveMarksOnly(t *testing.T) {
	f := (&fake{}).serve(t)
	w := f.store(func(o *Options) { o.Expunge = false }).Open("Box", false).Begin()
	must(t, w.Remove(t.Context(), []mail.UID{1, 2}))
	if c := f.commands("EXPUNGE|^UID STORE"); !slices.Equal(c, []string{`UID STORE 1:2 +FLAGS.SILENT (\Deleted)`}) {
		t.Errorf("%q", c)
	}
}

func TestWorkIsOver(t *testing.T) {
	f := (&fake{}).serve(t)
	s := f.store(nil)
	w := s.Open("Box", false).Begin()
	must(t, s.Commit(t.Context(), w))
	if err := w.Put(t.Context(), mail.Mail{Size: 1}, strings.NewReader("x")); err == nil {
		t.Error("a mail was put into a work that was committed")
	}
	must(t, s.Commit(t.Context(), w)) // again: nothing
	r := s.Open("Box", true).Begin()
	if err := r.Put(t.Context(), mail.Mail{Size: 1}, strings.NewReader("x")); store.ClassOf(err) != store.Refused {
		t.Errorf("read-only: %v", err)
	}
	if _, err := r.Assign(t.Context(), nil); err == nil {
		t.Error("Assign on a server")
	}
	must(t, s.Close(t.Context()))
	if _, err := s.Survey(t.Context()); !errors.Is(err, errClosed) {
		t.Errorf("after Close: %v", err)
	}
}
