package imap

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
)

func TestSurvey(t *testing.T) {
	const caps = "IMAP4rev1 CONDSTORE LIST-EXTENDED LIST-STATUS"
	for _, tc := range []struct {
		name, greeting string
		options        func(*Options)
		answers        map[string][]string
		want           []store.Mailbox
		commands       []string
		separator      byte
	}{
		{
			name: "LIST-STATUS", greeting: "PREAUTH [CAPABILITY " + caps + "] hi",
			answers: map[string][]string{"LIST": {"* LIST (\\Noinferiors) \"/\" Inbox\r\n* STATUS inbox (MESSAGES 3 UIDNEXT 4 UIDVALIDITY 5 HIGHESTMODSEQ 6)\r\n" +
				"* LIST (\\NoSelect) \"/\" A\r\n* LIST () \"/\" \"A/b\"\r\n* STATUS \"A/b\" (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 5 HIGHESTMODSEQ 0)\r\n" +
				"* LIST (\\NonExistent) \"/\" gone\r\n* LIST () \"/\" \"no status\"\r\n* STATUS other (MESSAGES 1)\r\n* LIST () \"/\" Entw&APw-rfe\r\nOK done"}},
			want: []store.Mailbox{
				{Name: "INBOX", Display: "INBOX", Selectable: true, Stamp: mail.Stamp{UIDValidity: 5, UIDNext: 4, ModSeq: 6, Messages: 3, Sure: true}},
				{Name: "A", Display: "A"}, {Name: "A/b", Display: "A/b", Selectable: true, Stamp: mail.Stamp{UIDValidity: 5, UIDNext: 1}},
				{Name: "gone", Display: "gone"}, {Name: "no status", Display: "no status", Selectable: true},
				{Name: "Entw&APw-rfe", Display: "Entwürfe", Selectable: true},
			},
			commands: []string{`LIST "" "*" RETURN (STATUS (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ))`}, separator: '/',
		},
		{
			name: "STATUS one by one", greeting: "PREAUTH [CAPABILITY IMAP4rev1] hi",
			answers: map[string][]string{"LIST": {"* LIST () \".\" INBOX\r\n* LIST () \".\" Locked\r\n* LIST (\\Noselect) \".\" None\r\nOK done"},
				"STATUS \"INBOX\"": {"* STATUS INBOX (MESSAGES 3 UIDNEXT 4 UIDVALIDITY 5)\r\nOK done"}, "STATUS \"Locked\"": {"NO no right"}},
			want: []store.Mailbox{
				{Name: "INBOX", Display: "INBOX", Selectable: true, Stamp: mail.Stamp{UIDValidity: 5, UIDNext: 4, Messages: 3}},
				{Name: "Locked", Display: "Locked", Selectable: true}, {Name: "None", Display: "None"},
			},
			commands: []string{`LIST "" "*"`, `STATUS "INBOX" (MESSAGES UIDNEXT UIDVALIDITY)`, `STATUS "Locked" (MESSAGES UIDNEXT UIDVALIDITY)`}, separator: '.',
		},
		{
			name: "capabilities with the first flight", greeting: "PREAUTH hi",
			answers: map[string][]string{"CAPABILITY": {"* CAPABILITY IMAP4rev1 LIST-STATUS\r\nOK done"},
				"LIST": {"* LIST () \"/\" INBOX\r\nOK done", "* LIST () \"/\" INBOX\r\n* STATUS INBOX (MESSAGES 3 UIDNEXT 4 UIDVALIDITY 5)\r\nOK done"}},
			want:     []store.Mailbox{{Name: "INBOX", Display: "INBOX", Selectable: true, Stamp: mail.Stamp{UIDValidity: 5, UIDNext: 4, Messages: 3}}},
			commands: []string{"CAPABILITY", `LIST "" "*"`, `LIST "" "*" RETURN (STATUS (MESSAGES UIDNEXT UIDVALIDITY))`}, separator: '/',
		},
		{
			name: "LIST-STATUS that is refused", greeting: "PREAUTH [CAPABILITY " + caps + "] hi",
			answers: map[string][]string{"LIST \"\" \"*\" RETURN": {"BAD what?"}, "LIST": {"* LIST () NIL INBOX\r\nOK done"},
				"STATUS": {"* STATUS INBOX (MESSAGES 3 UIDNEXT 4 UIDVALIDITY 5)\r\nOK done"}},
			want: []store.Mailbox{{Name: "INBOX", Display: "INBOX", Selectable: true, Stamp: mail.Stamp{UIDValidity: 5, UIDNext: 4, Messages: 3}}},
		},
		{
			name: "subscribed", greeting: "PREAUTH [CAPABILITY " + caps + "] hi", options: func(o *Options) { o.SubscribedOnly, o.Reference = true, "Mail/" },
			answers:  map[string][]string{"LIST": {"* LIST (\\Subscribed) \"/\" Mail/a\r\n* STATUS Mail/a (MESSAGES 3 UIDNEXT 4 UIDVALIDITY 5 HIGHESTMODSEQ 9)\r\nOK done"}},
			want:     []store.Mailbox{{Name: "Mail/a", Display: "Mail/a", Selectable: true, Stamp: stamp(5, 4, 9, 3)}},
			commands: []string{`LIST (SUBSCRIBED) "Mail/" "*" RETURN (STATUS (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ))`}, separator: '/',
		},
		{
			name: "subscribed, without LIST-STATUS", greeting: "PREAUTH [CAPABILITY IMAP4rev1 LIST-EXTENDED] hi", options: func(o *Options) { o.SubscribedOnly = true },
			answers:  map[string][]string{"LIST": {"* LIST (\\Subscribed) \"/\" a\r\nOK done"}, "STATUS": {"* STATUS a (MESSAGES 3 UIDNEXT 4 UIDVALIDITY 5)\r\nOK done"}},
			want:     []store.Mailbox{{Name: "a", Display: "a", Selectable: true, Stamp: mail.Stamp{UIDValidity: 5, UIDNext: 4, Messages: 3}}},
			commands: []string{`LIST (SUBSCRIBED) "" "*"`, `STATUS "a" (MESSAGES UIDNEXT UIDVALIDITY)`}, separator: '/',
		},
		{
			name: "LSUB", greeting: "PREAUTH [CAPABILITY IMAP4rev1] hi", options: func(o *Options) { o.SubscribedOnly = true },
			answers:  map[string][]string{"LSUB": {"* LSUB () \"/\" a\r\nOK done"}},
			want:     []store.Mailbox{{Name: "a", Display: "a", Selectable: true}},
			commands: []string{`LSUB "" "*"`, `STATUS "a" (MESSAGES UIDNEXT UIDVALIDITY)`}, separator: '/',
		},
		{
			name: "nothing to list", greeting: "PREAUTH [CAPABILITY " + caps + "] hi",
			answers:   map[string][]string{"LIST \"\" \"*\"": {"OK done"}, "LIST \"\" \"\"": {"* LIST (\\Noselect) \"|\" \"\"\r\nOK done"}},
			separator: '|',
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := (&fake{greeting: "* " + tc.greeting, answer: longest(tc.answers)}).serve(t)
			s := f.store(tc.options)
			boxes, err := s.Survey(t.Context())
			must(t, err)
			if !reflect.DeepEqual(boxes, tc.want) {
				t.Errorf("got  %+v\nwant %+v", boxes, tc.want)
			}
			if c := f.commands(""); tc.commands != nil && !slices.Equal(c, tc.commands) {
				t.Errorf("it took %q", c)
			}
			if sep := s.Properties().Separator; sep != tc.separator {
				t.Errorf("separator %q", sep)
			}
		})
	}
}

// longest is turns with the most particular prefix.
func longest(answers map[string][]string) func(string) string {
	at := map[string]int{}
	return func(cmd string) string {
		best := ""
		for p := range answers {
			if strings.HasPrefix(cmd, p) && len(p) > len(best) {
				best = p
			}
		}
		if best == "" {
			return ""
		}
		as := answers[best]
		i := min(at[best], len(as)-1)
		at[best]++
		return as[i]
	}
}

func TestSurveyFails(t *testing.T) {
	f := (&fake{answer: turns(map[string][]string{"LIST": {"NO [UNAVAILABLE] later"}})}).serve(t)
	_, err := f.store(nil).Survey(t.Context())
	if store.ClassOf(err) != store.Temporary || store.ScopeOf(err) != store.ScopeStore {
		t.Errorf("%v (%v)", err, store.ClassOf(err))
	}
}

// Many mailboxes are asked for in flights that servers can take.
func TestSurveyManyMailboxes(t *testing.T) {
	var sb strings.Builder
	for i := range 250 {
		fmt.Fprintf(&sb, "* LIST () \"/\" \"Box %d\"\r\n", i)
	}
	f := (&fake{greeting: "* PREAUTH [CAPABILITY IMAP4rev1] hi", answer: func(cmd string) string {
		if strings.HasPrefix(cmd, "LIST") {
			return sb.String() + "OK done"
		}
		if name, ok := strings.CutPrefix(cmd, "STATUS "); ok {
			name, _, _ = strings.Cut(name, " (")
			return "* STATUS " + name + " (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 3)\r\nOK done"
		}
		return ""
	}}).serve(t)
	boxes, err := f.store(nil).Survey(t.Context())
	must(t, err)
	for _, b := range boxes {
		if b.Stamp.UIDValidity != 3 {
			t.Errorf("%s has the stamp %+v", b.Name, b.Stamp)
		}
	}
	if len(boxes) != 250 {
		t.Errorf("%d mailboxes", len(boxes))
	}
}

func TestCreate(t *testing.T) {
	for _, tc := range []struct {
		name    string
		answers map[string][]string
		options func(*Options)
		ok      bool
		want    []string
	}{
		{"made", nil, nil, true, []string{`CREATE "a/b/c"`}},
		{"there already", map[string][]string{"CREATE": {"NO [ALREADYEXISTS] x"}}, nil, true, []string{`CREATE "a/b/c"`}},
		{"parents first", map[string][]string{"CREATE": {"NO no parent", "OK", "OK", "OK"}}, nil, true,
			[]string{`CREATE "a/b/c"`, `CREATE "a"`, `CREATE "a/b"`, `CREATE "a/b/c"`}},
		{"there already, in other words", map[string][]string{"CREATE": {"NO Mailbox exists"}, `LIST "" "a/b/c"`: {"* LIST () \"/\" a/b/c\r\nOK done"}}, nil, true, nil},
		{"refused", map[string][]string{"CREATE": {"NO [NOPERM] you may not"}, `LIST "" "a/b/c"`: {"* LIST (\\Noselect) \"/\" a/b/c\r\nOK done"}}, nil, false, nil},
		{"subscribed", nil, func(o *Options) { o.SubscribedOnly = true }, true, []string{`CREATE "a/b/c"`, `SUBSCRIBE "a/b/c"`}},
	} {
		f := (&fake{answer: longest(tc.answers)}).serve(t)
		s := f.store(tc.options)
		must(t, surveyed(t, s))
		err := s.Create(t.Context(), "a/b/c")
		if tc.ok != (err == nil) {
			t.Errorf("%s: %v", tc.name, err)
		}
		if err != nil && (store.ClassOf(err) != store.Refused || store.ScopeOf(err) != store.ScopeFolder || !strings.Contains(err.Error(), "you may not")) {
			t.Errorf("%s: %v (%v)", tc.name, err, store.ClassOf(err))
		}
		if c := f.commands("^(CREATE|SUBSC)"); tc.want != nil && !slices.Equal(c, tc.want) {
			t.Errorf("%s: %q", tc.name, c)
		}
	}
}
